import { EventEmitter } from "node:events";
import { type Room, RoomEvent } from "livekit-client";
import { beforeEach, expect, test } from "vitest";
import { RaisedHands } from "./raised-hands";

type Sent = { text: string; to: string[] | undefined; topic: string | undefined };

let sent: Sent[];
let changes: number;
let room: EventEmitter;
let hands: RaisedHands;

beforeEach(() => {
  sent = [];
  changes = 0;
  room = Object.assign(new EventEmitter(), {
    localParticipant: {
      publishData: async (data: Uint8Array, options: { destinationIdentities?: string[]; topic?: string }) => {
        sent.push({
          text: new TextDecoder().decode(data),
          to: options.destinationIdentities,
          topic: options.topic,
        });
      },
    },
  });
  hands = new RaisedHands(room as unknown as Room, () => (changes += 1));
});

/** A data message as livekit-client tells of it; `known` says whether LiveKit has announced the sender. */
function receive(text: string, sender: string, { known = true, topic = "hand" } = {}) {
  const participant = known ? { identity: sender } : undefined;
  room.emit(RoomEvent.DataReceived, new TextEncoder().encode(text), participant, 0, topic, 0, sender);
}

test("a hand counts although LiveKit has not announced its participant yet", () => {
  receive("up", "ben", { known: false });
  expect(hands.has("ben")).toBe(true);
  expect(changes).toBe(1);
  receive("down", "ben");
  expect(hands.has("ben")).toBe(false);
});

test("data of another topic, or of a hidden participant, is not a hand", () => {
  receive("up", "ben", { topic: "chat" });
  receive("up", "", { known: false });
  expect([hands.has("ben"), hands.has("")]).toEqual([false, false]);
  expect(changes).toBe(0);
});

test("a hand is forgotten with its participant, and with the call", () => {
  for (const who of ["ben", "cy"]) receive("up", who);
  hands.forget("ben");
  expect([hands.has("ben"), hands.has("cy")]).toEqual([false, true]);
  hands.clear();
  expect(hands.has("cy")).toBe(false);
});

test("a newcomer is told of a raised hand only, and after a join all are told how it is", () => {
  hands.announce("ben");
  expect(sent).toEqual([]);
  hands.announce();
  hands.setMine(true);
  hands.announce("ben");
  hands.announce();
  const all = { to: undefined, topic: "hand" };
  expect(sent).toEqual([
    { text: "down", ...all },
    { text: "up", ...all },
    { text: "up", to: ["ben"], topic: "hand" },
    { text: "up", ...all },
  ]);
});
