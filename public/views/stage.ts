/** Leads to the call. It may be in a window of its own: then nothing happens. */
export function focusStage(): void {
  const stage = document.querySelector<HTMLElement>(".stage");
  if (!stage) return;
  stage.tabIndex = -1;
  stage.focus();
}

/** Whether what had the focus is gone. */
export function isFocusLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}
