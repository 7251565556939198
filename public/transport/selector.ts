// Chooses the transport: the best that gets through.

import { CONNECTION_LOST } from "../protocol/close";
import { TRANSPORTS, type TransportName } from "../protocol/transport-name";
import { holdConnection } from "./connection-budget";
import { type Transport, TOO_MANY_TABS, type OpenTransport, type JoinParams, type TransportSpec } from "./transport";
import { openWebSocket, probeWebSocket } from "./ws";

const http = () => import("./http");

/** How a transport uses the few connections of HTTP/1.1: it holds none, one, or one even above the limit. */
type ConnectionNeed = "none" | "one" | "must";

/** A transport whose code is fetched when it is opened. */
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
        if (!over) handlers.onEnd(CONNECTION_LOST);
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

/** Counts against the same connections as the stream itself. */
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
  // A stream cannot be pinged: the server sends a comment every 15 s.
  sse: (need) => ({
    open: lazy(async () => (await http()).openEventStream, need),
    probe: probeEventStream,
    pongTimeout: 20_000,
  }),
  "long-poll": (need) => ({ open: lazy(async () => (await http()).openLongPoll, need), pongTimeout: 10_000 }),
  "short-poll": () => ({ open: lazy(async () => (await http()).openShortPoll, "none"), pongTimeout: 10_000 }),
};

/** All four, or the forced one. */
export function transportSpecs(forced: TransportName | null): TransportSpec[] {
  return TRANSPORTS.filter((t) => forced === null || t === forced).map((name) => ({
    name,
    ...SPECS[name](forced === null ? "one" : "must"),
  }));
}

/** Loads the fallback transports while there is a network. */
export function preloadFallback(): void {
  http().catch(() => {});
}

export class TransportSelector {
  readonly #specs: readonly TransportSpec[];
  #at: number;
  #suspected = false;

  /** Starts with the transport of the last session, if any. */
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

  /** The better transports, the best first. */
  get better(): readonly TransportSpec[] {
    return this.#specs.slice(0, this.#at);
  }

  /** There is no fallback. */
  get isOnly(): boolean {
    return this.#specs.length === 1;
  }

  /** It broke early although the server was reachable. */
  get suspected(): boolean {
    return this.#suspected;
  }

  suspect(): void {
    this.#suspected = true;
  }

  /** It is proven. */
  confirm(): void {
    this.#suspected = false;
  }

  /** The next one; after the last, the first again. */
  fallBack(): void {
    this.select(this.#specs[(this.#at + 1) % this.#specs.length]!);
  }

  select(spec: TransportSpec): void {
    this.#suspected = false;
    this.#at = this.#specs.indexOf(spec);
  }
}
