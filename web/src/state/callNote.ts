import type { Unsent } from "../wire/outbox";
import { codeOf } from "../wire/refusal";

/** Saves the private notes of calls. */
export type SaveNote = (callId: string, text: string) => Promise<void>;

/** Asks until the server has the note, over any number of lost connections, or until a newer text of it replaces this one.
 * Rejects when it is refused. */
export function openSaveNote(ask: (frame: Unsent) => Promise<unknown>): SaveNote {
  const latest = new Map<string, string>();
  return async (callId, text) => {
    latest.set(callId, text);
    while (latest.get(callId) === text) {
      try {
        await ask({ type: "note.save", call_id: callId, text });
        return;
      } catch (error) {
        if (!["no_answer", "offline"].includes(codeOf(error))) throw error;
      }
    }
  };
}
