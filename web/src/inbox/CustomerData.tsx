import { Download, Eraser } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { searchText as t } from "../i18n/search.texts";
import { errorText, shared } from "../i18n/shared.texts";
import { Dialog } from "../ui/controls";
import { http } from "../wire/http";
import { newId } from "../wire/ids";
import { codeOf } from "../wire/refusal";
import "./customer-data.css";

const GOES = ["erase_words", "erase_files", "erase_calls", "erase_profile", "erase_devices"] as const;
const ERASE_MS = 120_000; // a life of messages
const LOOK_AFTER_MS = { going: 3000, late: 30_000 };

interface Erased {
  entries: number;
  files: number;
  /** `late`: some could not be removed from the disk yet; the server tries again. */
  files_are: "going" | "late" | "gone";
}
/** Asked again with the same `id`, it is answered how it stands. */
type EraseBody = { id: string; name: string };
const ask = (path: string, body: EraseBody) => http<Erased>(`${path}/erase`, { body, deadlineMs: ERASE_MS });

interface Props {
  customer: string;
  name: string;
  /** All of it was erased, and nothing was said since. */
  empty: boolean;
  erased(): void;
}

/** For managers: everything that is kept of this customer, handed out or erased. */
export function CustomerData({ customer, name, empty, erased }: Props) {
  const [asks, setAsks] = useState(false);
  const [done, setDone] = useState<{ said: Erased; body: EraseBody } | null>(null);
  const path = `/api/customers/${encodeURIComponent(customer)}`;
  useEffect(() => {
    if (!done || done.said.files_are === "gone") return;
    const look = () => ask(path, done.body).then((said) => setDone({ ...done, said }));
    const timer = setTimeout(() => look().catch(() => setDone({ ...done })), LOOK_AFTER_MS[done.said.files_are]);
    return () => clearTimeout(timer);
  }, [done, path]);
  if (empty && !done) return null;
  return (
    <section class="customer-data">
      <h3>{t("data")}</h3>
      {!empty && (
        <>
          <p class="muted">{t("export_hint")}</p>
          <a class="button small" href={`${path}/export.zip`} download>
            <Download size={18} aria-hidden="true" />
            {t("export_data")}
          </a>
        </>
      )}
      {name && !empty && (
        <button type="button" class="button small customer-erase" onClick={() => setAsks(true)}>
          <Eraser size={18} aria-hidden="true" />
          {t("erase")}
        </button>
      )}
      {done && <p role="status">{t("erase_done", { n: done.said.entries, files: done.said.files })}</p>}
      {done?.said.files_are === "late" && (
        <p class="note bad" role="alert">
          {t("erase_late")}
        </p>
      )}
      {asks && (
        <Erase
          name={name}
          path={path}
          close={() => setAsks(false)}
          done={(said, body) => {
            setAsks(false);
            erased();
            setDone({ said, body });
          }}
        />
      )}
    </section>
  );
}

interface EraseProps {
  name: string;
  path: string;
  close(): void;
  done(said: Erased, body: EraseBody): void;
}

function Erase({ name, path, close, done }: EraseProps) {
  const [id] = useState(newId); // asking again after a lost answer erases once
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const erase = async (event: Event) => {
    event.preventDefault();
    if (typed.trim() !== name || busy) return;
    setBusy(true);
    setFault("");
    try {
      const body = { id, name: typed.trim() };
      done(await ask(path, body), body);
    } catch (error) {
      const code = codeOf(error);
      setFault(code === "conflict" ? t("erase_busy") : errorText(code));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("erase_title", { name })} onClose={close}>
      <form class="customer-erasing" onSubmit={(event) => void erase(event)}>
        <p>{t("erase_goes")}</p>
        <ul>
          {GOES.map((key) => (
            <li key={key}>{t(key)}</li>
          ))}
        </ul>
        <p>{t("erase_stays")}</p>
        <label>
          <span>{t("erase_name", { name })}</span>
          <input
            class="input"
            value={typed}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        {fault && (
          <p class="note bad" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class="button danger large wide" disabled={typed.trim() !== name || busy}>
          {t("erase_now")}
        </button>
        <button type="button" class="button large wide" onClick={close}>
          {shared("cancel")}
        </button>
      </form>
    </Dialog>
  );
}
