import { describe, expect, test } from "vitest";
import { hasMarks, isEmojiAlone } from "./marks";
import { type Block, type Names, parseMarkdown, type Span } from "./markdown";

const NAMES: Names = {
  all: new Set(["ann", "ben", "ben hur", "guest 7", "анна", "a_b*"]),
  longest: 7,
  me: "ann",
};

/** In short: what stands in marks, in which. */
function spans(of: readonly Span[]): string {
  return of
    .map((span) => {
      switch (span.is) {
        case "text":
          return span.text;
        case "code":
          return `<code>${span.text}</code>`;
        case "link":
          return `<a ${span.href}>${span.text}</a>`;
        case "mention":
          return `<${span.me ? "me" : "at"}>${span.text}</>`;
        default:
          return `<${span.is}>${spans(span.spans)}</${span.is}>`;
      }
    })
    .join("");
}

function blocks(of: readonly Block[]): string {
  return of
    .map((block) => {
      switch (block.is) {
        case "text":
          return spans(block.spans);
        case "code":
          return `<pre ${block.language}>${block.text}</pre>`;
        case "quote":
          return `<quote>${blocks(block.blocks)}</quote>`;
        case "list":
          return `<list ${block.numbers ?? "-"}>${block.items.map((item) => `<li>${blocks(item)}</li>`).join("")}</list>`;
      }
    })
    .join("|");
}

const read = (text: string) => blocks(parseMarkdown(text, NAMES));

