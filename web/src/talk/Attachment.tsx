import { Download, FileText, X } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { progress } from "../conversation/upload";
import type { Talk, TalkLine } from "../state/conversation";
import { files as t } from "./files.texts";
import { size } from "./picked";
import { Sound } from "./Sound";
import { Viewer } from "./Viewer";
import { Words } from "./Words";
import "./attachments.css";

/** What the server found out about a file. */
interface Facts {
  kind: "image" | "voice" | "video" | "file";
  name: string;
  bytes: number;
  width: number | null;
  height: number | null;
  seconds: number | null;
  wave: number[] | null;
  has_thumb: boolean;
}

interface Shown {
  facts: Facts | null;
  /** The file in this browser while it is sent, else at the server; "" while neither is known. */
  src: string;
  /** At the server; "" while it is not there. */
  kept: string;
  /** Small pictures of it, the best first: a browser may not be able to draw what lies in it (HEIC). */
  thumbs: readonly string[];
  name: string;
}

/** A picture, voice note, video or file of a message; it is there before it is sent. */
export function Attachment({ line, talk }: { line: TalkLine; talk: Talk | null }) {
  const local = useLocal(line, talk);
  const facts = (line.body.file as Facts | undefined) ?? null;
  const id = String(line.body.attachment ?? "");
  const kept = id && facts ? `/api/attachments/${encodeURIComponent(id)}` : "";
  const kind = facts?.kind ?? line.kind;
  const shown = {
    facts,
    src: local || kept,
    kept,
    thumbs: [kind === "image" ? local : "", facts?.has_thumb ? `${kept}/thumb.jpg` : ""].filter(Boolean),
    name: String(line.body.name || facts?.name || ""),
  };
  const caption = String(line.body.caption ?? "");
  const sending = talk && line.state === "waiting" && line.uploads && <Sending line={line} talk={talk} />;
  return (
    <div class={`talk-attachment ${kind}`}>
      {kind === "image" && <Picture {...shown} />}
      {kind === "voice" && shown.src && (
        <Sound src={shown.src} seconds={facts?.seconds ?? null} wave={facts?.wave ?? null} />
      )}
      {kind === "video" && <Film {...shown} />}
      {kind === "file" && <File {...shown} />}
      {sending}
      {caption && <Words text={caption} />}
    </div>
  );
}

/** The address of the file in this browser. It stays while the line is drawn, so that nothing flickers once it is sent. */
function useLocal({ id, uploads }: TalkLine, talk: Talk | null): string {
  const [url, setUrl] = useState("");
  useEffect(() => {
    if (!uploads || !talk) return;
    let isGone = false;
    void talk.conversations.file(id).then((blob) => {
      if (blob && !isGone) setUrl(URL.createObjectURL(blob));
    });
    return () => {
      isGone = true;
    };
  }, [id, uploads, talk]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return url;
}

/** Its place is there before it is loaded, so that nothing jumps. */
function shape(facts: Facts | null) {
  const { width, height } = facts ?? {};
  if (!width || !height) return undefined;
  const scale = Math.min(1, 280 / width, 340 / height);
  return { aspectRatio: `${width} / ${height}`, width: `${Math.max(120, Math.round(width * scale))}px` };
}

function Picture({ facts, src, kept, thumbs, name }: Shown) {
  const [isOpen, setOpen] = useState(false);
  const [lost, setLost] = useState<readonly string[]>([]);
  const thumb = thumbs.find((each) => !lost.includes(each));
  if (!thumb) return <Plain name={name || t("picture")} lost={facts !== null && lost.length > 0} />;
  return (
    <>
      <button type="button" class="talk-image" aria-label={t("open_picture")} onClick={() => setOpen(true)}>
        <img
          src={thumb}
          alt={t("picture")}
          loading="lazy"
          style={shape(facts)}
          onError={() => setLost([...lost, thumb])}
        />
      </button>
      {isOpen && (
        <Viewer src={lost.includes(src) ? kept : src} name={name} alt={t("picture")} close={() => setOpen(false)} />
      )}
    </>
  );
}

function Film({ facts, src, thumbs: [poster], name }: Shown) {
  const [lost, setLost] = useState(false);
  if (lost || !src) return <Plain name={name || t("video")} lost={lost} />;
  return (
    <video
      class="talk-film"
      src={src}
      poster={poster}
      preload={poster ? "none" : "metadata"}
      style={shape(facts)}
      controls
      playsInline
      aria-label={t("video")}
      onError={() => setLost(true)}
    />
  );
}

function File({ facts, src, name }: Shown) {
  if (!src) return <Plain name={name || t("any_file")} />;
  return (
    <a class="talk-document" href={src} download={name || true}>
      <span class="talk-document-icon">
        <FileText size={24} aria-hidden="true" />
      </span>
      <span>
        <strong>{name || t("any_file")}</strong>
        {facts && <small>{size(facts.bytes)}</small>}
      </span>
      <Download size={20} aria-hidden="true" />
    </a>
  );
}

function Plain({ name, lost = false }: { name: string; lost?: boolean }) {
  return (
    <p class="talk-file">
      <FileText size={20} aria-hidden="true" />
      {lost ? t("lost") : name}
    </p>
  );
}

/** How far it is, and the way to give it up. */
function Sending({ line, talk }: { line: TalkLine; talk: Talk }) {
  const share = progress.value.get(line.id);
  const n = Math.round((share ?? 0) * 100);
  const waits = talk.conversations.status === "open" ? t("queued") : t("held");
  const word = share === undefined ? waits : share < 1 ? t("sending", { n }) : t("checking");
  return (
    <div class="talk-sending">
      <button type="button" aria-label={t("stop")} title={t("stop")} onClick={() => talk.discard(line)}>
        <svg viewBox="0 0 44 44" aria-hidden="true">
          <circle cx="22" cy="22" r="19" />
          <circle class="done" cx="22" cy="22" r="19" pathLength={100} stroke-dasharray={`${n} 100`} />
        </svg>
        <X size={18} aria-hidden="true" />
      </button>
      <span role="status">{word}</span>
    </div>
  );
}
