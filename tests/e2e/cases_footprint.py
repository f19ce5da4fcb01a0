"""What the broker costs while nothing happens: memory and wakeups, from /proc."""
import os
import time

import websocket
from harness import case, check, packet

GROUP = 'footprint'
RSS_AT_START_MAX_KIB = 3600
RSS_PER_CONNECTION_MAX_KIB = 1.5
RSS_PER_WEBSOCKET_MAX_KIB = 7
WAKEUPS_MAX_PER_S = 2.0


def rss_kib(pid):
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS:'))


def wakeups(pid):
    """Voluntary context switches of all threads: each is one sleep that ended."""
    total = 0
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/status', encoding='ascii', errors='replace') as file:
            total += next(int(line.split()[1]) for line in file if line.startswith('voluntary_ctxt_switches:'))
    return total


def connect_many(context, broker, count):
    clients = []
    for number in range(count):
        client = context.connect(broker.port)
        client.open(f'idle-{number}', keep_alive_s=600)
        client.subscribe(f'site/{number % 50}/device/{number}')
        clients.append(client)
    return clients


@case(f'resident memory at start is at most {RSS_AT_START_MAX_KIB} KiB', GROUP, quick=False, alone=True)
def _memory_at_start(context):
    broker = context.start_broker()
    found = rss_kib(broker.process.pid)
    print(f'    resident at start: {found} KiB')
    check(found <= RSS_AT_START_MAX_KIB, f'{found} KiB')


@case(f'5,000 idle connections with a subscription cost at most {RSS_PER_CONNECTION_MAX_KIB} KiB each', GROUP,
      needs_ledge=True, quick=False, alone=True)
def _memory_per_connection(context):
    broker = context.start_broker()
    connect_many(context, broker, 10)
    before = rss_kib(broker.process.pid)
    count = 5000
    clients = connect_many(context, broker, count)
    for client in clients[::500]:
        client.send(packet(0xC0, b''))
        check(client.read()[0] == 0xD0, 'no PINGRESP')
    found = (rss_kib(broker.process.pid) - before) / count
    print(f'    per idle connection: {found:.2f} KiB')
    check(found <= RSS_PER_CONNECTION_MAX_KIB, f'{found:.2f} KiB per connection')


@case(f'2,000 idle WebSocket connections with a subscription cost at most {RSS_PER_WEBSOCKET_MAX_KIB} KiB each', GROUP,
      needs_ledge=True, quick=False, alone=True)
def _memory_per_websocket(context):
    broker = websocket.start_broker(context)

    def connect_some(first, count):
        clients = []
        for number in range(first, first + count):
            client = websocket.connect(context, broker.ws_port)
            client.open(f'idle-{number}', keep_alive_s=600)
            client.subscribe(f'site/{number % 50}/device/{number}')
            clients.append(client)
        return clients

    connect_some(0, 50)
    before = rss_kib(broker.process.pid)
    count = 2000
    clients = connect_some(50, count)
    for client in clients[::200]:
        client.message(packet(0xC0, b''))
        check(client.read()[0] == 0xD0, 'no PINGRESP')
    found = (rss_kib(broker.process.pid) - before) / count
    print(f'    per idle WebSocket connection: {found:.2f} KiB')
    check(found <= RSS_PER_WEBSOCKET_MAX_KIB, f'{found:.2f} KiB per connection')


@case(f'a broker with 1,000 idle clients wakes at most {WAKEUPS_MAX_PER_S:.0f} times a second', GROUP, needs_ledge=True,
      quick=False, alone=True)
def _wakeups(context):
    broker = context.start_broker()
    connect_many(context, broker, 1000)
    time.sleep(1)  # what connecting left to do is done
    seconds = 8
    before = wakeups(broker.process.pid)
    time.sleep(seconds)
    found = (wakeups(broker.process.pid) - before) / seconds
    print(f'    wakeups with 1,000 idle clients: {found:.2f} per second')
    check(found <= WAKEUPS_MAX_PER_S, f'{found:.2f} per second')
