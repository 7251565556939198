// The files of the message that is being written: cleaned, sealed where the room has a key, uploaded two at a time.

import { uuidOf } from "../e2ee/base64url";
import { FileKey, newFileKey, sealedSize } from "../e2ee/file-key";
import type { Secret } from "../e2ee/key";
import type { Attached } from "../protocol/frames";
import { FileApi, FileRefused, type UploadFacts } from "./api";
import { clean } from "./clean";
import { safeName } from "./names";
import { sealBytes } from "./records";
import { upload } from "./upload";

/** The most files of a message. */
export const FILES_MAX = 10;
const AT_ONCE = 2;
/** The server drops an upload without news after ten minutes. */
const REMIND_AFTER = 4 * 60_000;

export type Stage =
  /** Its metadata is being removed. */
  | "preparing"
  /** A picture whose metadata stays: the person has to decide. */
  | "asking"
  | "waiting"
  | "uploading"
  /** The connection broke; it goes on by itself. */
  | "broken"
  | "whole"
  | "failed";

export type TrayRoom = {
  room: string;
  secret: Secret | null;
  ticket: () => string;
  fileBytes: () => number;
  /** Whether files may go out unencrypted now. */
  mayGoOut: () => boolean;
};

export class TrayFile {
  readonly key: number;
  /** As it goes out; until it is cleaned, as it was given. */
  file: File = $state.raw()!;
  stage: Stage = $state("preparing");
  /** Bytes that the server has. */
  sent = $state(0);
  /** The code of the refusal. */
  why = $state("");
  attached: Attached | null = null;
  /** What the server was told of it, once it has heard. */
  facts: UploadFacts | null = null;
  cancel = new AbortController();

  constructor(key: number, given: File) {
    this.key = key;
    this.file = given;
  }
}

export class Tray {
  files: readonly TrayFile[] = $state.raw([]);
  /** Some of the files that were given are too many for one message. */
  tooMany = $state(false);
  readonly #of: TrayRoom;
  readonly #api: FileApi;
  #next = 0;
  #wakes = new Set<() => void>();
  #reminder: ReturnType<typeof setInterval>;

  constructor(of: TrayRoom) {
    this.#of = of;
    this.#api = new FileApi(of.room, of.ticket);
    this.#reminder = setInterval(() => this.#remind(), REMIND_AFTER);
  }

  /** What a message attaches; null while something is not there yet, or was refused. */
  get attached(): readonly Attached[] | null {
    const whole = this.files.flatMap(({ stage, attached }) => (stage === "whole" && attached ? [attached] : []));
    return whole.length === this.files.length ? whole : null;
  }

