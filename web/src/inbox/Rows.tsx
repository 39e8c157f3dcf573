import { Clock } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { InboxRow } from "../conversation/frames";
import { clock, minutes } from "../i18n/format";
import { inboxText as it } from "../i18n/inbox.texts";
import { en, type TalkKey, talk as t } from "../i18n/talk.texts";
import { useStaff } from "../staff/staffContext";
import { SHELVES, type Shelf } from "../state/inbox";
import { dayKey, dayName } from "../talk/days";
import { serverNow } from "../wire/serverClock";
import { useInbox } from "./inboxContext";

const LONG_MINUTES = 15;

/** Whose turn it is: who waits longest comes first. */
export function Rows({ customer }: { customer: string | null }) {
  const inbox = useInbox();
  const shelf = inbox.shelf.value;
  const rows = inbox.shown.value;
  const now = useMinute();
  const shelves = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const row = shelves.current;
    if (!row) return;
    const show = () =>
      row.querySelector("[aria-pressed='true']")?.scrollIntoView({ block: "nearest", inline: "center" });
    const turned = new ResizeObserver(show); // also the first time, and when the list comes back on a phone
    turned.observe(row);
    return () => turned.disconnect();
  }, [shelf]);
  return (
    <nav class="inbox-rows" aria-label={t("conversations")}>
      <div class="inbox-shelves" ref={shelves}>
        {SHELVES.map((name) => (
          <button
            key={name}
            type="button"
            class="inbox-shelf"
            aria-pressed={shelf === name}
            onClick={() => inbox.choose(name)}
          >
            {name === "waiting" ? it("shelf_waiting") : t(name)}
            {name !== "closed" && inbox.counts.value[name] > 0 && <span>{inbox.counts.value[name]}</span>}
          </button>
        ))}
      </div>
      {inbox.conversations.value === null || (rows.length === 0 && shelf === "closed" && inbox.closed.loading.value) ? (
        <div class="loading" role="status" aria-label={t("connecting")} />
      ) : rows.length === 0 && !(shelf === "closed" && inbox.closed.fault.value) ? (
        <Nothing shelf={shelf} />
      ) : (
        <ul>
          {rows.map((row) => (
            <Row key={row.conversation} row={row} chosen={row.conversation === customer} now={now} />
          ))}
          {shelf === "closed" && <MoreClosed />}
        </ul>
      )}
    </nav>
  );
}

function Nothing({ shelf }: { shelf: Shelf }) {
  return (
    <div class="blank">
      <p class="blank-title">{shelf === "waiting" ? it("none_waiting") : t(`none_${shelf}`)}</p>
      <p class="muted">{shelf === "waiting" ? it("none_waiting_text") : t(`none_${shelf}_text`)}</p>
    </div>
  );
}

/** The end of what was loaded; it loads on as soon as one can see it. */
function MoreClosed() {
  const { closed } = useInbox();
  const end = useRef<HTMLLIElement>(null);
  const { value: fault } = closed.fault;
  const loading = closed.loading.value;
  useEffect(() => {
    if (!end.current || loading || fault) return;
    const seen = new IntersectionObserver(([entry]) => entry?.isIntersecting && void closed.more());
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [closed, loading, fault]);
  if (!closed.hasMore.value) return null;
  return (
    <li class="inbox-more" ref={end}>
      {fault && <p role="alert">{it("closed_fault")}</p>}
      <button type="button" class="button small wide" disabled={loading} onClick={() => void closed.more()}>
        {fault ? t("again") : it("more_closed")}
      </button>
    </li>
  );
}

function Row({ row, chosen, now }: { row: InboxRow; chosen: boolean; now: number }) {
  const inbox = useInbox();
  const { me, pages } = useStaff();
  const unread = row.state !== "closed" && inbox.isUnread(row);
  const answering = inbox.answering.value[row.conversation];
  const zone = me.shop.time_zone;
  const name = row.name || t("unknown_customer");
  return (
    <li>
      <a
        class={unread ? "inbox-row unread" : "inbox-row"}
        href={`/staff/inbox/${row.conversation}`}
        aria-current={chosen ? "true" : undefined}
        onClick={(event) => {
          event.preventDefault();
          pages.go({ name: "inbox", customer: row.conversation });
        }}
      >
        <span class="face inbox-face" aria-hidden="true">
          {name.slice(0, 1).toUpperCase()}
          {inbox.here.value.has(row.conversation) && <i />}
        </span>
        <span class="inbox-row-words">
          <span class="inbox-row-top">
            <span class="inbox-name">{name}</span>
            {row.waiting_since ? <Waits since={row.waiting_since} now={now} /> : <Last at={row.last_at} zone={zone} />}
          </span>
          <span class="inbox-row-top">
            {answering ? (
              <span class="inbox-preview inbox-answering">{it("answering", { name: answering })}</span>
            ) : (
              <span class="inbox-preview" dir="auto">
                {previewOf(row)}
              </span>
            )}
            {unread && (
              <span class="inbox-dot">
                <span class="unseen">{t("unread")}</span>
              </span>
            )}
          </span>
          {row.assignee && (
            <span class="inbox-assignee">{row.assignee === me.staff.id ? t("you") : row.assignee_name}</span>
          )}
        </span>
      </a>
    </li>
  );
}

/** The newest line in a few words; a picture or a call says what it is. */
export function previewOf(row: Pick<InboxRow, "preview" | "preview_kind">): string {
  if (row.preview) return row.preview;
  const kind =
    row.preview_kind === "recall" ? "recalled" : row.preview_kind === "call" ? "call_ended" : row.preview_kind;
  if (kind === "ring" || kind === "rung") return t("ring_ours");
  return kind in en ? t(kind as TalkKey) : "";
}

function Waits({ since, now }: { since: string; now: number }) {
  const count = Math.max(0, Math.floor((now - Date.parse(since)) / 60_000));
  const time = count < 1 ? t("just_now") : count < 60 * 24 ? minutes(count) : dayName(since);
  return (
    <time class={count >= LONG_MINUTES ? "inbox-waits long" : "inbox-waits"} dateTime={since}>
      <Clock size={13} aria-hidden="true" />
      <span class="unseen">{t("waits", { time })}</span>
      <span aria-hidden="true">{time}</span>
    </time>
  );
}

function Last({ at, zone }: { at: string; zone: string }) {
  const today = dayKey(at, zone) === dayKey(new Date(serverNow()).toISOString(), zone);
  return (
    <time class="inbox-last" dateTime={at}>
      {today ? clock(at, zone) : dayName(at, zone)}
    </time>
  );
}

function useMinute(): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 20_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
