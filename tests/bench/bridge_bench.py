#!/usr/bin/env python3
"""What a bridge costs, beside Mosquitto's own bridge: the drain of a backlog, processor time, memory, bytes, wakeups.

Usage: bridge_bench.py [--broker PATH] [--load PATH] [--dir FOLDER] [--rounds 3] [--count 1000000] [--live-count 200000]
                       [--idle-seconds 20] [--only drain,cpu,bytes,readings,idle]
The upstream is a Mosquitto of its own; of `readings` a second LedgeMQ, too. All messages are QoS 1, 50 bytes, on 10
topics of 40 bytes unless a row says otherwise. Exit 1 when a message was lost or a broker failed, not when a goal was
missed: the machine may be busy.
"""
import argparse
import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'tests/e2e'), os.path.join(ROOT, 'tests/support')]
import fault_proxy as fp  # noqa: E402
import harness  # noqa: E402
import upstreams  # noqa: E402
from cases_footprint import wakeups  # noqa: E402
from gateways import GATEWAYS, Bridge, Route  # noqa: E402
from mqtt_peer import Peer  # noqa: E402

PARTS = ('drain', 'cpu', 'bytes', 'readings', 'idle')
PAYLOAD_BYTES, TOPIC_BYTES, TOPICS = 50, 40, 10
NEAR, FAR = 'offline/', 'forward/'  # of the same size: the topics are as long there as here
LONGER_FAR = 'site/gateway-17/forward/'  # 16 bytes more, as where many gateways share an upstream
MARK = 'mark/'
HEADER_BYTES = 52  # of IPv4 and TCP with timestamps
SEGMENT_BYTES = 1448  # of data on Ethernet; segments on the loopback interface may be larger
PACE = 20_000  # messages per second where processor time is compared: nothing may pile up at the slower receiver
LAST_S = 900.0  # until the last message of a backlog has arrived
SETTLE_S = 2.5  # longer than the interval in which the upstream tells its counters


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--broker', default=os.path.join(ROOT, 'build/release/ledgemq'))
    parser.add_argument('--load', default=os.path.join(ROOT, 'build/release/tests/bench/store_load'))
    parser.add_argument('--dir', default=os.path.join(ROOT, 'build'), help='where stores are made: a real disk')
    parser.add_argument('--rounds', type=int, default=3, help='of each comparison; the medians count')
    parser.add_argument('--count', type=int, default=1_000_000, help='messages of the backlog')
    parser.add_argument('--live-count', type=int, default=200_000, help='messages that pass while all are connected')
    parser.add_argument('--idle-seconds', type=float, default=20.0)
    parser.add_argument('--only', default=','.join(PARTS), help='parts, separated by commas')
    parser.add_argument('--ports', default='18000-19999')
    options = parser.parse_args()
    options.upstream_broker = options.broker
    harness.Ports.choose_from(*(int(port) for port in options.ports.split('-')))
    return options


