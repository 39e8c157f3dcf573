import { CameraOff, SwitchCamera, Video as VideoIcon } from "lucide-preact";
import { useState } from "preact/hooks";
import { shared } from "../i18n/shared.texts";
import type { Camera, MediaFault } from "../state/camera";
import { Video } from "../ui/controls";
import { t } from "./texts";

/** The own picture before the call, or why there is none and what to do about it. */
export function Preview({ camera, still }: { camera: Camera; still?: boolean }) {
  const fault = camera.cameraFault.value;
  const hasPicture = camera.version.value >= 0 && camera.video !== null;
  const { facing, can_switch } = camera.state.value;
  const opening = camera.opening.value;
  return (
    <section class="preview" aria-label={t("preview")}>
      {hasPicture && (
        <Video
          stream={camera.stream}
          muted
          still={still}
          mirrored={facing === "front"}
          label={t("preview")}
          marks={still ? {} : { "data-local": "" }}
        />
      )}
      {!hasPicture && (
        <div class="preview-empty">
          {opening ? (
            <>
              <span class="spinner" aria-hidden="true" />
              <p role="status">{t("camera_starting")}</p>
            </>
          ) : fault ? (
            <FaultHelp fault={fault} retry={() => void camera.open("rear")} />
          ) : (
            <>
              <VideoIcon size={36} aria-hidden="true" />
              <p>{t("allow_first")}</p>
              <button type="button" class="button" onClick={() => void camera.open("rear")}>
                {t("preview_ask")}
              </button>
            </>
          )}
        </div>
      )}
      {hasPicture && <span class="pill glass preview-word">{t("preview_hint")}</span>}
      {hasPicture && can_switch && (
        <button
          type="button"
          class="round-button preview-switch"
          aria-label={t("switch_camera")}
          disabled={opening}
          onClick={() => void camera.switch()}
        >
          <SwitchCamera size={22} aria-hidden="true" />
        </button>
      )}
    </section>
  );
}

export function FaultHelp({ fault, retry }: { fault: MediaFault; retry(): void }) {
  const [tried, setTried] = useState(false);
  const title = {
    blocked: t("blocked_title"),
    missing: t("missing_title"),
    busy: t("busy_title"),
    insecure: t("insecure_title"),
  }[fault];
  const text = { blocked: blockedHelp(), missing: "", busy: t("busy_text"), insecure: t("insecure_text") }[fault];
  return (
    <div class="fault" role="alert">
      <CameraOff size={30} aria-hidden="true" />
      <h2>{title}</h2>
      {text && <p>{text}</p>}
      <p class="fault-rest">{t("sound_only")}</p>
      {fault !== "insecure" && (
        <button
          type="button"
          class="button small"
          onClick={() => {
            if (tried && fault === "blocked") location.reload(); // some browsers ask again only on a fresh page
            setTried(true);
            retry();
          }}
        >
          {shared("retry")}
        </button>
      )}
    </div>
  );
}

function blockedHelp(): string {
  const agent = navigator.userAgent;
  if (/MicroMessenger/i.test(agent)) return t("blocked_wechat");
  if (/iPhone|iPad/i.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) return t("blocked_ios");
  if (/Firefox/i.test(agent)) return t("blocked_firefox");
  if (/Android/i.test(agent)) return t("blocked_android");
  return t("blocked_desktop");
}
