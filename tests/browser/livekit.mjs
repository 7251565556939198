// A real LiveKit of the version that the Makefile names, on this machine only.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { SignJWT } from "jose";
import { freePort, startServer } from "./server.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const VERSION = /^LIVEKIT_VERSION := (.*)$/m.exec(readFileSync(resolve(ROOT, "Makefile"), "utf8"))[1];
const BIN = resolve(ROOT, `target/tools/livekit-server-${VERSION}`);
const KEY = "devkey";
const TRIES = 3;

/** LiveKit has ended before it could be asked. */
class Ended extends Error {}

/**
 * A Parlor and a LiveKit that know of each other. Browsers reach LiveKit by `network`, if it is given; `rtc` are settings
 * of LiveKit's media beside the usual ones; `turn`: with a TURN relay.
 */
export async function startBoth({ network = null, rtc = {}, turn = false } = {}) {
  if (!existsSync(BIN))
    throw new Error(`NO LIVEKIT: ${BIN} is missing, nothing of video was tested. Run \`make tools\`.`);
  for (let tries = 1; ; tries += 1) {
    try {
      return await startedBoth(network, rtc, turn);
    } catch (cause) {
      // Parlor has to know the port before LiveKit takes it, and another program may take it meanwhile.
      if (!(cause instanceof Ended) || tries === TRIES) throw cause;
    }
  }
}

async function startedBoth(network, more, turn) {
  const port = await freePort();
  const secret = randomBytes(24).toString("hex");
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    LIVEKIT_URL: network?.url ?? url.replace("http", "ws"),
    LIVEKIT_API_URL: url,
    LIVEKIT_API_KEY: KEY,
    LIVEKIT_API_SECRET: secret,
  };
  let server = await startServer(settings);
  const config = {
    port,
    bind_addresses: ["127.0.0.1"],
    keys: { [KEY]: secret },
    logging: { level: "warn" },
    rtc: {
      node_ip: network?.announced ?? "127.0.0.1",
      use_external_ip: false,
      enable_loopback_candidate: true,
      interfaces: { includes: ["lo"] },
      // Nothing answers there. Without this LiveKit names Google's servers to browsers.
      stun_servers: [`127.0.0.1:${port}`],
      // So that it does not send to browsers past the network.
      ...(network ? { use_ice_lite: true } : {}),
      ...more,
    },
    room: { auto_create: true, empty_timeout: 300, departure_timeout: 300 },
    webhook: { api_key: KEY, urls: [`${server.url}/livekit/webhook`] },
  };
  let child;

  async function start() {
    const rtc = { ...config.rtc, tcp_port: network ? 0 : await freePort(), udp_port: await freePort() };
    const here = { bind_addresses: ["127.0.0.1"], allow_restricted_peer_cidrs: ["127.0.0.0/8"] };
    const relay = turn ? { turn: { enabled: true, udp_port: await freePort(), ...here } } : {};
    // JSON is YAML.
    child = spawn(BIN, [], {
      cwd: ROOT,
      env: { ...process.env, LIVEKIT_CONFIG: JSON.stringify({ ...config, ...relay, rtc }) },
      stdio: "ignore",
    });
    while (!(await fetch(url).catch(() => null))?.ok) {
      if (child.exitCode !== null) throw new Ended(`LiveKit ended with ${child.exitCode}`);
      await new Promise((then) => setTimeout(then, 50));
    }
    await network?.carry({ signal: port, media: rtc.udp_port, secret });
  }

  async function ask(method, grant, body) {
    const token = await new SignJWT({ video: grant })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(KEY)
      .setExpirationTime("1m")
      .sign(new TextEncoder().encode(secret));
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(`${url}/twirp/livekit.RoomService/${method}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method}: ${answer.status}`);
    return answer.json();
  }

  try {
    await start();
  } catch (cause) {
    await server.stop();
    throw cause;
  }
  return {
    get server() {
      return server;
    },
    /** Parlor is killed and started again: its rooms are gone. */
    async restartParlor() {
      await server.kill();
      server = await startServer(settings, server.port);
    },
    start,
    /** It is killed, as by a power cut. */
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
    /** It answers nothing until it is resumed. */
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    /** The names of the rooms it has. */
    async rooms() {
      return ((await ask("ListRooms", { roomList: true }, {})).rooms ?? []).map((room) => room.name);
    },
    /** How each track in a room is encrypted, as LiveKit says: NONE or GCM. */
    async encryption(room) {
      const { participants = [] } = await ask("ListParticipants", { roomAdmin: true, room }, { room });
      return participants.flatMap(({ tracks = [] }) => tracks.map((track) => track.encryption ?? "NONE"));
    },
    async stop() {
      await server.stop();
      if (child.exitCode !== null || child.signalCode !== null) return;
      await this.kill();
    },
  };
}
