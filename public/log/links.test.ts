import { describe, expect, test } from "vitest";
import { parseRoomId, ROOM_ID_MAX, roomOfPath, roomPath } from "../protocol/room-id";
import { linkify } from "./links";

const links = (text: string) => linkify(text).flatMap((p) => (p.href ? [p.text] : []));

describe("an address in a message", () => {
  test("becomes a link, without the punctuation around it", () => {
    expect(links("See https://example.org/a?b=c#d.")).toEqual(["https://example.org/a?b=c#d"]);
    expect(links("(http://example.org/x_(y)), and https://пример.рф/путь!")).toEqual([
      "http://example.org/x_(y)",
      "https://пример.рф/путь",
    ]);
    expect(links("**https://example.com/x**… «https://example.com/y»")).toEqual([
      "https://example.com/x",
      "https://example.com/y",
    ]);
  });

  test.each([
    // What may stand at the end of an address stays with it.
    ["https://example.com/some_name_", "https://example.com/some_name_"],
    ["https://parlor.example/r/team_", "https://parlor.example/r/team_"],
    ["https://parlor.example/r/team~", "https://parlor.example/r/team~"],
    ["https://parlor.example/r/team-", "https://parlor.example/r/team-"],
    ["https://parlor.example/r/a#b7_-_", "https://parlor.example/r/a#b7_-_"],
    ["https://example.com/it’s", "https://example.com/it’s"],
    ["https://example.com/boys’", "https://example.com/boys’"],
    ["https://example.com/it's", "https://example.com/it's"],
    // A quotation mark whose partner stands before the address does not.
    ["‘https://example.com/x’", "https://example.com/x"],
    ["'https://example.com/x'", "https://example.com/x"],
    ["‚https://example.com/x‘", "https://example.com/x"],
    ["„https://example.com/x“", "https://example.com/x"],
    ['"https://example.com/x".', "https://example.com/x"],
    // No space stands before the punctuation of Chinese and Japanese.
    ["https://example.com/a，谢谢", "https://example.com/a"],
    ["https://example.com/a、b", "https://example.com/a"],
    ["（https://example.com/x）", "https://example.com/x"],
    ["https://example.com。", "https://example.com"],
    ["https://example.com/路径。", "https://example.com/路径"],
    ["「https://example.com/x」", "https://example.com/x"],
    ["《https://example.com/x》", "https://example.com/x"],
    ["看https://example.com/x！", "https://example.com/x"],
    ["https://example.com/々〇", "https://example.com/々〇"],
    // Nothing that cannot be seen is part of it.
    ["https://example.com/x\u200b", "https://example.com/x"],
    ["https://example.com/\u202egpj", "https://example.com/"],
    ["https://example.com’s page", "https://example.com"],
    ["https://[::1]:8080/r/x", "https://[::1]:8080/r/x"],
    ["http://localhost:8080/r/x_", "http://localhost:8080/r/x_"],
    ["www.example.com", "www.example.com"],
    ["(WWW.example.com/a_).", "WWW.example.com/a_"],
    ["请看www.example.com。", "www.example.com"],
  ])("%s: %s", (text, link) => {
    expect(links(text)).toEqual([link]);
  });

  test("without a scheme leads to https", () => {
    expect(linkify("www.example.com/a")).toEqual([{ text: "www.example.com/a", href: "https://www.example.com/a" }]);
  });

  test("keeps every character of the message", () => {
    for (const text of [
      "",
      "no link",
      "a https://example.org. b\n\n https://example.net",
      "https://",
      "www. www.x 'www.example.com'",
      "（https://example.com/x），",
    ]) {
      expect(
        linkify(text)
          .map((p) => p.text)
          .join(""),
      ).toBe(text);
    }
  });

  test("of any other kind stays text", () => {
    const others = [
      "javascript:alert(1)",
      "data:text/html,x",
      "ftp://example.org",
      "https://",
      "https://bank.example@evil.example/",
      "https://bank.example:443@evil.example/",
      "https://a:b@evil.example",
    ];
    const names = ["www.example", "ann@www.example.com", "xwww.example.com", "example.com", "ftp://www.example.com"];
    for (const text of [...others, ...names]) expect(links(text), text).toEqual([]);
  });

  test("is found in no more time than it takes to read the message", () => {
    for (const text of [")", "(", "www.", "https://", "https://a", "a.", "’"]) {
      const long = `https://x/${text.repeat(40_000)}`;
      expect(
        linkify(long)
          .map((p) => p.text)
          .join("").length,
      ).toBe(long.length);
    }
  });
});

/** Room ids of every kind there is, from a seed. */
function* roomIds(count: number): Generator<string> {
  const ALPHABET = [..."aZ09._~-._~-éяжñßあア々〇漢字ｱＡ１हिन्दी한글עبٍـकक़ÅÇ"];
  let seed = 7;
  const next = (below: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below;
  for (let made = 0; made < count;) {
    const id = parseRoomId(Array.from({ length: 1 + next(12) }, () => ALPHABET[next(ALPHABET.length)]).join(""));
    if (id === null) continue;
    made += 1;
    yield id;
  }
  yield "_".repeat(ROOM_ID_MAX);
  yield "team.";
}

test("a link to a room survives in any sentence, whatever the room is called", () => {
  for (const id of roomIds(500)) {
    const link = new URL(roomPath(id), "https://parlor.example").href;
    for (const text of [
      link,
      `Come to ${link}.`,
      `(${link})`,
      `看${link}。`,
      `${link}, please`,
      `“${link}”`,
      `${link}…`,
      `${link}#b7Zq_-_`,
    ]) {
      const found = linkify(text).find((part) => part.href);
      const url = found && new URL(found.href!);
      expect(url && roomOfPath(url.pathname)?.id, text).toBe(id);
      expect(found?.text.startsWith(link), text).toBe(true);
    }
    // Written by hand, too, where no full stop stands at its end.
    if (!id.endsWith("."))
      expect(links(`https://parlor.example/r/${id}, https://parlor.example/r/${id}`), id).toHaveLength(2);
    if (!id.endsWith("."))
      expect(links(`https://parlor.example/r/${id}`), id).toEqual([`https://parlor.example/r/${id}`]);
  }
});
