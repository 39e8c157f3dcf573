/** Two soft notes and a short buzz: somebody is there. Silent where the browser wants a tap first. */
export function chime(): void {
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(120);
  try {
    const context = new AudioContext();
    if (context.state !== "running") return void context.close();
    for (const [index, hertz] of [659, 880].entries()) {
      const [tone, gain] = [context.createOscillator(), context.createGain()];
      const at = context.currentTime + index * 0.14;
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(0.12, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, at + 0.32);
      tone.connect(gain).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.35);
    }
    setTimeout(() => void context.close(), 1000);
  } catch {
    // no sound output: the picture tells
  }
}
