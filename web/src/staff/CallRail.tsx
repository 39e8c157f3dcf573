import {
  ArrowRightLeft,
  CalendarPlus,
  Camera,
  CirclePause,
  Flashlight,
  LogOut,
  MicOff,
  PenLine,
  PhoneOff,
  Snowflake,
  SwitchCamera,
  UserPlus,
  VideoOff,
  ZoomIn,
} from "lucide-preact";
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { shared } from "../i18n/shared.texts";
import type { StaffKey } from "../i18n/staff.en";
import { staff } from "../i18n/staff.texts";
import { tick } from "./chime";
import { useStaff } from "./staffContext";

export type Opens = "booking" | "invite" | "handover";

interface TileProps {
  name: string;
  /** Shown in place of the name where that is too long for a tile. */
  word?: string | undefined;
  /** A second line below the name. */
  more?: string | undefined;
  icon: JSX.Element;
  run: () => void;
  pressed?: boolean | undefined;
  /** Why it cannot be used now; a tap says so. */
  why?: StaffKey | null | undefined;
  kind?: "main" | "danger" | "wide" | undefined;
  busy?: boolean | undefined;
}

/** A tool as a large tile. One that cannot be used stays reachable and tells why. */
function Tile({ name, word = name, more, icon, run, pressed, why, kind = undefined, busy }: TileProps) {
  const { notices } = useStaff();
  const id = useId();
  const tap = () => (why ? notices.tell("plain", () => staff(why)) : run());
  return (
    <button
      type="button"
      class={kind ? `tile ${kind}` : "tile"}
      aria-label={name}
      aria-pressed={pressed}
      aria-disabled={why ? true : undefined}
      aria-describedby={why ? id : undefined}
      aria-busy={busy}
      title={why ? staff(why) : undefined}
      onClick={tap}
    >
      <span class="tile-icon" aria-hidden="true">
        {icon}
      </span>
      <span class="tile-word" aria-hidden="true">
        {word}
        {more && <small class="tile-more">{more}</small>}
      </span>
      {why && (
        <span class="unseen" id={id}>
          {staff(why)}
        </span>
      )}
    </button>
  );
}

/** All that a thumb needs, at the right-hand edge; the end of the call stands apart. */
export function CallRail(props: { drawing: boolean; onDrawing: () => void; onOpen: (what: Opens) => void }) {
  const { session, deeds, camera, board } = useStaff();
  const call = session.call.value;
  const live = !call || call.state === "live"; // offstage the tools lie ready as they will be
  const reach = call?.camera;
  const only: StaffKey | null = live ? null : "only_live";
  const phone = (can: boolean, why: StaffKey): StaffKey | null =>
    only ?? (reach ? (can ? null : why) : "camera_unknown");
  const others = deeds.colleagues.value.length > 0;
  const snapshot = () => {
    tick();
    void deeds.snapshot();
  };
  return (
    <nav class="rail" aria-label={staff("call_with", { name: call?.customer_name ?? "" })}>
      <div class="rail-group">
        <Tile
          kind="main"
          name={staff("snapshot")}
          more={live && board.strokes.value.length > 0 ? staff("snapshot_keeps") : undefined}
          icon={<Camera size={30} />}
          why={only}
          busy={deeds.taking.value}
          run={snapshot}
        />
        <Tile
          name={staff("freeze")}
          icon={<Snowflake size={24} />}
          pressed={deeds.frozen.value}
          why={only}
          run={() => deeds.set("frozen", !deeds.frozen.value)}
        />
        <Tile
          name={staff("draw")}
          icon={<PenLine size={24} />}
          pressed={props.drawing}
          why={only}
          run={props.onDrawing}
        />
        <Tile
          name={staff("switch_camera")}
          word={staff("switch_camera_word")}
          icon={<SwitchCamera size={24} />}
          why={phone(Boolean(reach?.can_switch), "no_switch")}
          busy={deeds.switching.value}
          run={deeds.switchCamera}
        />
        <Tile
          name={staff("torch")}
          icon={<Flashlight size={24} />}
          pressed={deeds.torch.value}
          why={phone(reach?.torch !== null && reach?.torch !== undefined, "no_torch")}
          run={() => deeds.set("torch", !deeds.torch.value)}
        />
        <ZoomSlider />
      </div>
      <div class="rail-group">
        <Tile
          kind="wide"
          name={staff("propose_booking")}
          icon={<CalendarPlus size={24} />}
          why={only}
          run={() => props.onOpen("booking")}
        />
        <Tile
          name={staff("hold")}
          icon={<CirclePause size={24} />}
          pressed={deeds.held.value}
          why={only}
          run={() => deeds.set("held", !deeds.held.value)}
        />
        <PauseRecording />
        <Tile
          name={shared("mute")}
          icon={<MicOff size={24} />}
          pressed={camera.muted.value}
          run={() => camera.mute(!camera.muted.value)}
        />
        <Tile
          name={shared("camera_off")}
          icon={<VideoOff size={24} />}
          pressed={camera.cameraOff.value}
          run={() => camera.turnOff(!camera.cameraOff.value)}
        />
        <Tile
          name={staff("invite_colleague")}
          icon={<UserPlus size={24} />}
          why={only}
          run={() => props.onOpen("invite")}
        />
        {others ? (
          <Tile name={staff("leave_call")} icon={<LogOut size={24} />} why={only} run={deeds.leave} />
        ) : (
          <Tile
            name={staff("hand_over")}
            icon={<ArrowRightLeft size={24} />}
            why={only}
            run={() => props.onOpen("handover")}
          />
        )}
      </div>
      <div class="rail-end">
        <Tile kind="danger" name={shared("hang_up")} icon={<PhoneOff size={26} />} run={deeds.hangUp} />
      </div>
    </nav>
  );
}

function PauseRecording() {
  const { session, deeds } = useStaff();
  const call = session.call.value;
  const why: StaffKey | null = !call
    ? null
    : call.state !== "live"
      ? "only_live"
      : call.consent
        ? null
        : "not_recorded_why";
  return (
    <Tile
      name={staff("pause_recording")}
      icon={<span class="rec-icon" />}
      pressed={deeds.paused.value}
      why={why}
      run={() => deeds.set("paused", !deeds.paused.value)}
    />
  );
}

function ZoomSlider() {
  const { session, deeds } = useStaff();
  const id = useId();
  const zoom = session.call.value?.camera?.zoom ?? null;
  const shown = zoom ? `${zoom.value.toFixed(1)}×` : "1×";
  return (
    <div class={zoom ? "zoom" : "zoom off"} title={zoom ? undefined : staff("no_zoom")}>
      <label for={id}>
        <ZoomIn size={18} aria-hidden="true" />
        {staff("zoom")}
      </label>
      <output for={id}>{shown}</output>
      <input
        id={id}
        type="range"
        min={zoom?.min ?? 1}
        max={zoom?.max ?? 2}
        step={zoom?.step ?? 0.1}
        value={zoom?.value ?? 1}
        disabled={!zoom}
        aria-valuetext={shown}
        onInput={(event) => deeds.zoom(Number(event.currentTarget.value))}
      />
    </div>
  );
}
