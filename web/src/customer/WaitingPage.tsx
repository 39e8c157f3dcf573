import { useState } from "preact/hooks";
import type { Customer } from "../state/customer";
import { LeaveMessage } from "./LeaveMessage";
import { Page } from "./Page";
import { Preview } from "./Preview";
import { Reconnecting } from "./Reconnecting";
import { t } from "./texts";

/** In line: the place, the own picture, and what one can do when nobody is there. */
export function WaitingPage({ customer, shop, left }: { customer: Customer; shop: string; left: boolean }) {
  const [writing, setWriting] = useState(false);
  const place = customer.place.value;
  const name = customer.session.call.value?.customer_name ?? "";
  if (writing) {
    return (
      <LeaveMessage
        customer={customer}
        shop={shop}
        name={name}
        backWord={t("keep_waiting")}
        onBack={() => setWriting(false)}
      />
    );
  }
  const nobody = place?.staff_available === 0;
  const line = place ? t("number_in_line", { n: place.number }) : t("connecting_line");
  return (
    <Page shop={shop}>
      <div class="waiting">
        <Reconnecting customer={customer} />
        <div class="waiting-words">
          <p class="number" aria-hidden="true">
            {place ? place.number : <span class="spinner" />}
          </p>
          {/* The label gives the region a name as well as its words. */}
          <div role="status" aria-label={line}>
            <h1>{line}</h1>
          </div>
          {place && !nobody && <p class="muted">{place.number === 1 ? t("next_in_line") : t("please_wait")}</p>}
        </div>
        {nobody && (
          <div class="note nobody" aria-live="polite">
            <div>
              <strong>{t("nobody_available")}</strong>
              <p>{t("nobody_wait")}</p>
            </div>
          </div>
        )}
        <Preview camera={customer.camera} still={left} />
        <div class="waiting-actions">
          <button type="button" class={nobody ? "button main wide" : "button wide"} onClick={() => setWriting(true)}>
            {t("leave_message")}
          </button>
          <button type="button" class="button quiet wide" onClick={customer.hangUp}>
            {t("leave_line")}
          </button>
        </div>
        {(place?.number === 1 || nobody) && <p class="muted small">{t("please_wait")}</p>}
      </div>
    </Page>
  );
}
