import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { covers, inStep } from "../state/staffPlayback";

const LOOK_EVERY_MS = 100;

export interface Playback {
  at: number;
  length: number;
  playing: boolean;
  speed: number;
  broken: boolean;
  place: (index: number) => (video: HTMLVideoElement | null) => void;
  toggle: () => void;
  seek: (seconds: number) => void;
  setSpeed: (speed: number) => void;
}

/** Plays several files of one timeline as one. The first leads; the others are kept within 40 ms of it. */
export function usePlayback(count: number, durationS: number): Playback {
  const videos = useRef<(HTMLVideoElement | null)[]>([]);
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeedState] = useState(1);
  const [length, setLength] = useState(durationS);
  const [broken, setBroken] = useState(false);

  const places = useMemo(
    () =>
      Array.from({ length: count }, (_, i) => (video: HTMLVideoElement | null) => {
        videos.current[i] = video;
      }),
    [count],
  );

  const all = useCallback(() => videos.current.filter((video): video is HTMLVideoElement => video !== null), []);

  const play = useCallback(() => {
    const [lead, ...rest] = all();
    if (!lead) return;
    if (lead.ended || lead.currentTime >= lead.duration - 0.05) for (const video of all()) video.currentTime = 0;
    for (const video of rest) video.currentTime = lead.currentTime;
    setPlaying(true);
    for (const video of all()) void video.play().catch(() => undefined);
  }, [all]);

  const pause = useCallback(() => {
    setPlaying(false);
    for (const video of all()) video.pause();
    const [lead, ...rest] = all();
    for (const video of rest)
      if (lead && covers(lead.currentTime, video.duration)) video.currentTime = lead.currentTime;
  }, [all]);

  const seek = useCallback(
    (seconds: number) => {
      const to = Math.min(Math.max(0, seconds), Math.max(0, length - 0.01));
      for (const video of all()) video.currentTime = covers(to, video.duration) ? to : video.duration;
      setAt(to);
    },
    [all, length],
  );

  const setSpeed = useCallback(
    (next: number) => {
      setSpeedState(next);
      for (const video of all()) video.playbackRate = next;
    },
    [all],
  );

  useEffect(() => {
    const [lead] = all();
    if (!lead) return;
    const read = () => {
      setAt(lead.currentTime);
      // Some remuxed files tell their length only at the end; the server knows it.
      if (Number.isFinite(lead.duration) && lead.duration > 0) setLength(Math.max(durationS, lead.duration));
    };
    const stopped = () => setPlaying(false);
    const failed = () => setBroken(true);
    lead.addEventListener("timeupdate", read);
    lead.addEventListener("loadedmetadata", read);
    lead.addEventListener("ended", stopped);
    lead.addEventListener("error", failed);
    return () => {
      lead.removeEventListener("timeupdate", read);
      lead.removeEventListener("loadedmetadata", read);
      lead.removeEventListener("ended", stopped);
      lead.removeEventListener("error", failed);
    };
  }, [all, durationS]);

  // While playing: followers are nudged into step, wait with a leader that waits, and start again when they can.
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      const [lead, ...rest] = all();
      if (!lead) return;
      const stuck = lead.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && !lead.ended;
      for (const video of rest) {
        if (!covers(lead.currentTime, video.duration)) continue;
        if (stuck) {
          video.pause();
          continue;
        }
        if (video.paused && !lead.paused) void video.play().catch(() => undefined);
        if (video.seeking) continue;
        const { jumpTo, rate } = inStep(lead.currentTime, video.currentTime, speed);
        if (jumpTo !== null) video.currentTime = jumpTo;
        if (video.playbackRate !== rate) video.playbackRate = rate;
      }
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [all, playing, speed]);

  return {
    at,
    length,
    playing,
    speed,
    broken,
    place: (index) => places[index] ?? (() => undefined),
    toggle: () => (playing ? pause() : play()),
    seek,
    setSpeed,
  };
}
