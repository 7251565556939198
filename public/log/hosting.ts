// The host of a room and its rules.

import type { Knock, Rules } from "../protocol/frames";
import { tombstone } from "./amendments";
import { noticed } from "./lines";
import type { Log } from "./state";

export type HostEvent =
  | ({ type: "host"; now: number } & Knock)
  | { type: "rules"; rules: Rules; muted: readonly string[]; now: number }
  | ({ type: "knock"; now?: number } & Knock)
  | { type: "knock-over"; clientId: string; now?: number }
  /** All messages of a member were deleted. */
  | { type: "purge"; from: string };

/** Whether there is anything of a host to be seen but its name in the list. */
export function isHosted({ rules, knocks, lines }: Log): boolean {
  if (!rules) return false;
  const { lock, history, ...others } = rules;
  return (
    lock !== "open" ||
    history !== "all" ||
    Object.keys(others).length + knocks.length > 0 ||
    lines.some((l) => l.kind === "notice" && (l.what === "host" || l.what === "rules"))
  );
}

export function applyHosting(log: Log, event: HostEvent): Log {
  switch (event.type) {
    case "host": {
      const { clientId, user, now } = event;
      const members = log.members.map(({ host: _, ...member }) =>
        member.clientId === clientId ? { ...member, host: true as const } : member,
      );
      // Only the host hears of knocks.
      const knocks = clientId === log.me?.clientId ? log.knocks : [];
      return noticed({ ...log, members, knocks }, "host", now, user, clientId);
    }
    case "rules": {
      const { rules, now } = event;
      const [muted, unmuted]: string[][] = [[], []];
      const members = log.members.map(({ muted: was, ...member }) => {
        const is = event.muted.includes(member.clientId);
        if (is !== (was ?? false)) (is ? muted : unmuted)!.push(member.user);
        return is ? { ...member, muted: is } : member;
      });
      const change = { before: log.rules ?? {}, after: rules, muted: muted!, unmuted: unmuted! };
      const next = { ...log, rules, members };
      const isSame = muted!.length + unmuted!.length === 0 && JSON.stringify(log.rules) === JSON.stringify(rules);
      return isSame ? next : noticed(next, "rules", now, "", "", "", undefined, change);
    }
    case "purge":
      return { ...log, lines: log.lines.map((l) => ("seq" in l && l.from === event.from ? tombstone(l) : l)) };
    case "knock":
    case "knock-over": {
      const knocks = log.knocks.filter((k) => k.clientId !== event.clientId);
      return { ...log, knocks: event.type === "knock" ? [...knocks, event] : knocks };
    }
  }
}
