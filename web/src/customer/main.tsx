import { render } from "preact";
import "../ui/base.css";
import "../ui/controls.css";

render(<main />, document.getElementById("app") as HTMLElement);
