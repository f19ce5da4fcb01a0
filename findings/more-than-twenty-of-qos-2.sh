#!/usr/bin/env bash
# What mosquitto does with a publisher that has more than 20 QoS 2 messages under way.
#
# Versions: mosquitto, mosquitto_pub and mosquitto_sub 2.0.11 (Debian 12), MQTT.js 5.16.0 (npm, Node 18 or later).
#
# A good guess: QoS 2 is the level at which nothing is lost. `max_inflight_messages` (20, unless configured) limits what
# the broker sends to a subscriber; MQTT 3.1.1 cannot tell a publisher a limit, so a broker without room for more reads
# slower or closes the connection.
# Seen: the limit counts what a publisher sends too. When an MQTT 3.1.1 client sends 100 QoS 2 messages at once, each of
# them gets PUBREC and PUBCOMP, but only 20 reach the subscriber, and the log does not complain. The same 100 at QoS 1
# all arrive, and so do 100 at QoS 2 with `max_inflight_messages 0`. An MQTT 5 client is told (0x97 in PUBREC).
#   MQTT.js sends like that when a program calls publish() in a loop: with 3.1.1 all 100 calls report success.
#   mosquitto's own bridge does it too: with 100 QoS 2 messages waiting for an upstream mosquitto that was away, all 100
#   are answered with PUBCOMP and thereby forgotten, and fewer arrive (40 when it was tried). At QoS 1 all 100 arrive.
# So behind this broker QoS 1 loses less than QoS 2, unless the limit is lifted or every publisher stays at 20.
#
# Wants python3, node, npm, mosquitto and its clients. Loopback only; everything is in a temporary folder and is
# removed.
set -euo pipefail
export PATH=$PATH:/usr/sbin
work=$(mktemp -d)
declare -A brokers=()
clean_up() {
    for name in "${!brokers[@]}"; do kill "${brokers[$name]}" 2>/dev/null || true; done
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
free_port() { python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'; }
# start NAME: the broker of $work/NAME.conf, until it accepts connections
start() {
    mosquitto -c "$work/$1.conf" >>"$work/$1.log" 2>&1 &
    brokers[$1]=$!
    for _ in {1..100}; do
        if (: >"/dev/tcp/127.0.0.1/${port[$1]}") 2>/dev/null; then return; fi
        sleep 0.1
    done
    echo "$1 does not start"; cat "$work/$1.log"; exit 1
}
stop() {
    kill "${brokers[$1]}"
    wait "${brokers[$1]}" || true
    unset "brokers[$1]"
}
# configure NAME LINE...: a broker with a data folder of its own
declare -A port
configure() {
    port[$1]=$(free_port)
    mkdir "$work/$1"
    printf '%s\n' "listener ${port[$1]} 127.0.0.1" 'allow_anonymous true' "user $(id -un)" 'log_type all' \
        'persistence true' "persistence_location $work/$1/" "${@:2}" >"$work/$1.conf"
}
# reserve NAME: a session at this broker that keeps every message; collect NAME: how many came
reserve() { mosquitto_sub -h 127.0.0.1 -p "${port[$1]}" -c -i counter -q 2 -t 'a/#' -E; }
collect() {
    (mosquitto_sub -h 127.0.0.1 -p "${port[$1]}" -c -i counter -q 2 -t 'a/#' -W 2 2>/dev/null || true) | wc -l
}

cat >"$work/publisher.py" <<'END'
"""Sends 100 messages of the QoS given in one write, answers each PUBREC, and tells how many were confirmed."""
import socket, struct, sys

port, qos = int(sys.argv[1]), int(sys.argv[2])
peer = socket.create_connection(('127.0.0.1', port))
peer.settimeout(20)
file = peer.makefile('rb')
peer.sendall(b'\x10\x13\0\4MQTT\4\2\0\x3c\0\7finding')
assert file.read(4) == b'\x20\2\0\0'
head = bytes([0x30 | qos << 1, 9]) + b'\0\3a/b'
peer.sendall(b''.join(head + struct.pack('>H', identifier) + b'xx' for identifier in range(1, 101)))
confirmed = 0
while confirmed < 100:
    answer = file.read(4)
    kind = answer[0]
    if kind == 0x50:
        peer.sendall(b'\x62\2' + answer[2:])
    else:
        assert kind == (0x70 if qos == 2 else 0x40), kind
        confirmed += 1
peer.sendall(b'\xe0\0')
print('confirmed', confirmed)
END
cat >"$work/client.js" <<'END'
const mqtt = require('mqtt');
const client = mqtt.connect(`mqtt://127.0.0.1:${process.argv[2]}`, {
  clientId: 'finding', reconnectPeriod: 0, protocolVersion: Number(process.argv[3]),
});
client.on('connect', async () => {
  const calls = Array.from({ length: 100 }, (_, n) => client.publishAsync('a/b', `message ${n}`, { qos: 2 }));
  const results = await Promise.allSettled(calls);
  const codes = new Set(results.filter((result) => result.status === 'rejected').map((result) => result.reason.code));
  console.log('confirmed', results.filter((result) => result.status === 'fulfilled').length, ...codes);
  client.end();
});
END
(cd "$work" && npm init -y && npm install --ignore-scripts --no-audit --no-fund mqtt@5.16.0) >"$work/npm.log" 2>&1 ||
    { cat "$work/npm.log"; exit 1; }

expect 'version' 'mosquitto version 2.0.11' "$(mosquitto -h | sed -n 1p)"
configure plain
start plain
for qos in 2 1; do
    reserve plain
    told=$(python3 "$work/publisher.py" "${port[plain]}" "$qos")
    expect "100 messages of QoS $qos, answers" 'confirmed 100' "$told"
    expect "100 messages of QoS $qos, delivered" "$((qos == 2 ? 20 : 100))" "$(collect plain)"
done
complaints=$(grep -v 'run as root' "$work/plain.log" | grep -iE 'warn|error|drop|quota|exceed' || true)
expect 'complaints in the log' '' "$complaints"
for level in 4 5; do
    reserve plain
    told=$(cd "$work" && timeout 60 node client.js "${port[plain]}" "$level")
    delivered=$(collect plain)
    expect "MQTT.js 5.16.0, protocol level $level, QoS 2, delivered ($delivered) are fewer than 100" yes \
        "$( ((delivered < 100)) && echo yes)"
    expect "MQTT.js 5.16.0, protocol level $level, QoS 2, told" \
        "confirmed $( ((level == 4)) && echo 100 || echo "$delivered 151")" "$told"
done
stop plain

configure unlimited 'max_inflight_messages 0'
start unlimited
reserve unlimited
expect 'without a limit, QoS 2, answers' 'confirmed 100' "$(python3 "$work/publisher.py" "${port[unlimited]}" 2)"
expect 'without a limit, QoS 2, delivered' 100 "$(collect unlimited)"
stop unlimited

# bridge QOS: 100 messages wait at the gateway while the upstream is away; sets answers (PUBCOMP or PUBACK) and arrived
bridge() {
    configure "upstream$1"
    configure "gateway$1" 'connection up' "address 127.0.0.1:${port[upstream$1]}" "topic a/# out $1" \
        'cleansession false' 'restart_timeout 1 1' 'notifications false'
    start "upstream$1"
    reserve "upstream$1"
    start "gateway$1"
    for _ in {1..100}; do grep -q 'Received CONNACK' "$work/gateway$1.log" && break; sleep 0.1; done
    stop "upstream$1"
    seq 100 | mosquitto_pub -h 127.0.0.1 -p "${port[gateway$1]}" -q "$1" -t a/b -l
    start "upstream$1"
    local kind=PUBACK
    if (($1 == 2)); then kind=PUBCOMP; fi
    for _ in {1..100}; do
        answers=$(grep -c "Received $kind from local" "$work/gateway$1.log" || true)
        ((answers >= 100)) && break
        sleep 0.1
    done
    arrived=$(collect "upstream$1")
    stop "gateway$1"
    stop "upstream$1"
}
bridge 2
expect 'bridge QoS 2, PUBCOMP' 100 "$answers"
expect "bridge QoS 2, arrived ($arrived) are fewer than 100" yes "$( ((arrived < 100)) && echo yes)"
bridge 1
expect 'bridge QoS 1, PUBACK' 100 "$answers"
expect 'bridge QoS 1, arrived' 100 "$arrived"

((failures == 0)) && echo 'All as described.'
exit $((failures > 0))
