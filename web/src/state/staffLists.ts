import { type Signal, signal } from "@preact/signals";
import type { Booking } from "../wire/frames";
import { http } from "../wire/http";
import { codeOf } from "../wire/refusal";
import type { KeptCall } from "./staffRecord";

export interface LeftMessage {
  id: string;
  name: string;
  contact: string;
  text: string;
  picture_blob: string | null;
  created_at: string;
  done_at: string | null;
  done_by: string | null;
}

export interface CustomerLink {
  url: string;
  qr_svg: string;
  expires_at: string;
}

/** The lists beside the line: past calls, left messages. They load when asked and keep what they have over a fault. */
export interface Lists {
  readonly calls: Signal<KeptCall[] | null>;
  readonly bookings: Signal<Record<string, Booking>>;
  readonly more: Signal<boolean>;
  readonly messages: Signal<LeftMessage[] | null>;
  /** Why the last load failed, as an error code. */
  readonly fault: Signal<string | null>;
  loadCalls(): Promise<void>;
  loadOlder(): Promise<void>;
  loadMessages(): Promise<void>;
  /** Throws Refusal. */
  finish(id: string): Promise<void>;
  /** Throws Refusal. */
  invite(wish: { name: string; matter: string; days: number }): Promise<CustomerLink>;
}

const PAGE = 50;
interface CallsAnswer {
  calls: KeptCall[];
  bookings?: Booking[];
}

export function openLists(): Lists {
  const calls = signal<KeptCall[] | null>(null);
  const bookings = signal<Record<string, Booking>>({});
  const more = signal(false);
  const messages = signal<LeftMessage[] | null>(null);
  const fault = signal<string | null>(null);

  const guarded = async (load: () => Promise<void>): Promise<void> => {
    try {
      await load();
      fault.value = null;
    } catch (error) {
      fault.value = codeOf(error);
    }
  };
  const remember = (answer: CallsAnswer): void => {
    more.value = answer.calls.length >= PAGE;
    bookings.value = { ...bookings.value, ...Object.fromEntries((answer.bookings ?? []).map((b) => [b.call_id, b])) };
  };

  return {
    calls,
    bookings,
    more,
    messages,
    fault,
    loadCalls: () =>
      guarded(async () => {
        const answer = await http<CallsAnswer>("/api/calls");
        remember(answer);
        calls.value = answer.calls;
      }),
    loadOlder: () =>
      guarded(async () => {
        const oldest = calls.value?.at(-1);
        if (!oldest) return;
        const answer = await http<CallsAnswer>(`/api/calls?before=${encodeURIComponent(oldest.created_at)}`);
        remember(answer);
        const known = new Set(calls.value?.map((call) => call.id));
        calls.value = [...(calls.value ?? []), ...answer.calls.filter((call) => !known.has(call.id))];
      }),
    loadMessages: () =>
      guarded(async () => {
        messages.value = (await http<{ messages: LeftMessage[] }>("/api/left-messages")).messages;
      }),
    async finish(id) {
      const { message } = await http<{ message: LeftMessage }>(`/api/left-messages/${id}/done`, {
        method: "POST",
        body: {},
      });
      messages.value = messages.value?.map((old) => (old.id === id ? message : old)) ?? null;
    },
    invite: (wish) => http<CustomerLink>("/api/invitations", { body: wish }),
  };
}
