// How a member asks for a LiveKit token.

import { type LiveKitToken, TokenRefusedError } from "../protocol/livekit-token";

export function requestLiveKitToken(room: string, ticket: string): Promise<LiveKitToken> {
  return request(room, ticket, {});
}

/** For a connection test: nobody in the room hears of it. */
export function requestTestToken(room: string, ticket: string): Promise<LiveKitToken> {
  return request(room, ticket, { test: true });
}

async function request(room: string, ticket: string, wish: { test?: true }): Promise<LiveKitToken> {
  const address = `/api/rooms/${encodeURIComponent(room)}/livekit-token`;
  const headers = { authorization: `Bearer ${ticket}`, "content-type": "application/json" };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(wish) });
  const body: unknown = await answer.json();
  const { token, livekitUrl, code } = body as Partial<Record<string, unknown>>;
  if (answer.ok && typeof token === "string" && typeof livekitUrl === "string") return { token, livekitUrl };
  throw new TokenRefusedError(typeof code === "string" ? code : "unknown");
}
