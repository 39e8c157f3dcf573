import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Board, useVideoSize } from "../board/Board";
import type { Point } from "../board/geometry";
import { sendable } from "../board/geometry";
import { Surface } from "../board/Surface";
import { staff } from "../i18n/staff.texts";
import { newId } from "../wire/ids";
import { DrawPalette, WordsBox } from "./DrawPalette";
import { PictureStrip } from "./PictureStrip";
import { penStyle } from "./penStyle";
import { Faces, Overlays, StatusPills } from "./StageParts";
import { useStaff } from "./staffContext";
import { useHeldFrame } from "./useHeldFrame";

/** The customer's picture with all that lies on it. */
export function CallStage(props: { active: boolean; settled: boolean; drawing: boolean; onDrawingDone: () => void }) {
  const { active, settled, drawing, onDrawingDone } = props;
  const { session, deeds, board } = useStaff();
  const [video, setVideo] = useState<HTMLVideoElement | null>(null);
  const [words, setWords] = useState<Point | null>(null);
  const size = useVideoSize(video);
  const call = session.call.value;
  const name = call?.customer_name ?? "";
  const frozen = deeds.frozen.value;
  const held = useHeldFrame(video, frozen && !session.board.value.picture_url);
  const frozenUrl = frozen ? (session.board.value.picture_url ?? held) : null;
  const taken = deeds.shots.value;

  useLayoutEffect(() => {
    if (!drawing) setWords(null);
  }, [drawing]);

  const write = (at: Point, text: string) => {
    const stroke = { id: newId(), ...penStyle.peek(), tool: "text" as const, points: [sendable(at)], text, number: 0 };
    board.stroke(stroke, true);
  };

  return (
    <main class={drawing ? "stage drawing" : "stage"}>
      <div class="stage-picture">
        <RemoteVideo active={active} label={staff("customer_picture", { name })} onElement={setVideo} />
        <Board picture={size} strokes={board.strokes.value} frozenUrl={frozenUrl} frozenAlt={staff("frozen_picture")}>
          {(content, aspect) =>
            drawing && (
              <>
                <Surface
                  content={content}
                  aspect={aspect}
                  style={penStyle.value}
                  nextNumber={board.next.value}
                  label={staff("draw_here")}
                  onStroke={board.stroke}
                  onDiscard={board.discard}
                  onWords={setWords}
                />
                {words && (
                  <WordsBox
                    at={words}
                    content={content}
                    onDone={(text) => {
                      if (text) write(words, text);
                      setWords(null);
                    }}
                  />
                )}
              </>
            )
          }
        </Board>
        {taken > 0 && <div key={taken} class="flash" aria-hidden="true" />}
      </div>
      <StatusPills />
      <Overlays video={video} />
      {settled && <Faces />}
      {drawing ? <DrawPalette low={size.width > size.height * 1.1} onDone={onDrawingDone} /> : <PictureStrip />}
    </main>
  );
}

/** The remote picture and sound. Says so when the browser wants a tap before it plays sound. */
function RemoteVideo(props: { active: boolean; label: string; onElement: (video: HTMLVideoElement | null) => void }) {
  const { player } = useStaff();
  const [silent, setSilent] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const { active, label, onElement } = props;
  const play = useCallback(() => {
    player.element.play().then(
      () => setSilent(false),
      (error: unknown) => setSilent(error instanceof DOMException && error.name === "NotAllowedError"),
    );
  }, [player]);
  useLayoutEffect(() => {
    if (place.current) player.enter(place.current);
    onElement(player.element);
    play();
    return () => {
      onElement(null);
      player.leave();
    };
  }, [player, onElement, play]);
  useLayoutEffect(() => player.show(active), [player, active]);
  useEffect(() => player.element.setAttribute("aria-label", label), [player, label]);
  return (
    <>
      <div ref={place} class="stage-place" />
      {silent && (
        <button type="button" class="button main large stage-sound" onClick={play}>
          {staff("tap_for_sound")}
        </button>
      )}
    </>
  );
}
