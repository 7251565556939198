import { expect, test } from "vitest";
import { figuresOf } from "./figures";
import type { Figures } from "./figures";
import { rowsOf, type StatsContext } from "./stats-rows";
import { toolTexts } from "./tool-texts";

const FIGURES: Figures = {
  transports: ["udp", "relay tcp"],
  roundTrip: 0.0412,
  sent: { bitrate: 1_234_567, loss: 0.015 },
  received: { bitrate: 0, loss: 0 },
  streams: [
    { incoming: false, kind: "video", track: "a", codec: "VP8", width: 1280, height: 720, fps: 30, bitrate: 900_000 },
    { incoming: true, kind: "video", track: "b", codec: "VP8", width: 0, height: 0, fps: 0, bitrate: 0 },
    { incoming: false, kind: "audio", track: "c", codec: "opus", width: 0, height: 0, fps: 0, bitrate: 32_000 },
  ],
};
const ABOUT: StatsContext = {
  browser: "A browser",
  versions: { client: "2.23.0", server: "" },
  encrypted: true,
  rating: "good",
  saving: "off",
  tiles: [
    { mine: true, screen: false, track: "a" },
    { mine: false, screen: false, track: "b" },
    { mine: false, screen: true, track: null },
  ],
};

test("the lines of a bug report", () => {
  const rows = rowsOf(FIGURES, ABOUT, toolTexts(), "en").map(({ name, value }) => `${name}: ${value}`);
  expect(rows).toEqual([
    "Browser: A browser",
    "LiveKit, client and server: 2.23.0, unknown",
    "End-to-end encryption: on",
    "Transport: UDP, relay (TCP)",
    "Connection: good",
    "Round trip: 41 ms",
    "Sent: 1,235 kbit/s, 1.5% lost",
    "Received: 0 kbit/s, 0% lost",
    "Sound: ↑ 32 kbit/s, ↓ 0 kbit/s, opus",
    "Save data: Off",
    "Tile 1, my camera: 1280×720, 30 fps, VP8, 900 kbit/s",
    "Tile 2, camera: no video, VP8, 0 kbit/s",
    "Tile 3, screen: no video",
  ]);
});

test("what is not known yet is said so", () => {
  const figures = figuresOf(null, { at: 0, ways: [], streams: [], loss: null });
  const rows = new Map(rowsOf(figures, ABOUT, toolTexts(), "en").map(({ name, value }) => [name, value]));
  expect([rows.get("Transport"), rows.get("Round trip")]).toEqual(["unknown", "unknown"]);
});
