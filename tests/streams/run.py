"""Starts Parlor and follows a room with the clients that people use. Each must have the welcome and each message before
the next one is said."""

import json
import os
import queue
import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ROOT / "target/streams"
PARLOR = ROOT / "target/debug/parlor"

# Longer than anything takes, also on a busy machine.
PATIENCE = 60
MESSAGES = 5

PYTHON = [TOOLS / "python/bin/python3", HERE / "clients.py"]
NODE = ["node", HERE / "client.mjs"]
CURL = ["curl", "-sSN"]
CLIENTS = {
    "requests, iter_lines": [*PYTHON, "requests"],
    "requests, iter_content": [*PYTHON, "requests-chunks"],
    "sseclient-py": [*PYTHON, "sseclient-py"],
    "httpx-sse": [*PYTHON, "httpx-sse"],
    "aiohttp": [*PYTHON, "aiohttp"],
    "aiohttp, iter_chunks": [*PYTHON, "aiohttp-chunks"],
    "Python's urllib": [*PYTHON, "urllib"],
    "Go's net/http, by lines": [TOOLS / "client"],
    "Go's net/http, by reads": [TOOLS / "client", "URL", "reads"],
    "Node's fetch": [*NODE, "fetch"],
    "Node's http": [*NODE, "http"],
    "eventsource (npm)": [*NODE, "eventsource"],
    "curl -N": CURL,
    "curl -N --http1.0": [*CURL, "--http1.0"],
    "curl -N --compressed": [*CURL, "--compressed"],
}


def start():
    command = [PARLOR, "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"RUST_LOG": "info"})
    for line in server.stderr:
        if found := re.search(r"http://[\d.]+:\d+", line):
            return server, found[0]
    sys.exit("parlor does not start")


class Speaker:
    """Says something in a room by requests."""

    def __init__(self, base, room):
        self.room = f"{base}/api/rooms/{room}"
        self.ticket = json.loads(self.ask("join", {"name": "Ann"}))["ticket"]

    def ask(self, what, body):
        request = urllib.request.Request(f"{self.room}/{what}", json.dumps(body).encode())
        if what != "join":
            request.add_header("authorization", f"Bearer {self.ticket}")
        return urllib.request.urlopen(request, timeout=PATIENCE).read()


def follow(base, name, command):
    """Runs a client in a room of its own; gives what is wrong."""
    room = re.sub(r"\W", "-", name)
    speaker = Speaker(base, room)
    url = f"{base}/api/rooms/{room}/events?name=Eve"
    command = [url if word == "URL" else word for word in command] if "URL" in command else [*command, url]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    lines = queue.Queue()

    def read():
        for line in client.stdout:
            # curl gives the stream as it is.
            lines.put(line.removeprefix("data: "))

    threading.Thread(target=read, daemon=True).start()

    def hear(kind):
        while True:
            line = lines.get(timeout=PATIENCE)
            if line.startswith("{") and (frame := json.loads(line))["type"] == kind:
                return frame

    said = "nothing"
    try:
        hear("welcome")
        for n in range(1, MESSAGES + 1):
            said = f"message {n}"
            speaker.ask("messages", {"text": said, "n": n})
            if (heard := hear("chat")["text"]) != said:
                return f"{heard} instead of {said}"
        return None
    except queue.Empty:
        client.kill()
        return f"heard nothing in {PATIENCE} s after {said} was said: {client.stderr.read()[-2000:]}"
    finally:
        client.kill()
        client.wait()


def main():
    server, base = start()
    failed = 0
    try:
        for name, command in CLIENTS.items():
            wrong = follow(base, name, command)
            failed += wrong is not None
            print(f"{name}: {wrong or 'ok'}", flush=True)
        if server.poll() is not None:
            sys.exit("parlor has ended")
    finally:
        server.terminate()
        server.wait()
    print(f"{len(CLIENTS) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
