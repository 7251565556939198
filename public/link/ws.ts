// One WebSocket, seen as a carrier of frames.

import type { Outbound } from "../protocol/frames";
import type { Carrier, OpenCarrier, Passage } from "./carrier";

const GOODBYE = 1000;
/** Not a goodbye, which would give the seat up: it is to wait out its grace. */
const DROPPED = 3000;
const PROBED_WITHIN = 8_000;
/** How long who has knocked waits for the page that was to come in: without one, somebody would sit there whom nobody sees. */
const KNOCKED_WITHIN = 30_000;

type Caller = Pick<Passage, "room" | "name" | "ticket">;

/** A socket that was opened before there was anybody to listen, and what it has heard meanwhile. */
type Knock = { caller: Caller; socket: WebSocket; heard: (MessageEvent | CloseEvent)[] };

declare global {
  /** Left by the script in the document for the one that comes after it. */
  var parlorKnock: Knock | undefined;
}

function address(caller: Caller, resume: boolean): URL {
  const url = new URL("/ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("room", caller.room);
  url.searchParams.set("name", caller.name);
  // The ticket goes in a frame: an address ends up in logs.
  if (resume) url.searchParams.set("resume", "1");
  return url;
}

function dial(caller: Caller, cursor: string | null, send: (frame: Outbound, socket: WebSocket) => void): WebSocket {
  const { ticket } = caller;
  const socket = new WebSocket(address(caller, ticket !== null));
  socket.onopen = () => {
    if (ticket !== null) send({ type: "resume", ticket, ...(cursor === null ? {} : { cursor }) }, socket);
  };
  return socket;
}

/** Opens the socket that a session is going to ask for, before the session is there. */
export function knock(caller: Caller): void {
  const socket = dial(caller, null, (frame) => socket.send(JSON.stringify(frame)));
  const heard: Knock["heard"] = [];
  socket.onmessage = socket.onclose = (event: MessageEvent | CloseEvent) => heard.push(event);
  const knocked: Knock = { caller, socket, heard };
  globalThis.parlorKnock = knocked;
  window.setTimeout(() => {
    if (globalThis.parlorKnock === knocked) forget(knocked);
  }, KNOCKED_WITHIN);
}

function forget({ socket }: Knock): void {
  globalThis.parlorKnock = undefined;
  socket.onmessage = socket.onclose = null;
  socket.close(DROPPED);
}

/** Once, and only for whoever would have knocked in the same way. */
function answered({ room, name, ticket, cursor, traffic }: Passage): Knock | null {
  const knock = globalThis.parlorKnock;
  if (!knock) return null;
  const { caller } = knock;
  if (caller.room === room && caller.name === name && caller.ticket === ticket && cursor === null && traffic === null) {
    globalThis.parlorKnock = undefined;
    return knock;
  }
  forget(knock);
  return null;
}

export const openSocket: OpenCarrier = (passage, ears): Carrier => {
  const { traffic } = passage;
  const send = (frame: Outbound, socket: WebSocket) => {
    const text = JSON.stringify(frame);
    traffic?.sent(text);
    socket.send(text);
  };
  const knock = answered(passage);
  const socket = knock?.socket ?? dial(passage, passage.cursor, send);
  traffic?.request();
  let over = false;
  const hear = (event: MessageEvent | CloseEvent) => {
    if (over) return;
    if ("code" in event) {
      over = true;
      ears.end(event.code);
    } else {
      const text = String(event.data);
      traffic?.received(text);
      ears.frame(text);
    }
  };
  socket.onmessage = socket.onclose = hear;
  // Nobody is told anything before the carrier is in their hands.
  if (knock) queueMicrotask(() => knock.heard.forEach(hear));
  const close = (code: number) => {
    over = true;
    socket.close(code);
  };
  return {
    send: (frame) => send(frame, socket),
    drop: () => close(DROPPED),
    leave() {
      // The server answers with a code of its own, and only after the seat is free.
      const heard = new Promise<boolean>((tell) => (socket.onclose = ({ code }) => tell(code === GOODBYE)));
      if (socket.readyState === WebSocket.OPEN) send({ type: "leave" }, socket);
      close(GOODBYE);
      return heard;
    },
  };
};

/** A handshake that asks to resume and then does not: the seat stays with whoever holds it. */
export function probeSocket(passage: Passage): Promise<boolean> {
  return new Promise((tell) => {
    const socket = new WebSocket(address(passage, true));
    passage.traffic?.request();
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
