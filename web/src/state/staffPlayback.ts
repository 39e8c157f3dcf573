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

/** What `recording.tracks` says of a picture track; see `media`'s finished files. */
interface PictureTrack {
  label?: string;
  kind?: string;
  rotation?: number;
  rotations?: { at_s: number; degrees: number }[];
}

/** The files to play beside each other, the customer's first. Where several of the shop were in the call, each has a file
 * of their own, and the one that strings them together is left out. */
export function playable(names: readonly string[]): string[] {
  const several = names.some((name) => name.startsWith("staff-"));
  const wanted = names.filter(
    (name) => name === "customer" || (several ? name.startsWith("staff-") : name === "staff"),
  );
  return wanted.sort((a, b) => Number(b === "customer") - Number(a === "customer") || a.localeCompare(b));
}

/** Whose tracks a file holds: the leading colleague's file has a number, the tracks in it have not. */
export function labelOf(file: string): string {
  return file === "staff-1" ? "staff" : file;
}

/** How far the player must turn the picture at this moment, clockwise: the file says one rotation, a phone turns. */
export function turnAt(tracks: readonly Record<string, unknown>[], file: string, at: number): 0 | 90 | 180 | 270 {
  const track = (tracks as readonly PictureTrack[]).find((t) => t.kind === "video" && t.label === labelOf(file));
  if (!track?.rotations || track.rotations.length < 2) return 0;
  const now = track.rotations.findLast((turn) => turn.at_s <= at) ?? track.rotations[0];
  const turn = ((((now?.degrees ?? 0) - (track.rotation ?? 0)) % 360) + 360) % 360;
  return turn === 90 || turn === 180 || turn === 270 ? turn : 0;
}
