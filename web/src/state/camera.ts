import { type Signal, signal } from "@preact/signals";
import type { Showing } from "../rtc/connection";
import type { Zoom } from "../wire/frames";

export type Facing = "rear" | "front" | "unknown";
/** `blocked`: permission refused. `missing`: no such device. `busy`: another app has it. `insecure`: not on HTTPS. */
export type MediaFault = "blocked" | "missing" | "busy" | "insecure";

/** What the phone's camera can do and does now, as `camera.report` wants it. */
export interface CameraState {
  facing: Facing;
  can_switch: boolean;
  torch: boolean | null;
  zoom: Zoom | null;
  still: boolean;
  error: string;
}

interface Reach extends MediaTrackCapabilities {
  torch?: boolean;
  zoom?: { min: number; max: number; step?: number };
}

const NOTHING: CameraState = { facing: "unknown", can_switch: false, torch: null, zoom: null, still: false, error: "" };
const PICTURES: Record<Showing, MediaTrackConstraints> = {
  item: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } },
  face: { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 30, max: 30 } },
};
const SOUND: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** This device's own camera and microphone, as signals. One per page. */
export class Camera {
  /** The stream of the own preview: it keeps its identity while tracks change. */
  readonly stream = new MediaStream();
  /** Grows when a track of `stream` changed. */
  readonly version: Signal<number> = signal(0);
  readonly state: Signal<CameraState> = signal(NOTHING);
  readonly cameraFault: Signal<MediaFault | null> = signal(null);
  readonly microphoneFault: Signal<MediaFault | null> = signal(null);
  readonly muted: Signal<boolean> = signal(false);
  readonly cameraOff: Signal<boolean> = signal(false);
  readonly opening: Signal<boolean> = signal(false);
  readonly #picture: MediaTrackConstraints;
  #changed: (() => void) | null = null;

  /** An item wants every detail; a face on a phone's small tile wants to move smoothly. */
  constructor(readonly showing: Showing) {
    this.#picture = PICTURES[showing];
  }

  get audio(): MediaStreamTrack | null {
    return this.stream.getAudioTracks()[0] ?? null;
  }

  get video(): MediaStreamTrack | null {
    return this.stream.getVideoTracks()[0] ?? null;
  }

  /** Called after each change of tracks: hand them to the connection there. */
  onTracks(changed: () => void): void {
    this.#changed = changed;
  }

  /** Asks for camera and microphone; each may fail alone, and the faults say why. Never throws. */
  async open(facing: Facing): Promise<void> {
    this.opening.value = true;
    try {
      if (!navigator.mediaDevices?.getUserMedia) {
        const fault = globalThis.isSecureContext ? "blocked" : "insecure"; // some apps' own browsers have no camera at all
        this.cameraFault.value = fault;
        this.microphoneFault.value = fault;
        return;
      }
      await this.#both(facing);
    } finally {
      this.opening.value = false;
      await this.#look();
    }
  }

  async #both(facing: Facing): Promise<void> {
    try {
      const got = await navigator.mediaDevices.getUserMedia({
        audio: SOUND,
        video: { ...this.#picture, facingMode: mode(facing) },
      });
      for (const track of got.getTracks()) this.#put(track);
      this.cameraFault.value = null;
      this.microphoneFault.value = null;
    } catch {
      // One of the two is refused or absent: ask for each alone, so that the other still works.
      this.microphoneFault.value = await this.#one({ audio: SOUND });
      this.cameraFault.value = await this.#one({ video: { ...this.#picture, facingMode: mode(facing) } });
    }
  }

