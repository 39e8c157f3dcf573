import { Circle } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { duration } from "../i18n/format";
import { type SharedKey, shared } from "../i18n/shared.texts";
import type { Customer } from "../state/customer";
import { Dialog, QualityMark } from "../ui/controls";
import { t } from "./texts";

const MARKS = { on: "recording", paused: "recording_paused", failed: "recording_failed" } as const;

/** Who, how long, how good, and whether it is recorded: with the way to change the last. */
export function TopBar({ customer, shop, onRecording }: { customer: Customer; shop: string; onRecording(): void }) {
  const call = customer.session.call.value;
  const quality = customer.link.quality.value;
  const recording = call?.recording ?? "off";
  const seconds = useSeconds(call?.live_at ?? null, customer.session.skewMs.value);
  const word = recording === "off" ? t("recording_off") : shared(MARKS[recording]);
  return (
    <header class="top-bar">
      <span class="pill glass top-name">
        <QualityMark quality={quality} label={shared(`quality_${quality}` as SharedKey)} />
        <span class="top-shop">{shop}</span>
        {call?.live_at && <time class="top-time">{duration(seconds)}</time>}
      </span>
      <button type="button" class={`pill glass rec-mark ${recording}`} aria-haspopup="dialog" onClick={onRecording}>
        {recording === "on" ? <span class="dot rec" aria-hidden="true" /> : <Circle size={12} aria-hidden="true" />}
        <span aria-live="polite">{word}</span>
      </button>
    </header>
  );
}

/** Whether this call may be recorded, changed at any time. */
export function RecordingDialog({ customer, onClose }: { customer: Customer; onClose(): void }) {
  const call = customer.session.call.value;
  const set = (agreed: boolean) => {
    customer.setConsent(agreed);
    onClose();
  };
  return (
    <Dialog title={t("recording_menu")} onClose={onClose}>
      <p>{call?.consent ? t("recording_on_text") : t("recording_off_text")}</p>
      {call?.recording === "paused" && !call.held && <p>{t("recording_paused_text")}</p>}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          {shared("close")}
        </button>
        {call?.consent ? (
          <button type="button" class="button danger" onClick={() => set(false)}>
            {t("recording_stop")}
          </button>
        ) : (
          <button type="button" class="button main" onClick={() => set(true)}>
            {t("recording_allow")}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function useSeconds(since: string | null, skewMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!since) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [since]);
  return since ? (now + skewMs - Date.parse(since)) / 1000 : 0;
}
