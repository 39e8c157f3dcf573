import { useEffect, useState } from "preact/hooks";
import type { Customer } from "../state/customer";
import { t } from "./texts";

const SHOWN_AFTER_MS = 700; // shorter breaks heal before a person would have read it

/** Tells of a lost connection, but not of one that heals at once. */
export function Reconnecting({ customer }: { customer: Customer }) {
  const call = customer.session.call.value;
  const wire = customer.session.status.value === "lost" && !customer.link.channelOpen.value;
  const media = call?.state === "live" && customer.link.state.value === "lost";
  const lost = wire || media;
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!lost) return setShown(false);
    const timer = setTimeout(() => setShown(true), SHOWN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [lost]);
  return (
    <div aria-live="polite" class="reconnecting-place">
      {shown && (
        <p class="reconnecting">
          <span class="spinner" aria-hidden="true" />
          {t("reconnecting")}
        </p>
      )}
    </div>
  );
}
