import { Film, Pause, Play } from "lucide-preact";
import { useState } from "preact/hooks";
import { duration } from "../i18n/format";
import { talk as words } from "../i18n/talk.texts";
import type { TalkLine } from "../state/conversation";
import { playable, turnAt } from "../state/staffPlayback";
import { usePlayback } from "../ui/usePlayback";
import type { Recording } from "../wire/frames";
import { http } from "../wire/http";
import { files as t } from "./files.texts";

/** A call that can be watched again, where it stands in the conversation. */
export function Recorded({ line, staff }: { line: TalkLine; staff: boolean }) {
  const [recording, setRecording] = useState<Recording | null>(null);
  const [lost, setLost] = useState(false);
  const seconds = Number(line.body.seconds ?? 0);
  const id = encodeURIComponent(String(line.body.call_id ?? ""));
  const watch = () =>
    http<{ recording: Recording }>(`/api/calls/${id}`)
      .then(({ recording }) => setRecording(recording))
      .catch(() => setLost(true));
  return (
    <li class="talk-card talk-recorded">
      <span class="talk-card-icon">
        <Film size={22} aria-hidden="true" />
      </span>
      <div>
        <p class="talk-card-title">{words("recording")}</p>
        <p class="muted">
          {seconds > 0 && duration(seconds)} {staff && <a href={`/staff/calls/${id}`}>{words("see_call")}</a>}
        </p>
      </div>
      {lost ? (
        <p class="muted" role="alert">
          {t("lost")}
        </p>
      ) : recording ? (
        <Watch recording={recording} />
      ) : (
        <button type="button" class="button main" onClick={() => void watch()}>
          <Play size={18} aria-hidden="true" />
          {t("watch")}
        </button>
      )}
    </li>
  );
}

/** Everybody's picture side by side, in step. */
function Watch({ recording }: { recording: Recording }) {
  const names = playable(Object.keys(recording.files));
  const playback = usePlayback(names.length, recording.duration_s);
  const { at, length, playing, broken } = playback;
  if (broken || !names.length) return <p class="muted">{t("lost")}</p>;
  return (
    <div class="talk-watch">
      <div class="talk-watch-pictures">
        {names.map((name, i) => (
          <video
            key={name}
            ref={playback.place(i)}
            class={`turn-${turnAt(recording.tracks, name, at)}`}
            src={`/api/calls/${encodeURIComponent(recording.call_id)}/files/${encodeURIComponent(name)}`}
            preload="auto"
            playsInline
            disablePictureInPicture
            aria-label={words("recording")}
            onClick={playback.toggle}
          />
        ))}
      </div>
      <div class="talk-watch-tools">
        <button
          type="button"
          class="talk-play"
          aria-label={t(playing ? "pause_call" : "play_call")}
          onClick={playback.toggle}
        >
          {playing ? <Pause size={22} aria-hidden="true" /> : <Play size={22} aria-hidden="true" />}
        </button>
        <input
          type="range"
          min={0}
          max={Math.max(0.1, length)}
          step={0.1}
          value={at}
          aria-label={t("position_call")}
          aria-valuetext={duration(at)}
          onInput={(event) => playback.seek(Number(event.currentTarget.value))}
        />
        <span class="talk-sound-time">{duration(at)}</span>
      </div>
    </div>
  );
}
