// Server-sent events down, requests up.

import { CONNECTION_LOST, closeCodeOf } from "../protocol/close";
import { parseJson } from "../protocol/frames";
import type { OpenTransport, JoinParams } from "./transport";
import { EventStreamParser } from "./event-stream";
import { HttpSession } from "./http-session";

export const openEventStream: OpenTransport = (joinParams, handlers) => {
  const session = new HttpSession(joinParams, handlers);

  async function follow(): Promise<void> {
    // Joins first: a seat that the stream creates would end with the stream.
    const { cursor, welcome } = await session.join();
    const response = await session.open("events", {
      method: "GET",
      headers: { Accept: "text/event-stream", "Last-Event-ID": cursor },
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventStreamParser();
    let proven = false;
    let code = CONNECTION_LOST;
    for (;;) {
      const { value, done } = await reader.read();
      if (session.closed) return;
      if (done) return session.end(code);
      joinParams.traffic?.received(value);
      // Any chunk is a sign of life; the server sends a comment every 15 s.
      if (proven) handlers.onFrame({ type: "pong" });
      for (const { data } of events.push(value)) {
        const frame = parseJson(data);
        const { type, code: said } = frame as { type?: unknown; code?: unknown };
        if (type === "closing" || (type === "error" && !proven)) code = closeCodeOf(String(said));
        if (type === "welcome" && !proven) {
          proven = true;
          // The join's welcome is delivered only now: before, the stream had not proved that events get through.
          handlers.onFrame(welcome);
        }
        handlers.onFrame(frame);
        if (session.closed) return;
      }
    }
  }

  follow().catch((error: unknown) => session.fail(error));
  return {
    send: (frame) => session.send(frame),
    drop: () => session.drop(),
    leave: () => session.leave(),
  };
};

/** Whether events arrive when they are sent, tried without taking a seat. The server keeps a probe open for longer. */
export const PROBE_TIMEOUT = 5_000;

export async function probeEventStream({ room, traffic }: JoinParams): Promise<boolean> {
  const abort = new AbortController();
  const timer = window.setTimeout(() => abort.abort(), PROBE_TIMEOUT);
  traffic?.request();
  try {
    const address = `/api/rooms/${encodeURIComponent(room)}/events?probe=1`;
    const response = await fetch(address, {
      headers: { Accept: "text/event-stream" },
      signal: abort.signal,
      cache: "no-store",
    });
    if (!response.ok) return false;
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventStreamParser();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return false;
      traffic?.received(value);
      const [event] = events.push(value);
      if (event) return (parseJson(event.data) as { type?: unknown }).type === "pong";
    }
  } catch {
    return false;
  } finally {
    window.clearTimeout(timer);
    abort.abort();
  }
}
