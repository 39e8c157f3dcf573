import { MessagesSquare } from "lucide-preact";
import { useEffect } from "preact/hooks";
import { inboxText as it } from "../i18n/inbox.texts";
import { talk as t } from "../i18n/talk.texts";
import { useStaff } from "../staff/staffContext";
import { useInbox } from "./inboxContext";

/** From the desk to the inbox, with how many conversations have unread words. */
export function InboxLink() {
  const { pages } = useStaff();
  const inbox = useInbox();
  const unread = inbox.unread.value;
  const named = inbox.mentions.value?.unseen.value ?? 0;
  useEffect(() => inbox.start(), [inbox]);
  return (
    <a
      class="button small"
      href="/staff/inbox"
      onClick={(event) => {
        event.preventDefault();
        pages.go({ name: "inbox", customer: null });
      }}
    >
      <MessagesSquare size={20} aria-hidden="true" />
      <span class="inbox-word">{t("inbox")}</span>
      {named > 0 && (
        <span class="count" role="img" aria-label={it("mentions_new", { n: named })}>
          @{named}
        </span>
      )}
      {unread > 0 && (
        <span class="count" role="img" aria-label={t("inbox_unread", { n: unread })}>
          {unread}
        </span>
      )}
    </a>
  );
}
