import { Download, X } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { files as t } from "./files.texts";

/** One picture as large as the screen; a tap shows its own size. */
export function Viewer({ src, name, alt, close }: { src: string; name: string; alt: string; close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isWhole, setWhole] = useState(true);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class={isWhole ? "talk-viewer" : "talk-viewer near"} aria-label={alt} onClose={close}>
      <div class="talk-viewer-bar">
        <a class="talk-round" href={src} download={name || true} aria-label={t("save")} title={t("save")}>
          <Download size={24} aria-hidden="true" />
        </a>
        <button type="button" class="talk-round" aria-label={t("close")} onClick={() => dialog.current?.close()}>
          <X size={26} aria-hidden="true" />
        </button>
      </div>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: only a closer look; browsers enlarge by keys themselves */}
      <img src={src} alt={alt} onClick={() => setWhole(!isWhole)} />
    </dialog>
  );
}
