// The requests of a transport, answered as a test says.

import { vi } from "vitest";
import { WELCOME as FIRST } from "../protocol/welcome.fixture";
import type { OpenTransport, Transport } from "./transport";

export const WELCOME = { ...FIRST, ticket: "t1", cursor: "e-1", limits: { ...FIRST.limits, grace: 15, poll: 15 } };

/** One request as it came, and the means to answer it. */
export class Asked {
  readonly path: string;
  readonly body: unknown;
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal;
  #answer!: (response: Response) => void;
  readonly #breaks!: (error: Error) => void;
  readonly response: Promise<Response>;
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(url: string, init: RequestInit) {
    this.path = url.replace("/api/rooms/r%C3%B6m/", "");
    this.body = typeof init.body === "string" ? JSON.parse(init.body) : null;
    this.headers = init.headers as Record<string, string>;
    this.signal = init.signal!;
    let breaks!: (error: Error) => void;
    this.response = new Promise((answer, fail) => {
      this.#answer = answer;
      breaks = fail;
    });
    this.#breaks = breaks;
    const cut = () => this.break();
    if (this.signal.aborted) cut();
    this.signal.addEventListener("abort", cut);
  }

  async answer(status: number, body: unknown = null): Promise<void> {
    this.#answer(new Response(body === null ? null : JSON.stringify(body), { status }));
    await quiet();
  }

  async stream(text: string): Promise<void> {
    if (!this.#stream) this.#answer(new Response(new ReadableStream({ start: (c) => void (this.#stream = c) })));
    this.#stream!.enqueue(new TextEncoder().encode(text));
    await quiet();
  }

  async finish(): Promise<void> {
    this.#stream!.close();
    await quiet();
  }

  break(): void {
    this.#breaks(new TypeError("network error"));
    this.#stream?.error(new TypeError("network error"));
  }
}

export let asked: Asked[];
export let heard: { type: string; [key: string]: unknown }[];
export let ends: number[];
export let tickets: string[];
export const last = () => asked.at(-1)!;
export const paths = () => asked.map((a) => a.path);
export const types = () => heard.map((f) => f.type);

/** Promises and streams take a few rounds until nothing moves. */
export async function quiet() {
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(0);
    await new Promise<void>((then) => setImmediate(then));
  }
}

/** Before each test. */
export function begin(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    asked.push(new Asked(url, init));
    return last().response;
  });
  asked = [];
  heard = [];
  ends = [];
  tickets = [];
}

/** After each test. */
export function end(): void {
  vi.useRealTimers();
  vi.unstubAllGlobals();
}

export function open(
  by: OpenTransport,
  ticket: string | null = null,
  cursor: string | null = null,
  invite: string | null = null,
): Transport {
  return by(
    { room: "röm", name: "Ann", ticket, cursor, invite, traffic: null },
    {
      onFrame: (f) => heard.push(f as { type: string }),
      onTicket: (t) => tickets.push(t),
      onEnd: (code) => ends.push(code),
    },
  );
}

export async function enter(by: OpenTransport): Promise<Transport> {
  const transport = open(by);
  await quiet();
  await last().answer(200, WELCOME);
  return transport;
}

export const chat = (seq: number) => ({
  type: "chat",
  seq,
  from: "ben",
  user: "Ben",
  text: `text ${seq}`,
  timestamp: "2026-01-02T03:04:05Z",
});
