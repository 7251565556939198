// The network between browsers and LiveKit: a relay for its signal and one for its media, which a test cuts.

import { createHmac } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";

const LIVEKIT = "127.0.0.1";
/** LiveKit announces this address, and listens at the other: browsers reach it by the relay only. */
const ANNOUNCED = "127.0.0.2";
const HOUR = 3_600;

const seconds = () => Math.floor(Date.now() / 1_000);

/** Starts with nothing behind it, until `carry` names it. */
export async function startNetwork() {
  let up = true;
  let livekit = null;
  /** LiveKit is shown tokens of before this second as expired. */
  let expiredBefore = 0;
  let media = null;
  const sockets = new Set();
  /** For each browser's port one of the relay's. */
  const ports = new Map();

  const signal = createServer((near) => {
    if (!up || !livekit) return near.destroy();
    const far = connect(livekit.signal, LIVEKIT);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    // A browser writes the head of a request in one piece.
    near.on("data", (chunk) => far.write(/^GET /.test(chunk.toString("latin1", 0, 4)) ? aged(chunk) : chunk));
    near.on("end", () => far.end());
    far.pipe(near);
  });
  signal.listen(0, LIVEKIT);
  await once(signal, "listening");

  function aged(head) {
    const text = head.toString("latin1").replace(/(?<=[?&]access_token=)[\w.-]+/, (token) => {
      const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
      return claims.nbf < expiredBefore ? signed({ ...claims, exp: seconds() - HOUR }, livekit.secret) : token;
    });
    return Buffer.from(text, "latin1");
  }

  function relay(packet, { port }) {
    if (!up) return;
    let far = ports.get(port);
    if (!far) {
      far = createSocket("udp4", (answer) => up && media?.send(answer, port, LIVEKIT));
      far.on("error", () => {});
      ports.set(port, far);
    }
    far.send(packet, livekit.media, LIVEKIT);
  }

  function closePorts() {
    for (const far of ports.values()) far.close();
    ports.clear();
  }

  return {
    announced: ANNOUNCED,
    url: `ws://${LIVEKIT}:${signal.address().port}`,
    /** LiveKit has started with these ports and this secret. */
    async carry(given) {
      livekit = given;
      closePorts();
      media?.close();
      media = createSocket("udp4", relay);
      media.on("error", () => {});
      media.bind(given.media, ANNOUNCED);
      await once(media, "listening");
    },
    /** Nothing passes any more. Browsers see their signal break. */
    cut() {
      up = false;
      for (const socket of sockets) socket.destroy();
    },
    restore() {
      up = true;
    },
    /** All tokens of before this second are expired, the ones that LiveKit has renewed among them. */
    expireTokens() {
      expiredBefore = seconds();
    },
    async stop() {
      this.cut();
      closePorts();
      media?.close();
      signal.close();
      await once(signal, "close");
    },
  };
}

/** A JWT by HS256, as LiveKit and Parlor sign it. */
function signed(claims, secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}
