// The last word of a page that unloads: it may be closed, or only reloading.

/** Browsers close a socket with 1001 by themselves, not all of them and not through every proxy; of a stream or a poll they say nothing. */
export function sendUnload(room: string, ticket: string): void {
  const address = `/api/rooms/${encodeURIComponent(room)}/leave`;
  const body = JSON.stringify({ ticket, unload: true });
  fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive: true }).catch(
    () => {},
  );
}
