#!/usr/bin/env bash
# What the MQTT-SN client mqtt-sn-12 does with a message of QoS 1, and with a topic id from 0x8000 on.
#
# Versions: mqtt-sn-12 1.0.9 (PyPI, "Client for protocol MQTT-SN 1.2"; also its programs mqtt_sn_pub and mqtt_sn_sub).
#
# A good guess: the client offers subscriptions of QoS 1 (`mqtt_sn_sub -q 1`), so it answers a PUBLISH of QoS 1 with
# PUBACK, and hands each message to the program once. Topic ids are two bytes, and all but 0x0000 and 0xFFFF may be
# used.
# Seen: the client never sends PUBACK. It compares the level (0, 1, 2) with the flag bits of QoS 1 (0x20). A gateway
# repeats the message, and the program gets each repetition as a new message: three packets, three calls. After its last
# repetition a gateway must count the client as lost. QoS 0 is the level that works.
#   REGACK is read with signed numbers. With the topic id 0x7FFF a publication succeeds. With 0x8000 the gateway has
#   accepted the topic, and send_publish() fails without sending PUBLISH. The answer to a REGISTER of the gateway, which
#   every subscription with a wildcard needs, fails from 0x8000 on in the same way: no REGACK is sent.
# So the client seems to work with a gateway that counts topic ids from 1 and with subscriptions of QoS 0, and loses
# messages with gateways that choose their ids elsewhere.
#
# The gateway is a stand-in of this script, which sends nothing but valid packets. Wants python3 with venv. Loopback
# only; everything is in a temporary folder and is removed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps mqtt-sn-12==1.0.9
cat >"$work/finding.py" <<'END'
"""A gateway in a thread, and the client in front of it."""
import socket
import struct
import threading
import time
from importlib.metadata import version

from mqttsn12.client.MqttSnClient import MqttSnClient, MqttSnListener

failures = 0


def expect(what, wanted, seen):
    global failures
    if wanted == seen:
        print(f"as described: {what}: '{seen}'")
    else:
        print(f"CHANGED: {what}: wanted '{wanted}', saw '{seen}'")
        failures += 1


class Gateway:
    """Answers CONNECT, SUBSCRIBE, REGISTER, PUBLISH and DISCONNECT; keeps the types of all packets."""

    def __init__(self, topic_id):
        self.topic_id, self.types = topic_id, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def send(self, kind, body=b''):
        self.socket.sendto(bytes([len(body) + 2, kind]) + body, self.peer)

    def run(self):
        while True:
            packet, self.peer = self.socket.recvfrom(2048)
            self.types.append(packet[1])
            if packet[1] == 0x04:
                self.send(0x05, b'\0')
            elif packet[1] == 0x12:  # a filter with a wildcard has no topic id
                topic_id = 0 if b'#' in packet else self.topic_id
                self.send(0x13, struct.pack('>BH2sB', 0x20, topic_id, packet[3:5], 0))
            elif packet[1] == 0x0A:
                self.send(0x0B, struct.pack('>H2sB', self.topic_id, packet[4:6], 0))
            elif packet[1] == 0x0C:
                self.send(0x0D, packet[3:7] + b'\0')
            elif packet[1] == 0x18:
                self.send(0x18)


class Program(MqttSnListener):
    def __init__(self):
        self.got = []

    def message_arrived(self, message):
        self.got.append(message.get_payload().decode())


def connect(topic_id):
    gateway, client = Gateway(topic_id), MqttSnClient()
    client.set_client_id('finding')
    client.set_timeout(5)
    client.open('127.0.0.1', gateway.port)
    client.send_connect()
    return gateway, client


def poll(client):
    """For a second; the error that ends it earlier."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        try:
            client.polling()
        except Exception as error:
            return f'{type(error).__name__}: {error}'
        time.sleep(0.02)
    return ''


expect('version', '1.0.9', version('mqtt-sn-12'))
for qos in (0, 1):
    gateway, client = connect(1)
    program = Program()
    client.send_subscribe('a/b', qos, program)
    for dup in (0x00, 0x80, 0x80) if qos else (0x00,):
        gateway.send(0x0C, bytes([dup | qos << 5]) + struct.pack('>HH', 1, 7 * qos) + b'on')
    poll(client)
    expect(f'QoS {qos}, one message{" and two repetitions" if qos else ""}, calls', 3 if qos else 1, len(program.got))
    expect(f'QoS {qos}, PUBACK sent', 0, gateway.types.count(0x0D))

for topic_id in (0x7FFF, 0x8000):
    gateway, client = connect(topic_id)
    try:
        client.send_publish('a/b', b'on', 1)
        told = 'success'
    except Exception as error:
        told = str(error)
    low = topic_id < 0x8000
    expect(f'topic id {topic_id:#x}, send_publish()', 'success' if low else 'argument out of range', told)
    expect(f'topic id {topic_id:#x}, PUBLISH sent', int(low), gateway.types.count(0x0C))
    gateway, client = connect(topic_id)
    client.send_subscribe('a/#', 0, Program())
    gateway.send(0x0A, struct.pack('>HH', topic_id, 1) + b'a/b')
    poll(client)
    expect(f'topic id {topic_id:#x}, REGACK sent for a wildcard', int(low), gateway.types.count(0x0B))

if not failures:
    print('All as described.')
raise SystemExit(failures > 0)
END
"$work/venv/bin/python" -B "$work/finding.py"
