import { ArrowUp, Mic, Trash2 } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { duration } from "../i18n/format";
import type { Talk } from "../state/conversation";
import { files as t } from "./files.texts";
import { LONGEST_S, type Recording, record } from "./recorder";

const HELD_MS = 400; // shorter is a tap: it goes on until it is sent or discarded
const SHORTEST_S = 0.5;
const SLIDE_PX = 80;
const BARS = 36;
const TELL_FOR_MS = 5000;

/** Records a voice note: held, it is sent when the finger lets go; tapped, it goes on until "Send". */
export function Voice({ talk }: { talk: Talk }) {
  const [recording, setRecording] = useState<Recording | null>(null);
  const [isHeld, setHeld] = useState(false);
  const [isSlid, setSlid] = useState(false);
  const [refused, setRefused] = useState<"no_microphone" | "no_room" | null>(null);
  const [, setTick] = useState(0);
  const now = useRef({ recording: null as Recording | null, starting: false, wish: null as "send" | "drop" | null });
  const touch = useRef({ at: 0, x: 0, began: false });

  const end = async (wish: "send" | "drop") => {
    const { recording: made } = now.current;
    setHeld(false);
    setSlid(false);
    if (!made) {
      if (now.current.starting) now.current.wish = wish; // the browser still asks for the microphone
      return;
    }
    now.current.recording = null;
    setRecording(null);
    if (wish === "drop" || made.seconds < SHORTEST_S) return made.drop();
    const note = await made.finish();
    if (note) talk.sendFile("voice", note, {}).catch(() => refuse("no_room"));
  };
  const refuse = (why: "no_microphone" | "no_room") => {
    setRefused(why);
    setTimeout(setRefused, TELL_FOR_MS, null);
  };
  const start = async () => {
    if (now.current.starting || now.current.recording) return;
    now.current = { recording: null, starting: true, wish: null };
    try {
      const made = await record();
      now.current.recording = made;
      setRecording(made);
    } catch {
      refuse("no_microphone");
    }
    now.current.starting = false;
    if (now.current.wish === "drop") void end("drop"); // let go while the browser asked: held again, it will be there
  };
  useEffect(() => {
    if (!recording) return;
    const timer = setInterval(() => {
      setTick((n) => n + 1);
      if (recording.seconds >= LONGEST_S) void end("send");
    }, 100);
    return () => clearInterval(timer);
  }, [recording]);
  useEffect(
    () => () => {
      now.current.recording?.drop();
      now.current.wish = "drop"; // the browser may still ask
    },
    [],
  );

  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    touch.current = { at: event.timeStamp, x: event.clientX, began: !now.current.recording };
    if (!touch.current.began) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    setHeld(true);
    void start();
  };
  const move = (event: PointerEvent) => isHeld && setSlid(touch.current.x - event.clientX > SLIDE_PX);
  const up = (event: PointerEvent) => {
    const { at, began } = touch.current;
    const wasHeld = began && isHeld && event.timeStamp - at > HELD_MS;
    setHeld(false);
    if (event.type === "pointercancel") void end("drop");
    else if (!began) void end("send");
    else if (wasHeld) void end(isSlid || !now.current.recording ? "drop" : "send");
  };
  const clicked = (event: MouseEvent) => {
    if (event.detail !== 0) return; // by a pointer: done above
    void (now.current.recording ? end("send") : start());
  };
  const isOn = recording !== null;
  return (
    <>
      {isOn && (
        <div class={isSlid ? "talk-recording slid" : "talk-recording"}>
          <button type="button" class="talk-round bad" aria-label={t("record_drop")} onClick={() => void end("drop")}>
            <Trash2 size={22} aria-hidden="true" />
          </button>
          <span class="talk-recording-dot" aria-hidden="true" />
          <span role="timer" aria-label={t("recording")}>
            {duration(recording.seconds)}
          </span>
          {isHeld ? (
            <span class="talk-recording-hint">{t(isSlid ? "let_go" : "slide")}</span>
          ) : (
            <span class="talk-levels" aria-hidden="true">
              {recording.levels.slice(-BARS).map((level, i) => (
                <i key={i} style={{ height: `${10 + level * 90}%` }} />
              ))}
            </span>
          )}
        </div>
      )}
      {refused && (
        <p class="talk-voice-note" role="alert">
          {t(refused)}
        </p>
      )}
      <button
        type="button"
        class={isOn ? "talk-round send voice on" : "talk-round voice"}
        aria-label={t(isOn ? "record_send" : "record")}
        title={t(isOn ? "record_send" : "record")}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onContextMenu={(event) => event.preventDefault()}
        onClick={clicked}
      >
        {isOn && !isHeld ? <ArrowUp size={24} aria-hidden="true" /> : <Mic size={24} aria-hidden="true" />}
      </button>
    </>
  );
}
