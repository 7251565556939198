// The requests for files, each with the ticket as it is at that moment: it changes when the session is resumed.

export class FileRefused extends Error {
  override name = "FileRefused";

  constructor(
    readonly code: string,
    /** Milliseconds, where the server says. */
    readonly retryAfter: number | null = null,
    /** Where the upload goes on, where the server says. */
    readonly offset: number | null = null,
  ) {
    super(code);
  }
}

export type UploadFacts = { file: string; size: number; contentType: string; name?: string };

/** A piece may take so long on a slow line. */
const PIECE_TIMEOUT = 120_000;
const ANSWER_TIMEOUT = 20_000;
/** An answer to HEAD has no body, and that of a proxy is none of Parlor's. */
const BY_STATUS: Record<number, string> = {
  401: "bad_ticket",
  403: "not_member",
  404: "no_file",
  413: "body_too_big",
  429: "rate_limited",
};

export class FileApi {
  readonly #address: string;
  readonly #ticket: () => string;

  constructor(room: string, ticket: () => string) {
    this.#address = `/api/rooms/${encodeURIComponent(room)}/files`;
    this.#ticket = ticket;
  }

  /** Opens an upload, or says how far the same upload has got. */
  async open(facts: UploadFacts, signal: AbortSignal): Promise<{ offset: number; chunk: number }> {
    const body = JSON.stringify(facts);
    const answer = await this.#ask("", { method: "POST", body, signal }, ANSWER_TIMEOUT);
    return (await answer.json()) as { offset: number; chunk: number };
  }

  /** Where the upload goes on. */
  async offsetOf(file: string, signal: AbortSignal): Promise<number> {
    const answer = await this.#ask(`/${file}`, { method: "HEAD", signal }, ANSWER_TIMEOUT);
    return Number(answer.headers.get("Upload-Offset"));
  }

  /** Where the next piece begins. */
  async write(file: string, offset: number, piece: Blob, signal: AbortSignal): Promise<number> {
    const headers = { "Upload-Offset": String(offset) };
    const answer = await this.#ask(`/${file}`, { method: "PATCH", body: piece, headers, signal }, PIECE_TIMEOUT);
    return ((await answer.json()) as { offset: number }).offset;
  }

  async drop(file: string): Promise<void> {
    await this.#ask(`/${file}`, { method: "DELETE", keepalive: true }, ANSWER_TIMEOUT);
  }

  /** The response, whose body is still on its way. */
  read(file: string, signal: AbortSignal): Promise<Response> {
    return this.#ask(`/${file}`, { signal }, null);
  }

  async #ask(path: string, init: RequestInit, within: number | null): Promise<Response> {
    const signals = [init.signal, within === null ? null : AbortSignal.timeout(within)].filter((s) => s != null);
    const answer = await fetch(this.#address + path, {
      ...init,
      headers: { ...init.headers, Authorization: `Bearer ${this.#ticket()}` },
      cache: "no-store",
      ...(signals.length > 0 ? { signal: anyOf(signals) } : {}),
    });
    if (answer.ok) return answer;
    const error = (await answer.json().catch(() => ({}))) as { code?: unknown; retryAfter?: unknown };
    const code =
      typeof error.code === "string"
        ? error.code
        : (BY_STATUS[answer.status] ?? (answer.status < 500 ? "refused" : "internal"));
    const offset = answer.headers.get("Upload-Offset");
    throw new FileRefused(
      code,
      typeof error.retryAfter === "number" ? error.retryAfter : null,
      offset === null ? null : Number(offset),
    );
  }
}

/** `AbortSignal.any` is missing in browsers that the page supports. */
function anyOf(signals: readonly AbortSignal[]): AbortSignal {
  const either = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) either.abort(signal.reason);
    signal.addEventListener("abort", () => either.abort(signal.reason), { once: true, signal: either.signal });
  }
  return either.signal;
}
