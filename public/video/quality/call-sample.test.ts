import { expect, test } from "vitest";
import { sampleOf } from "./call-sample";
import { figuresOf } from "./figures";

const report = (timestamp: number, ...stats: { id: string; type: string; [field: string]: unknown }[]) =>
  new Map(stats.map((stat) => [stat.id, { timestamp, ...stat }])) as unknown as RTCStatsReport;

const WAY = [
  { id: "T", type: "transport", selectedCandidatePairId: "P" },
  { id: "P", type: "candidate-pair", state: "succeeded", localCandidateId: "L", currentRoundTripTime: 0.04 },
  { id: "L", type: "local-candidate", protocol: "udp", candidateType: "host", address: "192.0.2.7" },
];

/** A camera with two layers, of which the larger is off, and a microphone. */
const sends = (at: number, bytes: number, lost: number) =>
  report(
    at,
    ...WAY,
    { id: "S1", type: "media-source", kind: "video", trackIdentifier: "camera" },
    { id: "S2", type: "media-source", kind: "audio", trackIdentifier: "mic" },
    { id: "C", type: "codec", mimeType: "video/VP8" },
    {
      id: "Oq",
      type: "outbound-rtp",
      kind: "video",
      mediaSourceId: "S1",
      codecId: "C",
      remoteId: "R",
      bytesSent: bytes,
      packetsSent: bytes / 100,
      frameWidth: 320,
      frameHeight: 180,
      framesPerSecond: 15,
    },
    {
      id: "Oh",
      type: "outbound-rtp",
      kind: "video",
      mediaSourceId: "S1",
      codecId: "C",
      bytesSent: 500,
      packetsSent: 5,
      frameWidth: 640,
      frameHeight: 360,
      framesPerSecond: 0,
    },
    { id: "R", type: "remote-inbound-rtp", kind: "video", packetsLost: lost, fractionLost: 0.25 },
    { id: "Oa", type: "outbound-rtp", kind: "audio", mediaSourceId: "S2", bytesSent: 0, packetsSent: 0 },
  );
const receives = (at: number, bytes: number, lost: number) =>
  report(at, {
    id: "I",
    type: "inbound-rtp",
    kind: "video",
    trackIdentifier: "theirs",
    bytesReceived: bytes,
    packetsReceived: bytes / 100,
    packetsLost: lost,
    frameWidth: 640,
    frameHeight: 360,
    framesPerSecond: 24,
  });

test("layers of one camera are one stream, of the size that is sent", () => {
  const { streams, ways, loss } = sampleOf([sends(1, 1_000, 0), receives(1, 2_000, 0)]);
  expect(ways).toEqual([{ protocol: "udp", relay: false, roundTrip: 0.04 }]);
  expect(loss).toBe(0.25);
  expect(streams.map(({ track, incoming, codec, bytes, width }) => [track, incoming, codec, bytes, width])).toEqual([
    ["camera", false, "VP8", 1_500, 320],
    ["mic", false, "", 0, 0],
    ["theirs", true, "", 2_000, 640],
  ]);
});

test("rates and losses are those between two samples", () => {
  const before = sampleOf([sends(1_000, 1_000, 0), receives(990, 2_000, 10)]);
  const now = sampleOf([sends(3_000, 11_000, 10), receives(2_990, 7_000, 60)]);
  const { sent, received, roundTrip, transports, streams } = figuresOf(before, now);
  expect(sent).toEqual({ bitrate: 40_000, loss: 0.1 });
  expect(received).toEqual({ bitrate: 20_000, loss: 0.5 });
  expect([roundTrip, transports]).toEqual([0.04, ["udp"]]);
  expect(streams.find(({ track }) => track === "camera")).toMatchObject({ bitrate: 40_000, width: 320, fps: 15 });
});

test("the first sample has no rates, and a counter that begins anew counts as nothing", () => {
  const [first, small] = [sampleOf([sends(1, 9_000, 5)]), sampleOf([sends(2_000, 1_000, 0)])];
  for (const figures of [figuresOf(null, first), figuresOf(first, small)])
    expect([figures.sent, figures.received]).toEqual([
      { bitrate: 0, loss: 0 },
      { bitrate: 0, loss: 0 },
    ]);
});

test("no address comes out of it", () => {
  const sample = sampleOf([sends(1, 1_000, 0)]);
  expect(JSON.stringify([sample, figuresOf(null, sample)])).not.toContain("192.0.2.7");
});
