import { flushSync, mount, unmount } from "svelte";
import { expect, test } from "vitest";
import { isolateName } from "../log/display-text";
import LiveText from "./LiveText.svelte";

/** What Chrome does to a page that it translates: an element of its own stands where the text was. */
function translate(node: Node): void {
  for (const child of [...node.childNodes]) {
    if (child instanceof Element && child.getAttribute("translate") === "no") continue;
    if (!(child instanceof Text)) translate(child);
    else if (child.data.trim() !== "") {
      const font = document.createElement("font");
      font.innerHTML = "<font></font>";
      font.firstElementChild!.textContent = `[${child.data}]`;
      child.replaceWith(font);
    }
  }
}

test("a sentence changes and goes although the browser has translated it, and a name in it is left alone", () => {
  const props = $state({ text: `${isolateName("Bot")} is typing` });
  const target = document.createElement("p");
  const says = mount(LiveText, { target, props });
  expect(target.querySelector("bdi")?.textContent).toBe("Bot");
  translate(target);
  expect(target.textContent).toBe("Bot[ is typing]");
  props.text = `${isolateName("Ann")} is typing`;
  flushSync();
  expect(target.textContent).toBe("Ann is typing");
  translate(target);
  props.text = "";
  flushSync();
  expect(target.textContent).toBe("");
  props.text = "Connected again.";
  flushSync();
  translate(target);
  void unmount(says);
  expect(target.textContent).toBe("");
});
