// A room chat on socket.io, as its users write it: its own rooms, one emit to all in the room.
import { createServer } from "node:http";
import { Server } from "socket.io";

const server = createServer();
const io = new Server(server, { transports: ["websocket"], serveClient: false });
io.on("connection", (socket) => {
  const { room } = socket.handshake.query;
  socket.join(room);
  socket.on("chat", ({ text }) => {
    io.to(room).emit("chat", { user: "load", room, text, timestamp: new Date().toISOString() });
  });
  socket.emit("welcome");
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.error(`listening on http://127.0.0.1:${server.address().port}`);
});
