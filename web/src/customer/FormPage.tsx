import { Info, MessageCircle, MicOff, Video as VideoIcon } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { visible } from "../conversation/blank";
import { errorText } from "../i18n/shared.texts";
import type { Customer } from "../state/customer";
import { LeaveMessage } from "./LeaveMessage";
import { Page } from "./Page";
import { Preview } from "./Preview";
import { t } from "./texts";

/** Name, matter, consent and the own camera: everything before "Start video call". */
export function FormPage({ customer, shop }: { customer: Customer; shop: string }) {
  const entered = customer.entered.value;
  const [name, setName] = useState(
    customer.session.call.value?.customer_name || entered?.customer.name || entered?.invitation?.name || "",
  );
  const [matter, setMatter] = useState(entered?.invitation?.matter ?? "");
  const [consent, setConsent] = useState(false);
  const [nameMissing, setNameMissing] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const { camera } = customer;
  const starting = customer.starting.value;

  useEffect(() => {
    if (!camera.video) void openIfAllowed(camera);
  }, [camera]);

  if (!("RTCPeerConnection" in globalThis)) {
    return (
      <Page shop={shop}>
        <div class="message">
          <h1>{t("too_old")}</h1>
        </div>
      </Page>
    );
  }
  if (leaving) return <LeaveMessage customer={customer} shop={shop} name={name} onBack={() => setLeaving(false)} />;

  const submit = async (event: Event) => {
    event.preventDefault();
    const clean = visible(name);
    setNameMissing(!clean);
    if (!clean) return document.getElementById("name")?.focus();
    if (!camera.video && !camera.cameraFault.value) await camera.open("rear");
    await customer.start(clean, matter.trim(), consent);
  };

  return (
    <Page shop={shop}>
      <form class="start" onSubmit={(event) => void submit(event)} noValidate>
        <div class="start-words">
          <h1>
            {t("video_call_with")} {shop}
          </h1>
          <p class="muted">{t("intro")}</p>
        </div>
        <Preview camera={camera} />
        <div class="start-fields">
          {entered?.staff_available === 0 && (
            <div class="note plain">
              <Info size={20} aria-hidden="true" />
              <div>
                <p>{t("nobody_now")}</p>
                <button type="button" class="text-button" onClick={() => setLeaving(true)}>
                  {t("leave_message")}
                </button>
              </div>
            </div>
          )}
          <div class="field">
            <label for="name">{t("your_name")}</label>
            <input
              id="name"
              class="input"
              value={name}
              maxLength={80}
              autocomplete="name"
              enterkeyhint="next"
              aria-invalid={nameMissing}
              aria-describedby={nameMissing ? "name-fault" : undefined}
              onInput={(event) => {
                setName(event.currentTarget.value);
                setNameMissing(false);
              }}
            />
            {nameMissing && (
              <p id="name-fault" class="fault-line" role="alert">
                {t("name_needed")}
              </p>
            )}
          </div>
          <div class="field">
            <label for="matter">{t("what_about")}</label>
            <input
              id="matter"
              class="input"
              value={matter}
              maxLength={500}
              placeholder={t("what_about_hint")}
              enterkeyhint="done"
              onInput={(event) => setMatter(event.currentTarget.value)}
            />
          </div>
          <div class="check-row">
            <label class="check">
              <input
                type="checkbox"
                checked={consent}
                aria-describedby="consent-hint"
                onChange={(event) => setConsent(event.currentTarget.checked)}
              />
              <span class="words">{t("agree")}</span>
            </label>
            <p class="check-hint" id="consent-hint">
              {t("agree_hint")}
            </p>
          </div>
          {camera.microphoneFault.value && !camera.opening.value && (
            <p class="note">
              <MicOff size={20} aria-hidden="true" />
              {t("microphone_fault")}
            </p>
          )}
          {customer.startFault.value && (
            <p class="note bad" role="alert">
              {errorText(customer.startFault.value)}
            </p>
          )}
          <button type="submit" class="button main large wide start-button" disabled={starting}>
            <VideoIcon size={22} aria-hidden="true" />
            {starting ? t("starting") : t("start")}
          </button>
          <a class="button quiet wide" href={`${location.pathname.replace(/\/$/, "")}/chat${location.search}`}>
            <MessageCircle size={20} aria-hidden="true" />
            {t("write_instead")}
          </a>
        </div>
      </form>
    </Page>
  );
}

/** Shows the preview at once where the browser has already been told yes; else the person taps first, and knows why. */
async function openIfAllowed(camera: Customer["camera"]): Promise<void> {
  try {
    const asked = await navigator.permissions.query({ name: "camera" as PermissionName });
    if (asked.state === "granted") await camera.open("rear");
    else if (asked.state === "denied") camera.cameraFault.value = "blocked";
  } catch {
    // this browser does not say: the person taps
  }
}
