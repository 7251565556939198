// Server-sent events down, requests up.

import { BROKEN } from "../protocol/close";
import { parseJson } from "../protocol/frames";
import { closeOf } from "../protocol/http";
import type { OpenCarrier, Passage } from "./carrier";
import { EventReader } from "./events";
import { Post } from "./post";

export const openStream: OpenCarrier = (passage, ears) => {
  const post = new Post(passage, ears);

  async function follow(): Promise<void> {
    // A seat of its own first: one that a stream is given lives no longer than the stream.
    const { cursor, welcome } = await post.join();
    const response = await post.open("events", {
      method: "GET",
      headers: { Accept: "text/event-stream", "Last-Event-ID": cursor },
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader();
    let proven = false;
    let code = BROKEN;
    for (;;) {
      const { value, done } = await reader.read();
      if (post.over) return;
      if (done) return post.end(code);
      passage.traffic?.received(value);
      // A comment is the heartbeat: there is somebody.
      if (proven) ears.frame({ type: "pong" });
      for (const { data } of events.push(value)) {
        const frame = parseJson(data);
        const { type, code: said } = frame as { type?: unknown; code?: unknown };
        if (type === "closing" || (type === "error" && !proven)) code = closeOf(String(said));
        if (type === "welcome" && !proven) {
          proven = true;
          // What the seat brought is told only now: before, nobody knew whether the stream gets through.
          ears.frame(welcome);
        }
        ears.frame(frame);
        if (post.over) return;
      }
    }
  }

  follow().catch((error: unknown) => post.fail(error));
  return {
    send: (frame) => post.send(frame),
    drop: () => post.drop(),
    leave: () => post.leave(),
  };
};

/** Whether events come through when they are sent, found out by a stream that takes no seat. The server keeps it open for longer than this. */
export const PROBED_WITHIN = 5_000;

export async function probeStream({ room, traffic }: Passage): Promise<boolean> {
  const abort = new AbortController();
  const timer = window.setTimeout(() => abort.abort(), PROBED_WITHIN);
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
    const events = new EventReader();
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
