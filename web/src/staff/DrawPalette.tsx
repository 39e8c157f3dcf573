import { Check, Circle, Eraser, MoveUpRight, PenLine, Type, Undo2 } from "lucide-preact";
import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Point, type Rect, toBox } from "../board/geometry";
import type { Tool } from "../board/growing";
import { COLORS, THICKNESS } from "../board/shapes";
import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import { penStyle } from "./penStyle";
import { useStaff } from "./staffContext";

const TOOLS: readonly (readonly [Tool, JSX.Element])[] = [
  ["pen", <PenLine size={22} key="pen" />],
  ["arrow", <MoveUpRight size={22} key="arrow" />],
  ["circle", <Circle size={22} key="circle" />],
  ["number", <span class="one" key="number" />],
  ["text", <Type size={22} key="text" />],
];
const WORDS_WIDTH = 320;
const COLOR_NAMES = ["red", "yellow", "green", "blue", "white"] as const;
const WIDTHS = ["fine", "normal", "bold"] as const;

/** What to draw with: beside an upright picture, `low` under a wide one, where neither covers what is inspected. */
export function DrawPalette({ low, onDone }: { low: boolean; onDone: () => void }) {
  const { board } = useStaff();
  const style = penStyle.value;
  const set = (change: Partial<typeof style>) => {
    penStyle.value = { ...style, ...change };
  };
  const some = board.strokes.value.length > 0;
  return (
    <div class={low ? "palette low" : "palette"} role="toolbar" aria-label={staff("drawing_tools")}>
      <div class="palette-row shapes">
        {TOOLS.map(([tool, icon]) => (
          <Pick key={tool} name={staff(`tool_${tool}`)} on={style.tool === tool} run={() => set({ tool })}>
            {icon}
          </Pick>
        ))}
      </div>
      <div class="palette-row">
        {COLORS.map((color, i) => (
          <Pick
            key={color}
            name={staff(`color_${COLOR_NAMES[i] ?? "red"}`)}
            on={style.color === color}
            run={() => set({ color })}
          >
            <span class="ink" style={{ background: color }} />
          </Pick>
        ))}
      </div>
      <div class="palette-row lines">
        {WIDTHS.map((width) => (
          <Pick
            key={width}
            name={staff(`thickness_${width}`)}
            on={style.width === THICKNESS[width]}
            run={() => set({ width: THICKNESS[width] })}
          >
            <span class={`line-${width}`} />
          </Pick>
        ))}
      </div>
      <div class="palette-row">
        <Pick name={staff("undo")} off={!some} run={board.undo}>
          <Undo2 size={22} />
        </Pick>
        <Pick name={staff("clear")} off={!some} run={board.clear}>
          <Eraser size={22} />
        </Pick>
        <Pick name={staff("done")} run={onDone} strong>
          <Check size={22} />
        </Pick>
      </div>
      <p class="palette-hint">{staff("drawing_hint")}</p>
    </div>
  );
}

function Pick(props: {
  name: string;
  on?: boolean;
  off?: boolean;
  strong?: boolean;
  run: () => void;
  children: JSX.Element;
}) {
  return (
    <button
      type="button"
      class={props.strong ? "pick strong" : "pick"}
      aria-label={props.name}
      title={props.name}
      aria-pressed={props.on}
      disabled={props.off}
      onClick={props.run}
    >
      <span class="pick-icon" aria-hidden="true">
        {props.children}
      </span>
    </button>
  );
}

/** Where letters are typed, on the picture itself. */
export function WordsBox({ at, content, onDone }: { at: Point; content: Rect; onDone: (text: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  useLayoutEffect(() => field.current?.focus(), []);
  const [x, y] = toBox(at, content);
  // Near the right edge the box would leave the picture.
  const left = Math.max(content.x, Math.min(x, content.x + content.width - WORDS_WIDTH));
  return (
    <form
      class="board-words"
      style={{ left, top: y }}
      onSubmit={(event) => {
        event.preventDefault();
        onDone(text.trim());
      }}
    >
      <input
        ref={field}
        class="input"
        aria-label={staff("text_on_picture")}
        maxLength={120}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && onDone("")}
      />
      <button type="submit" class="button main small">
        {text.trim() ? staff("place_text") : shared("cancel")}
      </button>
    </form>
  );
}
