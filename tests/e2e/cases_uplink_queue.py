"""The queue of a bridge: messages that the upstream does not take, a full queue, a bridge that connects on demand."""
import time

import fault_proxy as fp
import upstreams
from cases_uplink import Scene, await_state, await_topic, expect
from gateways import Bridge, LedgeGateway, Route
from harness import case, check
from mqtt_peer import Closed, Peer

GROUP = 'queue of a bridge'
WAITING = 30
ROOM = 10


def payloads(peer, count):
    return [int(peer.message().payload) for _ in range(count)]


for _kind in ('nats', 'auto'):
    @case(f'a topic for which NATS closes the connection is set aside, and the queue goes on (upstream = "{_kind}")',
          GROUP, needs_ledge=True)
    def _poison(context, kind=_kind):
        scene = Scene(context, 'nats', kind=kind, queue={'dead_letter_topic': 'dead', 'poison_attempts': 2}).start()
        far, dead = scene.far(), scene.near()
        far.subscribe(scene.up + '#', 1)
        dead.subscribe('dead/#', 1)
        sender = scene.near()
        for topic in ('out/before', 'out/a.b', 'out/after'):
            sender.publish(topic, topic, 1)
        expect(dead, ('dead/out/a.b', b'out/a.b', 1, False))
        first, last = far.message(), far.message()
        check((first.payload, last.payload) == (b'out/before', b'out/after'), f'got {first}, {last}')


@case('a character map makes topics of NATS that it accepts', GROUP, needs_ledge=True, quick=False)
def _map(context):
    scene = Scene(context, 'nats', character_map=['._']).start()
    far = scene.far()
    far.subscribe(scene.up + '#', 1)
    scene.near().publish('out/a.b/c', 'mapped', 1)
    expect(far, (scene.up + 'a_b/c', b'mapped', 1, False))


for _overflow in ('drop_oldest', 'drop_newest', 'refuse'):
    @case(f'a full queue with overflow = "{_overflow}" keeps the messages that this word says', GROUP,
          needs_ledge=True)
    def _overflow_case(context, overflow=_overflow):
        scene = Scene(context, 'ledgemq', queue={'messages_max': ROOM, 'overflow': overflow}).start()
        far = scene.far()
        far.subscribe(scene.up + '#', 1)
        scene.proxy.set(fp.reset_storm())
        scene.await_state('0')
        sender = scene.near()
        accepted = 0
        for number in range(WAITING):
            try:
                sender.publish('out/x', str(number), 1)
                accepted += 1
            except (AssertionError, Closed):  # a publisher of MQTT 3.1.1 can only be disconnected
                break
        scene.proxy.set(fp.PASS)
        wanted = list(range(WAITING - ROOM, WAITING)) if overflow == 'drop_oldest' else list(range(ROOM))
        got = payloads(far, ROOM)
        check(got == wanted, f'{accepted} accepted, got {got}')
        check(not far.collect(), 'more messages than the queue has room for')


@case('a lazy bridge connects for a message that waits, and disconnects when nothing has passed for a while', GROUP,
      needs_ledge=True)
def _lazy(context):
    scene = Scene(context, 'ledgemq', lazy=True, lazy_idle_s=1)
    far = scene.far()
    far.subscribe(scene.up + '#', 1)
    scene.gateway.start()
    for text in ('first', 'second'):
        check(scene.proxy.counts()['open'] == 0, 'connected without a message')
        scene.near().publish('out/x', text, 1)
        expect(far, (scene.up + 'x', text.encode(), 1, False))
        end = time.monotonic() + 10
        while scene.proxy.counts()['open']:
            check(time.monotonic() < end, 'it does not disconnect')
            time.sleep(0.05)
    check(scene.proxy.counts()['accepted'] == 2, f'connections: {scene.proxy.counts()}')


@case('the state topic at the upstream is 1 while the bridge is connected, and 0 after SIGKILL of the gateway', GROUP,
      needs_ledge=True)
def _state_topic(context):
    topic = context.topic + '/gateway'
    scene = Scene(context, 'ledgemq', state_topic=topic)
    far = scene.far()
    far.subscribe(topic, 1)
    scene.start()
    check(far.message().payload == b'1', 'the upstream is not told that the gateway is there')
    scene.gateway.kill()
    check(far.message().payload == b'0', 'the upstream is not told that the gateway has gone')
    late = scene.far()
    late.subscribe(topic, 1)
    expect(late, (topic, b'0', 1, True))


@case('a message larger than the packets of the bridge is set aside, and the queue goes on', GROUP, needs_ledge=True)
def _large(context):
    scene = Scene(context, 'ledgemq', packet_bytes_max=2048, queue={'dead_letter_topic': 'dead'}).start()
    far, dead = scene.far(), scene.near()
    far.subscribe(scene.up + '#', 1)
    dead.subscribe('dead/#', 1)
    sender = scene.near()
    sender.publish('out/large', 'x' * 10_000, 1)
    sender.publish('out/small', 'x', 1)
    expect(far, (scene.up + 'small', b'x', 1, False))
    expect(dead, ('dead/out/large', b'x' * 10_000, 1, False))


