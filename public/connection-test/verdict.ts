// From what was found out to what a row says: pure rules.

import type { CallProblem } from "../video/devices/problem";

export const CHECKS = ["mic", "camera", "socket", "udp", "tcp", "turn"] as const;
export type CheckId = (typeof CHECKS)[number];

/** `absent`: the server does not offer it. `skipped`: it was not tested. */
export type CheckState = "waiting" | "running" | "passed" | "limited" | "failed" | "absent" | "skipped";

export type DeviceFact = "works" | "silent" | "black" | "slow" | CallProblem;
export type SocketFact = "open" | "blocked" | "refused" | "insecure" | "no_token" | "token_refused" | "misconfigured";

/** What is known so far; null: nothing. */
export type Facts = {
  mic: DeviceFact | null;
  camera: DeviceFact | null;
  socket: SocketFact | null;
  /** Whether media comes through this way. */
  udp: boolean | null;
  tcp: boolean | null;
  turn: boolean | "absent" | null;
};

export const NOTHING: Facts = { mic: null, camera: null, socket: null, udp: null, tcp: null, turn: null };

/** What only the test says. */
export type TestNote =
  | "mic_silent"
  | "camera_black"
  | "mic_slow"
  | "camera_slow"
  | "no_token"
  | "socket_blocked"
  | "socket_refused"
  | "socket_insecure"
  | "udp_tcp"
  | "udp_relay"
  | "tcp_udp"
  | "tcp_relay"
  | "media_none"
  | "turn_absent"
  | "turn_spare"
  | "turn_failed";

/** Why a check did not pass, and what to do: in words of its own, or in those of the call. */
export type Note = TestNote | CallProblem;

export type Check = { id: CheckId; state: CheckState; note: Note | null };

export type Summary = "running" | "works" | "limited" | "fails" | "unknown";

/** `running`: what is not known yet may still be found out. */
export function judge(facts: Facts, running: ReadonlySet<CheckId>, over: boolean): Check[] {
  const unknown = (id: CheckId): Check => ({
    id,
    state: running.has(id) ? "running" : over ? "skipped" : "waiting",
    note: null,
  });
  return CHECKS.map((id) => {
    switch (id) {
      case "mic":
      case "camera":
        return facts[id] === null ? unknown(id) : device(id, facts[id]);
      case "socket":
        return facts.socket === null ? unknown(id) : socket(facts.socket);
      default:
        return media(id, facts, running) ?? unknown(id);
    }
  });
}

function device(id: "mic" | "camera", fact: DeviceFact): Check {
  switch (fact) {
    case "works":
      return { id, state: "passed", note: null };
    case "silent":
      return { id, state: "limited", note: "mic_silent" };
    case "black":
      return { id, state: "limited", note: "camera_black" };
    case "slow":
      return { id, state: "failed", note: `${id}_slow` };
    default:
      return { id, state: "failed", note: fact };
  }
}

const SOCKET_NOTES: Readonly<Record<Exclude<SocketFact, "open">, Note>> = {
  blocked: "socket_blocked",
  refused: "socket_refused",
  insecure: "socket_insecure",
  no_token: "no_token",
  token_refused: "refused",
  misconfigured: "unusable",
};

function socket(fact: SocketFact): Check {
  if (fact === "open") return { id: "socket", state: "passed", note: null };
  return { id: "socket", state: "failed", note: SOCKET_NOTES[fact] };
}

type Way = "udp" | "tcp" | "turn";

/** What is said of a way that fails, where another works. */
const OTHER_WAYS: Readonly<Record<Way, readonly (readonly [Way, Note])[]>> = {
  udp: [
    ["tcp", "udp_tcp"],
    ["turn", "udp_relay"],
  ],
  tcp: [
    ["udp", "tcp_udp"],
    ["turn", "tcp_relay"],
  ],
  turn: [
    ["udp", "turn_spare"],
    ["tcp", "turn_spare"],
  ],
};

/** A way that fails limits a call only as far as no other way is better. */
function media(id: Way, facts: Facts, running: ReadonlySet<CheckId>): Check | null {
  const fact = facts[id];
  if (fact === null) return null;
  if (fact === true) return { id, state: "passed", note: null };
  if (fact === "absent") return { id, state: "absent", note: "turn_absent" };
  const works = OTHER_WAYS[id].find(([way]) => facts[way] === true);
  if (works) return { id, state: "limited", note: works[1] };
  // What is still being tested may turn out to work.
  const open = OTHER_WAYS[id].some(([way]) => facts[way] === null && running.has(way));
  if (open) return { id, state: "running", note: null };
  return { id, state: "failed", note: id === "turn" ? "turn_failed" : "media_none" };
}

export function summaryOf(facts: Facts, checks: readonly Check[]): Summary {
  if (checks.some(({ state }) => state === "running" || state === "waiting")) return "running";
  const media = facts.udp === true || facts.tcp === true || facts.turn === true;
  if (checks.some(({ id, state }) => state === "failed" && id !== "mic" && id !== "camera" && !media)) return "fails";
  if (!media || checks.some(({ state }) => state === "skipped")) return "unknown";
  return checks.every(({ state }) => state === "passed" || state === "absent") ? "works" : "limited";
}
