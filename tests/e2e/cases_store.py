"""The store as operators meet it: backups, sessions, starts with a store that cannot be used."""
import json
import os
import threading
import time

from cases_broker import run_to_end
from harness import DEADLINE_S, RawClient, case, check, connect_packet, free_port, packet, prefixed, subscribe_packet

STORE = 'the store'


def folder_of(context, name):
    return os.path.join(context.folder, f'{context.client_id}.{name}')


def persistent(context, port, client_id):
    raw = context.connect(port)
    raw.send(connect_packet(client_id, clean=False))
    raw.read()
    return raw


def publish_qos1(topic, payload, packet_id):
    body = prefixed(topic) + packet_id.to_bytes(2, 'big') + payload
    return packet(0x32, body)


class Publisher(threading.Thread):
    """Publishes numbers at QoS 1, one after the other; `acknowledged` is the last that was."""

    def __init__(self, port, topic):
        super().__init__(daemon=True)
        self.raw = RawClient(port)
        self.raw.send(connect_packet('publisher'))
        self.raw.read()
        self.topic, self.acknowledged, self.is_over = topic, 0, False

    def run(self):
        while not self.is_over:
            number = self.acknowledged + 1
            self.raw.send(publish_qos1(self.topic, str(number).encode(), number % 60000 + 1))
            self.raw.read()
            self.acknowledged = number
        self.raw.close()


def received_numbers(context, port, client_id):
    """What waits for the client, until nothing comes any more than a marker that is published last."""
    sender = context.connect(port)
    sender.open(f'{client_id}-marker')
    sender.send(publish_qos1(context.topic, b'end', 9))
    sender.read()
    raw = persistent(context, port, client_id)
    numbers = set()
    while True:
        first, body = raw.read()
        if first >> 4 != 3:
            continue
        size = int.from_bytes(body[:2], 'big')
        payload = bytes(body[4 + size:])
        raw.send(packet(0x40, bytes(body[2 + size:4 + size])))
        if payload == b'end':
            return numbers
        numbers.add(int(payload))


@case('a backup under load, restored, has every message that was acknowledged before it began', STORE, needs_ledge=True)
def _backup_under_load(context):
    store, copy, restored = (folder_of(context, name) for name in ('store', 'backup', 'restored'))
    broker = context.start_broker(settings=[f'store.path={store}'])
    away = persistent(context, broker.port, 'away')
    away.send(subscribe_packet(context.topic, qos=1))
    away.read()
    away.close()
    publisher = Publisher(broker.port, context.topic)
    publisher.start()
    end = time.monotonic() + DEADLINE_S
    while publisher.acknowledged < 50 and time.monotonic() < end:
        time.sleep(0.01)
    before = publisher.acknowledged
    code, out, err = run_to_end(context, 'store', 'backup', store, copy)
    check(code == 0 and 'nothing is wrong' in out, f'{code} {out} {err}')
    publisher.is_over = True
    publisher.join(DEADLINE_S)
    check(os.stat(copy).st_mode & 0o777 == 0o600, 'others may read the copy')
    code, _, err = run_to_end(context, 'store', 'backup', store, copy)
    check(code == 1 and 'exists already' in err, f'{code} {err}')
    code, _, err = run_to_end(context, 'store', 'restore', copy, store)
    check(code == 1 and 'in use' in err, f'{code} {err}')
    code, out, err = run_to_end(context, 'store', 'restore', copy, restored)
    check(code == 0, f'{code} {out} {err}')
    second = context.start_broker(settings=[f'store.path={restored}'])
    numbers = received_numbers(context, second.port, 'away')
    missing = set(range(1, before + 1)) - numbers
    check(before >= 50 and not missing, f'{before} acknowledged, missing: {sorted(missing)[:10]}')


