// What a browser needs for a call, asked before LiveKit's library is loaded.

/** Why there can be no call in this browser. */
export type CallObstacle = "no_webrtc" | "no_lock" | "insecure_lock";

/** As LiveKit's `isE2EESupported`, which comes with the library. */
function canTransform(): boolean {
  const sender: object | undefined = globalThis.RTCRtpSender?.prototype;
  return "RTCRtpScriptTransform" in globalThis || (sender !== undefined && "createEncodedStreams" in sender);
}

/** `encrypted`: the room has a key, so nothing is sent without it. */
export function callObstacle(encrypted: boolean): CallObstacle | null {
  // Extensions for privacy set it to undefined.
  if (typeof RTCPeerConnection === "undefined") return "no_webrtc";
  if (!encrypted) return null;
  // Browsers encrypt only on pages that came by https, or from this machine.
  if (crypto.subtle === undefined) return "insecure_lock";
  return canTransform() ? null : "no_lock";
}
