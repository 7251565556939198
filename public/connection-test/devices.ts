// Whether the microphone and the camera work: opened, looked at, closed.

import { pause } from "./pause";
import { problemOf } from "../video/devices/problem";
import type { DeviceFact } from "./verdict";

/** The user may have to answer the browser first. */
const ANSWER_WITHIN = 20_000;
const LISTEN_FOR = 4_000;
const FRAME_WITHIN = 8_000;
const SAMPLE = 50;
/** A microphone that works is louder at times: even a silent room has noise. */
const SILENCE = 0.0005;
/** Of 255. A camera in a dark room is noisy, and brighter than that. */
const BLACK = 8;

/** `lent` is a track that the page has open: some browsers would end it if the microphone were opened twice. */
export async function checkMic(signal: AbortSignal, lent: MediaStreamTrack | null): Promise<DeviceFact | null> {
  return withDevice("mic", lent, signal, async (stream) => {
    const context = new AudioContext();
    try {
      await Promise.race([context.resume(), pause(LISTEN_FOR)]);
      const meter = context.createAnalyser();
      context.createMediaStreamSource(stream).connect(meter);
      const samples = new Float32Array(meter.fftSize);
      for (const until = Date.now() + LISTEN_FOR; Date.now() < until && !signal.aborted; await pause(SAMPLE)) {
        meter.getFloatTimeDomainData(samples);
        if (samples.some((sample) => Math.abs(sample) > SILENCE)) return "works";
      }
      // Without the browser's leave to play sound nothing is measured: the microphone is open, at least.
      return context.state === "running" ? "silent" : "works";
    } finally {
      await context.close();
    }
  });
}

export async function checkCamera(signal: AbortSignal, lent: MediaStreamTrack | null): Promise<DeviceFact | null> {
  return withDevice("camera", lent, signal, async (stream) => {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
    const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 18 });
    const brush = canvas.getContext("2d", { willReadFrequently: true });
    try {
      await video.play().catch(() => {});
      let seen: DeviceFact = "camera_busy";
      for (const until = Date.now() + FRAME_WITHIN; Date.now() < until && !signal.aborted; await pause(SAMPLE)) {
        if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || !brush) continue;
        brush.drawImage(video, 0, 0, canvas.width, canvas.height);
        const { data } = brush.getImageData(0, 0, canvas.width, canvas.height);
        if (data.some((value, at) => at % 4 !== 3 && value > BLACK)) return "works";
        seen = "black";
      }
      return seen;
    } finally {
      video.srcObject = null;
    }
  });
}

/** Null where the test was stopped. */
async function withDevice(
  device: "mic" | "camera",
  lent: MediaStreamTrack | null,
  signal: AbortSignal,
  look: (stream: MediaStream) => Promise<DeviceFact>,
): Promise<DeviceFact | null> {
  if (!navigator.mediaDevices) return "insecure";
  let late = false;
  const opening = lent ? Promise.resolve(copyOf(lent)) : open(device);
  opening.then((stream) => late && close(stream)).catch(() => {});
  const aborted = new Promise<null>((then) => signal.addEventListener("abort", () => then(null), { once: true }));
  try {
    const stream = await Promise.race([opening, aborted, pause(ANSWER_WITHIN).then(() => "slow" as const)]);
    if (stream === null || stream === "slow") {
      late = true;
      return stream;
    }
    try {
      const fact = await look(stream);
      return signal.aborted ? null : fact;
    } finally {
      close(stream);
    }
  } catch (cause) {
    return signal.aborted ? null : problemOf(cause, device);
  }
}

/** Also of a muted microphone: the copy is looked at, and sent to nobody. */
function copyOf(lent: MediaStreamTrack): MediaStream {
  const copy = lent.clone();
  copy.enabled = true;
  return new MediaStream([copy]);
}

function open(device: "mic" | "camera"): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia(device === "mic" ? { audio: true } : { video: true });
}

function close(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
