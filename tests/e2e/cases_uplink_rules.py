"""The rules of a bridge's queue: the age limit, the last value of a topic, and the priority connection; with the
gateway killed in between, so that the rules hold for what the store has kept."""
import time

import fault_proxy as fp
from cases_broker import run_to_end
from cases_uplink import Scene, expect
from gateways import Route
from harness import case, check

GROUP = 'rules of the queue of a bridge'
AGE_S = 6
UPSTREAMS = ('ledgemq', 'mosquitto')


def offline(context, name, queue, **more):
    """A bridge that has its sessions at both ends, and no connection any more."""
    scene = Scene(context, name, queue=queue, **more).start()
    far = scene.far()
    far.subscribe(scene.up + '#', 1)
    scene.proxy.set(fp.reset_storm())
    scene.await_state('0')
    return scene, far


def killed(scene):
    """The gateway ends by SIGKILL and starts again; the upstream stays away."""
    scene.gateway.kill()
    scene.gateway.start()


def texts(messages):
    return [(message.topic.rsplit('/', 2)[-2:], message.payload.decode()) for message in messages]


for _name in UPSTREAMS:
    @case(f'a message older than age_max_s is not sent, also if the gateway was killed meanwhile ({_name})', GROUP,
          needs_ledge=True)
    def _age(context, name=_name):
        scene, far = offline(context, name, {'age_max_s': AGE_S})
        sender = scene.near()
        for number in range(300):  # more than the window in memory has
            sender.publish('out/old', str(number), 1)
        killed(scene)
        time.sleep(AGE_S + 3)  # the age is rounded up to seconds, and so is the calendar that a restart goes by
        scene.near().publish('out/new', 'new', 1)
        scene.proxy.set(fp.PASS)
        expect(far, (scene.up + 'new', b'new', 1, False))
        found = far.collect()
        check(not found, f'more came: {found}')

    @case(f'of the topics of last_value only the newest message arrives, also if the gateway was killed in between '
          f'({_name})', GROUP, needs_ledge=True)
    def _last_value(context, name=_name):
        scene, far = offline(context, name, {'last_value': ['out/+/status']})
        for part in range(2):
            sender = scene.near()
            for number in range(part * 150, part * 150 + 150):
                sender.publish(f'out/{number % 3}/status', str(number), 1)
                if number % 10 == 0:
                    sender.publish('out/a/data', str(number), 1)
            killed(scene)
        scene.near().publish('out/2/status', 'last', 1)
        scene.proxy.set(fp.PASS)
        first = far.message()
        got = texts([first] + far.collect(1.0))
        data = [int(text) for topic, text in got if topic[1] == 'data']
        status = [(topic[0], text) for topic, text in got if topic[1] == 'status']
        check(data == list(range(0, 300, 10)), f'data: {data}')
        check(status == [('0', '297'), ('1', '298'), ('2', 'last')], f'status: {status}')

    @case(f'messages of priority arrive by a connection of their own, each topic in order, also if the gateway was '
          f'killed in between ({_name})', GROUP, needs_ledge=True)
    def _priority(context, name=_name):
        scene, far = offline(context, name, {'priority': ['out/alarms/#']})
        for part in range(2):
            sender = scene.near()
            for number in range(part * 20, part * 20 + 20):
                sender.publish('out/a/data', str(number), 1)
                sender.publish('out/alarms/x', str(number), 1)
            killed(scene)
        scene.proxy.set(fp.PASS)
        scene.await_state('1')
        got = texts([far.message()] + far.collect(1.0))
        for topic in (['a', 'data'], ['alarms', 'x']):
            numbers = [int(text) for at, text in got if at == topic]
            check(numbers == list(range(40)), f'{topic}: {numbers}')
        check(scene.proxy.counts()['open'] == 2, f'connections: {scene.proxy.counts()}')

    for _protocol in ('5', '3.1.1'):
        @case(f'with direction "both" a message of priority arrives once at each end, and runs in no ring '
              f'({_name}, MQTT {_protocol})', GROUP, needs_ledge=True)
        def _both(context, name=_name, protocol=_protocol):
            route = Route('both', '#', 'plant/', f'{context.topic}/', 1)
            scene = Scene(context, name, routes=[route], queue={'priority': ['plant/alarms/#']},
                          protocol=protocol).start()
            far, near = scene.far(), scene.near()
            far.subscribe(f'{context.topic}/#', 1)
            near.subscribe('plant/#', 1)
            for kind in ('alarms', 'data'):
                scene.near().publish(f'plant/{kind}/1', 'ours', 1)
                expect(near, (f'plant/{kind}/1', b'ours', 1, False))
                expect(far, (f'{context.topic}/{kind}/1', b'ours', 1, False))
                scene.far().publish(f'{context.topic}/{kind}/2', 'theirs', 1)
                expect(near, (f'plant/{kind}/2', b'theirs', 1, False))
                expect(far, (f'{context.topic}/{kind}/2', b'theirs', 1, False))
            found = near.collect(1.0) + far.collect()
            check(not found, f'more came: {found}')


@case('ledgemq check says what the priority connection carries, and refuses order = "live_first"', GROUP,
      needs_ledge=True)
def _check(context):
    scene = Scene(context, 'ledgemq', queue={'priority': ['out/alarms/#']})
    file = scene.gateway.path('gateway.toml')
    code, out, error = run_to_end(context, 'check', '-c', file)
    check(code == 0 and f'"gw-{context.client_id}-priority"' in out, f'{code}: {out} {error}')
    scene.bridge.queue['order'] = 'live_first'
    scene.gateway.configure([scene.bridge])
    code, out, error = run_to_end(context, 'check', '-c', file)
    check(code == 2 and 'backlog_first' in error, f'{code}: {out} {error}')
