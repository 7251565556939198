// Over HTTP/1.1 a browser has six connections to a server for all its tabs. A stream or a long poll holds one while it
// lasts.

/** So many may be held. The rest is for what is sent, and for pages that load. */
export const HELD_CONNECTIONS_MAX = 4;

/** Gives the connection back. */
export type ReleaseConnection = () => void;

/** Null when other tabs hold the maximum. Without locks, or over HTTP/2 and later, none is refused. */
export async function holdConnection(): Promise<ReleaseConnection | null> {
  const locks: LockManager | undefined = navigator.locks;
  if (!locks || sharesConnection()) return () => {};
  for (let at = 0; at < HELD_CONNECTIONS_MAX; at += 1) {
    const held = await new Promise<ReleaseConnection | null>((tell) => {
      const hold = (lock: Lock | null) => (lock ? new Promise<void>((release) => tell(release)) : tell(null));
      // A browser that forbids locks here counts nothing.
      locks.request(`parlor.connection.${at}`, { ifAvailable: true }, hold).catch(() => tell(() => {}));
    });
    if (held) return held;
  }
  return null;
}

/** From HTTP/2 on, one connection serves any number of requests. */
function sharesConnection(): boolean {
  const [entry] = performance.getEntriesByType?.("navigation") ?? [];
  return /^h[23]/.test((entry as PerformanceNavigationTiming | undefined)?.nextHopProtocol ?? "");
}
