// Timers by name: a new one replaces the one of the same name.

export type Timers = {
  set(ms: number, then: () => void): number;
  clear(id: number): void;
};

export class NamedTimers {
  readonly #timers: Timers;
  readonly #running = new Map<string, number>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  has(name: string): boolean {
    return this.#running.has(name);
  }

  set(name: string, ms: number, then: () => void): void {
    this.clear(name);
    const id = this.#timers.set(ms, () => {
      this.#running.delete(name);
      then();
    });
    this.#running.set(name, id);
  }

  clear(name: string): void {
    const id = this.#running.get(name);
    if (id !== undefined) this.#timers.clear(id);
    this.#running.delete(name);
  }

  clearAll(): void {
    for (const name of [...this.#running.keys()]) this.clear(name);
  }
}
