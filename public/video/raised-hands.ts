// Raised hands: told by data messages, as LiveKit keeps no such state.

import { type Room, RoomEvent } from "livekit-client";

const TOPIC = "hand";

export class RaisedHands {
  readonly #room: Room;
  readonly #raised = new Set<string>();
  #mine = false;

  constructor(room: Room, onChange: () => void) {
    this.#room = room;
    room.on(RoomEvent.DataReceived, (data, participant, _kind, topic) => {
      if (topic !== TOPIC || !participant) return;
      if (new TextDecoder().decode(data) === "up") this.#raised.add(participant.identity);
      else this.#raised.delete(participant.identity);
      onChange();
    });
  }

  has(identity: string): boolean {
    return this.#raised.has(identity);
  }

  setMine(up: boolean): void {
    this.#mine = up;
    this.#send();
  }

  /** Tells a newcomer, or after a reconnect all participants. */
  announce(to?: string): void {
    if (this.#mine) this.#send(to);
  }

  forget(identity: string): void {
    this.#raised.delete(identity);
  }

  clear(): void {
    this.#raised.clear();
  }

  #send(to?: string): void {
    const data = new TextEncoder().encode(this.#mine ? "up" : "down");
    const options = { reliable: true, topic: TOPIC, ...(to ? { destinationIdentities: [to] } : {}) };
    this.#room.localParticipant.publishData(data, options).catch(() => {});
  }
}
