// What a connection needs from the page around it.

import type { Inbound } from "../protocol/frames";
import type { ConnectionState } from "./connection-state";
import type { Timers } from "./named-timers";
import type { TransportSelector } from "./selector";
import type { JoinParams } from "./transport";

export type ConnectionOptions = {
  selector: TransportSelector;
  joinParams: () => JoinParams;
  onFrame: (frame: Inbound) => void;
  onTicket: (ticket: string) => void;
  onState: (state: ConnectionState) => void;
  /** Whether the server answers the simplest request. */
  isReachable: () => Promise<boolean>;
  timers: Timers;
  random: () => number;
};
