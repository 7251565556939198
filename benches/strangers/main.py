"""What one address can do to a Parlor that is open to all: `make strangers`, or this file with a binary in PARLOR_BIN.

Each attack starts a server of its own on the loopback and comes from 127.0.0.2; the stranger in another room, or at the
health check, comes from 127.0.0.3. Bounded in count and time. Prints one row of Markdown an attack. Rows are chosen by
a part of their name: `main.py mailboxes heads`.
"""

import asyncio
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARLOR = os.environ.get("PARLOR_BIN", str(ROOT / "target/release/parlor"))
ATTACKER, STRANGER = "127.0.0.2", "127.0.0.3"
TEXT = "x" * 4000


class Server:
    """A Parlor of its own, and what it holds."""

    def __init__(self, *args, files=None, **env):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PARLOR_") and not k.endswith("_URL")}
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
        command = [PARLOR, "--listen", "127.0.0.1:0", *args]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=clean | {"NO_COLOR": "1"} | env, preexec_fn=limit
        )
        for line in self.process.stderr:
            if "http://127.0.0.1:" in line:
                self.port = int(line.rsplit(":", 1)[1].split()[0])
                break
        else:
            sys.exit("parlor does not start")
        os.set_blocking(self.process.stderr.fileno(), False)
        self.start = self.resident()

    def resident(self):
        """Resident memory in bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        return 0

    def grown(self):
        return self.resident() - self.start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


async def connect(server, source=ATTACKER):
    return await asyncio.open_connection("127.0.0.1", server.port, local_addr=(source, 0), limit=1 << 24)


async def read_answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, length, chunked = int(head.split()[1]), 0, False
    for line in head.lower().splitlines():
        if line.startswith("content-length:"):
            length = int(line.split(":")[1])
        chunked |= line.startswith("transfer-encoding: chunked")
    if not chunked:
        return status, await reader.readexactly(length) if length else b""
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return status, body


async def ask(server, method, path, body=None, ticket=None, source=ATTACKER, patience=60):
    """Status and body; 0 when the server cuts the connection or does not answer in time."""
    try:
        async with asyncio.timeout(patience):
            reader, writer = await connect(server, source)
            data = json.dumps(body).encode() if body is not None else b""
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
            head += f"Authorization: Bearer {ticket}\r\n" if ticket else ""
            writer.write(head.encode() + b"\r\n" + data)
            answer = await read_answer(reader)
            writer.close()
            return answer
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
        return 0, b""


async def join(server, room, source=ATTACKER):
    """A ticket, or None."""
    status, body = await ask(server, "POST", f"/api/rooms/{room}/join", {}, source=source)
    return json.loads(body)["ticket"] if status == 200 else None


async def say(server, room, ticket, text, source=ATTACKER):
    return (await ask(server, "POST", f"/api/rooms/{room}/messages", {"text": text}, ticket, source))[0]


class Socket:
    """A WebSocket client that reads only when it is told to."""

    @classmethod
    async def open(cls, server, room, source=ATTACKER):
        self = cls()
        self.reader, self.writer = await connect(server, source)
        key = base64.b64encode(os.urandom(16)).decode()
        self.writer.write(
            f"GET /ws?room={room} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        try:
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            return None
        return self if b" 101 " in head else None

    def send(self, frame):
        data = json.dumps(frame).encode()
        size = len(data)
        head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0x80 | 126]) + size.to_bytes(2, "big")
        self.writer.write(head + bytes(4) + data)

    async def frame(self):
        head = await self.reader.readexactly(2)
        size = head[1] & 127
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        data = await self.reader.readexactly(size)
        return json.loads(data) if head[0] == 0x81 else {"type": "control"}


def megabytes(size):
    return f"{size / 1e6:.1f} MB"


async def together(count, make, at_once=50):
    """`count` times `make(i)`, some at once."""
    gate = asyncio.Semaphore(at_once)

    async def one(i):
        async with gate:
            return await make(i)

    return await asyncio.gather(*(one(i) for i in range(count)))


async def mailboxes():
    """498 seats by POST, never polled; one socket says 62 x 4,000 characters."""
    with Server("--room-members", "500") as server:
        talker = await Socket.open(server, "r")
        seats = [t for t in await together(498, lambda _: join(server, "r")) if t]
        before = server.resident()
        for n in range(1, 63):
            talker.send({"type": "chat", "text": TEXT, "n": n})
        await talker.writer.drain()
        acked = 0
        while acked < 62:
            frame = await asyncio.wait_for(talker.frame(), 60)
            acked += frame["type"] in ("ack", "error")
        grown = server.resident() - before
        sent = 62 * len(TEXT)
        return f"{len(seats)} of 498 seats; +{megabytes(grown)} for {megabytes(sent)} sent (x{grown / sent:.1f})"


async def rooms():
    """1,000 rooms, 66 x 4,000 characters into each, from one address; then a stranger in another room."""
    with Server("--rate", "1000") as server:
        async def fill(i):
            if not (ticket := await join(server, f"r{i}")):
                return 0
            said = [await say(server, f"r{i}", ticket, TEXT) for _ in range(66)]
            return said.count(200)

        started = time.monotonic()
        said = sum(await together(1000, fill, 20))
        stranger = await join(server, "quiet", STRANGER)
        heard = await say(server, "quiet", stranger, "hello", STRANGER) if stranger else 0
        took = time.monotonic() - started
        return f"{said} messages kept, +{megabytes(server.grown())} in {took:.0f} s; the stranger gets {heard}"


async def redis():
    """The same into a Redis of 64 MB."""
    with tempfile.TemporaryDirectory() as folder:
        port = 20000 + os.getpid() % 20000
        store = subprocess.Popen(
            ["redis-server", "--port", str(port), "--dir", folder, "--save", "", "--maxmemory", "64mb"]
            + ["--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL,
        )
        try:
            await asyncio.sleep(1)
            with Server("--rate", "1000", "--redis-url", f"redis://127.0.0.1:{port}") as server:
                while (await ask(server, "GET", "/readyz"))[0] != 200:
                    await asyncio.sleep(0.2)
                # What Redis may hold is asked for now and then.
                await asyncio.sleep(12)

                async def fill(i):
                    if not (ticket := await join(server, f"r{i}")):
                        return 0
                    return [await say(server, f"r{i}", ticket, TEXT) for _ in range(66)].count(200)

                said = sum(await together(400, fill, 20))
                stranger = await join(server, "quiet", STRANGER)
                heard = await say(server, "quiet", stranger, "hello", STRANGER) if stranger else "no seat"
                return f"{said} messages kept; the stranger gets {heard}"
        finally:
            store.kill()
            store.wait()


async def silence():
    """1,100 silent connections at a file limit of 1,024; 20 health checks from another address."""
    with Server(files=1024) as server:
        async def hold(_):
            try:
                return await asyncio.wait_for(connect(server), 5)
            except (OSError, TimeoutError):
                return None

        held = await together(1100, hold, 200)
        healthy = 0
        for _ in range(20):
            healthy += (await ask(server, "GET", "/healthz", source=STRANGER, patience=3))[0] == 200
        for pair in held:
            if pair:
                pair[1].close()
        return f"/healthz {healthy} of 20"


async def seats():
    """498 seats as fast as they come, then 10 s of messages by their tickets."""
    with Server() as server:
        tickets = [t for t in await together(498, lambda _: join(server, "r")) if t]
        stranger = await join(server, "r", STRANGER)
        said, refused, end = 0, 0, time.monotonic() + 10

        async def talk(i):
            nonlocal said, refused
            while time.monotonic() < end:
                status = await say(server, "r", tickets[i], "hello")
                said += status == 200
                refused += status == 429

        await together(len(tickets), talk, 50)
        return f"{len(tickets)} seats, a stranger {'in' if stranger else 'shut out'}; {said} messages in 10 s, {refused} times 429"


async def joins():
    """A log of control characters, then 480 joins that nobody reads."""
    with Server() as server:
        ticket = await join(server, "r")
        for _ in range(65):
            await say(server, "r", ticket, "\x01" * 4000)
        before, kernel = server.resident(), kernel_bytes()

        async def deaf(_):
            socket = await Socket.open(server, "r")
            if socket:
                socket.writer.transport.pause_reading()
            return socket

        sockets = [socket for socket in await together(480, deaf) if socket]
        await asyncio.sleep(3)
        grown, queued = server.resident() - before, kernel_bytes() - kernel
        for socket in sockets:
            socket.writer.transport.abort()
        return f"{len(sockets)} sockets; +{megabytes(grown)} in the server, +{megabytes(queued)} in the kernel"


def kernel_bytes():
    """What all TCP sockets of this machine hold."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split("mem ")[1]) * resource.getpagesize()
    return 0


