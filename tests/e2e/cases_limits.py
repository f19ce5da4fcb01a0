"""Rates and the memory budget under load: what is counted over some seconds, and 2,000 readers that do not read."""
import os
import resource
import select
import socket
import struct
import threading
import time

import cases_auth
import cases_http
import cases_jwt
import websocket
from cases_tls import TlsClient, authority
from harness import (DEADLINE_S, RawClient, case, check, connect_packet, free_port, packet, prefixed, publish_packet,
                     subscribe_packet)

GROUP = 'limits'
HOSTILE = 2000
BUDGET_MIB = 64
FIRE_SECONDS = 6


def start(context, text, ports, settings=()):
    """A broker from a configuration file of its own, with an admin listener."""
    admin_port = free_port()
    path = os.path.join(context.folder, f'limits-{admin_port}.toml')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    broker = context.start_broker(arguments=['-c', path],
                                  settings=[f'admin.url=http://127.0.0.1:{admin_port}', *settings])
    broker.admin_port = admin_port
    for port in [*ports, admin_port]:
        broker.wait_for_port(port)
    broker.port = ports[0]
    return broker


def figures(context, broker):
    """Samples without labels, and those of dropped publications by reason."""
    found = {}
    for (name, labels), value in cases_http.metrics_of(context, broker).items():
        found[name.removeprefix('ledgemq_') + ''.join('/' + label[1] for label in labels)] = int(value)
    return found


def log_text(broker):
    with open(broker.log, encoding='utf-8', errors='replace') as file:
        return file.read()


# ----------------------------------------------------------------------------------------------------------------------
# Rates

RATED = """
[listeners.subscribers]
url = "mqtt://127.0.0.1:{plain}"
[listeners.a]
url = "mqtt://127.0.0.1:{tcp}"
[listeners.b]
url = "ws://127.0.0.1:{ws}"
[listeners.b.websocket]
ping_interval_s = 1
[listeners.c]
url = "mqtts://127.0.0.1:{tls}"
[listeners.c.tls]
certificate = "{certificate}"
key = "{key}"
"""
LIMITS = """
[listeners.{name}.limits]
{limits}
"""


def rated_broker(context, limits):
    ca = authority(context)
    ports = {name: free_port() for name in ('plain', 'tcp', 'ws', 'tls')}
    text = RATED.format(certificate=ca.path('server.pem'), key=ca.path('server.key'), **ports)
    text += ''.join(LIMITS.format(name=name, limits=limits) for name in 'abc')
    broker = start(context, text, list(ports.values()))
    broker.ports = ports
    return broker


def publishers(context, broker):
    clients = {'tcp': RawClient(broker.ports['tcp']), 'tls': TlsClient(broker.ports['tls'])}
    for client in clients.values():
        context.adopt(client)
    clients['ws'] = websocket.connect(context, broker.ports['ws'])
    for name, client in clients.items():
        client.open(f'fast-{name}', keep_alive_s=1)
    return clients


def arrivals(subscriber, wanted, clients, before=None):
    """{client: [(payload, time)]}, until `wanted` of each have come, those `before` included."""
    found = {name: [] for name in clients} | (before or {})
    while any(len(got) < wanted for got in found.values()):
        first, body = subscriber.read()
        check(first == 0x30, f'{first}')
        size = struct.unpack('>H', body[:2])[0]
        found[body[2:2 + size].decode()].append((body[2 + size:], time.monotonic()))
    return found


@case('messages beyond the rate come later, none is lost, over TCP, TLS and WebSocket; the keep alive waits too', GROUP,
      needs_ledge=True, quick=False, alone=True)
