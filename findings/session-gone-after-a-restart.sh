#!/usr/bin/env bash
# Which MQTT 5 sessions mosquitto writes to its persistence file when it is stopped in an orderly way.
#
# Versions: mosquitto, mosquitto_pub and mosquitto_sub 2.0.11 (Debian 12), paho-mqtt 2.1.0 (PyPI).
#
# A good guess: how long a session lasts is the business of its Session Expiry Interval. Clean Start says only what
# happens to an older session at the connect (section 3.1.2.4), so it has no bearing on what survives `persistence true`
# and SIGTERM.
# Seen: of two clients that go to sleep with an interval of an hour, the one whose last CONNECT had Clean Start 0
# finds its session and its message after the restart. The one whose last CONNECT had Clean Start 1 finds Session
# Present 0 and no message, although PUBACK was sent for it, and although without the restart it finds everything. If
# it has connected a second time with Clean Start 0 before it sleeps, its session survives too.
#   paho-mqtt sends Clean Start 1 in the first CONNECT of a program unless told otherwise (MQTT_CLEAN_START_FIRST_ONLY),
#   so its default and a long interval are enough to lose the session.
# A device that begins afresh once and keeps its session from then on loses messages when the broker is updated while it
# sleeps.
#
# Wants python3 with venv, mosquitto and its clients. Loopback only; everything is in a temporary folder and is removed.
set -euo pipefail
export PATH=$PATH:/usr/sbin
work=$(mktemp -d)
broker=''
clean_up() {
    if [[ -n $broker ]]; then kill "$broker" 2>/dev/null || true; wait; fi
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
expect 'version' 'mosquitto version 2.0.11' "$(mosquitto -h | sed -n 1p)"
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
printf '%s\n' "listener $port 127.0.0.1" 'allow_anonymous true' "user $(id -un)" 'persistence true' \
    "persistence_location $work/" >"$work/mosquitto.conf"
start() {
    mosquitto -c "$work/mosquitto.conf" >>"$work/log" 2>&1 &
    broker=$!
    for _ in {1..100}; do
        if (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        sleep 0.1
    done
    echo 'mosquitto does not start'; cat "$work/log"; exit 1
}
restart() {
    kill "$broker"
    wait "$broker" || true
    start
}

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check paho-mqtt==2.1.0
cat >"$work/sleeper.py" <<'END'
"""Connects with a Session Expiry Interval of an hour, and either subscribes or listens for two seconds; then sleeps."""
import sys, time
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, client_id, clean_start, what = sys.argv[1:]
properties = Properties(PacketTypes.CONNECT)
properties.SessionExpiryInterval = 3600
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
present, got, is_subscribed = [], [], []
client.on_connect = lambda client, data, flags, reason_code, properties: present.append(flags.session_present)
client.on_message = lambda client, data, message: got.append(message.payload.decode())
client.on_subscribe = lambda *_: is_subscribed.append(True)
how = {'default': mqtt.MQTT_CLEAN_START_FIRST_ONLY, 'yes': True, 'no': False}[clean_start]
client.connect('127.0.0.1', int(port), clean_start=how, properties=properties)
client.loop_start()
while not present:
    time.sleep(0.05)
if what == 'subscribe':
    client.subscribe('a', 1)
    while not is_subscribed:
        time.sleep(0.05)
elif what == 'listen':
    time.sleep(2)
    print('session', 'present' if present[0] else 'not present', *got)
client.disconnect()
client.loop_stop()
END
# sleeper CLIENT_ID CLEAN_START subscribe|listen|nothing
sleeper() { "$work/venv/bin/python" "$work/sleeper.py" "$port" "$@"; }
publish() { mosquitto_pub -h 127.0.0.1 -p "$port" -q 1 -t a -m "$1"; }

start
sleeper started_0 no subscribe
sleeper started_1 yes subscribe
sleeper started_default default subscribe
sleeper resumed yes subscribe
sleeper resumed no nothing
publish first
expect 'Clean Start 1, no restart' 'session present first' "$(sleeper started_1 no listen)"
restart
expect 'Clean Start 0, restart' 'session present first' "$(sleeper started_0 no listen)"
expect 'Clean Start 1 and later 0, restart' 'session present first' "$(sleeper resumed no listen)"
expect 'default of paho-mqtt, restart' 'session not present' "$(sleeper started_default no listen)"
sleeper started_again yes subscribe
publish second
restart
expect 'Clean Start 1, restart' 'session not present' "$(sleeper started_again no listen)"

((failures == 0)) && echo 'All as described.'
exit $((failures > 0))
