import { CloudOff, Eye, EyeOff } from "lucide-preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { otherLanguage, setLanguage } from "../i18n/language";
import { errorText, shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import type { Door } from "../state/staffDoor";
import { Refusal } from "../wire/refusal";
import { DoorArt } from "./DoorArt";
import { LoupeMark } from "./Mark";

export function LanguageSwitch() {
  const next = otherLanguage();
  return (
    <button type="button" class="button quiet small" lang={next} onClick={() => setLanguage(next)}>
      {shared("language")}
    </button>
  );
}

/** Counts down after too many tries, so that nobody guesses when to come back. */
function useWait(): [number, (seconds: number) => void] {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return [left, setLeft];
}

export function SignIn({ door }: { door: Door }) {
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const [seen, setSeen] = useState(false);
  const [wait, setWait] = useWait();
  const password = useRef<HTMLInputElement>(null);

  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setFault(null);
    try {
      await door.signIn(String(form.get("username") ?? "").trim(), String(form.get("password") ?? ""));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : null;
      if (refusal?.code === "rate_limited") setWait(Math.ceil(refusal.retryAfterS ?? 30));
      setFault(refusal?.code ?? "unknown");
      setBusy(false);
      password.current?.select();
    }
  };

  const told =
    fault === null ? "" : fault === "rate_limited" && wait > 0 ? staff("wait_seconds", { n: wait }) : errorText(fault);
  return (
    <main class="door">
      <div class="door-art" aria-hidden="true">
        <DoorArt />
      </div>
      <div class="door-side">
        <div class="door-top">
          <LanguageSwitch />
        </div>
        <form class="door-form" onSubmit={send}>
          <div class="door-name">
            <LoupeMark size={44} />
            <div>
              <h1>{staff("product")}</h1>
              <p class="muted">{staff("tagline")}</p>
            </div>
          </div>
          <div class="field">
            <label for={`${id}-u`}>{staff("username")}</label>
            <input
              id={`${id}-u`}
              class="input"
              name="username"
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              required
              maxLength={64}
            />
          </div>
          <div class="field">
            <label for={`${id}-p`}>{staff("password")}</label>
            <div class="with-button">
              <input
                id={`${id}-p`}
                ref={password}
                class="input"
                name="password"
                type={seen ? "text" : "password"}
                autocomplete="current-password"
                required
                maxLength={256}
                aria-invalid={fault === "wrong_password"}
                aria-describedby={`${id}-f`}
              />
              <button
                type="button"
                class="icon-button"
                aria-label={staff("show_password")}
                aria-pressed={seen}
                onClick={() => setSeen(!seen)}
              >
                {seen ? <EyeOff size={22} /> : <Eye size={22} />}
              </button>
            </div>
          </div>
          <div id={`${id}-f`} role="alert" class={told ? "note bad" : "unseen"}>
            {told}
          </div>
          <button type="submit" class="button main large wide" disabled={busy || wait > 0}>
            {busy ? staff("signing_in") : staff("sign_in")}
          </button>
        </form>
      </div>
    </main>
  );
}

const TRY_AGAIN_MS = 4000;

export function Unreachable({ door, code }: { door: Door; code: string }) {
  useEffect(() => {
    const timer = setInterval(() => void door.check(), TRY_AGAIN_MS);
    return () => clearInterval(timer);
  }, [door]);
  return (
    <main class="calm">
      <div class="card calm-card" role="alert">
        <CloudOff size={48} strokeWidth={1.5} class="muted" aria-hidden="true" />
        <h1>{staff("unreachable")}</h1>
        <p>{errorText(code)}</p>
        <p class="muted">{staff("unreachable_how")}</p>
        <button type="button" class="button main large" onClick={() => void door.check()}>
          {shared("retry")}
        </button>
      </div>
    </main>
  );
}
