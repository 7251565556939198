import { flushSync, mount, tick, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { i18n } from "../i18n/i18n.svelte";
import { LIMITS, T0 } from "../log/log.fixture";
import { emptyLog, type Log } from "../log/state";
import type { HostMessage, Member, Rules } from "../protocol/frames";
import type { RoomSession } from "../session/room-session.svelte";
import HostBar from "./HostBar.svelte";
import { hostView } from "./host-view.svelte";
import MemberActions from "./MemberActions.svelte";
import MemberButton from "./MemberButton.svelte";
import MemberRole from "./MemberRole.svelte";
import Settings from "./Settings.svelte";

const OPEN: Rules = { lock: "open", history: "all" };
const ann: Member = { clientId: "me", user: "Ann", joinedAt: T0, host: true };
const ben: Member = { clientId: "ben", user: "Ben", joinedAt: T0 };

let asked: HostMessage[];
let code: string;
let over = () => {};
beforeEach(async () => {
  await i18n.switch("en");
  [asked, code] = [[], ""];
});
afterEach(() => {
  over();
  hostView.close();
});

/** A session whose log a test replaces. */
function room(over: Partial<Log> = {}) {
  const session = $state({
    log: {
      ...emptyLog(),
      me: { clientId: "me", user: "Ann" },
      members: [ann, ben],
      rules: OPEN,
      limits: LIMITS,
      ...over,
    },
    secret: null,
    cipher: null,
    videoProblem: "",
    now: () => T0,
    host: async (what: HostMessage) => (asked.push(what), code),
  });
  return session as unknown as RoomSession;
}

function show(view: unknown, props: object) {
  const target = document.createElement("div");
  document.body.append(target);
  const mounted = mount(view as typeof HostBar, {
    target,
    props: props as { session: RoomSession; invite: () => void },
  });
  flushSync();
  over = () => {
    void unmount(mounted);
    target.remove();
  };
  const button = (text: string) =>
    [...target.querySelectorAll("button")].find(
      (b) => b.textContent.trim() === text || b.getAttribute("aria-label") === text,
    );
  const press = async (text: string) => {
    button(text)!.click();
    await tick();
    flushSync();
  };
  return { target, button, press, says: () => target.textContent.replaceAll(/\s+/g, " ") };
}

test("a room like any other shows no bar; title, lock and end are shown to everybody", () => {
  const session = room({ members: [{ ...ann, host: undefined as never }, ben] });
  const { target, says, button } = show(HostBar, { session, invite() {} });
  expect(target.querySelector("section")).toBeNull();
  session.log = {
    ...session.log,
    rules: {
      lock: "knock",
      history: "all",
      title: "Plans",
      inviteOnly: true,
      endsAt: new Date(T0 + 600_000).toISOString(),
    },
  };
  flushSync();
  expect(says()).toContain("Plans");
  expect(says()).toContain("Ask to join");
  expect(says()).toContain("Invite only");
  expect(says()).toContain("Ends in 10 min.");
  expect(button("Room settings"), "only the host has them").toBeUndefined();
});

test("a muted member is told", () => {
  const session = room({ members: [{ ...ann, muted: true }, ben] });
  expect(show(HostBar, { session, invite() {} }).says()).toContain("The host has muted you in the chat.");
});

test("the host sees who waits, and lets them in or refuses them once", async () => {
  const knocks = [
    { clientId: "e1", user: "Eve" },
    { clientId: "e2", user: "Zed" },
  ];
  const { press, target } = show(HostBar, { session: room({ knocks }), invite() {} });
  expect(target.querySelector("[role=status]")!.textContent).toContain("Zed wants to join");
  expect(target.querySelectorAll("li")).toHaveLength(2);
  await press("Let in Eve");
  await press("Refuse Zed");
  expect(asked).toEqual([
    { type: "admit", clientId: "e1" },
    { type: "refuse", clientId: "e2" },
  ]);
});

test("an answer that failed is told, and one to a person who is gone is not", async () => {
  const knocks = [{ clientId: "e1", user: "Eve" }];
  const { press, says } = show(HostBar, { session: room({ knocks }), invite() {} });
  code = "no_member";
  await press("Let in Eve");
  expect(says()).not.toContain("not here any more");
  code = "unconfirmed";
  await press("Let in Eve");
  expect(says()).toContain("There’s no connection right now.");
});

test("in the list the host and the muted are marked, and only the host has actions", async () => {
  const muted = { ...ben, muted: true as const };
  const marks = [ann, muted].map((member) => {
    const said = show(MemberRole, { member }).says().trim();
    over();
    return said;
  });
  expect(marks).toEqual(["host", "muted"]);
  const session = room();
  await show(MemberButton, { session, member: ben }).press("Actions for Ben");
  expect(hostView.clientId).toBe("ben");
  over();
  await show(MemberButton, { session, member: ann }).press("Room settings");
  expect(hostView.settings).toBe(true);
  over();
  const guest = room({
    members: [
      { ...ann, host: undefined as never },
      { ...ben, host: true },
    ],
  });
  expect(show(MemberButton, { session: guest, member: ben }).target.querySelector("button")).toBeNull();
});

test("a member is removed only once that is confirmed, with its address and without its messages unless chosen", async () => {
  const onclose = vi.fn();
  const { press, target } = show(MemberActions, { session: room(), member: ben, onclose });
  await press("Remove from the room");
  expect(asked).toEqual([]);
  const [address, messages] = target.querySelectorAll<HTMLInputElement>("input[type=checkbox]");
  expect([address!.checked, messages!.checked]).toEqual([true, false]);
  expect(document.activeElement).toBe(address);
  await press("Cancel");
  expect(document.activeElement?.textContent).toBe("Remove from the room");
  await press("Remove from the room");
  target.querySelectorAll<HTMLInputElement>("input[type=checkbox]")[1]!.click();
  flushSync();
  await press("Remove");
  expect(asked).toEqual([{ type: "kick", clientId: "ben", address: true, messages: true }]);
});

test("a member is muted, and in the call its microphone and camera too; another becomes the host once confirmed", async () => {
  const inCall = { ...ben, inCall: true };
  const { press } = show(MemberActions, { session: room(), member: inCall, onclose() {} });
  await press("Mute in the chat");
  await press("Mute the microphone");
  await press("Stop the camera");
  await press("Make host");
  await press("Make host");
  expect(asked).toEqual([
    { type: "mute", clientId: "ben", muted: true },
    { type: "hush", clientId: "ben", audio: true },
    { type: "hush", clientId: "ben", video: true },
    { type: "host", clientId: "ben" },
  ]);
  over();
  const muted = show(MemberActions, { session: room(), member: { ...ben, muted: true }, onclose() {} });
  expect(muted.button("Mute the microphone")).toBeUndefined();
  await muted.press("Allow to write again");
  expect(asked.at(-1)).toEqual({ type: "mute", clientId: "ben", muted: false });
});

test("each setting is asked for at once, and shows what is", async () => {
  const session = room();
  const { target, press } = show(Settings, { session, onclose() {} });
  const radio = (value: string) => target.querySelector<HTMLInputElement>(`[type=radio][value=${value}]`)!;
  const select = (at: number) => target.querySelectorAll("select")[at]!;
  const choose = async (at: number, value: string) => {
    select(at).value = value;
    select(at).dispatchEvent(new Event("change", { bubbles: true }));
    await tick();
    flushSync();
  };
  radio("locked").click();
  flushSync();
  expect([radio("open").checked, radio("locked").checked], "the server has not answered").toEqual([true, false]);
  session.log = { ...session.log, rules: { ...OPEN, lock: "locked" } };
  flushSync();
  expect([radio("open").checked, radio("locked").checked]).toEqual([false, true]);
  const [invite, history] = target.querySelectorAll<HTMLInputElement>("[role=switch]");
  expect([invite!.checked, history!.checked]).toEqual([false, true]);
  invite!.click();
  history!.click();
  await choose(0, "300");
  await choose(1, "3600");
  expect(select(1).value, "as it is").toBe("");
  expect(asked).toEqual([
    { type: "lock", lock: "locked" },
    { type: "invite-only", inviteOnly: true },
    { type: "history", history: "since_join" },
    { type: "lifetime", messageAge: 300 },
    { type: "lifetime", endsAt: T0 + 3_600_000 },
  ]);
  await choose(1, "custom");
  const date = target.querySelector<HTMLInputElement>("[type=datetime-local]")!;
  date.value = "2020-01-01T00:00";
  date.dispatchEvent(new Event("input", { bubbles: true }));
  await press("Set");
  expect(target.querySelector("[role=alert]")!.textContent).toContain("between 10 minutes and 7 days");
  expect(asked).toHaveLength(5);
});

test("the room ends now only once that is confirmed", async () => {
  const { press } = show(Settings, { session: room(), onclose() {} });
  await press("End the room now");
  expect(asked).toEqual([]);
  expect(document.activeElement?.textContent).toBe("End the room");
  await press("End the room");
  expect(asked).toEqual([{ type: "burn" }]);
});
