// Whether the server heard that this page's member left.

/** Milliseconds after which an unanswered leave counts as unconfirmed, unless the answer still comes. */
export const LEAVE_TIMEOUT = 3_000;

/** `tell` gets null while it is unknown. */
export function confirmLeave(heard: Promise<boolean>, tell: (confirmed: boolean | null) => void): void {
  tell(null);
  const late = window.setTimeout(() => tell(false), LEAVE_TIMEOUT);
  void heard.then((confirmed) => {
    window.clearTimeout(late);
    tell(confirmed);
  });
}
