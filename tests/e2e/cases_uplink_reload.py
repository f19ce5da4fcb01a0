"""Bridges that are changed by SIGHUP while messages flow: what arrives, and which connections stay."""
import dataclasses
import json
import signal
import threading
import time

from cases_http import get, metrics_of
from cases_uplink import FACTS, HANDOVER_S, Scene, await_state, expect
from gateways import Bridge, Route
from harness import case, check, free_port

GROUP = 'reloads of a bridge'
ROUNDS = 20
UPSTREAMS = ('ledgemq', 'mosquitto')


def reload(scene, *bridges):
    """SIGHUP with these bridges; returns the lines of the log that follow, up to the end of the reload."""
    gateway = scene.gateway
    gateway.configure(bridges)
    since = gateway.log_size()
    gateway.process.send_signal(signal.SIGHUP)
    gateway.log_line(r' configuration_(applied|unchanged|refused|needs_restart)', since)
    return gateway.log_text(since)


def second_bridge(scene, name='still', **more):
    """Another bridge to the same upstream, not through the proxy."""
    routes = [Route('out', '#', f'{name}/', f'{scene.context.topic}/{name}/', 1)]
    return Bridge(scene.upstream.port, f'gw-{scene.context.client_id}-{name}', routes, name=name,
                  settings=dict(scene.bridge.settings), **more)


class Load(threading.Thread):
    """Publishes numbers at the gateway, until it is told to end. `sent` has those that were acknowledged."""

    def __init__(self, peer, topic, qos):
        super().__init__(daemon=True)
        self.peer, self.topic, self.qos = peer, topic, qos
        self.sent, self.problem, self.is_over = [], None, False

    def run(self):
        try:
            while not self.is_over:
                self.peer.publish(self.topic, str(len(self.sent)), self.qos)
                self.sent.append(len(self.sent))
                time.sleep(0.002)
        except Exception as error:  # pylint: disable=broad-except
            self.problem = error

    def ends(self):
        self.is_over = True
        self.join(HANDOVER_S)
        check(not self.is_alive() and self.problem is None, f'the publisher has failed: {self.problem}')
        return self.sent


class Collector(threading.Thread):
    """Reads all the time, since an upstream keeps few messages for a subscriber that does not read."""

    def __init__(self, peer, topics):
        super().__init__(daemon=True)
        self.peer, self.arrived = peer, {topic: [] for topic in topics}
        self.is_over, self.problem = False, None

    def run(self):
        try:
            while not self.is_over:
                for message in self.peer.collect(0.2):
                    self.arrived[message.topic].append(int(message.payload))
        except Exception as error:  # pylint: disable=broad-except
            self.problem = error

    def awaits(self, counts):
        """Waits until so many different numbers of each topic have come, and a little longer for repetitions."""
        end = time.monotonic() + HANDOVER_S
        while self.problem is None and time.monotonic() < end and any(
                len(set(numbers)) < count for numbers, count in zip(self.arrived.values(), counts)):
            time.sleep(0.1)
        time.sleep(1.0)
        self.is_over = True
        self.join(HANDOVER_S)
        check(self.problem is None, f'the subscriber has failed: {self.problem}')
        return self.arrived


def first_arrivals(numbers):
    return list(dict.fromkeys(numbers))


