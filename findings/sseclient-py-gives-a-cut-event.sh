#!/usr/bin/env bash
# sseclient-py 1.9.0 (PyPI): where a stream ends in the middle of an event, the piece that
# has come is given as an event, with half of its data or half of its id.
#
# What most people expect: it is dropped, and comes whole after the reconnect. HTML
# standard, section 9.2.6: "Once the end of the file is reached, any pending data must be
# discarded. (If the file ends in the middle of an event, before the final empty line, the
# incomplete event is not dispatched.)"
#
# The behaviour: data of half a line is given (a JSON parser stops there), and half an id
# passes for an older one: after 41, a cut 42 is 4. A client that goes on from there gets
# all that it had again, or is told that it lost its place. Seen where a stream ends with
# its connection, and where a proxy has ended the chunks of one that did; a chunked stream
# whose last chunk is missing raises instead. The control: httpx-sse.
#
# The output that was seen:
#   sseclient, until close     | 41 {"n": 1} / 4 {"n": 2}
#   sseclient, cut in data     | 41 {"n": 1} / 42 {"n":
#   sseclient, chunks ended    | 41 {"n": 1} / 4 {"n": 2}
#   sseclient, last chunk gone | 41 {"n": 1} / ChunkedEncodingError
#   httpx-sse, until close     | 41 {"n": 1}
#   httpx-sse, cut in data     | 41 {"n": 1}
#   httpx-sse, chunks ended    | 41 {"n": 1}
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

WHOLE = b'id: 41\ndata: {"n": 1}\n\n'
IN_ID = b'data: {"n": 2}\nid: 4'
IN_DATA = b'id: 42\ndata: {"n":'

class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        chunks = self.path in ("/chunks-ended", "/last-chunk-gone")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        if chunks:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (WHOLE, IN_DATA if self.path == "/cut-in-data" else IN_ID):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunks else piece)
            time.sleep(0.1)
        if self.path == "/chunks-ended":
            self.wfile.write(b"0\r\n\r\n")

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

def events(library, url):
    if library == "httpx-sse":
        import httpx, httpx_sse
        with httpx.Client(timeout=10, trust_env=False) as client:
            with httpx_sse.connect_sse(client, "GET", url) as source:
                yield from source.iter_sse()
    else:
        import requests, sseclient
        session = requests.Session()
        session.trust_env = False
        yield from sseclient.SSEClient(session.get(url, stream=True, timeout=10)).events()

heard = []
try:
    for event in events(*sys.argv[1:]):
        heard.append(f"{event.id} {event.data}")
except Exception as error:
    heard.append(type(error).__name__)
print(" / ".join(heard))
PY

python3 origin.py &
pids="$pids $!"
for _ in $(seq 200); do
    [ -f port ] && break
    sleep 0.1
done

changed=0
expect() { # LIBRARY STREAM HEARD
    seen=$(timeout 20 python3 read.py "$1" "http://127.0.0.1:$(cat port)/$2") || changed=1
    printf '%-26s | %s\n' "$1, $(echo "$2" | tr - ' ')" "$seen"
    [ "$seen" = "$3" ] || changed=1
}
expect sseclient until-close '41 {"n": 1} / 4 {"n": 2}'
expect sseclient cut-in-data '41 {"n": 1} / 42 {"n":'
expect sseclient chunks-ended '41 {"n": 1} / 4 {"n": 2}'
expect sseclient last-chunk-gone '41 {"n": 1} / ChunkedEncodingError'
expect httpx-sse until-close '41 {"n": 1}'
expect httpx-sse cut-in-data '41 {"n": 1}'
expect httpx-sse chunks-ended '41 {"n": 1}'

if [ "$changed" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$changed"
