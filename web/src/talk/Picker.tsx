import { Camera, FileText, Images, Plus, X } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { files as t } from "./files.texts";
import { type Picked, size } from "./picked";

interface Props {
  /** Files of this person, to be prepared and sent. */
  onFiles(files: readonly File[]): void;
  /** A picture may be taken now. */
  camera: boolean;
}

/** Pictures, videos and files to send: three large buttons within reach of the thumb. */
export function Picker({ onFiles, camera: mayTake }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const gallery = useRef<HTMLInputElement>(null);
  const any = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event) => {
      const isEscape = event instanceof KeyboardEvent && event.key === "Escape";
      const isOutside = event.type === "pointerdown" && !box.current?.contains(event.target as Node);
      if (isEscape || isOutside) setOpen(false);
      if (isEscape) box.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, [open]);
  const chosen = (event: { currentTarget: HTMLInputElement }) => {
    const { currentTarget: input } = event;
    setOpen(false);
    if (input.files?.length) onFiles([...input.files]);
    input.value = ""; // the same one may be chosen again
  };
  const hidden = { type: "file", hidden: true, onChange: chosen } as const;
  return (
    <div class="talk-picker" ref={box}>
      <button
        type="button"
        class={open ? "talk-round open" : "talk-round"}
        aria-label={t("add")}
        title={t("add")}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Plus size={26} aria-hidden="true" />
      </button>
      <input ref={camera} {...hidden} accept="image/*" capture="environment" data-from="camera" />
      <input ref={gallery} {...hidden} accept="image/*,video/*,.heic,.heif" multiple data-from="gallery" />
      <input ref={any} {...hidden} multiple data-from="files" />
      {open && (
        <div class="talk-sources">
          {mayTake && matchMedia("(pointer: coarse)").matches && (
            <button type="button" onClick={() => camera.current?.click()}>
              <Camera size={26} aria-hidden="true" />
              {t("camera")}
            </button>
          )}
          <button type="button" onClick={() => gallery.current?.click()}>
            <Images size={26} aria-hidden="true" />
            {t("gallery")}
          </button>
          <button type="button" onClick={() => any.current?.click()}>
            <FileText size={26} aria-hidden="true" />
            {t("any_file")}
          </button>
        </div>
      )}
    </div>
  );
}

/** What was chosen, above the line to write in: it goes with the next "Send", and what is written is its caption. */
export function Tray(props: { picked: readonly Picked[]; preparing: number; onRemove(picked: Picked): void }) {
  const { picked, preparing, onRemove } = props;
  if (!picked.length && !preparing) return null;
  return (
    <ul class="talk-tray">
      {picked.map((each) => (
        <li key={each.key}>
          {each.kind === "image" && !/hei[cf]/i.test(each.blob.type || each.name) ? (
            <img src={each.url} alt={each.name || t("picture")} />
          ) : (
            <span class="talk-tray-file">
              <FileText size={22} aria-hidden="true" />
              <span>{each.name}</span>
              <small>{size(each.blob.size)}</small>
            </span>
          )}
          <button type="button" aria-label={t("leave_out", { name: each.name })} onClick={() => onRemove(each)}>
            <X size={16} strokeWidth={2.6} aria-hidden="true" />
          </button>
        </li>
      ))}
      {preparing > 0 && (
        <li class="talk-tray-file" role="status" aria-label={t("preparing")}>
          <span class="spinner" aria-hidden="true" />
        </li>
      )}
    </ul>
  );
}
