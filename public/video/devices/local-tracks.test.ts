import type { LocalTrack } from "livekit-client";
import { expect, test, vi } from "vitest";
import { LocalTracks } from "./local-tracks";

const PREFS = { mic: true, camera: true, micId: "", cameraId: "", speakerId: "" };

function track() {
  const mediaStreamTrack = { readyState: "live" };
  const stop = () => (mediaStreamTrack.readyState = "ended");
  return { isMuted: false, mediaStreamTrack, stop } as unknown as LocalTrack;
}

/** A permission prompt, and the user's answer. */
function question() {
  let answer: (tracks: LocalTrack[]) => void = () => {};
  const asked = new Promise<LocalTrack[]>((then) => (answer = then));
  return { asked, answer };
}

const isOver = ({ mediaStreamTrack }: LocalTrack) => mediaStreamTrack.readyState === "ended";

test("what is open goes on into the next call, and what has ended is opened anew", async () => {
  const localTracks = new LocalTracks(PREFS);
  const [first, second] = [track(), track()];
  expect(await localTracks.open("camera", async () => [first])).toEqual([first]);
  expect(await localTracks.open("camera", () => Promise.reject(new Error("asked again")))).toEqual([first]);
  first.stop();
  expect(await localTracks.has("camera")).toBe(false);
  expect(await localTracks.open("camera", async () => [second])).toEqual([second]);
});

test("a second request during the prompt gets the same answer", async () => {
  const localTracks = new LocalTracks(PREFS);
  const one = track();
  const { asked, answer } = question();
  const first = localTracks.open("mic", () => asked);
  const second = localTracks.open("mic", () => Promise.reject(new Error("asked again")));
  answer([one]);
  expect(await first).toEqual([one]);
  expect(await second).toEqual([one]);
});

test("what is shut while it opens does not stay open, and nothing else is opened in its place", async () => {
  const localTracks = new LocalTracks(PREFS);
  const one = track();
  const { asked, answer } = question();
  const first = localTracks.open("camera", () => asked);
  const second = localTracks.open("camera", () => Promise.reject(new Error("opened after the end")));
  localTracks.close();
  answer([one]);
  expect(await second).toEqual([]);
  await first;
  expect(isOver(one)).toBe(true);
  expect(await localTracks.has("camera")).toBe(false);
});

test("a refusal reaches the caller, and the next request prompts again", async () => {
  const localTracks = new LocalTracks(PREFS);
  await expect(localTracks.open("screen", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const one = track();
  expect(await localTracks.open("screen", async () => [one])).toEqual([one]);
  localTracks.stop("screen");
  await expect.poll(() => isOver(one)).toBe(true);
});

test("a stream that was opened before the call is taken once, and closed where it is not wanted", async () => {
  const stopped: string[] = [];
  const stream = (name: string) =>
    Promise.resolve({ getTracks: () => [{ stop: () => stopped.push(name) }] } as unknown as MediaStream);
  const localTracks = new LocalTracks(PREFS, { mic: stream("mic"), camera: stream("camera") });
  expect(await localTracks.takeHanded("mic")).toBeDefined();
  expect(localTracks.takeHanded("mic")).toBeUndefined();
  localTracks.close();
  await vi.waitFor(() => expect(stopped).toEqual(["camera"]));
});
