"""What other brokers have been broken with, by class: each case is named after the weakness, not after the product. The
brokers here are the case's own, so that a death is this case's failure."""
import os
import random
import signal
import socket
import struct
import time

import harness
from cases_auth import passwd, write
from harness import case, check, packet, prefixed, publish_packet, subscribe_packet

GROUP = 'known weaknesses of brokers'
ITERATIONS = '1000'  # of the passwords here


def connect_as(user, password, client_id='', version=5, keep=False, will=None):
    flags = 0xC0 | (0 if keep else 2) | (4 if will else 0)
    properties = b'\x11\0\0\x0e\x10' if keep else b''  # session expiry: an hour
    body = prefixed('MQTT') + bytes([version, flags, 0, 0])
    body += bytes([len(properties)]) + properties if version == 5 else b''
    body += prefixed(client_id)
    if will:
        body += (b'\0' if version == 5 else b'') + prefixed(will) + prefixed('gone')
    return packet(0x10, body + prefixed(user) + prefixed(password))


def users(context, *names):
    path = os.path.join(context.folder, f'{context.client_id}-known')
    for name in names:
        check(passwd(context, path, name, '--iterations', ITERATIONS, password='secret').returncode == 0, name)
    return path


def attempt(context, port, data, source='127.0.0.1'):
    """Sends, ends its side, reads to the end: the broker must end too. What it said."""
    raw = harness.RawClient(port, source=source)
    said = b''
    try:
        raw.send(data)
        raw.socket.shutdown(socket.SHUT_WR)
        while True:
            more = raw.receive()
            if not more:
                return said
            said += more
    except (BrokenPipeError, ConnectionResetError, OSError):
        return said  # it did not even want to hear the rest
    finally:
        raw.close()


def resident_kib(broker):
    with open(f'/proc/{broker.process.pid}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS:'))


def lives(context, broker):
    check(broker.process.poll() is None, f'the broker died: {broker.tail()}')
    raw = context.connect(broker.port)
    raw.open('bystander')
    raw.subscribe('alive')
    raw.send(publish_packet('alive', b'yes'))
    check(raw.read() == (0x30, prefixed('alive') + b'yes'), 'the broker does not serve any more')
    raw.close()


def every_packet(version):
    """One well-formed packet of each type, those that only servers send included."""
    empty = b'\0' if version == 5 else b''
    return {
        'CONNECT': harness.connect_packet('again', version), 'CONNACK': packet(0x20, b'\0\0' + empty),
        'PUBLISH': packet(0x32, prefixed('t') + b'\0\1' + empty + b'x'),
        'PUBLISH 2': packet(0x34, prefixed('t') + b'\0\2' + empty + b'x'), 'PUBACK': packet(0x40, b'\0\1'),
        'PUBREC': packet(0x50, b'\0\1'), 'PUBREL': packet(0x62, b'\0\1'), 'PUBCOMP': packet(0x70, b'\0\1'),
        'SUBSCRIBE': subscribe_packet('a/+', 1, version), 'SUBACK': packet(0x90, b'\0\1' + empty + b'\0'),
        'UNSUBSCRIBE': packet(0xA2, b'\0\1' + empty + prefixed('a/+')),
        'UNSUBACK': packet(0xB0, b'\0\1' + empty + (b'\0' if version == 5 else b'')), 'PINGREQ': b'\xc0\0',
        'PINGRESP': b'\xd0\0', 'DISCONNECT': b'\xe0\0', 'AUTH': b'\xf0\0',
        'AUTH go on': packet(0xF0, b'\x18\x0c\x15' + prefixed('ANONYMOUS'))}


# ---------------------------------------------------------------------------------------------------------------------

@case('allocation before authentication: what is announced costs nothing, what is too much is refused', GROUP,
      needs_ledge=True, quick=False)
