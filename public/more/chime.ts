// The sound of a new message: two soft notes, made here and now.

/** Frequency in Hz, start and length in seconds. */
const NOTES = [
  [659.26, 0, 0.16],
  [987.77, 0.1, 0.34],
] as const;
const LOUDNESS = 0.09;
/** Milliseconds that a browser has to start its sound. Later it would be a sound of nothing. */
const STARTS_WITHIN = 1_000;

/** False where the browser plays nothing: it wants a click or a key in this tab first. */
export async function chime(): Promise<boolean> {
  if (typeof AudioContext === "undefined") return false;
  const context = new AudioContext();
  await Promise.race([context.resume().catch(() => {}), new Promise((then) => setTimeout(then, STARTS_WITHIN))]);
  if (context.state !== "running") {
    void context.close();
    return false;
  }
  const from = context.currentTime + 0.02;
  let last: OscillatorNode | null = null;
  for (const [frequency, start, length] of NOTES) {
    const note = new OscillatorNode(context, { type: "sine", frequency });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, from + start);
    volume.gain.linearRampToValueAtTime(LOUDNESS, from + start + 0.012);
    volume.gain.exponentialRampToValueAtTime(0.0001, from + start + length);
    note.connect(volume).connect(context.destination);
    note.start(from + start);
    note.stop(from + start + length);
    last = note;
  }
  last!.onended = () => void context.close();
  return true;
}
