// A sound to try the speaker with: three notes, made here.

const NOTES = [523.25, 659.25, 783.99];
const NOTE_SECONDS = 0.28;

/** Some browsers cannot choose the speaker. */
export const CHOOSES_SPEAKER = "setSinkId" in HTMLMediaElement.prototype;

/** Resolves when it has been played. Rejects where this speaker plays nothing. */
export async function playTestTone(speakerId: string): Promise<void> {
  const context = new AudioContext();
  try {
    const output = context.createMediaStreamDestination();
    const audio = new Audio();
    audio.srcObject = output.stream;
    if (speakerId !== "" && CHOOSES_SPEAKER) await audio.setSinkId(speakerId);
    await context.resume();
    await audio.play();
    await playNotes(context, output);
    audio.srcObject = null;
  } finally {
    await context.close();
  }
}

function playNotes(context: AudioContext, output: AudioNode): Promise<void> {
  return new Promise((played) => {
    // What is heard first is lost while the speaker wakes up.
    let at = context.currentTime + 0.15;
    for (const [index, frequency] of NOTES.entries()) {
      const note = new OscillatorNode(context, { frequency });
      const loudness = new GainNode(context, { gain: 0 });
      loudness.gain.setTargetAtTime(0.25, at, 0.01);
      loudness.gain.setTargetAtTime(0, at + NOTE_SECONDS * 0.6, 0.06);
      note.connect(loudness).connect(output);
      note.start(at);
      note.stop(at + NOTE_SECONDS * 2);
      if (index === NOTES.length - 1) note.onended = () => played();
      at += NOTE_SECONDS;
    }
  });
}
