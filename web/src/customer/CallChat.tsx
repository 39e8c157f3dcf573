import { ChevronDown, MessageCircle } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import type { CallTalk } from "../state/callTalk";
import { lineOf, type Talk, type TalkLine, WORDS } from "../state/conversation";
import type { Customer, PastCall } from "../state/customer";
import { Composer } from "../talk/Composer";
import { Line } from "../talk/Line";
import { Lines } from "../talk/Lines";
import { LinkNote } from "../talk/State";
import { Written } from "../talk/Written";
import { useMatches } from "../ui/useMatches";
import "../talk/talk.css";
import "../talk/talk-parts.css";
import "../talk/talk-room.css";
import "./call-chat.css";
import { t } from "./texts";

const PEEK = 2;
const PEEK_FOR_MS = 12_000;
const BESIDE = "(min-width: 900px), (orientation: landscape) and (max-height: 520px)"; // as in call-sizes.css

interface Props {
  customer: Customer;
  chat: CallTalk;
  active: boolean;
  open: boolean;
  onOpen(open: boolean): void;
}

export function CallChat({ customer, chat, active, open, onOpen }: Props) {
  const { talk } = chat;
  const wide = useMatches(BESIDE);
  const all = open || wide;
  const zone = customer.entered.value?.shop.time_zone;
  const since = customer.session.call.value?.answered_at ?? null;
  const ended = chat.status.value === "ended";
  const unread = open ? 0 : talk.unread.value;
  const word = open ? t("close_chat") : t("open_chat");
  return (
    <section class={`chat talk talk-room${all ? " open" : ""}`} aria-label={t("chat")}>
      {all ? (
        active && <Lines talk={talk} shopZone={zone} blank={<p class="muted">{t("no_messages")}</p>} />
      ) : (
        <Peek talk={talk} since={since} active={active} zone={zone} onOpen={() => onOpen(true)} />
      )}
      {(all || ended) && <LinkNote talk={talk} status={chat.status.value} />}
      {!ended && (
        <Composer
          talk={talk}
          inCall
          before={
            !wide && (
              <button
                type="button"
                class="talk-round chat-toggle"
                aria-label={unread > 0 ? `${word} (${unread})` : word}
                aria-expanded={open}
                onClick={() => onOpen(!open)}
              >
                {open ? <ChevronDown size={24} aria-hidden="true" /> : <MessageCircle size={24} aria-hidden="true" />}
                {unread > 0 && <span aria-hidden="true">{unread}</span>}
              </button>
            )
          }
        />
      )}
    </section>
  );
}

/** The newest words of this call, for a while. They are on the screen: seen is read, unless there are more than these. */
function Peek(props: { talk: Talk; since: string | null; active: boolean; zone: string | undefined; onOpen(): void }) {
  const { talk, since, active, zone, onOpen } = props;
  const lines = ofCall(talk.lines.value ?? [], since).slice(-PEEK);
  const newest = lines.at(-1)?.id;
  const fresh = useFresh(newest);
  useEffect(() => {
    if (!active) return;
    const theirs = lines.filter((line) => !line.ours).length;
    const read = () => talk.unread.peek() <= theirs && talk.markRead();
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [talk, active, newest, talk.head.value, talk.unread.value]);
  return (
    <ol class="chat-peek" aria-live="polite" aria-relevant="additions">
      {lines
        .filter((line) => fresh || line.state === "refused")
        .map((line) => (
          <Line
            key={line.id}
            line={line}
            talk={talk}
            staff={false}
            find={talk.line}
            first
            last
            zone={undefined}
            shopZone={zone}
            isNew={false}
            chosen={false}
            onChoose={onOpen}
            onJump={onOpen}
          />
        ))}
    </ol>
  );
}

/** What was written during the call, and what of it has not been sent yet; on the page after it. */
export function CallWords({ chat, past, me }: { chat: CallTalk | null; past: PastCall | null; me: string }) {
  const kept = (past?.said ?? []).map((entry) => lineOf(entry, { id: me, side: "customer" }));
  const here = ofCall(chat?.talk.lines.value ?? [], past?.call.answered_at ?? null);
  const known = new Set(here.map((line) => line.id));
  const lines = [...kept.filter((line) => !known.has(line.id)), ...here];
  if (!lines.length) return null;
  return (
    <section class="card">
      <h2>{t("messages")}</h2>
      <Written lines={lines} talk={chat?.talk ?? null} staff={false} />
    </section>
  );
}

function ofCall(lines: readonly TalkLine[], since: string | null): TalkLine[] {
  const from = since === null ? Number.POSITIVE_INFINITY : Date.parse(since);
  const isUnsent = (line: TalkLine) => line.state === "waiting" || line.state === "refused";
  return lines.filter((line) => WORDS.has(line.kind) && (isUnsent(line) || Date.parse(line.at) >= from));
}

/** True for a while after `id` has changed. */
function useFresh(id: string | undefined): boolean {
  const [fresh, setFresh] = useState(true);
  useEffect(() => {
    setFresh(true);
    const timer = setTimeout(setFresh, PEEK_FOR_MS, false);
    return () => clearTimeout(timer);
  }, [id]);
  return fresh;
}
