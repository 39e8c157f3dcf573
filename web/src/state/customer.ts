import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import type { EntryView } from "../conversation/frames";
import { language } from "../i18n/language";
import type { Booking, CallView } from "../wire/frames";
import { http } from "../wire/http";
import { newId } from "../wire/ids";
import { codeOf } from "../wire/refusal";
import { keepAwake } from "./awake";
import type { CallTalk } from "./callTalk";
import { Camera } from "./camera";
import { openEye } from "./eye";
import { type Link, openLink } from "./link";
import { openSession, type PictureView, type Session } from "./session";
import { scaled, sendStill, takeStill } from "./still";

/** What `POST /api/enter` answers. */
export interface Entered {
  customer: { id: string; name: string };
  shop: { slug: string; name: string; name_zh: string; time_zone: string };
  invitation: { name: string; matter: string } | null;
  staff_available: number;
}

export type Phase = "loading" | "refused" | "form" | "waiting" | "call" | "goodbye" | "replaced";

/** A picture that waits for the customer's word. */
export interface AskedPicture {
  id: string;
  url: string;
}

export interface Customer {
  readonly session: Session;
  readonly camera: Camera;
  readonly link: Link;
  readonly phase: ReadonlySignal<Phase>;
  readonly entered: Signal<Entered | null>;
  /** Why the link or the start was refused, as an error code. */
  readonly refusal: Signal<string | null>;
  readonly startFault: Signal<string | null>;
  readonly starting: Signal<boolean>;
  readonly place: Signal<{ number: number; staff_available: number } | null>;
  readonly asked: Signal<AskedPicture[]>;
  readonly answering: Signal<Record<string, "confirm" | "decline">>;
  readonly dark: ReadonlySignal<boolean>;
  readonly shaking: ReadonlySignal<boolean>;
  /** The call that is over, as HTTP gives it: complete also after a reload. */
  readonly past: Signal<PastCall | null>;
  /** The conversation with the shop, from the moment on at which this person is in line. */
  readonly chat: ReadonlySignal<CallTalk | null>;
  enter(): Promise<void>;
  start(name: string, matter: string, consent: boolean): Promise<void>;
  setConsent(recording: boolean): void;
  answerBooking(booking: Booking, answer: "confirm" | "decline"): void;
  answerPicture(id: string, keep: boolean): void;
  hangUp(): void;
  leaveMessage(form: { id: string; name: string; contact: string; text: string; photo: File | null }): Promise<void>;
  /** Back to the form, for another call. */
  again(): void;
  useHere(): void;
}

export interface PastCall {
  call: Pick<CallView, "id" | "state" | "end_reason" | "answered_at" | "live_at" | "ended_at">;
  /** What was written during the call. */
  said: EntryView[];
  bookings: Booking[];
  pictures: PictureView[];
}

const LAST_CALL = "loupe.call";
const UNSENT = new Set(["no_answer", "offline"]);
const HANG_UP_MS = 60_000; // the call itself ends after this long without its customer
const HANG_UP_SHOWN_MS = 1500;
const ENTER_AGAIN_MS = 10_000;
const CHAT_AGAIN_MS = 3000;
const OVER = new Set(["ended", "abandoned", "missed"]);

