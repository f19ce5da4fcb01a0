"""Devices that speak MQTT-SN 1.2, over UDP and over a serial line, for the end-to-end cases. Packets are bytes; nothing
is repeated by itself, so that a case sees each packet."""
import os
import select
import socket
import struct
import termios
import time
import tty

from harness import DEADLINE_S, check

CONNACK, REGISTER, REGACK, PUBLISH, PUBACK = 0x05, 0x0A, 0x0B, 0x0C, 0x0D
SUBACK, PINGREQ, PINGRESP, DISCONNECT, ADVERTISE, GWINFO = 0x13, 0x16, 0x17, 0x18, 0x00, 0x02
ACCEPTED, CONGESTION, NOT_SUPPORTED = 0, 1, 3
SHORT_NAME, PREDEFINED = 2, 1


def packet(kind, body=b''):
    check(len(body) <= 253, 'a short packet')
    return bytes([len(body) + 2, kind]) + body


def connect(client_id, clean=True, keep_alive_s=60):
    return packet(0x04, bytes([4 if clean else 0, 1]) + struct.pack('>H', keep_alive_s) + client_id.encode())


def register(topic, message_id):
    return packet(REGISTER, struct.pack('>HH', 0, message_id) + topic.encode())


def publish(topic_id, payload, qos=1, message_id=1, kind=0):
    flags = (3 if qos < 0 else qos) << 5 | kind
    topic = topic_id.encode() if isinstance(topic_id, str) else struct.pack('>H', topic_id)
    return packet(PUBLISH, bytes([flags]) + topic + struct.pack('>H', message_id) + payload)


def subscribe(topic_filter, qos=1, message_id=1):
    return packet(0x12, bytes([qos << 5]) + struct.pack('>H', message_id) + topic_filter.encode())


def puback(topic_id, message_id):
    return packet(PUBACK, struct.pack('>HHB', topic_id, message_id, 0))


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def frame(data):
    """COBS(packet crc) 0x00, with a leading 0x00 (firmware-bridge/PROTOCOL.md)."""
    out, block = b'\0', b''
    for byte in data + struct.pack('>H', crc16(data)) + b'\0':
        if byte:
            block += bytes([byte])
        else:
            out, block = out + bytes([len(block) + 1]) + block, b''
    return out + b'\0'


def unframe(coded):
    out, at = b'', 0
    while at < len(coded):
        count = coded[at]
        out, at = out + coded[at + 1:at + count] + b'\0', at + count
    data = out[:-3]
    check(struct.pack('>H', crc16(data)) == out[-3:-1], f'the broker sent a damaged frame: {coded.hex()}')
    return data


class Device:
    """What UDP and a line have in common: requests with their answers."""

    def __init__(self):
        self.topics = {}  # topic -> id
        self.names = {}  # id -> topic, as the broker has told
        self.next_id = 0

    def message_id(self):
        self.next_id = self.next_id % 0xFFFF + 1
        return self.next_id

    def expect(self, kind, deadline_s=DEADLINE_S, ignored=()):
        """The body of the next packet, which has to be of this kind. REGISTER is answered on the way."""
        while True:
            found = self.receive(deadline_s)
            check(found is not None, f'no packet of type {kind:#x} came')
            if found[1] == REGISTER and kind != REGISTER:
                topic_id, message_id = struct.unpack('>HH', found[2:6])
                self.names[topic_id] = found[6:].decode()
                self.send(packet(REGACK, struct.pack('>HHB', topic_id, message_id, 0)))
                continue
            if found[1] in ignored:
                continue
            check(found[1] == kind, f'a packet of type {kind:#x} expected, got {found.hex()}')
            return found[2:]

    def opens(self, client_id, **options):
        self.send(connect(client_id, **options))
        # A gateway that takes the device for connected may repeat a message until it has read CONNECT.
        code = self.expect(CONNACK, ignored=(PUBLISH,))[0]
        check(code == ACCEPTED, f'{client_id} was refused by code {code}')

    def opens_again(self, client_id):
        """Connects to a gateway that believes the device connected. What the gateway repeats until it reads CONNECT
        belongs to the former connection, so the device ignores these packets. Clients have to do so, too: only CONNACK
        ends the state "connecting" (firmware-bridge/PROTOCOL.md section 2)."""
        self.topics.clear()
        self.send(connect(client_id, clean=False))
        while (found := self.receive()) and found[1] in (REGISTER, PUBLISH, DISCONNECT):
            pass
        check(found is not None, 'no CONNACK came')
        check(found[1] == CONNACK and found[2] == ACCEPTED, f'CONNACK expected, got {found.hex()}')

    def registers(self, topic):
        message_id = self.message_id()
        self.send(register(topic, message_id))
        topic_id, answered, code = struct.unpack('>HHB', self.expect(REGACK))
        check(answered == message_id and code == ACCEPTED, f'REGISTER of {topic} got code {code}')
        self.topics[topic] = topic_id
        return topic_id

    def publishes(self, topic, payload):
        """QoS 1; the code of PUBACK."""
        topic_id = self.topics.get(topic) or self.registers(topic)
        message_id = self.message_id()
        self.send(publish(topic_id, payload, 1, message_id))
        return self.expect(PUBACK)[4]

    def subscribes(self, topic_filter, qos=1):
        self.send(subscribe(topic_filter, qos, self.message_id()))
        body = self.expect(SUBACK)
        topic_id, code = struct.unpack('>H', body[1:3])[0], body[5]
        if code == ACCEPTED and topic_id:
            self.names[topic_id] = topic_filter
        return code

    def takes(self, deadline_s=DEADLINE_S):
        """The next message, answered: (topic, payload)."""
        body = self.expect(PUBLISH, deadline_s)
        topic_id, message_id = struct.unpack('>HH', body[1:5])
        if body[0] >> 5 & 3:
            self.send(puback(topic_id, message_id))
        return self.names.get(topic_id, topic_id), body[5:]


class UdpDevice(Device):
    def __init__(self, port, host='127.0.0.1', family=socket.AF_INET):
        super().__init__()
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.connect((host, port))

    def send(self, data):
        try:
            self.socket.send(data)
        except ConnectionRefusedError:
            pass  # ICMP about an earlier packet: the broker is down

    def receive(self, deadline_s=DEADLINE_S):
        end = time.monotonic() + deadline_s
        while True:
            # Not select(), which knows no descriptors above 1023.
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                return self.socket.recv(65536)
            except ConnectionRefusedError:
                continue
            except socket.timeout:
                return None

    def close(self):
        self.socket.close()


class Line(Device):
    """A serial line: a pseudo terminal behind a symbolic link, as udev makes them for adapters."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.data = b''
        self.plugs()

    def plugs(self):
        self.master, slave = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        if os.path.lexists(self.path):
            os.unlink(self.path)
        os.symlink(os.ttyname(slave), self.path)
        os.close(slave)
        self.data = b''

    def unplugs(self):
        os.unlink(self.path)
        os.close(self.master)

    def send(self, data):
        os.write(self.master, frame(data))

    def receive(self, deadline_s=DEADLINE_S):
        end = time.monotonic() + deadline_s
        while True:
            self.data = self.data.lstrip(b'\0')
            if b'\0' in self.data:
                coded, self.data = self.data.split(b'\0', 1)
                return unframe(coded)
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                return None
            try:
                self.data += os.read(self.master, 4096)
            except OSError:  # nobody has the line open
                time.sleep(0.01)

    def close(self):
        os.close(self.master)
