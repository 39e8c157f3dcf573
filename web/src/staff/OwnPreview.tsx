import { CircleCheck, TriangleAlert, VideoOff } from "lucide-preact";
import { shared } from "../i18n/shared.texts";
import type { StaffKey } from "../i18n/staff.en";
import { staff } from "../i18n/staff.texts";
import { Video } from "../ui/controls";
import { useStaff } from "./staffContext";

/** The own picture while available: what customers will see, and whether all is ready. */
export function OwnPreview() {
  const { desk, deeds, camera } = useStaff();
  camera.version.value; // redrawn when a track changes
  const faults = [
    camera.cameraFault.value && (`camera_${camera.cameraFault.value}` as StaffKey),
    camera.microphoneFault.value &&
      camera.microphoneFault.value !== "insecure" &&
      (`microphone_${camera.microphoneFault.value}` as StaffKey),
  ].filter((key): key is StaffKey => Boolean(key));
  const shown = desk.ready.value && camera.video !== null;
  return (
    <section class="card preview" aria-label={staff("your_camera")}>
      <div class="preview-picture">
        {shown ? (
          <Video
            stream={camera.stream}
            muted
            mirrored
            still={desk.answering.value !== null || deeds.inCall.value}
            label={staff("own_picture")}
            marks={{ "data-local": "" }}
          />
        ) : (
          <p class="preview-off">
            <VideoOff size={26} aria-hidden="true" />
            {!desk.ready.value
              ? staff("camera_off_preview")
              : (camera.opening.value || !faults.length) && staff("camera_opening")}
          </p>
        )}
        {shown && !faults.length && (
          <span class="pill glass preview-ready">
            <CircleCheck size={15} aria-hidden="true" />
            {staff("camera_ready")}
          </span>
        )}
      </div>
      {desk.ready.value && faults.length > 0 && (
        <div class="preview-faults" role="alert">
          {faults.map((key) => (
            <p key={key}>
              <TriangleAlert size={16} aria-hidden="true" />
              {staff(key)}
            </p>
          ))}
          <button type="button" class="button small" onClick={() => void camera.open("front")}>
            {shared("retry")}
          </button>
        </div>
      )}
    </section>
  );
}
