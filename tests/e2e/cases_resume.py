"""What a client with a session finds after the broker was stopped or killed: packet ids, order, DUP."""
import os
import signal
import struct

from harness import case, check, connect_packet, free_port, packet, prefixed, subscribe_packet

GROUP = 'resume'
ENDS = {'stopped': signal.SIGTERM, 'killed': signal.SIGKILL}
FOR_AN_HOUR = b'\x11' + struct.pack('>I', 3600)  # session expiry interval


def receive_maximum(number):
    return b'\x21' + struct.pack('>H', number)


class Seat:
    """A broker with a store that can be ended and started again."""

    def __init__(self, context, name=''):
        self.context = context
        self.port = free_port()
        self.folder = os.path.join(context.folder, f'store-{context.client_id}{name}')
        self.start()

    def start(self):
        self.broker = self.context.start_broker(
            arguments=['--listen', f'mqtt://127.0.0.1:{self.port}', '--store', self.folder])
        self.broker.wait_for_port(self.port)

    def restart(self, number):
        self.broker.signal(number)
        self.broker.process.wait()
        self.start()

    def resume(self, name, more=b'', is_present=True):
        client = self.context.connect(self.port)
        client.send(connect_packet(name, 5, clean=False, properties=FOR_AN_HOUR + more))
        first, body = client.read()
        check(first == 0x20 and body[:2] == bytes([is_present, 0]), f'CONNACK expected, got {first} {body.hex()}')
        return client

    def publish(self, topic, payloads, retain=False):
        """QoS 1, version 3.1.1; each is acknowledged when this returns."""
        client = self.context.connect(self.port)
        client.open(topic.replace('/', '-') + '-publisher')
        for payload in payloads:
            client.send(packet(0x33 if retain else 0x32, prefixed(topic.format(payload)) + b'\0\1' + payload.encode()))
            check(client.read()[0] == 0x40, 'no PUBACK')
        client.close()


def message_of(client):
    """(payload, packet id, DUP) of the next PUBLISH, version 5."""
    first, body = client.read()
    check(first is not None and first & 0xF0 == 0x30, f'PUBLISH expected, got {first} {body.hex()}')
    at = 2 + struct.unpack('>H', body[:2])[0]
    number = struct.unpack('>H', body[at:at + 2])[0]
    return body[at + 3 + body[at + 2]:].decode(), number, bool(first & 8)


def subscribe(client, topic_filter):
    client.send(subscribe_packet(topic_filter, 1, 5))
    first, body = client.read()
    check(first == 0x90 and body[-1] == 1, f'SUBACK expected, got {first} {body.hex()}')


def acknowledge(client, *numbers):
    for number in numbers:
        client.send(packet(0x40, struct.pack('>H', number)))


def is_answered(client):
    """The broker has read everything that the client has sent."""
    client.send(b'\xC0\0')
    check(client.read()[0] == 0xD0, 'no PINGRESP')


for _name, _signal in ENDS.items():
    @case(f'[MQTT-3.3.1-2] broker {_name}: what was stored for an absent client comes without DUP', GROUP,
          needs_ledge=True)
    def _first_sending(context, number=_signal):
        seat = Seat(context)
        client = seat.resume('absent', is_present=False)
        subscribe(client, 'a')
        client.close()
        seat.publish('a', [str(i) for i in range(300)])
        seat.restart(number)
        client = seat.resume('absent')
        for i in range(300):
            got = message_of(client)
            check(got == (str(i), i + 1, False), f'message {i}: {got}')
            acknowledge(client, got[1])

    @case(f'[MQTT-4.4.0-1] broker {_name}: unacknowledged messages keep packet ids and order', GROUP,
          needs_ledge=True)
    def _same_ids(context, number=_signal):
        seat = Seat(context)
        client = seat.resume('meter', is_present=False)
        subscribe(client, 'a')
        seat.publish('a', ['1', '2', '3', '4'])
        got = [message_of(client) for _ in range(4)]
        check(got == [(str(i), i, False) for i in range(1, 5)], f'{got}')
        acknowledge(client, 1, 3)
        is_answered(client)
        seat.publish('b', ['x'])
        seat.restart(number)
        client = seat.resume('meter')
        got = {}
        while '4' not in got:  # a kill may repeat what was acknowledged within the last second
            payload, packet_id, is_dup = message_of(client)
            got[payload] = packet_id
            check(is_dup, f'{payload} without DUP')
            check(payload == str(packet_id), f'{payload} has packet id {packet_id}')
        check(list(got) == sorted(got) and '2' in got, f'{got}')
        check(number == signal.SIGKILL or list(got) == ['2', '4'], f'{got}')


@case('[MQTT-3.3.1-9] retained messages that a session is still owed come after a restart of the broker', GROUP,
      needs_ledge=True)
def _owed_retained(context):
    for number in ENDS.values():
        seat = Seat(context, f'{number}')
        for i in range(100):
            seat.publish(f'kept/{i}', [f'{i}'], retain=True)
        client = seat.resume('slow', receive_maximum(5), is_present=False)
        subscribe(client, 'kept/#')
        first_ones = {message_of(client)[0] for _ in range(5)}
        check(len(first_ones) == 5, f'{first_ones}')
        client.close()
        seat.publish('other', ['x'])  # behind whatever was to be written of that client
        seat.restart(number)
        client = seat.resume('slow', receive_maximum(5))
        got = set()
        while len(got) < 100:
            payload, packet_id, _ = message_of(client)
            got.add(payload)
            acknowledge(client, packet_id)
        client.close()
