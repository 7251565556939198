// People in a call without a page each: one page publishes for all of them.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** What `require` would load: it leaves a global. */
const LIVEKIT = await readFile(createRequire(import.meta.url).resolve("livekit-client"), "utf8");

/** A page of this server, from which people join the call of a room. */
export async function publishersPage(visitors, base) {
  const page = await visitors.page();
  await page.goto(base);
  await page.evaluate(LIVEKIT);
  await page.evaluate(prepare);
  return page;
}

/** Joins the call with a 16:9 picture. */
export function publish(page, room, name) {
  return page.evaluate(([room, name]) => globalThis.joinCall(room, name), [room.split("/r/")[1], name]);
}

/** Shares a screen, or no longer. */
export function share(page, name, on) {
  return page.evaluate(([name, on]) => globalThis.shareScreen(name, on), [name, on]);
}

/** In the page. */
function prepare() {
  const { Room, Track } = globalThis.LivekitClient;
  const calls = new Map();
  const COLOURS = ["#8c3a2d", "#8a5310", "#5d661d", "#2f6b4a", "#1d676e", "#2f588c", "#5a4993", "#873a68"];

  /** A frame at the very edge, so that a screenshot shows what is cut off, and a face. */
  function picture(index, width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const pen = canvas.getContext("2d");
    const oval = (colour, x, y, wide, high) => {
      pen.fillStyle = colour;
      pen.beginPath();
      pen.ellipse(x * width, y * height, wide * height, high * height, 0, 0, 2 * Math.PI);
      pen.fill();
    };
    let frames = 0;
    const draw = () => {
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, width, height);
      pen.fillStyle = COLOURS[index % COLOURS.length];
      pen.fillRect(width / 50, height / 50, width * 0.96, height * 0.96);
      oval("#2b2b33", 0.5, 1.05, 0.4, 0.35);
      oval("#e8b48c", 0.5, 0.45, 0.2, 0.26);
      oval("#3a2412", 0.5, 0.26, 0.2, 0.1);
      oval("#1c120a", 0.455, 0.43, 0.02, 0.02);
      oval("#1c120a", 0.545, 0.43, 0.02, 0.02);
      frames += 1;
      oval("#7a3b2e", 0.5, 0.56, 0.05, 0.01 + 0.01 * (frames % 2));
    };
    draw();
    setInterval(draw, 100);
    return canvas.captureStream(10).getVideoTracks()[0];
  }

  const options = (source) => ({ source, simulcast: false, videoEncoding: { maxBitrate: 100_000, maxFramerate: 10 } });

  globalThis.joinCall = async (room, name) => {
    const socket = new WebSocket(`/ws?room=${room}&name=${encodeURIComponent(name)}`);
    const frame = (type) =>
      new Promise((found) =>
        socket.addEventListener("message", ({ data }) => {
          const frame = JSON.parse(data);
          if (frame.type === type) found(frame);
        }),
      );
    await frame("welcome");
    const answer = frame("livekit-token");
    socket.send(JSON.stringify({ type: "livekit-token" }));
    const { token, livekitUrl } = await answer;
    const call = new Room();
    await call.connect(livekitUrl, token, { autoSubscribe: false });
    const track = picture(calls.size, 320, 180);
    await call.localParticipant.publishTrack(track, options(Track.Source.Camera));
    calls.set(name, call);
  };

  globalThis.shareScreen = async (name, on) => {
    const me = calls.get(name).localParticipant;
    if (on) return void (await me.publishTrack(picture(5, 640, 360), options(Track.Source.ScreenShare)));
    await me.unpublishTrack(me.getTrackPublication(Track.Source.ScreenShare).track);
  };
}
