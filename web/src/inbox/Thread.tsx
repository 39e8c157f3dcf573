import { ArrowLeft, Info } from "lucide-preact";
import { inboxText as it } from "../i18n/inbox.texts";
import { staff } from "../i18n/staff.texts";
import { talk as t } from "../i18n/talk.texts";
import { useStaff } from "../staff/staffContext";
import type { Talk } from "../state/conversation";
import { Composer } from "../talk/Composer";
import { Lines } from "../talk/Lines";
import { Search } from "../talk/Search";
import { Actions } from "./Actions";
import { useInbox } from "./inboxContext";
import { QuickReplies } from "./QuickReplies";
import { RingNote } from "./RingNote";

/** One conversation in the inbox. */
export function Thread({ customer, talk, about }: { customer: string; talk: Talk; about(): void }) {
  const { me, pages } = useStaff();
  const inbox = useInbox();
  const row = inbox.rows.value[customer];
  const name = row?.name || t("unknown_customer");
  const here = inbox.here.value.has(customer);
  const answering = inbox.answering.value[customer];
  const whose =
    row?.assignee === me.staff.id
      ? t("assigned_you")
      : row?.assignee_name
        ? t("assigned_to", { name: row.assignee_name })
        : t("assigned_none");
  return (
    <section class="talk inbox-thread" aria-label={name}>
      <header class="inbox-thread-top">
        <a
          class="icon-button inbox-back"
          href="/staff/inbox"
          aria-label={t("back")}
          onClick={(event) => {
            event.preventDefault();
            pages.go({ name: "inbox", customer: null });
          }}
        >
          <ArrowLeft size={24} aria-hidden="true" />
        </a>
        <span class="face small inbox-face" aria-hidden="true">
          {name.slice(0, 1).toUpperCase()}
          {here && <i title={t("here")} />}
        </span>
        <div class="inbox-thread-names">
          <h2>{name}</h2>
          {answering ? (
            <p class="inbox-answering" role="status">
              {it("answering", { name: answering })}
            </p>
          ) : (
            <p>{whose}</p>
          )}
        </div>
        <Search
          talk={talk}
          zone={me.shop.time_zone}
          open={(hit) => (hit.stream === talk.stream ? void talk.show(hit).catch(() => undefined) : about())}
        />
        {row && <Actions inbox={inbox} row={row} about={about} />}
        <button type="button" class="icon-button inbox-about" aria-label={t("show_customer")} onClick={about}>
          <Info size={24} aria-hidden="true" />
        </button>
      </header>
      <Lines
        talk={talk}
        zone={me.shop.time_zone}
        shopZone={me.shop.time_zone}
        blank={<p class="muted">{staff("no_chat")}</p>}
      />
      <RingNote talk={talk} customer={customer} name={name} />
      {row?.state === "closed" && <p class="inbox-closed">{it("closed_hint")}</p>}
      <Composer talk={talk} extra={<QuickReplies talk={talk} name={row?.name ?? ""} />} />
    </section>
  );
}
