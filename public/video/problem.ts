// What can go wrong on the way into a call, by the names that browsers and
// servers give it. The words for each, with the way out, are in the dictionaries.

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
export function isOf(problem: CallProblem | null, device: "mic" | "camera" | "screen" | "speaker"): boolean {
  return problem === "insecure" || problem?.startsWith(`${device}_`) === true;
}
