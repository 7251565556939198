// A room chat on ws, as its users write it: parse, add who said it, serialise once, send to all in the room.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const rooms = new Map();
const server = createServer();
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket, request) => {
  const room = new URL(request.url, "http://localhost").searchParams.get("room");
  const people = rooms.get(room) ?? rooms.set(room, new Set()).get(room);
  people.add(socket);
  socket.on("message", (data) => {
    const { text } = JSON.parse(data);
    const frame = JSON.stringify({ type: "chat", user: "load", room, text, timestamp: new Date().toISOString() });
    for (const other of people) other.send(frame);
  });
  socket.on("close", () => {
    people.delete(socket);
    if (people.size === 0) rooms.delete(room);
  });
  socket.send('{"type":"welcome"}');
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.error(`listening on http://127.0.0.1:${server.address().port}`);
});
