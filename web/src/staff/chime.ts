import { signal } from "@preact/signals";

/** True while the browser refuses sound until somebody taps. */
export const soundIsBlocked = signal(false);

let audio: AudioContext | null = null;

/** Makes the sound ready. Call it inside a tap. */
export async function unlockSound(): Promise<void> {
  try {
    audio ??= new AudioContext();
    if (audio.state !== "running") await audio.resume();
  } catch {
    // no sound on this device; the picture tells it, too
  }
  soundIsBlocked.value = audio !== null && audio.state !== "running";
}

/** Looks whether a chime would be heard. */
export function checkSound(): void {
  try {
    audio ??= new AudioContext();
  } catch {
    return;
  }
  soundIsBlocked.value = audio.state !== "running";
}

const BELL: readonly (readonly [hz: number, atS: number])[] = [
  [659.3, 0],
  [880, 0.16],
];
const SHUTTER: readonly (readonly [hz: number, atS: number])[] = [[1318.5, 0]];

function ring(notes: typeof BELL, loudness: number, lengthS: number): void {
  if (audio?.state !== "running") {
    checkSound();
    return;
  }
  for (const [hz, after] of notes) {
    const start = audio.currentTime + after;
    const voice = audio.createOscillator();
    const gain = audio.createGain();
    voice.type = "sine";
    voice.frequency.value = hz;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(loudness, start + 0.012);
    gain.gain.exponentialRampToValueAtTime(0.0008, start + lengthS);
    voice.connect(gain).connect(audio.destination);
    voice.start(start);
    voice.stop(start + lengthS);
  }
}

/** Two bell notes that are heard through a noisy room without startling. */
export function chime(): void {
  ring(BELL, 0.34, 0.9);
}

/** The short tick of a picture taken. */
export function tick(): void {
  ring(SHUTTER, 0.06, 0.08);
}
