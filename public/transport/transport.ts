// What every transport looks like from the connection: frames in, frames out.

import type { Outbound } from "../protocol/frames";
import type { TransportName } from "../protocol/transport-name";

/** Counts what a transport costs, for a page that wants to show it. */
export type TrafficCounter = {
  request(): void;
  sent(text: string): void;
  received(text: string): void;
};

export type JoinParams = {
  room: string;
  name: string;
  ticket: string | null;
  cursor: string | null;
  traffic: TrafficCounter | null;
};

export type TransportHandlers = {
  /** What came, as text or already read from something larger: the connection makes sense of it. */
  onFrame(data: unknown): void;
  /** A seat was given before the transport proved itself: the next one is to take the same. */
  onTicket(ticket: string): void;
  /** Told once, and nothing after it. */
  onEnd(code: number): void;
};

/** A way for frames to travel. */
export type Transport = {
  send(frame: Outbound): void;
  /** Puts the transport down without saying goodbye: the seat is to be kept. */
  drop(): void;
  /** Says goodbye and puts it down for good. True once the server has said that the seat is free, false when it is not going to. */
  leave(): Promise<boolean>;
};

/** The transport's own word at its end: other tabs hold as many connections as there may be. */
export const TOO_MANY_TABS = -1;

export type OpenTransport = (joinParams: JoinParams, handlers: TransportHandlers) => Transport;

export type TransportSpec = {
  name: TransportName;
  open: OpenTransport;
  /** Whether it passes, found out without touching a seat. Where that cannot be, only opening it tells. */
  probe?: (joinParams: JoinParams) => Promise<boolean>;
  /** Milliseconds within which a living transport gives a sign when it is asked for one. */
  pongTimeout: number;
};