def _allocation(context):
    broker = context.start_broker()
    lives(context, broker)
    before = resident_kib(broker)
    waiting = [context.connect(broker.port) for _ in range(400)]
    for raw in waiting:
        raw.send(b'\x10\xff\xff\x0f\0\4MQTT')  # a CONNECT of 256 KiB, just allowed, of which 6 bytes come
    for _ in range(100):
        said = attempt(context, broker.port, b'\x10\xff\xff\xff\x7f\0\4MQTT\5')  # of 256 MiB
        check(len(said) < 100, 'a long answer to nobody')
    lives(context, broker)
    growth = resident_kib(broker) - before
    check(growth < 2048, f'500 connections that only announced cost {growth} KiB')


@case('length trust: every length in every packet lies, before and after CONNECT', GROUP, needs_ledge=True)
def _lengths(context):
    broker = context.start_broker()
    count = 0
    for version in (4, 5):
        opening = harness.connect_packet('liar', version)
        for name, whole in every_packet(version).items():
            first = opening if name != 'CONNECT' else b''
            for at in range(1, len(whole)):
                for lie in (b'\xff\xff', b'\x7f', b'\x80', b'\0'):
                    attempt(context, broker.port, first + whole[:at] + lie + whole[at + len(lie):])
                    count += 1
    check(count > 700, f'only {count} lies')
    lives(context, broker)


@case('length trust: properties that claim more than there is, or repeat, or nest without end', GROUP, needs_ledge=True)
def _properties(context):
    broker = context.start_broker()
    opening = harness.connect_packet('liar', 5)
    claims = [b'\xff\xff\xff\x7f', b'\xff\xff\xff\xff\x7f', b'\x80\x80\x80\x80', b'\x05\x26\xff\xffx', b'\x03\x26\0\0',
              b'\x02\x01\x02', b'\x04\x23\0\0\0', b'\x06\x23\0\1\x23\0\2', b'\x02\x0b\0', b'\x03\x1f\xff\xff',
              harness.variable(5 * 3000) + b'\x26\0\0\0\0' * 3000]
    for claim in claims:
        for data in (packet(0x10, prefixed('MQTT') + b'\5\2\0\0' + claim + prefixed('x')),
                     opening + packet(0x32, prefixed('t') + b'\0\1' + claim), opening + packet(0x40, b'\0\1\0' + claim),
                     opening + packet(0x82, b'\0\1' + claim + prefixed('a') + b'\0'),
                     opening + packet(0xE0, b'\0' + claim), opening + packet(0xF0, b'\x18' + claim)):
            attempt(context, broker.port, data)
    lives(context, broker)


@case('reachable assertions: every packet in every state, twice, and the crashes of others', GROUP, needs_ledge=True)
def _every_state(context):
    broker = context.start_broker(settings=[f'auth.password_file={users(context, "alice")}'])
    for version in (3, 4, 5):
        name = b'\0\6MQIsdp' if version == 3 else prefixed('MQTT')
        tail = (b'\0' if version == 5 else b'') + prefixed('c')
        opened = packet(0x10, name + bytes([version, 2, 0, 0]) + tail)
        states = {'before CONNECT': b'', 'connected': opened,
                  'while the password is checked': connect_as('alice', 'secret', 'c', version) if version > 3 else b'',
                  'refused': connect_as('alice', 'wrong', 'c', version) if version > 3 else b'',
                  'with a message under way': opened
                  + subscribe_packet('t', 2, version) + publish_packet('t', b'', version),
                  'after DISCONNECT': opened + b'\xe0\0'}
        if version == 5:
            method = b'\x0c\x15' + prefixed('ANONYMOUS')
            states['during AUTH'] = packet(0x10, name + b'\5\2\0\0' + method + prefixed('c'))
        for before in states.values():
            for data in every_packet(version).values():
                attempt(context, broker.port, before + data + data)
    empty_topic = packet(0x30, prefixed('') + b'x')
    attempt(context, broker.port, harness.connect_packet('c') + empty_topic)
    attempt(context, broker.port, harness.connect_packet('c', 5) + packet(0x30, prefixed('') + b'\0x'))
    attempt(context, broker.port, harness.connect_packet('c', 5) + packet(0x30, prefixed('') + b'\3\x23\xff\xffx'))
    check('assert' not in broker.tail().lower(), broker.tail())
    lives(context, broker)


