import { describe, expect, test } from "vitest";
import type { Entry } from "../log/state";
import { en } from "../i18n/encryption/en";
import { ru } from "../i18n/encryption/ru";
import { EXPLANATION, explain } from "./explanation";
import { isMostlyUndecryptable, encryptionState, summarize, type EncryptionFacts } from "./summary";

const line = (encryption?: "undecryptable" | "unencrypted"): Entry => ({
  kind: "entry",
  key: 1,
  seq: 1,
  from: "a",
  user: "A",
  text: "x",
  at: 0,
  mine: false,
  ...(encryption ? { encryption } : {}),
});
/** With what the explanation depends on besides. */
type Facts = EncryptionFacts & { https: boolean };
const state = (over: Partial<Facts> = {}): Facts => ({
  key: true,
  canEncrypt: true,
  https: true,
  lines: [line()],
  ...over,
});

const STATES = {
  sealed: [state(), state({ lines: [] }), state({ lines: [line(), line("undecryptable")] }), state({ https: false })],
  mixed: [
    state({ lines: [line("unencrypted")] }),
    state({ lines: [line(), line("unencrypted"), line("undecryptable")] }),
  ],
  keyless: [
    state({ key: false, lines: [line("undecryptable")] }),
    state({ key: false, lines: [line(), line("undecryptable")] }),
  ],
  plain: [state({ key: false }), state({ key: false, lines: [] }), state({ key: false, https: false })],
  insecure: [
    state({ key: false, canEncrypt: false, https: false }),
    state({ key: false, canEncrypt: false, https: false, lines: [line("undecryptable")] }),
    state({ key: false, canEncrypt: false }),
  ],
  unusable: [state({ canEncrypt: false, https: false }), state({ canEncrypt: false, lines: [line("unencrypted")] })],
} as const;

/** Every state that there can be. */
const every = [true, false].flatMap((key) =>
  [true, false].flatMap((canEncrypt) =>
    [true, false].flatMap((https) =>
      [
        [],
        [line()],
        [line("unencrypted")],
        [line("undecryptable")],
        [line(), line("unencrypted"), line("undecryptable")],
      ].map((lines): Facts => ({
        key,
        canEncrypt,
        https,
        lines,
      })),
    ),
  ),
);

test.each(Object.entries(STATES))("the state is known: %s", (secrecy, states) => {
  for (const state of states) expect(encryptionState(state)).toBe(secrecy);
});

describe.each([
  ["en", en, EXPLANATION.en],
  ["ru", ru, EXPLANATION.ru],
])("the summary in %s", (_, texts, explanation) => {
  const says = (state: Facts) => {
    const { title, banner } = summarize(state, texts);
    return [title, ...explain(encryptionState(state), state.https, explanation), banner].join(" ");
  };

  test("claim end-to-end encryption only where all that stands in the log has it", () => {
    const claims = (state: EncryptionFacts) => summarize(state, texts).title === texts.titles.sealed;
    for (const state of every) {
      const has =
        state.key &&
        state.canEncrypt &&
        !state.lines.some((line) => line.kind === "entry" && line.encryption === "unencrypted");
      expect(claims(state), JSON.stringify(state)).toBe(has);
    }
  });

  test("the word beside the lock says Encrypted just where the title claims it, and Not encrypted for no part of it", () => {
    for (const state of every) {
      const { state: is, title, word } = summarize(state, texts);
      expect(word === texts.sealed, JSON.stringify(state)).toBe(title === texts.titles.sealed);
      expect(word === texts.titles.insecure, JSON.stringify(state)).toBe(
        is === "plain" || is === "keyless" || is === "insecure",
      );
    }
  });

  test("claim a protected way only over https, and ask for https only where it is missing", () => {
    for (const state of every) {
      const said = says(state);
      if (!state.https) expect(said, JSON.stringify(state)).not.toContain(explanation.byHttps);
      expect(said.includes(explanation.needsHttps[0]!), JSON.stringify(state)).toBe(!state.canEncrypt && !state.https);
      expect(said.includes(explanation.needsBrowser[0]!), JSON.stringify(state)).toBe(!state.canEncrypt && state.https);
    }
  });

  test("say that nothing is sent exactly where nothing is", () => {
    for (const state of every)
      expect(summarize(state, texts).banner === texts.nothingSent, JSON.stringify(state)).toBe(
        state.key && !state.canEncrypt,
      );
  });

  test("speak of a missing key only where there is none, and of another one only where there is one", () => {
    for (const state of every) {
      const { banner } = summarize(state, texts);
      if (banner === texts.otherKey) expect(state.key && state.canEncrypt).toBe(true);
      if (banner === texts.noKey) expect(!state.key && state.canEncrypt).toBe(true);
      if (banner === texts.noKeyHere) expect(!state.key && !state.canEncrypt).toBe(true);
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
    [[line(), line(), line("undecryptable")], false],
    [[line(), line("undecryptable")], false],
    [[line("unencrypted"), line("undecryptable"), line("undecryptable")], true],
    [[line("undecryptable")], true],
  ] as const) {
    expect(isMostlyUndecryptable(lines)).toBe(most);
    const { banner, closes } = summarize(state({ lines }), texts);
    expect([banner, closes]).toEqual([most ? texts.otherKey : "", true]);
  }
  expect(
    summarize(state({ canEncrypt: false, lines: [] }), texts).closes,
    "what keeps everything from being sent stays",
  ).toBe(false);
});
