/** Below this nobody sees or hears a difference between lips and voice of two people (promise: 40 ms). */
export const CLOSE_ENOUGH_S = 0.02;
/** Above this a jump is less disturbing than catching up. */
export const JUMP_S = 0.35;
const GENTLEST = 0.03;
const STRONGEST = 0.12;

export interface Correction {
  /** Where the follower should jump, or null. */
  jumpTo: number | null;
  /** The follower's playback rate. */
  rate: number;
}

/** How a follower gets in step with the master while both play: slightly faster or slower, or a jump. Times in seconds. */
export function inStep(masterAt: number, followerAt: number, speed: number): Correction {
  const behind = masterAt - followerAt;
  if (Math.abs(behind) > JUMP_S) return { jumpTo: masterAt, rate: speed };
  if (Math.abs(behind) <= CLOSE_ENOUGH_S) return { jumpTo: null, rate: speed };
  const strength = Math.min(STRONGEST, Math.max(GENTLEST, Math.abs(behind) * 0.8));
  return { jumpTo: null, rate: speed * (1 + Math.sign(behind) * strength) };
}

/** Is the follower able to show this moment at all? A colleague who came later has a shorter file. */
export function covers(at: number, durationS: number): boolean {
  return !Number.isFinite(durationS) || at <= durationS;
}
