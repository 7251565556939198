// Polls: the same question again and again, which waits for an answer or does not.

import { type Batch, closeOf, readBatch } from "../protocol/http";
import type { OpenCarrier } from "./carrier";
import { Post, Refused } from "./post";

/** Milliseconds that an answer may take beyond what it was asked to wait. */
const ANSWER_WITHIN = 10_000;
/** Seconds that a long poll waits: shorter than the patience of proxies, and than the link's own. */
const WAIT = 20;
/** A poll that is cut after this many milliseconds was cut for its length: the next one asks for less. */
const CUT_AFTER = 4_000;
/** …and for no less than so many seconds. */
const WAIT_MIN = 5;
/** Milliseconds between short polls. */
export const PAUSE = 2_000;
/** Milliseconds between long polls that were answered with nothing at once, as by a proxy with an opinion. */
const BREATH = 250;

function openPoll(most: number, pause: number): OpenCarrier {
  /** What the way to the server allows, learned once for all polls of this page. */
  let wait = most;
  return (passage, ears) => {
    const post = new Post(passage, ears);
    let poll = new AbortController();
    /** Somebody wants a sign of life now. */
    let pinged = false;
    let wake = () => {};

    async function follow(): Promise<void> {
      const place = await post.join();
      const joinedAt = performance.now();
      ears.frame(place.welcome);
      const rest = Math.min(pause, ((place.lease ?? Infinity) * 1000) / 3);
      let after = place.cursor;
      while (!post.over) {
        const from = performance.now();
        const batch = await ask(after);
        if (post.over) return;
        if (batch === "again") continue;
        // Polls share the pace of words: whoever writes faster than it allows is told to ask later, and is not cut off.
        if (typeof batch === "number") {
          ears.frame({ type: "pong" });
          await sleep(batch);
          continue;
        }
        // Any answer is a sign of life.
        ears.frame({ type: "pong" });
        if (batch) {
          after = batch.cursor;
          const timestamp = new Date(place.at + performance.now() - joinedAt).toISOString();
          deliver(batch, { ...place.welcome, timestamp });
          if (post.over) return;
        }
        if (rest > 0) await sleep(rest);
        else if (!batch && performance.now() - from < BREATH) await sleep(BREATH);
      }
    }

    /** "again" when a ping or something on the way cut the question short; milliseconds to wait when it came too soon. */
    async function ask(after: string): Promise<Batch | null | "again" | number> {
      const abort = new AbortController();
      poll = abort;
      const seconds = pinged ? 0 : wait;
      pinged = false;
      const from = performance.now();
      const query = new URLSearchParams({ after, wait: String(seconds) });
      try {
        const answer = await post.ask(`messages?${query}`, {
          method: "GET",
          within: seconds * 1000 + ANSWER_WITHIN,
          abort,
        });
        return answer === null ? null : readBatch(answer);
      } catch (error) {
        if (pinged && !post.over) return "again";
        const lasted = performance.now() - from;
        if (!(error instanceof Refused) && !abort.signal.aborted && seconds > WAIT_MIN && lasted >= CUT_AFTER) {
          wait = Math.max(WAIT_MIN, Math.min(wait, Math.floor((lasted * 0.7) / 1000)));
          return "again";
        }
        if (error instanceof Refused && error.refusal.code === "rate_limited") return error.refusal.retryAfter ?? PAUSE;
        throw error;
      }
    }

    function deliver(
      { cursor, messages, events, members, count, crowd, reset, ticket, lastN }: Batch,
      welcome: object,
    ): void {
      // The cursor of the whole answer is the place of its last message: whoever carries on starts there.
      const history = messages.map((message, at) => (at === messages.length - 1 ? { ...message, cursor } : message));
      if (ticket !== null) {
        post.ticket = ticket;
        ears.ticket(ticket);
      }
      // The seat had to be taken up anew: who is there is told whole.
      if (members)
        ears.frame({
          ...welcome,
          type: "reset",
          ticket: post.ticket,
          resumed: true,
          reset,
          cursor,
          lastN,
          count,
          crowd,
          members,
          history,
        });
      // Before what was said: a message ends the typing that led to it.
      for (const event of events) ears.frame(event);
      if (!members) for (const message of history) ears.frame(message);
      const closing = events.find((event) => event.type === "closing");
      if (closing) post.end(closeOf(String(closing.code)));
    }

    function sleep(ms: number): Promise<void> {
      if (pinged) return Promise.resolve();
      return new Promise((done) => {
        const timer = window.setTimeout(done, ms);
        wake = () => {
          window.clearTimeout(timer);
          done();
        };
      });
    }

    function close<T>(put: () => T): T {
      const done = put();
      poll.abort();
      wake();
      return done;
    }

    follow().catch((error: unknown) => post.fail(error));
    return {
      send(frame) {
        if (frame.type !== "ping") return post.send(frame);
        pinged = true;
        poll.abort();
        wake();
      },
      drop: () => close(() => post.drop()),
      leave: () => close(() => post.leave()),
    };
  };
}

export const openLongPoll = openPoll(WAIT, 0);
export const openShortPoll = openPoll(0, PAUSE);
