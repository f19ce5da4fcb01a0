#!/usr/bin/python3
"""One end-to-end case with Paho's Python client. Usage: paho_python_client.py VERSION CASE PORT PREFIX
Prints "ok" and exits 0, or says what was wrong and exits 1."""
import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

WAIT_S = 20
VERSIONS = {'3.1': mqtt.MQTTv31, '3.1.1': mqtt.MQTTv311, '5': mqtt.MQTTv5}


def check(claim, text):
    if not claim:
        raise AssertionError(text)


class Client:
    """A client with its own network thread; what it hears is waiting in queues."""

    def __init__(self, version, port, client_id, clean=True, will=None):
        self.version, self.port, self.clean = version, port, clean
        self.messages, self.events = queue.Queue(), queue.Queue()
        options = {} if version == '5' else {'clean_session': clean}
        self.client = mqtt.Client(client_id=client_id, protocol=VERSIONS[version], reconnect_on_failure=False,
                                  **options)
        self.client.on_message = lambda c, u, message: self.messages.put(message)
        self.client.on_connect = lambda c, u, flags, code, *rest: self.events.put(('connect', int_of(code), flags))
        self.client.on_disconnect = lambda c, u, code, *rest: self.events.put(('disconnect', int_of(code)))
        self.client.on_subscribe = lambda *rest: self.events.put(('subscribe',))
        self.client.on_unsubscribe = lambda *rest: self.events.put(('unsubscribe',))
        if will is not None:
            self.client.will_set(*will)

    def connect(self):
        """Returns whether the broker had a session."""
        options = {}
        if self.version == '5':
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if self.clean else 600
            options = {'clean_start': self.clean, 'properties': properties}
        self.client.connect('127.0.0.1', self.port, keepalive=60, **options)
        self.client.loop_start()
        _, code, flags = self.event('connect')
        check(code == 0, f'CONNACK {code}')
        return bool(flags['session present'])

    def event(self, kind):
        found = self.events.get(timeout=WAIT_S)
        check(found[0] == kind, f'{kind} expected, {found} came')
        return found

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        self.event('subscribe')

    def publish(self, topic, payload, qos, retain=False, properties=None):
        options = {'properties': properties} if properties is not None else {}
        info = self.client.publish(topic, payload, qos, retain, **options)
        info.wait_for_publish(WAIT_S)
        check(info.is_published(), 'the publication was not acknowledged')

    def expect(self, topic, payload, qos, retain=False):
        message = self.messages.get(timeout=WAIT_S)
        payload = payload.encode() if isinstance(payload, str) else payload
        found = (message.topic, message.payload, message.qos, bool(message.retain))
        check(found == (topic, payload, qos, retain), f'got {str(found)[:200]}')
        return message

    def leave(self):
        self.client.disconnect()
        self.event('disconnect')
        self.client.loop_stop()

    def vanish(self):
        """Closes the socket without a DISCONNECT."""
        self.client.socket().close()


def int_of(code):
    return code if isinstance(code, int) else code.value


def connected(version, port, client_id, **options):
    client = Client(version, port, client_id, **options)
    client.connect()
    return client


def run_qos(version, port, prefix, qos):
    client = connected(version, port, prefix)
    client.subscribe(prefix + '/t', qos)
    for number in range(200):
        client.client.publish(prefix + '/t', str(number), qos)
    for number in range(200):
        client.expect(prefix + '/t', str(number), qos)
    client.leave()


def run_retained(version, port, prefix):
    client = connected(version, port, prefix)
    client.publish(prefix + '/t', 'kept', 1, True)
    client.subscribe(prefix + '/t', 1)
    client.expect(prefix + '/t', 'kept', 1, True)
    client.publish(prefix + '/t', '', 1, True)
    client.expect(prefix + '/t', '', 1, False)
    client.leave()


def run_persistent(version, port, prefix):
    keeper = Client(version, port, prefix + 'k', clean=False)
    check(not keeper.connect(), 'a session before the first connect')
    keeper.subscribe(prefix + '/t', 2)
    keeper.leave()
    sender = connected(version, port, prefix + 's')
    for number in range(5):
        sender.publish(prefix + '/t', str(number), 2)
    present = keeper.connect()
    check(present or version == '3.1', 'no session present')  # 3.1 has no such flag
    for number in range(5):
        keeper.expect(prefix + '/t', str(number), 2)
    keeper.leave()
    sender.leave()


