import { CloudOff, HardDrive, LogOut } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LinkStatus } from "../conversation/link";
import { talk as t } from "../i18n/talk.texts";
import type { Talk } from "../state/conversation";

const TOLD_AFTER_MS = 1500; // a change of networks is nobody's business

interface Props {
  talk: Talk | null;
  status: LinkStatus;
  /** The way back for who was signed out. */
  signIn?: ComponentChildren;
}

/** What must be known about the connection, and nothing while all is well. */
export function LinkNote({ talk, status, signIn }: Props) {
  const lost = useLasting(status === "lost");
  const volatile = talk !== null && !talk.conversations.lasts && (talk.lines.value ?? []).some(isUnsent);
  if (status === "ended")
    return (
      <Note icon={<LogOut size={18} aria-hidden="true" />} text={t("ended_staff")} bad>
        {signIn}
      </Note>
    );
  if (volatile) return <Note icon={<HardDrive size={18} aria-hidden="true" />} text={t("not_lasting")} />;
  if (lost) return <Note icon={<CloudOff size={18} aria-hidden="true" />} text={t("lost_text")} />;
  return null;
}

const isUnsent = (line: { state: string }) => line.state === "waiting";

function Note(props: { icon: preact.JSX.Element; text: string; bad?: boolean; children?: ComponentChildren }) {
  return (
    <p class={props.bad ? "talk-note bad" : "talk-note"} role="status">
      {props.icon}
      <span>{props.text}</span>
      {props.children}
    </p>
  );
}

/** True once it has been true for a moment. */
export function useLasting(now: boolean): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    const timer = setTimeout(setLasting, now ? TOLD_AFTER_MS : 0, now);
    return () => clearTimeout(timer);
  }, [now]);
  return now && lasting;
}
