import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Conversations } from "../conversation/conversations";
import { Connection, type LinkState } from "../rtc/connection";
import type { Quality } from "../rtc/quality";
import type { StatusSet } from "../wire/frames";
import { Refusal } from "../wire/refusal";
import type { Camera } from "./camera";
import type { Session } from "./session";

/** The media link of one page: its connection follows the session and the camera. */
export interface Link {
  readonly state: Signal<LinkState>;
  readonly quality: Signal<Quality>;
  readonly channelOpen: Signal<boolean>;
  /** The data channel of the newest connection; it may not be open yet. */
  readonly channel: Signal<RTCDataChannel | null>;
  /** What slots 0, 1, 2 show; constant streams, set once as `srcObject`. */
  readonly remotes: readonly MediaStream[];
  /** True when neither carrier of frames is there, or media is lost, while a call is on. */
  readonly troubled: ReadonlySignal<boolean>;
  /** Connects (also while nobody is there yet: ring = connect). */
  start(): void;
  stop(): void;
  readonly connection: Connection;
}

/** What this side tells the other by `status.set`; `dark` and `shaking` come from the customer's phone. */
export interface Told {
  dark: ReadonlySignal<boolean>;
  shaking: ReadonlySignal<boolean>;
}

const OFFER_MS = 5000;
const STATUS_WITHIN_MS = 120;

export function openLink(session: Session, camera: Camera, told?: Told): Link {
  const state = signal<LinkState>("new");
  const quality = signal<Quality>("good");
  const channelOpen = signal(false);
  const newest = signal<RTCDataChannel | null>(null);
  const visible = signal(document.visibilityState !== "hidden");
  const policy: RTCIceTransportPolicy = new URLSearchParams(location.search).get("relay") === "1" ? "relay" : "all";

  const connection = new Connection(
    () => session.welcome.value?.ice_servers ?? [],
    {
      offer: async (peer, sdp, given) => {
        const ask = { type: "media.offer", peer, sdp } as const;
        const { sdp: answer } = await session.request(ask, { deadlineMs: OFFER_MS, given });
        if (!answer) throw new Refusal("unavailable", "No answer for this offer.");
        return answer;
      },
      channel: (channel) => {
        channelOpen.value = false;
        channel.addEventListener("open", () => {
          channelOpen.value = true;
        });
        channel.addEventListener("close", () => {
          channelOpen.value = false;
        });
        session.wire.attach(channel);
        newest.value = channel;
      },
      state: (now) => {
        state.value = now;
      },
      quality: (now) => {
        quality.value = now;
      },
    },
    camera.showing,
    policy,
  );

  camera.onTracks(() => void connection.send(camera.audio, camera.video));
  session.onNews((news) => {
    if (news.type === "media.renew" && connection.state !== "new" && connection.state !== "closed") connection.renew();
  });
  session.onWelcome(() => connection.hurry());
  document.addEventListener("visibilitychange", () => {
    visible.value = document.visibilityState !== "hidden";
    if (visible.value) connection.hurry();
  });
  globalThis.addEventListener("online", () => connection.hurry());

  effect(() => {
    const call = session.call.value;
    const flowing = call?.state === "live" && !call.held;
    const other = call?.people.find((person) => person.slot === 0);
    connection.level(call?.state === "live" || call?.state === "ringing" ? "live" : "waiting");
    connection.expect({
      media: Boolean(flowing && other?.connected),
      picture: Boolean(flowing && other?.connected && other.status?.camera_on && other.status.visible),
    });
  });

  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = "";
  effect(() => {
    const frame: Omit<StatusSet, "ref"> = {
      type: "status.set",
      muted: camera.muted.value || camera.microphoneFault.value !== null,
      camera_on: !camera.cameraOff.value && camera.cameraFault.value === null,
      visible: visible.value,
      dark: told?.dark.value ?? false,
      shaking: told?.shaking.value ?? false,
      quality: quality.value,
    };
    const live = session.call.value !== null && session.status.value !== "replaced";
    const epoch = session.welcome.value?.ref ?? "";
    const text = `${epoch}${session.call.value?.id}${JSON.stringify(frame)}`;
    if (!live || text === last) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      last = text;
      session.wire.post(frame);
    }, STATUS_WITHIN_MS);
  });

  const troubled = computed(() => {
    const on = session.call.value?.state === "live" || session.call.value?.state === "ringing";
    return on && (state.value !== "connected" || (session.status.value !== "open" && !channelOpen.value));
  });

  return {
    state,
    quality,
    channelOpen,
    channel: newest,
    remotes: connection.remotes,
    troubled,
    connection,
    start: () => connection.start(),
    stop: () => connection.stop(),
  };
}

/** A conversation travels on the call's data channel as well, from now on and on each newer one. */
export function lend(link: Link, conversations: ReadonlySignal<Conversations | null>): () => void {
  return effect(() => {
    const [channel, made] = [link.channel.value, conversations.value];
    if (channel && made && channel.readyState !== "closed") made.lend(channel);
  });
}
