"""Instructions that Parlor takes for a message and for a join: `make bench-instructions`, or this file with a binary.

    main.py target/release/parlor
    main.py target/release/parlor --against ../before/target/release/parlor
    main.py target/release/parlor --guard

Each figure is the difference between a short run and a long one under valgrind's callgrind, divided by what the long one
did more, so that starting and stopping do not count. One worker, one client that waits for every delivery. Single figures
lie 2 % apart, because hashes are seeded and clocks run; a median of three does not. With --against, both binaries take
turns, and it fails if a median is more than 2 % above that of the other binary. With --guard, as `make test` runs it, it
fails if a median is above its bound here.
"""

import argparse
import base64
import json
import os
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

# Members of a room: each talks in turn.
MEMBERS = 4
ROOMS = 20
# Messages of a member, and joins: in the short run and in the long one. The long one ends before a log is full.
MESSAGES = (5, 45)
JOINS = (50, 450)
ROUNDS = 3
MOST = 1.02
# A tenth above what was measured when the bound was last set (docs/speed.md): other processors take other paths in libc.
BOUNDS = {"message to four": 17_500, "join with its leave": 130_000}
LIMITS = "ADDRESS_CONNECTIONS ADDRESS_SEATS ADDRESS_ROOMS ADDRESS_JOINS ADDRESS_RATE ADDRESS_TEXT ADDRESS_UNREAD"


class Server:
    """A Parlor under callgrind."""

    def __init__(self, binary, out):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PARLOR_") and not k.endswith("_URL")}
        env |= {f"PARLOR_{limit}": "0" for limit in LIMITS.split()}
        env |= {"NO_COLOR": "1", "TOKIO_WORKER_THREADS": "1"}
        callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        command = [*callgrind, binary, "--listen", "127.0.0.1:0", "--rate", "1000000"]
        self.out = out
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        for line in self.process.stderr:
            if match := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(match[1])
                return
        sys.exit(f"{binary} does not start under valgrind")

    def stop(self):
        """Instructions of the whole run."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
        return int(re.search(r"^(?:summary|totals): (\d+)", Path(self.out).read_text(), re.M)[1])


class Member:
    """A WebSocket client that reads a frame when it is told to."""

    def __init__(self, server, room):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(bytes(16)).decode()
        self.socket.sendall(
            f"GET /ws?room={room}&name=load HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        while self.file.readline().strip():
            pass
        self.wait_for("welcome")

    def wait_for(self, kind):
        """Reads until a frame of this type."""
        while True:
            head = self.file.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                sys.exit(f"the server has closed instead of sending {kind}")
            length = head[1] & 127
            if length == 126:
                (length,) = struct.unpack("!H", self.file.read(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self.file.read(8))
            payload = self.file.read(length)
            if head[0] & 15 == 1 and json.loads(payload)["type"] == kind:
                return

    def say(self, text):
        payload = json.dumps({"type": "chat", "text": text}).encode()
        # The mask is zero, which the protocol allows.
        self.socket.sendall(b"\x81" + struct.pack("!BH", 128 | 126, len(payload)) + bytes(4) + payload)

    def leave(self):
        """Closes, and waits until the server has done so too."""
        self.socket.sendall(b"\x88\x82" + bytes(4) + struct.pack("!H", 1000))
        while self.file.read(4096):
            pass
        self.socket.close()


def messages(server, each):
    """Every member of every room says `each` messages. Returns how many that were."""
    rooms = [[Member(server, f"room-{room}") for _ in range(MEMBERS)] for room in range(ROOMS)]
    for _ in range(each):
        for room in rooms:
            for speaker in room:
                speaker.say("x" * 128)
                for member in room:
                    member.wait_for("ack" if member is speaker else "chat")
    return ROOMS * MEMBERS * each


def joins(server, count):
    """As many members come into a room of their own and leave it, one after the other."""
    for room in range(count):
        Member(server, f"room-{room}").leave()
    return count


def measure(binary, work, counts):
    """Instructions of one of what `work` does."""
    runs = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            server = Server(binary, f"{folder}/callgrind.out")
            try:
                done = work(server, count)
                runs.append((server.stop(), done))
            finally:
                server.process.kill()
                server.process.wait()
    (few, done), (many, done_more) = runs
    return (many - few) / (done_more - done)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--against", metavar="BINARY")
    parser.add_argument("--guard", action="store_true")
    args = parser.parse_args()
    binaries = [args.binary, args.against] if args.against else [args.binary]
    worse = []
    for name, work, counts in [("message to four", messages, MESSAGES), ("join with its leave", joins, JOINS)]:
        rounds = [[measure(binary, work, counts) for binary in binaries] for _ in range(ROUNDS)]
        own, *others = [statistics.median(figures) for figures in zip(*rounds)]
        line = f"{name}: {own:.0f} instructions"
        for other in others:
            line += f", {other:.0f} in {args.against}: {(own / other - 1) * 100:+.1f} %"
            worse += [name] if own > other * MOST else []
        if args.guard:
            line += f", of at most {BOUNDS[name]}"
            worse += [name] if own > BOUNDS[name] else []
        print(line, flush=True)
    if worse:
        sys.exit(f"dearer than allowed: {', '.join(worse)}")


main()
