// Loads the video chunk with LiveKit's library, which the chat alone does not need.

let part: Promise<typeof import("./VideoCall.svelte")> | null = null;

export function loadVideo(): Promise<typeof import("./VideoCall.svelte")> {
  part ??= import("./VideoCall.svelte");
  // A failed load may succeed the next time.
  part.catch(() => (part = null));
  return part;
}

/** The user is about to open the call. */
export function preloadVideo(): void {
  // A browser without it is told so, and needs no library.
  if (typeof RTCPeerConnection !== "undefined") loadVideo().catch(() => {});
}
