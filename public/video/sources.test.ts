import type { LocalTrack } from "livekit-client";
import { expect, test } from "vitest";
import { Sources } from "./sources";

const WISH = { mic: true, camera: true, micId: "", cameraId: "" };

function track() {
  const mediaStreamTrack = { readyState: "live" };
  const stop = () => (mediaStreamTrack.readyState = "ended");
  return { isMuted: false, mediaStreamTrack, stop } as unknown as LocalTrack;
}

/** What the browser asks somebody, and what they say when they do. */
function question() {
  let answer: (tracks: LocalTrack[]) => void = () => {};
  const asked = new Promise<LocalTrack[]>((then) => (answer = then));
  return { asked, answer };
}

const isOver = ({ mediaStreamTrack }: LocalTrack) => mediaStreamTrack.readyState === "ended";

test("what is open goes on into the next call, and what has ended is opened anew", async () => {
  const sources = new Sources(WISH);
  const [first, second] = [track(), track()];
  expect(await sources.open("camera", async () => [first])).toEqual([first]);
  expect(await sources.open("camera", () => Promise.reject(new Error("asked again")))).toEqual([first]);
  first.stop();
  expect(await sources.has("camera")).toBe(false);
  expect(await sources.open("camera", async () => [second])).toEqual([second]);
});

test("whoever asks while the browser still does gets the same answer", async () => {
  const sources = new Sources(WISH);
  const one = track();
  const { asked, answer } = question();
  const first = sources.open("mic", () => asked);
  const second = sources.open("mic", () => Promise.reject(new Error("asked again")));
  answer([one]);
  expect(await first).toEqual([one]);
  expect(await second).toEqual([one]);
});

test("what is shut while it opens does not stay open, and nothing else is opened in its place", async () => {
  const sources = new Sources(WISH);
  const one = track();
  const { asked, answer } = question();
  const first = sources.open("camera", () => asked);
  const second = sources.open("camera", () => Promise.reject(new Error("opened after the end")));
  sources.close();
  answer([one]);
  expect(await second).toEqual([]);
  await first;
  expect(isOver(one)).toBe(true);
  expect(await sources.has("camera")).toBe(false);
});

test("a refusal is told to whoever asked, and the next one asks again", async () => {
  const sources = new Sources(WISH);
  await expect(sources.open("screen", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const one = track();
  expect(await sources.open("screen", async () => [one])).toEqual([one]);
  sources.shut("screen");
  await expect.poll(() => isOver(one)).toBe(true);
});
