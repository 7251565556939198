#!/usr/bin/env bash
# lighttpd 1.4.69 (Debian lighttpd 1.4.69-1): mod_proxy as it comes holds back the head of
# a chunked event stream, and all of its chunks, until the origin has ended the answer.
#
# What most people expect: the head and each chunk pass as they come. Nothing in HTTP makes
# a proxy send at once (RFC 9110 section 7.6: "some implementations will buffer or delay
# message forwarding"), yet an `EventSource` behind it never opens.
#
# The behaviour: `server.stream-response-body` is 0 by default: no byte reaches the client
# in 15 s though the origin sent head and first chunk at once. Where the origin ends the
# answer after 5 s, head and chunk come then. With 2 both pass at once.
#
# The output that was seen:
#   origin         | head and first event at once
#   default        | no byte in 15 s
#   stream-body-2  | head and first event at once
#   default, ended | first byte after 5 s
#   as described
set -eu

dir=$(mktemp -d)
pids=
tidy() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap tidy EXIT
trap 'exit 130' INT TERM
cd "$dir"

apt-get download -q lighttpd=1.4.69-1 libxxhash0=0.8.1-1 libnettle8=3.8.1-2 \
    >install.log 2>&1 || { cat install.log; exit 1; }
for package in *.deb; do dpkg -x "$package" root; done
libs=$(dirname "$(find "$dir/root" -name 'libxxhash.so.0')")

cat >origin.py <<'PY'
import http.server, sys, time

class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        event = b"data: one\n\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.flush()
        print("sent", self.request_version, flush=True)
        time.sleep(5 if self.path == "/short" else 40)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Origin).serve_forever()
PY

read -r origin default stream <<PORTS
$(python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in held))')
PORTS

python3 origin.py "$origin" >origin.log &
pids="$pids $!"

start() { # NAME PORT [LINE]: a lighttpd before the origin
    mkdir "$1"
    cat >"$1.conf" <<CONF
server.document-root = "$dir/$1"
server.bind = "127.0.0.1"
server.port = $2
server.modules = ("mod_proxy")
proxy.server = ("" => (("host" => "127.0.0.1", "port" => $origin)))
${3:-}
CONF
    LD_LIBRARY_PATH="$libs" root/usr/sbin/lighttpd -D -m "$dir/root/usr/lib/lighttpd" \
        -f "$1.conf" 2>"$1.log" &
    pids="$pids $!"
}
start default "$default"
start stream-body-2 "$stream" 'server.stream-response-body = 2'

wait_for() { # PORT: until it takes connections, 20 s at most
    python3 -c 'import socket, sys, time
end = time.monotonic() + 20
while True:
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
        break
    except OSError:
        if time.monotonic() > end:
            sys.exit("nothing listens")
        time.sleep(0.1)' "$1"
}
for port in "$origin" "$default" "$stream"; do wait_for "$port"; done

changed=0
expect() { # NAME PORT SECONDS all|nothing: read that long, then look at what came
    curl -sSN -i --max-time "$3" -H 'Accept: text/event-stream' \
        "http://127.0.0.1:$2/events" >"$1.out" 2>/dev/null || true
    if [ ! -s "$1.out" ]; then
        came=nothing; seen="no byte in $3 s"
    elif grep -q '^HTTP/1.1 200' "$1.out" && grep -q '^data: one' "$1.out"; then
        came=all; seen="head and first event at once"
    else
        came=part; seen="something else: $(head -n 1 "$1.out")"
    fi
    printf '%-14s | %s\n' "$1" "$seen"
    [ "$came" = "$4" ] || changed=1
}
expect origin "$origin" 3 all
expect default "$default" 15 nothing
expect stream-body-2 "$stream" 3 all

# An answer that the origin ends after 5 s: its first byte comes only then.
first=$(curl -s --max-time 20 -o ended.out -w '%{time_starttransfer}' \
    "http://127.0.0.1:$default/short") || changed=1
printf '%-14s | first byte after %.0f s\n' 'default, ended' "$first"
awk -v t="$first" 'BEGIN { exit !(t >= 4.9) }' && grep -q '^data: one' ended.out || changed=1

# The origin was asked by HTTP/1.1 (so may chunk) and sent head and chunk all four times.
[ "$(grep -c 'sent HTTP/1.1' origin.log)" = 4 ] || changed=1

if [ "$changed" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$changed"
