#!/usr/bin/env bash
# What a program learns when an MQTT 5 server refuses its publication with reason code 0x97 (Quota exceeded).
#
# Versions: paho-mqtt 2.1.0 and gmqtt 0.7.0 (PyPI), paho.golang v0.22.0 (Go), mosquitto_pub 2.0.11 (Debian 12).
#
# A good guess: the refusal reaches the program the same way at QoS 1 (PUBACK 0x97) and at QoS 2 (PUBREC 0x97): section
# 4.3.3 ends a QoS 2 exchange at a PUBREC of 0x80 or more, and [MQTT-4.3.3-4] asks for PUBREL only after a lower code.
# Seen, with a scripted server that refuses everything:
#   paho-mqtt     QoS 1: on_publish gets "Quota exceeded". QoS 2: it sends PUBREL all the same, and on_publish gets
#                 "Success", taken from the PUBCOMP. is_published() is True and info.rc is 0 for both.
#   gmqtt         QoS 2: it sends PUBREL too, and tells the program nothing at either level.
#   paho.golang   QoS 1: Publish() returns an error. QoS 2: Publish() returns no error; only ReasonCode says 151.
#   mosquitto_pub a warning on standard error, exit status 0 at both levels: `mosquitto_pub ... && rm file` loses it.
# So a server that wants a publisher to know of a refusal at QoS 2 cannot count on the library to say so.
#
# Wants python3 with venv, go and mosquitto_pub. Loopback only; everything is in a temporary folder and is removed.
set -euo pipefail
work=$(mktemp -d)
server=''
clean_up() {
    if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; fi
    chmod -R u+w "$work"
    rm -rf "$work"
}
trap clean_up EXIT

cat >"$work/server.py" <<'END'
"""Refuses every QoS 1 and 2 PUBLISH with 0x97; writes the port to argv[1] and each packet from a client to argv[2]."""
import socket, struct, sys, threading

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

def serve(peer, log):
    file = peer.makefile('rb')
    while (packet := read_packet(file)) is not None:
        kind, body = packet[0] >> 4, packet[1]
        if kind == 1:
            peer.sendall(b'\x20\x03\0\0\0')
        elif kind == 3 and (qos := packet[0] >> 1 & 3):
            topic_end = 2 + struct.unpack('>H', body[:2])[0]
            print(f'PUBLISH qos{qos}', file=log, flush=True)
            peer.sendall(bytes([0x40 if qos == 1 else 0x50, 4]) + body[topic_end:topic_end + 2] + b'\x97\0')
        elif kind == 6:
            print('PUBREL', file=log, flush=True)
            peer.sendall(b'\x70\x02' + body[:2])

listener = socket.create_server(('127.0.0.1', 0))
log = open(sys.argv[2], 'w')
with open(sys.argv[1], 'w') as port:
    print(listener.getsockname()[1], file=port)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0], log), daemon=True).start()
END
python3 "$work/server.py" "$work/port" "$work/packets" &
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
# packets_of COMMAND...: what the server has received meanwhile, on one line
packets_of() {
    local before
    before=$(wc -l <"$work/packets")
    "$@"
    sleep 0.5
    tail -n "+$((before + 1))" "$work/packets" | tr '\n' ' '
}

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check paho-mqtt==2.1.0 gmqtt==0.7.0

cat >"$work/paho_python.py" <<'END'
import sys
import paho.mqtt.client as mqtt
qos = int(sys.argv[2])
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, 'finding', protocol=mqtt.MQTTv5)
told = []
client.on_publish = lambda client, data, mid, reason_code, properties: told.append(str(reason_code))
client.connect('127.0.0.1', int(sys.argv[1]))
client.loop_start()
info = client.publish('a', 'x', qos=qos)
info.wait_for_publish(20)
with open(sys.argv[3], 'w') as out:
    print(told[0], '/ is_published', info.is_published(), '/ rc', info.rc, file=out)
client.disconnect()
client.loop_stop()
END
expect 'paho-mqtt 2.1.0 QoS 1, packets' 'PUBLISH qos1 ' \
    "$(packets_of "$work/venv/bin/python" "$work/paho_python.py" "$port" 1 "$work/out")"
expect 'paho-mqtt 2.1.0 QoS 1, told' 'Quota exceeded / is_published True / rc 0' "$(cat "$work/out")"
expect 'paho-mqtt 2.1.0 QoS 2, packets' 'PUBLISH qos2 PUBREL ' \
    "$(packets_of "$work/venv/bin/python" "$work/paho_python.py" "$port" 2 "$work/out")"
expect 'paho-mqtt 2.1.0 QoS 2, told' 'Success / is_published True / rc 0' "$(cat "$work/out")"

cat >"$work/gmqtt_client.py" <<'END'
import asyncio, sys
import gmqtt
async def main():
    client = gmqtt.Client('finding')
    await client.connect('127.0.0.1', int(sys.argv[1]))
    client.publish('a', 'x', qos=2)
    await asyncio.sleep(2)
    await client.disconnect()
asyncio.run(main())
END
expect 'gmqtt 0.7.0 QoS 2, packets' 'PUBLISH qos2 PUBREL ' \
    "$(packets_of "$work/venv/bin/python" "$work/gmqtt_client.py" "$port")"

for qos in 1 2; do
    status=0
    mosquitto_pub -V 5 -h 127.0.0.1 -p "$port" -q "$qos" -t a -m x 2>"$work/out" || status=$?
    expect "mosquitto_pub QoS $qos, exit status" 0 "$status"
    expect "mosquitto_pub QoS $qos, standard error" 'Warning: Publish 1 failed: Quota exceeded.' "$(cat "$work/out")"
done

mkdir "$work/go"
cat >"$work/go/main.go" <<'END'
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

func main() {
	socket, err := net.Dial("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	client := paho.NewClient(paho.ClientConfig{Conn: socket})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := client.Connect(ctx, &paho.Connect{ClientID: "finding", KeepAlive: 30, CleanStart: true}); err != nil {
		panic(err)
	}
	for qos := byte(1); qos <= 2; qos++ {
		answer, err := client.Publish(ctx, &paho.Publish{Topic: "a", QoS: qos, Payload: []byte("x")})
		fmt.Println("QoS", qos, "code", answer.ReasonCode, "error", err != nil)
	}
}
END
export GOPATH=$work/gopath GOCACHE=$work/gocache GOFLAGS=-modcacherw
(cd "$work/go" && go mod init finding && go get github.com/eclipse/paho.golang@v0.22.0 && go build -o client .) \
    >"$work/go.log" 2>&1 || { cat "$work/go.log"; exit 1; }
expect 'paho.golang v0.22.0' 'QoS 1 code 151 error true
QoS 2 code 151 error false' "$("$work/go/client" "$port")"

((failures == 0)) && echo 'All as described.'
exit $((failures > 0))
