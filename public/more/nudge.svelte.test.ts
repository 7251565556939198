import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { i18n } from "../i18n/i18n.svelte";
import { emptyLog, type Entry, type Log, type Notice } from "../log/state";
import { Nudge } from "./nudge.svelte";
import { QUIET, saveNudge } from "./nudge-prefs";

type Shown = { title: string; body: string; renotify: boolean; tag: string };

let shown: Shown[] = [];
let open: { title: string; tag: string; close: () => void }[] = [];

/** A browser that has allowed notifications, and a service worker that answers. */
function allow(permission: NotificationPermission) {
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("Notification", { permission, requestPermission: vi.fn(async () => permission) });
  const active = {
    postMessage: vi.fn((what: string | { close: string }, ports?: MessagePort[]) => {
      if (what === "who") ports![0]!.postMessage("this tab");
    }),
  };
  const registration = {
    active,
    unregister: vi.fn(async () => true),
    showNotification: async (title: string, { body, renotify, tag }: Shown) => {
      shown.push({ title, body, renotify, tag });
      open = [{ title, tag, close: () => (open = []) }];
    },
    getNotifications: async ({ tag }: { tag: string }) => open.filter((one) => one.tag === tag),
  };
  const register = vi.fn(async () => registration);
  vi.stubGlobal("navigator", {
    language: "en",
    languages: ["en"],
    platform: "",
    serviceWorker: { register, ready: Promise.resolve(registration), getRegistration: async () => registration },
  });
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  return { register, registration, active };
}

/** Called for each sound. */
function listen() {
  const heard = vi.fn();
  class Silent {
    state = "suspended";
    constructor() {
      heard();
    }
    async resume() {}
    async close() {}
  }
  vi.stubGlobal("AudioContext", Silent);
  return heard;
}

beforeEach(async () => {
  localStorage.clear();
  sessionStorage.clear();
  shown = [];
  open = [];
  await i18n.switch("en");
});
afterEach(() => vi.unstubAllGlobals());

const line = (seq: number, text: string): Entry => ({
  kind: "entry",
  key: seq,
  seq,
  from: "ben",
  user: "Ben",
  text,
  at: seq,
  mine: false,
});
const logOf = (unread: number, ...lines: Entry[]): Log => ({
  ...emptyLog(),
  me: { clientId: "me", user: "Ann" },
  lines,
  unread,
});
const shows = (expected: unknown) =>
  vi.waitFor(() => expect(shown.map(({ title, body }) => [title, body])).toEqual(expected));
const stands = (expected: unknown) => vi.waitFor(() => expect(open.map(({ title }) => title)).toEqual(expected));

test("nothing is asked for, registered or shown until the person wants it", async () => {
  const { register } = allow("default");
  const nudge = new Nudge();
  nudge.note(logOf(0), false);
  nudge.note(logOf(1, line(1, "psst")), false);
  expect(Notification.requestPermission).not.toHaveBeenCalled();
  expect(register).not.toHaveBeenCalled();
  expect(nudge.notifies).toBe(false);
});

test("a permission that is refused leaves them off and is told", async () => {
  const { register } = allow("denied");
  const nudge = new Nudge();
  await nudge.turnOn();
  expect([nudge.notifies, nudge.permission]).toEqual([false, "denied"]);
  expect(register).not.toHaveBeenCalled();
  vi.stubGlobal("isSecureContext", false);
  expect(new Nudge().permission).toBe("insecure");
});

test("messages are told while there are unread ones, and the notification goes when they are read", async () => {
  allow("granted");
  const nudge = new Nudge();
  await nudge.turnOn();
  // What was unread before is no news.
  nudge.note(logOf(2, line(1, "old"), line(2, "older")), false);
  nudge.note(logOf(3, line(1, "old"), line(2, "older"), line(3, "psst")), false);
  await shows([["Ben", "psst"]]);
  nudge.note(logOf(4, line(3, "psst"), line(4, "hello?")), false);
  await shows([
    ["Ben", "psst"],
    ["2 new messages", "Ben: hello?"],
  ]);
  expect(shown.map(({ renotify }) => renotify)).toEqual([true, false]);
  nudge.note(logOf(0, line(3, "psst"), line(4, "hello?")), false);
  await stands([]);
});

test("a message that is changed, deleted or gone changes or closes its notification", async () => {
  allow("granted");
  const nudge = new Nudge();
  await nudge.turnOn();
  nudge.note(logOf(0), false);
  nudge.note(logOf(2, line(1, "first"), line(2, "secret")), false);
  nudge.note(logOf(2, line(1, "first"), line(2, "public")), false);
  nudge.note(logOf(2, line(1, "first"), { ...line(2, ""), deleted: true } as Entry), false);
  await shows([
    ["2 new messages", "Ben: secret"],
    ["2 new messages", "Ben: public"],
    ["Ben", "first"],
  ]);
  nudge.note(logOf(2), false);
  await stands([]);
});