def run_large(version, port, prefix, size=200_000):
    payload = bytes(i * 7 % 256 for i in range(251)) * (size // 251)
    client = connected(version, port, prefix)
    client.subscribe(prefix + '/t', 1)
    client.publish(prefix + '/t', payload, 1)
    client.expect(prefix + '/t', payload, 1)
    client.leave()


def run_burst(version, port, prefix):
    """Paho Python 1.6.1 does not count: whatever was handed over before goes out behind CONNACK at once."""
    client = Client(version, port, prefix)
    client.client.max_queued_messages_set(0)
    client.client.max_inflight_messages_set(65535)
    acknowledged = queue.Queue()
    client.client.on_publish = lambda c, u, packet_id: acknowledged.put(packet_id)
    # Not MQTTMessageInfo.wait_for_publish: it fails for what was handed over without a connection.
    handed_over = {client.client.publish(prefix + '/t', str(number), 2).mid for number in range(1000)}
    client.connect()
    done = {acknowledged.get(timeout=WAIT_S) for _ in range(1000)}
    check(done == handed_over, f'{len(handed_over - done)} publications were not acknowledged')
    check(client.events.empty(), 'the connection was lost')
    client.leave()


def run_will(version, port, prefix):
    watcher = connected(version, port, prefix + 'w')
    watcher.subscribe(prefix + '/#', 1)
    leaving = connected(version, port, prefix + 'l', will=(prefix + '/will', 'gone', 1, False))
    leaving.leave()
    dying = connected(version, port, prefix + 'd', will=(prefix + '/will', 'gone', 1, False))
    watcher.publish(prefix + '/between', 'x', 1)
    watcher.expect(prefix + '/between', 'x', 1)
    dying.vanish()
    watcher.expect(prefix + '/will', 'gone', 1)
    watcher.leave()


def run_takeover(version, port, prefix):
    first = connected(version, port, prefix)
    second = connected(version, port, prefix)
    _, code = first.event('disconnect')
    check(version != '5' or code in (0x8E, mqtt.MQTT_ERR_CONN_LOST, 1), f'reason {code}')
    second.leave()


def run_unsubscribe(version, port, prefix):
    client = connected(version, port, prefix)
    client.subscribe(prefix + '/+', 1)
    client.subscribe(prefix + '/end', 1)
    client.client.unsubscribe(prefix + '/+')
    client.event('unsubscribe')
    client.publish(prefix + '/x', 'no', 1)
    client.publish(prefix + '/end', 'yes', 1)
    client.expect(prefix + '/end', 'yes', 1)
    client.leave()


def run_properties(version, port, prefix):
    """A question and its answer with correlation data, between two clients."""
    asking, answering = connected(version, port, prefix + 'q'), connected(version, port, prefix + 'a')
    asking.subscribe(prefix + '/answers', 1)
    answering.subscribe(prefix + '/questions', 1)
    question = Properties(PacketTypes.PUBLISH)
    question.ResponseTopic, question.CorrelationData = prefix + '/answers', b'\0\1\2'
    question.UserProperty = [('b', '1'), ('a', '2'), ('b', '3')]
    asking.publish(prefix + '/questions', '2+2', 1, properties=question)
    got = answering.expect(prefix + '/questions', '2+2', 1).properties
    check(got.UserProperty == [('b', '1'), ('a', '2'), ('b', '3')], f'user properties {got.UserProperty}')
    answer = Properties(PacketTypes.PUBLISH)
    answer.CorrelationData = got.CorrelationData
    answering.publish(got.ResponseTopic, '4', 1, properties=answer)
    got = asking.expect(prefix + '/answers', '4', 1).properties
    check(got.CorrelationData == b'\0\1\2', f'correlation data {got.CorrelationData}')
    asking.leave()
    answering.leave()


def main():
    version, which, port, prefix = sys.argv[1:]
    cases = {'qos0': lambda *a: run_qos(*a, 0), 'qos1': lambda *a: run_qos(*a, 1), 'qos2': lambda *a: run_qos(*a, 2),
             'retained': run_retained, 'persistent': run_persistent, 'large': run_large, 'will': run_will,
             'burst': run_burst, 'huge': lambda *a: run_large(*a, 12_000_000),
             'takeover': run_takeover, 'unsubscribe': run_unsubscribe, 'properties': run_properties}
    try:
        cases[which](version, int(port), prefix)
    except (AssertionError, queue.Empty) as error:
        print(f'{type(error).__name__}: {error}', file=sys.stderr)
        return 1
    print('ok')
    return 0


if __name__ == '__main__':
    sys.exit(main())
