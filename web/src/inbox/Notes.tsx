import { StickyNote } from "lucide-preact";
import { useEffect, useMemo } from "preact/hooks";
import { dayAndTime } from "../i18n/format";
import { searchText } from "../i18n/search.texts";
import { talk as t } from "../i18n/talk.texts";
import { openTalk, type TalkLine } from "../state/conversation";
import type { Inbox } from "../state/inbox";
import { Words } from "../talk/Words";
import { NoteForm } from "./NoteForm";

/** What the shop notes about this customer, and what became of the conversation; customers never see it. */
export function Notes({ inbox, customer }: { inbox: Inbox; customer: string }) {
  const conversations = inbox.conversations.value;
  const notes = useMemo(
    () => (conversations ? openTalk(conversations, `n.${customer}`) : null),
    [conversations, customer],
  );
  const wanted = inbox.noteAt.value;
  const there = notes?.lines.value?.some((line) => line.position === wanted?.position) ?? false;
  const isFurtherUp = !there && wanted?.customer === customer && (notes?.head.value ?? 0) >= wanted.position;
  useEffect(() => {
    if (isFurtherUp) notes?.place.go(wanted.position).catch(() => undefined); // without a network the customer is enough
  }, [notes, isFurtherUp, wanted]);
  useEffect(() => {
    if (!there || wanted?.customer !== customer) return;
    const found = document.getElementById(`note-${wanted.position}`);
    found?.scrollIntoView({ block: "center" });
    found?.classList.add("marked");
    inbox.noteAt.value = null;
  }, [inbox, customer, wanted, there]);
  useEffect(
    () => () => {
      notes?.close();
      conversations?.leave(`n.${customer}`);
    },
    [notes, conversations, customer],
  );
  const zone = inbox.me.shop.time_zone;
  return (
    <section class="inbox-notes" aria-labelledby="notes-title">
      <h3 id="notes-title">
        <StickyNote size={18} aria-hidden="true" />
        {t("notes")}
      </h3>
      {notes && <NoteForm save={(text, mentions) => notes.write("note", { text, mentions })} />}
      <ol>
        {[...(notes?.lines.value ?? [])].reverse().map((line) => (
          <Note key={line.id} line={line} zone={zone} me={inbox.me.staff.id} />
        ))}
      </ol>
      {notes?.hasOlder.value && (
        <button type="button" class="button small quiet wide" onClick={() => void notes.older()}>
          {searchText("earlier")}
        </button>
      )}
    </section>
  );
}

function Note({ line, zone, me }: { line: TalkLine; zone: string; me: string }) {
  if (line.kind !== "note") {
    const said = history(line, zone);
    return said ? (
      <li class="inbox-told">
        {said} · <time dateTime={line.at}>{dayAndTime(line.at, zone)}</time>
      </li>
    ) : null;
  }
  const named = Array.isArray(line.body.mentions) && line.body.mentions.includes(me);
  return (
    <li class={named ? "inbox-note for-me" : "inbox-note"} id={`note-${line.position}`}>
      <Words text={String(line.body.text ?? "")} />
      <p>
        {line.authorName || t("you")} · <time dateTime={line.at}>{dayAndTime(line.at, zone)}</time>
      </p>
    </li>
  );
}

function history(line: TalkLine, zone: string): string | null {
  const by = line.mine ? t("you") : line.authorName;
  const { staff_id, staff_name, until } = line.body;
  switch (line.kind) {
    case "assigned":
      return staff_id === line.author ? t("told_taken", { by }) : t("told_assigned", { by, name: String(staff_name) });
    case "unassigned":
      return t("told_unassigned", { by });
    case "snoozed":
      return t("told_snoozed", { by, time: dayAndTime(String(until), zone) });
    case "closed":
      return t("told_closed", { by });
    case "reopened":
      return t("told_reopened", { by });
    case "woken":
      return t("told_woken");
    default:
      return null;
  }
}
