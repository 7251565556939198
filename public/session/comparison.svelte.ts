// One room on every transport at once, and the traffic of each.

import type { TrafficCounter } from "../transport/transport";
import { NAME_MAX } from "../protocol/name";
import { utf8Length } from "../protocol/text";
import { type TransportName, TRANSPORTS } from "../protocol/transport-name";
import type { Secret } from "../e2ee/key";
import { RoomSession } from "./room-session.svelte";

/** How many delays the median covers. */
const SAMPLES_KEPT = 100;

/** The traffic a page can measure: the text of frames and bodies, without headers. */
export class TrafficCounts implements TrafficCounter {
  requests = $state(0);
  bytesSent = $state(0);
  bytesReceived = $state(0);

  request(): void {
    this.requests += 1;
  }

  sent(text: string): void {
    this.bytesSent += utf8Length(text);
  }

  received(text: string): void {
    this.bytesReceived += utf8Length(text);
  }
}

export class Pane {
  readonly transport: TransportName;
  readonly session: RoomSession;
  readonly traffic = new TrafficCounts();
  /** Milliseconds that lines from the other panes took, the newest last. */
  delays: readonly number[] = $state.raw([]);

  constructor(
    room: string,
    secret: Secret | null,
    transport: TransportName,
    name: string,
    arrived: (pane: Pane, from: string, text: string) => void,
  ) {
    this.transport = transport;
    this.session = new RoomSession(room, name, {
      transport,
      secret,
      // No room id has a slash in it.
      storageKey: `${room}/${transport}`,
      traffic: this.traffic,
      onChat: (chat) => arrived(this, chat.from, chat.text),
    });
  }

  get median(): number | null {
    return median(this.delays);
  }
}

type InFlight = { from: string; text: string; at: number; to: Set<Pane> };

export class Comparison {
  readonly panes: readonly Pane[];
  #inFlight: InFlight[] = [];
  #lineCount = 0;

  constructor(room: string, secret: Secret | null, nameOf: (transport: TransportName) => string) {
    const arrived = (pane: Pane, from: string, text: string) => this.#arrived(pane, from, text);
    this.panes = TRANSPORTS.map((transport) => new Pane(room, secret, transport, nameOf(transport), arrived));
  }

  send(pane: Pane, text: string): void {
    const from = pane.session.log.me?.clientId;
    const to = new Set(this.panes.filter((other) => other !== pane && other.session.connection.is === "open"));
    if (from !== undefined)
      this.#inFlight = [...this.#inFlight, { from, text, at: performance.now(), to }].slice(-SAMPLES_KEPT);
    pane.session.send(text);
  }

  sendAll(line: (n: number, transport: TransportName) => string): void {
    this.#lineCount += 1;
    for (const pane of this.panes) if (pane.session.entered) this.send(pane, line(this.#lineCount, pane.transport));
  }

  /** The panes leave: this page has no way back to their seats. */
  close(): void {
    for (const { session } of this.panes) {
      session.leave();
      session.stop();
    }
  }

  #arrived(pane: Pane, from: string, text: string): void {
    const sent = this.#inFlight.find((f) => f.from === from && f.text === text && f.to.has(pane));
    if (!sent) return;
    sent.to.delete(pane);
    pane.delays = [...pane.delays, performance.now() - sent.at].slice(-SAMPLES_KEPT);
  }
}

/** The name of a pane's member, as the other members see it. */
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