def _message_rate(context):
    rate, burst, count = 60, 20, 260  # 4 s at the rate: more than twice the keep alive
    broker = rated_broker(context, f'messages_per_second = {rate}\nmessages_burst = {burst}')
    subscriber = context.connect(broker.ports['plain'])
    subscriber.open('counter')
    subscriber.subscribe('#')
    clients = publishers(context, broker)
    began = time.monotonic()
    for name, client in clients.items():
        client.message(b''.join(publish_packet(name, str(i).encode()) for i in range(count)))
    found = arrivals(subscriber, count, clients)
    for name, got in found.items():
        payloads = [payload for payload, _ in got]
        check(payloads == [str(i).encode() for i in range(count)], f'{name}: lost or out of order')
        measured = (count - burst) / (got[-1][1] - began)  # less on a machine that is busy, never more
        print(f'    rate over {name}: {measured:.1f} messages a second of {rate} allowed')
        check(measured <= 1.02 * rate, f'{name}: {measured:.1f} a second')
    for client in clients.values():
        client.message(packet(0xC0, b''))
        check(client.read()[0] == 0xD0, 'no PINGRESP')
    after = figures(context, broker)
    check(after['clients_throttled_total'] == 3, f'{after["clients_throttled_total"]} episodes')
    check(after['connections_paused'] == 0 and after['read_pauses_total'] > 50, f'{after["read_pauses_total"]} pauses')
    check(log_text(broker).count('client_throttled') == 3, 'the log does not say it once for each')


@case('bytes beyond the rate come later, over TCP, TLS and WebSocket', GROUP, needs_ledge=True, quick=False, alone=True)
def _byte_rate(context):
    rate, size, count = 100_000, 5000, 60  # 3 s
    broker = rated_broker(context, f'bytes_per_second = {rate}\nbytes_burst = 20000')
    subscriber = context.connect(broker.ports['plain'])
    subscriber.open('counter')
    subscriber.subscribe('#')
    clients = publishers(context, broker)
    threads = [threading.Thread(target=client.message, daemon=True,
                                args=(b''.join(publish_packet(name, b'x' * size) for _ in range(count)),))
               for name, client in clients.items()]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for name, got in arrivals(subscriber, count, clients).items():
        measured = (count * size - 20_000 - size) / (got[-1][1] - began)  # less on a busy machine, never more
        check(measured <= 1.02 * rate, f'{name}: {measured:.0f} bytes a second')


@case('connections of a user share one rate, one that comes anew gets no fresh burst; another user is unaffected',
      GROUP, needs_ledge=True, quick=False, alone=True)
