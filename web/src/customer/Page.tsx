import type { ComponentChildren } from "preact";
import { otherLanguage, setLanguage } from "../i18n/language";
import { shared } from "../i18n/shared.texts";

/** The light page around forms and messages. `plain` leaves the language button out. */
export function Page(props: { children: ComponentChildren; plain?: boolean; shop?: string }) {
  const other = otherLanguage();
  return (
    <div class="page">
      <header class="page-head">
        <Brand name={props.shop} />
        {!props.plain && (
          <button type="button" class="button quiet small" lang={other} onClick={() => setLanguage(other)}>
            {shared("language")}
          </button>
        )}
      </header>
      <main class="page-body">{props.children}</main>
    </div>
  );
}

export function Brand({ name }: { name?: string | undefined }) {
  return (
    <div class="brand">
      <svg width="30" height="30" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <circle cx="14" cy="14" r="10" fill="none" stroke="#0d5c55" stroke-width="3.2" />
        <path d="M21.5 21.5 28 28" stroke="#0d5c55" stroke-width="4.2" stroke-linecap="round" />
        <path
          d="M9.2 12.4a5.4 5.4 0 0 1 4-3.6"
          fill="none"
          stroke="#d09a2c"
          stroke-width="2.4"
          stroke-linecap="round"
        />
      </svg>
      <span>{name || "Loupe"}</span>
    </div>
  );
}
