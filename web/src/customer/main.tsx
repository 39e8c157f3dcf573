import { effect } from "@preact/signals";
import { render } from "preact";
import "../ui/base.css";
import "../ui/controls.css";
import "./customer.css";
import { language } from "../i18n/language";
import { openCustomer } from "../state/customer";
import { App } from "./App";

const slug = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const token = new URLSearchParams(location.search).get("t");
const place = document.getElementById("app") as HTMLElement;

effect(() => {
  document.documentElement.lang = language.value;
  const manifest = `/s/${encodeURIComponent(slug)}/manifest.webmanifest?language=${language.value}`;
  document.getElementById("manifest")?.setAttribute("href", manifest);
});

if (/^\/s\/[^/]+\/chat\/?$/.test(location.pathname)) {
  void import("./chat").then(({ openChat }) => openChat(slug, token, place));
} else {
  const customer = openCustomer(slug, token);
  render(<App customer={customer} />, place);
  void customer.enter();
}