@case('a topic name with a wildcard, which RabbitMQ makes of "*", is dropped, and the messages behind it come', GROUP,
      needs_ledge=True, quick=False)
def _wildcard_name(context):
    scene = Scene(context, 'rabbitmq').start()
    near = scene.near()
    near.subscribe('#', 1)
    remote = scene.far()
    for topic in ('before', 'a/*/b', 'after'):
        remote.publish(scene.down + topic, topic, 1)
    expect(near, ('in/before', b'before', 1, False), ('in/after', b'after', 1, False))
    check(scene.proxy.counts()['accepted'] == 1, 'the bridge has connected again')


@case('advisories of ActiveMQ do not come in with the filter "#", and messages do', GROUP, needs_ledge=True,
      quick=False)
def _advisories(context):
    scene = Scene(context, 'activemq', routes=[Route('in', '#', 'in/', '', 1)]).start()
    near = scene.near()
    near.subscribe('#', 1)
    scene.far().publish(context.topic, 'a message', 1)
    expect(near, ('in/' + context.topic, b'a message', 1, False))
    found = near.collect()
    check(not found, f'more came: {found}')
    check(scene.proxy.counts()['accepted'] == 1, 'the bridge has connected again')


# With the prefix beyond 100 levels; a control character.
POISON = {'aedes': 'd' + '/d' * 99, 'mosquitto': 'tab\there'}

for _upstream, _topic in POISON.items():
    for _kind in (_upstream, 'auto'):
        @case(f'a topic for which {_upstream} closes the connection is set aside (upstream = "{_kind}")', GROUP,
              needs_ledge=True, quick=False)
        def _closes(context, upstream=_upstream, topic=_topic, kind=_kind):
            queue = {'dead_letter_topic': 'dead', 'poison_attempts': 2}
            scene = Scene(context, upstream, kind=kind, queue=queue).start()
            far, dead = scene.far(), scene.near()
            far.subscribe(scene.up + '#', 1)
            dead.subscribe('dead/#', 1)
            sender = scene.near()
            for text in ('before', topic, 'after'):
                sender.publish('out/' + text, text, 1)
            expect(dead, ('dead/out/' + topic, topic.encode(), 1, False))
            await_topic(far, scene.up + 'after', b'after')


@case('a large message of an upstream without limits (aedes) is dropped, and the messages behind it come', GROUP,
      needs_ledge=True, quick=False)
def _large_in(context):
    scene = Scene(context, 'aedes', packet_bytes_max=2048).start()
    near = scene.near()
    near.subscribe('in/#', 1)
    remote = scene.far()
    remote.publish(scene.down + 'large', 'x' * 10_000, 1)
    remote.publish(scene.down + 'small', 'x', 1)
    expect(near, ('in/small', b'x', 1, False))


for _protocol in ('5', '3.1.1'):
    @case(f'200 waiting messages of QoS 2 all arrive at Mosquitto, which has a limit of 20 (MQTT {_protocol})',
          GROUP, needs_ledge=True)
    def _qos2(context, protocol=_protocol):
        upstream = upstreams.Mosquitto(context.folder, context.options)
        with open(upstream.path('mosquitto.conf'), encoding='utf-8') as file:
            defaults = file.read().replace('max_queued_messages 0\n', '')
        upstream.write('mosquitto.conf', defaults)
        bridge = Bridge(upstream.port, 'gw', [Route('out', '#', 'out/', 'up/', 2)], kind='mosquitto',
                        settings={'protocol': protocol})
        gateway = LedgeGateway(context.folder, context.options, [bridge])
        for server in (upstream, gateway):
            context.adopt(server)
            server.start()
        asleep = Peer(upstream.port, 'asleep', clean=False)
        asleep.subscribe('up/#', 2)
        asleep.close()
        await_state(Peer(gateway.port, 'near'), '1')
        upstream.stop()
        await_state(Peer(gateway.port, 'near'), '0')
        sender = Peer(gateway.port, 'sender')
        for number in range(200):
            sender.publish('out/a', str(number), 2)
        upstream.start()
        await_state(Peer(gateway.port, 'near'), '1')
        asleep = Peer(upstream.port, 'asleep', clean=False)
        found = payloads(asleep, 200)
        check(found == list(range(200)), f'a message is missing, or out of order: {found}')
        for peer in (asleep, sender):
            peer.close()


@case('every gateway of the cases before has ended in order, with exit code 0', GROUP, needs_ledge=True)
def _ends(_):
    check(not LedgeGateway.bad_ends, f'{len(LedgeGateway.bad_ends)} have not: {LedgeGateway.bad_ends[:3]}')
