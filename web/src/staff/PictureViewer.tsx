import { ChevronLeft, ChevronRight, Download, X } from "lucide-preact";
import { useState } from "preact/hooks";
import { Marks } from "../board/Marks";
import { withDrawing } from "../board/raster";
import { dayAndTime } from "../i18n/format";
import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import type { PictureView } from "../state/session";
import { drawingOf, pictureUrl } from "../state/staffRecord";
import { useFocusHeld } from "../ui/controls";
import { useStaff } from "./staffContext";

interface Props {
  pictures: readonly PictureView[];
  at: number;
  onAt: (at: number) => void;
  onClose: () => void;
}

/** One picture as large as the screen, with or without what was drawn on it. */
export function PictureViewer({ pictures, at, onAt, onClose }: Props) {
  const { me, notices } = useStaff();
  const [drawn, setDrawn] = useState(true);
  const box = useFocusHeld<HTMLDivElement>();
  const picture = pictures[at];
  if (!picture) return null;
  const strokes = drawingOf(picture);
  const aspect = picture.width / picture.height;
  const step = (by: number) => onAt((at + by + pictures.length) % pictures.length);

  const save = async () => {
    try {
      const url = pictureUrl(picture);
      const blob = drawn && strokes.length ? await withDrawing(url, strokes) : await (await fetch(url)).blob();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `loupe-${picture.taken_at.slice(0, 19).replace(/[:T]/g, "-")}.jpg`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch {
      notices.tell("bad", () => staff("download_failed"));
    }
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    else if (event.key === "ArrowLeft" && pictures.length > 1) step(-1);
    else if (event.key === "ArrowRight" && pictures.length > 1) step(1);
  };

  return (
    <div
      class="room viewer"
      role="dialog"
      aria-modal="true"
      aria-label={staff("picture_n", { n: at + 1 })}
      tabIndex={-1}
      ref={box}
      onKeyDown={key}
    >
      <header class="viewer-top">
        <p>
          <strong>{staff("picture_n", { n: at + 1 })}</strong>
          <span class="muted">
            {dayAndTime(picture.taken_at, me.shop.time_zone)} · {picture.width} × {picture.height}
            {picture.source === "still" && ` · ${staff("full_resolution")}`}
          </span>
        </p>
        {strokes.length > 0 && (
          <button type="button" class="button small" aria-pressed={drawn} onClick={() => setDrawn(!drawn)}>
            {staff("with_drawing")}
          </button>
        )}
        <button type="button" class="button small" onClick={() => void save()}>
          <Download size={18} aria-hidden="true" />
          {staff("download")}
        </button>
        <button type="button" class="icon-button" aria-label={shared("close")} onClick={onClose}>
          <X size={26} />
        </button>
      </header>
      <div class="viewer-picture">
        <div class="viewer-frame" style={{ aspectRatio: String(aspect), "--aspect": String(aspect) }}>
          <img src={pictureUrl(picture)} alt={staff("picture_n", { n: at + 1 })} />
          {drawn && strokes.length > 0 && <Marks strokes={strokes} aspect={aspect} />}
        </div>
      </div>
      {pictures.length > 1 && (
        <>
          <button type="button" class="viewer-step before" aria-label={staff("previous")} onClick={() => step(-1)}>
            <ChevronLeft size={30} />
          </button>
          <button type="button" class="viewer-step after" aria-label={staff("next")} onClick={() => step(1)}>
            <ChevronRight size={30} />
          </button>
        </>
      )}
    </div>
  );
}
