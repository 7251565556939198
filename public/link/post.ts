// The way up for carriers that only bring frames down: one request after the
// other, so that what was said first arrives first.

import { BROKEN } from "../protocol/close";
import { type Outbound, parseJson } from "../protocol/frames";
import { closeOf, type Place, readPlace } from "../protocol/http";
import type { Ears, Passage } from "./carrier";

const ANSWER_WITHIN = 15_000;
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

type Refusal = { code: string; message: string; retryAfter?: number };

/** The server said no, in words. */
export class Refused extends Error {
  override name = "Refused";

  constructor(readonly refusal: Refusal) {
    super(refusal.message);
  }
}

export type Ask = {
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: object;
  keepalive?: boolean;
  /** Milliseconds until the whole answer must be there. */
  within?: number;
  abort?: AbortController;
};

/** A seat as HTTP sees it: an address, a ticket, and the requests that are under way. */
export class Post {
  ticket: string | null;
  readonly #passage: Passage;
  readonly #ears: Ears;
  readonly #underWay = new Set<AbortController>();
  #queue: Promise<void> = Promise.resolve();
  /** Nothing is told any more. */
  #over = false;
  /** Nothing is asked any more. */
  #shut = false;

  constructor(passage: Passage, ears: Ears) {
    this.#passage = passage;
    this.#ears = ears;
    this.ticket = passage.ticket;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Takes the seat, or takes it up again: the `welcome`, as the socket would give it. */
  async join(): Promise<Place> {
    const { name, cursor } = this.#passage;
    const place = readPlace(await this.ask("join", { body: { name, ...(cursor === null ? {} : { cursor }) } }));
    this.ticket = place.ticket;
    this.#ears.ticket(place.ticket);
    return place;
  }

  /** What the server answered, null for nothing. Throws `Refused`, or anything else when the request did not make it. */
  async ask(what: string, ask: Ask): Promise<unknown> {
    const abort = ask.abort ?? new AbortController();
    const timer = window.setTimeout(() => abort.abort(), ask.within ?? ANSWER_WITHIN);
    try {
      const response = await this.open(what, { ...ask, abort });
      const text = await response.text();
      this.#passage.traffic?.received(text);
      return text === "" ? null : parseJson(text);
    } finally {
      window.clearTimeout(timer);
      this.#underWay.delete(abort);
    }
  }

  /** The answer while its body is still to come. */
  async open(what: string, ask: Ask): Promise<Response> {
    const { room, traffic } = this.#passage;
    const abort = ask.abort ?? new AbortController();
    this.#underWay.add(abort);
    if (this.#shut) abort.abort();
    const body = ask.body ? JSON.stringify(ask.body) : null;
    traffic?.request();
    if (body !== null) traffic?.sent(body);
    const response = await fetch(`/api/rooms/${encodeURIComponent(room)}/${what}`, {
      method: ask.method ?? "POST",
      headers: {
        ...(this.ticket === null ? {} : { Authorization: `Bearer ${this.ticket}` }),
        ...(body === null ? {} : { "Content-Type": "application/json" }),
        ...ask.headers,
      },
      body,
      signal: abort.signal,
      cache: "no-store",
      keepalive: ask.keepalive ?? false,
    });
    if (response.ok) return response;
    const refusal: unknown = await response.json();
    const { code } = refusal as Partial<Refusal>;
    throw typeof code === "string" ? new Refused(refusal as Refusal) : new Error(`HTTP ${response.status}`);
  }

  send(frame: Outbound): void {
    if (frame.type === "chat") this.#enqueue(() => this.#say(frame));
    else if (frame.type === "typing") this.#enqueue(() => this.#type(frame.typing));
  }

  async #say({ text, n }: { text: string; n: number }): Promise<void> {
    try {
      this.#hear(await this.ask("messages", { body: { type: "chat", text, n } }));
    } catch (error) {
      if (!(error instanceof Refused) || FATAL.has(error.refusal.code)) throw error;
      this.#hear({ ...error.refusal, type: "error", n });
    }
  }

  async #type(typing: boolean): Promise<void> {
    try {
      await this.ask("typing", { body: { typing } });
    } catch (error) {
      // Nobody is told of a typing that was refused, on the socket neither.
      if (!(error instanceof Refused) || FATAL.has(error.refusal.code)) throw error;
    }
  }

  /** After what was said before it; a page that closes meanwhile does not take the goodbye along. */
  leave(): Promise<boolean> {
    this.#over = true;
    return this.#queue
      .then(() => this.ask("leave", { keepalive: true }))
      .then(
        () => true,
        () => false,
      )
      .finally(() => this.drop());
  }

  drop(): void {
    this.#over = true;
    this.#shut = true;
    for (const abort of this.#underWay) abort.abort();
  }

  /** Ends the carrier: with the server's word if there was one. */
  fail(error: unknown): void {
    if (this.#over) return;
    const refusal = error instanceof Refused ? error.refusal : null;
    if (refusal) this.#hear({ ...refusal, type: "closing" });
    this.end(refusal ? closeOf(refusal.code) : BROKEN);
  }

  end(code: number): void {
    if (this.#over) return;
    this.drop();
    this.#ears.end(code);
  }

  #hear(frame: unknown): void {
    if (!this.#over) this.#ears.frame(frame);
  }

  #enqueue(request: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#shut) return;
      try {
        await request();
      } catch (error) {
        this.fail(error);
      }
    });
  }
}
