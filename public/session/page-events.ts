// What the browser tells a page about its tab and its network.

export type PageEvents = {
  onVisibility(visible: boolean): void;
  onOnline(): void;
  onBeforeUnload(): void;
  onHide(kept: boolean): void;
  onWake(): void;
};

/** Listens until the signal; the visibility of now is the first event. */
export function listenToPage(page: PageEvents, signal: AbortSignal): void {
  const reportVisibility = () => page.onVisibility(!document.hidden);
  addEventListener("online", () => page.onOnline(), { signal });
  // Prevented: the browser asks the user, who may stay.
  addEventListener("beforeunload", (event) => !event.defaultPrevented && page.onBeforeUnload(), { signal });
  addEventListener("pagehide", (event) => page.onHide(event.persisted), { signal });
  addEventListener("pageshow", (event) => event.persisted && page.onWake(), { signal });
  // A frozen page keeps its seat, and on resuming pings at once to learn whether the connection lives.
  document.addEventListener("resume", () => page.onWake(), { signal });
  document.addEventListener("visibilitychange", reportVisibility, { signal });
  reportVisibility();
}
