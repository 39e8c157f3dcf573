import { Phone, PhoneOff, Video } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { talk as t } from "../i18n/talk.texts";
import type { Ring } from "../state/customerTalk";
import { chime } from "./chime";

const AGAIN_MS = 3000;

/** The shop asks for a video call while this page is open: it rings, and the title says so in another tab. */
export function Ringing({ ring }: { ring: Ring }) {
  const [going, go] = useState(false);
  const join = useRef<HTMLButtonElement>(null);
  const said = t("ring", { name: ring.from });
  useEffect(() => {
    const title = document.title;
    document.title = said;
    join.current?.focus();
    chime();
    const timer = setInterval(chime, AGAIN_MS);
    return () => {
      clearInterval(timer);
      document.title = title;
    };
  }, [said]);
  const accept = async () => {
    go(true);
    await ring.answer("accepted");
    location.assign(ring.path);
  };
  return (
    <div class="conversation-ring" role="alertdialog" aria-label={said}>
      <span class="conversation-art" aria-hidden="true">
        <Video size={26} />
      </span>
      <p>{said}</p>
      <button type="button" class="button quiet" onClick={() => void ring.answer("declined")}>
        <PhoneOff size={20} aria-hidden="true" />
        {t("not_now")}
      </button>
      <button type="button" class="button main" ref={join} disabled={going} onClick={() => void accept()}>
        <Phone size={20} aria-hidden="true" />
        {t("join")}
      </button>
    </div>
  );
}
