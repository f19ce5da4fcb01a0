"""MQTT-SN clients of other authors at a UDP listener: mqtt-sn-12 and mqttsn from PyPI, in the versions of
mqttsn_clients.txt. Where a client departs from MQTT-SN 1.2, a case shows what the broker makes of that."""
import json
import os
import time

from cases_mqttsn import publish, start, subscriber
from harness import Skipped, case, check

GROUP = 'mqttsn'
HERE = os.path.dirname(os.path.abspath(__file__))
DRIVER = os.path.join(HERE, 'mqttsn_foreign_client.py')
PREDEFINED = 7
SETTINGS = (f'[listeners.sensors.mqttsn]\nconnectionless_user = "beacons"\nretry_interval_ms = {{}}\nretries_max = 2\n'
            f'[listeners.sensors.mqttsn.predefined_topics]\n{PREDEFINED} = "plant/predefined"\n')
CALM = SETTINGS.format(10000)  # nothing is repeated within a case
HASTY = SETTINGS.format(300)


def program(context, name):
    path = os.path.join(context.options.mqttsn_clients, 'bin', name)
    if not os.path.exists(path):
        raise Skipped(f'{path} is missing: ./run test fetches the clients where the registry of Python answers')
    return path


class Client:
    """A foreign client in a process of its own, which does what the case says."""

    def __init__(self, context, broker, kind, client_id):
        self.child = context.run([program(context, 'python'), '-B', DRIVER, kind, client_id, broker.udp_port])

    def attempts(self, name, *arguments):
        """A call of the client; the line that tells its result."""
        self.child.process.stdin.write(json.dumps([name, *arguments]).encode() + b'\n')
        self.child.process.stdin.flush()
        return self.child.line(f'^{name}( failed)?: ')

    def does(self, name, *arguments):
        line = self.attempts(name, *arguments)
        check(' failed: ' not in line, line)
        return line.split(': ', 1)[1]

    def gets(self, topic, payload):
        self.child.line(f'^message {topic} {payload}$')

    def received(self, text):
        return sum(line == f'message {text}' for line in self.child.lines)


def reader_of(context, broker, topic):
    return subscriber(context, broker, topic, '-q', '2', '-F', '%t %q %r %p')


def mqtt_sn_pub(context, broker, *arguments):
    child = context.run([program(context, 'mqtt_sn_pub'), '-h', '127.0.0.1', '-p', broker.udp_port, '--timeout', '10',
                         *arguments])
    code, _ = child.finish()
    check(code == 0, f'mqtt_sn_pub {arguments}: {child.errors()[-500:]}')


@case('mqtt-sn-12 publishes with each QoS, by name, short name and predefined id, retained and large', GROUP,
      needs_ledge=True)
def mqttsn12_publishes(context):
    program(context, 'mqtt_sn_pub')
    broker = start(context, CALM)
    reader = reader_of(context, broker, '#')
    for qos in (0, 1, 2):
        mqtt_sn_pub(context, broker, '-t', 'plant/meter', '-m', f'level {qos}', '-q', qos)
        reader.line(f'^plant/meter {qos} 0 level {qos}$')
    for qos in (0, 1, 2, -1):
        mqtt_sn_pub(context, broker, '-t', 'ab', '-m', f'short {qos}', '-q', qos)
        reader.line(f'^ab {max(qos, 0)} 0 short {qos}$')
        mqtt_sn_pub(context, broker, '-T', PREDEFINED, '-m', f'number {qos}', '-q', qos)
        reader.line(f'^plant/predefined {max(qos, 0)} 0 number {qos}$')
    large = 'x' * 600  # three bytes of length
    mqtt_sn_pub(context, broker, '-t', 'plant/large', '-m', large, '-q', '1')
    reader.line(f'^plant/large 1 0 {large}$')
    mqtt_sn_pub(context, broker, '-t', 'plant/kept', '-m', 'last', '-q', '1', '-r')
    late = reader_of(context, broker, 'plant/kept')
    late.line('^plant/kept 1 1 last$')


@case('mqtt_sn_sub of mqtt-sn-12 subscribes to a wildcard, keeps its connection by PINGREQ, and leaves without a will',
      GROUP, needs_ledge=True)
def mqttsn12_listens(context):
    path = program(context, 'mqtt_sn_sub')
    broker = start(context, CALM)
    wills = reader_of(context, broker, 'wills/#')
    child = context.run([path, '-h', '127.0.0.1', '-p', broker.udp_port, '-i', 'listener', '-k', '2', '-1', '-t',
                         'plant/+/set', '--will-topic', 'wills/listener', '--will-payload', 'gone'],
                        env={**os.environ, 'PYTHONUNBUFFERED': '1'})
    broker.log_line('client_connected client_id=listener')
    time.sleep(4)  # a silent device is lost after 3 s
    publish(context, broker, 'plant/lamp/set', 'on')
    child.line('^on$')
    check(child.finish()[0] == 0, child.errors())
    broker.log_line('client_disconnected client_id=listener .*reason=success')
    publish(context, broker, 'wills/end', 'x')
    check(wills.line('^wills/').endswith('x'), 'the will was published')


@case('mqtt-sn-12 searches, subscribes to all kinds of topics, changes its will, sleeps, wakes, and is lost', GROUP,
      needs_ledge=True)
