// One device before the call: opened for the preview, and handed over to the call.

import type { Hardware } from "./hardware.svelte";
import type { Loss } from "./device-changes.svelte";
import { type CallProblem, explain, permissionOf } from "./problem";
import { deviceName, isListed, KINDS, replacement } from "./unplugged";

/** As LiveKit asks for by default: the call takes the stream over. */
const CONSTRAINTS = {
  camera: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
  mic: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
} satisfies Record<string, MediaTrackConstraints>;

export class Preview {
  readonly what: "camera" | "mic";
  on = $state(true);
  id = $state("");
  /** The browser is asked, or asks the user. */
  opening = $state(false);
  stream: MediaStream | null = $state.raw(null);
  problem: CallProblem | null = $state(null);
  loss: Loss | null = $state.raw(null);
  readonly #hardware: Hardware;
  #asked: Promise<MediaStream> | null = null;
  /** When the user chooses faster than a device opens, the last choice wins. */
  #turn = 0;
  #closed = false;

  constructor(what: "camera" | "mic", hardware: Hardware, { on, id }: { on: boolean; id: string }) {
    [this.what, this.#hardware, this.on, this.id] = [what, hardware, on, id];
  }

  async open(): Promise<void> {
    this.#release();
    if (this.#closed || !this.on) return;
    const turn = this.#turn;
    this.opening = true;
    const asked = this.#ask();
    this.#asked = asked;
    try {
      const stream = await asked;
      if (turn !== this.#turn) return;
      this.opening = false;
      this.stream = stream;
      for (const track of stream.getTracks()) track.addEventListener("ended", () => void this.#ended(stream, track));
      await this.#hardware.refresh();
    } catch (cause) {
      if (turn !== this.#turn) return;
      const problem = await explain(cause, this.what);
      if (turn !== this.#turn) return;
      this.#asked = null;
      // A device of an earlier call is gone: the browser chooses.
      if (this.id !== "" && problem === `${this.what}_missing`) {
        this.id = "";
        return this.open();
      }
      this.opening = false;
      this.problem = problem;
      this.on = false;
      await this.#openOnceAllowed(turn);
    }
  }

  /** The user allows it where the browser keeps permissions: the preview need not be asked for again. */
  async #openOnceAllowed(turn: number): Promise<void> {
    const permission = await permissionOf(this.what);
    permission?.addEventListener("change", () => {
      if (permission.state !== "granted" || turn !== this.#turn) return;
      this.on = true;
      void this.open();
    });
  }

  toggle(): void {
    this.on = !this.on;
    void this.open();
  }

  choose(id: string): void {
    [this.id, this.loss, this.on] = [id, null, true];
    void this.open();
  }

  retry(): Promise<void> {
    this.on = true;
    return this.open();
  }

  /** The open stream, or the one that the browser still asks the user about: from now on the caller's. */
  take(): Promise<MediaStream> | undefined {
    const asked = this.#asked ?? undefined;
    this.#asked = null;
    this.close();
    return asked;
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }

  async #ask(): Promise<MediaStream> {
    const which = { ...CONSTRAINTS[this.what], ...(this.id === "" ? {} : { deviceId: { exact: this.id } }) };
    return navigator.mediaDevices.getUserMedia(this.what === "camera" ? { video: which } : { audio: which });
  }

  #release(): void {
    this.#turn += 1;
    this.#asked?.then((stream) => stream.getTracks().forEach((track) => track.stop())).catch(() => {});
    [this.#asked, this.stream, this.problem, this.opening] = [null, null, null, false];
  }

  /** Unplugged, or taken away by the system. */
  async #ended(stream: MediaStream, track: MediaStreamTrack): Promise<void> {
    if (stream !== this.stream) return;
    const { deviceId = "" } = track.getSettings();
    const lost = { deviceId, groupId: "", kind: KINDS[this.what], label: track.label };
    await this.#hardware.refresh();
    if (stream !== this.stream) return;
    const { all } = this.#hardware;
    const other = replacement(all, this.what, lost);
    this.id = other?.deviceId ?? "";
    this.on = other !== undefined;
    await this.open();
    this.loss = {
      kind: this.what,
      name: deviceName(lost),
      unplugged: !isListed(all, lost),
      now: other && this.stream ? deviceName(other) : null,
      on: true,
    };
  }
}
