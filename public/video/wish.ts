// What somebody wants to bring into the call.

export type Wish = { mic: boolean; camera: boolean; micId: string; cameraId: string };
