import { Check, CheckCheck, ChevronDown, Clock, Copy, Reply, TriangleAlert, Undo2 } from "lucide-preact";
import { useState } from "preact/hooks";
import { clock } from "../i18n/format";
import { errorText, shared } from "../i18n/shared.texts";
import { en, type TalkKey, talk as t } from "../i18n/talk.texts";
import { RECALL_MS, type Talk, type TalkLine, WORDS } from "../state/conversation";
import { serverNow } from "../wire/serverClock";
import { Attachment } from "./Attachment";
import { Happened } from "./Happened";
import { Words } from "./Words";

interface Props {
  line: TalkLine;
  /** Null: it is only shown, and nothing can be done with it. */
  talk: Talk | null;
  /** For who reads it: names of colleagues, and the way to what lies behind. */
  staff: boolean;
  find(id: string): TalkLine | undefined;
  /** The first and the last of what one person said in a row. */
  first: boolean;
  last: boolean;
  zone: string | undefined;
  shopZone: string | undefined;
  /** What was new when the page was opened begins here. */
  isNew: boolean;
  /** This one has its actions open. */
  chosen: boolean;
  onChoose(id: string | null): void;
  onJump(id: string): void;
}

/** One line of the conversation: what somebody said, or what happened. */
export function Line(props: Props) {
  const { line, zone, shopZone, staff } = props;
  if (!WORDS.has(line.kind)) return <Happened line={line} zone={zone} shopZone={shopZone} staff={staff} />;
  return <Bubble {...props} />;
}

function Bubble({ line, talk, staff, find, first, last, zone, isNew, chosen, onChoose, onJump }: Props) {
  const side = line.ours ? "ours" : "theirs";
  const shape = `${first ? " first" : ""}${last ? " last" : ""}${line.gone ? " gone" : ""}`;
  const looks = `${line.kind === "text" && !line.body.contact ? " text" : ""}${line.state === "refused" ? " refused" : ""} is-${line.kind}`;
  const settled = talk !== null && line.state !== "waiting" && line.state !== "refused";
  const named = first && line.authorName && (!line.ours || (staff && !line.mine));
  return (
    <li class={`talk-line ${side}${shape}${chosen ? " chosen" : ""}`} id={`line-${line.id}`} data-state={line.state}>
      {isNew && <span class="talk-new">{t("new_below")}</span>}
      {named && <span class="talk-name">{line.authorName}</span>}
      <div class="talk-row">
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the button beside it is for keys and screen readers */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
        <div class={`talk-bubble${looks}`} onClick={(event) => tapped(event)}>
          {line.replyTo && !line.gone && <Quote quoted={find(line.replyTo)} onJump={onJump} />}
          <Said line={line} talk={talk} />
          <span class="talk-meta">
            <time dateTime={line.at}>{clock(line.at, zone)}</time>
            {talk && line.ours && !line.gone && <Receipt state={line.state} />}
          </span>
        </div>
        {settled && !line.gone && (
          <button
            type="button"
            class="talk-more"
            aria-label={t("more")}
            aria-expanded={chosen}
            onClick={() => onChoose(chosen ? null : line.id)}
          >
            <ChevronDown size={18} aria-hidden="true" />
          </button>
        )}
      </div>
      {chosen && talk && <Actions line={line} talk={talk} done={() => onChoose(null)} />}
      {line.state === "refused" && talk && <Refused line={line} talk={talk} />}
    </li>
  );

  function tapped(event: MouseEvent): void {
    const inside = (event.target as Element).closest("a, button, audio, video, input");
    if (inside || !settled || line.gone || getSelection()?.toString()) return;
    onChoose(chosen ? null : line.id);
  }
}

