#!/usr/bin/env bash
# livekit-server 1.13.5 (Go module): a client that joins with a token of thirty seconds gets a
# token of ten minutes from the server at once.
#
# What most people expect: that a token's `exp`, which the backend chooses, bounds what it
# opens. LiveKit's guide "Authentication" has a "ttl" for each token; the guide "Remove
# participants from a room" counts on it: "Generate access tokens with a short TTL".
#
# The behaviour: at each join the server sends the client a token of its own
# (SignalResponse.refresh_token), which opens the same room. It lives for ten minutes where
# the first one was shorter, so a backend has to count ten minutes from the last join. The
# control: a first token of an hour is followed by one of an hour.
#
# The first build takes some minutes. The output that was seen:
#   first token of 30 s   | joined, handed out: 10 min
#   first token of 3600 s | joined, handed out: 60 min
#   as described
set -eu

dir=$(mktemp -d)
pid=
tidy() {
    if [ -n "$pid" ]; then
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap tidy EXIT
trap 'exit 130' INT TERM
cd "$dir"
unset LIVEKIT_CONFIG LIVEKIT_KEYS REDIS_HOST

GOBIN="$dir" go install github.com/livekit/livekit-server/cmd/server@v1.13.5 >install.log 2>&1 ||
    { cat install.log; exit 1; }

read -r port tcp <<PORTS
$(python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in held))')
PORTS

cat >livekit.yaml <<YAML
port: $port
bind_addresses: ["127.0.0.1"]
rtc:
  tcp_port: $tcp
  udp_port: $tcp
  node_ip: 127.0.0.1
  use_external_ip: false
  enable_loopback_candidate: true
  interfaces: { includes: [lo] }
  ips: { includes: [127.0.0.1/32] }
keys: { finding: a-secret-of-at-least-thirty-two-characters }
YAML

./server --config livekit.yaml >livekit.log 2>&1 &
pid=$!
curl -s --noproxy '*' --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused \
    -o answer "http://127.0.0.1:$port/" || { cat livekit.log; exit 1; }

cat >client.py <<'PY'
import base64, hashlib, hmac, json, re, socket, sys, time

PORT, SECRET = int(sys.argv[1]), b"a-secret-of-at-least-thirty-two-characters"
changed = False


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signed(claims):
    parts = ({"alg": "HS256", "typ": "JWT"}, {"iss": "finding", **claims})
    body = b".".join(encoded(json.dumps(part).encode()) for part in parts)
    return (body + b"." + encoded(hmac.digest(SECRET, body, hashlib.sha256))).decode()


def left(token):
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"] - time.time()


def join(token):
    """The answer, or the socket and the token that the server hands out on it."""
    stream = socket.create_connection(("127.0.0.1", PORT), timeout=10)
    stream.sendall(
        f"GET /rtc?access_token={token}&protocol=15 HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n".encode()
    )
    seen = b""
    while True:
        piece = stream.recv(65536)
        if not piece:
            return "closed", None, None
        seen += piece
        status = seen.split(b" ", 2)[1:2]
        if status and status != [b"101"]:
            return status[0].decode(), None, None
        handed_out = re.search(rb"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}", seen)
        if handed_out:
            return "joined", stream, handed_out[0].decode()


def row(name, seen, expected):
    global changed
    changed |= seen != expected
    print(f"{name:21} | {seen}")


grants = {"sub": "ann", "video": {"roomJoin": True, "room": "room"}}
for seconds, minutes in ((30, 10), (3600, 60)):
    answer, stream, handed_out = join(signed({"exp": int(time.time()) + seconds, **grants}))
    seen = f"{answer}, handed out: {round(left(handed_out) / 60)} min" if handed_out else answer
    row(f"first token of {seconds} s", seen, f"joined, handed out: {minutes} min")
sys.exit(changed)
PY
code=0
timeout 60 python3 client.py "$port" || code=1

if [ "$code" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$code"