@case('reachable assertions: filters and topics at the edge of the grammar', GROUP, needs_ledge=True)
def _filters(context):
    broker = context.start_broker()
    edges = [b'', b'$', b'$share', b'$share/', b'$share//', b'$share//a', b'$share/g', b'$share/g/', b'$share/+/a',
             b'$share/#/a', b'$share/g/$share/h/a', b'a/#/b', b'#/', b'#a', b'a+', b'+a/b', b'a\0b', b'\xff',
             b'\xc0\x80',
             b'\xed\xa0\x80', b'\xef\xbf\xbf', b'$SYS/#', b'$queue/a', b'$exclusive/a', b'$delayed/1/a', b'/' * 4000]
    for edge in edges:
        for version in (4, 5):
            opening = harness.connect_packet('edge', version)
            empty = b'\0' if version == 5 else b''
            unsubscribe = packet(0xA2, b'\0\2' + empty + prefixed(edge))
            attempt(context, broker.port, opening + subscribe_packet(edge, 1, version) + unsubscribe + unsubscribe)
            attempt(context, broker.port, opening + publish_packet(edge, b'x', version))
            attempt(context, broker.port, opening + packet(0x31, prefixed(edge) + empty))
            attempt(context, broker.port, connect_as('u', 'p', 'edge', version, will=edge))
    lives(context, broker)


@case('deep topics: 65,000 slashes cost no stack and no more time than their bytes', GROUP,
      needs_ledge=True, quick=False)
def _slashes(context):
    broker = context.start_broker(settings=['limits.topic_levels_max=128', 'limits.topic_bytes_max=65535',
                                            'limits.max_packet_size_bytes=1MiB', 'limits.subscriptions_max=5000'])
    raw = context.connect(broker.port)
    raw.open('deep', 5)
    began = harness.cpu_s(broker)
    for topic_filter in ('/' * 65_000, '+/' * 32_000 + '+', '/' * 65_000 + '#', '$share/g/' + '/' * 65_000):
        raw.send(subscribe_packet(topic_filter, 0, 5))
        check(raw.read()[1][-1] >= 0x80, 'more levels than are allowed were granted')
    rng = random.Random(5)
    for number in range(2000):  # every path through the trie, as wide as it gets
        mixed = '/'.join(rng.choice('a+') for _ in range(30))
        raw.send(subscribe_packet(mixed, 0, 5, packet_id=number + 1))
        check(raw.read()[1][-1] == 0, 'a filter of 30 levels was refused')
    for deep in ('/' * 127, '+/' * 127 + '+', '+/' * 126 + '#'):
        raw.send(subscribe_packet(deep, 0, 5))
        check(raw.read()[1][-1] == 0, '128 levels were refused')
    for _ in range(200):
        raw.send(publish_packet('/' * 127, b'1', 5) + publish_packet('a/' * 29 + 'a', b'2', 5))
    raw.send(b'\xc0\0')
    while raw.read()[0] != 0xD0:
        pass
    took = harness.cpu_s(broker) - began
    check(took < 5, f'that took {took:.1f} s of CPU')
    attempt(context, broker.port, harness.connect_packet('long') + publish_packet('/' * 65_000, b'x'))
    lives(context, broker)


@case('takeover races: two users and one client id, 200 times: the session stays with the first', GROUP,
      needs_ledge=True)
