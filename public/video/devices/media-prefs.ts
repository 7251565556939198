// The devices the user wants in the call.

/** An id is empty where the browser chooses. */
export type MediaPrefs = {
  mic: boolean;
  camera: boolean;
  micId: string;
  cameraId: string;
  speakerId: string;
};

/** What the page before the call has opened: the call takes it over, so the browser asks once. */
export type OpenedStreams = {
  readonly mic?: Promise<MediaStream> | undefined;
  readonly camera?: Promise<MediaStream> | undefined;
};
