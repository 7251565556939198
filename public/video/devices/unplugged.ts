// Which device is gone, and which one takes its place: rules over lists of devices.

export type DeviceKind = "mic" | "camera" | "speaker";

export const KINDS: Readonly<Record<DeviceKind, MediaDeviceKind>> = {
  mic: "audioinput",
  camera: "videoinput",
  speaker: "audiooutput",
};

export type Listed = Pick<MediaDeviceInfo, "deviceId" | "groupId" | "kind" | "label">;

/** Chromium lists what the system has chosen a second time, under these ids. */
const CHOSEN_BY_SYSTEM = new Set(["default", "communications"]);

/** The devices of a kind, without those whose ids the browser hides. */
export function ofKind<D extends Listed>(list: readonly D[], kind: DeviceKind): readonly D[] {
  return list.filter((device) => device.kind === KINDS[kind] && device.deviceId !== "");
}

/** The device with this id; for the system's choice, the device that it stands for. */
export function find(list: readonly Listed[], kind: DeviceKind, id: string): Listed | undefined {
  const devices = ofKind(list, kind);
  const device = devices.find(({ deviceId }) => deviceId === id);
  if (!device || !CHOSEN_BY_SYSTEM.has(id)) return device;
  const same = (other: Listed) => !CHOSEN_BY_SYSTEM.has(other.deviceId) && other.groupId === device.groupId;
  return devices.find(same) ?? device;
}

/** Chromium adds the numbers of a USB device to its name. */
export function deviceName({ label }: Pick<Listed, "label">): string {
  return label.replace(/ \([0-9a-f]{4}:[0-9a-f]{4}\)$/i, "");
}

export function isListed(list: readonly Listed[], { kind, deviceId }: Listed): boolean {
  return list.some((device) => device.kind === kind && device.deviceId === deviceId);
}

/** Another device of its kind: the one that the system has chosen, if there is such a choice. */
export function replacement(list: readonly Listed[], kind: DeviceKind, lost: Listed): Listed | undefined {
  const others = ofKind(list, kind).filter((device) => find(list, kind, device.deviceId)?.deviceId !== lost.deviceId);
  return others.find(({ deviceId }) => deviceId === "default") ?? others[0];
}

/** Whether the browser hides the devices of this kind, as after the user took the permission back. */
export function isHidden(list: readonly Listed[], kind: DeviceKind): boolean {
  return list.some((device) => device.kind === KINDS[kind] && device.deviceId === "");
}
