import { type Signal, signal } from "@preact/signals";
import type { EntryView } from "../conversation/frames";
import type { Booking, CallEvent, Recording, Stroke } from "../wire/frames";
import { http } from "../wire/http";
import { codeOf } from "../wire/refusal";
import type { PictureView } from "./session";

/** domain.call.Call as HTTP gives it. */
export interface KeptCall {
  id: string;
  customer_name: string;
  matter: string;
  state: "waiting" | "ringing" | "live" | "ended" | "abandoned" | "missed";
  staff_ids: string[];
  consent: boolean;
  created_at: string;
  answered_at: string | null;
  live_at: string | null;
  ended_at: string | null;
  end_reason: string | null;
  note?: string;
}

export interface CallRecord {
  call: KeptCall;
  events: CallEvent[];
  /** What was written in the conversation during the call. */
  said: EntryView[];
  bookings: Booking[];
  pictures: PictureView[];
  recording: Recording;
  staff: { id: string; name: string }[];
  shop: { slug: string; name: string; name_zh: string; currency: string; time_zone: string };
}

export interface Composition {
  state: "none" | "working" | "ready" | "failed";
  progress: number;
  message: string;
  format?: "mp4" | "webm" | null;
}

export type Loading<T> = { is: "loading" } | { is: "here"; value: T } | { is: "failed"; code: string };

/** One past call, as its page shows it. */
export interface RecordDesk {
  readonly record: Signal<Loading<CallRecord>>;
  readonly composition: Signal<Composition>;
  load(): Promise<void>;
  compose(): Promise<void>;
  close(): void;
}

const RECORDING_EVERY_MS = 2000;
const COMPOSING_EVERY_MS = 700;

export function openRecord(callId: string): RecordDesk {
  const record = signal<Loading<CallRecord>>({ is: "loading" });
  const composition = signal<Composition>({ state: "none", progress: 0, message: "" });
  const base = `/api/calls/${callId}`;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let composing: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  async function load(): Promise<void> {
    clearTimeout(timer);
    try {
      const value = await http<CallRecord>(base);
      if (closed) return;
      record.value = { is: "here", value };
      const { state } = value.recording;
      if (state === "finishing" || state === "recording") timer = setTimeout(load, RECORDING_EVERY_MS);
      if (state === "ready" && composition.value.state === "none") await look();
    } catch (error) {
      if (closed) return;
      if (record.value.is === "here") timer = setTimeout(load, RECORDING_EVERY_MS * 2);
      else record.value = { is: "failed", code: codeOf(error) };
    }
  }

  async function look(): Promise<void> {
    clearTimeout(composing);
    try {
      follow(await http<Composition>(`${base}/composition`));
    } catch {
      if (!closed && composition.value.state === "working") composing = setTimeout(look, COMPOSING_EVERY_MS * 3);
    }
  }

  function follow(now: Composition): void {
    if (closed) return;
    composition.value = now;
    if (now.state === "working") composing = setTimeout(look, COMPOSING_EVERY_MS);
  }

  return {
    record,
    composition,
    load,
    async compose() {
      composition.value = { state: "working", progress: 0, message: "" };
      try {
        follow(await http<Composition>(`${base}/composition`, { body: { format: "mp4" } }));
      } catch (error) {
        composition.value = { state: "failed", progress: 0, message: codeOf(error) };
      }
    },
    close() {
      closed = true;
      clearTimeout(timer);
      clearTimeout(composing);
    },
  };
}

/** Seconds of talk, null when nobody answered. */
export function talkSeconds(call: Pick<KeptCall, "live_at" | "ended_at">): number | null {
  return call.live_at && call.ended_at ? (Date.parse(call.ended_at) - Date.parse(call.live_at)) / 1000 : null;
}

/** The address of a picture; it changes when the picture's content does (a still replaced the frame). */
export function pictureUrl(picture: Pick<PictureView, "id" | "blob">): string {
  return `/api/pictures/${picture.id}.jpg?v=${encodeURIComponent(picture.blob.slice(0, 12))}`;
}

export function drawingOf(picture: PictureView): Stroke[] {
  return picture.strokes.filter((stroke) => Array.isArray(stroke.points) && typeof stroke.tool === "string");
}
