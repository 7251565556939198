// Which transport to use: the best that gets through.

import { BROKEN } from "../protocol/close";
import { TRANSPORTS, type TransportName } from "../protocol/transport-name";
import { holdConnection } from "./connection-budget";
import { type Transport, TOO_MANY_TABS, type OpenTransport, type JoinParams, type TransportSpec } from "./transport";
import { openWebSocket, probeWebSocket } from "./ws";

const http = () => import("./http");

/** How a transport treats the few connections of HTTP/1.1: it needs none for long, or holds one, if it must also where there are too many. */
type ConnectionNeed = "none" | "one" | "must";

/** A transport whose code has to be lazy first. */
function lazy(load: () => Promise<OpenTransport>, need: ConnectionNeed): OpenTransport {
  return (joinParams, handlers) => {
    let transport: Transport | null = null;
    let over = false;
    let release = () => {};
    const opened = Promise.all([load(), need === "none" ? release : holdConnection()]).then(
      ([open, held]) => {
        if (over) return held?.();
        if (!held && need !== "must") return handlers.onEnd(TOO_MANY_TABS);
        release = held ?? release;
        transport = open(joinParams, { ...handlers, onEnd: (code) => (release(), handlers.onEnd(code)) });
      },
      () => {
        if (!over) handlers.onEnd(BROKEN);
      },
    );
    const put = async <T>(how: (transport: Transport) => T | Promise<T>) => {
      over = true;
      await opened;
      try {
        return transport && (await how(transport));
      } finally {
        release();
      }
    };
    return {
      send: (frame) => transport?.send(frame),
      drop: () => void put((transport) => transport.drop()),
      leave: async () => (await put((transport) => transport.leave())) ?? false,
    };
  };
}

/** Within the same few connections as the stream itself. */
async function probeEventStream(joinParams: JoinParams): Promise<boolean> {
  const release = await holdConnection();
  if (!release) return false;
  try {
    return await (await http()).probeEventStream(joinParams);
  } catch {
    return false;
  } finally {
    release();
  }
}

const SPECS: Record<TransportName, (need: ConnectionNeed) => Omit<TransportSpec, "name">> = {
  ws: () => ({ open: openWebSocket, probe: probeWebSocket, pongTimeout: 10_000 }),
  // A stream cannot be asked: it breathes every 15 s.
  sse: (need) => ({
    open: lazy(async () => (await http()).openEventStream, need),
    probe: probeEventStream,
    pongTimeout: 20_000,
  }),
  "long-poll": (need) => ({ open: lazy(async () => (await http()).openLongPoll, need), pongTimeout: 10_000 }),
  "short-poll": () => ({ open: lazy(async () => (await http()).openShortPoll, "none"), pongTimeout: 10_000 }),
};

/** All four, or the one that is asked for. */
export function transportSpecs(forced: TransportName | null): TransportSpec[] {
  return TRANSPORTS.filter((t) => forced === null || t === forced).map((name) => ({
    name,
    ...SPECS[name](forced === null ? "one" : "must"),
  }));
}

/** Fetches what a fall would need while there is a network to fetch it by. */
export function preloadFallback(): void {
  http().catch(() => {});
}

export class TransportSelector {
  readonly #specs: readonly TransportSpec[];
  #at: number;
  #suspected = false;

  /** Begins where the last session stood, if it stood anywhere. */
  constructor(specs: readonly TransportSpec[], first: TransportName | null = null) {
    this.#specs = specs;
    this.#at = Math.max(
      specs.findIndex((spec) => spec.name === first),
      0,
    );
  }

  get current(): TransportSpec {
    return this.#specs[this.#at]!;
  }

  get last(): TransportSpec {
    return this.#specs.at(-1)!;
  }

  /** Those that would be better, the best first. */
  get better(): readonly TransportSpec[] {
    return this.#specs.slice(0, this.#at);
  }

  /** There is no other. */
  get isOnly(): boolean {
    return this.#specs.length === 1;
  }

  /** It broke before it had proved itself, although the server was there. */
  get suspected(): boolean {
    return this.#suspected;
  }

  suspect(): void {
    this.#suspected = true;
  }

  /** It has proved itself. */
  confirm(): void {
    this.#suspected = false;
  }

  /** The next one down; below the last it begins anew. */
  fallBack(): void {
    this.select(this.#specs[(this.#at + 1) % this.#specs.length]!);
  }

  select(spec: TransportSpec): void {
    this.#suspected = false;
    this.#at = this.#specs.indexOf(spec);
  }
}
