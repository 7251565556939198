#!/usr/bin/env bash
# livekit-server 1.13.5 (Go module): each error that keeps it from starting ends it with
# exit code 0.
#
# What most people expect: another code. systemd.service(5) says of `Restart=on-failure`
# that it "is the recommended choice for long-running services", and it restarts only after
# a code that is not 0, a signal or a timeout. Docker's `restart: on-failure` and the `&&`
# of a shell look at the code as well.
#
# The behaviour: where its Redis is not up yet, its port is taken, or its configuration is
# missing or has a name that it does not know, it prints the error to standard output and
# ends with 0, the same as after SIGTERM. A server that boots before its Redis stays down,
# and systemd calls that a success. The remedy: `Restart=always`. The control: the same
# configuration with its Redis line away, and its port free, serves until it is told to end.
#
# The first build takes some minutes. The output that was seen:
#   serves, then SIGTERM  | 200 | exit 0
#   Redis is not there    | unable to connect to redis | exit 0
#   port is taken         | bind: address already in use | exit 0
#   unknown setting       | could not parse config | exit 0
#   no such file          | no such file or directory | exit 0
#   unknown flag          | flag provided but not defined | exit 0
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
unset LIVEKIT_CONFIG LIVEKIT_KEYS REDIS_HOST

GOBIN="$dir" go install github.com/livekit/livekit-server/cmd/server@v1.13.5 >install.log 2>&1 ||
    { cat install.log; exit 1; }

read -r port tcp free <<PORTS
$(python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in held))')
PORTS

cat >good.yaml <<YAML
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
{ cat good.yaml; echo "redis: { address: '127.0.0.1:$free' }"; } >redis.yaml
{ cat good.yaml; echo "nonsense: 1"; } >unknown.yaml

changed=0
row() { # NAME SEEN CODE
    printf '%-21s | %s | exit %s\n' "$1" "$2" "$3"
    [ "$3" = 0 ] || changed=1
}

./server --config good.yaml >good.log 2>&1 &
pid=$!
pids=$pid
status=$(curl -s --noproxy '*' --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused \
    -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/") || changed=1
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
pids=
[ "$status" = 200 ] || changed=1
row 'serves, then SIGTERM' "$status" "$code"

expect() { # NAME ERROR ARGUMENT...: the error is on standard output
    code=0
    timeout 20 ./server "${@:3}" >out 2>err || code=$?
    if grep -qF "$2" out; then seen=$2; else seen="something else"; changed=1; fi
    row "$1" "$seen" "$code"
}
expect 'Redis is not there' 'unable to connect to redis' --config redis.yaml

python3 -c 'import signal, socket, sys
held = socket.create_server(("127.0.0.1", int(sys.argv[1])))
open("held", "w").close()
signal.pause()' "$port" &
pids=$!
for _ in $(seq 200); do
    [ -f held ] && break
    sleep 0.1
done
expect 'port is taken' 'bind: address already in use' --config good.yaml
expect 'unknown setting' 'could not parse config' --config unknown.yaml
expect 'no such file' 'no such file or directory' --config none.yaml
expect 'unknown flag' 'flag provided but not defined' --config good.yaml --nonsense

if [ "$changed" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$changed"
