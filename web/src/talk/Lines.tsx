import { ArrowDown } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { talk as t } from "../i18n/talk.texts";
import type { Talk, TalkLine } from "../state/conversation";
import { WORDS } from "../state/conversation";
import { gently } from "../ui/motion";
import { dayKey, dayName } from "./days";
import { Line } from "./Line";

interface Props {
  talk: Talk;
  /** The time zone of what was said; without it the reader's own. */
  zone?: string | undefined;
  /** The shop's: that of what was agreed. */
  shopZone: string | undefined;
  /** What stands there while nothing was said. */
  blank: ComponentChildren;
}

const NEAR_END = 80;
const NEAR_START = 900;
const TOGETHER_MS = 5 * 60_000;
const CROWDED = 200;
const MARKED_MS = 1600;

/** The conversation: the newest is at the bottom and stays there; older ones come as one scrolls up. */
export function Lines({ talk, zone, shopZone, blank }: Props) {
  const scroller = useRef<HTMLElement>(null);
  const tall = useRef(0);
  const [atEnd, setAtEnd] = useState(true);
  const [unseen, setUnseen] = useState(0);
  const [chosen, setChosen] = useState<string | null>(null);
  const lines = talk.lines.value;
  const staff = talk.conversations.me.side === "staff";
  const newest = lines?.at(-1);
  const count = lines?.length ?? 0;
  const elsewhere = talk.place.hasNewer.value;
  const newAfter = talk.newAfter.value;
  const firstNew =
    newAfter === null
      ? null
      : lines?.find((line) => !line.ours && line.position > newAfter && WORDS.has(line.kind))?.id;
  const heads = useRef({ newest: newest?.id, elsewhere });

  // The list hangs at its end (column-reverse): while one reads further up, what comes below must not move it.
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const grown = box.scrollHeight - tall.current;
    tall.current = box.scrollHeight;
    const before = heads.current;
    const wasElsewhere = before.elsewhere;
    heads.current = { newest: newest?.id, elsewhere };
    if (!newest || newest.id === before.newest) return;
    const isBack = wasElsewhere && !elsewhere && !talk.target.peek(); // else it has read on to the end
    if (isBack || newest.state === "waiting") box.scrollTop = 0;
    else if (!atEnd || wasElsewhere) {
      box.scrollTop -= grown;
      if (!elsewhere && !wasElsewhere && !newest.mine) setUnseen((n) => n + 1);
    }
  });

  useEffect(() => {
    if (!atEnd || elsewhere) return;
    setUnseen(0);
    talk.markRead();
    if (count > CROWDED) talk.trim();
    const visible = () => talk.markRead();
    document.addEventListener("visibilitychange", visible);
    return () => document.removeEventListener("visibilitychange", visible);
  }, [talk, talk.head.value, atEnd, elsewhere, count]);

  // A search found it: it is brought to the middle and stays marked for a while.
  const target = talk.target.value;
  const shown = useRef<typeof target>(null);
  useEffect(() => {
    if (target && target !== shown.current && jump(target.id, "instant")) shown.current = target;
  }, [target, count]);

  // Before one comes to an end of what is here, the next part is asked for.
  const readOn = () => {
    const box = scroller.current;
    if (!box) return;
    const up = -box.scrollTop;
    if (up < NEAR_START && talk.place.hasNewer.peek()) void talk.place.newer().catch(() => undefined);
    if (talk.hasOlder.peek() && box.scrollHeight - box.clientHeight - up < NEAR_START) void talk.older();
  };
  useEffect(readOn, [talk, talk.hasOlder.value, count, newest?.id]);
  const scrolled = () => {
    setAtEnd(-(scroller.current?.scrollTop ?? 0) < NEAR_END);
    readOn();
  };
  const toEnd = () => {
    talk.target.value = null;
    talk.place.leave();
    scroller.current?.scrollTo({ top: 0, behavior: elsewhere ? "instant" : gently() });
  };
  const jump = (id: string, behavior: ScrollBehavior = gently()) => {
    const found = document.getElementById(`line-${id}`);
    if (!found) return false;
    found.scrollIntoView({ block: "center", behavior });
    found.classList.add("marked");
    setTimeout(() => found.classList.remove("marked"), MARKED_MS);
    return true;
  };

  return (
    <div class="talk-lines">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
      <section class="talk-scroll" ref={scroller} onScroll={scrolled} tabIndex={0} aria-label={t("messages")}>
        {lines?.length === 0 && <div class="talk-blank">{blank}</div>}
        {lines === null && <div class="talk-blank" role="status" aria-label={t("opening")} />}
        {count > 0 && (
          <div class="talk-list">
            {talk.loadingOlder.value && (
              <p class="talk-older" role="status">
                <span class="spinner" aria-hidden="true" />
                <span class="unseen">{t("older")}</span>
              </p>
            )}
            {!talk.hasOlder.value && <p class="talk-beginning">{t("beginning")}</p>}
            {days(lines ?? [], zone).map((day) => (
              <section key={day.key} class="talk-day" aria-label={dayName(day.lines[0]?.at ?? "", zone)}>
                <p class="talk-date">
                  <span>{dayName(day.lines[0]?.at ?? "", zone)}</span>
                </p>
                <ol aria-live={atEnd && !elsewhere ? "polite" : "off"} aria-relevant="additions">
                  {day.lines.map((line, i) => (
                    <Line
                      key={line.id}
                      isNew={line.id === firstNew}
                      line={line}
                      talk={talk}
                      staff={staff}
                      find={talk.line}
                      zone={zone}
                      shopZone={shopZone}
                      first={!together(day.lines[i - 1], line)}
                      last={!together(line, day.lines[i + 1])}
                      chosen={chosen === line.id}
                      onChoose={setChosen}
                      onJump={jump}
                    />
                  ))}
                </ol>
              </section>
            ))}
            {!elsewhere && <Typing talk={talk} />}
          </div>
        )}
      </section>
      {(!atEnd || elsewhere) && (
        <button
          type="button"
          class={unseen ? "talk-down fresh" : "talk-down"}
          aria-label={unseen ? t("fresh", { n: unseen }) : t("newest")}
          onClick={toEnd}
        >
          <ArrowDown size={22} aria-hidden="true" />
          {unseen > 0 && <span aria-hidden="true">{unseen}</span>}
        </button>
      )}
    </div>
  );
}

function Typing({ talk }: { talk: Talk }) {
  const names = talk.typing.value;
  const word = talk.conversations.me.side === "staff" ? "writes" : "answers";
  return (
    <p class={names.length ? "talk-typing on" : "talk-typing"} role="status">
      {names.length > 0 && (
        <>
          <span class="talk-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {t(word, { name: names.join(", ") })}
        </>
      )}
    </p>
  );
}

function days(lines: readonly TalkLine[], zone: string | undefined): { key: string; lines: TalkLine[] }[] {
  const found: { key: string; lines: TalkLine[] }[] = [];
  for (const line of lines) {
    const key = dayKey(line.at, zone);
    const last = found.at(-1);
    if (last?.key === key) last.lines.push(line);
    else found.push({ key, lines: [line] });
  }
  return found;
}

/** Said by one person in a row: drawn as one. */
export function together(one: TalkLine | undefined, next: TalkLine | undefined): boolean {
  if (!one || !next || !WORDS.has(one.kind) || !WORDS.has(next.kind)) return false;
  return one.author === next.author && Date.parse(next.at) - Date.parse(one.at) < TOGETHER_MS;
}
