import {
  Circle,
  CirclePause,
  CircleSlash,
  PanelLeftClose,
  PanelLeftOpen,
  TriangleAlert,
  UsersRound,
} from "lucide-preact";
import { duration } from "../i18n/format";
import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import { QualityMark } from "../ui/controls";
import { useStaff } from "./staffContext";
import { useSecondsSince } from "./useTicking";

const NOTHING = "\u00a0"; // offstage the bar has its height already: else the picture would change its size

export function CallTop(props: { panel: boolean; unread: number; onPanel: () => void }) {
  const { panel, onPanel } = props;
  const { session, deeds, link, desk } = useStaff();
  const call = session.call.value;
  const seconds = useSecondsSince(call?.live_at);
  const waiting = desk.line.value?.waiting.length ?? 0;
  const unread = panel ? 0 : props.unread;
  const label = staff(panel ? "panel_close" : "panel_open");
  const customer = deeds.customer.value;
  const quality = customer?.connected === false ? "lost" : (customer?.status?.quality ?? link.quality.value);
  return (
    <header class="call-top">
      <button
        type="button"
        class="icon-button"
        aria-label={unread > 0 ? `${label} (${unread})` : label}
        title={label}
        aria-expanded={panel}
        onClick={onPanel}
      >
        {panel ? <PanelLeftClose size={24} /> : <PanelLeftOpen size={24} />}
        {unread > 0 && <span class="badge" aria-hidden="true" data-count={unread} />}
      </button>
      <div class="call-who">
        <h1 class="call-name" aria-label={staff("call_with", { name: call?.customer_name ?? "" })}>
          {call?.customer_name ?? NOTHING}
        </h1>
        <p class="call-matter">{call ? call.matter || staff("no_matter") : NOTHING}</p>
      </div>
      {call && waiting > 0 && (
        <span class="pill glass" title={staff("waiting_count", { n: waiting })}>
          <UsersRound size={16} aria-hidden="true" />
          <span>{staff("more_waiting", { n: waiting })}</span>
          <b class="narrow-only" aria-hidden="true">
            {waiting}
          </b>
        </span>
      )}
      <Recording />
      <QualityMark quality={quality} label={shared(`quality_${quality}`)} />
      <span class="call-clock" role="timer">
        {seconds === null ? "–:––" : duration(seconds)}
      </span>
    </header>
  );
}

function Recording() {
  const { session, deeds } = useStaff();
  const call = session.call.value;
  if (call?.state !== "live") return null;
  if (!call.consent) {
    return (
      <span class="pill glass rec-off" role="status" title={staff("not_recorded_hint")}>
        <CircleSlash size={15} aria-hidden="true" />
        <span>{staff("not_recorded")}</span>
      </span>
    );
  }
  if (call.recording === "failed") {
    return (
      <span class="pill glass rec-failed" role="status" title={staff("recording_failed_hint")}>
        <TriangleAlert size={15} aria-hidden="true" />
        <span>{shared("recording_failed")}</span>
      </span>
    );
  }
  const paused = deeds.paused.value || call.recording !== "on";
  return (
    <span class={paused ? "pill glass rec-paused" : "pill glass rec-on"} role="status">
      {paused ? (
        <CirclePause size={15} aria-hidden="true" />
      ) : (
        <Circle size={12} fill="currentColor" class="rec-dot" aria-hidden="true" />
      )}
      <span>{shared(paused ? "recording_paused" : "recording")}</span>
    </span>
  );
}
