import { expect, test } from "vitest";
import { type CheckId, type Facts, judge, NOTHING, summaryOf } from "./verdict";

const GOOD: Facts = { mic: "works", camera: "works", socket: "open", udp: true, tcp: true, turn: "absent" };

function result(facts: Facts, running: CheckId[] = [], over = true) {
  const checks = judge(facts, new Set(running), over);
  const rows = Object.fromEntries(checks.map(({ id, state, note }) => [id, note ? `${state} ${note}` : state]));
  return { ...rows, summary: summaryOf(facts, checks) };
}

test("all passes where a server offers no relay", () => {
  expect(result(GOOD)).toEqual({
    mic: "passed",
    camera: "passed",
    socket: "passed",
    udp: "passed",
    tcp: "passed",
    turn: "absent turn_absent",
    summary: "works",
  });
});

test("a way that fails limits as far as another works", () => {
  expect(result({ ...GOOD, udp: false })).toMatchObject({ udp: "limited udp_tcp", tcp: "passed", summary: "limited" });
  expect(result({ ...GOOD, tcp: false })).toMatchObject({ udp: "passed", tcp: "limited tcp_udp", summary: "limited" });
  expect(result({ ...GOOD, udp: false, tcp: false, turn: true })).toMatchObject({
    udp: "limited udp_relay",
    tcp: "limited tcp_relay",
    turn: "passed",
    summary: "limited",
  });
  expect(result({ ...GOOD, turn: false })).toMatchObject({ turn: "limited turn_spare", summary: "limited" });
  expect(result({ ...GOOD, udp: false, tcp: false })).toMatchObject({
    socket: "passed",
    udp: "failed media_none",
    tcp: "failed media_none",
    turn: "absent turn_absent",
    summary: "fails",
  });
  expect(result({ ...GOOD, udp: false, tcp: false, turn: false })).toMatchObject({ turn: "failed turn_failed" });
});

test("a way is not given up while another may still be found", () => {
  expect(result({ ...NOTHING, socket: "open", udp: false }, ["tcp"], false)).toMatchObject({
    udp: "running",
    tcp: "running",
    turn: "waiting",
    summary: "running",
  });
});

test("without LiveKit the fix is named, and what hangs on it is not tested", () => {
  for (const [socket, note] of [
    ["blocked", "socket_blocked"],
    ["refused", "socket_refused"],
    ["insecure", "socket_insecure"],
    ["no_token", "no_token"],
    ["token_refused", "refused"],
    ["misconfigured", "unusable"],
  ] as const) {
    const facts: Facts = { ...NOTHING, mic: "works", camera: "works", socket };
    const row = { socket: `failed ${note}`, udp: "skipped", tcp: "skipped", turn: "skipped", summary: "fails" };
    expect(result(facts)).toMatchObject(row);
  }
});

test("a device that does not work limits the call, and says why", () => {
  for (const [fact, row] of [
    ["silent", "limited mic_silent"],
    ["slow", "failed mic_slow"],
    ["mic_denied", "failed mic_denied"],
    ["insecure", "failed insecure"],
  ] as const) {
    expect(result({ ...GOOD, mic: fact })).toMatchObject({ mic: row, summary: "limited" });
  }
  expect(result({ ...GOOD, camera: "black" })).toMatchObject({ camera: "limited camera_black", summary: "limited" });
});

test("a test that was stopped says what it does not know", () => {
  expect(result({ ...NOTHING, mic: "works" })).toMatchObject({ mic: "passed", udp: "skipped", summary: "unknown" });
  expect(result({ ...GOOD, tcp: null })).toMatchObject({ udp: "passed", tcp: "skipped", summary: "unknown" });
});