@case('sessions are listed and removed in the store of a broker that is stopped', STORE, needs_ledge=True)
def _sessions(context):
    store = folder_of(context, 'store')
    broker = context.start_broker(settings=[f'store.path={store}'])
    ids = ['one/two', 'a b', '"quoted"']
    for client_id in ids:
        persistent(context, broker.port, client_id)

    def listed(*how):
        code, out, err = run_to_end(context, 'sessions', 'list', *how)
        check(code == 0, f'{code} {err}')
        return [json.loads(line) for line in out.splitlines()]

    code, _, err = run_to_end(context, 'sessions', 'list', '--store', store)
    check(code == 1 and 'in use' in err, f'a store in use: {code} {err}')
    check(broker.stop() == 0, broker.tail())
    check(sorted(one['client_id'] for one in listed('--store', store)) == sorted(ids), 'the store has others')
    code, _, err = run_to_end(context, 'sessions', 'remove', '--store', store, 'a b')
    check(code == 0, f'{code} {err}')
    code, _, err = run_to_end(context, 'sessions', 'remove', '--store', store, 'a b')
    check(code == 1 and 'no session of the client' in err, f'{code} {err}')
    check({one['client_id'] for one in listed('--store', store)} == {'"quoted"', 'one/two'}, 'it is still there')
    again = context.start_broker(settings=[f'store.path={store}'])
    raw = context.connect(again.port)
    raw.send(connect_packet('a b', clean=False))
    check(raw.read()[1][0] == 0, 'the removed session is present')


@case('a store that cannot be used stops the start, or the broker serves without one and says so', STORE,
      needs_ledge=True)
def _unusable(context):
    path = folder_of(context, 'file')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('no directory')
    code, _, err = run_to_end(context, '--listen', f'mqtt://127.0.0.1:{free_port()}', '--store', path)
    check(code == 1 and 'is not a directory' in err, f'{code} {err}')
    admin = free_port()
    broker = context.start_broker(settings=[f'store.path={path}', 'store.if_unusable=start_without',
                                            f'admin.url=http://127.0.0.1:{admin}'])
    check('store_unusable' in broker.tail() and 'is not a directory' in broker.tail(), broker.tail())
    persistent(context, broker.port, 'anybody')
    used = folder_of(context, 'used')
    first = context.start_broker(settings=[f'store.path={used}'])
    code, _, err = run_to_end(context, '--listen', f'mqtt://127.0.0.1:{free_port()}', '--store', used,
                              '--set', 'store.if_unusable=start_without')
    check(code == 1 and 'in use' in err, f'a store of another broker: {code} {err}')
    check(first.process.poll() is None, first.tail())


@case('without a store the start says that nothing is stored; with one it does not', STORE, needs_ledge=True)
def _nothing_is_stored(context):
    broker = context.start_broker()
    check('nothing_is_stored' in broker.tail(), broker.tail())
    stored = context.start_broker(settings=[f'store.path={folder_of(context, "store")}'])
    check('nothing_is_stored' not in stored.tail(), stored.tail())


@case('PUBACK is never sent into a store that was deleted under the broker', STORE, needs_ledge=True)
def _deleted(context):
    store, admin = folder_of(context, 'store'), free_port()
    broker = context.start_broker(settings=[f'store.path={store}', f'admin.url=http://127.0.0.1:{admin}'])
    away = persistent(context, broker.port, 'away')
    away.send(subscribe_packet(context.topic, qos=1))
    away.read()
    away.close()
    os.unlink(os.path.join(store, 'data.mdb'))
    raw = context.connect(broker.port)
    raw.open('publisher')
    raw.send(publish_qos1(context.topic, b'x', 7))
    check(raw.read()[0] is None, 'the publisher was answered')
    check('data.mdb: was removed while the broker runs' in broker.tail(), broker.tail())


@case('a limit of address space that is too small for the store names the key', STORE, needs_ledge=True, quick=False)
def _address_space(context):
    command = f'ulimit -v 400000; exec "$0" --listen mqtt://127.0.0.1:{free_port()} --store "$1"'
    child = context.run(['sh', '-c', command, context.options.broker, folder_of(context, 'store')])
    code, _ = child.finish()
    check(code == 1 and 'store.size_max_bytes' in child.errors(), f'{code} {child.errors()}')