def _user_rate(context):
    rate, burst, count = 60, 20, 110
    ports = [free_port(), free_port()]
    users = os.path.join(context.folder, 'rated-users')
    for user in ('alice', 'bob'):
        check(cases_auth.passwd(context, users, user, password='secret').returncode == 0, 'no user')
    broker = start(context, f'[listeners.subscribers]\nurl = "mqtt://127.0.0.1:{ports[0]}"\n'
                            f'[listeners.a]\nurl = "mqtt://127.0.0.1:{ports[1]}"\n[listeners.a.limits]\n'
                            f'user_messages_per_second = {rate}\nuser_messages_burst = {burst}\n', ports,
                   settings=[f'auth.password_file={users}'])
    subscriber = context.connect(ports[0])
    subscriber.open('counter')
    subscriber.subscribe('#')

    def logs_in(name, user):
        code, client = cases_jwt.log_in(context, ports[1], name, 'secret', user=user, version=4)
        check(code == 0, f'{name} is not let in: {code}')
        return client

    def publishes(name, client):
        client.message(b''.join(publish_packet(name, str(i).encode()) for i in range(count)))

    clients = {name: logs_in(name, user) for name, user in (('a1', 'alice'), ('a2', 'alice'), ('b', 'bob'))}
    began = time.monotonic()
    for name, client in clients.items():
        publishes(name, client)
    found = arrivals(subscriber, burst // 2 + 10, clients)
    publishes('a3', logs_in('a3', 'alice'))
    found = arrivals(subscriber, count, [*clients, 'a3'], found)
    for name, got in found.items():
        payloads = [payload for payload, _ in got]
        check(payloads == [str(i).encode() for i in range(count)], f'{name}: lost or out of order')
    shared = sorted(moment for name, got in found.items() if name != 'b' for _, moment in got)
    together = (3 * count - burst) / (shared[-1] - began)
    alone = (count - burst) / (found['b'][-1][1] - began)
    print(f'    three connections of a user, one of them late: {together:.1f} messages a second together, another user '
          f'{alone:.1f}, of {rate} allowed')
    check(together <= 1.02 * rate, f'{together:.1f} a second together')
    check(alone <= 1.02 * rate, f'the other user: {alone:.1f} a second')
    first_end = min(found['a1'][-1][1], found['a2'][-1][1])
    behind = min(sum(moment <= first_end for _, moment in found[name]) for name in ('a1', 'a2'))
    check(behind >= count - 2 * burst, f'one has waited for the other: {behind} of {count}')
    check(figures(context, broker)['users_throttled_total'] == 2, 'not an episode for each user')
    check(log_text(broker).count('user_throttled') == 2, 'the log does not say it once for each')


@case('connections beyond the rate of a listener wait, none is refused', GROUP, needs_ledge=True, quick=False,
      alone=True)
def _connection_rate(context):
    rate, burst, count = 50, 20, 120
    port = free_port()
    broker = start(context, f'[listeners.a]\nurl = "mqtt://127.0.0.1:{port}"\nconnections_per_second = {rate}\n'
                            f'connections_burst = {burst}\n', [port])
    time.sleep(burst / rate)  # what starting has used is there again
    began = time.monotonic()
    clients = [context.connect(port) for _ in range(count)]
    for number, client in enumerate(clients):
        client.send(connect_packet(f'c{number}'))
    for client in clients:
        check(client.read()[0] == 0x20, 'no CONNACK')
    seconds = time.monotonic() - began
    usual = (count - burst) / rate
    check(0.9 * usual <= seconds, f'{seconds:.2f} s instead of {usual:.2f}')  # longer on a machine that is busy
    check(figures(context, broker)['accept_pauses_total'] > 0, 'not counted')
    check(log_text(broker).count('accepting_slowed') == 1, 'not logged once')


# ----------------------------------------------------------------------------------------------------------------------
# The memory budget

class Firehose(threading.Thread):
    """Publishes as fast as the broker takes it, QoS 0 and 1 in turn."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.client = RawClient(port)
        self.client.open('firehose')
        self.is_over = False
        self.sent = 0

    def run(self):
        body = prefixed('fire/hose')
        payload = b'x' * 1000
        batches = []
        for first in range(1, 30_001, 20):
            batches.append(b''.join(publish_packet('fire/hose', payload) if i % 2 else
                                    packet(0x32, body + struct.pack('>H', i) + payload)
                                    for i in range(first, first + 20)))
        readable = select.poll()  # its descriptor may be too high for select
        readable.register(self.client.socket, select.POLLIN)
        try:
            while not self.is_over:
                self.client.send(batches[self.sent % len(batches)])
                self.sent += 1
                while readable.poll(0) and self.client.socket.recv(65536):
                    pass
        except OSError:
            pass


class Hostile:
    """One of many: subscribes to the firehose with QoS 1 and never reads, or a byte a second, and comes again when it
    is thrown out."""

    def __init__(self, number, port):
        self.number, self.port, self.socket, self.reads_at = number, port, None, 0
        self.connect()

    def connect(self):
        self.close()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(('127.0.0.1', self.port))
        self.socket.send(connect_packet(f'hostile-{self.number}') + subscribe_packet('fire/#', self.number % 2))
        self.socket.setblocking(False)

    def read_a_byte(self, now):
        if self.number % 2 == 0 or now < self.reads_at:
            return
        self.reads_at = now + 1
        try:
            self.socket.recv(1)
        except OSError:
            pass

    def is_gone(self, poller_events):
        return bool(poller_events & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP))

    def close(self):
        if self.socket is not None:
            self.socket.close()


class Pair:
    """A publisher and a subscriber of QoS 1, one message at a time: none may be missing."""

    def __init__(self, context, port):
        self.meter, self.lamp = context.connect(port), context.connect(port)
        self.meter.open('meter')
        self.lamp.open('lamp')
        self.lamp.subscribe('pair', qos=1)
        self.latencies = []

    def exchange(self):
        number = len(self.latencies) + 1
        payload = str(number).encode()
        began = time.monotonic()
        packet_id = struct.pack('>H', number % 65535 + 1)
        self.meter.send(packet(0x32, prefixed('pair') + packet_id + payload))
        first, body = self.lamp.read()
        check(first == 0x32 and body[8:] == payload, f'message {number} did not come: {first} {body[:20]}')
        self.lamp.send(packet(0x40, body[6:8]))
        first, body = self.meter.read()
        check(first == 0x40 and body == packet_id, f'message {number} is not acknowledged: {first} {body.hex()}')
        self.latencies.append(time.monotonic() - began)


def memory_kib(pid, field):
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


@case(f'{HOSTILE:,} hostile readers of a firehose: resident memory stays below the budget, a QoS 1 pair loses nothing',
      GROUP, needs_ledge=True, quick=False, alone=True)
def _hostile_readers(context):
    port = free_port()
    broker = start(context, f'[listeners.a]\nurl = "mqtt://127.0.0.1:{port}"\n', [port],
                   settings=[f'memory.budget_bytes={BUDGET_MIB * 1024 * 1024}'])
    pair = Pair(context, port)
    pair.exchange()
    hostile = [Hostile(number, port) for number in range(HOSTILE)]
    end = time.monotonic() + DEADLINE_S
    while figures(context, broker)['subscriptions'] < HOSTILE + 1:
        check(time.monotonic() < end, 'not all are connected')
    poller = select.epoll()
    by_descriptor = {}

    def watch(one):
        by_descriptor[one.socket.fileno()] = one
        poller.register(one.socket.fileno(), select.EPOLLRDHUP)

    for one in hostile:
        watch(one)
    firehose = Firehose(port)
    firehose.start()
    began = time.monotonic()
    again = 0
    try:
        while time.monotonic() < began + FIRE_SECONDS:
            pair.exchange()
            now = time.monotonic()
            for one in hostile:
                one.read_a_byte(now)
            for descriptor, events in poller.poll(0)[:20]:  # they come back, some at a time
                one = by_descriptor.pop(descriptor)
                if one.is_gone(events):
                    again += 1
                    one.connect()
                    watch(one)
    finally:
        firehose.is_over = True
    pair.exchange()
    highest = memory_kib(broker.process.pid, 'VmHWM:') / 1024
    after = figures(context, broker)
    firehose.client.close()
    for one in hostile:
        one.close()
    poller.close()
    latencies = sorted(pair.latencies)
    median, worst = latencies[len(latencies) // 2] * 1000, latencies[-1] * 1000
    print(f'    resident with {HOSTILE:,} hostile readers: {highest:.1f} MiB at most, of a budget of {BUDGET_MIB}; '
          f'{after["publish_received_total"]:,} publications in {FIRE_SECONDS} s; '
          f'{after["publications_dropped_total/memory"]:,} QoS 0 not sent, {after["clients_refused_memory_total"]} '
          f'clients refused, {after["clients_disconnected_memory_total"]} slow readers disconnected, {again} came back')
    print(f'    pair beside them: {len(latencies):,} QoS 1 messages, none lost, latency median {median:.1f} '
          f'ms, worst {worst:.0f} ms')
    check(highest <= BUDGET_MIB, f'{highest:.1f} MiB')
    check(after['publications_dropped_total/memory'] > 0, 'nothing was shed: the test does not test')
    check(len(latencies) > 20, f'only {len(latencies)} messages in {FIRE_SECONDS} s')


# The smallest budget that there is.
SMALL_BUDGET = 16 * 1024 * 1024
AWAY = 6
BACKLOG_BATCH = 60
BACKLOG_BATCHES = 500


def store_to_fill(context, folder, port):
    return start(context, f'[listeners.a]\nurl = "mqtt://127.0.0.1:{port}"\n[limits]\nreceive_maximum = 1000\n',
                 [port], settings=[f'memory.budget_bytes={SMALL_BUDGET}', f'store.path={folder}'])


def leaves_persistent_session(context, port, name):
    client = context.connect(port)
    client.send(connect_packet(name, clean=False))
    check(client.read()[0] == 0x20, 'no CONNACK')
    client.subscribe('backlog', qos=1)
    client.close()


@case('a store larger than the memory budget: every client gets in and is served, also after a restart', GROUP,
      needs_ledge=True, quick=False, alone=True)
def _store_beyond_budget(context):
    port, folder = free_port(), os.path.join(context.folder, 'large-store')
    broker = store_to_fill(context, folder, port)
    for number in range(AWAY):
        leaves_persistent_session(context, port, f'away-{number}')
    publisher = context.connect(port)
    publisher.open('publisher')
    body = prefixed('backlog')
    batch = b''.join(packet(0x32, body + struct.pack('>H', i) + b'x' * 20) for i in range(1, BACKLOG_BATCH + 1))
    for _ in range(BACKLOG_BATCHES):
        publisher.send(batch)
        for _ in range(BACKLOG_BATCH):
            check(publisher.read()[0] == 0x40, 'no PUBACK')
    for is_restarted in (False, True):
        if is_restarted:
            check(broker.stop() == 0, broker.tail())
            broker = store_to_fill(context, folder, port)
        for name in ('known', 'new'):
            context.connect(port).open(f'{name}-{is_restarted}')
        owner = context.connect(port)
        owner.send(connect_packet(f'away-{int(is_restarted)}', clean=False))
        check(owner.read()[1][1] == 0, 'the owner of a backlog is refused')
        for number in range(BACKLOG_BATCH * BACKLOG_BATCHES):
            first, message = owner.read()
            check(first & 0xF6 == 0x32, f'message {number}: {first}')
            owner.send(packet(0x40, message[9:11]))
        files, heap = (memory_kib(broker.process.pid, field) for field in ('RssFile:', 'RssAnon:'))
        print(f'    with {AWAY * BACKLOG_BATCH * BACKLOG_BATCHES:,} messages stored: {files:,} KiB of files mapped, '
              f'{heap:,} KiB of heap, of a budget of {SMALL_BUDGET // 1024:,}')
        check(files + heap > SMALL_BUDGET // 1024, 'the store is not larger than the budget: the test does not test')
        check(figures(context, broker)['memory_pressure'] == 0, 'the store is counted')


# Clients that never acknowledge, peers that never finish CONNECT, and guests that leave sessions behind.
STRAIN_BUDGET_MIB = 24
SILENT = 300


def strained_broker(context, settings=()):
    port = free_port()
    broker = start(context, f'[listeners.a]\nurl = "mqtt://127.0.0.1:{port}"\n', [port],
                   settings=[f'memory.budget_bytes={STRAIN_BUDGET_MIB * 1024 * 1024}', *settings])
    return broker, port


def highest_heap_mib(broker, seen):
    """The most that was seen of anonymous memory; call it often."""
    return max(seen, memory_kib(broker.process.pid, 'RssAnon:') / 1024)


@case(f'{SILENT} QoS 1 subscribers that never acknowledge: the budget holds, they give way and not their publisher',
      GROUP, needs_ledge=True, quick=False, alone=True)
def _silent_subscribers(context):
    for has_store in (False, True):
        settings = [f'store.path={os.path.join(context.folder, "silent-store")}'] if has_store else []
        broker, port = strained_broker(context, settings)
        pair = Pair(context, port)
        silent = []
        for number in range(SILENT):
            client = context.connect(port)
            client.open(f'silent-{number}', clean=not has_store)
            client.subscribe(f'own/{number}', qos=1)
            silent.append(client)
        publisher = context.connect(port)
        publisher.open('publisher')
        readable = select.poll()
        by_descriptor = {client.socket.fileno(): client.socket for client in silent}
        for descriptor in by_descriptor:
            readable.register(descriptor, select.POLLIN)
        highest = 0
        for turn in range(40):
            for number in range(SILENT):
                payload = b'x' * (4000 + (number * 53 + turn * 4001) % 16_000)
                publisher.send(packet(0x32, prefixed(f'own/{number}') + struct.pack('>H', number + 1) + payload))
                if number % 50 == 49:
                    for _ in range(50):
                        check(publisher.read()[0] == 0x40, 'the publisher is not answered')
                    for descriptor, _ in readable.poll(0):
                        if not by_descriptor[descriptor].recv(1 << 20):
                            readable.unregister(descriptor)
            pair.exchange()
            highest = highest_heap_mib(broker, highest)
        after = figures(context, broker)
        print(f'    {SILENT} clients that never acknowledge, {"with" if has_store else "without"} a store: heap '
              f'{highest:.1f} MiB at most, of a budget of {STRAIN_BUDGET_MIB}; '
              f'{after["clients_disconnected_memory_total"]} disconnected')
        check(highest <= STRAIN_BUDGET_MIB, f'{highest:.1f} MiB')
        if has_store:
            check(after['clients_disconnected_memory_total'] == 0, 'disconnected, although the store has it all')
            check(after['publications_dropped_total/memory'] == 0, 'an acknowledged message was dropped')
            check(after['queued_messages'] >= 40 * SILENT, f'{after["queued_messages"]} messages are left')
        else:
            check(after['clients_disconnected_memory_total'] > 0, 'nobody gave way: the test does not test')


@case('272 unfinished CONNECT packets: they give way to each other; a slow dashboard and messages for who is away stay',
      GROUP, needs_ledge=True, quick=False)
def _unfinished_connects(context):
    broker, port = strained_broker(context)
    pair = Pair(context, port)
    leaves_persistent_session(context, port, 'away')
    publisher = context.connect(port)
    publisher.open('publisher')
    for number in range(1, 101):
        publisher.send(packet(0x32, prefixed('backlog') + struct.pack('>H', number) + b'x' * 500))
        check(publisher.read()[0] == 0x40, 'no PUBACK')
    dashboard = context.connect(port)
    dashboard.open('dashboard')
    dashboard.subscribe('show')
    publisher.send(b''.join(publish_packet('show', b'x' * 1000) for _ in range(2000)))  # which it does not read
    begun = b'\x10\x90\xA1\x0F' + b'x' * 240_000
    strangers = []
    for number in range(272):
        stranger = context.connect(port)
        try:
            stranger.send(begun)
        except OSError:
            pass
        strangers.append(stranger)
        if number % 20 == 0:
            pair.exchange()
    end = time.monotonic() + DEADLINE_S
    while (after := figures(context, broker))['strangers_gave_way_total'] < 200:
        check(time.monotonic() < end, f'{after["strangers_gave_way_total"]} strangers gave way')
    check(after['publications_dropped_total/memory'] == 0, 'acknowledged messages were dropped')
    check(after['clients_disconnected_memory_total'] == 0, 'the dashboard was disconnected')
    check(after['memory_pressure'] == 0, 'strangers cause pressure')
    owner = context.connect(port)
    owner.send(connect_packet('away', clean=False))
    for number in range(101):
        check(owner.read()[0] == (0x32 if number else 0x20), f'message {number} is missing')
        if number:
            owner.send(packet(0x40, struct.pack('>H', number)))


@case('guests that leave sessions behind lose their own: known, clean and local clients get in, also after a restart',
      GROUP, needs_ledge=True, quick=False, alone=True)
def _sessions_left_behind(context):
    folder, path = os.path.join(context.folder, 'guest-store'), os.path.join(context.folder, 'operator.sock')
    port, settings = free_port(), [f'memory.budget_bytes={SMALL_BUDGET}', f'store.path={folder}']
    text = (f'[listeners.a]\nurl = "mqtt://127.0.0.1:{port}"\n[listeners.local]\nurl = "unix:{path}"\n')
    broker = start(context, text, [port], settings=settings)
    known = RawClient(port, source='127.0.0.2')
    known.send(connect_packet('known', clean=False))
    check(known.read()[0] == 0x20, 'no CONNACK')
    known.close()
    guests = 0
    end = time.monotonic() + 3 * DEADLINE_S
    while figures(context, broker)['sessions_gave_way_total'] < 100:
        check(time.monotonic() < end, f'{guests} guests, and none gave way')
        group = [RawClient(port) for _ in range(50)]
        for guest in group:
            filters = b''.join(prefixed(f'their/{guests}/{i}/' + 'f' * 3000) + b'\0' for i in range(8))
            guest.send(connect_packet(f'guest-{guests}-' + 'g' * 900, clean=False) +
                       packet(0x82, b'\0\1' + filters))
            guests += 1
        for guest in group:
            check(guest.read()[0] == 0x20 and guest.read()[0] == 0x90, 'no CONNACK, or no SUBACK')
            guest.close()
    for is_restarted in (False, True):
        if is_restarted:
            check(broker.stop() == 0, broker.tail())
            broker = start(context, text, [port], settings=settings)
        for name, clean in (('known', False), (f'clean-{is_restarted}', True), (f'new-{is_restarted}', False)):
            client = RawClient(port, source='127.0.0.2')
            context.adopt(client)
            client.send(connect_packet(name, clean=clean))
            body = client.read()[1]
            check(body[1] == 0, f'{name} is refused')
            check((body[0] == 1) == (name == 'known'), f'{name}: session present is {body[0]}')
        operator = RawClient(path=path)
        context.adopt(operator)
        operator.open('operator')
        operator.subscribe('$SYS/#')
        check(memory_kib(broker.process.pid, 'RssAnon:') * 1024 < SMALL_BUDGET, 'above the budget')
    print(f'    {guests:,} guests with 25 KB each, as long as they get them; '
          f'{figures(context, broker)["sessions"]:,} sessions are left')
    check(log_text(broker).count('session_gave_way') < 20, 'a log line each')


@case('the system refuses memory: the broker ends with a line that says so, and keeps what it has acknowledged', GROUP,
      needs_ledge=True, quick=False)
def _memory_refused(context):
    folder, port = os.path.join(context.folder, 'refused-store'), free_port()
    # What fills the memory stays there: the store's thread needs none meanwhile.
    text = (f'[listeners.a]\nurl = "mqtt://127.0.0.1:{port}"\n[retained]\nbytes_max = 1073741824\n'
            '[[store.levels]]\nfilter = "filling/#"\nlevel = "ram"\n')
    settings = ['memory.budget_bytes=1099511627776', f'store.path={folder}']
    broker = start(context, text, [port], settings=settings)
    leaves_persistent_session(context, port, 'away')
    publisher = context.connect(port)
    publisher.open('publisher')
    acknowledged = 100
    for number in range(acknowledged):
        publisher.send(packet(0x32, prefixed('backlog') + struct.pack('>H', number + 1) + b'x' * 1000))
        check(publisher.read()[0] == 0x40, 'no PUBACK')
    with open(f'/proc/{broker.process.pid}/statm', encoding='ascii') as file:
        mapped = int(file.read().split()[0]) * os.sysconf('SC_PAGE_SIZE')
    room = mapped + 32 * 1024 * 1024
    resource.prlimit(broker.process.pid, resource.RLIMIT_AS, (room, room))
    try:
        for number in range(2000):  # 100 MB
            publisher.send(packet(0x31, prefixed(f'filling/{number}') + b'x' * 50_000))
    except OSError:
        pass
    check(broker.process.wait(DEADLINE_S) == 1, f'exit code {broker.process.returncode}')
    check('error out_of_memory reason="the system refuses memory"' in log_text(broker), broker.tail())
    start(context, text, [port], settings=settings)
    owner = context.connect(port)
    owner.send(connect_packet('away', clean=False))
    for number in range(acknowledged + 1):
        first, body = owner.read()
        check(first is not None and first & 0xF0 == (0x30 if number else 0x20), f'message {number} is missing')
        if number:
            owner.send(packet(0x40, body[9:11]))
