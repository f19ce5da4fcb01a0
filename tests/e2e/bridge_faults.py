#!/usr/bin/python3
"""Fault cycles of a bridge. One publisher and one subscriber at each end send messages of QoS 1 and 2 through the
bridge in both directions while its connection is broken and both brokers are killed. At the end every acknowledged
message must have arrived, in order per topic (first arrivals), and of QoS 2 once.

    publisher, subscriber ── gateway ── bridge ── fault proxy ── upstream ── subscriber, publisher

Usage: bridge_faults.py [--cycles N] [--seed N] [--bridge ledgemq|mosquitto] [--upstream ledgemq|mosquitto]
                        [--qos 1|2] [--only KIND,KIND] [--transport tcp|ws|tls] [--rate N]
                        [--broker PATH] [--upstream-broker PATH] [--ports FIRST-LAST] [--keep]
`--bridge mosquitto` is for comparison: its violations are printed and do not fail. The last line is
"N passed, N failed": one claim for each direction, QoS and promise, and one for the recovery.
"""
import argparse
import collections
import os
import random
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests/support')]
import fault_proxy as fp  # noqa: E402
import harness  # noqa: E402
import upstreams  # noqa: E402
from bridge_load import Ledger, Publisher, Subscriber  # noqa: E402
from gateways import GATEWAYS, Bridge, Route, knows_bridges  # noqa: E402
from mqtt_peer import Peer  # noqa: E402
from pki import Authority  # noqa: E402

RECOVERY_S = 30.0  # from the end of a fault to the next message that arrives
PATIENCE_S = 20.0  # without any arrival, until what is missing counts as lost
DRAIN_S = 90.0  # until they count as lost although some still arrive
PROGRESS_CYCLES = 100  # between two lines that tell how far it is
LATE_S = 1.5  # for repetitions after the last message
DIRECTIONS = {'out': ('up', 'to the upstream'), 'in': ('down', 'to the gateway')}


