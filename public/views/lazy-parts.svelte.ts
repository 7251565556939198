// The lazily loaded parts of the page. After an upgrade of the server, an older page asks for parts that are gone.

import { untrack } from "svelte";

class LazyParts {
  /** A part could not be fetched: the page is older than the server, or the network failed. */
  problem: "old" | "away" | null = $state(null);

  async fetch<T>(load: () => Promise<T>): Promise<T> {
    try {
      return await load();
    } catch (cause) {
      this.problem = (await isOld()) ? "old" : "away";
      throw cause;
    }
  }
}

/** Whether the server now serves another page than this one. */
async function isOld(): Promise<boolean> {
  const script = document.querySelector<HTMLScriptElement>("script[type=module][src]");
  if (!script) return false;
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const name = new URL(script.src, location.href).pathname.split("/").at(-1)!;
    return answer.ok && !(await answer.text()).includes(name);
  } catch {
    return false;
  }
}

export const lazyParts = new LazyParts();

/** Milliseconds before a part that could not be fetched may be asked for again: every key press may want it. */
export const AGAIN_AFTER = 10_000;

/** A part that is drawn as soon as it has come; null until then. */
export class LazyPart<T> {
  now: T | null = $state.raw(null);
  /** It could not be fetched, and is not being asked for again. */
  failed = $state(false);
  readonly #load: () => Promise<T>;
  #asked = false;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /**
   * Fetches it once. What failed is told by `lazyParts`, and may be wanted again later (in Firefox a reload is needed).
   * An old page gets none of its parts any more. `again`: one that failed need not wait.
   */
  want(again = false): void {
    untrack(() => {
      if (this.#asked && !(again && this.failed)) return;
      this.failed = lazyParts.problem === "old";
      if (this.failed) return;
      this.#asked = true;
      lazyParts.fetch(this.#load).then(
        (part) => (this.now = part),
        () => {
          this.failed = true;
          setTimeout(() => (this.#asked = this.#asked && !this.failed), AGAIN_AFTER);
        },
      );
    });
  }
}
