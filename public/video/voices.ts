// The sound of the participants: hidden audio elements.

export class Voices {
  readonly #root: HTMLElement;
  /** This call's own: another call may have its audio elements in the same place. */
  readonly #elements = new Set<HTMLMediaElement>();

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  play(element: HTMLMediaElement, identity: string): void {
    element.dataset["identity"] = identity;
    this.#elements.add(element);
    this.#root.append(element);
  }

  remove(element: HTMLMediaElement): void {
    if (this.#elements.delete(element)) element.remove();
  }

  clear(): void {
    for (const element of this.#elements) element.remove();
    this.#elements.clear();
  }

  /** Only members are heard. */
  muteAllBut(members: ReadonlySet<string>): void {
    for (const element of this.#elements) element.muted = !members.has(element.dataset["identity"] ?? "");
  }
}
