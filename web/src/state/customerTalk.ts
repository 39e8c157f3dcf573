import { type Signal, signal } from "@preact/signals";
import { Conversations } from "../conversation/conversations";
import type { LinkStatus } from "../conversation/link";
import { language } from "../i18n/language";
import { http } from "../wire/http";
import { codeOf } from "../wire/refusal";
import { serverNow } from "../wire/serverClock";
import { openTalk, RING_FOR_MS, ringing, type Talk } from "./conversation";
import type { Entered } from "./customer";

/** Whom this browser was, the last time it came through this shop's link. */
interface Known {
  id: string;
  name: string;
  shop: Entered["shop"];
}

export interface Ring {
  from: string;
  path: string;
  /** Tells the shop. The call itself is at `path`. */
  answer(answer: "accepted" | "declined"): Promise<void>;
}

/** The customer's conversation page: there at once from what the browser kept, then caught up. */
export interface CustomerTalk {
  readonly slug: string;
  readonly shop: Signal<Entered["shop"] | null>;
  readonly talk: Signal<Talk | null>;
  readonly status: Signal<LinkStatus>;
  /** The shop has erased everything; `restart` begins anew. */
  readonly erased: Signal<boolean>;
  restart(): Promise<void>;
  /** Why the link was refused, as an error code; only when nothing is kept here. */
  readonly refusal: Signal<string | null>;
  readonly ring: Signal<Ring | null>;
  /** What the shop calls this person; empty until they said it. */
  readonly name: Signal<string>;
  /** A code that came with the address and waits for the person's yes. */
  readonly joining: Signal<string | null>;
  enter(): Promise<void>;
  /** Makes this browser a device of whoever was shown the code; rejects with a Refusal. */
  join(code: string): Promise<void>;
  /** Rejects with a Refusal. */
  setName(name: string): Promise<void>;
}

const KNOWN = "loupe.chat.";
const ENTER_AGAIN_MS = 10_000;
const ANSWER_MS = 1500; // then the call is entered all the same

export function openCustomerTalk(slug: string, token: string | null): CustomerTalk {
  const shop = signal<Entered["shop"] | null>(null);
  const talk = signal<Talk | null>(null);
  const status = signal<LinkStatus>("connecting");
  const erased = signal(false);
  const refusal = signal<string | null>(null);
  const ring = signal<Ring | null>(null);
  const name = signal("");
  const joining = signal(/^#join=(\d{8})$/.exec(location.hash)?.[1] ?? null);
  if (joining.value) history.replaceState(null, "", location.pathname + location.search);
  let person = "";
  let hangUp: ReturnType<typeof setTimeout> | undefined;
  let knocking: ReturnType<typeof setTimeout> | undefined;
  let rung = ""; // the ring that `ring` is of

  /** Rings while the shop does, also on a page that was opened meanwhile; stops with the first answer, here or elsewhere. */
  function listen(conversations: Conversations): void {
    const stream = `c.${conversations.me.id}`;
    const now = serverNow();
    const entry = ringing(conversations.state(stream).entries, now);
    clearTimeout(hangUp);
    if (!entry || conversations.status !== "open") {
      ring.value = null;
      return;
    }
    hangUp = setTimeout(() => listen(conversations), RING_FOR_MS - (now - Date.parse(entry.at)));
    if (ring.peek() && rung === entry.id) return;
    rung = entry.id;
    ring.value = {
      from: entry.author_name,
      path: `/s/${encodeURIComponent(slug)}`,
      async answer(answer) {
        ring.value = null;
        clearTimeout(hangUp);
        const { id: conversation } = conversations.me;
        const asked = conversations.ask({ type: "chat.ring.answer", conversation, position: entry.position, answer });
        const late = new Promise((done) => setTimeout(done, ANSWER_MS));
        await Promise.race([asked, late]).catch(() => undefined); // another device was first, or no network
      },
    };
  }

  /** Opens this person's own copy; another person's on the same phone is closed. */
  async function become(known: Known): Promise<void> {
    shop.value = known.shop;
    name.value = known.name;
    if (person === known.id) return;
    person = known.id;
    const before = talk.peek();
    const conversations = await Conversations.open({ id: known.id, side: "customer" });
    if (person !== known.id) return conversations.close();
    before?.close();
    before?.conversations.close();
    conversations.on((change) => {
      if (change.is === "status") {
        status.value = conversations.status;
        if (conversations.isErased) clear();
        if (conversations.status === "lost") knockLater();
      }
      if (change.is === "status" || change.is === "stream") listen(conversations);
    });
    void conversations.open(`c.${known.id}`).then(() => listen(conversations)); // what rang before this page was loaded
    status.value = conversations.status;
    talk.value = openTalk(conversations, `c.${known.id}`);
  }

  async function enter(): Promise<void> {
    refusal.value = null;
    const known = read(slug);
    if (known) await become(known);
    try {
      await ask();
    } catch (error) {
      if (talk.peek() && codeOf(error) === "ended") return talk.peek()?.conversations.end();
      // What is kept stays open: without a network, and when the link is too old but this phone is known.
      if (!talk.peek()) refusal.value = codeOf(error);
      else knockLater();
    }
    talk.peek()?.conversations.start();
  }

  async function ask(said?: string): Promise<void> {
    const body = { shop: slug, token, language: language.value, ...(said && { name: said }) };
    const { customer, shop } = await http<Entered>("/api/enter", { body });
    const known = { ...customer, shop };
    keep(slug, known);
    await become(known);
  }

  async function join(code: string): Promise<void> {
    await http("/api/devices/join", { body: { code } });
    joining.value = null;
    await anew();
  }

  /** A browser that was signed out is a new device from now on. */
  async function anew(): Promise<void> {
    const before = talk.peek()?.conversations;
    if (before?.status === "ended") {
      await before.forget(true);
      person = "";
    }
    await ask();
    erased.value = false;
    talk.peek()?.conversations.start();
  }

  /** What lies beside the conversation in this browser. */
  function clear(): void {
    erased.value = true;
    name.value = "";
    talk.peek()?.edited("");
    try {
      localStorage.removeItem(KNOWN + slug);
    } catch {
      // a private window kept nothing
    }
  }

  async function setName(said: string): Promise<void> {
    await ask(said);
    talk.peek()?.conversations.renew(); // from now on it is written under this name
  }

  /** Who stays shut out may be unknown to the server by now, its cookie deleted: enter again, or learn why not. */
  function knockLater(): void {
    clearTimeout(knocking);
    const isShut = () => status.value === "lost" || status.value === "connecting";
    knocking = setTimeout(() => isShut() && void enter(), ENTER_AGAIN_MS);
  }

  return { slug, shop, talk, status, erased, restart: anew, refusal, ring, name, joining, enter, join, setName };
}

function read(slug: string): Known | null {
  try {
    return JSON.parse(localStorage.getItem(KNOWN + slug) ?? "null") as Known | null;
  } catch {
    return null;
  }
}

function keep(slug: string, known: Known): void {
  try {
    localStorage.setItem(KNOWN + slug, JSON.stringify(known));
  } catch {
    // a private window: it opens with the network only
  }
}
