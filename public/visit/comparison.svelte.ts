// One room on every transport at once, and what each of them costs.

import type { Tally } from "../link/carrier";
import { NAME_MAX } from "../protocol/name";
import { type Transport, TRANSPORTS } from "../protocol/transport";
import type { Secret } from "../seal/key";
import { Visit } from "./visit.svelte";

/** So many delays are looked back on. */
const LOOKED_BACK = 100;

const bytes = new TextEncoder();

/** What a page can see of the traffic: the text that is carried, and none of the headers. */
export class Cost implements Tally {
  requests = $state(0);
  bytesSent = $state(0);
  bytesReceived = $state(0);

  request(): void {
    this.requests += 1;
  }

  sent(text: string): void {
    this.bytesSent += bytes.encode(text).length;
  }

  received(text: string): void {
    this.bytesReceived += bytes.encode(text).length;
  }
}

export class Pane {
  readonly transport: Transport;
  readonly visit: Visit;
  readonly cost = new Cost();
  /** Milliseconds that lines from the other panes took, the newest last. */
  delays: readonly number[] = $state.raw([]);

  constructor(
    room: string,
    secret: Secret | null,
    transport: Transport,
    name: string,
    arrived: (pane: Pane, from: string, text: string) => void,
  ) {
    this.transport = transport;
    this.visit = new Visit(room, name, {
      transport,
      secret,
      // No room id has a slash in it.
      seat: `${room}/${transport}`,
      tally: this.cost,
      chat: (chat) => arrived(this, chat.from, chat.text),
    });
  }

  get median(): number | null {
    return median(this.delays);
  }
}

type Flight = { from: string; text: string; at: number; to: Set<Pane> };

export class Comparison {
  readonly panes: readonly Pane[];
  #flights: Flight[] = [];
  #lines = 0;

  constructor(room: string, secret: Secret | null, nameOf: (transport: Transport) => string) {
    const arrived = (pane: Pane, from: string, text: string) => this.#arrived(pane, from, text);
    this.panes = TRANSPORTS.map((transport) => new Pane(room, secret, transport, nameOf(transport), arrived));
  }

  say(pane: Pane, text: string): void {
    const from = pane.visit.log.me?.clientId;
    const to = new Set(this.panes.filter((other) => other !== pane && other.visit.link.is === "open"));
    if (from !== undefined)
      this.#flights = [...this.#flights, { from, text, at: performance.now(), to }].slice(-LOOKED_BACK);
    pane.visit.say(text);
  }

  sayAll(line: (n: number, transport: Transport) => string): void {
    this.#lines += 1;
    for (const pane of this.panes) if (pane.visit.entered) this.say(pane, line(this.#lines, pane.transport));
  }

  /** Nobody stays behind in the room: this page has no way back to these seats. */
  close(): void {
    for (const { visit } of this.panes) {
      visit.leave();
      visit.stop();
    }
  }

  #arrived(pane: Pane, from: string, text: string): void {
    const flight = this.#flights.find((f) => f.from === from && f.text === text && f.to.has(pane));
    if (!flight) return;
    flight.to.delete(pane);
    pane.delays = [...pane.delays, performance.now() - flight.at].slice(-LOOKED_BACK);
  }
}

/** What a member of the comparison is called, for whoever else is in the room. */
export function paneName(name: string | null, transport: string): string {
  const both = `${name} · ${transport}`;
  return name === null || [...both].length > NAME_MAX ? transport : both;
}

export function median(of: readonly number[]): number | null {
  const sorted = [...of].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return null;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
