"""Publishers and subscribers that survive the end of their broker, and the ledger of what they have sent and received.
Each runs in a thread of its own; only the ledger is shared, and has a lock."""
import collections
import select
import socket
import struct
import threading
import time

from harness import packet, prefixed
from mqtt_peer import (CONNACK, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, answer_bytes, connect_bytes, cut_packet,
                       parse_publish, publish_bytes)

WINDOW_MAX = 20  # unacknowledged messages of a publisher
BACKLOG_MAX = 2000  # messages on their way per direction; above it, the publisher waits
ANSWER_S = 5.0  # without any byte for so long while an answer is due, a connection is made anew
RETRY_S = 0.02
SHORT_S = 0.02  # how long one turn waits for bytes

Figures = collections.namedtuple('Figures', 'issued acknowledged arrived lost duplicated out_of_order')


class Ledger:
    """Topics are NAME/QOS/NUMBER; the payload of the n-th message of a topic is n as text."""

    def __init__(self):
        self.lock = threading.Lock()
        self.issued = collections.Counter()
        self.acknowledged = collections.defaultdict(set)
        self.arrived = collections.defaultdict(list)  # numbers in the order of arrival, with repetitions
        self.seen = collections.defaultdict(set)
        self.arrivals = 0

    def issue(self, topic):
        with self.lock:
            self.issued[topic] += 1
            return self.issued[topic]

    def acknowledge(self, topic, number):
        with self.lock:
            self.acknowledged[topic].add(number)

    def arrive(self, topic, number):
        with self.lock:
            self.arrived[topic].append(number)
            self.seen[topic].add(number)
            self.arrivals += 1

    def topics(self, name, qos=None):
        return [topic for topic in self.issued
                if topic.startswith(f'{name}/') and (qos is None or topic.split('/')[1] == str(qos))]

    def backlog(self, name):
        """Issued and not arrived yet."""
        with self.lock:
            return sum(self.issued[topic] - len(self.seen[topic]) for topic in self.topics(name))

    def owed(self):
        """Acknowledged and not arrived yet, in all directions."""
        with self.lock:
            return sum(len(numbers - self.seen[topic]) for topic, numbers in self.acknowledged.items())

    def figures(self, name, qos):
        with self.lock:
            topics = self.topics(name, qos)
            arrived = [self.arrived[topic] for topic in topics]
            return Figures(sum(self.issued[topic] for topic in topics),
                           sum(len(self.acknowledged[topic]) for topic in topics), sum(map(len, arrived)),
                           sum(len(self.acknowledged[topic] - self.seen[topic]) for topic in topics),
                           sum(len(numbers) - len(set(numbers)) for numbers in arrived),
                           sum(map(count_disorder, arrived)))

    def examples(self, name, qos, most=5):
        """A few lost numbers as text, for the report of a violation."""
        with self.lock:
            return [f'{topic}: {sorted(self.acknowledged[topic] - self.seen[topic])[:most]}'
                    for topic in self.topics(name, qos) if self.acknowledged[topic] - self.seen[topic]]


def count_disorder(numbers):
    """First arrivals that come after a larger number."""
    seen, largest, count = set(), 0, 0
    for number in numbers:
        if number not in seen:
            seen.add(number)
            count += number < largest
            largest = max(largest, number)
    return count


