// What somebody wants to bring into the call.

export type MediaPrefs = { mic: boolean; camera: boolean; micId: string; cameraId: string };
