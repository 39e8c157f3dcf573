import { X } from "lucide-preact";
import { shared } from "../i18n/shared.texts";
import { useStaff } from "./staffContext";

export function Toasts() {
  const { notices } = useStaff();
  return (
    <div class="toasts" role="status" aria-live="polite">
      {notices.list.value.map((notice) => (
        <div key={notice.id} class={`toast ${notice.tone}`}>
          <span>{notice.words()}</span>
          <button
            type="button"
            class="icon-button"
            aria-label={shared("close")}
            onClick={() => notices.dismiss(notice.id)}
          >
            <X size={20} />
          </button>
        </div>
      ))}
    </div>
  );
}
