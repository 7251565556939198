// The request of an unloading page: it may be closed, or only reloading.

/**
 * Not every browser closes a socket with 1001, nor does every proxy pass it on; streams and polls have no close code.
 */
export function sendUnload(room: string, ticket: string): void {
  const address = `/api/rooms/${encodeURIComponent(room)}/leave`;
  const body = JSON.stringify({ ticket, unload: true });
  fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive: true }).catch(
    () => {},
  );
}
