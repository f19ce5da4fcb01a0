#!/usr/bin/env bash
# How long the MQTT-SN client mqttsn stays connected when it only listens, and what wildcards bring it.
#
# Versions: mqttsn 0.0.4 (PyPI, "Python client based on Eclipse RSMB client for MQTT-SN brokers").
#
# A good guess: connect() sets `keepalive_timer = 0`, so a gateway does not watch the client. If the client did promise
# a time, it would send PINGREQ. A subscription to `a/#` brings messages of all topics below `a`, since the client
# handles REGISTER (the callback `register` tells the program of it). connect(clean_session=False) continues a session.
# Seen: CONNECT promises 30 s. The 0 is stored in a field that is never sent, and so is clean_session: the bit
# CleanSession is always set. The client sends nothing by itself, so a correct gateway counts a quiet listener as lost
# after 45 s (the promised time and half of it, section 7.2).
#   REGISTER is told to the program and is never answered by REGACK. A gateway must not send PUBLISH of the topic before
#   REGACK (section 6.10), so a subscription with a wildcard brings no message, and the client is lost over it.
#   PUBACK has the topic id 0 for every message, whatever the id in PUBLISH was (section 5.4.13).
# So the client suits gateways that neither watch the keep alive nor wait for REGACK. With others it hears nothing, and
# no call tells the program.
#
# The gateway is a stand-in of this script, which sends nothing but valid packets. Takes about 50 s. Wants python3 with
# venv. Loopback only; everything is in a temporary folder and is removed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps mqttsn==0.0.4
cat >"$work/listener.py" <<'END'
import sys
import time

from mqttsn.client import Callback, Client


class Listener(Callback):
    def message_arrived(self, topic_name, payload, qos, retained, msgid):
        return True

    def register(self, topic_id, topic_name):
        print('told', topic_name.decode(), flush=True)


client = Client(b'finding', host='127.0.0.1', port=int(sys.argv[1]))
client.register_callback(Listener())
client.connect(clean_session=False)
client.subscribe('a/b', qos=1)
client.subscribe('a/#', qos=1)
time.sleep(60)
END
cat >"$work/finding.py" <<'END'
"""The gateway; starts the listener."""
import socket
import struct
import subprocess
import sys
import time
from importlib.metadata import version

failures = 0


def expect(what, wanted, seen):
    global failures
    if wanted == seen:
        print(f"as described: {what}: '{seen}'")
    else:
        print(f"CHANGED: {what}: wanted '{wanted}', saw '{seen}'")
        failures += 1


def packet(kind, body):
    return bytes([len(body) + 2, kind]) + body


expect('version', '0.0.4', version('mqttsn'))
gateway = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
gateway.bind(('127.0.0.1', 0))
gateway.settimeout(10)
listener = subprocess.Popen([sys.executable, '-B', sys.argv[1], str(gateway.getsockname()[1])], stdout=subprocess.PIPE,
                            text=True)
try:
    connect, peer = gateway.recvfrom(2048)
    expect('CONNECT, flags (CleanSession is 0x04)', 0x04, connect[2])
    expect('CONNECT, promised seconds', 30, struct.unpack('>H', connect[4:6])[0])
    gateway.sendto(packet(0x05, b'\0'), peer)
    for topic_id in (1, 0):  # a filter with a wildcard has no topic id
        subscribe = gateway.recv(2048)
        gateway.sendto(packet(0x13, struct.pack('>BH2sB', 0x20, topic_id, subscribe[3:5], 0)), peer)

    gateway.sendto(packet(0x0C, struct.pack('>BHH', 0x20, 1, 5) + b'on'), peer)
    expect('PUBACK of topic id 1 and MsgId 5', '070d0000000500', gateway.recv(2048).hex())

    gateway.sendto(packet(0x0A, struct.pack('>HH', 2, 6) + b'a/c'), peer)
    expect('the program, after REGISTER', 'told a/c', listener.stdout.readline().strip())
    began = time.monotonic()
    gateway.settimeout(45)
    try:
        seen = gateway.recv(2048).hex()
    except socket.timeout:
        seen = 'nothing'
    expect('packets in the 45 s after REGISTER (REGACK, PINGREQ)', 'nothing', seen)
    expect('the listener still runs', None, listener.poll())
finally:
    listener.kill()
    listener.wait()
if not failures:
    print('All as described.')
raise SystemExit(failures > 0)
END
"$work/venv/bin/python" -B "$work/finding.py" "$work/listener.py"