def _takeover(context):
    broker = context.start_broker(anonymous=False,
                                  settings=[f'auth.password_file={users(context, "alice", "bob", "carol")}',
                                            'auth.login_failures_max=0'])
    owner = context.connect(broker.port)
    owner.send(connect_as('alice', 'secret', 'shared', keep=True))
    check(owner.read()[1][1] == 0, 'alice is not let in')
    owner.subscribe('private', 1, 5)
    crowd = []
    for number in range(200):
        raw = harness.RawClient(broker.port)
        raw.send(connect_as(('bob', 'alice')[number % 2], 'secret', 'shared', keep=number % 4 != 2))
        crowd.append(raw)
    codes = [raw.read()[1][1] for raw in crowd]
    check(all(code == 0x85 for code in codes[::2]), f'bob got {codes[::2]}')
    alices = codes[1::2]  # those that come in too fast give way to the newest, which waits for its turn
    check(alices[0] == alices[-1] == 0 and set(alices) <= {0, 0x89}, f'alice got {alices}')
    for raw in crowd:
        raw.close()
    back = context.connect(broker.port)
    back.send(connect_as('alice', 'secret', 'shared', keep=True))
    check(back.read()[1][1] == 0, 'alice does not get back')
    back.subscribe('private', 1, 5)
    writer = context.connect(broker.port)
    writer.send(connect_as('carol', 'secret', 'writer'))
    writer.read()
    writer.send(publish_packet('private', b'for alice', 5))
    check(back.read()[1].endswith(b'for alice'), 'alice gets nothing')
    for client_id in ('shared', 'writer'):
        thief = context.connect(broker.port)
        thief.send(connect_as('bob', 'secret', client_id, version=4))
        check(thief.read()[1] == b'\0\2', 'an old client is not told that the identifier is refused')
    lives_with_password(context, broker)


def lives_with_password(context, broker):
    check(broker.process.poll() is None, f'the broker died: {broker.tail()}')
    raw = context.connect(broker.port)
    raw.send(connect_as('alice', 'secret', 'bystander'))
    check(raw.read()[1][1] == 0, 'the broker lets nobody in any more')


@case('takeover races: 300 connections of one anonymous client id at once leave one, and its session', GROUP,
      needs_ledge=True)
def _hammer(context):
    broker = context.start_broker()
    crowd = [context.connect(broker.port) for _ in range(300)]
    for raw in crowd:
        raw.send(harness.connect_packet('same', 5, clean=False, properties=b'\x11\0\0\0\x3c'))
    told = []  # by all but the newest: CONNACK with server busy, or DISCONNECT because another took the session over
    for raw in crowd[:-1]:
        first, body = raw.read()
        check(first == 0x20 and body[1] in (0, 0x89), f'CONNACK expected, got {first} {body.hex()}')
        told.append(body[1] or raw.read()[1][0])
    check(set(told) == {0x89, 0x8E}, f'they were told {told}')
    check(crowd[-1].read()[1][1] == 0, 'the newest has not got the session')
    crowd[-1].subscribe('x', 0, 5)
    lives(context, broker)


@case('ACL fail-open: a file that is missing, empty, wrong or a folder never opens, at the start or later', GROUP,
      needs_ledge=True)
