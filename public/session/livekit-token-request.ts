// How a member asks for a LiveKit token.

import { type LiveKitToken, TokenRefusedError } from "../protocol/livekit-token";

export async function requestLiveKitToken(room: string, ticket: string): Promise<LiveKitToken> {
  const address = `/api/rooms/${encodeURIComponent(room)}/livekit-token`;
  const answer = await fetch(address, { method: "POST", headers: { authorization: `Bearer ${ticket}` } });
  const body: unknown = await answer.json();
  const { token, livekitUrl, code } = body as Partial<Record<string, unknown>>;
  if (answer.ok && typeof token === "string" && typeof livekitUrl === "string") return { token, livekitUrl };
  throw new TokenRefusedError(typeof code === "string" ? code : "unknown");
}
