/** What opens the video call for a few minutes. */
export type Pass = { token: string; livekitUrl: string };

/** The server gave none; `code` is its word for why. */
export class PassRefused extends Error {
  override name = "PassRefused";
  constructor(readonly code: string) {
    super(code);
  }
}
