"""What an operator sees of a bridge: /metrics, /healthz, the topics below $SYS/broker/bridges/NAME/ and the log, while
a known number of messages comes at a known rate."""
import json
import math
import time

import fault_proxy as fp
from cases_http import get, metrics_of, until
from cases_uplink import FACTS, Scene
from harness import case, check, free_port
from mqtt_peer import Closed

GROUP = 'figures of a bridge'
RATE = 20  # messages per second
SECONDS = 12  # more than the 10 s that a bridge observes before it tells times
TOPIC, PAYLOAD = 'out/x', 'p' * 20
ROOM = 1000


def scene_of(context, **settings):
    """To be started at once."""
    scene = Scene(context, 'ledgemq', **settings)
    scene.began = time.monotonic()
    scene.gateway.admin_port = free_port()
    scene.gateway.settings = [f'admin.url=http://127.0.0.1:{scene.gateway.admin_port}']
    return scene


def away(scene):
    """Holds the upstream away."""
    scene.proxy.set(fp.reset_storm())
    scene.await_state('0')
    return scene


def figures(scene):
    """{name without "ledgemq_bridge_": value}; drops are under their reason."""
    found = {}
    for (name, labels), value in metrics_of(scene.context, scene.gateway).items():
        if name.startswith('ledgemq_bridge_'):
            labels = dict(labels)
            check(labels.pop('bridge') == 'up', f'{name} is of another bridge')
            found[labels.get('reason', name.removeprefix('ledgemq_bridge_'))] = value
    return found


def health(scene):
    status, _, body = get(scene.context, scene.gateway.admin_port, '/healthz')
    check(status == 200, f'/healthz: {status}')
    return json.loads(body)


def publish_evenly(peer, seconds=SECONDS):
    """Publishes RATE messages per second. The seconds since the first one."""
    began = time.monotonic()
    for number in range(RATE * seconds):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        peer.publish(TOPIC, PAYLOAD, 1)
    return began


def mean_rate(scene, began):
    """What an exponential mean with a time constant of a minute says about RATE messages per second since `began`,
    and none before."""
    now = time.monotonic()
    return RATE * (1 - math.exp((began - now) / 60)) / (1 - math.exp((scene.began - now) / 60))


def await_fact(scene, fact, wanted):
    """Waits until the topic has this value."""
    peer = scene.near()
    peer.subscribe(FACTS + fact, 0)
    seen = []
    while wanted not in seen[-1:]:
        try:
            seen.append(peer.message().payload.decode())
        except AssertionError:
            raise AssertionError(f'{fact} should become {wanted!r}, was {seen}') from None
    peer.close()


def near_to(value, wanted, share, what):
    check(abs(value - wanted) <= share * wanted, f'{what}: {value}, wanted {wanted} +- {share:.0%}')


@case('while the upstream is away: lag, age, rates and the time to full; a warning, and degraded until it is over',
      GROUP, needs_ledge=True)
def _away(context):
    scene = away(scene_of(context, queue={'messages_max': ROOM, 'warn_time_to_full_s': 600}).start())
    began = publish_evenly(scene.near())
    seen, passed = figures(scene), time.monotonic() - began
    count = RATE * SECONDS
    check((seen['up'], seen['queue_messages']) == (0, count), f'{seen}')
    check(seen['queue_bytes'] == count * (len(TOPIC) + len(PAYLOAD)), f'bytes: {seen["queue_bytes"]}')
    check((seen['queue_messages_max'], seen['queue_bytes_max']) == (ROOM, 256 * 1024 * 1024), f'{seen}')
    check('connected_seconds' not in seen and 'queue_time_to_empty_seconds' not in seen, f'{seen}')
    near_to(seen['arrival_messages_per_second'], mean_rate(scene, began), 0.15, 'arrivals')
    near_to(seen['arrival_bytes_per_second'], mean_rate(scene, began) * (len(TOPIC) + len(PAYLOAD)), 0.15,
            'arriving bytes')
    check(seen['service_messages_per_second'] == 0, 'served without a connection')
    near_to(seen['queue_time_to_full_seconds'], (ROOM - count) / seen['arrival_messages_per_second'], 0.05, 'to full')
    check(passed - 3 <= seen['queue_age_seconds'] <= passed + 3, f'age {seen["queue_age_seconds"]} after {passed}')
    scene.gateway.log_line(r'warning bridge_queue_filling bridge=up time_to_full_s=\d+ messages=\d+ messages_max=1000')
    said = health(scene)
    check(said['ready'] and said['degraded'] and said['bridges'][0]['health'] == 'degraded', f'{said}')
    check(said['bridges'][0]['time_to_full_s'] > 0 and not said['bridges'][0]['queue_age_is_minimum'], f'{said}')
    await_fact(scene, 'queue/messages', str(count))
    await_fact(scene, 'queue/messages_max', str(ROOM))

    scene.proxy.set(fp.PASS)
    until(lambda: figures(scene)['queue_messages'] == 0, 'the queue does not get empty')
    scene.gateway.log_line('info bridge_queue_filling_ended bridge=up', deadline_s=40)
    said, seen = health(scene), figures(scene)
    check(not said['degraded'] and 'time_to_full_s' not in said['bridges'][0], f'{said}')
    check(seen['connected_seconds'] >= 9 and seen['connections_total'] == 2, f'{seen}')
    check(seen['queue_age_seconds'] == 0 and 'queue_time_to_full_seconds' not in seen, f'{seen}')
    check(seen['service_messages_per_second'] > 1, f'{seen["service_messages_per_second"]} served')
    late = scene.near()
    late.subscribe(FACTS + 'queue/#', 0)
    topics = [message.topic for message in late.collect(quiet_s=2.0, most=20)]
    check(FACTS + 'queue/bytes' in topics and FACTS + 'queue/time_to_full_s' not in topics, f'{topics}')
    with open(scene.gateway.log, encoding='utf-8') as log:
        check(log.read().count('warning bridge_queue_filling ') == 1, 'the warning came again')