def _fail_open(context):
    for name, text in (('wrong', 'topic read a\nnonsense\n'), ('binary', '\0\1\2\3' * 100), ('half', 'user\n')):
        broker = context.start_broker(arguments=['check', '--set', f'auth.acl_file={write(context, name, text)}'],
                                      anonymous=False)
        check(broker.process.wait(harness.DEADLINE_S) == 2, f'{name}: started')
    for path in ('/nonexistent/acl', context.folder):
        broker = context.start_broker(arguments=['check', '--set', f'auth.acl_file={path}'], anonymous=False)
        check(broker.process.wait(harness.DEADLINE_S) == 2, f'{path}: started')
    acl = write(context, 'acl', 'topic readwrite open/#\n')
    broker = context.start_broker(settings=[f'auth.acl_file={acl}', 'sys.interval_s=1'])
    raw = context.connect(broker.port)
    raw.open('c', 5)

    def codes():
        found = []
        for topic_filter in ('open/a', 'closed/a', 'closed/#'):
            raw.send(subscribe_packet(topic_filter, 0, 5))
            found.append(raw.read()[1][-1])
        return found

    def waits_for(text, count):
        end = time.monotonic() + harness.DEADLINE_S
        while log(broker).count(text) < count:
            check(time.monotonic() < end, f'no {text}: {broker.tail()}')
            time.sleep(0.05)

    check(codes() == [0, 0x87, 0x87], 'at the start')
    os.remove(acl)
    waits_for('policy_refused', 1)  # noticed without SIGHUP
    check(codes() == [0, 0x87, 0x87], 'without its file')
    write(context, 'acl', 'topic readwrite #\nnonsense\n')
    broker.signal(signal.SIGHUP)
    waits_for('configuration_refused', 1)
    check(codes() == [0, 0x87, 0x87], 'with a mistake in the file')
    write(context, 'acl', '')
    broker.signal(signal.SIGHUP)
    waits_for('policy_loaded', 1)
    check(raw.read()[0] == 0xE0, 'an empty file does not end what it forbids')
    raw = context.connect(broker.port)
    raw.open('c', 5)
    check(codes() == [0x87, 0x87, 0x87], 'an empty file allows something')
    write(context, 'acl', 'topic readwrite closed/#\ntopic read $SYS/#\n')
    broker.signal(signal.SIGHUP)
    waits_for('policy_loaded', 2)
    check(codes()[:2] == [0x87, 0], 'the mended file is not in force')
    raw.send(subscribe_packet('$SYS/broker/policy/#', 0, 5))
    figures = {}
    while figures != {'taken': b'2', 'refused': b'2'}:  # published every second
        first, body = raw.read()
        if first in (0x30, 0x31):
            size = struct.unpack('>H', body[:2])[0]
            figures[body[2:2 + size].decode().rsplit('/', 1)[-1]] = body[3 + size:]


def log(broker):
    with open(broker.log, encoding='utf-8', errors='replace') as file:
        return file.read()


@case('wildcards in names: + and # and / in user name or client id fill no pattern', GROUP, needs_ledge=True)
def _wildcards(context):
    names = ('+', 'a/#', 'x#', '+/+', 'a/b', 'alice')
    acl = write(context, 'acl', 'pattern readwrite devices/%u/#\npattern readwrite clients/%c/#\n')
    broker = context.start_broker(anonymous=False, settings=[f'auth.password_file={users(context, *names)}',
                                                             f'auth.acl_file={acl}'])
    check(passwd(context, os.path.join(context.folder, 'none'), '#', password='secret').returncode != 0, '# is a name')
    for name in names:
        raw = context.connect(broker.port)
        raw.send(connect_as(name, 'secret', name))
        check(raw.read()[1][1] == 0, f'{name} cannot log in')
        expected = 0 if name == 'alice' else 0x87
        for prefix in ('devices', 'clients'):
            for rest in ('alice/x', '+/x', '#') if name != 'alice' else ('alice/x',):
                raw.send(subscribe_packet(f'{prefix}/{rest}', 0, 5))
                answer = raw.read()[1][-1]
                check(answer == expected, f'{name}: {prefix}/{rest}: {answer}')
        raw.send(packet(0x32, prefixed('devices/alice/x') + b'\0\1\0x'))
        check((raw.read()[1][2:3] == b'\x87') == (name != 'alice'), f'{name} publishes for alice')
        raw.close()


@case('revoked rights: retained and queued messages do not reach who may not read them any more', GROUP,
      needs_ledge=True)
