// What can go wrong when joining a call, by the names browsers and servers use. The texts, with the way out, are in
// i18n.

import { TokenRefusedError } from "../protocol/livekit-token";

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

/** Error codes for a visitor who is no member any more. */
const NOT_A_MEMBER = new Set(["not_member", "bad_ticket", "no_ticket"]);
/** LiveKit does not accept this server's keys: retrying is useless. */
const MISCONFIGURED = new Set(["video_refused"]);

/** What an error while joining means. */
export function joinProblemOf(cause: unknown): CallProblem {
  if (!(cause instanceof TokenRefusedError)) return "unreachable";
  if (NOT_A_MEMBER.has(cause.code)) return "refused";
  return MISCONFIGURED.has(cause.code) ? "unusable" : "unreachable";
}

/** Whether this is over when a device works. */
export function concerns(problem: CallProblem | null, device: "mic" | "camera" | "screen" | "speaker"): boolean {
  return problem === "insecure" || problem?.startsWith(`${device}_`) === true;
}
