// Which transport to use: the best that gets through.

import { BROKEN } from "../protocol/close";
import { TRANSPORTS, type Transport } from "../protocol/transport";
import { holdConnection } from "./budget";
import { type Carrier, CROWDED, type OpenCarrier, type Passage, type Rung } from "./carrier";
import { openSocket, probeSocket } from "./ws";

const http = () => import("./http");

/** How a carrier treats the few connections of HTTP/1.1: it needs none for long, or holds one, if it must also where there are too many. */
type Need = "none" | "one" | "must";

/** A carrier whose code has to be fetched first. */
function fetched(load: () => Promise<OpenCarrier>, need: Need): OpenCarrier {
  return (passage, ears) => {
    let carrier: Carrier | null = null;
    let over = false;
    let release = () => {};
    const opened = Promise.all([load(), need === "none" ? release : holdConnection()]).then(
      ([open, held]) => {
        if (over) return held?.();
        if (!held && need !== "must") return ears.end(CROWDED);
        release = held ?? release;
        carrier = open(passage, { ...ears, end: (code) => (release(), ears.end(code)) });
      },
      () => {
        if (!over) ears.end(BROKEN);
      },
    );
    const put = async <T>(how: (carrier: Carrier) => T | Promise<T>) => {
      over = true;
      await opened;
      try {
        return carrier && (await how(carrier));
      } finally {
        release();
      }
    };
    return {
      send: (frame) => carrier?.send(frame),
      drop: () => void put((carrier) => carrier.drop()),
      leave: async () => (await put((carrier) => carrier.leave())) ?? false,
    };
  };
}

/** Within the same few connections as the stream itself. */
async function probeStream(passage: Passage): Promise<boolean> {
  const release = await holdConnection();
  if (!release) return false;
  try {
    return await (await http()).probeStream(passage);
  } catch {
    return false;
  } finally {
    release();
  }
}

const RUNGS: Record<Transport, (need: Need) => Omit<Rung, "transport">> = {
  ws: () => ({ open: openSocket, probe: probeSocket, answersWithin: 10_000 }),
  // A stream cannot be asked: it breathes every 15 s.
  sse: (need) => ({
    open: fetched(async () => (await http()).openStream, need),
    probe: probeStream,
    answersWithin: 20_000,
  }),
  "long-poll": (need) => ({ open: fetched(async () => (await http()).openLongPoll, need), answersWithin: 10_000 }),
  "short-poll": () => ({ open: fetched(async () => (await http()).openShortPoll, "none"), answersWithin: 10_000 }),
};

/** All four, or the one that is asked for. */
export function rungs(forced: Transport | null): Rung[] {
  return TRANSPORTS.filter((t) => forced === null || t === forced).map((transport) => ({
    transport,
    ...RUNGS[transport](forced === null ? "one" : "must"),
  }));
}

/** Fetches what a fall would need while there is a network to fetch it by. */
export function prepareToFall(): void {
  http().catch(() => {});
}

export class Ladder {
  readonly #rungs: readonly Rung[];
  #at: number;
  #suspected = false;

  /** Begins where the last session stood, if it stood anywhere. */
  constructor(rungs: readonly Rung[], first: Transport | null = null) {
    this.#rungs = rungs;
    this.#at = Math.max(
      rungs.findIndex((rung) => rung.transport === first),
      0,
    );
  }

  get rung(): Rung {
    return this.#rungs[this.#at]!;
  }

  get lowest(): Rung {
    return this.#rungs.at(-1)!;
  }

  /** Those that would be better, the best first. */
  get above(): readonly Rung[] {
    return this.#rungs.slice(0, this.#at);
  }

  /** There is no other. */
  get single(): boolean {
    return this.#rungs.length === 1;
  }

  /** It broke before it had proved itself, although the server was there. */
  get suspected(): boolean {
    return this.#suspected;
  }

  suspect(): void {
    this.#suspected = true;
  }

  /** It has proved itself. */
  holds(): void {
    this.#suspected = false;
  }

  /** The next one down; below the last it begins anew. */
  down(): void {
    this.stand(this.#rungs[(this.#at + 1) % this.#rungs.length]!);
  }

  stand(rung: Rung): void {
    this.#suspected = false;
    this.#at = this.#rungs.indexOf(rung);
  }
}
