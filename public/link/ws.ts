// One WebSocket, seen as a carrier of frames.

import type { Outbound } from "../protocol/frames";
import type { Carrier, OpenCarrier, Passage } from "./carrier";

/** Not 1000, which would give the seat up: it is to wait out its grace. */
const DROPPED = 3000;
const PROBED_WITHIN = 8_000;

function address(passage: Passage, resume: boolean): URL {
  const url = new URL("/ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("room", passage.room);
  url.searchParams.set("name", passage.name);
  // The ticket goes in a frame: an address ends up in logs.
  if (resume) url.searchParams.set("resume", "1");
  return url;
}

export const openSocket: OpenCarrier = (passage, ears): Carrier => {
  const { tally } = passage;
  const socket = new WebSocket(address(passage, passage.ticket !== null));
  tally?.request();
  let over = false;
  const end = (code: number) => {
    if (over) return;
    over = true;
    ears.end(code);
  };
  const send = (frame: Outbound) => {
    const text = JSON.stringify(frame);
    tally?.sent(text);
    socket.send(text);
  };
  socket.onopen = () => {
    if (passage.ticket === null) return;
    const cursor = passage.cursor === null ? {} : { cursor: passage.cursor };
    send({ type: "resume", ticket: passage.ticket, ...cursor });
  };
  socket.onmessage = (event) => {
    if (over) return;
    const text = String(event.data);
    tally?.received(text);
    ears.frame(text);
  };
  socket.onclose = (event) => end(event.code);
  const close = (code: number) => {
    over = true;
    socket.close(code);
  };
  return {
    send,
    drop: () => close(DROPPED),
    leave() {
      if (socket.readyState === WebSocket.OPEN) send({ type: "leave" });
      close(1000);
    },
  };
};

/** A handshake that asks to resume and then does not: the seat stays with whoever holds it. */
export function probeSocket(passage: Passage): Promise<boolean> {
  return new Promise((tell) => {
    const socket = new WebSocket(address(passage, true));
    passage.tally?.request();
    const done = (passes: boolean) => {
      window.clearTimeout(timer);
      tell(passes);
      socket.close();
    };
    const timer = window.setTimeout(() => done(false), PROBED_WITHIN);
    socket.onopen = () => done(true);
    socket.onerror = () => done(false);
  });
}
