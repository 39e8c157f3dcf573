import { effect } from "@preact/signals";

/** Keeps the screen on while `wanted` says so; the browser lets go when the page is hidden, so it is asked again. */
export function keepAwake(wanted: () => boolean): void {
  let lock: WakeLockSentinel | null = null;
  let on = false;
  const take = async () => {
    if (!on || lock || document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => {
        lock = null;
      });
      if (!on) await lock.release();
    } catch {
      lock = null; // low battery: the phone decides
    }
  };
  document.addEventListener("visibilitychange", () => void take());
  effect(() => {
    on = wanted();
    if (on) void take();
    else void lock?.release();
  });
}