class Rig:
    """The two brokers, the proxy between them and the four clients."""

    def __init__(self, options, folder):
        self.options = options
        self.chance = random.Random(options.seed)
        self.ledger = Ledger()
        self.kinds = collections.Counter()
        self.violations = []
        port, more = self._start_upstream(folder)
        self.proxy = fp.FaultProxy(port, harness.free_port())
        routes = [Route('out', '#', 'out/', 'site/up/', options.qos),
                  Route('in', '#', 'in/', 'site/down/', options.qos)]
        bridge = Bridge(self.proxy.port, 'fault-gateway', routes, kind=options.upstream, **more)
        self.gateway = GATEWAYS[options.bridge](folder, options, [bridge])
        self.gateway.start()
        more = (options.rate, options.qos)
        self.publishers = [Publisher(self.ledger, self.gateway.port, 'local-publisher', 'out', 'out/', *more),
                           Publisher(self.ledger, self.upstream.port, 'remote-publisher', 'in', 'site/down/', *more)]
        self.subscribers = [Subscriber(self.ledger, self.upstream.port, 'remote-subscriber', 'site/up/'),
                            Subscriber(self.ledger, self.gateway.port, 'local-subscriber', 'in/')]

    def _start_upstream(self, folder):
        """(the port for the bridge, and what its configuration says besides)"""
        if self.options.transport != 'tls':
            self.upstream = upstreams.start(self.options.upstream, folder, self.options)
            if self.options.transport == 'tcp':
                return self.upstream.port, {}
            return self.upstream.ws_port, {'scheme': 'ws', 'path': self.upstream.ws_path}
        authority = Authority(os.path.join(folder, 'pki'))
        served = authority.issue('server', 'localhost', 'DNS:localhost,IP:127.0.0.1')
        self.upstream = upstreams.start(self.options.upstream, folder, self.options, tls=served)
        tls = {'ca': authority.certificate, 'server_name': 'localhost'}
        return self.upstream.tls_port, {'scheme': 'mqtts', 'tls': tls}

    # ---- Life

    def begin(self):
        self._await_bridge()
        for subscriber in self.subscribers:
            subscriber.start()
        for subscriber in self.subscribers:
            harness.check(subscriber.subscribed.wait(20), f'{subscriber.name} has no subscription')
        for publisher in self.publishers:
            publisher.start()
        for name in DIRECTIONS:
            self._await(lambda name=name: any(self.ledger.seen[topic] for topic in self.ledger.topics(name)),
                        f'nothing arrives in direction {name!r} at the start')

    def _await_bridge(self):
        """What the upstream gets before the bridge has subscribed for the first time is not for the bridge."""
        near, far = Peer(self.gateway.port, 'near-probe'), Peer(self.upstream.port, 'far-probe')
        near.subscribe('in/probe', 0)
        end = time.monotonic() + RECOVERY_S
        while not near.collect(0.05, most=1):
            harness.check(time.monotonic() < end, f'the bridge does not connect: {self.gateway.tail()}')
            far.publish('site/down/probe', '0', 0)
        near.close()
        far.close()

    def drain(self):
        """Ends publishing, and waits until nothing is owed or nothing more comes."""
        for publisher in self.publishers:
            publisher.issuing = False
        progress, since = None, time.monotonic()
        end = since + DRAIN_S
        while True:
            state = (self.ledger.arrivals, all(publisher.is_idle() for publisher in self.publishers))
            if state[1] and self.ledger.owed() == 0:
                break
            if state != progress:
                progress, since = state, time.monotonic()
            if time.monotonic() > min(since + PATIENCE_S, end):
                self.violations.append(f'{self.ledger.owed()} messages are owed at the end, the last one came '
                                       f'{time.monotonic() - since:.0f} s ago; {self.describe()}')
                break
            time.sleep(0.05)
        time.sleep(LATE_S)

    def close(self):
        for client in (*self.publishers, *self.subscribers):
            if client.ident:
                client.finish()
        self.proxy.close()
        self.gateway.close()
        self.upstream.close()

    def describe(self):
        return (f'proxy {self.proxy.counts()}, unacknowledged of the publishers '
                f'{[len(publisher.window) for publisher in self.publishers]}, backlog out '
                f'{self.ledger.backlog("out")} in {self.ledger.backlog("in")}')

    # ---- Faults: each returns when it is over

    def fault_cut_up(self):
        self._cut(fp.UP)

    def fault_cut_down(self):
        self._cut(fp.DOWN)

    def fault_drop(self):
        self.proxy.drop_all()

    def fault_reset_storm(self):
        self._hold(fp.reset_storm())

    def fault_stall(self):
        self._hold(fp.STALL)

    def fault_black_hole(self):
        self._hold(fp.BLACK_HOLE)

    def fault_half_open_upstream(self):
        self._hold(fp.half_open(fp.SERVER))

    def fault_half_open_bridge(self):
        self._hold(fp.half_open(fp.CLIENT))

    def fault_delay(self):
        self._hold(fp.delay(self.chance.uniform(0.01, 0.15)))

    def fault_cap(self):
        self._hold(fp.cap(self.chance.randint(2_000, 50_000)))

    def fault_kill_gateway(self):
        self._end(self.gateway, 'kill')

    def fault_kill_upstream(self):
        # Mosquitto loses its sessions and messages by SIGKILL, which no bridge can make good.
        self._end(self.upstream, 'kill' if self.options.upstream == 'ledgemq' else 'stop')

    def _hold(self, fault):
        self.proxy.set(fault)
        time.sleep(self.chance.uniform(0.05, 0.6))
        self.proxy.set(fp.PASS)

    def _cut(self, direction):
        self.proxy.set(fp.cut(self.chance.choice((1, 3, self.chance.randint(1, 300), self.chance.randint(1, 5000))),
                              direction, with_reset=self.chance.random() < 0.5, once=True))
        end = time.monotonic() + 1.0
        while self.proxy.fault != fp.PASS and time.monotonic() < end:
            time.sleep(0.005)
        self.proxy.set(fp.PASS)

    def _end(self, broker, how):
        getattr(broker, how)()
        time.sleep(self.chance.uniform(0, 0.3))
        broker.start()

    # ---- Cycles

    def cycle(self, number):
        kinds = sorted(name.removeprefix('fault_') for name in dir(self) if name.startswith('fault_'))
        if self.options.only:
            kinds = [kind for kind in kinds if kind in self.options.only.split(',')]
        kind = self.chance.choice(kinds)
        self.kinds[kind] += 1
        getattr(self, f'fault_{kind}')()
        if self.chance.random() < 0.5:  # otherwise the next fault may strike while the bridge connects again
            what = f'cycle {number}: nothing arrived for {RECOVERY_S:.0f} s after {kind}'
            for name in DIRECTIONS:
                self._await_arrival(name, what)
        time.sleep(self.chance.uniform(0.0, 0.3))

    def _await_arrival(self, name, what):
        def count():
            with self.ledger.lock:
                return sum(len(self.ledger.seen[topic]) for topic in self.ledger.topics(name))

        before = count()
        self._await(lambda: count() > before, f'{what} in direction {name!r}')

    def _await(self, condition, what):
        end = time.monotonic() + RECOVERY_S
        while not condition():
            if time.monotonic() > end:
                raise harness.Skipped(f'{what}; {self.describe()}')
            time.sleep(0.01)


# ---------------------------------------------------------------------------------------------------------------------

