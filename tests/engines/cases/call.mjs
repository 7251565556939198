// Calls of two Chromium and one Firefox on a real LiveKit, which they reach by a network that fails.

import assert from "node:assert/strict";
import { startBoth } from "../../browser/livekit.mjs";
import { newRoom } from "../../browser/people.mjs";
import { arrived, inCall, joins, othersSeen, record, tokens } from "../call.mjs";
import { startNetwork } from "../network.mjs";
import { enters, seat } from "../page.mjs";
import { KEY } from "./key.mjs";

const CUT = 10_000;
/** So many frames are no longer those that a decoder still had. */
const MORE = 5;
const ARRIVES_WITHIN = 120_000;
const PEOPLE = [
  ["Ann", "chromium"],
  ["Ben", "chromium"],
  ["Fay", "firefox"],
];

/** A call of all three in a new room, whose link ends like this. */
async function call(stage, fragment) {
  const network = await startNetwork();
  stage.ends(() => network.stop());
  const livekit = await startBoth({ network });
  stage.ends(() => livekit.stop());
  const room = newRoom(livekit.server.url);
  const people = await Promise.all(
    PEOPLE.map(async ([name, engine]) => {
      const tab = await stage.visitor(name, livekit.server.url, engine, record);
      await enters(tab, room + fragment);
      return { name: `${name} (${engine})`, tab, id: await seat(tab) };
    }),
  );
  for (const person of people) person.others = people.filter((other) => other !== person).map(({ id }) => id);
  for (const { tab } of people) await joins(tab);
  return { network, livekit, people, encryption: () => encryption(stage, livekit, room.split("/r/")[1], people) };
}

/** How the tracks are encrypted, two of each person, as LiveKit says. */
async function encryption(stage, livekit, room, people) {
  const tracks = await until(
    async () => {
      const tracks = await livekit.encryption(room);
      return tracks.length === 2 * people.length && tracks;
    },
    () => "LiveKit does not have two tracks of each",
  );
  const all = [...new Set(tracks)].join(", ");
  stage.notes(`LiveKit has ${tracks.length} tracks: ${all}`);
  return all;
}

/** New frames of each arrive at each, and new sound of each. */
async function allSeeAndHear(stage, people, when) {
  const figures = () => Promise.all(people.map(({ tab, others }) => arrived(tab, others)));
  await Promise.all(people.map(({ tab, others }) => othersSeen(tab, others)));
  const before = await figures();
  let more;
  await until(
    async () => {
      more = (await figures()).map((now, n) => since(before[n], now));
      return more.every(
        ({ frames, energies }) => frames.every((count) => count >= MORE) && energies.length === frames.length,
      );
    },
    () => `${when}, not everything arrives: ${JSON.stringify(more)} more than ${JSON.stringify(before)}`,
  );
  for (const [n, { name }] of people.entries())
    stage.notes(`${when}, ${name}: +${more[n].frames.join(" +")} frames, energy +${more[n].energies.join(" +")}`);
}

/** What is new. After a reconnect they count from 0 again, and each sound has another track. */
function since(before, now) {
  const frames = now.frames.map((count, n) => (count < before.frames[n] ? count : count - before.frames[n]));
  const energies = Object.entries(now.energies).map(([track, energy]) => energy - (before.energies[track] ?? 0));
  return { frames, energies: energies.filter((energy) => energy > 0).map((energy) => energy.toPrecision(2)) };
}

async function until(ask, problem) {
  const end = Date.now() + ARRIVES_WITHIN;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(problem());
    await new Promise((then) => setTimeout(then, 200));
  }
}

const counts = (people) => Promise.all(people.map(async ({ tab }) => (await tokens(tab)).length));

export default {
  async "call: with a key, three browsers see and hear each other, and LiveKit cannot (GCM)"(stage) {
    const { network, livekit, people, encryption } = await call(stage, `#${KEY}`);
    assert.equal(await encryption(), "GCM");
    await allSeeAndHear(stage, people, "with a key");

    network.cut();
    await new Promise((then) => setTimeout(then, CUT));
    network.restore();
    await allSeeAndHear(stage, people, "after the cut");
    stage.also("call: goes on after ten seconds without a network");

    assert.deepEqual(await counts(people), [1, 1, 1]);
    await livekit.kill();
    network.expireTokens();
    await livekit.start();
    await until(
      async () => (await counts(people)).every((count) => count >= 2),
      () => "not all have asked for a new token",
    );
    for (const { tab } of people) {
      await inCall(tab);
      const all = await tokens(tab);
      assert.equal(new Set(all).size, all.length, "each token is a new one");
    }
    await allSeeAndHear(stage, people, "with new tokens");
    assert.equal(await encryption(), "GCM");
    stage.also("call: goes on when LiveKit was killed and started again, and the token expired meanwhile");
  },

  async "call: without a key, three browsers see and hear each other (LiveKit says NONE)"(stage) {
    const { people, encryption } = await call(stage, "");
    assert.equal(await encryption(), "NONE");
    await allSeeAndHear(stage, people, "without a key");
  },
};

/** For a browser that can make none. */
export const withoutCalls = {
  async call(stage) {
    const ann = await stage.visitor("Ann");
    await enters(ann, newRoom(stage.base));
    assert.equal(await ann.evaluate(() => typeof RTCPeerConnection), "undefined");
    stage.lacks("no RTCPeerConnection");
  },
};
