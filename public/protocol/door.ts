// What a room says of itself to a person that has not joined.

import { FieldReader } from "./frames";
import type { Rules } from "./frames";

export type Door = {
  members: number;
  /** Missing from a server without hosts. */
  lock?: Rules["lock"];
  history?: Rules["history"];
  endsAt?: number;
  inviteOnly?: boolean;
};

/** Null without an answer: joining then reports what is wrong. */
export async function askDoor(room: string, signal: AbortSignal): Promise<Door | null> {
  try {
    const answer = await fetch(`/api/rooms/${encodeURIComponent(room)}`, { cache: "no-store", signal });
    return answer.ok ? readDoor(await answer.json()) : null;
  } catch {
    return null;
  }
}

export function readDoor(json: unknown): Door {
  const f = new FieldReader(json, "room");
  const [lock, history] = [f.maybeText("lock"), f.maybeText("history")];
  const endsAt = f.maybeTime("endsAt");
  return {
    members: f.number("members"),
    ...(lock === "open" || lock === "locked" || lock === "knock" ? { lock } : {}),
    ...(history === "all" || history === "since_join" ? { history } : {}),
    ...(endsAt === null ? {} : { endsAt }),
    ...(f.maybeFlag("inviteOnly") ? { inviteOnly: true } : {}),
  };
}
