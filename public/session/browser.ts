// What a connection takes from the browser.

import type { ConnectionOptions } from "../transport/connection-options";
import { isReachable } from "../transport/reachability";

export const BROWSER: Pick<ConnectionOptions, "isReachable" | "timers" | "random"> = {
  isReachable,
  timers: { set: (ms, then) => window.setTimeout(then, ms), clear: (id) => window.clearTimeout(id) },
  random: Math.random,
};