export function openCustomer(slug: string, token: string | null): Customer {
  const session = openSession("customer");
  const camera = new Camera("item");
  const entered = signal<Entered | null>(null);
  const refusal = signal<string | null>(null);
  const startFault = signal<string | null>(null);
  const starting = signal(false);
  const place = signal<{ number: number; staff_available: number } | null>(null);
  const asked = signal<AskedPicture[]>([]);
  const answering = signal<Record<string, "confirm" | "decline">>({});
  const past = signal<PastCall | null>(null);
  const chat = signal<CallTalk | null>(null);
  const welcomed = signal(false);
  /** The call of this visit; a call of an earlier visit that is over is not shown again. */
  const current = signal<string | null>(recall());

  /** A call that the person hung up while nothing could be sent: for them it is over. */
  const hungUp = signal<string | null>(null);

  const open = computed(() => {
    const call = session.call.value;
    return call !== null && !OVER.has(call.state) && call.id !== hungUp.value;
  });
  const eye = openEye(camera, () => session.call.value?.state === "live");
  const link = openLink(session, camera, eye);

  const phase = computed<Phase>(() => {
    if (refusal.value) return "refused";
    if (session.status.value === "replaced" || session.status.value === "refused") return "replaced";
    const call = session.call.value;
    if (call && open.value) return call.state === "waiting" ? "waiting" : "call";
    if (call && call.id === current.value) return "goodbye";
    if (past.value) return "goodbye";
    if (!entered.value || !welcomed.value) return "loading";
    return "form";
  });

  session.onWelcome(() => {
    batch(() => {
      welcomed.value = true;
      if (session.call.value && open.value) current.value = session.call.value.id;
    });
    if (open.value) void resume();
    else if (current.value) void recordOf(current.value);
  });

  session.onNews((news) => {
    if (news.type === "place") place.value = { number: news.number, staff_available: news.staff_available };
    else if (news.type === "picture.ask") {
      if (!asked.value.some((picture) => picture.id === news.picture_id))
        asked.value = [...asked.value, { id: news.picture_id, url: news.url }];
    } else if (news.type === "camera.command") void obey(news);
    else if (news.type === "still.wanted") void still(news.url);
  });

  effect(() => {
    const id = current.value;
    try {
      if (id) sessionStorage.setItem(LAST_CALL, id);
      else sessionStorage.removeItem(LAST_CALL);
    } catch {
      // a private window: a reload after the call shows the form
    }
  });

  // The phone tells what its camera can do whenever that changes, once per call and connection.
  let reported = "";
  effect(() => {
    const state = camera.state.value;
    const epoch = `${session.welcome.value?.ref}${session.call.value?.id}${JSON.stringify(state)}`;
    if (!open.value || !welcomed.value || camera.opening.value || epoch === reported) return;
    reported = epoch;
    session.wire.post({ type: "camera.report", ...state });
  });

  let wasOpen = false;
  effect(() => {
    const ended = wasOpen && !open.value;
    wasOpen = open.value;
    if (!ended) return;
    untracked(() => {
      link.stop();
      camera.close();
      asked.value = [];
      place.value = null;
      if (current.value) void recordOf(current.value);
    });
  });

  // Another tab took over: camera and microphone are its own now.
  effect(() => {
    if (session.status.value !== "replaced") return;
    untracked(() => {
      link.stop();
      camera.close();
    });
  });

  // A socket that stays shut may mean that the server no longer knows this device: enter again, or learn why not.
  let knocking: ReturnType<typeof setInterval> | undefined;
  effect(() => {
    clearInterval(knocking);
    const shut = session.status.value === "lost" || session.status.value === "connecting";
    if (!shut || !entered.value) return;
    knocking = setInterval(() => void knock(), ENTER_AGAIN_MS);
  });

  async function knock(): Promise<void> {
    try {
      await http<Entered>("/api/enter", { body: { shop: slug, token, language: language.value } });
      session.wire.probe();
    } catch (error) {
      const code = codeOf(error);
      if (code.startsWith("link_") || code === "not_found" || code === "ended") refusal.value = code;
    }
  }

  // While one waits, so that nothing is left to do when somebody answers; and after a reload, for what was not sent yet.
  let chatOf = "";
  effect(() => {
    const id = entered.value?.customer.id;
    if (id && (open.value || past.value)) untracked(() => void openChat(id));
  });

  async function openChat(id: string): Promise<void> {
    if (chatOf === id) return;
    chatOf = id;
    chat.peek()?.close();
    chat.value = null;
    try {
      const { openCallTalk } = await import("./callTalk");
      const made = await openCallTalk(id, link);
      if (chatOf === id) chat.value = made;
      else made.close();
    } catch {
      setTimeout(() => {
        if (chatOf === id) chatOf = "";
        void openChat(id);
      }, CHAT_AGAIN_MS); // no network for the page's other part
    }
  }

  keepAwake(() => open.value);

  async function enter(): Promise<void> {
    refusal.value = null;
    try {
      entered.value = await http<Entered>("/api/enter", { body: { shop: slug, token, language: language.value } });
      session.start();
    } catch (error) {
      refusal.value = codeOf(error);
    }
  }

  async function resume(): Promise<void> {
    if (!camera.video && !camera.audio) await camera.open("rear");
    await link.connection.send(camera.audio, camera.video);
    link.start();
  }

  async function start(name: string, matter: string, consent: boolean): Promise<void> {
    startFault.value = null;
    starting.value = true;
    try {
      const { call } = await session.request({ type: "call.join", name, matter, consent });
      batch(() => {
        past.value = null;
        current.value = call?.id ?? null;
        if (call) session.adopt(call);
      });
      await resume();
    } catch (error) {
      startFault.value = codeOf(error);
    } finally {
      starting.value = false;
    }
  }

  async function obey(command: { switch: boolean; torch: boolean | null; zoom: number | null }): Promise<void> {
    if (command.switch) await camera.switch();
    if (command.torch !== null) await camera.torch(command.torch);
    if (command.zoom !== null) await camera.zoom(command.zoom);
    reported = "";
    session.wire.post({ type: "camera.report", ...camera.state.value });
  }

  async function still(url: string): Promise<void> {
    const track = camera.video;
    if (!track || camera.cameraOff.value) return;
    try {
      const photo = await takeStill(track);
      await sendStill(url, photo).catch(() => sendStill(url, photo)); // once more: phones change networks
    } catch {
      // the picture from the stream stays
    }
  }

  async function recordOf(id: string): Promise<void> {
    try {
      const record = await http<PastCall>(`/api/calls/${id}`);
      if (current.value === id) past.value = record; // the person may be on the way to another call by now
    } catch {
      if (session.call.value?.id !== id && current.value === id) current.value = null;
    }
  }

  function answerBooking(booking: Booking, answer: "confirm" | "decline"): void {
    if (answering.value[booking.id]) return;
    answering.value = { ...answering.value, [booking.id]: answer };
    session
      .request({ type: "booking.answer", cmid: newId(), booking_id: booking.id, answer })
      .catch(() => undefined)
      .finally(() => {
        const { [booking.id]: _, ...rest } = answering.value;
        answering.value = rest;
      });
  }

  function answerPicture(id: string, keep: boolean): void {
    const picture = asked.value.find((other) => other.id === id);
    asked.value = asked.value.filter((other) => other.id !== id);
    session.request({ type: "picture.answer", picture_id: id, keep }).catch((error: unknown) => {
      if (picture && UNSENT.has(codeOf(error)) && open.value) asked.value = [...asked.value, picture];
    });
  }

  async function leaveMessage(form: {
    id: string;
    name: string;
    contact: string;
    text: string;
    photo: File | null;
  }): Promise<void> {
    const body = new FormData();
    for (const key of ["id", "name", "contact", "text"] as const) body.set(key, form[key]);
    if (form.photo) body.set("picture", await scaled(form.photo), "photo.jpg");
    await http("/api/left-messages", { method: "POST", body, deadlineMs: 60_000 });
  }

  return {
    session,
    camera,
    link,
    phase,
    entered,
    refusal,
    startFault,
    starting,
    place,
    asked,
    answering,
    past,
    chat,
    dark: eye.dark,
    shaking: eye.shaking,
    enter,
    start,
    answerBooking,
    answerPicture,
    leaveMessage,
    setConsent: (recording) => {
      session.request({ type: "consent.set", cmid: newId(), recording }).catch(() => undefined);
    },
    hangUp: () => {
      const id = session.call.value?.id ?? null;
      session.request({ type: "call.end" }, { deadlineMs: HANG_UP_MS }).catch(() => undefined);
      setTimeout(() => {
        if (open.value && session.call.value?.id === id) hungUp.value = id;
      }, HANG_UP_SHOWN_MS);
    },
    again: () => {
      batch(() => {
        past.value = null;
        current.value = null;
        hungUp.value = null;
      });
      void enter();
    },
    useHere: () => session.wire.takeOver(),
  };
}

function recall(): string | null {
  try {
    return sessionStorage.getItem(LAST_CALL);
  } catch {
    return null;
  }
}
