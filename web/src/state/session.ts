import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { language } from "../i18n/language";
import type {
  BoardView,
  Booking,
  CallEvent,
  CallView,
  Ok,
  Person,
  Stroke,
  WatermarkView,
  Welcome,
} from "../wire/frames";
import { newId } from "../wire/ids";
import { type Kept, storedOutbox, type Unsent } from "../wire/outbox";
import { codeOf } from "../wire/refusal";
import { ofShop } from "../wire/shop";
import { Stream } from "../wire/stream";
import { type Asking, type News, Wire, type WireStatus } from "../wire/wire";

/** A picture as events and HTTP carry it (domain.record.Picture). */
export interface PictureView {
  id: string;
  call_id: string;
  taken_by: string;
  taken_at: string;
  width: number;
  height: number;
  source: "stream" | "still";
  blob: string;
  strokes: Stroke[];
}

export interface ChatLine {
  cmid: string;
  text: string;
  at: string;
  mine: boolean;
  author: string;
  authorName: string;
  /** 0 while it is not kept by the server. */
  position: number;
  state: "sending" | "failed" | "sent" | "delivered" | "read";
  /** Why it failed, as an error code. */
  code: string | null;
}

/** A text that the server has not acknowledged yet. */
export interface PendingLine {
  cmid: string;
  callId: string | null;
  text: string;
  at: string;
  code: string | null;
}

/** What one side knows of its call, as signals. Components read it and call its functions; it never touches the page. */
export interface Session {
  readonly side: "customer" | "staff";
  readonly wire: Wire;
  readonly status: Signal<WireStatus>;
  readonly welcome: Signal<Welcome | null>;
  readonly me: ReadonlySignal<Person | null>;
  readonly call: Signal<CallView | null>;
  readonly events: Signal<CallEvent[]>;
  readonly pending: Signal<PendingLine[]>;
  readonly watermarks: Signal<Record<string, WatermarkView>>;
  readonly board: Signal<BoardView>;
  readonly chat: ReadonlySignal<ChatLine[]>;
  readonly bookings: ReadonlySignal<Booking[]>;
  readonly pictures: ReadonlySignal<PictureView[]>;
  readonly unread: ReadonlySignal<number>;
  /** The server's clock minus ours, in milliseconds. */
  readonly skewMs: Signal<number>;
  /** Every news frame after the session applied it; returns the way to stop listening. */
  onNews(listen: (news: News) => void): () => void;
  onWelcome(listen: (welcome: Welcome) => void): () => void;
  /** Any request. Durable ones (with a cmid) are tied to the present call. */
  request(frame: Unsent, options?: Asking): Promise<Ok>;
  /** Takes a call that an answer carried (`ok {call}`), like the news of it. */
  adopt(call: CallView): void;
  /** Lets go of a call that is over, before another begins. */
  forget(): void;
  say(text: string): void;
  sayAgain(cmid: string): void;
  /** Everything that is here was seen by the person (only while the page is visible). */
  markRead(): void;
  start(): void;
  stop(): void;
}

const SEEN_WITHIN_MS = 150;