def anonymous_kib(broker):
    with open(f'/proc/{broker.process.pid}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('RssAnon'))


def median(values):
    return statistics.median(values) if values else 0.0


class Scene:
    """A gateway of this kind, its upstream, and a watcher there that waits for marks: messages that travel like all
    others, first in first out."""

    def __init__(self, options, folder, kind, with_proxy=False, far=FAR, upstream='mosquitto', is_web=False,
                 **settings):
        self.options, self.stack, self.far = options, contextlib.ExitStack(), far
        try:
            self.upstream = self.stack.enter_context(upstreams.start(upstream, folder, options))
            port = self.upstream.ws_port if is_web else self.upstream.port
            self.proxy = None
            if with_proxy:
                self.proxy = self.stack.enter_context(fp.FaultProxy(port, harness.free_port()))
                port = self.proxy.port
            queue = {'messages_max': options.count + 1000, 'bytes_max': 4 << 30}
            web = {'scheme': 'ws', 'path': self.upstream.ws_path} if is_web else {}
            bridge = Bridge(port, 'bench-gateway', [Route('out', '#', NEAR, far, 1)], kind=upstream, queue=queue,
                            settings={'keep_alive_s': 60, **settings}, **web)
            self.gateway = self.stack.enter_context(start_gateway(options, folder, kind, [bridge]))
            self.sender = Peer(self.gateway.port, 'sender')
            self.watcher = self.watch()
            self.watcher.subscribe(far + MARK + '#', 1)
            self.crosses('ready', 30.0)
        except BaseException:
            self.close()
            raise

    def watch(self):
        return Peer(self.upstream.port, 'watcher', clean=False)

    def mark(self, name):
        self.sender.publish(NEAR + MARK + name, name, 1)

    def arrives(self, name, deadline_s=LAST_S):
        """The time when this mark arrives at the upstream."""
        while True:
            message = self.watcher.message(deadline_s)
            if message.payload.decode() == name:
                return time.monotonic()

    def crosses(self, name, deadline_s=LAST_S):
        self.mark(name)
        return self.arrives(name, deadline_s)

    def check_count(self, count):
        """The upstream has got at least so many messages since it was started. It tells the number every second."""
        peer = Peer(self.upstream.port, 'counter')
        peer.subscribe('$SYS/broker/publish/messages/received', 0)
        received = 0
        with contextlib.suppress(AssertionError):  # no further number
            while received < count:
                received = int(peer.message(SETTLE_S).payload)
        if received < count:
            raise RuntimeError(f'{count} messages were acknowledged, the upstream has {received}')

    def close(self):
        self.stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Readings:
    """What TOPICS sensors tell in turn: topics of TOPIC_BYTES, payloads of PAYLOAD_BYTES, values that wander."""

    def __init__(self):
        self.random, self.clock = random.Random(1), 1_764_547_200
        self.values = [[20 + 3 * sensor, 40 + sensor, 1000 + sensor] for sensor in range(TOPICS)]

    def take(self, count):
        for number in range(count):
            sensor = number % TOPICS
            self.clock += self.random.randrange(0, 3)
            values = self.values[sensor] = [one + self.random.gauss(0, 0.05) for one in self.values[sensor]]
            text = '{"t":%d,"c":%.2f,"rh":%.1f,"p":%.1f}' % (self.clock, *values)
            # The beginning is that of the marks, so that the watcher gets the reading.
            topic = f'hall-{sensor % 3}/press-{sensor}/climate'
            yield topic.ljust(TOPIC_BYTES - len(NEAR + MARK), 's'), text.ljust(PAYLOAD_BYTES)


def start_gateway(options, folder, kind, bridges):
    more = {'settings': ['log.level=info', 'sys.interval_s=10']} if kind == 'ledgemq' else {}
    gateway = GATEWAYS[kind](folder, options, bridges, **more)
    try:
        return gateway.start()
    except BaseException:
        gateway.close()
        raise


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.goals = options, folder, []

    # ---- The table

    def row(self, what, figure, beside='', ratio=None, goal=None, is_met=None):
        text = '' if ratio is None else f'{ratio:.2f}'
        verdict = '' if is_met is None else 'met' if is_met else 'MISSED'
        if is_met is not None:
            self.goals.append(is_met)
        print(f'{what:62} {figure:>22} {beside:>22} {text:>7}   {goal or "":12} {verdict}', flush=True)

    def head(self):
        self.row('', 'LedgeMQ', 'beside')
        print(f'{"":62} {"":>22} {"":>22} {"ratio":>7}   goal')

    # ---- Load

    def load(self, command, port, *more):
        call = [self.options.load, command, '--port', port, '--payload-bytes', PAYLOAD_BYTES, '--topic-bytes',
                TOPIC_BYTES, *more]
        return subprocess.Popen(list(map(str, call)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process):
        out, errors = process.communicate(timeout=900)
        if process.returncode != 0:
            raise RuntimeError(f'store_load: {errors.strip()}')
        return {key: float(value) for key, value in (word.split('=') for word in out.split())}

    def publish(self, port, count, topics=TOPICS, *more):
        return self.finish(self.load('publish', port, '--pubs', topics, '--count', count, *more))

    # ---- The parts

    def drain(self):
        """A backlog of messages leaves when the upstream is back."""
        count = self.options.count
        found = {kind: [] for kind in GATEWAYS}
        direct, waiting = [], {kind: [] for kind in GATEWAYS}
        for _ in range(self.options.rounds):
            for kind in GATEWAYS:
                rate, memory = self._drain_once(kind, count)
                found[kind].append(rate)
                waiting[kind].append(memory)
            with upstreams.start('mosquitto', self.folder, self.options) as upstream:
                # Fewer messages under way make smaller writes, and the client becomes the limit.
                direct.append(self.publish(upstream.port, count, 1, '--window', 10_000)['rate'])
        own, peer, limit = median(found['ledgemq']), median(found['mosquitto']), median(direct)
        self.row(f'{count:,} messages drained, beside Mosquitto\'s bridge', f'{own:,.0f}/s', f'{peer:,.0f}/s',
                 own / peer, '>= 1', own >= peer)
        self.row('  beside one client that publishes directly, the limit', f'{own:,.0f}/s', f'{limit:,.0f}/s',
                 own / limit)
        own, peer = median(waiting['ledgemq']), median(waiting['mosquitto'])
        self.row('  memory while they wait (RssAnon over idle), beside Mosquitto', f'{own:.1f} MiB', f'{peer:.1f} MiB',
                 own / peer if peer > 0 else None, '<= 20 MB', own * 1.048576 <= 20)

    def _drain_once(self, kind, count):
        """(messages per second, MiB while they wait)"""
        with Scene(self.options, self.folder, kind) as scene:
            idle = anonymous_kib(scene.gateway)
            scene.watcher.close()
            scene.upstream.stop()
            scene.mark('first')
            self.publish(scene.gateway.port, count)
            scene.mark('last')
            memory = (anonymous_kib(scene.gateway) - idle) / 1024
            scene.upstream.start()
            scene.watcher = scene.watch()
            began = scene.arrives('first')
            seconds = scene.arrives('last') - began
            scene.check_count(count)
        return count / max(seconds, 1e-3), memory

    def cpu(self):
        """Processor time of the gateway for a message that passes, beside a message to one subscriber."""
        count = self.options.live_count
        relayed, delivered, peer = [], [], []
        for _ in range(self.options.rounds):
            relayed.append(self._relay_cpu_us('ledgemq', count))
            delivered.append(self._subscriber_cpu_us('ledgemq', count))
            peer.append(self._relay_cpu_us('mosquitto', count))
        own, plain = median(relayed), median(delivered)
        self.row('processor time per relayed message, beside one QoS 1 subscriber', f'{own:.1f} us', f'{plain:.1f} us',
                 own / plain if plain else None)
        self.row('  beside Mosquitto\'s bridge', f'{own:.1f} us', f'{median(peer):.1f} us',
                 own / median(peer) if median(peer) else None)

    def _relay_cpu_us(self, kind, count):
        with Scene(self.options, self.folder, kind) as scene:
            before = harness.cpu_s(scene.gateway)
            self.publish(scene.gateway.port, count, TOPICS, '--pace', PACE)
            scene.crosses('last')
            used = harness.cpu_s(scene.gateway) - before
            scene.check_count(count)
        return used / count * 1e6

    def _subscriber_cpu_us(self, kind, count):
        with start_gateway(self.options, self.folder, kind, []) as broker:
            self.finish(self.load('open', broker.port))
            before = harness.cpu_s(broker)
            subscriber = self.load('drain', broker.port, '--count', count)
            try:
                self.publish(broker.port, count, TOPICS, '--pace', PACE)
                self.finish(subscriber)
            finally:
                subscriber.kill()
                subscriber.wait()
            return (harness.cpu_s(broker) - before) / count * 1e6

    def bytes(self):
        """Bytes between bridge and upstream per message, both directions together, as a proxy counts them."""
        many, few = min(self.options.live_count, 20_000), min(self.options.live_count, 300)
        for what, goal, count, more in (
                ('together', 0.6, many, {}),
                ('together, topics 16 bytes longer at the upstream', 0.6, many, {'far': LONGER_FAR}),
                ('together, 100 topics', None, many, {'topics': 100}),
                ('one at a time', None, few, {'is_together': False})):
            found = {kind: self._bytes_once(kind, count, **more) for kind in GATEWAYS}
            print(f'bytes per message that pass {what}, beside Mosquitto in 3.1.1:')
            for name, at in (('of MQTT', 0), ('with the headers of TCP and IP', 1)):
                own, peer = found['ledgemq'][at], found['mosquitto'][at]
                self.row(f'  {name}', f'{own:.1f} B', f'{peer:.1f} B', own / peer, goal and f'<= {goal}',
                         goal and own <= goal * peer)

    def _bytes_once(self, kind, count, far=FAR, topics=TOPICS, is_together=True):
        """(bytes of MQTT, bytes with the headers of TCP and IP) per message"""
        with Scene(self.options, self.folder, kind, with_proxy=True, far=far) as scene:
            before, segments_before = self._quiet_counts(scene), scene.proxy.segments()
            if is_together:
                self.publish(scene.gateway.port, count, topics)
                scene.crosses('last')
            else:
                for number in range(count):
                    self._publish_one(scene, number % topics)
            after, segments_after = self._quiet_counts(scene), scene.proxy.segments()
            scene.check_count(count)
        if after['accepted'] != before['accepted']:
            raise RuntimeError('the bridge has connected again')
        plain = whole = 0
        for way in (fp.UP, fp.DOWN):
            sent, segments = after[way] - before[way], segments_after[way] - segments_before[way]
            plain += sent
            whole += sent + HEADER_BYTES * max(segments, sent // SEGMENT_BYTES)
        return plain / count, whole / count

    def readings(self):
        """Bytes per reading, both directions together, with and without compression, beside MQTT 3.1.1 over TCP. The
        numbers in the readings change like those of sensors do."""
        count = min(self.options.live_count, 2000)
        plain = {'protocol': '3.1.1'}
        packed = {'is_web': True, 'compression': True}
        for upstream in ('ledgemq', 'mosquitto'):
            for is_backlog, what in ((True, 'a backlog'), (False, 'one at a time')):
                print(f'bytes per reading to {upstream}, {what}, beside MQTT 3.1.1 over TCP:')
                peer, _ = self._readings_once(upstream, count, is_backlog, plain)
                for name, settings, goal in (('MQTT 5 over TCP', {}, None),
                                             ('MQTT 3.1.1 over WebSocket, compressed', {**packed, **plain}, 0.6),
                                             ('MQTT 5 over WebSocket, compressed', packed, 0.6)):
                    own, is_packed = self._readings_once(upstream, count, is_backlog, settings)
                    if goal and not is_packed:
                        name, goal = f'{name}: the upstream does not agree', None
                    self.row(f'  {name}', f'{own:.1f} B', f'{peer:.1f} B', own / peer, goal and f'<= {goal}',
                             goal and own <= goal * peer)

    def _readings_once(self, upstream, count, is_backlog, settings):
        """(bytes per reading, whether the upstream compresses if it is asked)"""
        with Scene(self.options, self.folder, 'ledgemq', with_proxy=True, upstream=upstream, **settings) as scene:
            before = self._quiet_counts(scene)
            if is_backlog:
                scene.proxy.set(fp.reset_storm())
            for topic, payload in Readings().take(count):
                scene.sender.publish(NEAR + MARK + topic, payload, 1)
                if not is_backlog:
                    scene.watcher.message()
            scene.proxy.set(fp.PASS)
            scene.crosses('last')
            after = self._quiet_counts(scene)
            is_packed = 'bridge_not_compressed' not in scene.gateway.log_text()
        return sum(after[way] - before[way] for way in (fp.UP, fp.DOWN)) / count, is_packed

    @staticmethod
    def _quiet_counts(scene):
        """What the proxy has counted, when no byte passes any more: the last acknowledgements have come, too."""
        while True:
            counts = scene.proxy.counts()
            time.sleep(0.3)
            if scene.proxy.counts() == counts:
                return counts

    @staticmethod
    def _publish_one(scene, topic):
        """A message with the size of all others, as a mark: the next one is published when this one has arrived."""
        scene.sender.publish(f'{NEAR}{MARK}{topic}/'.ljust(TOPIC_BYTES, 't'), '.' * PAYLOAD_BYTES, 1)
        scene.watcher.message()

    def idle(self):
        """How often a gateway wakes up while its bridge is connected and nothing happens."""
        found = {}
        for kind in GATEWAYS:
            with Scene(self.options, self.folder, kind) as scene:
                time.sleep(1)  # what connecting left to do is done
                before = wakeups(scene.gateway.process.pid)
                time.sleep(self.options.idle_seconds)
                found[kind] = (wakeups(scene.gateway.process.pid) - before) / self.options.idle_seconds
        own, peer = found['ledgemq'], found['mosquitto']
        self.row('wakeups per second of an idle bridge, beside Mosquitto', f'{own:.2f}/s', f'{peer:.2f}/s',
                 own / peer if peer else None, '< 1/s', own < 1)


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        bench = Bench(options, folder)
        bench.head()
        try:
            for name in options.only.split(','):
                getattr(bench, name)()
        except (RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            print(f'FAILED: {error}')
            return 1
        except harness.Skipped as reason:
            print(f'FAILED: {reason}')
            return 1
    print(f'{sum(bench.goals)} of {len(bench.goals)} goals met')
    return 0


if __name__ == '__main__':
    sys.exit(main())
