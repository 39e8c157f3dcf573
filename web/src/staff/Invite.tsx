import { Check, Copy, Maximize2, UserPlus } from "lucide-preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { dayAndTime } from "../i18n/format";
import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import type { CustomerLink } from "../state/staffLists";
import { Dialog } from "../ui/controls";
import { useStaff } from "./staffContext";

const DAYS = 30;

/** The way in for customers: a code to show over the counter, a link to send. */
export function Invite() {
  const { lists, notices } = useStaff();
  const [link, setLink] = useState<CustomerLink | null>(null);
  const [open, setOpen] = useState<"large" | "personal" | null>(null);
  const [fault, setFault] = useState(false);
  useEffect(() => {
    lists.invite({ name: "", matter: "", days: DAYS }).then(setLink, () => setFault(true));
  }, [lists]);
  const retry = () => {
    setFault(false);
    lists.invite({ name: "", matter: "", days: DAYS }).then(setLink, (error: unknown) => {
      setFault(true);
      notices.refuse(error);
    });
  };
  return (
    <section class="card invite" aria-labelledby="invite-title">
      <h2 id="invite-title">{staff("invite")}</h2>
      <p class="muted">{staff("invite_text")}</p>
      {fault && (
        <button type="button" class="button small" onClick={retry}>
          {shared("retry")}
        </button>
      )}
      <div class="invite-row">
        <button
          type="button"
          class="qr"
          aria-label={staff("enlarge_code")}
          disabled={!link}
          onClick={() => setOpen("large")}
        >
          {link ? <Code svg={link.qr_svg} /> : <span class="qr-blank" />}
          <span class="qr-more" aria-hidden="true">
            <Maximize2 size={14} />
          </span>
        </button>
        <div class="invite-tools">
          <CopyLink url={link?.url ?? ""} />
          <button type="button" class="button small" onClick={() => setOpen("personal")}>
            <UserPlus size={18} aria-hidden="true" />
            {staff("invite_for")}
          </button>
        </div>
      </div>
      {open === "large" && link && (
        <Dialog title={staff("invite")} onClose={() => setOpen(null)}>
          <LinkSheet link={link} />
          <button type="button" class="button main large" onClick={() => setOpen(null)}>
            {shared("close")}
          </button>
        </Dialog>
      )}
      {open === "personal" && <Personal onClose={() => setOpen(null)} />}
    </section>
  );
}

function Code({ svg }: { svg: string }) {
  // As an image: whatever the markup holds, nothing in it can run.
  return <img src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`} alt={staff("qr_code")} />;
}

function LinkSheet({ link }: { link: CustomerLink }) {
  const { me } = useStaff();
  return (
    <>
      <div class="qr-large">
        <Code svg={link.qr_svg} />
      </div>
      <p class="link-text">{link.url}</p>
      <p class="muted">{staff("valid_until", { date: dayAndTime(link.expires_at, me.shop.time_zone) })}</p>
      <CopyLink url={link.url} />
    </>
  );
}

function CopyLink({ url }: { url: string }) {
  const { notices } = useStaff();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(url);
      setCopied(true);
      setTimeout(() => setCopied(false), 2500);
    } catch {
      notices.tell("warn", () => staff("copy_failed"));
    }
  };
  return (
    <button type="button" class="button small" disabled={!url} onClick={() => void copy()}>
      {copied ? <Check size={18} aria-hidden="true" /> : <Copy size={18} aria-hidden="true" />}
      <span aria-live="polite">{staff(copied ? "copied" : "copy_link")}</span>
    </button>
  );
}

function Personal({ onClose }: { onClose: () => void }) {
  const { lists, notices } = useStaff();
  const id = useId();
  const [link, setLink] = useState<CustomerLink | null>(null);
  const done = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => done.current?.focus(), [link]);
  const make = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    try {
      setLink(await lists.invite({ name: String(form.get("name")), matter: String(form.get("matter")), days: DAYS }));
    } catch (error) {
      notices.refuse(error);
    }
  };
  return (
    <Dialog title={staff("invite_for")} onClose={onClose}>
      {link ? (
        <>
          <LinkSheet link={link} />
          <button type="button" ref={done} class="button main large" onClick={onClose}>
            {shared("close")}
          </button>
        </>
      ) : (
        <form class="stack" onSubmit={make}>
          <div class="field">
            <label for={`${id}-n`}>{staff("invite_name")}</label>
            <input id={`${id}-n`} class="input" name="name" maxLength={80} autocomplete="off" />
          </div>
          <div class="field">
            <label for={`${id}-m`}>{staff("invite_matter")}</label>
            <input id={`${id}-m`} class="input" name="matter" maxLength={500} autocomplete="off" />
          </div>
          <p class="muted">{staff("invite_days", { n: DAYS })}</p>
          <div class="pair">
            <button type="button" class="button large" onClick={onClose}>
              {shared("cancel")}
            </button>
            <button type="submit" class="button main large">
              {staff("invite_make")}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
