// One WebSocket, seen as a carrier of frames.

import type { Outbound } from "../protocol/frames";

export type Passage = { room: string; name: string; ticket: string | null; cursor: string | null };

export type Ears = {
  /** What came, as it came: the link parses it. */
  frame(data: unknown): void;
  /** Told once, and nothing after it. */
  end(code: number): void;
};

/** A way for frames to travel. A stream or a poll would be another one of these. */
export type Carrier = {
  send(frame: Outbound): void;
  /** Puts the carrier down without saying goodbye: the seat is to be kept. */
  drop(): void;
  /** Puts it down for good: the seat is free. */
  leave(): void;
};

export type OpenCarrier = (passage: Passage, ears: Ears) => Carrier;

/** Not 1000, which would give the seat up: it is to wait out its grace. */
const DROPPED = 3000;

export const openSocket: OpenCarrier = (passage, ears) => {
  const url = new URL("/ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("room", passage.room);
  url.searchParams.set("name", passage.name);
  // The ticket goes in a frame: an address ends up in logs.
  if (passage.ticket !== null) url.searchParams.set("resume", "1");

  const socket = new WebSocket(url);
  let over = false;
  const end = (code: number) => {
    if (over) return;
    over = true;
    ears.end(code);
  };
  socket.onopen = () => {
    if (passage.ticket === null) return;
    const cursor = passage.cursor === null ? {} : { cursor: passage.cursor };
    socket.send(JSON.stringify({ type: "resume", ticket: passage.ticket, ...cursor } satisfies Outbound));
  };
  socket.onmessage = (event) => {
    if (!over) ears.frame(event.data);
  };
  socket.onclose = (event) => end(event.code);
  const close = (code: number) => {
    over = true;
    socket.close(code);
  };
  return {
    send: (frame) => socket.send(JSON.stringify(frame)),
    drop: () => close(DROPPED),
    leave: () => close(1000),
  };
};
