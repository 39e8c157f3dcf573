import { History, MessageSquareText } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { staff } from "../i18n/staff.texts";
import type { Door } from "../state/staffDoor";
import { DeskTop } from "./DeskTop";
import { Invite } from "./Invite";
import { LeftMessages } from "./LeftMessages";
import { OwnPreview } from "./OwnPreview";
import { PastCalls } from "./PastCalls";
import { useStaff } from "./staffContext";
import { Team } from "./Team";
import { WaitingList } from "./WaitingList";

/** Where staff are between calls. */
export function Desk({ door }: { door: Door }) {
  return (
    <div class="desk">
      <DeskTop door={door} />
      <main class="desk-main">
        <div class="desk-work">
          <WaitingList />
          <Archive />
        </div>
        <aside class="desk-side" aria-label={staff("team")}>
          <OwnPreview />
          <Team />
          <Invite />
        </aside>
      </main>
    </div>
  );
}

const PAST_CALLS_AFTER_MS = 1000; // a burst of leaving is one request

type Shelf = "calls" | "messages";

function Archive() {
  const { desk, deeds, lists } = useStaff();
  const [shelf, setShelf] = useState<Shelf>("calls");
  const unread = desk.line.value?.unread_left_messages ?? 0;
  useEffect(() => {
    void lists.loadCalls();
  }, [lists]);
  // Somebody left the line or was answered elsewhere: that is a past call now or soon.
  const waiting = desk.line.value?.waiting.length ?? 0;
  const before = useRef(waiting);
  useEffect(() => {
    const fewer = waiting < before.current;
    before.current = waiting;
    if (!fewer || desk.answering.peek() !== null || deeds.inCall.peek()) return;
    const timer = setTimeout(() => void lists.loadCalls(), PAST_CALLS_AFTER_MS);
    return () => clearTimeout(timer);
  }, [desk, deeds, lists, waiting]);
  // A new message at the desk: the list follows the number.
  useEffect(() => {
    void lists.loadMessages();
  }, [lists, unread]);
  const tab = (name: Shelf, label: string, icon: preact.JSX.Element, count = 0) => (
    <button
      type="button"
      role="tab"
      id={`tab-${name}`}
      aria-selected={shelf === name}
      aria-controls={`shelf-${name}`}
      class="tab"
      onClick={() => setShelf(name)}
    >
      {icon}
      <span>{label}</span>
      {count > 0 && <span class="count">{count}</span>}
    </button>
  );
  return (
    <section class="card archive">
      <div class="tabs" role="tablist">
        {tab("calls", staff("past_calls"), <History size={20} aria-hidden="true" />)}
        {tab("messages", staff("left_messages"), <MessageSquareText size={20} aria-hidden="true" />, unread)}
      </div>
      <div role="tabpanel" id={`shelf-${shelf}`} aria-labelledby={`tab-${shelf}`} class="shelf">
        {shelf === "calls" ? <PastCalls /> : <LeftMessages />}
      </div>
    </section>
  );
}
