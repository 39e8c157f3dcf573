import { signal } from "@preact/signals";
import type { Style } from "../board/growing";
import { THICKNESS } from "../board/shapes";

/** What staff draw with; it lasts from call to call. */
export const penStyle = signal<Style>({ tool: "pen", color: "#ff3b30", width: THICKNESS.normal });
