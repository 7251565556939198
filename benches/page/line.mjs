// A long line between browser and server: every byte takes its time, a new
// connection takes a round trip more, and its window opens as TCP's does.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** What a server may send before anything of it is known to have arrived (RFC 6928). */
const FIRST_WINDOW = 10 * 1460;

/** `delay`: milliseconds in one direction. */
export async function startLine(toPort, delay) {
  const sockets = new Set();
  const server = createServer((near) => {
    const open = performance.now() + 2 * delay;
    const far = connect(toPort, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay();
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    const up = lane(delay, (chunk) => far.write(chunk));
    near.on("data", (chunk) => up(chunk, open));
    const down = lane(delay, (chunk) => near.writable && near.write(chunk));
    let waiting = Buffer.alloc(0);
    let window = FIRST_WINDOW;
    let underWay = 0;
    const pump = () => {
      const piece = waiting.subarray(0, window - underWay);
      if (piece.length === 0) return;
      waiting = waiting.subarray(piece.length);
      underWay += piece.length;
      down(piece);
      setTimeout(() => {
        underWay -= piece.length;
        window += piece.length;
        pump();
      }, 2 * delay);
    };
    far.on("data", (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      pump();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The next client has to connect anew. */
    hangUp() {
      for (const socket of sockets) socket.destroy();
    },
    async stop() {
      this.hangUp();
      server.close();
      await once(server, "close");
    },
  };
}

/** Brings pieces over in the order they came, each `delay` after it was given and not before `open`. */
function lane(delay, bring) {
  let last = Promise.resolve();
  return (chunk, open = 0) => {
    const at = Math.max(performance.now(), open) + delay;
    last = last.then(async () => {
      const left = at - performance.now();
      if (left > 0) await new Promise((then) => setTimeout(then, left));
      bring(chunk);
    });
  };
}
