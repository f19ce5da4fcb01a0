#!/usr/bin/env bash
# When nginx passes server-sent events on.
#
# Versions: nginx 1.22.1 (package nginx 1.22.1-9 of Debian 12, with any of its security updates), python3.
#
# A good guess: `proxy_buffering on`, the default, makes nginx collect the answer, so events come late; `proxy_buffering
# off`, or X-Accel-Buffering: no in the answer, is what lets them through. With buffering on, the version of HTTP that
# nginx speaks to the server has no bearing on that: it concerns connections that are kept open.
# Seen: with buffering on, it is the framing of the answer that decides.
#   - An answer that ends with its connection is held back until it is at its end (or a buffer of 4 KiB is full). This
#     is every answer of unknown length, as long as nginx speaks HTTP/1.0 to the server, which is its default.
#   - The same answer in chunks passes at once, event by event, with buffering on and not one other directive than
#     `proxy_http_version 1.1`. A server that ends the stream with the connection does not profit from 1.1.
# So a stream that works behind one nginx stands still behind the next one, although neither mentions buffering; and a
# test behind an nginx with proxy_http_version 1.1, which WebSocket requires anyway, does not show that the server lacks
# X-Accel-Buffering: no.
#
# Wants apt-get, dpkg-deb and python3. The package is fetched into a temporary folder and is not installed. Beside that
# loopback only; everything is removed.
set -euo pipefail
work=$(mktemp -d)
children=()
clean_up() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap clean_up EXIT

failures=0
# expect WHAT WANTED SEEN
expect() {
    if [[ $3 == "$2" ]]; then
        echo "as described: $1: $2"
    else
        echo "CHANGED: $1: wanted '$2', saw '$3'"
        failures=$((failures + 1))
    fi
}
(cd "$work" && apt-get download -q nginx >/dev/null 2>&1 && dpkg-deb -x nginx_*.deb .)
nginx=$work/usr/sbin/nginx
expect 'version' 'nginx version: nginx/1.22.1' "$("$nginx" -v 2>&1)"

free_port() { python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'; }
chunked=$(free_port)
closing=$(free_port)
proxy=$(free_port)
cat >"$work/server.py" <<'END'
"""Sends two events with two seconds between them. The last argument says how the answer is framed for a client of
HTTP/1.1."""
import http.server, sys, time

port, framing = int(sys.argv[1]), sys.argv[2]

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        in_chunks = framing == 'chunked' and self.request_version == 'HTTP/1.1'
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        if 'hint' in self.path:
            self.send_header('X-Accel-Buffering', 'no')
        self.send_header(*(('Transfer-Encoding', 'chunked') if in_chunks else ('Connection', 'close')))
        self.close_connection = not in_chunks
        self.end_headers()
        for event in (b'data: 1\n\n', b'data: 2\n\n'):
            self.wfile.write(b'%x\r\n%s\r\n' % (len(event), event) if in_chunks else event)
            self.wfile.flush()
            time.sleep(2)
        if in_chunks:
            self.wfile.write(b'0\r\n\r\n')

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler).serve_forever()
END
python3 "$work/server.py" "$chunked" chunked &
children+=($!)
python3 "$work/server.py" "$closing" closing &
children+=($!)
cat >"$work/nginx.conf" <<END
daemon off;
master_process off;
pid $work/pid;
events {}
http {
    access_log off;
    client_body_temp_path $work/1;
    proxy_temp_path $work/2;
    fastcgi_temp_path $work/3;
    uwsgi_temp_path $work/4;
    scgi_temp_path $work/5;
    server {
        listen 127.0.0.1:$proxy;
        location /default/ { proxy_pass http://127.0.0.1:$chunked; }
        location /version/ { proxy_pass http://127.0.0.1:$chunked; proxy_http_version 1.1; }
        location /closing/ { proxy_pass http://127.0.0.1:$closing; proxy_http_version 1.1; }
        location /off/ { proxy_pass http://127.0.0.1:$chunked; proxy_buffering off; }
    }
}
END
"$nginx" -e "$work/errors" -c "$work/nginx.conf" -p "$work" &
children+=($!)
for _ in {1..100}; do
    if (: >"/dev/tcp/127.0.0.1/$proxy") 2>/dev/null && (: >"/dev/tcp/127.0.0.1/$chunked") 2>/dev/null &&
        (: >"/dev/tcp/127.0.0.1/$closing") 2>/dev/null; then break; fi
    sleep 0.1
done
cat >"$work/reader.py" <<'END'
"""Whether the two events of the answer come one after the other, or together at its end."""
import socket, sys, time
with socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20) as connection:
    connection.sendall(f'GET {sys.argv[2]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'.encode())
    text, times = b'', []
    while part := connection.recv(65536):
        text += part
        times += [time.monotonic()] * (text.count(b'data: ') - len(times))
print('together' if times[1] - times[0] < 1 else 'one by one')
END
events() { python3 "$work/reader.py" "$proxy" "$1"; }
expect 'the defaults of nginx' 'together' "$(events /default/)"
expect 'proxy_http_version 1.1, the answer in chunks' 'one by one' "$(events /version/)"
expect 'proxy_http_version 1.1, the answer ends with the connection' 'together' "$(events /closing/)"
expect 'proxy_buffering off' 'one by one' "$(events /off/)"
expect 'the defaults of nginx, X-Accel-Buffering: no' 'one by one' "$(events /default/hint)"

((failures == 0)) && echo 'All as described.'
exit $((failures > 0))
