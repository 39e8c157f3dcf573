import { CloudOff, Link2Off } from "lucide-preact";
import { useEffect } from "preact/hooks";
import { type Language, language, otherLanguage } from "../i18n/language";
import { errorText, shared } from "../i18n/shared.texts";
import type { Customer } from "../state/customer";
import { useSettled } from "../ui/useSettled";
import { CallPage } from "./CallPage";
import { FormPage } from "./FormPage";
import { GoodbyePage } from "./GoodbyePage";
import { Page } from "./Page";
import { t } from "./texts";
import { WaitingPage } from "./WaitingPage";

/** Chooses the page by the phase; each page gets the whole customer. */
export function App({ customer }: { customer: Customer }) {
  const phase = customer.phase.value;
  const entered = customer.entered.value;
  const shop = entered ? (language.value === "en" ? entered.shop.name : entered.shop.name_zh || entered.shop.name) : "";
  const settled = useSettled(phase === "call");
  useEffect(() => {
    document.title = shop ? `${shop} · Loupe` : "Loupe";
    const room = phase === "call";
    document.documentElement.classList.toggle("in-room", room);
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", room ? "#0e1012" : "#f6f4f0");
  }, [phase, shop]);

  switch (phase) {
    case "form":
      return <FormPage customer={customer} shop={shop} />;
    case "waiting":
    case "call":
      // The call's page is laid out offstage while waiting: staff are seen at once when they answer.
      return (
        <>
          {!(phase === "call" && settled) && (
            <div class="page-place" hidden={phase === "call"}>
              <WaitingPage customer={customer} shop={shop} />
            </div>
          )}
          <CallPage key="call" customer={customer} shop={shop} active={phase === "call"} />
        </>
      );
    case "goodbye":
      return <GoodbyePage customer={customer} shop={shop} />;
    case "replaced":
      return (
        <Page>
          <div class="message">
            <h1>{t("replaced_title")}</h1>
            <p>{t("replaced_text")}</p>
            <button type="button" class="button main large" onClick={customer.useHere}>
              {t("use_here")}
            </button>
          </div>
        </Page>
      );
    case "refused":
      return <Refused customer={customer} code={customer.refusal.value ?? "unknown"} />;
    default:
      return (
        <Page>
          <div class="message" role="status">
            <span class="spinner" aria-hidden="true" />
            <p>{t("loading")}</p>
          </div>
        </Page>
      );
  }
}

const FINAL = new Set(["link_expired", "link_altered", "link_needed", "not_found"]);

/** In both languages, since a refused link says nothing about who reads it. */
function Refused({ customer, code }: { customer: Customer; code: string }) {
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
          <button type="button" class="button main large" onClick={() => void customer.enter()}>
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
