// How a page stays in a room.

import type { Secret } from "../e2ee/key";
import type { Chat } from "../protocol/frames";
import type { TransportName } from "../protocol/transport-name";
import type { TrafficCounter } from "../transport/transport";

export type RoomSessionOptions = {
  /** Forces this transport. */
  transport?: TransportName | null;
  /** The room's key from the link; null without one. */
  secret?: Secret | null;
  /** Of the address this page was opened with. */
  invite?: string | null;
  /** The key in storage, when a page has several seats in a room. */
  storageKey?: string;
  traffic?: TrafficCounter;
  /** Called with each message of others, before it is drawn. */
  onChat?: (chat: Chat) => void;
};
