// The way up for transports that only bring frames down: one request after the
// other, so that what was said first arrives first.

import { BROKEN } from "../protocol/close";
import { type Outbound, parseJson } from "../protocol/frames";
import { closeCodeOf, type JoinReply, readJoinReply } from "../protocol/http";
import type { TransportHandlers, JoinParams } from "./transport";

const ANSWER_TIMEOUT = 15_000;
/** These say that the seat or the server is gone, and not that one message was wrong. */
const FATAL = new Set([
  "bad_ticket",
  "no_ticket",
  "not_member",
  "forbidden_origin",
  "replaced",
  "restarting",
  "not_found",
]);

type ApiError = { code: string; message: string; retryAfter?: number };

/** The server said no, in words. */
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

/** A seat as HTTP sees it: an address, a ticket, and the requests that are under way. */
export class HttpSession {
  ticket: string | null;
  readonly #joinParams: JoinParams;
  readonly #handlers: TransportHandlers;
  readonly #inFlight = new Set<AbortController>();
  #queue: Promise<void> = Promise.resolve();
  /** Nothing is told any more. */
  #closed = false;
  /** Nothing is asked any more. */
  #aborted = false;

  constructor(joinParams: JoinParams, handlers: TransportHandlers) {
    this.#joinParams = joinParams;
    this.#handlers = handlers;
    this.ticket = joinParams.ticket;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes the seat, or takes it up again: the `welcome`, as the socket would give it. */
  async join(): Promise<JoinReply> {
    const { name, cursor } = this.#joinParams;
    const reply = readJoinReply(await this.request("join", { body: { name, ...(cursor === null ? {} : { cursor }) } }));
    this.ticket = reply.ticket;
    this.#handlers.onTicket(reply.ticket);
    return reply;
  }

  /** What the server answered, null for nothing. Throws `RefusedError`, or anything else when the request did not make it. */
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

  /** The answer while its body is still to come. */
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
    if (frame.type === "chat") this.#enqueue(() => this.#postChat(frame));
    else if (frame.type === "typing") this.#enqueue(() => this.#postTyping(frame.typing));
  }

  async #postChat({ text, n }: { text: string; n: number }): Promise<void> {
    try {
      this.#emit(await this.request("messages", { body: { type: "chat", text, n } }));
    } catch (error) {
      if (!(error instanceof RefusedError) || FATAL.has(error.apiError.code)) throw error;
      this.#emit({ ...error.apiError, type: "error", n });
    }
  }

  async #postTyping(typing: boolean): Promise<void> {
    try {
      await this.request("typing", { body: { typing } });
    } catch (error) {
      // Nobody is told of a typing that was refused, on the socket neither.
      if (!(error instanceof RefusedError) || FATAL.has(error.apiError.code)) throw error;
    }
  }

  /** After what was said before it; a page that closes meanwhile does not take the goodbye along. */
  leave(): Promise<boolean> {
    this.#closed = true;
    return this.#queue
      .then(() => this.request("leave", { keepalive: true }))
      .then(
        () => true,
        () => false,
      )
      .finally(() => this.drop());
  }

  drop(): void {
    this.#closed = true;
    this.#aborted = true;
    for (const abort of this.#inFlight) abort.abort();
  }

  /** Ends the transport: with the server's word if there was one. */
  fail(error: unknown): void {
    if (this.#closed) return;
    const apiError = error instanceof RefusedError ? error.apiError : null;
    if (apiError) this.#emit({ ...apiError, type: "closing" });
    this.end(apiError ? closeCodeOf(apiError.code) : BROKEN);
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