test("in a room with a key the text is shown only where that was chosen", async () => {
  allow("granted");
  saveNudge({ ...QUIET, notify: true });
  const nudge = new Nudge();
  nudge.note(logOf(0), true);
  nudge.note(logOf(1, line(1, "secret")), true);
  await shows([["Ben", "New message"]]);
  nudge.choose({ sealedText: true });
  nudge.note(logOf(2, line(1, "secret"), line(2, "another")), true);
  await shows([
    ["Ben", "New message"],
    ["2 new messages", "Ben: another"],
  ]);
});

test("with mentions only, other messages are not told, nor heard", async () => {
  allow("granted");
  const heard = listen();
  saveNudge({ ...QUIET, notify: true, sound: true, mentionsOnly: true });
  const nudge = new Nudge();
  nudge.note(logOf(0), false);
  nudge.note(logOf(1, line(1, "for all")), false);
  expect(heard).not.toHaveBeenCalled();
  nudge.note(logOf(2, line(1, "for all"), line(2, "@ann?")), false);
  await shows([["Ben", "@ann?"]]);
  expect(heard).toHaveBeenCalledTimes(1);
});

test("turned off, the worker goes as well, unless the page is an installed app", async () => {
  const { registration } = allow("granted");
  const nudge = new Nudge();
  await nudge.turnOn();
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  nudge.turnOff();
  await new Promise((then) => setTimeout(then));
  expect(registration.unregister).not.toHaveBeenCalled();
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  nudge.turnOff();
  await vi.waitFor(() => expect(registration.unregister).toHaveBeenCalledTimes(1));
  expect(nudge.notifies).toBe(false);
});

test("a page that goes away has the worker close its notification, and takes the number from the app", async () => {
  const { active } = allow("granted");
  const clearAppBadge = vi.fn(async () => {});
  vi.stubGlobal("fetch", async () => new Response("<svg></svg>"));
  Object.assign(navigator, { clearAppBadge, setAppBadge: async () => {} });
  const nudge = new Nudge();
  await nudge.turnOn();
  nudge.vanish();
  expect(active.postMessage).not.toHaveBeenCalled();
  nudge.choose({ badge: true });
  clearAppBadge.mockClear();
  nudge.note(logOf(0), false);
  nudge.note(logOf(1, line(1, "psst")), false);
  await shows([["Ben", "psst"]]);
  nudge.vanish();
  expect(active.postMessage).toHaveBeenLastCalledWith({ close: shown[0]!.tag });
  expect(clearAppBadge).toHaveBeenCalledTimes(1);
});

test("a tab that was reloaded closes what it has shown before, and nothing of other tabs", async () => {
  allow("granted");
  const before = new Nudge();
  await before.turnOn();
  before.note(logOf(0), false);
  before.note(logOf(1, line(1, "psst")), false);
  await stands(["Ben"]);
  const other = sessionStorage.getItem("parlor.tag");
  sessionStorage.clear();
  new Nudge();
  await new Promise((then) => setTimeout(then));
  await stands(["Ben"]);
  sessionStorage.setItem("parlor.tag", other!);
  new Nudge();
  await stands([]);
});

test("another’s call rings once where that was chosen, and none that was on before or is over", () => {
  allow("granted");
  const heard = listen();
  const call = (key: number, from = "ben", over?: true): Log => {
    const begun: Notice = {
      kind: "notice",
      key,
      at: key,
      what: "call",
      user: "",
      from,
      reason: "",
      ...(over && { over }),
    };
    return { ...logOf(0), lines: [begun] };
  };
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const rings = (...logs: Log[]) => {
    heard.mockClear();
    const nudge = new Nudge();
    for (const log of logs) {
      nudge.note(log, false);
      now += 60_000;
    }
    return heard.mock.calls.length;
  };
  expect(rings(logOf(0), call(1))).toBe(0);
  saveNudge({ ...QUIET, ring: true });
  expect(rings(logOf(0), call(1), call(1), call(1, "ben", true))).toBe(1);
  expect(rings(logOf(0), call(1), call(4)), "each call").toBe(2);
  expect(rings(call(1), call(1)), "on before").toBe(0);
  expect(rings(logOf(0), call(1, "me")), "their own").toBe(0);
  expect(rings(logOf(0), call(1, "ben", true)), "over").toBe(0);
  now = 0;
  heard.mockClear();
  const nudge = new Nudge();
  for (const log of [logOf(0), call(1), call(2), call(3)]) nudge.note(log, false);
  expect(heard, "calls in a row").toHaveBeenCalledTimes(1);
  vi.mocked(performance.now).mockRestore();
});