def judge(rig, qos_max):
    """Prints the table; (claims that hold, sentences about the others)."""
    passed, broken = 0, []
    print(f'{"direction":10}{"QoS":>4}{"issued":>9}{"acked":>9}{"arrived":>9}{"lost":>7}{"duplicated":>12}'
          f'{"out of order":>14}')
    for name in DIRECTIONS:
        for qos in range(1, qos_max + 1):
            figures = rig.ledger.figures(name, qos)
            print(f'{name:10}{qos:4}{figures.issued:9}{figures.acknowledged:9}{figures.arrived:9}{figures.lost:7}'
                  f'{figures.duplicated:12}{figures.out_of_order:14}')
            claims = [(figures.acknowledged > 0, 'nothing was acknowledged'),
                      (figures.lost == 0, f'{figures.lost} lost: {rig.ledger.examples(name, qos)}'),
                      (figures.out_of_order == 0, f'{figures.out_of_order} out of order')]
            claims += [(figures.duplicated == 0, f'{figures.duplicated} duplicated')] if qos == 2 else []
            passed += sum(holds for holds, _ in claims)
            broken += [f'{name}, QoS {qos}: {text}' for holds, text in claims if not holds]
    return passed, broken


def explain(options):
    print(f'bridge {options.bridge}, upstream {options.upstream} over {options.transport}, {options.cycles} cycles, '
          f'seed {options.seed}')
    if options.upstream == 'mosquitto':
        print('Mosquitto loses sessions and messages by SIGKILL. It is therefore ended by SIGTERM in kill_upstream.')
    if options.bridge == 'mosquitto':
        print('Mosquitto as the gateway loses sessions and messages by SIGKILL: kill_gateway shows losses.')
        if options.qos == 2:
            print('Mosquitto 2.0.11 with QoS 2 in both directions comes to a halt at a reconnect: "Bad socket '
                  'read/write ... Unknown error" in its log, every 6 s. Use --qos 1.')


def run(options, folder):
    began = time.monotonic()
    rig = Rig(options, folder)
    try:
        rig.begin()
        for number in range(1, options.cycles + 1):
            rig.cycle(number)
            if number % PROGRESS_CYCLES == 0:
                print(f'{number} cycles in {time.monotonic() - began:.0f} s, {rig.ledger.arrivals} messages arrived, '
                      f'{rig.ledger.owed()} owed')
    except harness.Skipped as stuck:
        rig.violations.append(str(stuck))
    except BaseException:
        rig.close()
        raise
    try:
        rig.drain()
        passed, broken = judge(rig, options.qos)
        counts = rig.proxy.counts()
        reconnected = [client.connections for client in (*rig.publishers, *rig.subscribers)]
        lost = [subscriber.sessions_lost for subscriber in rig.subscribers]
    finally:
        rig.close()
    print('cycles: ' + ', '.join(f'{count} {kind}' for kind, count in sorted(rig.kinds.items())))
    print(f'the bridge connected {counts["accepted"]} times, {counts["refused"]} refused; {counts["up"]:,} bytes up, '
          f'{counts["down"]:,} bytes down; clients connected {reconnected} times, sessions lost {lost}')
    passed, broken = passed + (not rig.violations), broken + rig.violations
    for text in broken:
        print(f'VIOLATION {text}')
    print(f'in all: {sum(rig.kinds.values())} cycles in {time.monotonic() - began:.0f} s')
    if options.bridge != 'ledgemq':  # a comparison fails nobody
        print(f'{len(broken)} claims do not hold for {options.bridge}')
        return 0
    print(f'{passed} passed, {len(broken)} failed')
    return 1 if broken else 0


def arguments():
    parser = argparse.ArgumentParser(description='fault cycles of a bridge')
    parser.add_argument('--cycles', type=int, default=200)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--rate', type=int, default=100, help='messages per second and direction')
    parser.add_argument('--qos', type=int, choices=(1, 2), default=2, help='the highest QoS')
    parser.add_argument('--bridge', choices=sorted(GATEWAYS), default='ledgemq')
    parser.add_argument('--upstream', choices=('ledgemq', 'mosquitto'), default='ledgemq')
    parser.add_argument('--transport', choices=('tcp', 'ws', 'tls'), default='tcp', help='of the bridge (ledgemq)')
    parser.add_argument('--only', help='kinds of faults, separated by commas')
    parser.add_argument('--broker', default=os.path.join(ROOT, 'build/release/ledgemq'), help='the gateway')
    parser.add_argument('--upstream-broker', help='the upstream, if it is LedgeMQ; default: --broker')
    parser.add_argument('--ports', default='24000-25999')
    parser.add_argument('--keep', action='store_true', help='leave the stores and logs, and say where')
    options = parser.parse_args()
    options.upstream_broker = options.upstream_broker or options.broker
    harness.Ports.choose_from(*(int(port) for port in options.ports.split('-')))
    return options


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the brokers are ended on the way out
    sys.stdout.reconfigure(line_buffering=True)
    if options.bridge == 'ledgemq' and not knows_bridges(options.broker):
        print('skipped all cycles: this broker has no bridges\n0 passed, 0 failed, 1 skipped')
        return 0
    explain(options)
    folder = tempfile.mkdtemp(prefix='ledgemq-bridge-')
    try:
        return run(options, folder)
    finally:
        if options.keep:
            print(f'stores and logs: {folder}', file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
