import data from "emojibase-data/en/data.json";
import { describe, expect, test } from "vitest";
import { isEmoji, OFFERED } from "../log/reactions";
import { utf8Length } from "../protocol/text";
import { EMOJI_NAMES } from "../views/emoji-names";
import { loadEmoji, search, TONES, withTone } from "./emoji";
import { PICKER } from "./texts";

const found = async (language: "en" | "ru", query: string) =>
  search(await loadEmoji(language), query).map(({ emoji }) => emoji);

describe("the picker's emoji", () => {
  test("are each one emoji for the server, with every tone", async () => {
    const groups = await loadEmoji("en");
    expect(groups).toHaveLength(PICKER.en.groups.length);
    expect(PICKER.ru.groups).toHaveLength(groups.length);
    const all = groups.flat();
    expect(all.length).toBeGreaterThan(1_700);
    const every = all.flatMap((one) => TONES.map((tone) => withTone(one, tone)));
    expect(every.filter((emoji) => !isEmoji(emoji) || utf8Length(emoji) > 64)).toEqual([]);
    expect(new Set(all.map(({ emoji }) => emoji)).size, "each once").toBe(all.length);
    expect(all.map(({ emoji }) => emoji).filter((emoji) => /\p{Emoji_Presentation}\ufe0f/u.test(emoji))).toEqual([]);
    for (const emoji of [...OFFERED, ...EMOJI_NAMES.map((one) => one.emoji)])
      expect(all.map((one) => one.emoji)).toContain(emoji);
  });

  test("take a tone as Unicode spells it", async () => {
    const known = new Set(
      (data as { skins?: { emoji: string }[] }[]).flatMap(({ skins = [] }) => skins.map((s) => s.emoji)),
    );
    const toned = (await loadEmoji("en")).flat().filter((one) => one.toned);
    expect(toned.length).toBeGreaterThan(250);
    const every = toned.flatMap((one) => TONES.slice(1).map((tone) => withTone(one, tone)));
    expect(every.filter((emoji) => !known.has(emoji))).toEqual([]);
    const [family] = await found("en", "family");
    expect(withTone({ emoji: family!, label: "", words: "", toned: false }, TONES[3])).toBe(family);
  });

  test("are the same in both languages, and found by the words of each", async () => {
    const [en, ru] = [await loadEmoji("en"), await loadEmoji("ru")];
    expect(ru.map((group) => group.map(({ emoji }) => emoji))).toEqual(
      en.map((group) => group.map(({ emoji }) => emoji)),
    );
    expect(await found("en", "Pizza")).toContain("🍕");
    expect(await found("en", " wav han ")).toContain("👋");
    expect(await found("ru", "ПИЦЦА")).toContain("🍕");
    expect(await found("ru", "до слёз"), "е for ё").toContain("😂");
    const hearts = await found("en", "heart");
    const at = (emoji: string) => hearts.indexOf(emoji);
    expect(at("❤️"), "a word of the name before its beginning, then what it is like").toBeLessThan(at("🥰"));
    expect(at("🥰")).toBeLessThan(at("😉"));
    expect((await found("ru", "сердце")).indexOf("❤️")).toBeLessThan(15);
    expect(await found("en", "🍕")).toEqual(["🍕"]);
    expect(await found("en", "qwerty")).toEqual([]);
    expect(await found("en", "?!")).toEqual([]);
  });
});
