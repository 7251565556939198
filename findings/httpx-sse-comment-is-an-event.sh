#!/usr/bin/env bash
# httpx-sse 0.4.3 (PyPI): once an event had an `id:`, each comment of the stream comes out
# as one more event, with empty data.
#
# What most people expect: a comment keeps the connection open and is not seen. HTML
# standard, section 9.2.6: a line that starts with a colon is ignored, and at the blank line
# "if the data buffer is an empty string, set the data buffer and the event type buffer to
# the empty string and return". Section 9.2.7 advises a comment "every 15 seconds or so".
#
# The behaviour: the id is kept, as it must be, and a kept id is taken for an event of its
# own. So a client that parses the data of each event works until the first silence of 15 s,
# if the stream has ids, and fails there. `retry:` alone is an event as well. The remedy:
# skip an event whose data is empty. The controls: the stream without ids; sseclient-py.
#
# The output that was seen:
#   httpx-sse, with ids     | 'one' '' 'two' ''
#   httpx-sse, without ids  | 'one' 'two'
#   httpx-sse, retry first  | '' 'one'
#   sseclient, with ids     | 'one' 'two'
#   sseclient, retry first  | 'one'
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

python3 -m pip install -q --disable-pip-version-check --target lib httpx==0.28.1 \
    httpx-sse==0.4.3 requests==2.34.2 sseclient-py==1.9.0 >install.log 2>&1 ||
    { cat install.log; exit 1; }
export PYTHONPATH="$dir/lib"

cat >origin.py <<'PY'
import http.server, os, time

STREAMS = {
    "/with-ids": [b"id: 1\ndata: one\n\n", b": beat\n\n", b"id: 2\ndata: two\n\n", b": beat\n\n"],
    "/without-ids": [b"data: one\n\n", b": beat\n\n", b"data: two\n\n", b": beat\n\n"],
    "/retry-first": [b"retry: 2500\n\n", b": beat\n\n", b"data: one\n\n", b": beat\n\n"],
}

class Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for block in STREAMS[self.path]:
            self.wfile.write(block)
            time.sleep(0.05)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
with open("port.part", "w") as file:
    file.write(str(server.server_address[1]))
os.rename("port.part", "port")
server.serve_forever()
PY

cat >read.py <<'PY'
import sys

library, url = sys.argv[1:]
if library == "httpx-sse":
    import httpx, httpx_sse
    with httpx.Client(timeout=10, trust_env=False) as client:
        with httpx_sse.connect_sse(client, "GET", url) as source:
            print(*(repr(event.data) for event in source.iter_sse()))
else:
    import requests, sseclient
    session = requests.Session()
    session.trust_env = False
    answer = session.get(url, stream=True, timeout=10)
    print(*(repr(event.data) for event in sseclient.SSEClient(answer).events()))
PY

python3 origin.py &
pids="$pids $!"
for _ in $(seq 200); do
    [ -f port ] && break
    sleep 0.1
done

changed=0
expect() { # LIBRARY STREAM DATA
    seen=$(timeout 20 python3 read.py "$1" "http://127.0.0.1:$(cat port)/$2") || changed=1
    printf '%-23s | %s\n' "$1, $(echo "$2" | tr - ' ')" "$seen"
    [ "$seen" = "$3" ] || changed=1
}
expect httpx-sse with-ids "'one' '' 'two' ''"
expect httpx-sse without-ids "'one' 'two'"
expect httpx-sse retry-first "'' 'one'"
expect sseclient with-ids "'one' 'two'"
expect sseclient retry-first "'one'"

if [ "$changed" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$changed"
