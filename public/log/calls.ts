// What the log says of the room's call: a line when it begins and one when it is over. Further participants make no line.

import { notice, noticed, trim } from "./lines";
import type { CallEvent } from "./members";
import type { Log, Notice } from "./state";

/** Milliseconds within which the last participant may return to the same call, as after a reload. */
export const CALL_GAP = 20_000;

/** Of the events that change who is in the call. */
type Change = { type: string; clientId?: string; now?: number; snapshot?: { at: number } };

export function isCallLine({ what }: Notice): boolean {
  return what === "call" || what === "callEnd";
}

/** The newest call that this page saw begin. */
export function newestCall({ lines }: Pick<Log, "lines">): Notice | undefined {
  return lines.findLast((l): l is Notice => l.kind === "notice" && l.what === "call");
}

/** What a snapshot says of the call is no news: a newcomer gets no line. */
export function tellCall(before: Log, log: Log, event: Change): Log {
  if (before.members === log.members) return log;
  const is = isCallOn(log);
  if (isCallOn(before) === is) return log;
  if (is) return event.type === "call" ? begin(log, event as CallEvent) : log;
  return end(log, event);
}

function isCallOn({ members }: Log): boolean {
  return members.some((member) => member.inCall === true);
}

function begin(log: Log, { clientId, user, now }: CallEvent): Log {
  const last = log.lines.findLast((l): l is Notice => l.kind === "notice" && isCallLine(l));
  const call = newestCall(log);
  if (call && last?.what === "callEnd" && last.from === clientId && now - last.at < CALL_GAP) {
    const { over: _, ...again } = call;
    return { ...log, lines: log.lines.filter((l) => l !== last).map((l) => (l === call ? again : l)) };
  }
  return noticed(log, "call", now, user, clientId);
}

function end(log: Log, { type, clientId = "", now = 0, snapshot }: Change): Log {
  const at = snapshot?.at ?? now;
  const call = newestCall(log);
  const isTold = call !== undefined && !call.over;
  if (!isTold && type === "snapshot") return log;
  const lines = log.lines.map((l) => (isTold && l === call ? { ...call, over: true as const } : l));
  const ended: Notice = {
    ...notice(log, "callEnd", at),
    from: clientId,
    ...(isTold ? { lasted: at - call.at } : {}),
  };
  return trim({ ...log, nextKey: log.nextKey + 1, lines: [...lines, ended] });
}
