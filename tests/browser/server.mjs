// The real server on a free port.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
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
    /** It is killed, as by a power cut. */
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
