import { ArrowLeft, MessagesSquare } from "lucide-preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { staff } from "../i18n/staff.texts";
import { talk as t } from "../i18n/talk.texts";
import { LanguageSwitch } from "../staff/SignIn";
import { useStaff } from "../staff/staffContext";
import { LinkNote } from "../talk/State";
import "../talk/talk.css";
import "../talk/talk-parts.css";
import "./inbox.css";
import "./inbox-thread.css";
import type { Hit } from "../state/search";
import { Search } from "../talk/Search";
import { useInbox } from "./inboxContext";
import { KeySheet } from "./KeySheet";
import { useKeys } from "./keys";
import { Mentions } from "./Mentions";
import { Panel } from "./Panel";
import { Rows } from "./Rows";
import { Thread } from "./Thread";

/** The shop's inbox: who waits, the conversation, and who that is. Three panes on a tablet, one on a phone. */
export function InboxPage({ customer }: { customer: string | null }) {
  const { pages } = useStaff();
  const inbox = useInbox();
  const talk = customer ? inbox.talk(customer) : null;
  const [about, setAbout] = useState(false);
  const open = (hit: Hit) => {
    pages.go({ name: "inbox", customer: hit.conversation });
    if (hit.stream.startsWith("n.")) inbox.noteAt.value = { customer: hit.conversation, position: hit.position };
    else
      void inbox
        .talk(hit.conversation)
        ?.show(hit)
        .catch(() => undefined);
  };
  useKeys(inbox);
  useEffect(() => inbox.start(), [inbox]);
  const noteAt = inbox.noteAt.value;
  useLayoutEffect(() => setAbout(inbox.noteAt.peek()?.customer === customer), [inbox, customer]);
  useLayoutEffect(() => {
    if (noteAt && noteAt.customer === customer) setAbout(true);
  }, [noteAt, customer]);
  useEffect(() => {
    if (customer && talk) void inbox.know(customer).catch(() => undefined); // unknown, or no network: what is kept is shown
  }, [inbox, customer, talk]);
  return (
    <div class={`inbox${customer ? " chosen" : ""}${about ? " about" : ""}`}>
      <header class="top inbox-top">
        <a
          class="icon-button"
          href="/staff"
          aria-label={staff("back")}
          title={staff("back")}
          onClick={(event) => {
            event.preventDefault();
            pages.go({ name: "desk" });
          }}
        >
          <ArrowLeft size={24} aria-hidden="true" />
        </a>
        <h1>{t("inbox")}</h1>
        <KeySheet />
        <Mentions />
        <Search talk={null} zone={inbox.me.shop.time_zone} open={open} />
        <LanguageSwitch />
      </header>
      <LinkNote
        talk={talk}
        status={inbox.status.value}
        signIn={
          <button type="button" class="button small" onClick={() => location.reload()}>
            {staff("sign_in")}
          </button>
        }
      />
      <main class="inbox-main">
        <Rows customer={customer} />
        {customer && talk ? (
          <>
            <Thread key={customer} customer={customer} talk={talk} about={() => setAbout(true)} />
            <Panel key={`${customer} panel`} inbox={inbox} customer={customer} close={() => setAbout(false)} />
          </>
        ) : (
          <section class="inbox-choose">
            <span class="empty-art" aria-hidden="true">
              <MessagesSquare size={44} strokeWidth={1.6} />
            </span>
            <p class="blank-title">{t("choose")}</p>
            <p class="muted">{t("choose_text")}</p>
          </section>
        )}
      </main>
    </div>
  );
}