function Said({ line, talk }: { line: TalkLine; talk: Talk | null }) {
  if (line.gone === "recalled") return <p class="talk-stub">{line.mine ? t("recalled_mine") : t("recalled")}</p>;
  if (line.gone) return <p class="talk-stub">{t("erased")}</p>;
  if (line.kind !== "text") return <Attachment line={line} talk={talk} />;
  const { contact } = line.body;
  return (
    <>
      <Words
        text={String(line.body.text ?? "")}
        sought={talk?.target.value?.id === line.id ? talk.target.value.match : ""}
      />
      {typeof contact === "string" && contact && <p class="talk-contact">{t("contact", { contact })}</p>}
    </>
  );
}

/** What is replied to: its first words, and the way there. */
function Quote({ quoted, onJump }: { quoted: TalkLine | undefined; onJump(id: string): void }) {
  return (
    <button type="button" class="talk-quote" onClick={() => quoted && onJump(quoted.id)} disabled={!quoted}>
      {quoted && <strong>{quoted.mine ? t("you") : quoted.authorName}</strong>}
      <span dir="auto">{quoted ? summary(quoted) : t("quoted_gone")}</span>
    </button>
  );
}

/** One line of text for anything. */
export function summary(line: Pick<TalkLine, "kind" | "body" | "gone">): string {
  if (line.gone) return t(line.gone === "recalled" ? "recalled" : "erased");
  const said = line.body.text ?? line.body.caption;
  if (typeof said === "string" && said) return said;
  return line.kind in en ? t(line.kind as TalkKey) : "";
}

function Receipt({ state }: { state: TalkLine["state"] }) {
  if (state === "refused") return <TriangleAlert size={14} class="talk-receipt" role="img" aria-label={t("refused")} />;
  const word = state === "waiting" ? t("waiting") : shared(state);
  const Icon = state === "waiting" ? Clock : state === "sent" ? Check : CheckCheck;
  return (
    <span class={state === "read" ? "talk-receipt read" : "talk-receipt"} role="img" aria-label={word} title={word}>
      <Icon size={15} aria-hidden="true" />
    </span>
  );
}

function Actions({ line, talk, done }: { line: TalkLine; talk: Talk; done(): void }) {
  const [copied, setCopied] = useState(false);
  const text = typeof line.body.text === "string" ? line.body.text : "";
  const young = serverNow() - Date.parse(line.at) < RECALL_MS;
  const copy = async () => {
    await navigator.clipboard?.writeText(text).catch(() => undefined);
    setCopied(true);
    setTimeout(done, 700);
  };
  const run = (deed: () => void) => () => {
    deed();
    done();
  };
  return (
    <div class="talk-actions">
      <button
        type="button"
        onClick={run(() => {
          talk.replyingTo.value = line;
        })}
      >
        <Reply size={18} aria-hidden="true" />
        {t("reply")}
      </button>
      {text && (
        <button type="button" onClick={() => void copy()}>
          {copied ? <Check size={18} aria-hidden="true" /> : <Copy size={18} aria-hidden="true" />}
          {t(copied ? "copied" : "copy")}
        </button>
      )}
      {line.mine && young && (
        <button type="button" onClick={run(() => talk.recall(line))}>
          <Undo2 size={18} aria-hidden="true" />
          {t("recall")}
        </button>
      )}
    </div>
  );
}

function Refused({ line, talk }: { line: TalkLine; talk: Talk }) {
  const key = `error.${line.code}`;
  const held = line.code === "held_back";
  return (
    <div class="talk-refused" role="alert">
      <p>{key in en ? t(key as TalkKey) : errorText(line.code ?? "unknown")}</p>
      <button type="button" class="talk-deed main" onClick={() => talk.again(line)}>
        {t(held ? "send_anyway" : "again")}
      </button>
      {line.kind === "text" && (
        <button type="button" class="talk-deed" onClick={() => talk.rewrite(line)}>
          {t("edit")}
        </button>
      )}
      <button type="button" class="talk-deed" onClick={() => talk.discard(line)}>
        {t("remove")}
      </button>
    </div>
  );
}
