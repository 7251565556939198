import { flushSync, mount, unmount } from "svelte";
import { beforeEach, expect, test } from "vitest";
import { i18n } from "../i18n/i18n.svelte";
import type { Entry, Reaction } from "../log/state";
import Reactions from "./Reactions.svelte";

const KINDS = 50;
const PEOPLE = 20;

beforeEach(() => i18n.switch("en"));

test("a thousand reactions on a message are looked through a few times, not once for each button", () => {
  let reads = 0;
  const reactions = Array.from({ length: KINDS * PEOPLE }, (_, i): Reaction => {
    const emoji = String.fromCodePoint(0x1f1e6 + Math.floor((i % KINDS) / 26), 0x1f1e6 + ((i % KINDS) % 26));
    const person = Math.floor(i / KINDS);
    return {
      seq: i + 2,
      from: `member ${person}`,
      user: `Member ${person}`,
      emoji,
      get on() {
        reads += 1;
        return true;
      },
      get mine() {
        reads += 1;
        return person === 0;
      },
    };
  });
  const line: Entry = {
    kind: "entry",
    key: 1,
    seq: 1,
    from: "ben",
    user: "Ben",
    text: "many",
    at: 0,
    mine: false,
    reactions,
  };
  const target = document.createElement("div");
  const props = { line, me: { clientId: "member 0", user: "Member 0" }, outgoing: [], react() {} };
  const view = mount(Reactions, { target, props });
  flushSync();
  expect(target.querySelectorAll("button")).toHaveLength(KINDS);
  expect(target.querySelectorAll("[aria-pressed=true]")).toHaveLength(KINDS);
  const tips = [...target.querySelectorAll(".tip")].map((tip) => tip.textContent!.trim());
  expect(tips[0]).toMatch(/^Member 0, .*Member 7, and 12 others$/);
  // Counted once, and searched once for one's own; then each button looks at its own 50 alone.
  expect(reads).toBeLessThanOrEqual(2 * KINDS * PEOPLE + 3 * KINDS * KINDS);
  void unmount(view);
});
