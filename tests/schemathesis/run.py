"""Starts Parlor and lets schemathesis send it what docs/openapi.yaml allows and what it does not: without tickets, then
with a good one in every request. No answer may be a 5xx or one that the document does not know."""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOL = ROOT / "target/schemathesis/bin/schemathesis"
PARLOR = ROOT / "target/debug/parlor"

# Streams have no end: tests/it/documents.rs reads them.
STREAMS = ["events", "read", "socket"]
VIDEO = ["--livekit-url", "wss://video.example.org", "--livekit-api-url", "ws://127.0.0.1:1", "--livekit-api-key", "key"]
# A crowd that is let in, and nobody is slowed.
OPEN = ["--rate", "1000000", "--room-members", "100000", "--history-len", "20"]
OPEN += [part for what in ["connections", "seats", "rooms", "joins", "rate", "text"] for part in (f"--address-{what}", "0")]


def start():
    command = [PARLOR, "--listen", "127.0.0.1:0", *VIDEO, *OPEN]
    secret = {"LIVEKIT_API_SECRET": "a secret that is long enough for HS256", "RUST_LOG": "info"}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | secret)
    for line in server.stderr:
        if found := re.search(r"http://[\d.]+:\d+", line):
            return server, found[0]
    sys.exit("parlor does not start")


def run(url, *more, **env):
    command = [TOOL, "--config-file", HERE / "schemathesis.toml", "run", ROOT / "docs/openapi.yaml", "--url", url]
    command += ["--phases", "examples,coverage,fuzzing", "--seed", "1", "--max-examples", "25", "--continue-on-failure"]
    command += ["--request-timeout", "20", "--generation-database", "none", "--no-color"]
    for stream in STREAMS:
        command += ["--exclude-operation-id", stream]
    hooks = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "PARLOR_URL": url, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([*command, *more], env=os.environ | hooks | env, cwd=ROOT / "target").returncode


def main():
    server, url = start()
    try:
        strangers = run(url, "--warnings", "off")
        # The hook puts a ticket into every request, so that none is without one.
        members = run(url, "--warnings", "off", "--exclude-checks", "ignored_auth,missing_required_header", PARLOR_TICKETS="1")
        if server.poll() is not None:
            sys.exit("parlor has ended")
    finally:
        server.terminate()
        server.wait()
    sys.exit(strangers or members)


main()