  async #one(constraints: MediaStreamConstraints): Promise<MediaFault | null> {
    try {
      const got = await navigator.mediaDevices.getUserMedia(constraints);
      for (const track of got.getTracks()) this.#put(track);
      return null;
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      if (name === "NotAllowedError" || name === "SecurityError") return "blocked";
      return name === "NotReadableError" || name === "AbortError" ? "busy" : "missing";
    }
  }

  /** Front to rear and back. The old camera is let go first: many phones open only one at a time. */
  async switch(): Promise<void> {
    const was = this.state.value.facing;
    const next: Facing = was === "front" ? "rear" : "front";
    const old = this.video;
    const oldDevice = old?.getSettings().deviceId;
    this.opening.value = true;
    try {
      if (old) this.#remove(old);
      let fault = await this.#one({ video: { ...this.#picture, facingMode: mode(next) } });
      if (!fault && this.video?.getSettings().deviceId === oldDevice) fault = await this.#otherDevice(oldDevice);
      if (fault) this.cameraFault.value = await this.#one({ video: { ...this.#picture, facingMode: mode(was) } });
      await this.#look(fault ? "switch failed" : "", fault ? undefined : next);
    } finally {
      this.opening.value = false;
    }
  }

  /** Cameras that do not say which way they look (desktop) are switched by their id. */
  async #otherDevice(used: string | undefined): Promise<MediaFault | null> {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const other = devices.find((device) => device.kind === "videoinput" && device.deviceId && device.deviceId !== used);
    if (!other) return null;
    if (this.video) this.#remove(this.video);
    return this.#one({ video: { ...this.#picture, deviceId: { exact: other.deviceId } } });
  }

  async torch(on: boolean): Promise<void> {
    await this.#apply({ torch: on }, "torch failed");
  }

  async zoom(value: number): Promise<void> {
    const range = this.state.value.zoom;
    if (range) await this.#apply({ zoom: Math.min(range.max, Math.max(range.min, value)) }, "zoom failed");
  }

  mute(muted: boolean): void {
    this.muted.value = muted;
    if (this.audio) this.audio.enabled = !muted;
  }

  turnOff(off: boolean): void {
    this.cameraOff.value = off;
    if (this.video) this.video.enabled = !off;
  }

  close(): void {
    for (const track of this.stream.getTracks()) this.#remove(track);
    this.version.value = this.version.peek() + 1;
  }

  async #apply(wish: { torch?: boolean; zoom?: number }, fault: string): Promise<void> {
    try {
      await this.video?.applyConstraints({ advanced: [wish as MediaTrackConstraintSet] });
      await this.#look();
    } catch {
      await this.#look(fault);
    }
  }

  #put(track: MediaStreamTrack): void {
    for (const old of this.stream.getTracks()) if (old.kind === track.kind && old !== track) this.#remove(old);
    this.stream.addTrack(track);
    track.enabled = track.kind === "audio" ? !this.muted.value : !this.cameraOff.value;
    if (track.kind === "video" && "contentHint" in track) track.contentHint = "detail";
    // A phone that takes the camera away (a phone call, another app) ends or mutes the track.
    track.onended = () => {
      if (track.kind === "video") this.cameraFault.value = "busy";
      else this.microphoneFault.value = "busy";
      this.version.value = this.version.peek() + 1;
    };
    this.version.value = this.version.peek() + 1;
    this.#changed?.();
  }

  #remove(track: MediaStreamTrack): void {
    track.onended = null;
    track.stop();
    this.stream.removeTrack(track);
  }

  /** Reads what the camera can do now. */
  async #look(error = "", wanted?: Facing): Promise<void> {
    const track = this.video;
    if (!track) {
      this.state.value = { ...NOTHING, error };
      return;
    }
    const reach = (track.getCapabilities?.() ?? {}) as Reach;
    const set = track.getSettings() as MediaTrackSettings & { torch?: boolean; zoom?: number };
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    const told: Facing = set.facingMode === "environment" ? "rear" : set.facingMode === "user" ? "front" : "unknown";
    this.state.value = {
      facing: told === "unknown" ? (wanted ?? this.state.value.facing) : told,
      can_switch: devices.filter((device) => device.kind === "videoinput").length > 1,
      torch: reach.torch ? Boolean(set.torch) : null,
      zoom:
        reach.zoom && reach.zoom.max > reach.zoom.min
          ? {
              min: reach.zoom.min,
              max: reach.zoom.max,
              step: reach.zoom.step || 0.1,
              value: set.zoom ?? reach.zoom.min,
            }
          : null,
      still: true,
      error,
    };
  }
}

function mode(facing: Facing): ConstrainDOMString | undefined {
  return facing === "unknown" ? undefined : { ideal: facing === "rear" ? "environment" : "user" };
}
