// How a page connects to LiveKit.

import type { Room } from "livekit-client";
import type { LiveKitToken } from "../protocol/livekit-token";

/** An address without LiveKit may never answer. */
const CONNECT_TIMEOUT = 20_000;
const SIGNAL_TIMEOUT = 10_000;

export async function connect(room: Room, { livekitUrl, token }: LiveKitToken): Promise<void> {
  let timer = 0;
  const late = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => reject(new Error("no LiveKit answers there")), CONNECT_TIMEOUT);
  });
  try {
    await Promise.race([room.connect(livekitUrl, token, { websocketTimeout: SIGNAL_TIMEOUT, maxRetries: 1 }), late]);
  } finally {
    window.clearTimeout(timer);
  }
}
