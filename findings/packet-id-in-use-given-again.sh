#!/usr/bin/env bash
# What a publisher does when it comes round to a packet identifier that is still in use.
#
# Versions: MQTT.js 5.16.0 (npm, Node 18 or later), mosquitto_pub 2.0.11 (Debian 12).
#
# A good guess: a client library leaves out an identifier whose PUBACK it still waits for: [MQTT-2.2.1-3] says
# that each new QoS 1 message carries one "that is currently unused". With one PUBACK missing and 65,535 later
# messages answered, the free identifiers are plentiful.
# Seen, with a scripted server that never answers the first QoS 1 message and sends PUBACK at once for all others:
#   MQTT.js        gives the identifier of the first message to message 65,536. When that one is answered its own
#                  callback is called; the callback of the first message is never called, and nothing says so.
#                  (The package also exports UniqueMessageIdProvider, which does not do this, but it is not the default.)
#   mosquitto_pub  gives it again too, DUP 0.
# A server sees two different messages with one identifier in one connection. At one message a second that is 18 hours
# after the PUBACK got stuck; a receiver that takes the second message for a repetition would lose it.
#
# Wants python3, node, npm and mosquitto_pub. Loopback only; everything is in a temporary folder and is removed.
set -euo pipefail
work=$(mktemp -d)
server=''
clean_up() {
    if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap clean_up EXIT

cat >"$work/server.py" <<'END'
"""Leaves the first QoS 1 PUBLISH of a connection without PUBACK; tells when its packet identifier comes again."""
import socket, struct, sys

def read_packet(file):
    head = file.read(1)
    if not head:
        return None
    length = shift = 0
    while True:
        byte = file.read(1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return head[0], file.read(length)

def serve(peer):
    file = peer.makefile('rb')
    first, count, again = None, 0, []
    while (packet := read_packet(file)) is not None:
        kind, body = packet[0] >> 4, packet[1]
        if kind == 1:
            peer.sendall(b'\x20\x02\0\0')
        elif kind == 3:
            topic_end = 2 + struct.unpack('>H', body[:2])[0]
            identifier = body[topic_end:topic_end + 2]
            count += 1
            if first is None:
                first = identifier
                continue
            if identifier == first:
                again.append(f'message {count} DUP {packet[0] >> 3 & 1}')
            peer.sendall(b'\x40\x02' + identifier)
    return '; '.join(again)

listener = socket.create_server(('127.0.0.1', 0))
with open(sys.argv[1], 'w') as port:
    print(listener.getsockname()[1], file=port)
while True:
    result = serve(listener.accept()[0])
    with open(sys.argv[2], 'w') as out:
        print('the identifier of message 1 again:', result, file=out)
END
python3 "$work/server.py" "$work/port" "$work/seen" &
server=$!
for _ in {1..100}; do [[ -s $work/port ]] && break; sleep 0.1; done
port=$(cat "$work/port")

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
# seen: what the server says once the connection has ended
seen() {
    for _ in {1..100}; do [[ -s $work/seen ]] && break; sleep 0.1; done
    cat "$work/seen"
    rm -f "$work/seen"
}

(seq -f 'message %05g' 1 65600; sleep 2) | timeout 300 mosquitto_pub -h 127.0.0.1 -p "$port" -q 1 -t a -l
expect 'mosquitto_pub' 'the identifier of message 1 again: message 65536 DUP 0' "$(seen)"

cat >"$work/client.js" <<'END'
const mqtt = require('mqtt');
const client = mqtt.connect(`mqtt://127.0.0.1:${process.argv[2]}`, { clientId: 'finding' });
client.on('connect', async () => {
  let first = 'not called';
  let done = 0;
  client.publish('a', 'message 1', { qos: 1 }, () => { first = 'called'; });
  for (let n = 2; n <= 65600; n++) {
    client.publish('a', `message ${n}`, { qos: 1 }, (error) => { if (!error) done++; });
    if (n % 500 === 0) while (n - done > 100) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  while (done < 65599) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(`callbacks of later messages ${done}, callback of message 1: ${first}`);
  process.exit();
});
END
(cd "$work" && npm init -y && npm install --ignore-scripts --no-audit --no-fund mqtt@5.16.0) >"$work/npm.log" 2>&1 ||
    { cat "$work/npm.log"; exit 1; }
expect 'MQTT.js 5.16.0, told' 'callbacks of later messages 65599, callback of message 1: not called' \
    "$(cd "$work" && timeout 300 node client.js "$port")"
expect 'MQTT.js 5.16.0, sent' 'the identifier of message 1 again: message 65536 DUP 0' "$(seen)"

((failures == 0)) && echo 'All as described.'
exit $((failures > 0))
