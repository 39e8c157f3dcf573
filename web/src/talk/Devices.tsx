import { LogOut, MonitorSmartphone, Smartphone } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { dayAndTime } from "../i18n/format";
import { errorText, shared } from "../i18n/shared.texts";
import { talk as t } from "../i18n/talk.texts";
import { Dialog } from "../ui/controls";
import { http } from "../wire/http";
import { codeOf } from "../wire/refusal";
import { serverNow } from "../wire/serverClock";

interface Device {
  id: string;
  name: string;
  made_at: string;
  seen_at: string;
}

interface Code {
  code: string;
  url: string;
  qr_svg: string;
  expires_at: string;
}

interface Props {
  /** This device's id. */
  here: string | null;
  /** Makes this browser a device of whoever was shown the code; rejects with a Refusal. */
  join(code: string): Promise<void>;
}

/** The customer's devices, and the code that lets another one in. */
export function Devices(props: Props) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="talk-round quiet"
        aria-label={t("devices")}
        title={t("devices")}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <MonitorSmartphone size={22} aria-hidden="true" />
      </button>
      {open && <Sheet {...props} close={() => setOpen(false)} />}
    </>
  );
}

function Sheet({ here, join, close }: Props & { close(): void }) {
  const [devices, setDevices] = useState<Device[] | null>(null);
  const [code, setCode] = useState<Code | null>(null);
  const [fault, setFault] = useState("");
  const run = (job: Promise<void>) => job.catch((error: unknown) => setFault(codeOf(error)));
  const load = async () => setDevices((await http<{ devices: Device[] }>("/api/devices")).devices);
  const show = async () => setCode(await http<Code>("/api/devices/code", { method: "POST", body: {} }));
  const end = async (id: string) => {
    await http(`/api/devices/${id}/end`, { method: "POST", body: {} });
    await load();
  };
  useEffect(() => void run(load()), []);
  useEffect(() => {
    if (!code) return;
    const timer = setTimeout(setCode, Date.parse(code.expires_at) - serverNow(), null);
    return () => clearTimeout(timer);
  }, [code]);
  return (
    <Dialog title={t("devices")} onClose={close}>
      {code ? (
        <div class="talk-code">
          {/* As an image: whatever the markup holds, nothing in it can run. */}
          <img src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(code.qr_svg)}`} alt={t("code_scan")} />
          <p>{t("code_text")}</p>
          <strong>{`${code.code.slice(0, 4)} ${code.code.slice(4)}`}</strong>
        </div>
      ) : (
        <button type="button" class="button main large wide" onClick={() => void run(show())}>
          {t("device_add")}
        </button>
      )}
      {!code && <JoinForm run={(digits) => void run(join(digits).then(close))} />}
      {fault && (
        <p class="note bad" role="alert">
          {fault === "not_found" ? t("code_wrong") : errorText(fault)}
        </p>
      )}
      <ul class="talk-devices">
        {(devices ?? []).map((device) => (
          <li key={device.id}>
            <Smartphone size={22} aria-hidden="true" />
            <div>
              <p>{device.name || t("device_nameless")}</p>
              <p class="muted">{device.id === here ? t("device_here") : dayAndTime(device.seen_at)}</p>
            </div>
            {device.id !== here && (
              <button type="button" class="talk-deed" onClick={() => void run(end(device.id))}>
                {t("device_end")}
              </button>
            )}
          </li>
        ))}
      </ul>
      <button type="button" class="button large wide" onClick={close}>
        {shared("close")}
      </button>
    </Dialog>
  );
}

const CODE = /^\d{8}$/;

/** For whoever cannot scan: the eight digits that the other device shows. */
function JoinForm({ run }: { run(code: string): void }) {
  const [text, setText] = useState("");
  const digits = text.replace(/\D/g, "");
  return (
    <form
      class="talk-join"
      onSubmit={(event) => {
        event.preventDefault();
        if (CODE.test(digits)) run(digits);
      }}
    >
      <input
        class="input"
        value={text}
        inputMode="numeric"
        autocomplete="one-time-code"
        maxLength={10}
        aria-label={t("code_enter")}
        placeholder={t("code_enter")}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {CODE.test(digits) && (
        <button type="submit" class="button main">
          {t("join")}
        </button>
      )}
    </form>
  );
}

/** What stands in place of the conversation on a device that was signed out. */
export function SignedOut({ join }: { join(code: string): Promise<void> }) {
  const [fault, setFault] = useState("");
  const run = (code: string) => void join(code).catch((error: unknown) => setFault(codeOf(error)));
  return (
    <div class="conversation-blank" role="status">
      <span class="conversation-art" aria-hidden="true">
        <LogOut size={40} strokeWidth={1.6} />
      </span>
      <p class="conversation-hello">{t("ended_title")}</p>
      <p>{t("ended_text")}</p>
      <div class="conversation-name">
        <JoinForm run={run} />
        {fault && <p role="alert">{fault === "not_found" ? t("code_wrong") : errorText(fault)}</p>}
      </div>
    </div>
  );
}

/** A code came with the address: joining changes whose conversation this browser shows, so the person says yes first. */
export function JoinDialog(props: { join(): Promise<void>; close(): void }) {
  const [fault, setFault] = useState("");
  const yes = () => props.join().catch((error: unknown) => setFault(codeOf(error)));
  return (
    <Dialog title={t("join_title")} onClose={props.close}>
      <p>{t("join_text")}</p>
      {fault && (
        <p class="note bad" role="alert">
          {fault === "not_found" ? t("code_wrong") : errorText(fault)}
        </p>
      )}
      <button type="button" class="button main large wide" onClick={() => void yes()}>
        {t("join_yes")}
      </button>
      <button type="button" class="button large wide" onClick={props.close}>
        {shared("cancel")}
      </button>
    </Dialog>
  );
}
