// The devices the user wants in the call.

export type MediaPrefs = { mic: boolean; camera: boolean; micId: string; cameraId: string };