describe("styles", () => {
  test.each([
    ["**bold** and __bold__", "<strong>bold</strong> and <strong>bold</strong>"],
    ["*it* and _it_", "<em>it</em> and <em>it</em>"],
    ["~~gone~~", "<del>gone</del>"],
    ["***both***", "<em><strong>both</strong></em>"],
    ["**bold *and it***", "<strong>bold <em>and it</em></strong>"],
    ["*it **and bold***", "<em>it <strong>and bold</strong></em>"],
    ["**a ~~b _c_~~**", "<strong>a <del>b <em>c</em></del></strong>"],
    ["(**a**), «*b*»!", "(<strong>a</strong>), «<em>b</em>»!"],
    ["**две\nстроки**", "<strong>две\nстроки</strong>"],
    ["这是**粗体**文字", "这是<strong>粗体</strong>文字"],
    ["👍**a**👍", "👍<strong>a</strong>👍"],
  ])("%j", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test.each([
    "2*3*4 = 24",
    "2**3 + 4**5",
    "a ** b ** c",
    "snake_case_name and __dunder",
    "alone *",
    "**not closed",
    "not *closed",
    "~one~ and ~~~three~~~",
    "****",
    "**** x ****",
    "a*",
    "¯\\_(ツ)_/¯",
    "5 > 3 < 7",
    ">_<",
    ">:(",
    ">",
    "> ",
    "1999. What a year",
    "007. Bond",
    "01. 02. 2026",
    "#tag # heading",
    "-dash --- dash",
    "1.5 and 2)",
    "2026.",
    "mail ann@example.com",
    "<b>no</b> &amp; <script>",
  ])("%j is as it was written", (text) => {
    expect(read(text)).toBe(text);
  });

  test("a mark that others cross is text, and each style ends where it began", () => {
    expect(read("*a **b* c**")).toBe("<em>a **b</em> c**");
    expect(read("**a* b")).toBe("**a* b");
    expect(read("***a* b**")).toBe("<strong><em>a</em> b</strong>");
  });

  test("no mark parts a letter from what joins it", () => {
    expect(read("**\u0301\u0301**")).toBe("**\u0301\u0301**");
    expect(read("**x**\u0301")).toBe("**x**\u0301");
  });
});

describe("code", () => {
  test.each([
    ["`a*b*c`", "<code>a*b*c</code>"],
    ["`` a`b ``", "<code>a`b</code>"],
    ["**`x`**", "<strong><code>x</code></strong>"],
    [
      "`https://example.com/` https://example.com/",
      "<code>https://example.com/</code> <a https://example.com/>https://example.com/</a>",
    ],
    ["one ` alone", "one ` alone"],
    ["``", "``"],
    ["` `", "` `"],
    ["`@ann`", "<code>@ann</code>"],
  ])("%j", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test("a block keeps its white space, its blank lines and all marks, and names its language", () => {
    expect(read("see\n\n```ts\n  a *b*\n\n> c\n```\n\nafter")).toBe("see|<pre ts>  a *b*\n\n> c</pre>|after");
    expect(read("```\na\n````")).toBe("<pre >a</pre>");
    expect(read("~~~\n```\n~~~")).toBe("<pre >```</pre>");
    expect(read("```rust\nopen")).toBe("<pre rust>open</pre>");
    expect(read("```in `line` code```")).not.toContain("<pre");
  });
});

test("what stands behind a fence is the language, or the first line of the code: no word vanishes", () => {
  expect(read("```SELECT name FROM t\nWHERE x\n```")).toBe("<pre >SELECT name FROM t\nWHERE x</pre>");
  expect(read("~~~ a b")).toBe("<pre >a b</pre>");
  expect(read("```SELECT")).toBe("<pre >SELECT</pre>");
  expect(read(`\`\`\`${"x".repeat(20)}\ny`)).toBe(`<pre ${"x".repeat(20)}>y</pre>`);
  expect(read(`\`\`\`${"x".repeat(21)}\ny`)).toBe(`<pre >${"x".repeat(21)}\ny</pre>`);
});

describe("blocks", () => {
  test.each([
    ["> a\n> *b*\nc", "<quote>a\n<em>b</em></quote>|c"],
    ["> > a", "<quote><quote>a</quote></quote>"],
    ["a\n> b", "a|<quote>b</quote>"],
    ["- a\n- **b**", "<list -><li>a</li><li><strong>b</strong></li></list>"],
    ["* a\n+ b", "<list -><li>a</li><li>b</li></list>"],
    ["3. a\n4. b", "<list 3,4><li>a</li><li>b</li></list>"],
    ["1. a\n3. b\n2) c", "<list 1,3,2><li>a</li><li>b</li><li>c</li></list>"],
    ["0. a", "<list 0><li>a</li></list>"],
    ["> a\n>\n>> b", "<quote>a|<quote>b</quote></quote>"],
    [">>b", "<quote>>b</quote>"],
    ["- a\n1. b", "<list -><li>a</li></list>|<list 1><li>b</li></list>"],
    ["- a\n  - b\n  more\n- c", "<list -><li>a|<list -><li>b</li></list>|more</li><li>c</li></list>"],
    ["words\n- a\n\nmore", "words|<list -><li>a</li></list>|more"],
    ["- ```\n  x\n  ```", "<list -><li><pre >x</pre></li></list>"],
    ["> - a", "<quote><list -><li>a</li></list></quote>"],
    ["a\n\n  b", "a\n\n  b"],
  ])("%j", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test("deep ones end in text", () => {
    expect(read(`${"> ".repeat(9)}x`)).toBe(`${"<quote>".repeat(4)}${"> ".repeat(5)}x${"</quote>".repeat(4)}`);
    expect(read(`${"- ".repeat(9)}x`).match(/<list/g)).toHaveLength(4);
  });
});

describe("links and mentions", () => {
  test("an address is a link as it is, whatever marks it has", () => {
    expect(read("**https://example.com/a_b_c**")).toBe(
      "<strong><a https://example.com/a_b_c>https://example.com/a_b_c</a></strong>",
    );
    expect(read("[x](javascript:alert(1))")).toBe("[x](javascript:alert(1))");
  });

  test.each([
    ["@ben, hi", "<at>@ben</>, hi"],
    ["@Ann!", "<me>@Ann</>!"],
    ["**@ann**", "<strong><me>@ann</></strong>"],
    ["@ben hur rides", "<at>@ben hur</> rides"],
    ["@Guest 7.", "<at>@Guest 7</>."],
    ["@a_b* *x*", "<at>@a_b*</> <em>x</em>"],
    ["привет, @анна", "привет, <at>@анна</>"],
    ["@benny and @nobody", "@benny and @nobody"],
    ["x@ben ben@ann @@ben", "x@ben ben@ann @@ben"],
    ["https://example.com/@ben", "<a https://example.com/@ben>https://example.com/@ben</a>"],
  ])("%j", (text, expected) => {
    expect(read(text)).toBe(expected);
  });
});

test("the work grows with the text, whatever it holds, and nothing nests without end", () => {
  const kinds = [
    "*a ",
    "_a ",
    "**a",
    "`",
    "``` ",
    "> ",
    "- ",
    "  - a\n",
    "~~a ",
    "@ben",
    "@",
    "*_**",
    "a*b_",
    "1. ",
    "` ",
    "```\n",
    "\n",
    "  x\n- ",
  ];
  for (const kind of kinds) {
    const out = parseMarkdown(kind.repeat(20_000), NAMES);
    const depth = (of: readonly unknown[]): number =>
      Math.max(
        0,
        ...of
          .slice(0, 100)
          .map((node) => 1 + depth(Object.values(node as object).flatMap((v) => (Array.isArray(v) ? v.flat() : [])))),
      );
    expect(depth(out), kind).toBeLessThan(40);
  }
});

test("plain talk needs no second reading", () => {
  for (const text of ["hello", "1.5 is less than 2", "see https://example.com/a?b=c", "- ", "<b>"])
    expect(hasMarks(text), text).toBe(text === "- ");
  for (const text of ["**a**", "x\n> y", "- a", "@ann", "`a`", "~~a~~", "1. a"])
    expect(hasMarks(text), text).toBe(true);
});

test("emoji alone are told from digits and words", () => {
  for (const text of ["👍", "❤️", "👩‍🚀", "🇩🇪", "👍🏽", "😀 😀 😀"]) expect(isEmojiAlone(text), text).toBe(true);
  for (const text of ["1", "#", "a👍", "👍 ok", "😀😀😀😀", "", "©x"]) expect(isEmojiAlone(text), text).toBe(false);
});
