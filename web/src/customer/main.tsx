import { effect } from "@preact/signals";
import { render } from "preact";
import "../ui/base.css";
import "../ui/controls.css";
import "./customer.css";
import { language } from "../i18n/language";
import { openCustomer } from "../state/customer";
import { App } from "./App";

const slug = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const customer = openCustomer(slug, new URLSearchParams(location.search).get("t"));

effect(() => {
  document.documentElement.lang = language.value;
});

render(<App customer={customer} />, document.getElementById("app") as HTMLElement);
void customer.enter();
