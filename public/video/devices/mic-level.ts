// How loud a microphone is.

const LOUD = 4;

/** Tells a level from 0 to 1 until the function that it returns is called. It listens to a copy, also while muted. */
export function watchMicLevel(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const copy = track.clone();
  copy.enabled = true;
  const context = new AudioContext();
  const meter = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(new MediaStream([copy])).connect(meter);
  const samples = new Float32Array(meter.fftSize);
  let frame = 0;
  const measure = () => {
    meter.getFloatTimeDomainData(samples);
    const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    tell(Math.min(1, rms * LOUD));
    frame = requestAnimationFrame(measure);
  };
  measure();
  return () => {
    cancelAnimationFrame(frame);
    copy.stop();
    void context.close();
    tell(0);
  };
}
