"""A small client of MQTT 3.1.1 for tests: one socket, one thread, every call has a deadline. Unlike RawClient of the
harness it plays both roles of QoS 1 and 2, so tests read as sentences."""
import collections
import contextlib
import select
import socket
import struct
import time

from harness import check, packet, prefixed

DEADLINE_S = 20.0

CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP = 2, 3, 4, 5, 6, 7, 9, 11, 13

Message = collections.namedtuple('Message', 'topic payload qos retain dup')


class Closed(Exception):
    """The other side has closed the connection."""


def connect_bytes(client_id, clean=True, keep_alive_s=0, user=None, password=None):
    flags = (2 if clean else 0) | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = prefixed('MQTT') + bytes([4, flags]) + struct.pack('>H', keep_alive_s) + prefixed(client_id)
    body += b''.join(prefixed(text) for text in (user, password) if text is not None)
    return packet(0x10, body)


def publish_bytes(topic, payload, qos=0, retain=False, packet_id=0, dup=False):
    first = 0x30 | (8 if dup else 0) | qos << 1 | (1 if retain else 0)
    return packet(first, prefixed(topic) + (struct.pack('>H', packet_id) if qos else b'') + payload)


def answer_bytes(kind, packet_id):
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return packet(kind << 4 | (2 if kind == PUBREL else 0), struct.pack('>H', packet_id))


def cut_packet(data):
    """(first byte, body, rest of the data), or None if the packet is not complete."""
    size, at = 0, 1
    while True:
        if at >= len(data):
            return None
        size |= (data[at] & 0x7F) << 7 * (at - 1)
        at += 1
        if data[at - 1] < 0x80:
            break
    if len(data) < at + size:
        return None
    return data[0], bytes(data[at:at + size]), data[at + size:]


def parse_publish(first, body):
    """(Message, packet id or 0)"""
    size = struct.unpack('>H', body[:2])[0]
    topic, rest = body[2:2 + size].decode(), body[2 + size:]
    qos, packet_id = first >> 1 & 3, 0
    if qos:
        packet_id, rest = struct.unpack('>H', rest[:2])[0], rest[2:]
    return Message(topic, bytes(rest), qos, bool(first & 1), bool(first & 8)), packet_id


class Peer:
    """A connection after CONNACK. `messages` holds what came while something else was awaited. `id_state` is the set of
    received QoS 2 ids without PUBREL; a later Peer of the same session is given the same set."""

    def __init__(self, port, client_id, clean=True, user=None, password=None, id_state=None):
        self.socket = socket.create_connection(('127.0.0.1', port), DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b''
        self.messages = collections.deque()
        self.last_id = 0
        self.id_state = set() if id_state is None else id_state
        self.send(connect_bytes(client_id, clean, 0, user, password))
        first, body = self._next(time.monotonic() + DEADLINE_S)
        check(first >> 4 == CONNACK and body[1] == 0, f'CONNACK expected, got {first} {body.hex()}')
        self.session_present = bool(body[0] & 1)

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Closed(str(error)) from None

    def publish(self, topic, payload, qos=0, retain=False):
        """Returns when the message is acknowledged (QoS 1 and 2)."""
        payload = payload.encode() if isinstance(payload, str) else payload
        packet_id = self._new_id() if qos else 0
        self.send(publish_bytes(topic, payload, qos, retain, packet_id))
        if qos == 1:
            self._await(PUBACK, packet_id)
        elif qos == 2 and self._await((PUBREC, PUBACK), packet_id) == PUBREC:  # RabbitMQ answers with PUBACK
            self.send(answer_bytes(PUBREL, packet_id))
            self._await(PUBCOMP, packet_id)

    def subscribe(self, topic_filter, qos=0):
        """The granted QoS, or 0x80."""
        packet_id = self._new_id()
        self.send(packet(0x82, struct.pack('>H', packet_id) + prefixed(topic_filter) + bytes([qos])))
        return self._await(SUBACK, packet_id, with_body=True)[2]

    def message(self, deadline_s=DEADLINE_S):
        """The next message; a QoS 2 message is given once [MQTT-4.3.3-11]."""
        end = time.monotonic() + deadline_s
        while not self.messages:
            first, body = self._next(end)
            check(first >> 4 == PUBLISH, f'PUBLISH expected, got {first} {body.hex()}')
        return self.messages.popleft()

    def collect(self, quiet_s=0.3, most=100_000):
        """All messages until none comes for `quiet_s`, at most `most`."""
        found = []
        with contextlib.suppress(AssertionError):
            while len(found) < most:
                found.append(self.message(quiet_s))
        return found

    def close(self):
        """DISCONNECT."""
        try:
            self.socket.sendall(b'\xe0\x00')
        except OSError:
            pass
        self.socket.close()

    def vanish(self):
        self.socket.close()

    def _new_id(self):
        self.last_id = self.last_id % 65535 + 1
        return self.last_id

    def _await(self, kinds, packet_id, with_body=False):
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        end = time.monotonic() + DEADLINE_S
        while True:
            first, body = self._next(end)
            if first >> 4 in kinds and struct.unpack('>H', body[:2])[0] == packet_id:
                return body if with_body else first >> 4
            check(first >> 4 == PUBLISH, f'{kinds} for {packet_id} expected, got {first} {body.hex()}')

    def _next(self, end):
        """(first byte, body); what a receiver of messages has to answer is answered."""
        while True:
            found = cut_packet(self.data)
            if found:
                first, body, self.data = found
                if first >> 4 == PUBLISH:
                    self._receive(first, body)
                elif first >> 4 == PUBREL:
                    self._release(body)
                    continue
                elif first >> 4 == PINGRESP:
                    continue
                return first, body
            left = end - time.monotonic()
            check(left > 0 and select.select([self.socket], [], [], left)[0], 'nothing came in time')
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b''
            if not more:
                raise Closed('the other side has closed the connection')
            self.data += more

    def _receive(self, first, body):
        message, packet_id = parse_publish(first, body)
        if message.qos < 2 or packet_id not in self.id_state:
            self.messages.append(message)
        if message.qos == 1:
            self.send(answer_bytes(PUBACK, packet_id))
        elif message.qos == 2:
            self.id_state.add(packet_id)
            self.send(answer_bytes(PUBREC, packet_id))

    def _release(self, body):
        packet_id = struct.unpack('>H', body[:2])[0]
        self.id_state.discard(packet_id)
        self.send(answer_bytes(PUBCOMP, packet_id))
