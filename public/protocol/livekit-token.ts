/** What opens the video call for a few minutes. */
export type LiveKitToken = { token: string; livekitUrl: string };

/** The server refused; `code` is its error code. */
export class TokenRefusedError extends Error {
  override name = "TokenRefusedError";
  constructor(readonly code: string) {
    super(code);
  }
}
