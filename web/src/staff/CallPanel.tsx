import { Lock, MessageSquareText, X } from "lucide-preact";
import { useState } from "preact/hooks";
import { staff } from "../i18n/staff.texts";
import type { Talk } from "../state/conversation";
import { Chat } from "./Chat";
import { NoteEditor } from "./NoteEditor";
import { useStaff } from "./staffContext";

/** Words of the call: the conversation with the customer, and the private note. */
export function CallPanel({ talk, onClose }: { talk: Talk | null; onClose: () => void }) {
  const { session } = useStaff();
  const [shelf, setShelf] = useState<"chat" | "note">("chat");
  const call = session.call.value;
  return (
    <aside class="panel" aria-label={staff(shelf)}>
      <div class="panel-top">
        <div class="tabs" role="tablist">
          <button
            type="button"
            role="tab"
            class="tab"
            aria-selected={shelf === "chat"}
            onClick={() => setShelf("chat")}
          >
            <MessageSquareText size={18} aria-hidden="true" />
            {staff("chat")}
          </button>
          <button
            type="button"
            role="tab"
            class="tab"
            aria-selected={shelf === "note"}
            onClick={() => setShelf("note")}
          >
            <Lock size={18} aria-hidden="true" />
            {staff("note")}
          </button>
        </div>
        <button type="button" class="icon-button panel-close" aria-label={staff("panel_close")} onClick={onClose}>
          <X size={24} />
        </button>
      </div>
      {shelf === "chat" && <Chat talk={talk} />}
      {shelf === "note" && call && <NoteEditor key={call.id} callId={call.id} text={call.note ?? ""} />}
    </aside>
  );
}
