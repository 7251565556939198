import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ENDING } from "../i18n/ending";
import { ERRORS } from "../i18n/errors";
import { i18n } from "../i18n/i18n.svelte";
import { CLAIMS } from "../receipt/receipt.fixture";
import type { RoomSession } from "../session/room-session.svelte";
import Knocking from "./Knocking.svelte";
import RoomEnded from "./RoomEnded.svelte";

let over = () => {};
beforeEach(() => i18n.switch("en"));
afterEach(() => over());

const part = (value: object) => btoa(JSON.stringify(value)).replaceAll("=", "");
const header = { alg: "EdDSA", typ: "parlor-receipt+jwt", kid: "k", jwk: { kty: "OKP", crv: "Ed25519", x: "AA" } };
const receipt = (cause: string) => `${part(header)}.${part({ ...CLAIMS, cause })}.AAAA`;

function ended(why: string, signed: string | null = null) {
  const calls: string[] = [];
  const session = $state({ room: "r", entered: true, receipt: signed, reconnect: () => calls.push("reconnect") });
  const target = document.createElement("div");
  document.body.append(target);
  const props = {
    session: session as unknown as RoomSession,
    ended: { is: "ended", why, message: "as the server says" } as const,
    again: (withoutInvite = false) => void calls.push(withoutInvite ? "without invite" : "again"),
    another: () => void calls.push("another"),
    home: () => void calls.push("home"),
  };
  const view = mount(RoomEnded, { target, props });
  flushSync();
  over = () => {
    over = () => {};
    void unmount(view);
    target.remove();
  };
  const buttons = () => [...target.querySelectorAll(".ways button")] as HTMLButtonElement[];
  return { target, calls, buttons, first: () => (buttons()[0]!.click(), calls) };
}

const { ends } = ENDING.en;

test.each(Object.keys(ends).filter((code) => code !== "expired"))("a room that ended by %s says so", (code) => {
  const { target } = ended(code);
  expect(target.querySelector("h1")!.textContent).toBe(ends[code]![0]);
  expect(target.querySelector(".text")!.textContent).toBe(ends[code]![1]);
  expect(document.activeElement).toBe(target.querySelector("h1"));
});

test("a room whose time was over is told from one that its host ended, by the receipt", () => {
  expect(ended("burned", receipt("burned")).target.querySelector("h1")!.textContent).toBe(ends["burned"]![0]);
  over();
  expect(ended("burned", receipt("expired")).target.querySelector("h1")!.textContent).toBe(ends["expired"]![0]);
});

test("there is no way back after a kick or a burn, only to a new room", () => {
  for (const code of ["kicked", "burned"]) {
    expect(ended(code).first(), code).toEqual(["another"]);
    over();
  }
});

test("an invite that does not pass is left out of the next try", () => {
  for (const code of ["bad_invite", "invite_spent", "invite_expired", "invite_revoked"]) {
    expect(ended(code).first(), code).toEqual(["without invite"]);
    over();
  }
});

test("a locked room can be tried again, and another tab taken over from", () => {
  expect(ended("room_locked").first()).toEqual(["again"]);
  over();
  expect(ended("replaced").first()).toEqual(["reconnect"]);
});

test("any other end is told in the page's text, or in the server's", () => {
  expect(ended("server_full").target.querySelector(".text")!.textContent).toBe(ERRORS.en["server_full"]);
  over();
  expect(ended("new_code").target.querySelector(".text")!.textContent).toBe("as the server says");
});

test("a page that waits for the host says for what, under which name, and can leave", async () => {
  const home = vi.fn();
  const session = $state({ room: "r", name: "Ann", connection: { is: "connecting", tries: 0, why: "" } });
  const target = document.createElement("div");
  document.body.append(target);
  const view = mount(Knocking, { target, props: { session: session as unknown as RoomSession, home } });
  flushSync();
  over = () => {
    over = () => {};
    void unmount(view);
    target.remove();
  };
  const text = () => target.querySelector("[role=status]")!.textContent;
  expect(target.querySelector("h1")!.textContent).toBe(ENDING.en.knockingTitle);
  expect(target.textContent).toContain("Ann");
  expect(text()).toBe(ENDING.en.knockingText);
  session.connection = { is: "waiting", tries: 1, why: "knocks_full" };
  flushSync();
  expect(text()).toBe(ENDING.en.knocksFull);
  session.connection = { is: "waiting", tries: 1, why: "lost" };
  flushSync();
  expect(text()).toBe(i18n.texts.unreachable);
  [...target.querySelectorAll("button")].find((b) => b.textContent === i18n.texts.leave)!.click();
  expect(home).toHaveBeenCalledOnce();
});
