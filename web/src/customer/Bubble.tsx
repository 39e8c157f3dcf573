import { Check, CheckCheck, Clock, RotateCcw } from "lucide-preact";
import { clock } from "../i18n/format";
import { errorText, shared } from "../i18n/shared.texts";
import type { ChatLine } from "../state/session";

/** One message with its mark: sending, sent, delivered, read. */
export function Bubble({ line, again }: { line: ChatLine; again?(): void }) {
  const failed = line.state === "failed";
  return (
    <li class={line.mine ? "bubble mine" : "bubble"}>
      {!line.mine && <span class="bubble-name">{line.authorName}</span>}
      <p>{line.text}</p>
      <span class="bubble-foot">
        <time dateTime={line.at}>{clock(line.at)}</time>
        {line.mine && <Receipt state={line.state} />}
      </span>
      {failed && (
        <button type="button" class="text-button" onClick={again} title={errorText(line.code ?? "unknown")}>
          <RotateCcw size={14} aria-hidden="true" />
          {shared("not_sent")} · {shared("retry")}
        </button>
      )}
    </li>
  );
}

function Receipt({ state }: { state: ChatLine["state"] }) {
  if (state === "failed") return null;
  const word = {
    sending: shared("sending"),
    sent: shared("sent"),
    delivered: shared("delivered"),
    read: shared("read"),
  }[state];
  const Icon = state === "sending" ? Clock : state === "sent" ? Check : CheckCheck;
  return (
    <span class={`receipt ${state}`} role="img" aria-label={word} title={word}>
      <Icon size={14} aria-hidden="true" />
    </span>
  );
}
