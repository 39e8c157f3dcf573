import { type ReadonlySignal, signal } from "@preact/signals";
import { http } from "../wire/http";

/** domain.quick_reply.QuickReply as HTTP gives it. */
export interface QuickReply {
  id: string;
  label: string;
  text: string;
}

/** What the shop says often. */
export interface QuickReplies {
  readonly list: ReadonlySignal<readonly QuickReply[]>;
  /** Keeps what it has over a fault. */
  load(): Promise<void>;
  /** For managers; both throw a Refusal. */
  save(reply: QuickReply): Promise<void>;
  remove(id: string): Promise<void>;
}

export function openQuickReplies(): QuickReplies {
  const list = signal<readonly QuickReply[]>([]);
  const load = async () => {
    const found = await http<{ replies: QuickReply[] }>("/api/quick-replies").catch(() => null);
    if (found) list.value = found.replies;
  };
  return {
    list,
    load,
    async save({ id, label, text }) {
      await http(`/api/quick-replies/${id}`, { method: "PUT", body: { label, text } });
      await load();
    },
    async remove(id) {
      await http(`/api/quick-replies/${id}/remove`, { body: {} });
      await load();
    },
  };
}

/** Those whose label begins with what was typed, then those that hold it anywhere. */
export function matching(replies: readonly QuickReply[], typed: string): QuickReply[] {
  const wanted = typed.trim().toLowerCase();
  const begins = (reply: QuickReply) => reply.label.toLowerCase().startsWith(wanted);
  const holds = (reply: QuickReply) => `${reply.label}\n${reply.text}`.toLowerCase().includes(wanted);
  return [...replies.filter(begins), ...replies.filter((reply) => !begins(reply) && holds(reply))];
}

const UNNAMED = new Set(["", "-", "Guest", "访客"]); // as the server calls who has said no name
const GREETING =
  /(hello|hi|hey|welcome|thanks|thank you|sorry|good (?:morning|afternoon|evening)|您好|你好|早上好|上午好|下午好|晚上好|欢迎|谢谢您?|感谢您?)[ ,，]*\{name\}/gi;
const OPENING = /(^|[\n.!?。！？])([ \t]*)\{name\}(?:[ \t]*[,，、:：!！][ \t]*|(?=[您你早上下晚谢]))([a-z]?)/g;
const ASIDE = /[ \t]*[,，、][ \t]*\{name\}(?=[ \t]*(?:[,，、;；.。!！?？\n]|$))/g;

/** What is put into the answer; `{name}` is the customer's. Who has said none is spoken to without. */
export function filled(text: string, name: string): string {
  if (!UNNAMED.has(name)) return text.replaceAll("{name}", name);
  const noun = /\p{Script=Han}/u.test(text) ? "顾客" : "customer";
  return text
    .replace(GREETING, "$1")
    .replace(OPENING, (_, before: string, space: string, next: string) => before + space + next.toUpperCase())
    .replace(ASIDE, "")
    .replaceAll("{name}", noun);
}
