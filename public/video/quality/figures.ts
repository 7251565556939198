// The figures of a call between two samples: what a bug report needs. No names, no addresses, no room.

import type { CallSample, StreamSample } from "./call-sample";

export type StreamFigures = Pick<StreamSample, "incoming" | "kind" | "track" | "codec" | "width" | "height" | "fps"> & {
  /** Bits a second. */
  bitrate: number;
};

export type Direction = {
  bitrate: number;
  /** The share of packets lost since the sample before. */
  loss: number;
};

export type Figures = {
  /** "udp", "tcp", or "relay udp"; each once. */
  transports: readonly string[];
  /** Seconds; null: not known. */
  roundTrip: number | null;
  sent: Direction;
  received: Direction;
  streams: readonly StreamFigures[];
};

export function figuresOf(before: CallSample | null, now: CallSample): Figures {
  const known = new Map(before?.streams.map((stream) => [stream.id, stream]));
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  // A counter may begin anew, where a track is published again.
  const grown = (stream: StreamSample, what: "bytes" | "packets" | "lost") =>
    Math.max(0, stream[what] - (known.get(stream.id)?.[what] ?? stream[what]));
  const rate = (bytes: number) => (seconds > 0 ? Math.round((bytes * 8) / seconds) : 0);
  const direction = (incoming: boolean): Direction => {
    const streams = now.streams.filter((stream) => stream.incoming === incoming);
    const sum = (what: "bytes" | "packets" | "lost") => streams.reduce((all, stream) => all + grown(stream, what), 0);
    const [lost, packets] = [sum("lost"), sum("packets")];
    // What LiveKit reports as lost was sent; what was lost on the way here never came.
    const all = incoming ? packets + lost : packets;
    return { bitrate: rate(sum("bytes")), loss: all > 0 ? Math.min(1, lost / all) : 0 };
  };
  const trips = now.ways.flatMap(({ roundTrip }) => (roundTrip === null ? [] : [roundTrip]));
  return {
    transports: [...new Set(now.ways.map(({ protocol, relay }) => (relay ? `relay ${protocol}` : protocol)))],
    roundTrip: trips.length > 0 ? Math.max(...trips) : null,
    sent: direction(false),
    received: direction(true),
    streams: now.streams.map(({ incoming, kind, track, codec, width, height, fps, ...stream }) => {
      const bitrate = rate(Math.max(0, stream.bytes - (known.get(stream.id)?.bytes ?? stream.bytes)));
      return { incoming, kind, track, codec, width, height, fps, bitrate };
    }),
  };
}
