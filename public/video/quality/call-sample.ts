// What the browser's statistics say of a call at one moment. Addresses are not read.

import { type SelectedWay, type Stat, statsOf, waysOf } from "./transport-stats";

/** One track, sent or received. */
export type StreamSample = {
  id: string;
  incoming: boolean;
  kind: "audio" | "video";
  /** The id of the MediaStreamTrack. */
  track: string;
  codec: string;
  /** Since the beginning. */
  bytes: number;
  packets: number;
  lost: number;
  /** Of the largest picture that is sent, or of the one that is received; 0: none. */
  width: number;
  height: number;
  fps: number;
};

export type CallSample = {
  /** Milliseconds, by the clock of the statistics: a busy page gets them late. */
  at: number;
  /** Of each connection that is used: one to send, one to receive, or one for both. */
  ways: readonly SelectedWay[];
  streams: readonly StreamSample[];
  /** The greatest share of lost packets that LiveKit has reported lately. */
  loss: number | null;
};

type Stats = ReadonlyMap<string, Stat>;

export function sampleOf(reports: readonly RTCStatsReport[]): CallSample {
  const all = reports.map(statsOf);
  const losses = all.flatMap((stats) =>
    [...stats.values()].flatMap(({ type, fractionLost }) =>
      type === "remote-inbound-rtp" && typeof fractionLost === "number" ? [fractionLost] : [],
    ),
  );
  return {
    at: Math.max(0, ...all.flatMap((stats) => [...stats.values()].map(({ timestamp }) => number(timestamp)))),
    ways: reports.flatMap((report) => waysOf(report).slice(0, 1)),
    streams: all.flatMap((stats, connection) => streamsOf(stats, connection)),
    loss: losses.length > 0 ? Math.max(...losses) : null,
  };
}

function streamsOf(stats: Stats, connection: number): StreamSample[] {
  const streams = new Map<string, StreamSample>();
  for (const stat of stats.values()) {
    const incoming = stat.type === "inbound-rtp";
    if (!incoming && stat.type !== "outbound-rtp") continue;
    const source = incoming ? undefined : stats.get(text(stat.mediaSourceId));
    // The layers of a simulcast share a source, and count as one.
    const id = `${connection} ${source?.id ?? stat.id}`;
    const layer: StreamSample = {
      id,
      incoming,
      kind: stat.kind === "audio" ? "audio" : "video",
      track: text(incoming ? stat.trackIdentifier : source?.trackIdentifier),
      codec: text(stats.get(text(stat.codecId))?.mimeType).replace(/^.*\//, ""),
      bytes: number(incoming ? stat.bytesReceived : stat.bytesSent),
      packets: number(incoming ? stat.packetsReceived : stat.packetsSent),
      lost: number((incoming ? stat : stats.get(text(stat.remoteId)))?.packetsLost),
      width: number(stat.frameWidth),
      height: number(stat.frameHeight),
      fps: number(stat.framesPerSecond),
    };
    const before = streams.get(id);
    streams.set(id, before ? together(before, layer) : layer);
  }
  return [...streams.values()];
}

function together(a: StreamSample, b: StreamSample): StreamSample {
  // A layer that is switched off keeps the size of its last picture.
  const larger = Number(b.fps > 0) * b.width > Number(a.fps > 0) * a.width ? b : a;
  const [bytes, packets, lost] = [a.bytes + b.bytes, a.packets + b.packets, a.lost + b.lost];
  return { ...larger, bytes, packets, lost };
}

const text = (value: unknown) => (typeof value === "string" ? value : "");
const number = (value: unknown) => (typeof value === "number" ? value : 0);
