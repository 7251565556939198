// Leads the reader to a message of the log.

import { rows } from "../log/rows";
import type { Entry, Log } from "../log/state";

export function jumpTo(log: Log, line: Entry): void {
  const messages = rows(log).filter((row) => row.kind === "message");
  const at = messages.findIndex((row) => row.line.key === line.key);
  const message = document.querySelectorAll<HTMLElement>("[role=log] .message")[at];
  if (!message) return;
  message.scrollIntoView({ block: "center" });
  // Focused, it is read aloud, and Tab goes on from here.
  message.focus({ preventScroll: true });
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  message.animate([{ backgroundColor: "var(--accent-soft)" }, {}], {
    duration: 2_500,
    easing: still ? "steps(1)" : "ease-in",
  });
}
