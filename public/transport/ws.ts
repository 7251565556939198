// The WebSocket transport.

import type { Outbound } from "../protocol/frames";
import type { Transport, OpenTransport, JoinParams } from "./transport";

const GOODBYE = 1000;
/** Not a leave, which would free the seat: the seat is held for the grace. */
const DROPPED = 3000;
const PROBE_TIMEOUT = 8_000;
/** The server that does not answer a leave is left without an answer after this long. */
const LEAVE_TIMEOUT = 3_000;
/** How long a preconnected socket waits for the page. Without a limit an invisible member would stay in the room. */
const PRECONNECT_TTL = 30_000;

type PreconnectParams = Pick<JoinParams, "room" | "name" | "ticket" | "invite">;

/** A socket opened before the page's script ran, and the events that came meanwhile. */
type Preconnect = { params: PreconnectParams; socket: WebSocket; events: (MessageEvent | CloseEvent)[] };

declare global {
  /** Set by the document's script for the page's script. */
  var parlorPreconnect: Preconnect | undefined;
}

function address(params: PreconnectParams, resume: boolean): URL {
  const url = new URL("/ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("room", params.room);
  url.searchParams.set("name", params.name);
  if (params.invite) url.searchParams.set("invite", params.invite);
  // The ticket goes in a frame: an address ends up in logs.
  if (resume) url.searchParams.set("resume", "1");
  return url;
}

function connect(
  params: PreconnectParams,
  cursor: string | null,
  send: (frame: Outbound, socket: WebSocket) => void,
): WebSocket {
  const { ticket } = params;
  const socket = new WebSocket(address(params, ticket !== null));
  socket.onopen = () => {
    if (ticket !== null) send({ type: "resume", ticket, ...(cursor === null ? {} : { cursor }) }, socket);
  };
  return socket;
}

/** Opens the socket that the session will need, before the session exists. */
export function preconnect(params: PreconnectParams): void {
  const socket = connect(params, null, (frame) => socket.send(JSON.stringify(frame)));
  const events: Preconnect["events"] = [];
  socket.onmessage = socket.onclose = (event: MessageEvent | CloseEvent) => events.push(event);
  const opened: Preconnect = { params, socket, events };
  globalThis.parlorPreconnect = opened;
  window.setTimeout(() => {
    if (globalThis.parlorPreconnect === opened) discard(opened);
  }, PRECONNECT_TTL);
}

function discard({ socket }: Preconnect): void {
  globalThis.parlorPreconnect = undefined;
  socket.onmessage = socket.onclose = null;
  socket.close(DROPPED);
}

/** Once, and only for a session with the same parameters. */
function takePreconnect({ room, name, ticket, invite, cursor, traffic }: JoinParams): Preconnect | null {
  const preconnected = globalThis.parlorPreconnect;
  if (!preconnected) return null;
  const { params } = preconnected;
  const isSame = params.room === room && params.name === name && params.ticket === ticket && params.invite === invite;
  if (isSame && cursor === null && traffic === null) {
    globalThis.parlorPreconnect = undefined;
    return preconnected;
  }
  discard(preconnected);
  return null;
}

export const openWebSocket: OpenTransport = (joinParams, handlers): Transport => {
  const { traffic } = joinParams;
  const send = (frame: Outbound, socket: WebSocket) => {
    const text = JSON.stringify(frame);
    traffic?.sent(text);
    socket.send(text);
  };
  const preconnected = takePreconnect(joinParams);
  const socket = preconnected?.socket ?? connect(joinParams, joinParams.cursor, send);
  traffic?.request();
  let over = false;
  const onEvent = (event: MessageEvent | CloseEvent) => {
    if (over) return;
    if ("code" in event) {
      over = true;
      handlers.onEnd(event.code);
    } else {
      const text = String(event.data);
      traffic?.received(text);
      handlers.onFrame(text);
    }
  };
  socket.onmessage = socket.onclose = onEvent;
  // Events are delivered after the caller has the transport.
  if (preconnected) queueMicrotask(() => preconnected.events.forEach(onEvent));
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
      if (socket.readyState !== WebSocket.OPEN) close(GOODBYE);
      else {
        over = true;
        send({ type: "leave" }, socket);
        // A socket that closes takes no more frames, and the receipt is one.
        socket.onmessage = ({ data }) => handlers.onFrame(data);
        window.setTimeout(() => socket.close(GOODBYE), LEAVE_TIMEOUT);
      }
      return heard;
    },
  };
};

/** A handshake that announces a resume and sends none: the seat stays with its present connection. */
export function probeWebSocket(joinParams: JoinParams): Promise<boolean> {
  return new Promise((tell) => {
    const socket = new WebSocket(address(joinParams, true));
    joinParams.traffic?.request();
    const done = (passes: boolean) => {
      window.clearTimeout(timer);
      tell(passes);
      socket.close();
    };
    const timer = window.setTimeout(() => done(false), PROBE_TIMEOUT);
    socket.onopen = () => done(true);
    socket.onerror = () => done(false);
  });
}
