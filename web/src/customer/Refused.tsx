import { CloudOff, Link2Off } from "lucide-preact";
import { type Language, language, otherLanguage } from "../i18n/language";
import { errorText, shared } from "../i18n/shared.texts";
import { Page } from "./Page";
import { t } from "./texts";

const FINAL = new Set(["link_expired", "link_altered", "link_needed", "not_found", "ended"]);

/** Why the link leads nowhere, in both languages, since a refused link says nothing about who reads it. */
export function Refused({ code, again }: { code: string; again(): void }) {
  const final = FINAL.has(code);
  const told = (where: Language) =>
    code === "not_found"
      ? t("shop_missing", {}, where)
      : code === "link_needed"
        ? t("link_needed", {}, where)
        : errorText(code, where);
  const [here, there] = [language.value, otherLanguage()];
  return (
    <Page plain>
      <div class="message">
        {final ? (
          <Link2Off size={44} class="muted" aria-hidden="true" />
        ) : (
          <CloudOff size={44} class="muted" aria-hidden="true" />
        )}
        <h1>{final ? t("refused_title") : told(here)}</h1>
        {final && <p>{told(here)}</p>}
        {!final && (
          <button type="button" class="button main large" onClick={again}>
            {shared("retry")}
          </button>
        )}
        <div class="other-language" lang={there}>
          <h2>{final ? t("refused_title", {}, there) : told(there)}</h2>
          {final && <p>{told(there)}</p>}
        </div>
      </div>
    </Page>
  );
}
