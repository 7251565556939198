// Long and short polls: repeated requests that wait for an answer, or do not.

import { closeCodeOf } from "../protocol/close";
import { type PollReply, readPollReply } from "../protocol/http";
import type { OpenTransport } from "./transport";
import { HttpSession, RefusedError } from "./http-session";

/** Milliseconds that an answer may take beyond what it was asked to wait. */
const ANSWER_TIMEOUT = 10_000;
/** Seconds that a long poll waits: less than the timeouts of proxies, and than the connection's own. */
const WAIT_SECONDS = 20;
/** A poll cut after this many milliseconds was cut for its length: the next one waits less. */
const CUT_AFTER = 4_000;
/** …and for no less than so many seconds. */
const WAIT_SECONDS_MIN = 5;
/** Milliseconds between short polls. */
export const SHORT_POLL_INTERVAL = 2_000;
/** Milliseconds between long polls that came back empty at once, as from some proxies. */
const EMPTY_REPLY_PAUSE = 250;

function openPoll(most: number, pause: number): OpenTransport {
  /** The wait that the network allows, learned once for all polls of this page. */
  let wait = most;
  return (joinParams, handlers) => {
    const session = new HttpSession(joinParams, handlers);
    let poll = new AbortController();
    /** A ping asks for a sign of life now. */
    let pinged = false;
    let wake = () => {};
    /** As the newest frame had them. */
    let rulesNow: { room?: unknown } = {};

    async function follow(): Promise<void> {
      const reply = await session.join();
      const joinedAt = performance.now();
      handlers.onFrame(reply.welcome);
      const rest = Math.min(pause, ((reply.lease ?? Infinity) * 1000) / 3);
      let after = reply.cursor;
      while (!session.closed) {
        const from = performance.now();
        const batch = await ask(after);
        if (session.closed) return;
        if (batch === "again") continue;
        // Polls share the frame rate limit: a member above it has to poll later, and keeps the seat.
        if (typeof batch === "number") {
          handlers.onFrame({ type: "pong" });
          await sleep(batch);
          continue;
        }
        // Any answer counts as a pong.
        handlers.onFrame({ type: "pong" });
        if (batch) {
          after = batch.cursor;
          const timestamp = new Date(reply.at + performance.now() - joinedAt).toISOString();
          deliver(batch, { ...reply.welcome, timestamp });
          if (session.closed) return;
        }
        if (rest > 0) await sleep(rest);
        else if (!batch && performance.now() - from < EMPTY_REPLY_PAUSE) await sleep(EMPTY_REPLY_PAUSE);
      }
    }

    /** "again" after a ping or a cut; milliseconds to wait after a refusal for the rate. */
    async function ask(after: string): Promise<PollReply | null | "again" | number> {
      const abort = new AbortController();
      poll = abort;
      const seconds = pinged ? 0 : wait;
      pinged = false;
      const from = performance.now();
      const query = new URLSearchParams({ after, wait: String(seconds) });
      try {
        const answer = await session.request(`messages?${query}`, {
          method: "GET",
          within: seconds * 1000 + ANSWER_TIMEOUT,
          abort,
        });
        return answer === null ? null : readPollReply(answer);
      } catch (error) {
        if (pinged && !session.closed) return "again";
        const lasted = performance.now() - from;
        if (
          !(error instanceof RefusedError) &&
          !abort.signal.aborted &&
          seconds > WAIT_SECONDS_MIN &&
          lasted >= CUT_AFTER
        ) {
          wait = Math.max(WAIT_SECONDS_MIN, Math.min(wait, Math.floor((lasted * 0.7) / 1000)));
          return "again";
        }
        if (error instanceof RefusedError && error.apiError.code === "rate_limited")
          return error.apiError.retryAfter ?? SHORT_POLL_INTERVAL;
        throw error;
      }
    }

    function deliver(
      { cursor, messages, events, members, count, crowd, reset, ticket, lastN, rules }: PollReply,
      welcome: object,
    ): void {
      // The answer's cursor belongs to its last message: a resume starts there.
      const history = messages.map((message, at) => (at === messages.length - 1 ? { ...message, cursor } : message));
      if (ticket !== null) {
        session.ticket = ticket;
        handlers.onTicket(ticket);
      }
      // The seat had to be resumed: the answer lists all members.
      if (members)
        handlers.onFrame({
          ...welcome,
          ...rulesNow,
          ...rules,
          type: "reset",
          ticket: session.ticket,
          resumed: true,
          reset,
          cursor,
          lastN,
          count,
          crowd,
          members,
          history,
        });
      // Events first: a message ends the typing before it.
      for (const event of events) {
        // A later list of members comes with the rules as they are then.
        if (event.type === "rules") rulesNow = { room: event.rules };
        handlers.onFrame(event);
      }
      if (!members) for (const message of history) handlers.onFrame(message);
      const closing = events.find((event) => event.type === "closing");
      if (closing) session.end(closeCodeOf(String(closing.code)));
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

    follow().catch((error: unknown) => session.fail(error));
    return {
      send(frame) {
        if (frame.type !== "ping") return session.send(frame);
        pinged = true;
        poll.abort();
        wake();
      },
      drop: () => close(() => session.drop()),
      leave: () => close(() => session.leave()),
    };
  };
}

export const openLongPoll = openPoll(WAIT_SECONDS, 0);
export const openShortPoll = openPoll(0, SHORT_POLL_INTERVAL);
