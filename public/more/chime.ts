// The sounds of a new message and of a call, made here and now: soft notes, no file.

/** Frequency in Hz, start and length in seconds. */
type Note = readonly [number, number, number];

const CHIME: readonly Note[] = [
  [659.26, 0, 0.16],
  [987.77, 0.1, 0.34],
];
const RING: readonly Note[] = [
  [523.25, 0, 0.22],
  [659.26, 0.16, 0.34],
  [523.25, 0.7, 0.22],
  [659.26, 0.86, 0.34],
];
const LOUDNESS = 0.09;
/** Milliseconds that a browser has to start its sound. Later it would be a sound of nothing. */
const STARTS_WITHIN = 1_000;

/** False where the browser plays nothing: it wants a click or a key in this tab first. */
export function chime(): Promise<boolean> {
  return play(CHIME);
}

/** A call has begun. False as of `chime`. */
export function ring(): Promise<boolean> {
  return play(RING);
}

async function play(notes: readonly Note[]): Promise<boolean> {
  if (typeof AudioContext === "undefined") return false;
  const context = new AudioContext();
  await Promise.race([context.resume().catch(() => {}), new Promise((then) => setTimeout(then, STARTS_WITHIN))]);
  if (context.state !== "running") {
    void context.close();
    return false;
  }
  const from = context.currentTime + 0.02;
  let last: OscillatorNode | null = null;
  for (const [frequency, start, length] of notes) {
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
