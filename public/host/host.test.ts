// What is said of a host and of rules, and what is asked for.

import { beforeEach, describe, expect, test } from "vitest";
import { RoomCipher } from "../e2ee/cipher";
import type { Secret } from "../e2ee/key";
import { openTitle } from "../e2ee/title";
import { i18n } from "../i18n/i18n.svelte";
import { LIMITS, T0 } from "../log/log.fixture";
import type { Notice, RuleChange } from "../log/state";
import type { Rules } from "../protocol/frames";
import { timeLeft } from "./countdown";
import { ageChoices, endIn, LIFETIME, localTime, parseEnd } from "./lifetime";
import { hostNotice } from "./notices";
import { hostError } from "./settings-texts";
import { titleOf, topicOf } from "./title";

const OPEN: Rules = { lock: "open", history: "all" };
const me = { clientId: "me", user: "Ann" };
const notice = (over: Partial<Notice>): Notice => ({
  kind: "notice",
  key: 1,
  at: T0,
  what: "rules",
  user: "",
  from: "",
  reason: "",
  ...over,
});
const change = (after: Partial<Rules>, over: Partial<RuleChange> = {}) =>
  hostNotice(notice({ change: { before: OPEN, after: { ...OPEN, ...after }, muted: [], unmuted: [], ...over } }), {
    me,
    limits: LIMITS,
  });
/** Without the marks around names. */
const plain = (text: string) => text.replaceAll(/[\u2068\u2069]/gu, "");

beforeEach(() => i18n.switch("en"));

describe("between the messages", () => {
  test("a new host is named, or is this page's member", () => {
    const said = (from: string, user: string) =>
      plain(hostNotice(notice({ what: "host", from, user }), { me, limits: LIMITS }));
    expect([said("ben", "Ben"), said("me", "Ann")]).toEqual(["Ben is now the host", "You are now the host"]);
  });

  test.each<[Partial<Rules>, string]>([
    [{ lock: "locked" }, "The host locked the room"],
    [{ lock: "knock" }, "New people now ask to join, and the host lets them in"],
    [{ title: "Plans" }, "The title is now “Plans”"],
    [{ history: "since_join" }, "New people don’t see earlier messages"],
    [{ inviteOnly: true }, "New people now need an invite"],
    [{ messageAge: 300 }, "Messages now disappear after 5 minutes"],
    [{ lock: "locked", title: "Plans" }, "The host locked the room · The title is now “Plans”"],
    [{ title: "sealed2.AAAA" }, ""],
    [{}, ""],
  ])("%j says: %s", (after, said) => {
    expect(plain(change(after))).toBe(said);
  });

  test("what is taken back is said too", () => {
    const before: Rules = { lock: "locked", history: "since_join", inviteOnly: true, messageAge: 60, title: "Plans" };
    expect(change({}, { before: { ...before, endsAt: new Date(T0).toISOString() } })).toBe(
      [
        "The host opened the room",
        "New people no longer need an invite",
        "New people see earlier messages",
        "The room has no title any more",
        "The room no longer has a set end",
        "Messages now disappear after 30 minutes",
      ].join(" · "),
    );
  });

  test("an end has its time, and its day where that is another", () => {
    expect(change({ endsAt: new Date(T0 + 60_000).toISOString() })).toBe(
      `The room will end: ${i18n.time(T0 + 60_000)}`,
    );
    const later = T0 + 3 * 86_400_000;
    expect(change({ endsAt: new Date(later).toISOString() })).toBe(
      `The room will end: ${i18n.day(later, T0)}, ${i18n.time(later)}`,
    );
  });

  test("members that were muted are named, in every language", async () => {
    expect(plain(change({}, { muted: ["Ben", "Cat"], unmuted: ["Eve"] }))).toBe(
      "Ben and Cat can’t write: muted by the host · Eve can write again",
    );
    await i18n.switch("ru");
    expect(plain(change({ lock: "locked" }, { muted: ["Ben"] }))).toBe(
      "Организатор закрыл вход в комнату · Ben: организатор запретил писать в чат",
    );
  });
});

test("the time that is left is counted in a unit of which there are two", () => {
  expect([90, 119.4, 120, 7_199, 7_200, 2 * 86_400, -5].map((s) => timeLeft(s, "en"))).toEqual([
    "in 90 sec.",
    "in 2 min.",
    "in 2 min.",
    "in 120 min.",
    "in 2 hr.",
    "in 2 days",
    "in 0 sec.",
  ]);
  expect(timeLeft(600, "ru")).toMatch(/^через 10.мин\.?$/u);
});

describe("the end of a room", () => {
  test("is never asked for at the very limit: the request takes a while", () => {
    expect(endIn(LIFETIME.least, T0)).toBeGreaterThan(T0 + LIFETIME.least * 1000);
    expect(endIn(LIFETIME.most, T0)).toBeLessThan(T0 + LIFETIME.most * 1000);
    expect(endIn(3_600, T0)).toBe(T0 + 3_600_000);
    expect(Number.isInteger(endIn(600, T0 + 0.3))).toBe(true);
  });

  test("is a date that the server takes, or none", () => {
    const at = (ms: number) => parseEnd(localTime(T0 + ms), T0);
    expect(at(3_600_000)).toBe(T0 + 3_600_000);
    // The field has no seconds: the date that it offers first is no mistake.
    expect(at(LIFETIME.least * 1000)).toBeGreaterThan(T0 + LIFETIME.least * 1000);
    expect([at(60_000), at(8 * 86_400_000), at(-1), parseEnd("", T0)]).toEqual([null, null, null, null]);
  });

  test("messages may stay for less than the server keeps them", () => {
    expect(ageChoices(1_800, undefined)).toEqual([60, 300, 900]);
    expect(ageChoices(1_800, 120)).toEqual([60, 120, 300, 900]);
    expect(ageChoices(60, 60)).toEqual([60]);
  });
});

describe("a title", () => {
  const cipher = RoomCipher.of("A".repeat(43) as Secret, "r");

  test("goes as it is, or sealed where the room has a key", async () => {
    expect(await topicOf("  Our   plans ", { cipher: null })).toEqual({ type: "topic", title: "Our plans" });
    const sealed = await topicOf("Our plans", { cipher });
    expect(sealed?.title).toMatch(/^sealed2\./);
    expect(await openTitle(sealed!.title, await cipher)).toBe("Our plans");
    expect(await topicOf(" ", { cipher }), "none needs no seal").toEqual({ type: "topic", title: "" });
  });

  test("has a length, which a seal takes of", async () => {
    expect(await topicOf("x".repeat(512), { cipher: null })).not.toBeNull();
    expect(await topicOf("я".repeat(257), { cipher: null })).toBeNull();
    expect(await topicOf("x".repeat(400), { cipher })).toBeNull();
    expect(await topicOf("x".repeat(300), { cipher })).not.toBeNull();
  });

  test("that this page cannot open is none", () => {
    expect([titleOf({ ...OPEN, title: "sealed2.AAAA" }), titleOf(OPEN), titleOf(null)]).toEqual(["", "", ""]);
  });
});

test("an error has a sentence, whatever its code, and no error has none", () => {
  expect([hostError("", "en"), hostError("not_host", "en"), hostError("zzz", "ru")]).toEqual([
    "",
    "Only the host can do that.",
    "Не получилось. Попробуйте ещё раз.",
  ]);
});
