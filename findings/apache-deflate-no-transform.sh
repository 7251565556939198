#!/usr/bin/env bash
# Apache httpd 2.4.71 (Debian apache2-bin 2.4.71-1~deb12u1): mod_deflate compresses a
# proxied answer that says `Cache-Control: no-transform`.
#
# What most people expect: the answer passes as the origin sent it. RFC 9111 section
# 5.2.2.6: no-transform means that an intermediary "MUST NOT transform the content, as
# defined in Section 7.7 of [HTTP]" (RFC 9110 section 7.7 says the same of a proxy).
#
# The behaviour: with mod_proxy_http and mod_deflate, both `SetOutputFilter DEFLATE` and
# `AddOutputFilterByType DEFLATE text/plain` compress it, and leave `no-transform` in the
# head. The remedy: a mod_filter provider whose expression looks at Cache-Control.
#
# The output that was seen:
#   origin        | Cache-Control: no-transform | Content-Encoding: none
#   set-filter    | Cache-Control: no-transform | Content-Encoding: gzip
#   by-type       | Cache-Control: no-transform | Content-Encoding: gzip
#   with-provider | Cache-Control: no-transform | Content-Encoding: none
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

apt-get download -q apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 \
    libaprutil1=1.6.3-1+deb12u1 >install.log 2>&1 || { cat install.log; exit 1; }
for package in *.deb; do dpkg -x "$package" root; done
libs=$(dirname "$(find "$dir/root" -name 'libapr-1.so.0')")

cat >origin.py <<'PY'
import http.server, sys

class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"The same line again and again.\n" * 100
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-transform")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Origin).serve_forever()
PY

read -r origin front <<PORTS
$(python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in held))')
PORTS

modules="$dir/root/usr/lib/apache2/modules"
cat >httpd.conf <<CONF
ServerRoot $dir
ServerName localhost
PidFile $dir/httpd.pid
ErrorLog $dir/error.log
Listen 127.0.0.1:$front
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule filter_module $modules/mod_filter.so
LoadModule deflate_module $modules/mod_deflate.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
User nobody
Group nogroup
DefaultRuntimeDir $dir
ProxyPass / http://127.0.0.1:$origin/
<Location /set-filter>
    SetOutputFilter DEFLATE
</Location>
<Location /by-type>
    AddOutputFilterByType DEFLATE text/plain
</Location>
FilterDeclare squeeze CONTENT_SET
FilterProvider squeeze DEFLATE "%{resp:Content-Type} =~ m#^text/plain# && %{resp:Cache-Control} !~ /no-transform/"
<Location /with-provider>
    FilterChain squeeze
</Location>
CONF

python3 origin.py "$origin" &
pids="$pids $!"
LD_LIBRARY_PATH="$libs" root/usr/sbin/apache2 -d "$dir" -f "$dir/httpd.conf" -DFOREGROUND &
pids="$pids $!"

get() { # NAME URL: fetch as a browser does, keep the head
    curl -s --max-time 10 --retry 15 --retry-delay 1 --retry-connrefused \
        -H 'Accept-Encoding: gzip' -D "$1.head" -o "$1.body" "$2"
}
field() { # NAME FIELD: the field's value, or none
    value=$(tr -d '\r' <"$1.head" | awk -F': ' -v f="$2" 'tolower($1) == tolower(f) { print $2 }')
    echo "${value:-none}"
}

changed=0
expect() { # NAME URL CODING
    get "$1" "$2"
    control=$(field "$1" Cache-Control)
    coding=$(field "$1" Content-Encoding)
    printf '%-13s | Cache-Control: %s | Content-Encoding: %s\n' "$1" "$control" "$coding"
    [ "$control" = no-transform ] && [ "$coding" = "$3" ] || changed=1
}
expect origin "http://127.0.0.1:$origin/" none
expect set-filter "http://127.0.0.1:$front/set-filter" gzip
expect by-type "http://127.0.0.1:$front/by-type" gzip
expect with-provider "http://127.0.0.1:$front/with-provider" none

# What came coded is the origin's text, whole: it was transformed, not replaced.
for name in set-filter by-type; do
    gzip -dc <"$name.body" 2>/dev/null | cmp -s - origin.body || changed=1
done
cmp -s with-provider.body origin.body || changed=1

if [ "$changed" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$changed"
