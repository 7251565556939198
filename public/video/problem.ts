// What can go wrong when joining a call, by the names browsers and servers use. The texts, with the way out, are in
// i18n.

export type CallProblem =
  | "mic_denied"
  | "camera_denied"
  | "screen_denied"
  | "mic_missing"
  | "camera_missing"
  | "screen_missing"
  | "mic_busy"
  | "camera_busy"
  | "screen_busy"
  | "mic_ended"
  | "camera_ended"
  | "speaker_failed"
  | "insecure"
  | "no_lock"
  | "unreachable"
  | "refused"
  | "unusable"
  | "moved";

export type Device = "mic" | "camera" | "screen";

/** What an error of getUserMedia or getDisplayMedia means for this device. */
export function problemOf(cause: unknown, device: Device): CallProblem {
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

/** Whether this is over when a device works. */
export function concerns(problem: CallProblem | null, device: "mic" | "camera" | "screen" | "speaker"): boolean {
  return problem === "insecure" || problem?.startsWith(`${device}_`) === true;
}
