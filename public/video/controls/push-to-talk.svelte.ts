// Push-to-talk: a muted user speaks while a key or the microphone's button is held.

import { loadTalk, saveTalk } from "../../storage/call";

export type TalkMic = { readonly on: boolean; set(on: boolean): void };

/** What keeps the key to itself: text, and controls that Space presses. */
const TAKES_SPACE =
  "input, textarea, select, button, a, summary, audio, video, [contenteditable]:not([contenteditable=false]), [role=button], [role=menuitem], [role=option], [role=switch], [role=tab], dialog";

export function takesSpace(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(TAKES_SPACE) !== null;
}

export class PushToTalk {
  /** The option. Off by default. */
  enabled = $state(loadTalk());
  /** The user is heard because they hold. */
  holding = $state(false);
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
    if (event.code !== "Space" || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (!this.enabled || takesSpace(event.target)) return;
    if (!event.repeat) this.press();
    // Space would scroll the page.
    if (this.holding) event.preventDefault();
  }

  /** Wherever the focus is by now. */
  onKeyUp(event: KeyboardEvent): void {
    if (event.code === "Space") this.release();
  }
}