async def logins():
    """70 parallel correct logins of one account for 10 s; another account logs in from another address meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        with Server("--database-url", f"sqlite:{folder}/parlor.db") as server:
            for user, source in [("greedy", ATTACKER), ("Ann", STRANGER)]:
                await ask(server, "POST", "/register", {"user": user, "password": "correct horse"}, source=source)
            end = time.monotonic() + 10

            async def flood(_):
                while time.monotonic() < end:
                    await ask(server, "POST", "/login", {"user": "greedy", "password": "correct horse"}, patience=20)
                    await asyncio.sleep(0.1)

            flooding = asyncio.ensure_future(together(70, flood, 70))
            await asyncio.sleep(2)
            waits = []
            for _ in range(3):
                started = time.monotonic()
                status, _ = await ask(server, "POST", "/login", {"user": "Ann", "password": "correct horse"}, source=STRANGER)
                waits.append(f"{status} after {time.monotonic() - started:.1f} s")
            await flooding
            return "Ann logs in: " + ", ".join(waits)


async def heads():
    """400 unfinished heads of 390 KB."""
    with Server() as server:
        async def begin(_):
            try:
                reader, writer = await connect(server)
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 390_000)
                await asyncio.wait_for(writer.drain(), 2)
            except (OSError, TimeoutError):
                pass
            return writer

        writers = await together(400, begin, 100)
        await asyncio.sleep(2)
        grown = server.grown()
        for writer in writers:
            writer.transport.abort()
        return f"+{megabytes(grown)}"


ATTACKS = [mailboxes, rooms, redis, silence, seats, joins, logins, heads]


async def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    wanted = sys.argv[1:]
    print("| attack | seen |\n|---|---|")
    for attack in ATTACKS:
        if wanted and not any(part in attack.__name__ for part in wanted):
            continue
        print(f"| {attack.__name__}: {attack.__doc__} | {await attack()} |", flush=True)


asyncio.run(main())
