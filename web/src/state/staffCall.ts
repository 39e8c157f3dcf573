import { computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import { staff } from "../i18n/staff.texts";
import type { CallView, Ok, Person } from "../wire/frames";
import { newId } from "../wire/ids";
import type { Unsent } from "../wire/outbox";
import { openSaveNote, type SaveNote } from "./callNote";
import type { PictureView, Session } from "./session";
import type { Notices } from "./staffNotices";

type Toggle = "held" | "paused" | "frozen" | "torch";

export interface Proposal {
  service: string;
  startsAt: string;
  minutes: number;
  price: number;
  note: string;
}

/** What this member of staff does in the call. Toggles answer at once and follow the server when it says otherwise. */
export interface CallDeeds {
  readonly customer: ReadonlySignal<Person | null>;
  readonly colleagues: ReadonlySignal<Person[]>;
  /** True while this person is in a call that goes on. */
  readonly inCall: ReadonlySignal<boolean>;
  /** The call that has just ended, until it is dismissed. */
  readonly ended: ReadonlySignal<CallView | null>;
  readonly held: ReadonlySignal<boolean>;
  readonly paused: ReadonlySignal<boolean>;
  readonly frozen: ReadonlySignal<boolean>;
  readonly torch: ReadonlySignal<boolean>;
  readonly switching: Signal<boolean>;
  readonly taking: Signal<boolean>;
  /** Grows with each picture that was taken. */
  readonly shots: Signal<number>;
  set(toggle: Toggle, on: boolean): void;
  snapshot(): Promise<PictureView | null>;
  switchCamera(): void;
  zoom(value: number): void;
  invite(staffId: string, handover: boolean): Promise<boolean>;
  propose(proposal: Proposal): Promise<void>;
  readonly saveNote: SaveNote;
  hangUp(): void;
  leave(): void;
  dismissEnded(): void;
}

const WISH_HOLDS_MS = 2500;
const ZOOM_EVERY_MS = 80;

export function openCallDeeds(session: Session, notices: Notices): CallDeeds {
  const wishes = signal<Partial<Record<Toggle, boolean>>>({});
  const dismissed = signal<string | null>(null);
  const switching = signal(false);
  const taking = signal(false);
  const shots = signal(0);
  const { call } = session;

  const mine = computed(() => {
    const now = call.value;
    return now?.people.some((person) => person.id === session.me.value?.id) ? now : null;
  });
  const inCall = computed(() => mine.value?.state === "ringing" || mine.value?.state === "live");
  const ended = computed(() => {
    const now = mine.value;
    return now?.state === "ended" && now.id !== dismissed.value ? now : null;
  });
  const facts: Record<Toggle, ReadonlySignal<boolean>> = {
    held: computed(() => call.value?.held ?? false),
    paused: computed(() => call.value?.recording === "paused" && !call.value.held),
    frozen: computed(() => session.board.value.frozen),
    torch: computed(() => call.value?.camera?.torch ?? false),
  };
  const shown = (toggle: Toggle): ReadonlySignal<boolean> =>
    computed(() => wishes.value[toggle] ?? facts[toggle].value);

  function drop(toggle: Toggle): void {
    const { [toggle]: _, ...rest } = wishes.value;
    wishes.value = rest;
  }
  // A wish has come true: from here on the server's word counts again.
  effect(() => {
    for (const toggle of Object.keys(wishes.value) as Toggle[])
      if (wishes.value[toggle] === facts[toggle].value) drop(toggle);
  });

  const frames: Record<Toggle, (on: boolean) => Unsent> = {
    held: (on) => ({ type: "call.hold", held: on }),
    paused: (on) => ({ type: "recording.pause", paused: on }),
    frozen: (on) => ({ type: "freeze", frozen: on }),
    torch: (on) => ({ type: "camera.command", torch: on }),
  };

  async function ask(frame: Unsent): Promise<Ok | null> {
    try {
      return await session.request(frame);
    } catch (error) {
      notices.refuse(error);
      return null;
    }
  }

  let asking: string | null = null;
  const answered = (): void => {
    if (asking) notices.dismiss(asking);
    asking = null;
  };
  session.onNews((news) => {
    if (news.type !== "picture.refused") return;
    answered();
    notices.tell("warn", () => staff("picture_refused"));
  });
  // Kept, or nobody is left to ask: the question is answered either way.
  const kept = computed(() => session.pictures.value.length);
  effect(() => {
    kept.value;
    inCall.value;
    untracked(answered);
  });

  let zoomTimer: ReturnType<typeof setTimeout> | undefined;
  let zoomWish: number | null = null;
  let zoomFreeAt = 0;
  const sendZoom = (): void => {
    if (zoomWish === null) return;
    session.wire.post({ type: "camera.command", zoom: zoomWish });
    zoomWish = null;
    zoomFreeAt = performance.now() + ZOOM_EVERY_MS;
  };

  return {
    customer: computed(() => call.value?.people.find((person) => person.side === "customer") ?? null),
    colleagues: computed(
      () => call.value?.people.filter((person) => person.side === "staff" && person.id !== session.me.value?.id) ?? [],
    ),
    inCall,
    ended,
    held: shown("held"),
    paused: shown("paused"),
    frozen: shown("frozen"),
    torch: shown("torch"),
    switching,
    taking,
    shots,
    set(toggle, on) {
      wishes.value = { ...wishes.value, [toggle]: on };
      void ask(frames[toggle](on)).then((ok) => {
        if (!ok) drop(toggle);
        else setTimeout(drop, WISH_HOLDS_MS, toggle);
      });
    },
    async snapshot() {
      taking.value = true;
      try {
        const ok = await session.request({ type: "picture.take", cmid: newId() });
        if (ok.asked) asking = notices.tell("plain", () => staff("picture_asked"));
        else shots.value += 1;
        return (ok.picture as unknown as PictureView) ?? null;
      } catch (error) {
        notices.refuse(error);
        return null;
      } finally {
        taking.value = false;
      }
    },
    switchCamera() {
      if (switching.value) return;
      switching.value = true;
      const before = JSON.stringify(call.value?.camera);
      const done = (): void => {
        clearTimeout(timer);
        stop();
        switching.value = false;
      };
      const timer = setTimeout(done, 4000);
      const stop = session.onNews(() => {
        if (JSON.stringify(call.value?.camera) !== before) done();
      });
      void ask({ type: "camera.command", switch: true }).then((ok) => !ok && done());
    },
    zoom(value) {
      zoomWish = value;
      clearTimeout(zoomTimer);
      zoomTimer = setTimeout(sendZoom, Math.max(0, zoomFreeAt - performance.now()));
    },
    async invite(staffId, handover) {
      return (await ask({ type: "call.invite", staff_id: staffId, handover })) !== null;
    },
    async propose({ service, startsAt, minutes, price, note }) {
      await session.request({
        type: "booking.propose",
        cmid: newId(),
        service,
        starts_at: startsAt,
        minutes,
        price,
        note,
      });
    },
    saveNote: openSaveNote((frame) => session.request(frame)),
    hangUp: () => void ask({ type: "call.end" }),
    leave: () => void ask({ type: "call.leave" }),
    dismissEnded() {
      dismissed.value = call.value?.id ?? null;
      session.forget(); // the room is laid out anew for the next call, and not while that is answered
    },
  };
}