for _name in UPSTREAMS:
    @case(f'{ROUNDS} changes of routes under load lose nothing, QoS 2 arrives once, and another bridge keeps its '
          f'connection ({_name})', GROUP, needs_ledge=True)
    def _under_load(context, name=_name):
        scene = Scene(context, name)
        still = second_bridge(scene)
        scene.gateway.configure([scene.bridge, still])
        scene.start()
        far = scene.far()
        far.subscribe(f'{context.topic}/#', 2)
        loads = [Load(scene.near(), 'out/one', 1), Load(scene.near(), 'out/two', 2), Load(scene.near(), 'still/x', 1)]
        topics = [scene.up + 'one', scene.up + 'two', f'{context.topic}/still/x']
        collector = Collector(far, topics)
        for thread in [collector, *loads]:
            thread.start()
        routes = scene.bridge.routes
        for number in range(ROUNDS):
            extra = Route('out', f'{number}/#', 'extra/', f'{context.topic}/extra/', 1)
            changed = dataclasses.replace(scene.bridge, routes=routes + [extra] * (number % 3 != 2))
            since = scene.gateway.log_size()
            lines = reload(scene, changed, still)
            check('bridge_changed bridge=up' in lines, f'round {number}: {lines}')
            if number % 2 == 0:  # otherwise the next change comes while the bridge connects
                scene.gateway.log_line(r' bridge_running bridge=up', since, HANDOVER_S)
        sent = [load.ends() for load in loads]
        arrived = collector.awaits([len(numbers) for numbers in sent])
        for topic, numbers in zip(topics, sent):
            check(len(numbers) > 2 * ROUNDS, f'{topic}: only {len(numbers)} messages')
            check(first_arrivals(arrived[topic]) == numbers, f'{topic}: not all {len(numbers)} came in order')
        check(arrived[topics[1]] == sent[1], f'QoS 2: {len(arrived[topics[1]])} came of {len(sent[1])}')
        check(arrived[topics[2]] == sent[2], 'a message of the bridge that was not changed has come twice')
        log = scene.gateway.log_text()
        check(log.count(' bridge_connected bridge=still ') == 1, 'the other bridge was disturbed')

    @case(f'a bridge that is removed by SIGHUP leaves its messages and no facts, and sends them when it is back '
          f'({_name})', GROUP, needs_ledge=True)
    def _removed(context, name=_name):
        scene = Scene(context, name)
        admin = free_port()
        scene.gateway.settings = [f'admin.url=http://127.0.0.1:{admin}']
        scene.gateway.admin_port = admin
        scene.start()
        far = scene.far()
        far.subscribe(f'{context.topic}/#', 1)
        watcher = scene.near()
        watcher.subscribe(FACTS + '#', 0)
        scene.proxy.drop_all()
        since = scene.gateway.log_size()
        still = second_bridge(scene)
        scene.bridge.port, there = free_port(), scene.bridge.port  # nobody listens there
        reload(scene, scene.bridge, still)
        scene.gateway.log_line(' bridge_unreachable bridge=up', since)
        scene.near().publish('out/a', 'waits', 1)
        lines = reload(scene, still)
        check('bridge_removed bridge=up' in lines, lines)
        line = scene.gateway.log_line(' bridge_session_left ', since)
        check('messages=1' in line, line)
        scene.near().publish('out/b', 'is not wanted', 1)
        watcher.collect(1.5)
        late = scene.near()
        late.subscribe(FACTS + '#', 0)
        found = late.collect()
        check(not found, f'$SYS has still {found}')
        status, _, body = get(context, admin, '/healthz')
        names = [one['name'] for one in json.loads(body)['bridges']]
        check(status == 200 and names == ['still'], f'/healthz: {names}')
        labels = {dict(labels).get('bridge') for name_, labels in metrics_of(context, scene.gateway)
                  if name_.startswith('ledgemq_bridge_')}
        check(labels == {'still'}, f'/metrics: {labels}')
        scene.bridge.port = there
        lines = reload(scene, scene.bridge, still)
        check('bridge_added bridge=up' in lines, lines)
        await_state(scene.near(), '1')
        expect(far, (scene.up + 'a', b'waits', 1, False))
        check(not far.collect(), 'a message of the time without the bridge has come')

    @case(f'a first bridge by SIGHUP, also with TLS, and one with a mistake, which changes nothing ({_name})', GROUP,
          needs_ledge=True)
    def _first(context, name=_name):
        scene = Scene(context, name)
        scene.gateway.configure([])
        scene.gateway.start()
        lines = reload(scene)
        check('configuration_unchanged' in lines, lines)
        check('bridge_added bridge=up' in reload(scene, scene.bridge), 'the bridge was not added')
        scene.await_state('1')
        far = scene.far()
        far.subscribe(scene.up + '#', 1)
        wrong = dataclasses.replace(scene.bridge, settings={**scene.bridge.settings, 'keep_alive_s': 1})
        check('configuration_refused' in reload(scene, wrong, second_bridge(scene)), 'a mistake was accepted')
        unreadable = dataclasses.replace(scene.bridge, scheme='mqtts', tls={'ca': '/no/ca.pem'})
        lines = reload(scene, unreadable)
        check('bridge_not_changed bridge=up reason="its TLS files' in lines and '/no/ca.pem' in lines, lines)
        scene.near().publish('out/a', 'goes on', 1)
        expect(far, (scene.up + 'a', b'goes on', 1, False))
        log = scene.gateway.log_text()
        check(log.count('bridge_connected ') == 1 and ' bridge_ended ' not in log, f'disturbed: {log}')
        # The threads that compute TLS start with the first bridge that needs them. This server speaks no TLS.
        secret = second_bridge(scene, 'secret', scheme='mqtts', tls={'ca': '/etc/ssl/certs/ca-certificates.crt'})
        since = scene.gateway.log_size()
        check('bridge_added bridge=secret' in reload(scene, scene.bridge, secret), 'the bridge was not added')
        scene.gateway.log_line(r' bridge_unreachable bridge=secret .*TLS', since, HANDOVER_S)
