// A room as a page meets it at its welcome, for tests of the log.

import type { Limits, Snapshot } from "../protocol/frames";
import type { LogEvent } from "./log";

export const T0 = Date.UTC(2026, 0, 2, 12, 0, 0);

export const LIMITS: Limits = {
  textLength: 4000,
  historyLength: 150,
  historyAge: 1800,
  grace: 15,
  members: 500,
  editAge: 900,
  fileBytes: 0,
};

export const snapshot = (over: Partial<Snapshot> = {}): LogEvent => ({
  type: "snapshot",
  snapshot: {
    clientId: "me",
    roomId: "general",
    user: "Ann",
    ticket: "t",
    cursor: "e-0",
    resumed: false,
    reset: false,
    lastN: 0,
    count: 1,
    crowd: false,
    members: [{ clientId: "me", user: "Ann", joinedAt: T0 }],
    history: [],
    limits: LIMITS,
    video: false,
    at: T0,
    ...over,
  },
});
