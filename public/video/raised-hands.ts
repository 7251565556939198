// Raised hands: sent as data messages, as LiveKit keeps no such state.

import { type Room, RoomEvent } from "livekit-client";

const TOPIC = "hand";

export class RaisedHands {
  readonly #room: Room;
  readonly #raised = new Set<string>();
  #mine = false;

  constructor(room: Room, onChange: () => void) {
    this.#room = room;
    // LiveKit announces a participant without tracks up to 3 s after its data arrives: `participant` is missing then.
    // The server sets the identity, so that no member can send for another.
    room.on(RoomEvent.DataReceived, (data, participant, _kind, topic, _encryption, sender) => {
      const identity = participant?.identity ?? sender;
      if (topic !== TOPIC || !identity) return;
      if (new TextDecoder().decode(data) === "up") this.#raised.add(identity);
      else this.#raised.delete(identity);
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

  /**
   * Tells a newcomer that this hand is up, or all participants how it is. They may have kept it from an earlier stay:
   * LiveKit does not say that a participant left whom it had not announced.
   */
  announce(to?: string): void {
    if (this.#mine || to === undefined) this.#send(to);
  }

  /** The participant left. A newcomer's hand is kept: its message may have arrived before the newcomer was announced. */
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
