import { useState } from "preact/hooks";
import { Marks } from "../board/Marks";
import { staff } from "../i18n/staff.texts";
import type { PictureView } from "../state/session";
import { drawingOf, pictureUrl } from "../state/staffRecord";
import { PictureViewer } from "./PictureViewer";
import { useStaff } from "./staffContext";

/** The pictures of this call, newest first, along the bottom of the stage. */
export function PictureStrip() {
  const { session } = useStaff();
  const pictures = session.pictures.value;
  const [open, setOpen] = useState<number | null>(null);
  if (!pictures.length) return null;
  return (
    <>
      <ul class="strip" aria-label={staff("pictures")}>
        {pictures
          .map((picture, i) => (
            <li key={picture.id}>
              <Thumb picture={picture} n={i + 1} onOpen={() => setOpen(i)} />
            </li>
          ))
          .reverse()}
      </ul>
      {open !== null && <PictureViewer pictures={pictures} at={open} onAt={setOpen} onClose={() => setOpen(null)} />}
    </>
  );
}

export function Thumb({ picture, n, onOpen }: { picture: PictureView; n: number; onOpen: () => void }) {
  const strokes = drawingOf(picture);
  const aspect = picture.width / picture.height;
  return (
    <button type="button" class="thumb" aria-label={staff("picture_n", { n })} onClick={onOpen}>
      <span class="thumb-picture" style={{ aspectRatio: String(aspect) }}>
        <img src={pictureUrl(picture)} alt="" loading="lazy" />
        {strokes.length > 0 && <Marks strokes={strokes} aspect={aspect} />}
      </span>
      <span class="thumb-n" aria-hidden="true">
        {n}
      </span>
    </button>
  );
}
