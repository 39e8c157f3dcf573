import { StickyNote } from "lucide-preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { dayAndTime } from "../i18n/format";
import { talk as t } from "../i18n/talk.texts";
import { openTalk, type TalkLine } from "../state/conversation";
import type { Inbox } from "../state/inbox";
import { Words } from "../talk/Words";

/** What the shop notes about this customer, and what became of the conversation; customers never see it. */
export function Notes({ inbox, customer }: { inbox: Inbox; customer: string }) {
  const conversations = inbox.conversations.value;
  const notes = useMemo(
    () => (conversations ? openTalk(conversations, `n.${customer}`) : null),
    [conversations, customer],
  );
  const [text, setText] = useState("");
  useEffect(
    () => () => {
      notes?.close();
      conversations?.leave(`n.${customer}`);
    },
    [notes, conversations, customer],
  );
  const save = (event: Event) => {
    event.preventDefault();
    if (text.trim()) notes?.write("note", { text: text.trim(), mentions: [] });
    setText("");
  };
  const zone = inbox.me.shop.time_zone;
  return (
    <section class="inbox-notes" aria-labelledby="notes-title">
      <h3 id="notes-title">
        <StickyNote size={18} aria-hidden="true" />
        {t("notes")}
      </h3>
      <form onSubmit={save}>
        <textarea
          class="input"
          rows={2}
          value={text}
          maxLength={4000}
          aria-label={t("note_new")}
          placeholder={t("note_new")}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        {text.trim() ? (
          <button type="submit" class="button main small wide">
            {t("note_save")}
          </button>
        ) : (
          <p class="muted">{t("notes_hint")}</p>
        )}
      </form>
      <ol>
        {[...(notes?.lines.value ?? [])].reverse().map((line) => (
          <Note key={line.id} line={line} zone={zone} />
        ))}
      </ol>
    </section>
  );
}

function Note({ line, zone }: { line: TalkLine; zone: string }) {
  if (line.kind !== "note") {
    const said = history(line, zone);
    return said ? (
      <li class="inbox-told">
        {said} · <time dateTime={line.at}>{dayAndTime(line.at, zone)}</time>
      </li>
    ) : null;
  }
  return (
    <li class="inbox-note">
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
