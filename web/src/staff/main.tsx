import { render } from "preact";
import "../ui/base.css";
import "../ui/controls.css";
import "./staff.css";
import { openDoor } from "../state/staffDoor";
import { App } from "./App";

const door = openDoor();
void door.check();
render(<App door={door} />, document.getElementById("app") as HTMLElement);
