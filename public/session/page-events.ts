// What the browser tells a page about its tab and its network, and what its connection does then.

import type { Connection } from "../transport/connection";
import { cover } from "./chat-cover.svelte";

/** Listens until the signal. The visibility of the chat now is the first that is reported. */
export function listenToPage(
  connection: Connection,
  onVisibility: (visible: boolean) => void,
  signal: AbortSignal,
): void {
  const reportVisibility = () => {
    onVisibility(!document.hidden && !cover.on);
    if (!document.hidden) connection.checkNow();
  };
  addEventListener("online", () => connection.checkNow(), { signal });
  // Prevented: the browser asks the user, who may stay.
  addEventListener("beforeunload", (event) => !event.defaultPrevented && connection.beforeUnload(), { signal });
  // A page in the back/forward cache cannot answer. An unloading page may only be reloading.
  addEventListener("pagehide", (event) => (event.persisted ? connection.suspend() : connection.unload()), { signal });
  addEventListener("pageshow", (event) => event.persisted && connection.wake(), { signal });
  // A frozen page keeps its seat, and on resuming pings at once to learn whether the connection lives.
  document.addEventListener("resume", () => connection.wake(), { signal });
  document.addEventListener("visibilitychange", reportVisibility, { signal });
  addEventListener("chatcover", reportVisibility, { signal });
  reportVisibility();
}
