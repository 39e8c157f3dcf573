import { useEffect } from "preact/hooks";
import { language } from "../i18n/language";
import type { Customer } from "../state/customer";
import { useSettled } from "../ui/useSettled";
import { CallPage } from "./CallPage";
import { FormPage } from "./FormPage";
import { GoodbyePage } from "./GoodbyePage";
import { Page } from "./Page";
import { Refused } from "./Refused";
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
    const room = phase === "call" && settled;
    document.documentElement.classList.toggle("in-room", room);
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", room ? "#0e1012" : "#f6f4f0");
  }, [phase, shop, settled]);

  switch (phase) {
    case "form":
      return <FormPage customer={customer} shop={shop} />;
    case "waiting":
    case "call":
      // The call's page is laid out offstage while waiting: staff are seen at once when they answer.
      return (
        <>
          {!(phase === "call" && settled) && (
            <div class="page-place">
              <WaitingPage customer={customer} shop={shop} left={phase === "call"} />
            </div>
          )}
          <CallPage
            key="call"
            customer={customer}
            shop={shop}
            active={phase === "call"}
            settled={phase === "call" && settled}
          />
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
      return <Refused code={customer.refusal.value ?? "unknown"} again={() => void customer.enter()} />;
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
