// What can go wrong on the way into a call, by the names that browsers and
// servers give it. The words for each, with the way out, are in the dictionaries.

export type Trouble =
  | "mic_denied"
  | "camera_denied"
  | "screen_denied"
  | "mic_missing"
  | "camera_missing"
  | "screen_missing"
  | "mic_busy"
  | "camera_busy"
  | "screen_busy"
  | "speaker_failed"
  | "insecure"
  | "no_lock"
  | "unreachable"
  | "refused"
  | "moved";

export type Device = "mic" | "camera" | "screen";

/** What an error of getUserMedia or getDisplayMedia means for this device. */
export function troubleOf(cause: unknown, device: Device): Trouble {
  if (globalThis.isSecureContext === false) return "insecure";
  switch ((cause as { name?: unknown } | null)?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return `${device}_denied`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `${device}_missing`;
    default:
      // NotReadableError, AbortError, and what browsers made up before these had names.
      return `${device}_busy`;
  }
}

/** About a device and not about the call: gone when the device works. */
export function isVideoTrouble(trouble: Trouble | null): boolean {
  return trouble !== null && /^(mic|camera|screen|speaker)_|^insecure$/.test(trouble);
}
