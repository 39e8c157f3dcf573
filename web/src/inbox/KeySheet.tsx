import { Keyboard } from "lucide-preact";
import { createPortal } from "preact/compat";
import { useState } from "preact/hooks";
import { inboxText as it } from "../i18n/inbox.texts";
import { talk as t } from "../i18n/talk.texts";
import { Dialog } from "../ui/controls";
import { KEYS } from "./keys";

/** Which keys there are; only where there is a keyboard. */
export function KeySheet() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="icon-button keys-button"
        aria-label={it("keys")}
        title={it("keys")}
        onClick={() => setOpen(true)}
      >
        <Keyboard size={22} aria-hidden="true" />
      </button>
      {open &&
        createPortal(
          <Dialog title={it("keys")} onClose={() => setOpen(false)}>
            <dl class="keys">
              {KEYS.map(([key, does]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{it(does)}</dd>
                </div>
              ))}
            </dl>
            <button type="button" class="button quiet large wide" onClick={() => setOpen(false)}>
              {t("hide_customer")}
            </button>
          </Dialog>,
          document.body,
        )}
    </>
  );
}
