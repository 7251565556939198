// What the page shows of its connection.

import type { TransportName } from "../protocol/transport-name";

export type ConnectionState =
  | { is: "idle" }
  | { is: "connecting"; tries: number }
  /** `tooManyTabs`: other tabs hold so many connections that only short polls are left. */
  | { is: "open"; transport: TransportName; tooManyTabs?: true }
  | { is: "waiting"; tries: number; why: string }
  /** Over, until the user asks to reconnect. */
  | { is: "ended"; why: string; message: string };
