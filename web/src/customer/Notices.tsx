import { useEffect, useState } from "preact/hooks";
import type { Customer } from "../state/customer";
import { FaultHelp } from "./Preview";
import { t } from "./texts";

const STEADY_MS = 900;

/** One sentence at a time, the most important one: about the other side first, then about the own picture. */
export function Notices({ customer }: { customer: Customer }) {
  const { session, camera, link } = customer;
  const call = session.call.value;
  const them = call?.people.find((person) => person.slot === 0);
  const name = them?.name ?? t("someone");
  const status = them?.status;
  const told =
    call?.state !== "live" || call.held
      ? null
      : them && !them.connected
        ? t("they_lost", { name })
        : status?.quality === "lost"
          ? t("they_lost", { name })
          : status && !status.visible
            ? t("they_away", { name })
            : link.quality.value === "poor"
              ? t("my_poor")
              : status?.quality === "poor"
                ? t("they_poor", { name })
                : customer.dark.value && camera.state.value.torch !== true
                  ? t("too_dark")
                  : customer.shaking.value
                    ? t("shaking")
                    : status?.muted
                      ? t("they_muted", { name })
                      : null;
  const steady = useSteady(told);
  const fault = camera.cameraFault.value;
  return (
    <div aria-live="polite" class="notices">
      {session.board.value.frozen && call?.state === "live" && <p class="pill frozen-mark">{t("frozen")}</p>}
      {steady && <p class="notice">{steady}</p>}
      {fault && !camera.opening.value && call?.state === "live" && (
        <div class="notice-card">
          <FaultHelp
            fault={fault}
            retry={() => void camera.open(camera.state.value.facing === "front" ? "front" : "rear")}
          />
        </div>
      )}
    </div>
  );
}

/** What has been true for a moment; what flickers is not told. */
function useSteady(text: string | null): string | null {
  const [shown, setShown] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setShown(text), text ? STEADY_MS : 300);
    return () => clearTimeout(timer);
  }, [text]);
  return shown;
}
