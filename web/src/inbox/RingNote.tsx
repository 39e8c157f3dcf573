import { PhoneOff, Video, X } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { ringText as it } from "../i18n/ring.texts";
import { useStaff } from "../staff/staffContext";
import { RING_FOR_MS, type Talk, type TalkLine } from "../state/conversation";
import { serverNow } from "../wire/serverClock";
import { useInbox } from "./inboxContext";

const TOLD_FOR_MS = 3 * 60_000;

/** That it rings at the customer's, and what became of it; it is in the conversation afterwards. */
export function RingNote({ talk, customer, name }: { talk: Talk; customer: string; name: string }) {
  const inbox = useInbox();
  const { notices } = useStaff();
  const [closed, close] = useState("");
  const ring = talk.lines.value?.findLast((line) => line.kind === "ring");
  const age = useAge(ring);
  if (!ring || ring.id === closed || age > TOLD_FOR_MS) return null;
  const answer = ring.body.answer as "accepted" | "declined" | "withdrawn" | null;
  const rings = !answer && age < RING_FOR_MS;
  if (answer === "withdrawn") return null;
  const here = inbox.here.value.has(customer);
  const refuse = (error: unknown) => notices.refuse(error);
  const stop = () => {
    const { position } = ring;
    const frame = { type: "chat.ring.answer", conversation: customer, position, answer: "withdrawn" } as const;
    inbox.conversations.value?.ask(frame).catch(refuse);
  };
  const told = rings ? (here ? "ringing" : "ringing_away") : answer ? (`rung_${answer}` as const) : "rung_missed";
  return (
    <div class={rings ? "ring-note rings" : "ring-note"} role="status">
      {answer === "accepted" || rings ? (
        <Video size={20} aria-hidden="true" />
      ) : (
        <PhoneOff size={20} aria-hidden="true" />
      )}
      <p>{it(told, { name })}</p>
      {rings && (
        <button type="button" class="button small" onClick={stop}>
          {it("ring_stop")}
        </button>
      )}
      {!rings && answer !== "accepted" && (
        <button type="button" class="button small" onClick={() => void inbox.ring(customer).catch(refuse)}>
          {it("ring_again")}
        </button>
      )}
      {!rings && (
        <button type="button" class="icon-button" aria-label={it("ring_done")} onClick={() => close(ring.id)}>
          <X size={20} aria-hidden="true" />
        </button>
      )}
    </div>
  );
}

/** How old it is, each second, by the server's clock. */
function useAge(ring: TalkLine | undefined): number {
  const [, tick] = useState(0);
  const age = ring ? serverNow() - Date.parse(ring.at) : Number.POSITIVE_INFINITY;
  const young = age < TOLD_FOR_MS;
  useEffect(() => {
    if (!young) return;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [young]);
  return age;
}
