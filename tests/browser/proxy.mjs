// A TCP proxy between page and server, which fails when told to.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Starts a proxy to the server at this port. */
export async function startProxy(port) {
  const sockets = new Set();
  let target = port;
  let up = true;
  let answersDropped = false;
  let requestsDropped = false;
  let refused = null;
  let held = null;
  const server = createServer((near) => {
    if (!up) return near.destroy();
    const far = connect(target, "127.0.0.1");
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
      if (!requestsDropped) far.write(chunk);
    });
    near.on("end", () => far.end());
    far.on("data", (chunk) => answersDropped || buffered || near.write(chunk));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Nothing passes any more, and both ends notice: connections are closed. */
    cut() {
      up = false;
      for (const socket of sockets) socket.destroy();
    },
    /** What the page sends still arrives; what the server answers does not. */
    dropAnswers() {
      answersDropped = true;
    },
    /** Nothing passes any more, and neither end notices: connections stay open. */
    stall() {
      answersDropped = requestsDropped = true;
    },
    /** All connections work again, to the server at this port. */
    restore(port = target) {
      target = port;
      up = true;
      answersDropped = requestsDropped = false;
    },
    /** Requests whose first line matches are refused, as a company's proxy does. All connections are cut. */
    refuse(pattern) {
      refused = pattern;
      for (const socket of sockets) socket.destroy();
    },
    /** Nothing is refused any more; connections stay. */
    allow() {
      refused = null;
    },
    /** Answers to requests whose first line matches are buffered, as by a proxy that waits for their end. */
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
