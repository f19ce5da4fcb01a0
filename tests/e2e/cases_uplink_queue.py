"""The queue of a bridge: messages that the upstream does not take, a full queue, a bridge that connects on demand."""
import time

import fault_proxy as fp
from cases_uplink import Scene, expect
from gateways import LedgeGateway
from harness import case, check
from mqtt_peer import Closed

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


@case('every gateway of the cases before has ended in order, with exit code 0', GROUP, needs_ledge=True)
def _ends(_):
    check(not LedgeGateway.bad_ends, f'{len(LedgeGateway.bad_ends)} have not: {LedgeGateway.bad_ends[:3]}')
