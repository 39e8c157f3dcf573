import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { language } from "../i18n/language";
import { staff } from "../i18n/staff.texts";
import { InboxPage } from "../inbox/InboxPage";
import { InboxContext } from "../inbox/inboxContext";
import { openInbox } from "../state/inbox";
import { lend } from "../state/link";
import type { Door, SignedIn } from "../state/staffDoor";
import { openStaffHouse, type StaffHouse } from "../state/staffHouse";
import { useSettled } from "../ui/useSettled";
import { ArrivalCue } from "./ArrivalCue";
import { CallEnded } from "./CallEnded";
import { CallRoom } from "./CallRoom";
import { Desk } from "./Desk";
import { InvitationBanner } from "./InvitationBanner";
import { RecordPage } from "./RecordPage";
import { SignIn, Unreachable } from "./SignIn";
import { StaffContext, useStaff } from "./staffContext";
import { Toasts } from "./Toasts";

export function App({ door }: { door: Door }) {
  useSignalEffect(() => {
    document.documentElement.lang = language.value;
  });
  const state = door.state.value;
  if (state.is === "checking") return <div class="opening" role="status" aria-label={staff("connecting")} />;
  if (state.is === "unreachable") return <Unreachable door={door} code={state.code} />;
  if (state.is === "out") return <SignIn door={door} />;
  return <Inside key={state.me.staff.id} door={door} me={state.me} />;
}

function Inside({ door, me }: { door: Door; me: SignedIn }) {
  const [house] = useState(() => openStaffHouse(me));
  const [inbox] = useState(() => openInbox(me, (customer) => answerInLine(house, customer)));
  useSignalEffect(() => {
    const waiting = house.desk.line.value?.waiting.find((one) => inbox.expects(one.customer_id));
    if (waiting) void house.desk.answer(waiting); // this page has asked them to a call
  });
  useEffect(() => {
    house.session.start();
    const stopLending = lend(house.link, inbox.conversations);
    return () => {
      stopLending();
      house.link.stop();
      house.camera.close();
      house.session.stop();
      inbox.close();
    };
  }, [house, inbox]);
  return (
    <StaffContext.Provider value={house}>
      <InboxContext.Provider value={inbox}>
        <Place door={door} />
      </InboxContext.Provider>
      <InvitationBanner />
      <ArrivalCue />
      <Toasts />
    </StaffContext.Provider>
  );
}

function answerInLine({ session, desk }: StaffHouse, customer: string): boolean {
  const waiting = desk.line.peek()?.waiting.find((one) => one.customer_id === customer);
  if (!waiting || session.status.peek() !== "open") return false;
  void desk.answer(waiting);
  return true;
}

function Place({ door }: { door: Door }) {
  const { session, pages } = useStaff();
  const status = session.status.value;
  const page = pages.page.value;
  if (status === "replaced") {
    if (page.name === "inbox") return <InboxPage customer={page.customer} />; // conversations belong to every tab
    return (
      <Quiet
        title={staff("replaced_title")}
        text={staff("replaced_text")}
        action={staff("take_over")}
        run={() => session.wire.takeOver()}
      />
    );
  }
  if (status === "refused") {
    return (
      <Quiet
        title={staff("refused_title")}
        text={staff("refused_text")}
        action={staff("sign_in")}
        run={() => void door.check()}
      />
    );
  }
  return <Places door={door} />;
}

/** The desk and its pages; and the call room, which is laid out offstage while this person is available, so that nothing has
 * to be built between the tap on "Answer" and the first picture. Each call gets a fresh room. */
function Places({ door }: { door: Door }) {
  const { deeds, desk, pages } = useStaff();
  const [round, setRound] = useState(0);
  const active = deeds.inCall.value || desk.answering.value !== null;
  const settled = useSettled(active);
  const was = useRef(active);
  useEffect(() => {
    if (was.current && !active) setRound((n) => n + 1);
    was.current = active;
  }, [active]);
  const atDesk = pages.page.value.name === "desk" && !deeds.ended.value;
  return (
    <>
      {!(active && settled) && (
        <div class="page-place">
          <Page door={door} />
        </div>
      )}
      {(active || (atDesk && desk.ready.value)) && <CallRoom key={round} active={active} settled={active && settled} />}
    </>
  );
}

function Page({ door }: { door: Door }) {
  const { deeds, pages } = useStaff();
  const page = pages.page.value;
  if (page.name === "record") return <RecordPage key={page.callId} callId={page.callId} />;
  if (page.name === "inbox") return <InboxPage customer={page.customer} />;
  if (deeds.ended.value) return <CallEnded call={deeds.ended.value} />;
  return <Desk door={door} />;
}

function Quiet(props: { title: string; text: string; action: string; run(): void }) {
  return (
    <main class="calm">
      <div class="card calm-card">
        <h1>{props.title}</h1>
        <p>{props.text}</p>
        <button type="button" class="button main large" onClick={props.run}>
          {props.action}
        </button>
      </div>
    </main>
  );
}
