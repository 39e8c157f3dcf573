import { Expand, Pause, Play, RotateCcw, RotateCw } from "lucide-preact";
import { useId, useRef } from "preact/hooks";
import { duration } from "../i18n/format";
import { staff } from "../i18n/staff.texts";
import { turnAt } from "../state/staffPlayback";
import { usePlayback } from "../ui/usePlayback";
import type { Recording } from "../wire/frames";

const SPEEDS = [0.5, 1, 1.5, 2];

interface Props {
  recording: Recording;
  /** Names of the files to play, the leading one first. */
  files: readonly string[];
  people: Record<string, string>;
}

/** Everybody's picture side by side, in step, under one set of controls. */
export function RecordPlayer({ recording, files, people }: Props) {
  const id = useId();
  const whole = useRef<HTMLDivElement>(null);
  const playback = usePlayback(files.length, recording.duration_s);
  const { at, length, playing, speed, broken } = playback;
  const spoken = `${duration(at)} / ${duration(length)}`;
  return (
    <div class="player" ref={whole}>
      <div class={`player-pictures of-${Math.min(files.length, 3)}`}>
        {files.map((file, i) => (
          <figure key={file} class="player-picture">
            <video
              ref={playback.place(i)}
              class={`turn-${turnAt(recording.tracks, file, at)}`}
              src={`/api/calls/${recording.call_id}/files/${file}`}
              preload="auto"
              playsInline
              disablePictureInPicture
              aria-label={staff("customer_picture", { name: people[file] ?? file })}
              onClick={playback.toggle}
            />
            <figcaption>{people[file] ?? file}</figcaption>
          </figure>
        ))}
        {broken && (
          <p class="note bad player-fault" role="alert">
            {staff("record_fault")}
          </p>
        )}
      </div>
      <div class="player-tools">
        <button
          type="button"
          class="icon-button"
          aria-label={staff("back_10")}
          title={staff("back_10")}
          onClick={() => playback.seek(at - 10)}
        >
          <RotateCcw size={22} />
        </button>
        <button
          type="button"
          class="player-play"
          aria-label={staff(playing ? "pause" : "play")}
          onClick={playback.toggle}
        >
          {playing ? (
            <Pause size={26} fill="currentColor" strokeWidth={0} />
          ) : (
            <Play size={26} fill="currentColor" strokeWidth={0} />
          )}
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label={staff("forward_10")}
          title={staff("forward_10")}
          onClick={() => playback.seek(at + 10)}
        >
          <RotateCw size={22} />
        </button>
        <input
          type="range"
          class="player-seek"
          aria-label={staff("seek")}
          aria-valuetext={spoken}
          min={0}
          max={Math.max(length, 0.1)}
          step={0.05}
          value={at}
          style={{ "--done": `${length > 0 ? (at / length) * 100 : 0}%` }}
          onInput={(event) => playback.seek(Number(event.currentTarget.value))}
        />
        <span class="player-time">{spoken}</span>
        <label class="player-speed">
          <span class="unseen" id={id}>
            {staff("speed")}
          </span>
          <select
            aria-labelledby={id}
            value={String(speed)}
            onChange={(event) => playback.setSpeed(Number(event.currentTarget.value))}
          >
            {SPEEDS.map((one) => (
              <option key={one} value={String(one)}>
                {one}×
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="icon-button"
          aria-label={staff("full_screen")}
          title={staff("full_screen")}
          onClick={() => {
            if (document.fullscreenElement) void document.exitFullscreen();
            else void whole.current?.requestFullscreen?.();
          }}
        >
          <Expand size={22} />
        </button>
      </div>
    </div>
  );
}
