// What this tab's notifications are called: kept in the tab, so that after a reload it knows those it has shown.

const TAG = "parlor.tag";

export function loadTag(): string | null {
  try {
    return sessionStorage.getItem(TAG);
  } catch {
    return null;
  }
}

/** Null removes it. */
export function saveTag(tag: string | null): void {
  try {
    if (tag === null) sessionStorage.removeItem(TAG);
    else sessionStorage.setItem(TAG, tag);
  } catch {
    // Storage may be forbidden: such a notification outlives a reload.
  }
}
