import { Check, Ellipsis, RotateCcw, Video } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import type { InboxRow } from "../conversation/frames";
import { inboxText as it } from "../i18n/inbox.texts";
import { talk as t } from "../i18n/talk.texts";
import { useStaff } from "../staff/staffContext";
import { type Deeds, openDeeds } from "../state/deeds";
import type { Inbox } from "../state/inbox";
import { Dialog } from "../ui/controls";
import { useInbox } from "./inboxContext";

type Question = "more" | "hand_over" | "snooze" | { takenBy: string } | null;

/** What can be done with a conversation: take, hand over, put off, close, call. */
export function Actions({ inbox, row, about }: { inbox: Inbox; row: InboxRow; about(): void }) {
  const { me, notices } = useStaff();
  const [asks, ask] = useState<Question>(null);
  const deeds = openDeeds(inbox, row, notices, (takenBy) => ask({ takenBy }));
  const close = () => ask(null);
  const mine = row.assignee === me.staff.id;
  return (
    <div class="inbox-actions">
      {row.state === "open" && !mine && (
        <button type="button" class="button small" data-deed="take" onClick={deeds.take}>
          {t("take")}
        </button>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label={t("call_customer")}
        title={t("call_customer")}
        onClick={deeds.ring}
      >
        <Video size={24} aria-hidden="true" />
      </button>
      {row.state === "closed" ? (
        <button
          type="button"
          class="button small inbox-reopen"
          aria-label={t("reopen")}
          data-deed="reopen"
          onClick={deeds.reopen}
        >
          <RotateCcw size={18} aria-hidden="true" />
          <span>{t("reopen")}</span>
        </button>
      ) : (
        <button
          type="button"
          class="button small inbox-done"
          aria-label={t("close_it")}
          data-deed="close"
          onClick={deeds.finish}
        >
          <Check size={20} aria-hidden="true" />
          <span>{t("close_it")}</span>
        </button>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label={t("more_deeds")}
        aria-haspopup="dialog"
        onClick={() => ask("more")}
      >
        <Ellipsis size={24} aria-hidden="true" />
      </button>
      <button type="button" hidden data-deed="hand_over" onClick={() => ask("hand_over")} />
      {row.state !== "closed" && <button type="button" hidden data-deed="snooze" onClick={() => ask("snooze")} />}
      {asks === "more" && <More row={row} deeds={deeds} ask={ask} about={about} />}
      {asks === "hand_over" && <HandOver deeds={deeds} close={close} />}
      {asks === "snooze" && <Snooze deeds={deeds} close={close} />}
      {asks && typeof asks === "object" && (
        <Dialog title={t("take_over", { name: asks.takenBy })} onClose={close}>
          <p>{t("take_over_text")}</p>
          <Choice
            label={t("take_anyway")}
            main
            run={() => {
              deeds.assign(me.staff.id);
              close();
            }}
          />
          <Choice label={t("hide_customer")} run={close} />
        </Dialog>
      )}
    </div>
  );
}

function More(props: { row: InboxRow; deeds: Deeds; ask(next: Question): void; about(): void }) {
  const { row, deeds, ask, about } = props;
  const then = (deed: () => void) => () => {
    ask(null);
    deed();
  };
  return (
    <Dialog title={row.name || t("unknown_customer")} onClose={() => ask(null)}>
      <div class="inbox-choices">
        <Choice label={t("hand_over")} run={() => ask("hand_over")} />
        {row.state !== "closed" && <Choice label={t("snooze")} run={() => ask("snooze")} />}
        {row.assignee && <Choice label={t("leave_it")} run={then(deeds.unassign)} />}
        {row.state !== "closed" && <Choice label={t("close_it")} narrow run={then(deeds.finish)} />}
        <Choice label={t("show_customer")} narrow run={then(about)} />
        <Choice label={t("hide_customer")} quiet run={() => ask(null)} />
      </div>
    </Dialog>
  );
}

/** To any colleague of the shop; those who are at the desk come first. */
function HandOver({ deeds, close }: { deeds: Deeds; close(): void }) {
  const { desk } = useStaff();
  const { colleagues } = useInbox();
  useEffect(() => void colleagues.load(), [colleagues]);
  const here = new Set((desk.line.value?.colleagues ?? []).map((one) => one.id));
  const all = [...colleagues.list.value].sort((a, b) => Number(here.has(b.id)) - Number(here.has(a.id)));
  return (
    <Dialog title={t("hand_over_title")} onClose={close}>
      {all.length === 0 && <p class="note plain">{t("no_colleague")}</p>}
      <div class="inbox-choices">
        {all.map((one) => (
          <Choice
            key={one.id}
            label={here.has(one.id) ? one.name : it("colleague_away", { name: one.name })}
            run={() => {
              deeds.assign(one.id);
              close();
            }}
          />
        ))}
        <Choice label={t("hide_customer")} quiet run={close} />
      </div>
    </Dialog>
  );
}

const LATER = ["in_one_hour", "in_three_hours", "tomorrow", "next_week"] as const;

function Snooze({ deeds, close }: { deeds: Deeds; close(): void }) {
  return (
    <Dialog title={t("snooze_title")} onClose={close}>
      <div class="inbox-choices">
        {LATER.map((when) => (
          <Choice
            key={when}
            label={t(when)}
            run={() => {
              deeds.snooze(when);
              close();
            }}
          />
        ))}
        <Choice label={t("hide_customer")} quiet run={close} />
      </div>
    </Dialog>
  );
}

/** `narrow`: only where the thread has no room for it. */
function Choice(props: { label: string; run(): void; main?: boolean; quiet?: boolean; narrow?: boolean }) {
  const kind = `${props.main ? " main" : props.quiet ? " quiet" : ""}${props.narrow ? " inbox-narrow" : ""}`;
  return (
    <button type="button" class={`button large wide${kind}`} onClick={props.run}>
      {props.label}
    </button>
  );
}
