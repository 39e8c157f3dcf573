import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { staff } from "../i18n/staff.texts";
import { FIRST_PICTURE_MS } from "../rtc/connection";
import type { Invitation, Line, WaitingView } from "../wire/frames";
import { Refusal } from "../wire/refusal";
import type { Camera } from "./camera";
import type { Link } from "./link";
import type { Session } from "./session";
import type { Notices } from "./staffNotices";
import type { Player } from "./staffPlayer";

export interface Arrival {
  /** Grows with each arrival. */
  count: number;
  name: string;
}

/** The desk: who waits, who of the colleagues is there, and the way into a call. */
export interface Desk {
  readonly line: Signal<Line | null>;
  readonly available: ReadonlySignal<boolean>;
  readonly arrival: Signal<Arrival>;
  /** The call that is being answered right now. */
  readonly answering: Signal<string | null>;
  readonly invitation: Signal<Invitation | null>;
  /** Camera, microphone and connection are held ready. */
  readonly ready: ReadonlySignal<boolean>;
  setAvailable(available: boolean): void;
  answer(waiting: WaitingView): Promise<void>;
  replyToInvitation(accept: boolean): Promise<void>;
}

const INVITATION_FOR_MS = 60_000; // the server forgets it then, too

/** Those of `now` that were not in `before`. */
export function arrivals(before: readonly WaitingView[], now: readonly WaitingView[]): WaitingView[] {
  const known = new Set(before.map((waiting) => waiting.call_id));
  return now.filter((waiting) => !known.has(waiting.call_id));
}

export function openDesk(session: Session, camera: Camera, link: Link, player: Player, notices: Notices): Desk {
  const line = signal<Line | null>(null);
  const wish = signal<boolean | null>(null);
  const available = computed(() => wish.value ?? line.value?.available ?? false);
  const arrival = signal<Arrival>({ count: 0, name: "" });
  const answering = signal<string | null>(null);
  const invitation = signal<Invitation | null>(null);
  let forget: ReturnType<typeof setTimeout> | undefined;
  let taking: ReturnType<typeof setTimeout> | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;

  function takeLine(news: Line): void {
    const fresh = line.value ? arrivals(line.value.waiting, news.waiting) : [];
    line.value = news;
    const last = fresh.at(-1);
    if (last) arrival.value = { count: arrival.value.count + 1, name: last.name };
  }

  session.onNews((news) => {
    if (news.type === "line") {
      // Just after "Answer" the desk lies beneath the call: nobody sees who has left the line.
      clearTimeout(taking);
      const wait = answeredAt + FIRST_PICTURE_MS - performance.now();
      if (wait > 0) taking = setTimeout(takeLine, wait, news);
      else takeLine(news);
    } else if (news.type === "invitation") {
      invitation.value = news;
      clearTimeout(forget);
      forget = setTimeout(() => {
        invitation.value = null;
      }, INVITATION_FOR_MS);
    } else if (news.type === "invitation.gone" && invitation.value?.call_id === news.call_id) {
      invitation.value = null;
    }
  });

  const inCall = computed(() => session.call.value?.state === "ringing" || session.call.value?.state === "live");
  const ready = computed(() => session.welcome.value !== null && (available.value || inCall.value));
  let held = false;
  effect(() => {
    const away = session.status.value === "replaced" || session.status.value === "refused";
    const wanted = ready.value && !away;
    if (wanted === held) return;
    held = wanted;
    if (wanted) {
      link.start();
      void camera.open("front");
    } else {
      link.stop();
      camera.close();
    }
  });

  async function setAvailable(next: boolean): Promise<void> {
    wish.value = next;
    try {
      await session.request({ type: "available.set", available: next });
      if (line.value) line.value = { ...line.value, available: next };
    } catch (error) {
      notices.refuse(error);
    } finally {
      wish.value = null;
    }
  }

  return {
    line,
    available,
    arrival,
    answering,
    invitation,
    ready,
    setAvailable: (next) => void setAvailable(next),
    async answer(waiting) {
      if (answering.value || inCall.value) return; // a second tap, on what lies beneath the call for a moment
      if (session.call.value?.ended_at) session.forget();
      answeredAt = performance.now();
      answering.value = waiting.call_id;
      const pictured = player.pictured(FIRST_PICTURE_MS);
      session.hush(pictured); // what the room says of the call is laid out and drawn after the picture
      try {
        await session.request({ type: "call.answer", call_id: waiting.call_id });
        await pictured;
      } catch (error) {
        const takenBy = error instanceof Refusal && error.code === "already_taken" ? error.takenBy : null;
        if (takenBy) notices.tell("warn", () => staff("already_answered", { colleague: takenBy, name: waiting.name }));
        else notices.refuse(error);
      } finally {
        answering.value = null;
      }
    },
    async replyToInvitation(accept) {
      const asked = invitation.value;
      if (!asked) return;
      invitation.value = null;
      await session
        .request({ type: "invite.answer", call_id: asked.call_id, accept })
        .catch((error: unknown) => notices.refuse(error));
    },
  };
}
