import { describe, expect, test } from "vitest";
import type { Entry } from "../log/log";
import { en } from "../i18n/encryption/en";
import { ru } from "../i18n/encryption/ru";
import { isMostlyShut, secrecyOf, sentences, type State } from "./secrecy";

const line = (seal?: "shut" | "bare"): Entry => ({
  kind: "entry",
  key: 1,
  seq: 1,
  from: "a",
  user: "A",
  text: "x",
  at: 0,
  mine: false,
  ...(seal ? { seal } : {}),
});
const state = (over: Partial<State> = {}): State => ({
  key: true,
  canLock: true,
  https: true,
  lines: [line()],
  ...over,
});

const STATES = {
  sealed: [state(), state({ lines: [] }), state({ lines: [line(), line("shut")] }), state({ https: false })],
  mixed: [state({ lines: [line("bare")] }), state({ lines: [line(), line("bare"), line("shut")] })],
  keyless: [state({ key: false, lines: [line("shut")] }), state({ key: false, lines: [line(), line("shut")] })],
  plain: [state({ key: false }), state({ key: false, lines: [] }), state({ key: false, https: false })],
  insecure: [
    state({ key: false, canLock: false, https: false }),
    state({ key: false, canLock: false, https: false, lines: [line("shut")] }),
    state({ key: false, canLock: false }),
  ],
  unusable: [state({ canLock: false, https: false }), state({ canLock: false, lines: [line("bare")] })],
} as const;

/** Every state that there can be. */
const every = [true, false].flatMap((key) =>
  [true, false].flatMap((canLock) =>
    [true, false].flatMap((https) =>
      [[], [line()], [line("bare")], [line("shut")], [line(), line("bare"), line("shut")]].map((lines): State => ({
        key,
        canLock,
        https,
        lines,
      })),
    ),
  ),
);

test.each(Object.entries(STATES))("the state is known: %s", (secrecy, states) => {
  for (const state of states) expect(secrecyOf(state)).toBe(secrecy);
});

describe.each([
  ["en", en],
  ["ru", ru],
])("the sentences in %s", (_, texts) => {
  const says = (state: State) => {
    const { title, text, banner } = sentences(state, texts);
    return [title, ...text, banner].join(" ");
  };

  test("claim end-to-end encryption only where all that stands in the log has it", () => {
    const claims = (state: State) => sentences(state, texts).title === texts.states.sealed.title;
    for (const state of every) {
      const has =
        state.key && state.canLock && !state.lines.some((line) => line.kind === "entry" && line.seal === "bare");
      expect(claims(state), JSON.stringify(state)).toBe(has);
    }
  });

  test("claim a protected way only over https, and ask for https only where it is missing", () => {
    for (const state of every) {
      const said = says(state);
      if (!state.https) expect(said, JSON.stringify(state)).not.toContain(texts.byHttps);
      expect(said.includes(texts.needsHttps[0]!), JSON.stringify(state)).toBe(!state.canLock && !state.https);
      expect(said.includes(texts.needsBrowser[0]!), JSON.stringify(state)).toBe(!state.canLock && state.https);
    }
  });

  test("say that nothing is sent exactly where nothing is", () => {
    for (const state of every)
      expect(sentences(state, texts).banner === texts.nothingSent, JSON.stringify(state)).toBe(
        state.key && !state.canLock,
      );
  });

  test("speak of a missing key only where there is none, and of another one only where there is one", () => {
    for (const state of every) {
      const { banner } = sentences(state, texts);
      if (banner === texts.otherKey) expect(state.key && state.canLock).toBe(true);
      if (banner === texts.noKey) expect(!state.key && state.canLock).toBe(true);
      if (banner === texts.noKeyHere) expect(!state.key && !state.canLock).toBe(true);
    }
  });

  test("differ from state to state", () => {
    const all = Object.values(STATES).map(([state]) => says(state!));
    expect(new Set(all).size).toBe(all.length);
  });
});

test("one line that cannot be read makes no banner, most of them do, and that one closes", () => {
  const texts = en;
  for (const [lines, most] of [
    [[], false],
    [[line(), line(), line("shut")], false],
    [[line(), line("shut")], false],
    [[line("bare"), line("shut"), line("shut")], true],
    [[line("shut")], true],
  ] as const) {
    expect(isMostlyShut(lines)).toBe(most);
    const { banner, closes } = sentences(state({ lines }), texts);
    expect([banner, closes]).toEqual([most ? texts.otherKey : "", true]);
  }
  expect(
    sentences(state({ canLock: false, lines: [] }), texts).closes,
    "what keeps everything from being sent stays",
  ).toBe(false);
});