def _revoked(context):
    acl = write(context, 'acl', 'user alice\ntopic readwrite #\nuser bob\ntopic readwrite #\n')
    broker = context.start_broker(anonymous=False, settings=[f'auth.password_file={users(context, "alice", "bob")}',
                                                             f'auth.acl_file={acl}'])
    reader = context.connect(broker.port)
    reader.send(connect_as('bob', 'secret', 'reader', keep=True))
    reader.read()
    reader.subscribe('#', 1, 5)
    reader.close()
    writer = context.connect(broker.port)
    writer.send(connect_as('alice', 'secret', 'writer'))
    writer.read()
    writer.send(packet(0x33, prefixed('secret/retained') + b'\0\1\0r'))
    writer.send(packet(0x32, prefixed('secret/queued') + b'\0\2\0q'))
    writer.send(packet(0x32, prefixed('open/queued') + b'\0\3\0o'))
    for _ in range(3):
        check(writer.read()[0] == 0x40, 'no PUBACK')
    write(context, 'acl', 'user alice\ntopic readwrite #\nuser bob\ntopic readwrite open/#\n')
    broker.signal(signal.SIGHUP)
    end = time.monotonic() + harness.DEADLINE_S
    while 'policy_loaded' not in log(broker):
        check(time.monotonic() < end, broker.tail())
        time.sleep(0.02)
    again = context.connect(broker.port)
    again.send(connect_as('bob', 'secret', 'reader', keep=True))
    again.read()
    first, body = again.read()
    check(first & 0xF0 == 0x30 and b'open/queued' in body, f'{first} {body}')
    again.send(packet(0x40, body[13:15]) + subscribe_packet('secret/#', 1, 5) + b'\xc0\0')
    check(again.read()[1][-1] == 0x87, 'what is forbidden was granted')
    check(again.read()[0] == 0xD0, 'something came that may not be read')


@case('revoked rights: what somebody has left as retained is withheld when he may not write there any more, also after '
      'a restart', GROUP, needs_ledge=True)
def _revoked_source(context):
    def start(rules):
        acl = write(context, 'acl', rules)
        return context.start_broker(anonymous=False, settings=[
            f'auth.password_file={users(context, "alice", "bob")}', f'auth.acl_file={acl}',
            f'store.path={os.path.join(context.folder, "source-store")}'])

    def retained(broker):
        raw = context.connect(broker.port)
        raw.send(connect_as('bob', 'secret', 'reader') + subscribe_packet('#', 1, 5) + b'\xc0\0')
        topics = []
        while True:
            first, body = raw.read()
            if first == 0xD0:
                return sorted(topics)
            if first & 0xF0 == 0x30:
                topics.append(body[2:2 + body[1]].decode())

    reads = 'user bob\ntopic read #\n'
    broker = start('user alice\ntopic write #\n' + reads)
    writer = context.connect(broker.port)
    writer.send(connect_as('alice', 'secret', 'writer'))
    writer.read()
    for number, topic in enumerate(('door/lock', 'lamp/on')):
        writer.send(packet(0x33, prefixed(topic) + bytes([0, number + 1, 0]) + b'x'))
        check(writer.read()[0] == 0x40, 'no PUBACK')
    check(retained(broker) == ['door/lock', 'lamp/on'], 'not kept')
    check(broker.stop() == 0, broker.tail())
    broker = start('user alice\ntopic write lamp/#\n' + reads)
    check(retained(broker) == ['lamp/on'], f'{retained(broker)}')
    check(broker.stop() == 0, broker.tail())
    broker = start('user alice\ntopic write #\n' + reads)
    check(retained(broker) == ['door/lock', 'lamp/on'], 'withheld for ever')


@case('a will is no way around the rules', GROUP, needs_ledge=True)
def _will(context):
    acl = write(context, 'acl', 'user alice\ntopic readwrite open/#\n')
    broker = context.start_broker(anonymous=False, settings=[f'auth.password_file={users(context, "alice")}',
                                                             f'auth.acl_file={acl}'])
    for topic, code in (('open/w', 0), ('closed/w', 0x87), ('$SYS/broker/version', 0x87)):
        raw = context.connect(broker.port)
        raw.send(connect_as('alice', 'secret', 'w', will=topic))
        check(raw.read()[1][1] == code, topic)
        raw.close()


