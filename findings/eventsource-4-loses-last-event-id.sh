#!/usr/bin/env bash
# eventsource 4.1.1 (npm, the last major version for Node 20): `lastEventId` of an event
# without an `id:` line is empty, and an `id:` that comes without `data:` is not noted.
#
# What most people expect: what a browser does. HTML standard, section 9.2.6: at each blank
# line the last event ID is set from its buffer, before an empty data buffer ends the step,
# and "the buffer does not get reset, so the last event ID string of the event source
# remains set to this value until the next time it is set by the server".
#
# The behaviour: a client that notes `lastEventId` of each event to go on from there starts
# from nothing after any event without an id. One that comes back by itself sends an id
# that is too old where the newest stood alone. The remedy: note only ids that are not
# empty, and send ids with data; or eventsource 5, for Node 22. The control: undici.
#
# The output that was seen:
#   eventsource, lastEventId      | one=a two= three=
#   eventsource, Last-Event-ID    | a
#   undici, lastEventId           | one=a two=a three=b
#   undici, Last-Event-ID         | b
#   as described
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
cd "$dir"

npm init -y >install.log 2>&1
npm install --no-audit --no-fund eventsource@4.1.1 eventsource-parser@3.1.1 undici@7.30.2 \
    >>install.log 2>&1 || { cat install.log; exit 1; }

cat >case.mjs <<'JS'
// One client against a server of its own, which sends each block by itself. The second
// connection is answered by 204, which ends a stream for good.
import http from "node:http";

const { EventSource } = await import(process.argv[2]);
const blocks = ["retry: 100\n\n", "id: a\ndata: one\n\n", "data: two\n\n", "id: b\n\n", "data: three\n\n"];
const asked = [];
let cameBack;
const back = new Promise((resolve) => (cameBack = resolve));

const server = http.createServer(async (request, response) => {
  asked.push(request.headers["last-event-id"] ?? "");
  if (asked.length > 1) {
    response.writeHead(204).end();
    cameBack();
    return;
  }
  response.writeHead(200, { "Content-Type": "text/event-stream", Connection: "close" });
  for (const block of blocks) {
    response.write(block);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  response.end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const heard = [];
const source = new EventSource(`http://127.0.0.1:${server.address().port}/`);
source.onmessage = ({ data, lastEventId }) => heard.push(`${data}=${lastEventId}`);
const late = setTimeout(cameBack, 15_000);
await back;
clearTimeout(late);
source.close();
server.close();
server.closeAllConnections();
console.log(heard.join(" "));
console.log(asked.slice(1).join(" "));
process.exit();
JS

changed=0
expect() { # NAME HEARD ASKED
    timeout 25 node --no-warnings case.mjs "$1" >out || changed=1
    heard=$(sed -n 1p out)
    asked=$(sed -n 2p out)
    printf '%-29s | %s\n' "$1, lastEventId" "$heard" "$1, Last-Event-ID" "$asked"
    [ "$heard" = "$2" ] && [ "$asked" = "$3" ] || changed=1
}
expect eventsource 'one=a two= three=' a
expect undici 'one=a two=a three=b' b

if [ "$changed" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$changed"
