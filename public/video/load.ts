// The door to the video part of the page: a chunk of its own, with LiveKit's
// library in it, that nobody loads who only talks.

let part: Promise<typeof import("./VideoCall.svelte")> | null = null;

export function loadVideo(): Promise<typeof import("./VideoCall.svelte")> {
  part ??= import("./VideoCall.svelte");
  // What failed once may come the next time.
  part.catch(() => (part = null));
  return part;
}

/** Somebody is about to ask for it. */
export function preloadVideo(): void {
  loadVideo().catch(() => {});
}
