import { CameraOff, Flashlight, MicOff, PhoneOff, SwitchCamera } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { shared } from "../i18n/shared.texts";
import type { Customer } from "../state/customer";
import { Tool } from "../ui/controls";
import { t } from "./texts";

const MISSING_MS = 3000;

/** The row for the thumb. Names stay the same while a tool is on; `aria-pressed` tells its state. */
export function Tools({ customer }: { customer: Customer }) {
  const { camera } = customer;
  const [missing, setMissing] = useState<"one_camera" | "no_torch" | null>(null);
  const { can_switch, torch, zoom } = camera.state.value;
  const muted = camera.muted.value;
  const off = camera.cameraOff.value;
  const busy = camera.opening.value;
  const hasPicture = camera.version.value >= 0 && camera.video !== null;
  useEffect(() => {
    if (!missing) return;
    const timer = setTimeout(() => setMissing(null), MISSING_MS);
    return () => clearTimeout(timer);
  }, [missing]);
  return (
    <>
      {missing && (
        <p class="tools-word" role="status">
          {t(missing)}
        </p>
      )}
      {zoom && hasPicture && !off && (
        <label class="zoom">
          <span>{t("zoom")}</span>
          <input
            type="range"
            min={zoom.min}
            max={Math.min(zoom.max, zoom.min * 8)}
            step={zoom.step}
            value={zoom.value}
            onInput={(event) => void camera.zoom(event.currentTarget.valueAsNumber)}
          />
        </label>
      )}
      <div class="tools">
        <Tool name={shared("mute")} icon={<MicOff size={24} />} pressed={muted} onClick={() => camera.mute(!muted)} />
        <Tool
          name={shared("camera_off")}
          icon={<CameraOff size={24} />}
          pressed={off}
          disabled={!hasPicture}
          onClick={() => camera.turnOff(!off)}
        />
        <Tool
          name={t("switch_camera")}
          word={t("word_switch")}
          icon={<SwitchCamera size={24} />}
          disabled={busy || !hasPicture}
          onClick={() => (can_switch ? void camera.switch() : setMissing("one_camera"))}
        />
        <Tool
          name={t("torch")}
          icon={<Flashlight size={24} />}
          pressed={torch ?? false}
          disabled={busy || !hasPicture}
          onClick={() => (torch === null ? setMissing("no_torch") : void camera.torch(!torch))}
        />
        <Tool name={shared("hang_up")} icon={<PhoneOff size={24} />} danger onClick={customer.hangUp} />
      </div>
    </>
  );
}
