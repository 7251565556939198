// This page's connection to LiveKit: looked at while the call is on, so that the user hears when it is weak.

import { type Room, RoomEvent, version } from "livekit-client";
import { type CallSample, sampleOf } from "./call-sample";
import { asks, CALM, LOOK_EVERY, next, type Rating, type Spell, told } from "./quality";

export class Line {
  /** The connection is weak, and the user may want to stop the video. */
  asks = $state(false);
  readonly #room: Room;
  #spell: Spell = CALM;
  #timer = 0;

  constructor(room: Room) {
    this.#room = room;
    room.on(RoomEvent.Connected, () => {
      this.#stop();
      this.#timer = window.setInterval(() => void this.#look(), LOOK_EVERY);
    });
    room.on(RoomEvent.Disconnected, () => this.#stop());
  }

  /** LiveKit's own rating of it. */
  get rating(): Rating {
    return this.#room.localParticipant.connectionQuality;
  }

  /** The versions of LiveKit here and there; the second is empty where it is not told. */
  get versions(): { client: string; server: string } {
    return { client: version, server: this.#room.serverInfo?.version ?? "" };
  }

  async sample(): Promise<CallSample> {
    const { pcManager } = this.#room.engine;
    const connections = pcManager ? [pcManager.publisher, pcManager.subscriber] : [];
    const reports = await Promise.all(connections.map((connection) => connection?.getStats()?.catch(() => undefined)));
    return sampleOf(reports.filter((report) => report !== undefined));
  }

  /** The user has answered: no more questions until the connection was good again. */
  answered(): void {
    this.#become(told(this.#spell));
  }

  async #look(): Promise<void> {
    const { ways, loss } = await this.sample();
    if (this.#timer === 0) return;
    const trips = ways.flatMap(({ roundTrip }) => roundTrip ?? []);
    const roundTrip = trips.length > 0 ? Math.max(...trips) : null;
    this.#become(next(this.#spell, { rating: this.rating, loss, roundTrip }));
  }

  #become(spell: Spell): void {
    const sendsVideo = this.#room.localParticipant.isCameraEnabled;
    // A camera that goes off meanwhile is an answer as well.
    this.#spell = this.asks && !sendsVideo && spell.on ? told(spell) : spell;
    this.asks = asks(this.#spell, sendsVideo);
  }

  #stop(): void {
    window.clearInterval(this.#timer);
    this.#timer = 0;
    this.#become(CALM);
  }
}
