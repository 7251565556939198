// What the composer is at beside the draft: another text for a message that was sent.

import type { Entry } from "../log/state";

export class Composing {
  /** The message that is edited, by its number. */
  editing: number | null = $state(null);
  /** Its new text: the draft stays where it is. */
  text = $state("");
  /** Set by the composer. */
  focus: () => void = () => {};

  edit({ seq, text }: Entry): void {
    this.text = text;
    this.editing = seq;
    this.focus();
  }

  end(): void {
    this.editing = null;
    this.text = "";
  }
}
