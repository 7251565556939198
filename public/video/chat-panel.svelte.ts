// The chat of a call: beside the stage where there is room for both, else a sheet over it.

import { tick, untrack } from "svelte";
import { MediaQuery } from "svelte/reactivity";
import { cover } from "../session/chat-cover.svelte";

/** There is room for both, side by side or one above the other. */
const BOTH = "(min-width: 900px) and (min-height: 500px), (min-width: 600px) and (min-height: 900px)";
/** What Escape closes before the sheet. */
const OPEN = "dialog[open], #composing, main [role=listbox]";

const chat = () => document.querySelector<HTMLElement>(".room > main");

export class ChatPanel {
  readonly #both = new MediaQuery(BOTH);
  readonly #toOpener: () => void;
  #beside = $state(true);
  #sheet = $state(false);
  #escapes = false;
  /** The button that closes the sheet. */
  closer: HTMLElement | null = $state(null);

  /** Within a component. `toOpener` focuses the button that opens the chat. */
  constructor(toOpener: () => void) {
    this.#toOpener = toOpener;
    let before = this.#both.current;
    $effect(() => {
      const both = this.#both.current;
      // A keyboard on the screen leaves less room: the chat stays open while the user writes.
      if (before && !both) this.#sheet = chat()?.contains(document.activeElement) ?? false;
      before = both;
      cover.on = !this.shown;
    });
    $effect(() => () => (cover.on = false));
  }

  /** The call takes the whole window, and the chat lies over it. */
  get covers(): boolean {
    return !this.#both.current;
  }

  get shown(): boolean {
    return this.covers ? this.#sheet : this.#beside;
  }

  /** The chat lies over the call now: nothing else is to be reached. */
  get over(): boolean {
    return this.covers && this.#sheet;
  }

  toggle(): void {
    void (this.shown ? this.close() : this.#open());
  }

  async close(): Promise<void> {
    this.#set(false);
    await tick();
    this.#toOpener();
  }

  /** Before the page handles a key: what it closes is still there. */
  beforeKey(): void {
    this.#escapes = document.querySelector(OPEN) === null;
  }

  afterKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !this.#escapes) return;
    event.preventDefault();
    void this.close();
  }

  /** On a touch screen a focused field brings the keyboard: there the button to close has the focus. */
  async #open(): Promise<void> {
    this.#set(true);
    await tick();
    const field = chat()?.querySelector<HTMLElement>("textarea");
    if (matchMedia("(pointer: fine)").matches) field?.focus();
    else this.closer?.focus();
  }

  #set(shown: boolean): void {
    if (untrack(() => this.covers)) this.#sheet = shown;
    else this.#beside = shown;
  }
}
