// The devices that a call uses.

import type { Room } from "livekit-client";

/** The device in use of each kind; empty where there is none. */
export type ActiveDevices = Readonly<Record<MediaDeviceKind, string>>;

export const NO_DEVICES: ActiveDevices = { videoinput: "", audioinput: "", audiooutput: "" };

export function activeDevicesOf(room: Room): ActiveDevices {
  const used = (kind: MediaDeviceKind) => room.getActiveDevice(kind) ?? "";
  return { videoinput: used("videoinput"), audioinput: used("audioinput"), audiooutput: used("audiooutput") };
}