export function openSession(side: "customer" | "staff"): Session {
  const status = signal<WireStatus>("connecting");
  const welcome = signal<Welcome | null>(null);
  const call = signal<CallView | null>(null);
  const events = signal<CallEvent[]>([]);
  const pending = signal<PendingLine[]>([]);
  const watermarks = signal<Record<string, WatermarkView>>({});
  const board = signal<BoardView>({ frozen: false, picture_url: null, strokes: [] });
  const skewMs = signal(0);
  const replacedPictures = signal<Record<string, PictureView>>({});
  const readTo = signal(0);
  const newsListeners = new Set<(news: News) => void>();
  const welcomeListeners = new Set<(welcome: Welcome) => void>();
  const me = computed(() => welcome.value?.me ?? null);
  let seenTimer: ReturnType<typeof setTimeout> | undefined;

  const stream = new Stream(
    async (after) => (await wire.request({ type: "sync", after })).events ?? [],
    (fresh) => {
      const kept = new Set(fresh.map((event) => event.cmid));
      batch(() => {
        events.value = [...events.value, ...fresh];
        if (pending.value.some((line) => kept.has(line.cmid)))
          pending.value = pending.value.filter((line) => !kept.has(line.cmid));
      });
      seenSoon();
    },
  );

  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${ofShop(`/ws/${side}`)}`;
  const wire = new Wire(url, storedOutbox(side), () => ({ position: stream.position, language: language.value }), {
    welcome: (said, carrier) => {
      batch(() => {
        if (carrier === "socket") {
          welcome.value = said;
          skewMs.value = Date.parse(said.now) - Date.now();
        }
        setCall(said.call);
        stream.take(said.events);
        watermarks.value = Object.fromEntries(said.watermarks.map((mark) => [mark.person_id, mark]));
        if (said.call) stream.reaches(said.call.head);
      });
      if (carrier === "socket") for (const listen of welcomeListeners) listen(said);
    },
    news: (news) => {
      batch(() => apply(news));
      for (const listen of newsListeners) listen(news);
    },
    status: (now) => {
      status.value = now;
    },
    restored: (entries) => {
      for (const { kept, answer } of entries)
        if (kept.frame.type === "message.send") follow(lineOf(kept), answer);
        else answer.catch(() => undefined);
    },
  });

  function setCall(next: CallView | null): void {
    if (stream.turnTo(next?.id ?? null)) {
      events.value = [];
      watermarks.value = {};
      replacedPictures.value = {};
      readTo.value = 0;
      pending.value = pending.value.filter((line) => line.callId === (next?.id ?? null));
    }
    call.value = next;
    board.value = next?.board ?? { frozen: false, picture_url: null, strokes: [] };
  }

  function apply(news: News): void {
    switch (news.type) {
      case "call":
        setCall(news.call);
        stream.reaches(news.call.head);
        break;
      case "event":
        stream.take([news.event]);
        break;
      case "watermark": {
        if (news.call_id !== call.value?.id) break;
        const { person_id, delivered, read } = news.watermark;
        const old = watermarks.value[person_id];
        const mark = {
          person_id,
          delivered: Math.max(delivered, old?.delivered ?? 0),
          read: Math.max(read, old?.read ?? 0),
        };
        watermarks.value = { ...watermarks.value, [person_id]: mark };
        break;
      }
      case "board":
        board.value = news.board;
        break;
      case "stroke": {
        const { strokes } = board.value;
        const known = strokes.some((stroke) => stroke.id === news.stroke.id);
        const next = known
          ? strokes.map((s) => (s.id === news.stroke.id ? news.stroke : s))
          : [...strokes, news.stroke];
        board.value = { ...board.value, strokes: next };
        break;
      }
      case "picture.replaced": {
        const picture = news.picture as unknown as PictureView;
        replacedPictures.value = { ...replacedPictures.value, [picture.id]: picture };
        break;
      }
    }
  }

  function seenSoon(): void {
    clearTimeout(seenTimer);
    seenTimer = setTimeout(() => {
      const read = Math.max(readTo.value, watermarks.value[me.value?.id ?? ""]?.read ?? 0);
      if (stream.position)
        wire.post({ type: "seen", delivered: stream.position, read: Math.min(read, stream.position) });
    }, SEEN_WITHIN_MS);
  }

  function markRead(): void {
    if (globalThis.document?.visibilityState === "hidden" || readTo.value >= stream.position) return;
    readTo.value = stream.position;
    seenSoon();
  }

  function follow(line: PendingLine, answer: Promise<Ok>): void {
    pending.value = [...pending.value.filter((other) => other.cmid !== line.cmid), line];
    answer.catch((error: unknown) => {
      pending.value = pending.value.map((other) =>
        other.cmid === line.cmid ? { ...other, code: codeOf(error) } : other,
      );
    });
  }

  function request(frame: Unsent, options: Asking = {}): Promise<Ok> {
    return wire.request(frame, { ...options, callId: call.value?.id ?? null });
  }

  function adopt(next: CallView): void {
    batch(() => {
      setCall(next);
      stream.reaches(next.head);
    });
  }

  function say(text: string): void {
    const clean = text.trim();
    if (!clean) return;
    const cmid = newId();
    const line = {
      cmid,
      callId: call.value?.id ?? null,
      text: clean,
      at: new Date(Date.now() + skewMs.value).toISOString(),
      code: null,
    };
    follow(line, request({ type: "message.send", cmid, text: clean }));
  }

  function sayAgain(cmid: string): void {
    const line = pending.value.find((other) => other.cmid === cmid);
    if (line) follow({ ...line, code: null }, request({ type: "message.send", cmid, text: line.text }));
  }

  const others = computed(() => Object.values(watermarks.value).filter((mark) => mark.person_id !== me.value?.id));
  const chat = computed<ChatLine[]>(() => {
    const mine = me.value;
    const read = Math.max(0, ...others.value.map((mark) => mark.read));
    const delivered = Math.max(0, ...others.value.map((mark) => mark.delivered));
    return [
      ...linesOf(events.value, mine?.id, (position) =>
        position <= read ? "read" : position <= delivered ? "delivered" : "sent",
      ),
      ...pending.value.map(
        (line): ChatLine => ({
          cmid: line.cmid,
          text: line.text,
          at: line.at,
          mine: true,
          author: mine?.id ?? "",
          authorName: mine?.name ?? "",
          position: 0,
          state: line.code ? "failed" : "sending",
          code: line.code,
        }),
      ),
    ];
  });

  const bookings = computed<Booking[]>(() => {
    const latest = new Map<string, Booking>();
    for (const event of events.value) {
      const booking = event.kind === "booking" ? (event.body.booking as Booking | undefined) : undefined;
      if (booking) latest.set(booking.id, booking);
    }
    return [...latest.values()];
  });

  const pictures = computed<PictureView[]>(() => {
    const latest = new Map<string, PictureView>();
    for (const event of events.value) {
      const picture = event.kind === "picture" ? (event.body.picture as PictureView | undefined) : undefined;
      if (picture) latest.set(picture.id, replacedPictures.value[picture.id] ?? picture);
    }
    return [...latest.values()];
  });

  const unread = computed(() => {
    const mine = me.value?.id;
    const read = Math.max(readTo.value, watermarks.value[mine ?? ""]?.read ?? 0);
    return events.value.filter(
      (e) => e.position > read && e.author !== mine && (e.kind === "message" || e.kind === "booking"),
    ).length;
  });

  const listenTo =
    <T>(listeners: Set<T>) =>
    (listen: T) => {
      listeners.add(listen);
      return () => void listeners.delete(listen);
    };

  return {
    side,
    wire,
    status,
    welcome,
    me,
    call,
    events,
    pending,
    watermarks,
    board,
    chat,
    bookings,
    pictures,
    unread,
    skewMs,
    onNews: listenTo(newsListeners),
    onWelcome: listenTo(welcomeListeners),
    request,
    adopt,
    forget: () => batch(() => setCall(null)),
    say,
    sayAgain,
    markRead,
    start: () => wire.open(),
    stop: () => wire.close(),
  };
}

function lineOf(kept: Kept): PendingLine {
  const text = kept.frame.type === "message.send" ? kept.frame.text : "";
  return { cmid: kept.cmid, callId: kept.callId, text, at: new Date(kept.at).toISOString(), code: null };
}

/** The messages among a call's events, as lines; `me` is the reader's id. */
export function linesOf(
  events: readonly CallEvent[],
  me: string | undefined,
  stateOf: (position: number) => ChatLine["state"] = () => "sent",
): ChatLine[] {
  return events
    .filter((event) => event.kind === "message")
    .map((event) => ({
      cmid: event.cmid,
      text: String(event.body.text ?? ""),
      at: event.at,
      mine: event.author === me,
      author: event.author,
      authorName: event.author_name,
      position: event.position,
      state: stateOf(event.position),
      code: null,
    }));
}
