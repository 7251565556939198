// Waits for this many milliseconds.

export function pause(time: number): Promise<void> {
  return new Promise((then) => window.setTimeout(then, time));
}
