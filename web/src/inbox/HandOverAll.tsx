import { createPortal } from "preact/compat";
import { useState } from "preact/hooks";
import { inboxText as it } from "../i18n/inbox.texts";
import { useStaff } from "../staff/staffContext";
import { Dialog } from "../ui/controls";
import { http } from "../wire/http";
import { useInbox } from "./inboxContext";

/** Asks who leaves what becomes of the conversations that are theirs. `ask(leave)` asks when there are any, then leaves. */
export function useHandOver(): { ask(leave: () => void): void; question: preact.ComponentChildren } {
  const inbox = useInbox();
  const [leave, setLeave] = useState<(() => void) | null>(null);
  const held = inbox.held.value;
  const close = () => setLeave(null);
  return {
    ask(then) {
      if (inbox.held.peek() > 0) setLeave(() => then);
      else then();
    },
    question: leave && <HandOverAll count={held} close={close} leave={leave} />,
  };
}

function HandOverAll({ count, close, leave }: { count: number; close(): void; leave(): void }) {
  const { desk, notices } = useStaff();
  const [busy, setBusy] = useState(false);
  const here = desk.line.value?.colleagues ?? [];
  const give = (to: string | null) => async () => {
    setBusy(true);
    try {
      await http("/api/inbox/hand-over", { body: { to } });
      close();
      leave();
    } catch (error) {
      setBusy(false);
      notices.refuse(error);
    }
  };
  return createPortal(
    <Dialog title={it("leave_title", { n: count })} onClose={close}>
      <p class="muted">{it("leave_text")}</p>
      <div class="inbox-choices">
        <button type="button" class="button main large wide" disabled={busy} onClick={give(null)}>
          {it("leave_all")}
        </button>
        {here.map((one) => (
          <button key={one.id} type="button" class="button large wide" disabled={busy} onClick={give(one.id)}>
            {it("leave_to", { name: one.name })}
          </button>
        ))}
        <button
          type="button"
          class="button quiet large wide"
          disabled={busy}
          onClick={() => {
            close();
            leave();
          }}
        >
          {it("leave_keep")}
        </button>
      </div>
    </Dialog>,
    document.body,
  );
}
