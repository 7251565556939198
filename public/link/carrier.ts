// What every transport looks like from the link: frames in, frames out.

import type { Outbound } from "../protocol/frames";
import type { Transport } from "../protocol/transport";

/** Counts what a carrier costs, for a page that wants to show it. */
export type TrafficCounter = {
  request(): void;
  sent(text: string): void;
  received(text: string): void;
};

export type Passage = {
  room: string;
  name: string;
  ticket: string | null;
  cursor: string | null;
  traffic: TrafficCounter | null;
};

export type Ears = {
  /** What came, as text or already read from something larger: the link makes sense of it. */
  frame(data: unknown): void;
  /** A seat was given before the carrier proved itself: the next one is to take the same. */
  ticket(ticket: string): void;
  /** Told once, and nothing after it. */
  end(code: number): void;
};

/** A way for frames to travel. */
export type Carrier = {
  send(frame: Outbound): void;
  /** Puts the carrier down without saying goodbye: the seat is to be kept. */
  drop(): void;
  /** Says goodbye and puts it down for good. True once the server has said that the seat is free, false when it is not going to. */
  leave(): Promise<boolean>;
};

/** The carrier's own word at its end: other tabs hold as many connections as there may be. */
export const CROWDED = -1;

export type OpenCarrier = (passage: Passage, ears: Ears) => Carrier;

export type Rung = {
  transport: Transport;
  open: OpenCarrier;
  /** Whether it passes, found out without touching a seat. Where that cannot be, only opening it tells. */
  probe?: (passage: Passage) => Promise<boolean>;
  /** Milliseconds within which a living carrier gives a sign when it is asked for one. */
  answersWithin: number;
};
