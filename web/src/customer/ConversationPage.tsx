import { Check, Languages, MessageCircle, Video } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { visible } from "../conversation/blank";
import { language, otherLanguage, setLanguage } from "../i18n/language";
import { errorText, shared } from "../i18n/shared.texts";
import { talk as t } from "../i18n/talk.texts";
import type { CustomerTalk } from "../state/customerTalk";
import { Composer } from "../talk/Composer";
import { Devices, JoinDialog, SignedOut } from "../talk/Devices";
import { Lines } from "../talk/Lines";
import { Search } from "../talk/Search";
import { LinkNote, useLasting } from "../talk/State";
import "../talk/talk.css";
import "../talk/talk-parts.css";
import "./conversation.css";
import { Erased } from "../talk/Erased";
import { codeOf } from "../wire/refusal";
import { Refused } from "./Refused";
import { Ringing } from "./Ringing";

/** The customer's conversation with the shop: `/s/<slug>/chat`. */
export function ConversationPage({ customer }: { customer: CustomerTalk }) {
  const talk = customer.talk.value;
  const { value: shop } = customer.shop;
  const name = shop ? (language.value === "en" ? shop.name : shop.name_zh || shop.name) : "";
  const ring = customer.ring.value;
  const ended = customer.status.value === "ended";
  const joining = customer.joining.value;
  useEffect(() => {
    document.title = name ? `${name} · ${t("conversation")}` : "Loupe";
  }, [name]);
  if (customer.refusal.value) return <Refused code={customer.refusal.value} again={() => void customer.enter()} />;
  return (
    <div class="talk conversation">
      <Top customer={customer} name={name} />
      <main class="conversation-main">
        <h2 class="unseen">{t("conversation")}</h2>
        {talk ? (
          <Lines
            talk={talk}
            shopZone={shop?.time_zone}
            blank={
              customer.erased.value ? (
                <Erased again={customer.restart} />
              ) : ended ? (
                <SignedOut join={customer.join} />
              ) : (
                <Blank customer={customer} />
              )
            }
          />
        ) : (
          <div class="talk-lines">
            <span class="spinner conversation-opening" role="status" aria-label={t("opening")} />
          </div>
        )}
        {!ended && <LinkNote talk={talk} status={customer.status.value} />}
        {talk && !ended && <Composer talk={talk} />}
      </main>
      {joining && <JoinDialog join={() => customer.join(joining)} close={() => stopJoining(customer)} />}
      {ring && <Ringing key={ring.from} ring={ring} />}
    </div>
  );
}

function stopJoining(customer: CustomerTalk): void {
  customer.joining.value = null;
}

function Top({ customer, name }: { customer: CustomerTalk; name: string }) {
  const other = otherLanguage();
  const status = customer.status.value;
  const slow = useLasting(status === "connecting");
  const lost = useLasting(status === "lost");
  return (
    <header class="conversation-top">
      <span class="conversation-mark" aria-hidden="true">
        {name.slice(0, 1)}
      </span>
      <div class="conversation-names">
        <h1>{name || "Loupe"}</h1>
        <p>{status === "ended" ? "" : lost ? t("lost") : slow ? t("connecting") : t("any_time")}</p>
      </div>
      {customer.talk.value && status !== "ended" && <Search talk={customer.talk.value} />}
      {status !== "ended" && (
        <Devices here={customer.talk.value?.conversations.deviceId ?? null} join={customer.join} />
      )}
      <button
        type="button"
        class="talk-round quiet"
        lang={other}
        aria-label={shared("language")}
        title={shared("language")}
        onClick={() => setLanguage(other)}
      >
        <Languages size={22} aria-hidden="true" />
      </button>
      <a class="button main conversation-call" href={`/s/${encodeURIComponent(customer.slug)}`}>
        <Video size={22} aria-hidden="true" />
        <span>{t("video_call")}</span>
      </a>
    </header>
  );
}

const STARTS = ["start_ready", "start_price", "start_open"] as const;

function Blank({ customer }: { customer: CustomerTalk }) {
  const talk = customer.talk.value;
  const name = customer.name.value;
  const begin = (text: string) => {
    talk?.edited(text);
    document.querySelector("textarea")?.focus();
  };
  return (
    <div class="conversation-blank">
      <span class="conversation-art" aria-hidden="true">
        <MessageCircle size={44} strokeWidth={1.6} />
      </span>
      <p class="conversation-hello">{name ? t("hello_name", { name }) : t("hello")}</p>
      <p>{t("hello_text")}</p>
      {!name && <NameForm customer={customer} />}
      <div class="conversation-starts">
        {STARTS.map((key) => (
          <button key={key} type="button" onClick={() => begin(t(key))}>
            {t(key)}
          </button>
        ))}
      </div>
    </div>
  );
}

/** One field, once: so that the shop does not speak to a guest. */
function NameForm({ customer }: { customer: CustomerTalk }) {
  const [name, setName] = useState("");
  const [fault, setFault] = useState("");
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      if (visible(name)) await customer.setName(visible(name));
    } catch (error) {
      setFault(errorText(codeOf(error)));
    }
  };
  return (
    <form class="conversation-name" onSubmit={(event) => void save(event)}>
      <input
        class="input"
        value={name}
        maxLength={80}
        aria-label={t("your_name")}
        placeholder={t("your_name")}
        autocomplete="name"
        enterkeyhint="done"
        onInput={(event) => setName(event.currentTarget.value)}
      />
      {visible(name) && (
        <button type="submit" class="talk-round send" aria-label={t("save_name")}>
          <Check size={22} aria-hidden="true" />
        </button>
      )}
      {fault && <p role="alert">{fault}</p>}
    </form>
  );
}
