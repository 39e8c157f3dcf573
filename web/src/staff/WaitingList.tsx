import { BellOff, BellRing, Coffee, Moon, Phone, WifiOff } from "lucide-preact";
import { duration } from "../i18n/format";
import { staff } from "../i18n/staff.texts";
import type { WaitingView } from "../wire/frames";
import { soundIsBlocked, unlockSound } from "./chime";
import { useStaff } from "./staffContext";
import { useSecondsSince } from "./useTicking";

/** Who waits, longest first, each with the way in at the right-hand edge. */
export function WaitingList() {
  const { desk } = useStaff();
  const waiting = desk.line.value?.waiting ?? [];
  const available = desk.available.value;
  return (
    <section class={waiting.length ? "card line busy" : "card line"} aria-labelledby="waiting-title">
      <div class="line-top">
        <h2 id="waiting-title">{staff("waiting")}</h2>
        {waiting.length > 0 && <span class="count">{waiting.length}</span>}
        {available && soundIsBlocked.value && (
          <button type="button" class="button small" onClick={() => void unlockSound()}>
            <BellOff size={18} aria-hidden="true" />
            {staff("sound_off")}
          </button>
        )}
      </div>
      <ul class="line-list" aria-label={staff("waiting")}>
        {waiting.map((one) => (
          <Waiter key={one.call_id} one={one} />
        ))}
      </ul>
      {waiting.length === 0 && <Empty available={available} />}
    </section>
  );
}

function Waiter({ one }: { one: WaitingView }) {
  const { desk } = useStaff();
  const seconds = useSecondsSince(one.since) ?? 0;
  const nameId = `waiting-${one.call_id}`;
  return (
    <li class={one.connected ? "waiter" : "waiter away"}>
      <span class="face" aria-hidden="true">
        {one.name.slice(0, 1).toUpperCase()}
      </span>
      <div class="waiter-words">
        <p class="waiter-name" id={nameId}>
          {one.name}
        </p>
        <p class={one.matter ? "waiter-matter" : "waiter-matter muted"}>{one.matter || staff("no_matter")}</p>
        <p class="waiter-facts">
          <time dateTime={one.since} class={seconds > 180 ? "long" : ""}>
            {staff("waiting_since", { time: duration(seconds) })}
          </time>
          {!one.connected && (
            <span class="pill warn">
              <WifiOff size={14} aria-hidden="true" />
              {staff("out_of_reach")}
            </span>
          )}
        </p>
      </div>
      <button type="button" class="button main answer" aria-describedby={nameId} onClick={() => void desk.answer(one)}>
        <Phone size={22} aria-hidden="true" />
        {staff("answer")}
      </button>
    </li>
  );
}

function Empty({ available }: { available: boolean }) {
  return (
    <div class="empty">
      <span class="empty-art" aria-hidden="true">
        {available ? <Coffee size={44} strokeWidth={1.5} /> : <Moon size={44} strokeWidth={1.5} />}
      </span>
      <p class="empty-title">{staff(available ? "line_empty" : "line_unavailable")}</p>
      <p class="muted">
        {available && <BellRing size={16} aria-hidden="true" />}{" "}
        {staff(available ? "line_empty_text" : "line_unavailable_text")}
      </p>
    </div>
  );
}
