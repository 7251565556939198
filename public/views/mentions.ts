// The members that a message can mention: those that the log lists.

import type { Log } from "../log/state";
import type { Names } from "./markdown";

let last: { members: Log["members"]; me: Log["me"]; names: Names } | null = null;

/** The same for all messages of one state of the room. */
export function namesOf(members: Log["members"], me: Log["me"]): Names {
  if (last && last.members === members && last.me === me) return last.names;
  const all = new Set(members.map(({ user }) => user.toLowerCase()));
  const names = {
    all,
    longest: Math.max(0, ...members.map(({ user }) => user.length)),
    me: me?.user.toLowerCase() ?? "",
  };
  last = { members, me, names };
  return names;
}
