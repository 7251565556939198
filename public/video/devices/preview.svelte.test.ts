import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Hardware } from "./hardware.svelte";
import { Preview } from "./preview.svelte";

/** A machine whose cameras the test plugs in and out, and whose user answers the browser. */
let cameras: string[];
let allowed: boolean;
let asked: string[];

class Track extends EventTarget {
  readyState = "live";
  readonly label: string;
  constructor(readonly id: string) {
    super();
    this.label = `Camera ${id}`;
  }
  getSettings() {
    return { deviceId: this.id };
  }
  stop() {
    this.readyState = "ended";
  }
}

let tracks: Track[];

beforeEach(() => {
  [cameras, allowed, asked, tracks] = [["a", "b"], true, [], []];
  vi.stubGlobal("navigator", {
    mediaDevices: {
      enumerateDevices: async () =>
        cameras.map((deviceId) => ({ kind: "videoinput", deviceId, groupId: deviceId, label: `Camera ${deviceId}` })),
      getUserMedia: async ({ video }: { video: { deviceId?: { exact: string } } }) => {
        const id = video.deviceId?.exact ?? "";
        asked.push(id);
        if (!allowed) throw new DOMException("Permission denied", "NotAllowedError");
        const found = id === "" ? cameras[0] : cameras.find((camera) => camera === id);
        if (found === undefined) throw new DOMException("", "NotFoundError");
        const track = new Track(found);
        tracks.push(track);
        return { getTracks: () => [track] };
      },
    },
  });
});
afterEach(() => vi.unstubAllGlobals());

const preview = (id = "", on = true) => new Preview("camera", new Hardware(), { on, id });

test("a camera of an earlier call that is gone gives way to the browser's choice", async () => {
  const camera = preview("gone");
  await camera.open();
  expect([asked, camera.id, camera.on, camera.problem]).toEqual([["gone", ""], "", true, null]);
  expect(camera.stream).not.toBeNull();
});

test("what is off is not asked for, and is closed when it is switched off", async () => {
  const camera = preview("", false);
  await camera.open();
  expect(asked).toEqual([]);
  camera.toggle();
  await vi.waitFor(() => expect(camera.stream).not.toBeNull());
  camera.toggle();
  await vi.waitFor(() => expect([camera.stream, tracks[0]!.readyState]).toEqual([null, "ended"]));
});

test("a refusal is kept until the user tries again", async () => {
  allowed = false;
  const camera = preview();
  await camera.open();
  expect([camera.problem, camera.on, camera.stream]).toEqual(["camera_denied", false, null]);
  allowed = true;
  await camera.retry();
  expect([camera.problem, camera.on]).toEqual([null, true]);
  expect(camera.stream).not.toBeNull();
});

test("the call takes the open stream over; what it does not take is closed", async () => {
  const [taken, left] = [preview(), preview()];
  await Promise.all([taken.open(), left.open()]);
  const stream = await taken.take();
  left.close();
  expect(stream?.getTracks()[0]?.readyState).toBe("live");
  await vi.waitFor(() => expect(tracks.map(({ readyState }) => readyState)).toEqual(["live", "ended"]));
  await taken.open();
  expect(asked).toHaveLength(2);
});

test("an unplugged camera is named and replaced, or it is said that there is no other", async () => {
  const camera = preview("a");
  await camera.open();
  cameras = ["b"];
  tracks[0]!.dispatchEvent(new Event("ended"));
  await vi.waitFor(() =>
    expect(camera.loss).toEqual({ kind: "camera", name: "Camera a", unplugged: true, now: "Camera b", on: true }),
  );
  expect([camera.id, camera.on]).toEqual(["b", true]);
  cameras = [];
  tracks[1]!.dispatchEvent(new Event("ended"));
  await vi.waitFor(() => expect(camera.loss).toMatchObject({ name: "Camera b", now: null }));
  expect(camera.on).toBe(false);
});
