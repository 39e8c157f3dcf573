import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { language } from "../i18n/language";
import type { BoardView, Booking, CallEvent, CallView, Ok, Person, Stroke, Welcome } from "../wire/frames";
import { storedOutbox, type Unsent } from "../wire/outbox";
import { ofShop } from "../wire/shop";
import { Stream } from "../wire/stream";
import { type Asking, type News, Wire, type WireStatus } from "../wire/wire";
import { openHush } from "./hush";

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

/** What one side knows of its call, as signals. Components read it and call its functions; it never touches the page. */
export interface Session {
  readonly side: "customer" | "staff";
  readonly wire: Wire;
  readonly status: Signal<WireStatus>;
  readonly welcome: Signal<Welcome | null>;
  readonly me: ReadonlySignal<Person | null>;
  readonly call: Signal<CallView | null>;
  readonly events: Signal<CallEvent[]>;
  readonly board: Signal<BoardView>;
  readonly bookings: ReadonlySignal<Booking[]>;
  readonly pictures: ReadonlySignal<PictureView[]>;
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
  /** News that comes before `end` waits for it, in order: the page has something more urgent to do. */
  hush(end: Promise<void>): void;
  start(): void;
  stop(): void;
}

const SEEN_WITHIN_MS = 150;

export function openSession(side: "customer" | "staff"): Session {
  const status = signal<WireStatus>("connecting");
  const welcome = signal<Welcome | null>(null);
  const call = signal<CallView | null>(null);
  const events = signal<CallEvent[]>([]);
  const board = signal<BoardView>({ frozen: false, picture_url: null, strokes: [] });
  const skewMs = signal(0);
  const replacedPictures = signal<Record<string, PictureView>>({});
  const newsListeners = new Set<(news: News) => void>();
  const welcomeListeners = new Set<(welcome: Welcome) => void>();
  const me = computed(() => welcome.value?.me ?? null);
  const hush = openHush(take);
  let seenTimer: ReturnType<typeof setTimeout> | undefined;

  const stream = new Stream(
    async (after) => (await wire.request({ type: "sync", after })).events ?? [],
    (fresh) => {
      events.value = [...events.value, ...fresh];
      seenSoon();
    },
  );

  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${ofShop(`/ws/${side}`)}`;
  const wire = new Wire(url, storedOutbox(side), () => ({ position: stream.position, language: language.value }), {
    welcome: (said, carrier) => {
      hush.release();
      batch(() => {
        if (carrier === "socket") {
          welcome.value = said;
          skewMs.value = Date.parse(said.now) - Date.now();
        }
        setCall(said.call);
        stream.take(said.events);
        if (said.call) stream.reaches(said.call.head);
      });
      if (carrier === "socket") for (const listen of welcomeListeners) listen(said);
    },
    news: hush.hear,
    status: (now) => {
      status.value = now;
    },
    restored: (entries) => {
      for (const { answer } of entries) answer.catch(() => undefined);
    },
  });

  function take(news: News): void {
    batch(() => apply(news));
    for (const listen of newsListeners) listen(news);
  }

  function setCall(next: CallView | null): void {
    if (stream.turnTo(next?.id ?? null)) {
      events.value = [];
      replacedPictures.value = {};
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
      if (stream.position) wire.post({ type: "seen", delivered: stream.position, read: 0 });
    }, SEEN_WITHIN_MS);
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
    board,
    bookings,
    pictures,
    skewMs,
    onNews: listenTo(newsListeners),
    onWelcome: listenTo(welcomeListeners),
    request,
    adopt,
    forget: () => batch(() => setCall(null)),
    hush: hush.until,
    start: () => wire.open(),
    stop: () => wire.close(),
  };
}
