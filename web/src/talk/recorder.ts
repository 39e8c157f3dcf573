/** One voice note while it is recorded. */
export interface Recording {
  /** How loud it was, 0-1, ten times a second. */
  readonly levels: number[];
  readonly seconds: number;
  /** Resolves with the note; null when nothing came. The microphone is let go of. */
  finish(): Promise<Blob | null>;
  drop(): void;
}

export const LONGEST_S = 300;
/** AAC plays everywhere; what can only be recorded as Opus is turned into it by the server. */
const KINDS = ["audio/mp4;codecs=mp4a.40.2", "audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const BITS_PER_SECOND = 32_000;
const LEVEL_MS = 100;

export function canRecord(): boolean {
  return typeof MediaRecorder !== "undefined" && Boolean(navigator.mediaDevices?.getUserMedia);
}

/** Asks for the microphone. Rejects when the person, or the phone, says no. */
export async function record(): Promise<Recording> {
  const audio = { echoCancellation: true, noiseSuppression: true, channelCount: 1 };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) ?? "";
  const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
  const parts: Blob[] = [];
  recorder.ondataavailable = (event) => event.data.size > 0 && parts.push(event.data);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const levels: number[] = [];
  const began = performance.now();
  const listening = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    levels.push(Math.min(1, samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) * 1.6));
  }, LEVEL_MS);
  recorder.start(1000);

  const end = (): void => {
    clearInterval(listening);
    for (const track of stream.getTracks()) track.stop();
    void context.close();
  };
  return {
    levels,
    get seconds() {
      return (performance.now() - began) / 1000;
    },
    async finish() {
      if (recorder.state !== "inactive") {
        const stopped = new Promise((done) => recorder.addEventListener("stop", done, { once: true }));
        recorder.stop();
        await stopped;
      } // else the microphone was taken away, and it has stopped by itself
      end();
      const note = new Blob(parts, { type: recorder.mimeType.split(";")[0] ?? "" });
      return note.size ? note : null;
    },
    drop() {
      if (recorder.state !== "inactive") recorder.stop();
      end();
    },
  };
}
