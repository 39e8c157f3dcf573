import { signal } from "@preact/signals";

/** True while the browser refuses sound until somebody taps. */
export const soundIsBlocked = signal(false);

const WAKE_MS = 1000; // a loudspeaker that sleeps takes a while; a browser that wants a tap lets `resume` wait for it
const REST_MS = 500;

let audio: AudioContext | null = null;
let voices = 0;
let resting: ReturnType<typeof setTimeout> | undefined;

/** True when sound would be heard now. */
async function wake(): Promise<boolean> {
  clearTimeout(resting);
  try {
    audio ??= new AudioContext();
    if (audio.state !== "running")
      await Promise.race([audio.resume(), new Promise((late) => setTimeout(late, WAKE_MS))]);
  } catch {
    // no sound on this device; the picture tells it, too
  }
  soundIsBlocked.value = audio !== null && audio.state !== "running";
  return audio?.state === "running";
}

/** Silence is worked on too: a context that runs all day costs the tablet a tenth of a core. */
function rest(): void {
  clearTimeout(resting);
  resting = setTimeout(() => void audio?.suspend().catch(() => undefined), REST_MS);
}

/** Looks whether a chime would be heard. */
export async function checkSound(): Promise<void> {
  if (await wake()) rest();
}

/** Makes the sound ready. Call it inside a tap. */
export async function unlockSound(): Promise<void> {
  if (soundIsBlocked.peek() && (await wake())) rest();
}

const BELL: readonly (readonly [hz: number, atS: number])[] = [
  [659.3, 0],
  [880, 0.16],
];
const SHUTTER: readonly (readonly [hz: number, atS: number])[] = [[1318.5, 0]];

async function ring(notes: typeof BELL, loudness: number, lengthS: number): Promise<void> {
  if (!(await wake()) || !audio) return;
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
    voices += 1;
    voice.onended = () => {
      voices -= 1;
      if (voices === 0) rest();
    };
  }
}

/** Two bell notes that are heard through a noisy room without startling. */
export function chime(): void {
  void ring(BELL, 0.34, 0.9);
}

/** The short tick of a picture taken. */
export function tick(): void {
  void ring(SHUTTER, 0.06, 0.08);
}