class Client(threading.Thread):
    """Keeps a connection with a session. Subclasses say what is sent and how packets are handled."""

    def __init__(self, ledger, port, client_id):
        super().__init__(name=client_id, daemon=True)
        self.ledger, self.port, self.client_id = ledger, port, client_id
        self.stopping = threading.Event()
        self.connections = 0
        self.socket, self.data, self.last_heard = None, b'', 0.0

    def run(self):
        while not self.stopping.is_set():
            try:
                self._connect()
                while not self.stopping.is_set():
                    self._turn()
            except OSError:
                time.sleep(RETRY_S)
            finally:
                if self.socket:
                    self.socket.close()

    def finish(self):
        self.stopping.set()
        self.join(10)

    def _connect(self):
        self.data = b''
        self.socket = socket.create_connection(('127.0.0.1', self.port), ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(connect_bytes(self.client_id, clean=False))
        self.last_heard = time.monotonic()
        while (found := self._read(ANSWER_S)) is None:
            if time.monotonic() - self.last_heard > ANSWER_S:
                raise OSError('no CONNACK')
        first, body = found
        if first >> 4 != CONNACK or body[1] != 0:
            raise OSError('no session')
        self.connections += 1
        self.on_connected(bool(body[0] & 1))

    def _read(self, wait_s):
        """A packet, or None if there is none in time."""
        found = cut_packet(self.data)
        if found is None and select.select([self.socket], [], [], wait_s)[0]:
            more = self.socket.recv(65536)
            if not more:
                raise OSError('closed')
            self.last_heard = time.monotonic()
            self.data += more
            found = cut_packet(self.data)
        if found is None:
            return None
        self.data = found[2]
        return found[:2]

    def _turn(self):
        wait_s = self.on_turn()
        while (found := self._read(wait_s)) is not None:
            self.on_packet(*found)
            wait_s = 0
        if self.is_waiting() and time.monotonic() - self.last_heard > ANSWER_S:
            raise OSError('the broker does not answer')


class Publisher(Client):
    """Publishes to PREFIX + topic, one after the other, some QoS 1 and some QoS 2, at most `rate` per second."""

    def __init__(self, ledger, port, client_id, name, prefix, rate, qos_max=2, topics_per_qos=3):
        super().__init__(ledger, port, client_id)
        self.direction, self.prefix, self.pause = name, prefix, 1.0 / rate
        self.topics = [(f'{name}/{qos}/{number}', qos) for number in range(topics_per_qos)
                       for qos in range(1, qos_max + 1)]
        self.window = {}  # packet id -> [topic, number, qos, is_released], in the order of sending
        self.last_id, self.turns, self.next_at = 0, 0, 0.0
        self.issuing = True

    def is_waiting(self):
        return bool(self.window)

    def is_idle(self):
        return not self.window

    def on_connected(self, has_session):
        for packet_id, (topic, number, qos, is_released) in list(self.window.items()):
            if not is_released:
                self._send(packet_id, topic, number, qos, dup=has_session)
            elif has_session:
                self.socket.sendall(answer_bytes(PUBREL, packet_id))
            else:  # the broker had accepted the message; it does not know the id any more
                self._end(packet_id)

    def on_turn(self):
        now = time.monotonic()
        if not self.issuing or now < self.next_at or len(self.window) >= WINDOW_MAX:
            return SHORT_S if now >= self.next_at else min(self.next_at - now, SHORT_S)
        if self.ledger.backlog(self.direction) > BACKLOG_MAX:
            return SHORT_S
        self.next_at = max(self.next_at + self.pause, now - 0.1)
        topic, qos = self.topics[self.turns % len(self.topics)]
        self.turns += 1
        number = self.ledger.issue(topic)
        packet_id = self._new_id()
        self.window[packet_id] = [topic, number, qos, False]
        self._send(packet_id, topic, number, qos, dup=False)
        return 0

    def on_packet(self, first, body):
        kind, packet_id = first >> 4, struct.unpack('>H', body[:2])[0]
        if packet_id not in self.window:
            return
        if kind == PUBREC:
            self.window[packet_id][3] = True
            self.socket.sendall(answer_bytes(PUBREL, packet_id))
        elif kind in (PUBACK, PUBCOMP):
            self._end(packet_id)

    def _send(self, packet_id, topic, number, qos, dup):
        self.socket.sendall(publish_bytes(self.prefix + topic, str(number).encode(), qos, False, packet_id, dup))

    def _end(self, packet_id):
        topic, number, _, _ = self.window.pop(packet_id)
        self.ledger.acknowledge(topic, number)

    def _new_id(self):
        while True:
            self.last_id = self.last_id % 65535 + 1
            if self.last_id not in self.window:
                return self.last_id


class Subscriber(Client):
    """Receives PREFIX + topic for all topics at QoS 2, with the receiver's rules for QoS 2 [MQTT-4.3.3]."""

    def __init__(self, ledger, port, client_id, prefix, qos=2):
        super().__init__(ledger, port, client_id)
        self.prefix, self.qos = prefix, qos
        self.received_ids = set()
        self.sessions_lost = 0
        self.subscribed = threading.Event()

    def is_waiting(self):
        return not self.subscribed.is_set()

    def on_connected(self, has_session):
        if not has_session:
            self.sessions_lost += self.connections > 1
            self.received_ids.clear()
        body = struct.pack('>H', 1) + prefixed(self.prefix + '#') + bytes([self.qos])
        self.socket.sendall(packet(0x82, body))

    def on_turn(self):
        return SHORT_S

    def on_packet(self, first, body):
        kind = first >> 4
        if kind == PUBLISH:
            self._receive(first, body)
        elif kind == PUBREL:
            packet_id = struct.unpack('>H', body[:2])[0]
            self.received_ids.discard(packet_id)
            self.socket.sendall(answer_bytes(PUBCOMP, packet_id))
        elif kind == 9:
            self.subscribed.set()

    def _receive(self, first, body):
        message, packet_id = parse_publish(first, body)
        if message.qos < 2 or packet_id not in self.received_ids:
            self.ledger.arrive(message.topic.removeprefix(self.prefix), int(message.payload))
        if message.qos == 1:
            self.socket.sendall(answer_bytes(PUBACK, packet_id))
        elif message.qos == 2:
            self.received_ids.add(packet_id)
            self.socket.sendall(answer_bytes(PUBREC, packet_id))
