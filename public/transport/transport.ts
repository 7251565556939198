// The interface of all transports: frames in, frames out.

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
  /** Signed by the room's host: lets a new member pass. */
  invite?: string | null;
};

export type TransportHandlers = {
  /** A frame, as text or already parsed; the connection validates it. */
  onFrame(data: unknown): void;
  /** A ticket came before the welcome: the next transport resumes with it. */
  onTicket(ticket: string): void;
  /** Called once, and no handler after it. */
  onEnd(code: number): void;
};

/** A way for frames to travel. */
export type Transport = {
  send(frame: Outbound): void;
  /** Closes the transport without leaving: the seat is kept. */
  drop(): void;
  /** Leaves and closes. Resolves to true once the server says that the seat is free, to false when it will not. */
  leave(): Promise<boolean>;
};

/** The transport's own close code: other tabs hold all the connections there may be. */
export const TOO_MANY_TABS = -1;

export type OpenTransport = (joinParams: JoinParams, handlers: TransportHandlers) => Transport;

export type TransportSpec = {
  name: TransportName;
  open: OpenTransport;
  /** Whether it gets through, tried without touching a seat. Without a probe only opening it tells. */
  probe?: (joinParams: JoinParams) => Promise<boolean>;
  /** Milliseconds within which a living transport answers a ping. */
  pongTimeout: number;
};
