// The four transports, the best first.

export const TRANSPORTS = ["ws", "sse", "long-poll", "short-poll"] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** Null for what names none. */
export function parseTransport(given: string | null): TransportName | null {
  return TRANSPORTS.find((transport) => transport === given) ?? null;
}