@case('reload under load: 40 reloads, every other one with a mistake: nothing is lost, nothing opens', GROUP,
      needs_ledge=True)
def _reload(context):
    good = 'topic readwrite open/#\n'
    acl = write(context, 'acl', good)
    broker = context.start_broker(settings=[f'auth.acl_file={acl}'])
    reader, writer, spy = (context.connect(broker.port) for _ in range(3))
    reader.open('reader', 5)
    reader.subscribe('open/+', 1, 5)
    writer.open('writer', 5)
    spy.open('spy', 5)
    for number in range(40):
        # In one step: the file of this round may still be read when the next one is written.
        os.replace(write(context, 'next-acl',
                         'topic readwrite #\n' * 50 + 'nonsense\n' if number % 2 else good * (number + 1)), acl)
        broker.signal(signal.SIGHUP)
        for step in range(10):
            packet_id = struct.pack('>H', number * 10 + step + 1)
            writer.send(packet(0x32, prefixed('open/x') + packet_id + b'\0' + packet_id))
            first, body = reader.read()
            check(first == 0x32 and body[-2:] == packet_id, f'lost {packet_id}: {first} {body}')
            reader.send(packet(0x40, body[8:10]))
            check(writer.read()[1][:2] == packet_id, 'no PUBACK')
        spy.send(subscribe_packet('closed/#', 0, 5))
        check(spy.read()[1][-1] == 0x87, 'it has opened')
    end = time.monotonic() + harness.DEADLINE_S
    while log(broker).count('configuration_refused') < 1:
        check(time.monotonic() < end, broker.tail())
        time.sleep(0.02)
    lives_for_open(context, broker)


def lives_for_open(context, broker):
    raw = context.connect(broker.port)
    raw.open('after', 5)
    raw.subscribe('open/after', 0, 5)
    check(broker.stop() == 0, broker.tail())


@case('forged log lines: names with line ends and escapes stay on their line', GROUP, needs_ledge=True)
def _forged(context):
    broker = context.start_broker()
    raw = context.connect(broker.port)
    raw.send(harness.connect_packet('x\nerror forged a="b"\r\x1b[2J', 5))
    raw.read()
    attempt(context, broker.port, connect_as('a\nerror forged', 'p', 'y\u202e', will='\n#'))
    lives(context, broker)
    lines = log(broker).splitlines()
    check(not any(line.lstrip('0123456789-:.TZ ').startswith('error forged') for line in lines), 'a forged line')
    check('\x1b' not in log(broker), 'an escape sequence')


@case('10,000 wrong logins from 50 addresses: a user who knows the password gets in meanwhile', GROUP, needs_ledge=True,
      quick=False, alone=True)
def _guessing(context):
    broker = context.start_broker(anonymous=False, settings=[f'auth.password_file={users(context, "alice")}'])
    took, codes = [], []
    for _ in range(10):
        guesses = [harness.RawClient(broker.port, source=f'127.0.1.{1 + number % 50}') for number in range(1000)]
        for raw in guesses:
            raw.send(connect_as('alice', 'guess', version=4))
        began = time.monotonic()
        raw = harness.RawClient(broker.port, source='127.0.2.1')
        raw.send(connect_as('alice', 'secret', 'right'))
        check(raw.read()[1][1] == 0, 'alice is not let in')
        took.append(time.monotonic() - began)
        raw.close()
        for raw in guesses:
            codes.append(raw.read()[1][-1:])
            raw.close()
    wrong = codes.count(b'\4')
    check(len(codes) == 10_000 and wrong + codes.count(b'\3') == 10_000, f'{len(codes)} answers')
    check(wrong <= 50 * 20, f'{wrong} guesses were computed')
    print(f'    10,000 wrong logins: {wrong} computed; a right one took {max(took) * 1000:.0f} ms at most')
