// The real server on a free port, and a wire to it that can be cut.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const BIN = resolve(ROOT, process.env.PARLOR_BIN ?? "target/debug/parlor");
const STARTS_WITHIN = 20_000;

export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** Starts the server with these settings beside its defaults; `at` a port that was its before, or a free one. */
export async function startServer(settings = {}, at = null) {
  try {
    return await startedAt(at ?? (await freePort()), settings);
  } catch (cause) {
    // A free port may be taken before it is used.
    if (at !== null || !/cannot listen/.test(cause.message)) throw cause;
    return startedAt(await freePort(), settings);
  }
}

async function startedAt(port, settings) {
  const address = `127.0.0.1:${port}`;
  const child = spawn(BIN, [], {
    cwd: ROOT,
    env: { ...process.env, ...settings, PARLOR_LISTEN: address },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const said = [];
  child.stderr.on("data", (chunk) => said.push(chunk));
  const failed = new Promise((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${BIN} ended with ${code}:\n${Buffer.concat(said)}`)));
  });
  failed.catch(() => {});
  const url = `http://${address}`;
  await Promise.race([healthy(url), failed]);
  return {
    url,
    port,
    /** As a power cut would. */
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function healthy(url) {
  const until = Date.now() + STARTS_WITHIN;
  for (;;) {
    const answer = await fetch(`${url}/healthz`).catch(() => null);
    if (answer?.ok) return;
    if (Date.now() > until) throw new Error(`${url} is not healthy after ${STARTS_WITHIN} ms`);
    await new Promise((then) => setTimeout(then, 50));
  }
}

/** A wire between page and server: what a bad network does, done on purpose. */
export async function startWire(toPort, atPort = 0) {
  const sockets = new Set();
  let up = true;
  let deaf = false;
  let dumb = false;
  let refused = null;
  let held = null;
  const server = createServer((near) => {
    if (!up) return near.destroy();
    const far = connect(toPort, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    let buffered = false;
    near.on("data", (chunk) => {
      // A browser writes a request in one piece, and the next one after the answer.
      const head = chunk.toString("latin1").split("\r\n", 1)[0];
      if (refused?.test(head)) return near.destroy();
      buffered = held?.test(head) ?? false;
      if (!dumb) far.write(chunk);
    });
    near.on("end", () => far.end());
    far.on("data", (chunk) => deaf || buffered || near.write(chunk));
  });
  server.listen(atPort, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Nothing passes any more, and both ends notice. */
    cut() {
      up = false;
      for (const socket of sockets) socket.destroy();
    },
    /** What the page says still arrives; what the server answers does not. */
    deafen() {
      deaf = true;
    },
    /** Nothing passes any more, and neither end notices. */
    freeze() {
      deaf = dumb = true;
    },
    mend() {
      up = true;
      deaf = dumb = false;
    },
    /** Requests whose first line matches do not get through, as with a proxy that forbids them. What flows is cut. */
    refuse(pattern) {
      refused = pattern;
      for (const socket of sockets) socket.destroy();
    },
    /** Nothing is forbidden any more, and what flows flows on. */
    allow() {
      refused = null;
    },
    /** Answers to requests whose first line matches are kept back, as by a proxy that waits for their end. */
    hold(pattern) {
      held = pattern;
    },
    async stop() {
      this.cut();
      server.close();
      await once(server, "close");
    },
  };
}

/** A test with a wire of its own between its pages and the server. */
export function wired(test) {
  return async (stage) => {
    const wire = await startWire(stage.port);
    try {
      await test({ ...stage, wire });
    } finally {
      await wire.stop();
    }
  };
}