@case('while messages flow: the service rate is the arrival rate, and there is no time to full', GROUP,
      needs_ledge=True, quick=False)
def _flows(context):
    scene = scene_of(context).start()
    began = publish_evenly(scene.near())
    seen = figures(scene)
    near_to(seen['arrival_messages_per_second'], mean_rate(scene, began), 0.15, 'arrivals')
    # The mean of the service begins with the connection, that of the arrivals with the broker.
    near_to(seen['service_messages_per_second'], seen['arrival_messages_per_second'], 0.25, 'service')
    check(seen['queue_messages'] < RATE and 'queue_time_to_full_seconds' not in seen, f'{seen}')
    check(seen['connected_seconds'] >= SECONDS - 1 and seen['round_trip_mean_seconds'] > 0, f'{seen}')


@case('after a restart the oldest message is as old as the start, at least, and /healthz says so', GROUP,
      needs_ledge=True)
def _restart(context):
    scene = away(scene_of(context).start())
    scene.near().publish(TOPIC, PAYLOAD, 1)
    time.sleep(4)  # the age is exact within a second, and told in whole seconds
    check(figures(scene)['queue_age_seconds'] >= 2, 'the message has no age')
    check(not health(scene)['bridges'][0]['queue_age_is_minimum'], 'the age is known')
    scene.gateway.stop()
    began = time.monotonic()
    scene.gateway.start()
    time.sleep(2)
    age = figures(scene)['queue_age_seconds']
    check(1 <= age <= time.monotonic() - began + 1, f'age {age}')
    check(health(scene)['bridges'][0]['queue_age_is_minimum'], 'the age is not known')


@case('the round trip is the time from PUBLISH to PUBACK', GROUP, needs_ledge=True)
def _round_trip(context):
    scene = scene_of(context)
    scene.proxy.set(fp.delay(0.1))  # in each direction
    scene.start()
    sender = scene.near()
    for _ in range(10):
        sender.publish(TOPIC, PAYLOAD, 1)
    until(lambda: figures(scene)['queue_messages'] == 0, 'the queue does not get empty')
    seen = figures(scene)
    check(0.2 <= seen['round_trip_mean_seconds'] <= 0.5, f'mean {seen["round_trip_mean_seconds"]}')
    check(seen['round_trip_mean_seconds'] <= seen['round_trip_max_seconds'] <= 1, f'{seen}')


for _overflow, _reason in (('drop_oldest', 'queue_full'), ('drop_newest', 'queue_full'), ('refuse', 'queue_refused')):
    @case(f'a full queue with overflow = "{_overflow}" counts its drops under {_reason}', GROUP, needs_ledge=True)
    def _drops(context, overflow=_overflow, reason=_reason):
        scene = away(scene_of(context, queue={'messages_max': 10, 'overflow': overflow}).start())
        refused = 0
        for _ in range(25):
            try:
                scene.near().publish(TOPIC, PAYLOAD, 1)
            except (AssertionError, Closed):  # a publisher of MQTT 3.1.1 can only be disconnected
                refused += 1
        seen = figures(scene)
        check(seen['queue_messages'] == 10 and seen[reason] == 15, f'{seen}')
        check(refused == (15 if overflow == 'refuse' else 0), f'{refused} refused')
        check(sum(seen[other] for other in ('queue_full', 'queue_refused', 'expired', 'no_route')) == 15, f'{seen}')
        await_fact(scene, 'dropped/' + reason, '15')


@case('a message that is too large is counted as a dead letter, or as unsendable without a dead letter topic', GROUP,
      needs_ledge=True)
def _unsendable(context):
    for topic, reason in (('dead', 'dead_letter'), ('', 'unsendable')):
        scene = scene_of(context, packet_bytes_max=2048, queue={'dead_letter_topic': topic}).start()
        scene.near().publish('out/large', 'x' * 10_000, 1)
        until(lambda scene=scene, reason=reason: figures(scene)[reason] == 1, f'no {reason}')
        check(figures(scene)['queue_messages'] == 0, 'it still waits')
        scene.gateway.stop()
