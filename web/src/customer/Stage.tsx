import { CirclePause, Maximize2, Mic, VideoOff, Volume2 } from "lucide-preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { Board, useBox, useVideoSize } from "../board/Board";
import type { Size } from "../board/geometry";
import type { Customer } from "../state/customer";
import { Video } from "../ui/controls";
import { t } from "./texts";

const FULL_ENOUGH = 0.7; // the share of the picture that stays in sight when it fills the room

/** Both pictures. The own one is large at first, since the item and the drawing on it are what the call is about; a tap
 * on the small one swaps them. A freeze or a new mark brings the own picture back to the front. */
export function Stage({ customer, active }: { customer: Customer; active: boolean }) {
  const { session, camera, link } = customer;
  const call = session.call.value;
  const board = session.board.value;
  const [mineLarge, setMineLarge] = useState(true);
  const [own, setOwn] = useState<HTMLVideoElement | null>(null);
  const [unsilence, setUnsilence] = useState<{ play(): void } | null>(null);
  const silenced = useCallback((play: () => void) => setUnsilence({ play }), []);
  const picture = useVideoSize(own);
  const [room, place] = useBox();
  const staff = call?.people.filter((person) => person.side === "staff") ?? [];
  const main = staff.find((person) => person.slot === 0);
  const name = main?.name ?? t("someone");
  const live = call?.state === "live";
  const theirPicture = live && !call.held && main?.connected && main.status?.camera_on !== false;
  const ownPicture = camera.version.value >= 0 && camera.video !== null && !camera.cameraOff.value;
  const marks = board.strokes.length;

  useEffect(() => {
    if (board.frozen || marks > 0) setMineLarge(true);
  }, [board.frozen, marks]);

  const fit = fits(picture, room) ? "cover" : "contain";
  const mirrored = camera.state.value.facing === "front" && !board.frozen;
  return (
    <div class={mineLarge ? "stage mine-large" : "stage"} ref={place}>
      <div class={`view mine ${fit}`}>
        <Video
          stream={camera.stream}
          muted
          still={!active}
          mirrored={mirrored}
          label={t("calm_camera")}
          marks={active ? { "data-local": "" } : {}}
          onElement={setOwn}
        />
        {!ownPicture && !board.frozen && (
          <div class="no-picture">
            <VideoOff size={mineLarge ? 40 : 24} aria-hidden="true" />
            {mineLarge && camera.cameraOff.value && <p>{t("camera_is_off")}</p>}
          </div>
        )}
        <Board
          picture={picture}
          strokes={board.strokes}
          frozenUrl={board.frozen ? board.picture_url : null}
          frozenAlt={t("frozen_text")}
          lay={{ fit: mineLarge ? fit : "cover", turn: 0, mirrored }}
        />
      </div>
      <div class="view theirs">
        <Video
          stream={link.remotes[0] ?? null}
          label={t("their_picture", { name })}
          marks={{ "data-remote": "" }}
          onSilenced={silenced}
        />
        {!theirPicture && (
          <div class="no-picture">
            <span class="initial" aria-hidden="true">
              {[...name][0]?.toUpperCase()}
            </span>
            {main?.status?.muted === false && mineLarge && <Mic size={16} aria-hidden="true" />}
          </div>
        )}
        {mineLarge && <span class="view-name">{name}</span>}
      </div>
      {staff
        .filter((person) => person.slot === 1 || person.slot === 2)
        .map((person) => (
          <div class={`view colleague colleague-${person.slot}`} key={person.id}>
            <Video
              stream={link.remotes[person.slot ?? 1] ?? null}
              label={t("their_picture", { name: person.name })}
              marks={{ "data-colleague": person.id }}
              onSilenced={silenced}
            />
            <span class="view-name">{person.name}</span>
          </div>
        ))}
      <button
        type="button"
        class="swap"
        aria-label={mineLarge ? t("show_large", { name }) : t("show_mine_large")}
        onClick={() => setMineLarge(!mineLarge)}
      >
        <Maximize2 size={16} aria-hidden="true" />
      </button>
      {call?.held && (
        <div class="hold" role="alert">
          <CirclePause size={48} strokeWidth={1.5} aria-hidden="true" />
          <h2>{t("on_hold")}</h2>
          <p>{t("on_hold_text", { name })}</p>
        </div>
      )}
      {call?.state === "ringing" && (
        <div class="hold">
          <span class="spinner" aria-hidden="true" />
          <p role="status">{t("answered", { name })}</p>
        </div>
      )}
      {unsilence && (
        <button
          type="button"
          class="button main sound-button"
          onClick={() => {
            unsilence.play();
            setUnsilence(null);
          }}
        >
          <Volume2 size={20} aria-hidden="true" />
          {t("sound_tap")}
        </button>
      )}
      <p class="unseen" aria-live="polite">
        {marks > 0 ? t("drawn") : ""}
      </p>
    </div>
  );
}

/** True when the picture may fill the room by losing little at its edges. */
function fits(picture: Size, room: Size): boolean {
  if (!picture.width || !room.width) return false;
  const a = picture.width / picture.height;
  const b = room.width / room.height;
  return Math.min(a, b) / Math.max(a, b) > FULL_ENOUGH;
}
