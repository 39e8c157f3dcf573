import { type ComponentChildren, Fragment } from "preact";
import type { Talk, TalkLine } from "../state/conversation";
import { Line } from "./Line";
import { together } from "./Lines";

interface Props {
  lines: readonly TalkLine[];
  /** Null: the lines are only shown. */
  talk: Talk | null;
  staff: boolean;
  zone?: string | undefined;
  /** What happened meanwhile: each stands before the lines that were written after it. */
  happened?: readonly { at: string; what: ComponentChildren }[];
}

/** What was written in a part of the conversation, for good: during a call that is over. */
export function Written({ lines, talk, staff, zone, happened = [] }: Props) {
  const find = (id: string) => lines.find((line) => line.id === id);
  const between = (from: string | undefined, to: string | undefined) =>
    happened.filter(({ at }) => (from === undefined || at > from) && (to === undefined || at <= to));
  return (
    <ol class="talk-written">
      {lines.map((line, i) => (
        <Fragment key={line.id}>
          {between(lines[i - 1]?.at, line.at).map(({ what }) => what)}
          <Line
            line={line}
            talk={talk}
            staff={staff}
            find={find}
            first={!together(lines[i - 1], line)}
            last={!together(line, lines[i + 1])}
            zone={zone}
            shopZone={zone}
            isNew={false}
            chosen={false}
            onChoose={() => undefined}
            onJump={(id) => document.getElementById(`line-${id}`)?.scrollIntoView({ block: "center" })}
          />
        </Fragment>
      ))}
      {between(lines.at(-1)?.at, undefined).map(({ what }) => what)}
    </ol>
  );
}
