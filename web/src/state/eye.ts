import { batch, computed, effect, type Signal, signal } from "@preact/signals";
import type { Camera } from "./camera";
import { HEIGHT, Judge, WIDTH } from "./steady";

const EVERY_MS = 120;
const OPENS_AFTER_MS = 1000; // a new picture first; the phone has better to do when a call begins

/** Watches the own camera with a `Judge` while `wanted` says so; nothing leaves the phone but two yes or no. */
export function openEye(camera: Camera, wanted: () => boolean): { dark: Signal<boolean>; shaking: Signal<boolean> } {
  const dark = signal(false);
  const shaking = signal(false);
  const judge = new Judge();
  const watching = computed(wanted); // a call changes often, also by what this eye tells: only yes or no begins anew
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  let timer: ReturnType<typeof setInterval> | undefined;
  let opening: ReturnType<typeof setTimeout> | undefined;

  const look = () => {
    if (!pen || video.readyState < 2 || document.visibilityState === "hidden") return;
    pen.drawImage(video, 0, 0, WIDTH, HEIGHT);
    const { data } = pen.getImageData(0, 0, WIDTH, HEIGHT);
    const grey = new Uint8Array(WIDTH * HEIGHT);
    for (let i = 0; i < grey.length; i++) {
      grey[i] = ((data[i * 4] ?? 0) * 77 + (data[i * 4 + 1] ?? 0) * 150 + (data[i * 4 + 2] ?? 0) * 29) >> 8;
    }
    judge.see(grey);
    batch(() => {
      dark.value = judge.dark;
      shaking.value = judge.shaking;
    });
  };

  effect(() => {
    const track = camera.version.value >= 0 && watching.value && !camera.cameraOff.value ? camera.video : null;
    clearInterval(timer);
    clearTimeout(opening);
    judge.clear();
    dark.value = false;
    shaking.value = false;
    video.srcObject = null;
    if (!track) return;
    opening = setTimeout(() => {
      video.srcObject = new MediaStream([track]);
      video.play().catch(() => undefined);
      timer = setInterval(look, EVERY_MS);
    }, OPENS_AFTER_MS);
  });
  return { dark, shaking };
}
