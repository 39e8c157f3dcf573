import { Pause, Play } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { duration } from "../i18n/format";
import { files as t } from "./files.texts";

interface Props {
  src: string;
  /** Null while only this browser knows it. */
  seconds: number | null;
  /** Peaks of 0-100. */
  wave: readonly number[] | null;
}

const FLAT = Array.from({ length: 60 }, () => 12);
let playing: HTMLAudioElement | null = null; // one at a time

/** A voice note: its shape, and where in it one is. */
export function Sound({ src, seconds, wave }: Props) {
  const audio = useRef<HTMLAudioElement>(null);
  const [isOn, setOn] = useState(false);
  const [lost, setLost] = useState(false);
  const [at, setAt] = useState(0);
  const length = seconds ?? 0;
  const peaks = wave?.length ? wave : FLAT;
  const share = length ? Math.min(1, at / length) : 0;

  useEffect(() => {
    if (!isOn) return;
    let frame = requestAnimationFrame(function look() {
      setAt(audio.current?.currentTime ?? 0);
      frame = requestAnimationFrame(look);
    });
    return () => cancelAnimationFrame(frame);
  }, [isOn]);

  const toggle = () => {
    const { current } = audio;
    if (!current) return;
    if (!current.paused) return current.pause();
    if (playing !== current) playing?.pause();
    playing = current;
    current.play().catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === "AbortError")) setLost(true);
    });
  };
  const seek = (to: number) => {
    setAt(to);
    if (audio.current) audio.current.currentTime = to;
  };
  if (lost) return <p class="talk-stub">{t("lost")}</p>;
  return (
    <div class="talk-sound">
      <audio
        ref={audio}
        src={src}
        preload="none"
        onPlay={() => setOn(true)}
        onPause={() => setOn(false)}
        onEnded={() => {
          setOn(false);
          setAt(0);
        }}
        onError={() => setLost(true)}
      />
      <button type="button" class="talk-play" aria-label={t(isOn ? "pause" : "play")} onClick={toggle}>
        {isOn ? <Pause size={22} aria-hidden="true" /> : <Play size={22} aria-hidden="true" />}
      </button>
      <div class="talk-wave">
        <svg viewBox={`0 0 ${peaks.length * 3} 32`} preserveAspectRatio="none" aria-hidden="true">
          {peaks.map((peak, i) => {
            const height = Math.max(2, (peak / 100) * 30);
            const heard = (i + 0.5) / peaks.length <= share;
            return (
              <rect
                key={i}
                class={heard ? "heard" : ""}
                x={i * 3}
                y={16 - height / 2}
                width={2}
                height={height}
                rx={1}
              />
            );
          })}
        </svg>
        {length > 0 && (
          <input
            type="range"
            min={0}
            max={length}
            step={0.1}
            value={at}
            aria-label={t("position")}
            aria-valuetext={duration(at)}
            onInput={(event) => seek(Number(event.currentTarget.value))}
          />
        )}
      </div>
      {length > 0 && <span class="talk-sound-time">{duration(isOn || at ? at : Math.max(1, length))}</span>}
    </div>
  );
}
