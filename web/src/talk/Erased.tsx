import { Eraser } from "lucide-preact";
import { useState } from "preact/hooks";
import { searchText as t } from "../i18n/search.texts";
import { errorText } from "../i18n/shared.texts";
import { codeOf } from "../wire/refusal";

/** The shop has erased what it kept of this customer. */
export function Erased({ again }: { again(): Promise<void> }) {
  const [fault, setFault] = useState("");
  return (
    <div class="conversation-blank" role="status">
      <span class="conversation-art" aria-hidden="true">
        <Eraser size={40} strokeWidth={1.6} />
      </span>
      <p class="conversation-hello">{t("erased_title")}</p>
      <p>{t("erased_text")}</p>
      <button
        type="button"
        class="button main large"
        onClick={() => void again().catch((error: unknown) => setFault(errorText(codeOf(error))))}
      >
        {t("erased_again")}
      </button>
      {fault && <p role="alert">{fault}</p>}
    </div>
  );
}
