// The user's open tracks. They stay open between calls: reopening at once may fail, prompt again, or ask for a screen
// again.

import type { LocalTrack } from "livekit-client";
import type { Device } from "./problem";
import type { MediaPrefs, OpenedStreams } from "./media-prefs";

export class LocalTracks {
  /** The wanted state, as far as devices allow. */
  readonly prefs: MediaPrefs;
  /** Resolves when the call before has released the tracks. */
  released: Promise<void> = Promise.resolve();
  readonly #open = new Map<Device, Promise<LocalTrack[]>>();
  readonly #handed: Map<Device, Promise<MediaStream>>;

  /** `prefs` is changed as the call goes on. */
  constructor(prefs: MediaPrefs, streams: OpenedStreams = {}) {
    this.prefs = prefs;
    this.#handed = new Map();
    for (const device of ["mic", "camera"] as const) {
      const stream = streams[device];
      if (!stream) continue;
      // `open` reports a refusal, once it takes the stream.
      stream.catch(() => {});
      this.#handed.set(device, stream);
    }
  }

  /** What the page before the call has opened, once. */
  takeHanded(device: Device): Promise<MediaStream> | undefined {
    const stream = this.#handed.get(device);
    this.#handed.delete(device);
    return stream;
  }

  /** Whether it is open, or is being opened and succeeds. */
  async has(device: Device): Promise<boolean> {
    const tracks = await this.#open.get(device)?.catch(() => []);
    return tracks !== undefined && tracks.length > 0 && tracks.every(isLive);
  }

  /** The open tracks, or new ones from `open`; empty if stopped meanwhile. Rejects as `open` does. */
  async open(device: Device, open: () => Promise<LocalTrack[]>): Promise<LocalTrack[]> {
    const before = this.#open.get(device);
    if (before) {
      if (await this.has(device)) return before;
      if (this.#open.get(device) !== before) return before.then(() => []);
      this.stop(device);
    }
    const opening = open();
    this.#open.set(device, opening);
    try {
      return await opening;
    } catch (cause) {
      if (this.#open.get(device) === opening) this.#open.delete(device);
      throw cause;
    }
  }

  /** Also what is still being opened. */
  stop(device: Device): void {
    this.takeHanded(device)?.then(
      (stream) => stream.getTracks().forEach((track) => track.stop()),
      () => {},
    );
    const open = this.#open.get(device);
    this.#open.delete(device);
    open?.then((tracks) => tracks.forEach((track) => track.stop())).catch(() => {});
  }

  close(): void {
    for (const device of [...this.#open.keys(), ...this.#handed.keys()]) this.stop(device);
  }
}

function isLive(track: LocalTrack): boolean {
  return !track.isMuted && track.mediaStreamTrack.readyState === "live";
}