def mqttsn12_lives(context):
    program(context, 'python')
    broker = start(context, CALM)
    wills = reader_of(context, broker, 'wills/#')
    client = Client(context, broker, 'mqtt-sn-12', 'meter')
    client.does('send_search_gateway', 1)
    client.does('set_keep_alive', 2)
    client.does('set_clean_session', False)
    client.does('set_will', 'wills/first', 'old', 1, False)
    client.does('send_connect')
    for topic in ('cmd/meter', 'cmd/+/all', 'zz'):
        client.does('send_subscribe', topic, 0)
    client.does('send_subscribe_predefined', PREDEFINED, 0)
    short_id = int.from_bytes(b'zz', 'big')
    for topic, told in (('cmd/meter', 'cmd/meter'), ('cmd/x/all', 'cmd/x/all'), ('zz', short_id),
                        ('plant/predefined', PREDEFINED)):
        publish(context, broker, topic, f'to {topic}')
        client.gets(told, f'to {topic}')
    client.does('send_will_message_update', 'new')
    client.does('send_will_topic_update', 'wills/second')

    client.does('send_disconnect', 60)
    publish(context, broker, 'cmd/meter', 'while asleep')
    client.does('set_will', 'wills/second', 'newest', 1, False)
    client.does('send_connect')
    client.gets('cmd/meter', 'while asleep')

    client.does('send_unsubscribe', 'cmd/meter')
    client.does('send_unsubscribe_predefined', PREDEFINED)
    publish(context, broker, 'cmd/meter', 'unheard')
    publish(context, broker, 'plant/predefined', 'unheard')
    publish(context, broker, 'cmd/y/all', 'end')
    client.gets('cmd/y/all', 'end')
    check(not any('unheard' in line for line in client.child.lines), 'a message came after UNSUBSCRIBE')
    client.child.process.kill()
    check(wills.line('^wills/') == 'wills/second 1 0 newest', 'the will')


@case('mqtt-sn-12 does not acknowledge QoS 1: it gets the repetitions, and nobody else is held up', GROUP,
      needs_ledge=True)
def mqttsn12_unacknowledged(context):
    program(context, 'python')
    broker = start(context, HASTY)
    reader = reader_of(context, broker, 'cmd/#')
    client = Client(context, broker, 'mqtt-sn-12', 'meter')
    client.does('send_connect')
    client.does('send_subscribe', 'cmd/meter', 1)
    publish(context, broker, 'cmd/meter', 'on')
    reader.line('^cmd/meter 1 0 on$')
    for _ in range(3):
        client.gets('cmd/meter', 'on')
    broker.log_line('mqttsn_device_lost .*client_id=meter')
    again = Client(context, broker, 'mqtt-sn-12', 'meter')
    again.does('send_connect')
    again.does('send_subscribe', 'cmd/meter', 0)
    publish(context, broker, 'cmd/meter', 'off')
    again.gets('cmd/meter', 'off')
    check(client.received('cmd/meter on') == 3, 'the message and two repetitions')


@case('mqttsn registers, publishes with QoS 0, 1, 2 and -1, and gets messages of QoS 1 and 2', GROUP, needs_ledge=True)
def mqttsn_both_ways(context):
    program(context, 'python')
    broker = start(context, CALM)
    reader = reader_of(context, broker, 'plant/#')
    short = reader_of(context, broker, 'ab')
    client = Client(context, broker, 'mqttsn', 'meter')
    client.does('connect')
    check(client.does('subscribe', 'cmd/one', 1).startswith('(0, '), 'SUBACK')
    check(client.does('subscribe', 'cmd/two', 2).startswith('(0, '), 'SUBACK')
    check(client.does('subscribe', 'zz', 1) == '(0, 0)', 'SUBACK of a short name')
    publish(context, broker, 'cmd/one', 'first')
    client.gets('-', 'first')  # the client tells no topics of normal ids
    publish(context, broker, 'cmd/two', 'second', '-q', '2')
    client.gets('-', 'second')
    publish(context, broker, 'zz', 'third')
    client.gets('zz', 'third')
    topic_id = int(client.does('register', 'plant/meter'))
    acknowledged = 0
    for qos in (0, 1, 2, 1):
        client.does('publish', topic_id, f'level {qos}', qos)
        reader.line(f'^plant/meter {qos} 0 level {qos}$')
        acknowledged += min(qos, 1)
        # One message at a time: a further one before PUBCOMP is refused.
        while client.child.lines.count('acknowledged') < acknowledged:
            client.child.line('^acknowledged$')
    client.does('publish', 'ab', 'short', 1)
    short.line('^ab 1 0 short$')
    client.does('publish_without_connection', 'ab', 'connectionless')
    short.line('^ab 0 0 connectionless$')
    check(client.received('- first') == client.received('- second') == 1, 'each message once')


@case('mqttsn does not answer REGISTER: it is lost over a wildcard, and goes on with names after CONNECT', GROUP,
      needs_ledge=True)
def mqttsn_wildcard(context):
    program(context, 'python')
    broker = start(context, HASTY)
    client = Client(context, broker, 'mqttsn', 'meter')
    client.does('connect')
    client.does('subscribe', 'cmd/#', 1)
    publish(context, broker, 'cmd/lamp', 'on')
    for _ in range(3):
        client.child.line('^told cmd/lamp$')
    broker.log_line('mqttsn_device_lost .*client_id=meter')
    client.does('connect')
    check(client.does('subscribe', 'cmd/lamp', 1).startswith('(0, '), 'SUBACK')
    publish(context, broker, 'cmd/lamp', 'off')
    client.gets('-', 'off')