  add(given: readonly File[]): void {
    const room = FILES_MAX - this.files.length;
    this.tooMany = given.length > room;
    const files = given.slice(0, room).map((file) => new TrayFile((this.#next += 1), file));
    this.files = [...this.files, ...files];
    for (const file of files) void this.#prepare(file);
  }

  remove(file: TrayFile): void {
    this.files = this.files.filter((other) => other !== file);
    this.tooMany = false;
    this.#abandon(file);
    this.pump();
  }

  /** A file that was refused is tried again. */
  retry(file: TrayFile): void {
    if (file.stage !== "failed") return;
    this.#abandon(file);
    void this.#prepare(file);
  }

  /** The person sends a picture with its metadata. */
  sendAsItIs(file: TrayFile): void {
    if (file.stage === "asking") this.#ready(file);
  }

  /** They belong to a message now. */
  take(): ReadonlyMap<string, File> {
    const taken = new Map(this.files.map(({ attached, file }) => [attached!.file, file]));
    this.files = [];
    this.tooMany = false;
    return taken;
  }

  /** An upload that no message will attach; the server keeps one that a message has. */
  drop(file: string): void {
    this.#api.drop(file).catch(() => {});
  }

  /** The network is back, or the person allowed what was asked. */
  wake(): void {
    for (const wake of this.#wakes) wake();
    this.pump();
  }

  /** The person does not send them unencrypted. */
  decline(): void {
    for (const file of this.files) if (file.stage === "waiting") [file.stage, file.why] = ["failed", "declined"];
  }

  /** Uploads belong to a member: another one begins anew. */
  restart(): void {
    for (const file of this.files) {
      if (!["waiting", "uploading", "broken", "whole"].includes(file.stage)) continue;
      this.#abandon(file);
      this.#ready(file);
    }
  }

  stop(): void {
    clearInterval(this.#reminder);
    for (const file of this.files) this.#abandon(file);
    this.files = [];
  }

  /** Starts what waits. */
  pump(): void {
    for (const file of this.files) {
      const busy = this.files.filter(({ stage }) => stage === "uploading" || stage === "broken").length;
      if (busy >= AT_ONCE || file.stage !== "waiting") continue;
      if (!this.#of.mayGoOut()) return;
      void this.#upload(file);
    }
  }

  async #prepare(file: TrayFile): Promise<void> {
    [file.stage, file.why, file.sent] = ["preparing", "", 0];
    try {
      const cleaned = await clean(file.file);
      if (cleaned) file.file = cleaned;
      const refusal = this.#refusal(file.file.size);
      if (refusal !== "") [file.stage, file.why] = ["failed", refusal];
      else if (cleaned) this.#ready(file);
      else file.stage = "asking";
    } catch {
      [file.stage, file.why] = ["failed", "unreadable"];
    }
  }

  /** Said before anything is sent. */
  #refusal(size: number): string {
    if (size === 0) return "empty_file";
    const sent = this.#of.secret === null ? size : sealedSize(size);
    return sent > this.#of.fileBytes() ? "file_too_big" : "";
  }

  #ready(file: TrayFile): void {
    [file.stage, file.sent, file.cancel] = ["waiting", 0, new AbortController()];
    this.pump();
  }

  async #upload(file: TrayFile): Promise<void> {
    file.stage = "uploading";
    const { signal } = file.cancel;
    try {
      const { bytes, ...facts } = await this.#seal(file);
      signal.throwIfAborted();
      await upload({
        api: this.#api,
        facts,
        bytes,
        signal,
        onProgress: (offset, broken) => {
          if (signal.aborted) return;
          [file.sent, file.stage] = [offset, broken ? "broken" : "uploading"];
          if (!broken) file.facts = facts;
        },
        wait: (ms) => this.#wait(ms, signal),
        random: Math.random,
      });
      if (!signal.aborted) file.stage = "whole";
    } catch (error) {
      if (signal.aborted) return;
      [file.stage, file.why] = ["failed", error instanceof FileRefused ? error.code : "unreadable"];
    }
    this.pump();
  }

  /** What the server is told, and the bytes it gets. */
  async #seal(of: TrayFile) {
    const { file: given } = of;
    const id = newFileId();
    const [name, contentType] = [safeName(given.name), mediaType(given.type)];
    const { secret, room } = this.#of;
    if (secret === null) {
      of.attached = { file: id, size: given.size, contentType, ...(name === "" ? {} : { name }) };
      return { ...of.attached, bytes: given };
    }
    const bond = { file: id, key: newFileKey(), size: given.size };
    of.attached = { ...bond, contentType, ...(name === "" ? {} : { name }) };
    const bytes = await sealBytes(given, bond, room);
    const sealedName = await FileKey.of(bond, room).then((key) => key.sealFacts({ name, contentType }));
    return { file: id, size: bytes.size, contentType: "application/octet-stream", name: sealedName, bytes };
  }

  #abandon(file: TrayFile): void {
    file.cancel.abort();
    // What is gone already is no loss.
    if (file.facts) this.drop(file.facts.file);
    [file.attached, file.facts] = [null, null];
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wakes.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wakes.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** Whole uploads that no message has taken yet are wanted still. */
  #remind(): void {
    for (const { stage, attached, facts } of this.files)
      if (stage === "whole" && attached && facts) this.#api.open(facts, new AbortController().signal).catch(() => {});
  }
}

/** `crypto.randomUUID` is only there by https. */
function newFileId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return uuidOf(bytes);
}

/** As the server takes it: without parameters. */
function mediaType(given: string): string {
  const type = given.split(";")[0]!.trim().toLowerCase();
  return /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(type) && type.length <= 100
    ? type
    : "application/octet-stream";
}
