/** What opens the video call for a few minutes. */
export type LiveKitToken = { token: string; livekitUrl: string };

/** The server gave none; `code` is its word for why. */
export class TokenRefusedError extends Error {
  override name = "TokenRefusedError";
  constructor(readonly code: string) {
    super(code);
  }
}
