import { flushSync, mount, unmount } from "svelte";
import { expect, test } from "vitest";
import MarkedText from "./MarkedText.svelte";

const member = (user: string) => ({ clientId: user.toLowerCase(), user, joinedAt: 0 });

function drawn(text: string, { members = [member("Ann"), member("Ben")], me = { clientId: "ann", user: "Ann" } } = {}) {
  const target = document.createElement("div");
  const view = mount(MarkedText, { target, props: { text, members, me } });
  flushSync();
  return { target, end: () => void unmount(view) };
}

test("marks are elements, and nothing that looks like HTML is", () => {
  const { target, end } = drawn("**<b>x</b>** and `<img src=x>`\n> *q*\n- one\n- ~~two~~\n1. a\n5. b");
  expect(target.querySelector("strong")!.textContent).toBe("<b>x</b>");
  expect(target.querySelector("code")!.textContent).toBe("<img src=x>");
  expect(target.querySelector("blockquote em")!.textContent).toBe("q");
  expect([...target.querySelectorAll("ul li")].map((li) => li.textContent)).toEqual(["one", "two"]);
  expect([...target.querySelectorAll("ol li")].map((li) => li.getAttribute("value"))).toEqual(["1", "5"]);
  expect(target.querySelector("ul li")!.hasAttribute("value")).toBe(false);
  expect(target.querySelectorAll("b, img")).toHaveLength(0);
  end();
});

test("no white space is added, and that of a block of code stays", () => {
  const { target, end } = drawn("a **b** _c_ `d`\n```js\n  x\n\ny\n```");
  expect(target.querySelector(".words")!.textContent).toBe("a b c d");
  expect(target.querySelector("pre")!.textContent).toBe("  x\n\ny");
  expect(target.querySelector(".language")!.textContent).toBe("js");
  end();
});

test("a member that is here is mentioned, and one's own name is told apart", () => {
  const { target, end } = drawn("@ben and @ann, not @cat");
  expect([...target.querySelectorAll(".mention")].map((m) => [m.textContent, m.classList.contains("me")])).toEqual([
    ["@ben", false],
    ["@ann", true],
  ]);
  end();
});
