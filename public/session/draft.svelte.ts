// What is written and not sent: it outlives the view, and a reload of its tab.

import { loadDraft, loadReply, saveDraft, saveReply } from "../storage/storage";

export class Draft {
  readonly #key: string;
  #text = $state("");
  #replyTo: number | null = $state(null);

  constructor(key: string) {
    this.#key = key;
    this.#text = loadDraft(key);
    this.#replyTo = loadReply(key);
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text;
    saveDraft(this.#key, text);
  }

  /** Words that were not sent go before it. */
  putBack(texts: readonly string[]): void {
    if (texts.length > 0) this.text = [...texts, this.#text].filter((text) => text !== "").join("\n");
  }

  get replyTo(): number | null {
    return this.#replyTo;
  }

  set replyTo(seq: number | null) {
    if (seq === this.#replyTo) return;
    this.#replyTo = seq;
    saveReply(this.#key, seq);
  }
}
