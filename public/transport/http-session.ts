// Sends for transports that only receive: one request at a time, so that messages arrive in order.

import { CONNECTION_LOST, closeCodeOf } from "../protocol/close";
import { type HostRequest, type NewEntry, type Outbound, parseJson, type Rename } from "../protocol/frames";
import { type JoinReply, readJoinReply } from "../protocol/http";
import type { TransportHandlers, JoinParams } from "./transport";

const ANSWER_TIMEOUT = 15_000;
/** These end the membership; other errors concern one message. */
const FATAL = new Set([
  "bad_ticket",
  "no_ticket",
  "not_member",
  "forbidden_origin",
  "replaced",
  "restarting",
  "not_found",
  "kicked",
  "burned",
]);
/** Sent to `messages`; other frames with a number are the host's. */
const MESSAGES = new Set(["chat", "react", "edit", "delete", "rename"]);
/** Milliseconds after which a newcomer that waits to be let in asks again. */
const KNOCK_AGAIN = 1_000;

/** `ticket`: what a newcomer asks again with. */
type ApiError = { code: string; message: string; retryAfter?: number; ticket?: string };

/** The server refused the request, with an error code. */
export class RefusedError extends Error {
  override name = "RefusedError";

  constructor(readonly apiError: ApiError) {
    super(apiError.message);
  }
}

export type RequestOptions = {
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: object;
  keepalive?: boolean;
  /** Milliseconds until the whole answer must be there. */
  within?: number;
  abort?: AbortController;
};

/** A membership over HTTP: room, ticket, and the requests in flight. */
export class HttpSession {
  ticket: string | null;
  readonly #joinParams: JoinParams;
  readonly #handlers: TransportHandlers;
  readonly #inFlight = new Set<AbortController>();
  #queue: Promise<void> = Promise.resolve();
  /** No frame is delivered any more. */
  #closed = false;
  /** No request is sent any more. */
  #aborted = false;

  constructor(joinParams: JoinParams, handlers: TransportHandlers) {
    this.#joinParams = joinParams;
    this.#handlers = handlers;
    this.ticket = joinParams.ticket;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Joins or resumes: the `welcome`, as on the WebSocket. */
  async join(): Promise<JoinReply> {
    const { name, cursor, invite } = this.#joinParams;
    const body = { name, ...(cursor === null ? {} : { cursor }), ...(invite ? { invite } : {}) };
    for (;;) {
      try {
        const reply = readJoinReply(await this.request("join", { body }));
        this.ticket = reply.ticket;
        this.#handlers.onTicket(reply.ticket);
        return reply;
      } catch (error) {
        if (!(error instanceof RefusedError) || error.apiError.code !== "knocking") throw error;
        const { ticket, retryAfter } = error.apiError;
        this.ticket = ticket ?? this.ticket;
        this.#emit({ type: "knocking" });
        await new Promise((done) => window.setTimeout(done, retryAfter ?? KNOCK_AGAIN));
        if (this.#closed) throw error;
      }
    }
  }

  /** The JSON answer, null for an empty one. Throws `RefusedError`, or another error when the request failed. */
  async request(what: string, options: RequestOptions): Promise<unknown> {
    const abort = options.abort ?? new AbortController();
    const timer = window.setTimeout(() => abort.abort(), options.within ?? ANSWER_TIMEOUT);
    try {
      const response = await this.open(what, { ...options, abort });
      const text = await response.text();
      this.#joinParams.traffic?.received(text);
      return text === "" ? null : parseJson(text);
    } finally {
      window.clearTimeout(timer);
      this.#inFlight.delete(abort);
    }
  }

  /** The response before its body has arrived. */
  async open(what: string, options: RequestOptions): Promise<Response> {
    const { room, traffic } = this.#joinParams;
    const abort = options.abort ?? new AbortController();
    this.#inFlight.add(abort);
    if (this.#aborted) abort.abort();
    const body = options.body ? JSON.stringify(options.body) : null;
    traffic?.request();
    if (body !== null) traffic?.sent(body);
    const response = await fetch(`/api/rooms/${encodeURIComponent(room)}/${what}`, {
      method: options.method ?? "POST",
      headers: {
        ...(this.ticket === null ? {} : { Authorization: `Bearer ${this.ticket}` }),
        ...(body === null ? {} : { "Content-Type": "application/json" }),
        ...options.headers,
      },
      body,
      signal: abort.signal,
      cache: "no-store",
      keepalive: options.keepalive ?? false,
    });
    if (response.ok) return response;
    const error: unknown = await response.json();
    const { code } = error as Partial<ApiError>;
    throw typeof code === "string" ? new RefusedError(error as ApiError) : new Error(`HTTP ${response.status}`);
  }

  send(frame: Outbound): void {
    if (frame.type === "typing") this.#enqueue(() => this.#postTyping(frame.typing));
    else if (frame.type === "rename" || "n" in frame) this.#enqueue(() => this.#post(frame));
  }

  async #post(frame: NewEntry | Rename | HostRequest): Promise<void> {
    try {
      this.#emit(await this.request(MESSAGES.has(frame.type) ? "messages" : "host", { body: frame }));
    } catch (error) {
      if (!(error instanceof RefusedError) || FATAL.has(error.apiError.code)) throw error;
      this.#emit({ ...error.apiError, type: "error", n: frame.n });
    }
  }

  async #postTyping(typing: boolean): Promise<void> {
    try {
      await this.request("typing", { body: { typing } });
    } catch (error) {
      // A refused typing is not reported, as on the WebSocket.
      if (!(error instanceof RefusedError) || FATAL.has(error.apiError.code)) throw error;
    }
  }

  /** After the messages before it; keepalive lets the request outlive the page. */
  leave(): Promise<boolean> {
    this.#closed = true;
    return this.#queue
      .then(() => this.request("leave", { body: { receipt: true }, keepalive: true }))
      .then(
        (receipt) => {
          if (receipt) this.#handlers.onFrame(receipt);
          return true;
        },
        () => false,
      )
      .finally(() => this.drop());
  }

  drop(): void {
    this.#closed = true;
    this.#aborted = true;
    for (const abort of this.#inFlight) abort.abort();
  }

  /** Ends the transport, with the server's error if there is one. */
  fail(error: unknown): void {
    if (this.#closed) return;
    const apiError = error instanceof RefusedError ? error.apiError : null;
    if (apiError) this.#emit({ ...apiError, type: "closing" });
    this.end(apiError ? closeCodeOf(apiError.code) : CONNECTION_LOST);
  }

  end(code: number): void {
    if (this.#closed) return;
    this.drop();
    this.#handlers.onEnd(code);
  }

  #emit(frame: unknown): void {
    if (!this.#closed) this.#handlers.onFrame(frame);
  }

  #enqueue(request: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#aborted) return;
      try {
        await request();
      } catch (error) {
        this.fail(error);
      }
    });
  }
}
