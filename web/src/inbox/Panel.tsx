import { X } from "lucide-preact";
import { useMemo } from "preact/hooks";
import { dayAndTime } from "../i18n/format";
import { talk as t } from "../i18n/talk.texts";
import type { Inbox } from "../state/inbox";
import { openProfile } from "../state/profile";
import { CustomerData } from "./CustomerData";
import { Notes } from "./Notes";
import { Profile, Visits } from "./Profile";
import "./inbox-profile.css";

/** Who the customer is; over the conversation where there is no room beside it. */
export function Panel({ inbox, customer, close }: { inbox: Inbox; customer: string; close(): void }) {
  const card = useMemo(() => openProfile(customer), [customer]);
  const row = inbox.rows.value[customer];
  const name = row?.name || t("unknown_customer");
  const erased = row?.preview_kind === "erased"; // who writes anew is somebody to know again
  const zone = inbox.me.shop.time_zone;
  return (
    <aside class="inbox-panel" aria-label={t("about_customer", { name })}>
      <button type="button" class="icon-button inbox-panel-close" aria-label={t("hide_customer")} onClick={close}>
        <X size={24} aria-hidden="true" />
      </button>
      <Profile card={card} name={name} zone={zone} erased={erased} />
      {row && (
        <dl class="inbox-facts">
          <div>
            <dt>{t("state")}</dt>
            <dd>{row.state === "open" ? t("state_open") : t(row.state)}</dd>
          </div>
          <div>
            <dt>{t("assignee")}</dt>
            <dd>{row.assignee === inbox.me.staff.id ? t("you") : (row.assignee_name ?? t("nobody"))}</dd>
          </div>
          {row.waiting_since && (
            <div>
              <dt>{t("since")}</dt>
              <dd>{dayAndTime(row.waiting_since, zone)}</dd>
            </div>
          )}
        </dl>
      )}
      <Notes inbox={inbox} customer={customer} />
      <Visits card={card} zone={zone} />
      {inbox.me.staff.role !== "clerk" && row && (
        <CustomerData customer={customer} name={row.name} empty={erased} erased={() => void card.load()} />
      )}
    </aside>
  );
}
