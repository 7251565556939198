// What can go wrong when joining a call, by the names browsers and servers use. The texts, with the way out, are in
// i18n.

import { TokenRefusedError } from "../../protocol/livekit-token";
import type { Platform } from "./browser";

export type CallProblem =
  | "mic_denied"
  | "camera_denied"
  | "screen_denied"
  | "mic_dismissed"
  | "camera_dismissed"
  | "mic_system"
  | "camera_system"
  | "mic_missing"
  | "camera_missing"
  | "screen_missing"
  | "mic_busy"
  | "camera_busy"
  | "screen_busy"
  | "mic_ended"
  | "camera_ended"
  | "camera_effect"
  | "speaker_failed"
  | "insecure"
  | "no_devices"
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
    case "EffectError":
      // Only the camera stays off for want of its effect.
      return device === "camera" ? "camera_effect" : `${device}_busy`;
    default:
      // NotReadableError, AbortError, and what browsers made up before these had names.
      return `${device}_busy`;
  }
}

/** As `problemOf`, and for what was denied, who denied it: the user, the browser or the system. */
export async function explain(cause: unknown, device: Device): Promise<CallProblem> {
  const problem = problemOf(cause, device);
  if (device === "screen" || problem !== `${device}_denied`) return problem;
  // Only Chromium says more than that it was denied.
  const { message } = cause as { message?: unknown };
  if (typeof message === "string") {
    if (/by system/i.test(message)) return `${device}_system`;
    if (/dismissed/i.test(message)) return `${device}_dismissed`;
  }
  return (await permissionOf(device))?.state === "prompt" ? `${device}_dismissed` : problem;
}

/** Null where the browser does not tell. */
export async function permissionOf(device: "mic" | "camera"): Promise<PermissionStatus | null> {
  const name = (device === "mic" ? "microphone" : "camera") as PermissionName;
  return (await navigator.permissions?.query({ name }).catch(() => null)) ?? null;
}

/** Where this browser lets the user allow a device: a name of its texts. */
export type PermissionPlace = "chromium" | "firefox" | "firefoxAndroid" | "safari" | "safariIos" | "ios" | "other";

export function permissionPlace({ browser, system }: Platform): PermissionPlace {
  if (browser === "firefox") return system === "android" ? "firefoxAndroid" : "firefox";
  if (browser === "safari") return system === "ios" ? "safariIos" : "safari";
  return browser === "other" && system === "ios" ? "ios" : browser;
}

/** The device that can be tried again after this problem. */
export function retriable(problem: CallProblem): "mic" | "camera" | null {
  return /^(mic|camera)_/.test(problem) ? (problem.startsWith("mic") ? "mic" : "camera") : null;
}

/** One problem for each device: a new one takes the place of the former. */
export function withProblem(problems: readonly CallProblem[], problem: CallProblem): readonly CallProblem[] {
  const device = (one: CallProblem) => one.split("_")[0];
  return [...problems.filter((other) => device(other) !== device(problem)), problem];
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
export function concerns(problem: CallProblem, device: "mic" | "camera" | "screen" | "speaker"): boolean {
  return problem === "insecure" || problem.startsWith(`${device}_`);
}
