// A call in a tab: how a person gets into it, and what arrives over its connections.

import { AGAIN, button, CALL, DIALOG, ENTRANCE, FAILED, has, isThere, JOIN, pictureOf, press, sees } from "./page.mjs";

/** Records the connections of a tab, and the tokens that it asks Parlor for. */
export async function record(tab) {
  await tab.beforeScripts(() => {
    globalThis.connections = [];
    globalThis.tokens = [];
    const Connection = globalThis.RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Connection {
      constructor(...given) {
        super(...given);
        globalThis.connections.push(this);
      }
    };
    const ask = globalThis.fetch;
    globalThis.fetch = async (...given) => {
      const answer = await ask(...given);
      if (String(given[0]?.url ?? given[0]).endsWith("/livekit-token") && answer.ok)
        globalThis.tokens.push((await answer.clone().json()).token);
      return answer;
    };
  });
}

/** From the header into the call, with camera and microphone. */
export async function joins(tab) {
  await press(tab, ENTRANCE);
  for (let joined = false; !joined;) {
    await button(tab, JOIN);
    await isMoving(tab, `${DIALOG} video`);
    await press(tab, JOIN);
    // On a busy machine LiveKit may not be reached in time, and the page offers another try.
    await isThere(tab, `${CALL}, ${FAILED}`);
    joined = !(await has(tab, FAILED));
    if (!joined) await press(tab, AGAIN);
  }
}

export const inCall = (tab) => isThere(tab, CALL);

const isMoving = (tab, video) => sees(tab, (video) => document.querySelector(video)?.videoWidth > 0, video);

/** The tile of each of these has a picture. */
export async function othersSeen(tab, identities) {
  for (const id of identities) await isMoving(tab, pictureOf(id));
}

/** What has arrived: decoded frames of each one's picture that is shown, and by its track the energy of each sound. */
export const arrived = (tab, identities) =>
  tab.evaluate(async (pictures) => {
    const stats = [];
    for (const connection of globalThis.connections)
      if (connection.connectionState !== "closed") stats.push(...(await connection.getStats()).values());
    const inbound = stats.filter(({ type }) => type === "inbound-rtp");
    const frames = pictures.map((picture) => {
      const track = document.querySelector(picture)?.srcObject?.getVideoTracks()[0]?.id;
      return inbound.find((stat) => stat.trackIdentifier === track)?.framesDecoded ?? 0;
    });
    const sounds = inbound.filter(({ kind }) => kind === "audio");
    return {
      frames,
      energies: Object.fromEntries(sounds.map((stat) => [stat.trackIdentifier, stat.totalAudioEnergy ?? 0])),
    };
  }, identities.map(pictureOf));

export const tokens = (tab) => tab.evaluate(() => globalThis.tokens);
