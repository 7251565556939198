// Blurs what is behind a person. LiveKit's processor and Google's program that finds people, in a chunk of their own.

import { BackgroundProcessor } from "@livekit/track-processors";
import model from "@twilio/video-processors/dist/build/selfie_segmentation_landscape.tflite?url";
import type { Track, TrackProcessor, VideoProcessorOptions } from "livekit-client";
import { EffectError } from "./effect-error";

/** Where the build puts the program's files. */
declare const VISION_FILES: string;

const BLUR_RADIUS = 16;
/** Milliseconds for the first blurred picture. */
const FIRST_PICTURE_TIMEOUT = 20_000;
/** Milliseconds of the page's own time for a picture: a page that needs more cannot even be told to stop. */
const SLOW_PICTURE = 1_000;
/** The first pictures take longer than others. */
const SLOW_PICTURES_AT_FIRST = 4;

/** Whether WebGL is a program of the processor, which then finds people faster by itself. */
function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  const renderer: unknown = gl?.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|basic render/i.test(String(renderer));
}

/** No picture leaves this page unblurred: it has started when the first blurred one is there. */
export class BlurProcessor implements TrackProcessor<Track.Kind.Video, VideoProcessorOptions> {
  readonly name = "blur";
  processedTrack?: MediaStreamTrack;
  #onPicture = (_milliseconds: number) => {};
  readonly #inner = BackgroundProcessor({
    mode: "background-blur",
    blurRadius: BLUR_RADIUS,
    assetPaths: { tasksVisionFileSet: VISION_FILES, modelAssetPath: model },
    segmenterOptions: { delegate: drawsInSoftware() ? "CPU" : "GPU" },
    onFrameProcessed: ({ processingTimeMs }) => this.#onPicture(processingTimeMs),
  });

  constructor() {
    // The library would send the first picture as it is.
    this.#inner.transformer.isFirstFrame = false;
  }

  /** LiveKit shows the camera in `element` only later, and the library may read pictures from there. */
  async init(options: VideoProcessorOptions): Promise<void> {
    // The camera is off: it is opened again with `restart`.
    if (options.track.readyState === "ended") return;
    if (options.element) {
      options.element.muted = true;
      options.element.srcObject = new MediaStream([options.track]);
      void options.element.play().catch(() => {});
    }
    await this.#start(() => this.#inner.init(options));
  }

  async restart(options: VideoProcessorOptions): Promise<void> {
    await this.#start(() => this.#inner.restart(options));
  }

  async destroy(): Promise<void> {
    delete this.processedTrack;
    await this.#inner.destroy();
  }

  async #start(start: () => Promise<void>): Promise<void> {
    delete this.processedTrack;
    let timer = 0;
    const late = new Promise<never>((_, reject) => {
      timer = window.setTimeout(() => reject(new Error("no picture came")), FIRST_PICTURE_TIMEOUT);
    });
    const picture = new Promise<void>((then, reject) => {
      let slow = 0;
      this.#onPicture = (milliseconds) => {
        if (milliseconds <= SLOW_PICTURE) then();
        else if (++slow > SLOW_PICTURES_AT_FIRST) reject(new Error("this device is too slow"));
      };
    });
    // It may fail before it is awaited.
    picture.catch(() => {});
    try {
      await Promise.race([start().then(() => picture), late]);
      if (this.#inner.processedTrack) this.processedTrack = this.#inner.processedTrack;
    } catch (cause) {
      await this.#inner.destroy().catch(() => {});
      throw new EffectError("the background cannot be blurred", { cause });
    } finally {
      window.clearTimeout(timer);
    }
  }
}
