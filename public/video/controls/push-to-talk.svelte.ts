// Push-to-talk: a muted user speaks while a key or the microphone's button is held.

import { loadTalk, saveTalk } from "../../storage/call";

export type TalkMic = { readonly on: boolean; set(on: boolean): void };

/** What keeps the key to itself: text, and controls that Space presses. */
const TAKES_SPACE =
  "input, textarea, select, button, a, summary, audio, video, [contenteditable]:not([contenteditable=false]), [role=button], [role=menuitem], [role=option], [role=switch], [role=tab], dialog";

/** The buttons of the call: who has just muted has the focus there. Enter presses them. */
const GIVES_SPACE = ["stage", "small"].map((of) => `.${of} [role=toolbar] button:not([role=menuitem])`).join();

function takesSpace(target: EventTarget | null): boolean {
  // No `instanceof`: of the small window's document the classes are others.
  const element = target as Partial<Element> | null;
  return !element?.closest?.(GIVES_SPACE) && Boolean(element?.closest?.(TAKES_SPACE));
}

export class PushToTalk {
  /** The option. Off by default. */
  enabled = $state(loadTalk());
  /** The user is heard because they hold. */
  holding = $state(false);
  /** The key is down for this, whatever has the focus by now. */
  #taken = false;
  readonly #mic: TalkMic;

  constructor(mic: TalkMic) {
    this.#mic = mic;
  }

  enable(on: boolean): void {
    if (!on) this.release();
    this.enabled = on;
    saveTalk(on);
  }

  /** Whether that began to hold: who is not muted speaks anyway. */
  press(): boolean {
    if (!this.enabled || this.holding || this.#mic.on) return false;
    this.holding = true;
    this.#mic.set(true);
    return true;
  }

  release(): void {
    if (!this.holding) return;
    this.holding = false;
    // Muted by other means meanwhile: nothing is left to do.
    if (this.#mic.on) this.#mic.set(false);
  }

  onKeyDown(event: KeyboardEvent): void {
    if (event.code !== "Space") return;
    if (!event.repeat) this.#taken = this.#takes(event);
    // Space would scroll the page, or press a button.
    if (this.#taken) event.preventDefault();
  }

  /** Wherever the focus is by now. */
  onKeyUp(event: KeyboardEvent): void {
    if (event.code !== "Space") return;
    // Firefox presses a button when the key is released.
    if (this.#taken) event.preventDefault();
    this.#taken = false;
    this.release();
  }

  #takes(event: KeyboardEvent): boolean {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return false;
    return this.enabled && !takesSpace(event.target) && (this.press() || this.holding);
  }
}
