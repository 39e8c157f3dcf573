import { AtSign } from "lucide-preact";
import { createPortal } from "preact/compat";
import { useEffect, useState } from "preact/hooks";
import type { EntryView } from "../conversation/frames";
import { dayAndTime } from "../i18n/format";
import { inboxText as it } from "../i18n/inbox.texts";
import { talk as t } from "../i18n/talk.texts";
import { useStaff } from "../staff/staffContext";
import type { Mention } from "../state/mentions";
import { Dialog } from "../ui/controls";
import { http } from "../wire/http";
import { useInbox } from "./inboxContext";
import "./inbox-mentions.css";

const SHOWN = 20;

/** Where colleagues have named this person, with how many of them are new. */
export function Mentions() {
  const inbox = useInbox();
  const [open, setOpen] = useState(false);
  const mentions = inbox.mentions.value;
  const unseen = mentions?.unseen.value ?? 0;
  return (
    <>
      <button
        type="button"
        class="icon-button mentions-button"
        aria-label={unseen ? it("mentions_new", { n: unseen }) : it("mentions")}
        title={it("mentions")}
        onClick={() => setOpen(true)}
      >
        <AtSign size={24} aria-hidden="true" />
        {unseen > 0 && (
          <span class="mentions-count" aria-hidden="true">
            {unseen}
          </span>
        )}
      </button>
      {open && <MentionsList close={() => setOpen(false)} />}
    </>
  );
}

function MentionsList({ close }: { close(): void }) {
  const inbox = useInbox();
  const mentions = inbox.mentions.value;
  const [seenBefore] = useState(mentions?.seen.peek() ?? 0);
  const list = (mentions?.list.value ?? []).slice(0, SHOWN);
  useEffect(() => mentions?.markSeen(), [mentions, list.length]);
  return createPortal(
    <Dialog title={it("mentions")} onClose={close}>
      {list.length === 0 && <p class="muted">{it("mentions_none")}</p>}
      <ul class="mentions">
        {list.map((one) => (
          <MentionRow key={one.position} mention={one} fresh={one.position > seenBefore} close={close} />
        ))}
      </ul>
      <button type="button" class="button quiet large wide" onClick={close}>
        {t("hide_customer")}
      </button>
    </Dialog>,
    document.body,
  );
}

function MentionRow({ mention, fresh, close }: { mention: Mention; fresh: boolean; close(): void }) {
  const inbox = useInbox();
  const { me, pages } = useStaff();
  const [text, setText] = useState("");
  const { customer, note } = mention;
  const name = inbox.rows.value[customer]?.name ?? "";
  useEffect(() => {
    void inbox.know(customer).catch(() => undefined);
    const path = `/api/streams/n.${customer}/entries?after=${note - 1}&limit=1`;
    http<{ entries: EntryView[] }>(path).then(
      ({ entries }) => setText(String(entries[0]?.body.text ?? "")),
      () => undefined, // without a network the place is enough
    );
  }, [inbox, customer, note]);
  return (
    <li>
      <button
        type="button"
        class={fresh ? "fresh" : ""}
        onClick={() => {
          close();
          inbox.noteAt.value = { customer, position: note };
          pages.go({ name: "inbox", customer });
        }}
      >
        <strong>{it("mention_by", { by: mention.by, name })}</strong>
        <span>{text}</span>
        <small>{dayAndTime(mention.at, me.shop.time_zone)}</small>
      </button>
    </li>
  );
}
