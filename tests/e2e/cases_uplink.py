"""The bridge to real upstream brokers: what arrives at the other end, under which names, and after which breaks. Each
case runs with each upstream as far as that one can do it (upstreams.FEATURES)."""
import json
import time

import fault_proxy as fp
import harness
import upstreams
from gateways import Bridge, LedgeGateway, Route
from harness import case, check, free_port
from mqtt_peer import Peer

GROUP = 'bridge to {}'
FACTS = '$SYS/broker/bridges/up/'
STATE = FACTS + 'state'
LOGIN = {'user': upstreams.Shared.USER, 'password': upstreams.Shared.PASSWORD}
V5_LOGIN = ['-u', upstreams.Shared.USER, '-P', upstreams.Shared.PASSWORD]
BACKLOG = 60
HANDOVER_S = 50.0  # until messages have crossed a bridge that must first connect again; NATS repeats after 30 s

harness.AT_END.append(upstreams.Shared.close)


class Scene:
    """A gateway with the bridge `up` to the shared upstream, behind a proxy: `out/...` here is TOPIC/up/... there, and
    TOPIC/down/... there is `in/...` here."""

    def __init__(self, context, name, routes=None, password=upstreams.Shared.PASSWORD, kind=None, is_web=False,
                 queue=None, **settings):
        self.context = context
        self.upstream = upstreams.Shared.get(name, context.folder, context.options)
        self.features = self.upstream.features
        self.up, self.down = f'{context.topic}/up/', f'{context.topic}/down/'
        self.proxy = fp.FaultProxy(self.upstream.ws_port if is_web else self.upstream.port, free_port())
        context.adopt(self.proxy)
        if routes is None:
            routes = [Route('out', '#', 'out/', self.up, self.features.qos_out),
                      Route('in', '#', 'in/', self.down, self.features.qos_in)]
        self.password_file = self.upstream.path(f'{context.client_id}.password')
        self.set_password(password)
        settings = {'user': LOGIN['user'], 'password_file': self.password_file, **settings}
        web = {'scheme': 'ws', 'path': self.upstream.ws_path} if is_web else {}
        self.bridge = Bridge(self.proxy.port, f'gw-{context.client_id}', routes, kind=kind or name, settings=settings,
                             queue=queue or {}, **web)
        self.gateway = LedgeGateway(context.folder, context.options, [self.bridge])
        context.adopt(self.gateway)

    def set_password(self, text):
        self.upstream.write(f'{self.context.client_id}.password', text + '\n')

    def start(self):
        self.gateway.start()
        self.await_state('1')
        return self

    def near(self, client_id=None, **more):
        """A client of the gateway; with a name it keeps its session."""
        return self._peer(self.gateway.port, client_id, {}, more)

    def far(self, client_id=None, **more):
        return self._peer(self.upstream.port, client_id, LOGIN, more)

    def _peer(self, port, client_id, login, more):
        peer = Peer(port, f'{self.context.client_id}-{client_id or free_port()}', clean=client_id is None, **login,
                    **more)
        self.context.adopt(peer)
        return peer

    def await_state(self, value, deadline_s=HANDOVER_S):
        await_state(self.near(), value, deadline_s)


def await_state(peer, value, deadline_s=HANDOVER_S):
    """Waits until the state of the bridge is `value`: 1 = messages flow in both directions."""
    peer.subscribe(STATE, 0)
    seen = []
    end = time.monotonic() + deadline_s
    while value not in seen[-1:]:
        left = end - time.monotonic()
        try:
            check(left > 0, '')
            seen.append(peer.message(left).payload.decode())
        except AssertionError:
            raise AssertionError(f'{STATE} should become {value!r}, was {seen}') from None
    peer.close()
    return seen


def expect(peer, *messages):
    """Exactly these come next: (topic, payload, QoS, RETAIN)."""
    for message in messages:
        got = peer.message()
        check((got.topic, got.payload, got.qos, got.retain) == message, f'expected {message}, got {got}')


def expect_numbers(peer, topics, count, what, in_order=True):
    """Each topic delivers 0 ... count - 1; first arrivals in order, repetitions are allowed (QoS 1)."""
    arrived = {topic: [] for topic in topics}
    end = time.monotonic() + HANDOVER_S
    while any(len(numbers) < count for numbers in arrived.values()):
        try:
            message = peer.message(max(end - time.monotonic(), 0.01))
        except AssertionError:
            missing = {topic: sorted(set(range(count)) - set(numbers)) for topic, numbers in arrived.items()}
            raise AssertionError(f'{what}: missing {missing}') from None
        numbers = arrived[message.topic]
        if int(message.payload) not in numbers:
            numbers.append(int(message.payload))
    for topic, numbers in arrived.items():
        check(not in_order or numbers == list(range(count)), f'{what}: {topic} out of order: {numbers}')


def publish_numbers(peer, topics, numbers, qos=1):
    for number in numbers:
        for topic in topics:
            peer.publish(topic, str(number), qos)


def each_upstream(text, needs=lambda features: True):
    """Registers the case for each upstream for which `needs` holds. The cases of one upstream stand together: the list
    below decides, not the order of registration."""

    def register(function):
        TEXTS.append((text, needs, function))
        return function

    return register


TEXTS = []


@each_upstream('messages of each QoS go out and come in, once and unchanged, at the QoS that the upstream can')
def _both_ways(context, name):
    scene = Scene(context, name).start()
    features = scene.features
    far, near = scene.far(), scene.near()
    far.subscribe(scene.up + '#', 2)
    near.subscribe('in/#', 2)
    sender, remote = scene.near(), scene.far()
    for qos in (0, 1, 2):
        payload = bytes(range(256)) * 4 + bytes([qos])
        sender.publish(f'out/q/{qos}', payload, qos)
        expect(far, (f'{scene.up}q/{qos}', payload, min(qos, features.qos_out, features.qos_in), False))
        if qos <= features.qos_out or name == 'activemq':  # what the upstream takes from its own clients
            remote.publish(f'{scene.down}q/{qos}', payload, qos)
            expect(near, (f'in/q/{qos}', payload, min(qos, features.qos_in), False))
    check(not far.collect() and not near.collect(), 'a second copy has arrived')


@each_upstream('with upstream = "auto" and QoS 2 in the routes messages pass, at the QoS that the bridge then uses')
def _auto(context, name):
    routes = [Route('out', '#', 'out/', f'{context.topic}/up/', 2),
              Route('in', '#', 'in/', f'{context.topic}/down/', 2)]
    scene = Scene(context, name, kind='auto', routes=routes).start()
    far, near = scene.far(), scene.near()
    far.subscribe(scene.up + '#', 2)
    near.subscribe('in/#', 2)
    for qos in (1, 2):
        scene.near().publish('out/x', str(qos), qos)
        message = far.message()
        check(message.payload == str(qos).encode() and message.qos >= 1, f'got {message}')
    scene.far().publish(scene.down + 'x', 'in', 1)
    expect(near, ('in/x', b'in', 1, False))
    check(not far.collect() and not near.collect(), 'a second copy has arrived')


@each_upstream('over WebSocket messages pass both ways, also after the connection was cut',
               needs=lambda features: features.has_websocket)
def _websocket(context, name):
    scene = Scene(context, name, is_web=True).start()
    far, near = scene.far(), scene.near()
    far.subscribe(scene.up + '#', 1)
    near.subscribe('in/#', 1)
    for text in ('first', 'again'):
        scene.near().publish(f'out/{text}', text * 1000, 1)
        await_topic(far, scene.up + text, text.encode() * 1000)
        scene.far().publish(scene.down + text, text * 1000, 1)
        await_topic(near, f'in/{text}', text.encode() * 1000)
        scene.proxy.drop_all()


@each_upstream('over WebSocket with compression = true messages pass both ways, compressed if the upstream agrees',
               needs=lambda features: features.has_websocket)
def _compressed(context, name):
    scene = Scene(context, name, is_web=True, compression=True).start()
    agrees = ' bridge_not_compressed ' not in scene.gateway.log_text()
    check(agrees == scene.features.compresses, f'{name} {"compresses" if agrees else "does not compress"}')
    far, near = scene.far(), scene.near()
    far.subscribe(scene.up + '#', 1)
    near.subscribe('in/#', 1)
    sender, remote = scene.near(), scene.far()
    before, size = scene.proxy.counts(), 0
    for number in range(200):
        text = json.dumps({'sensor': number % 5, 'celsius': 20 + number * 37 % 100 / 10, 'unit': 'C'})
        sender.publish('out/readings/press-7/temperature', text, 1)
        expect(far, (scene.up + 'readings/press-7/temperature', text.encode(), 1, False))
        remote.publish(scene.down + 'orders/press-7/temperature', text, 1)
        expect(near, ('in/orders/press-7/temperature', text.encode(), 1, False))
        size += len(text) + len(scene.up) + len('readings/press-7/temperature')
    after = scene.proxy.counts()
    check(after['accepted'] == before['accepted'], 'the bridge has connected again')
    # Acknowledgements are in these bytes, too. What an upstream compresses is its own decision.
    for way, most in ((fp.UP, 0.6), (fp.DOWN, 0.9)):
        ratio = (after[way] - before[way]) / size
        check(not agrees or ratio < most, f'{way}: {ratio:.2f} bytes for each byte of topics and payloads')


def await_topic(peer, topic, payload):
    """The next message on this topic has this payload; repetitions of earlier ones are allowed (QoS 1)."""
    message = peer.message()
    while message.topic != topic:
        message = peer.message()
    check(message.payload == payload, f'{topic}: another payload of {len(message.payload)} bytes')


@each_upstream('a topic that no route names stays where it is, and no message comes back by the other direction')
def _prefixes(context, name):
    scene = Scene(context, name).start()
    far, near = scene.far(), scene.near()
    far.subscribe(context.topic + '/#', 1)
    near.subscribe('#', 1)
    sender, remote = scene.near(), scene.far()
    for topic in ('other', 'in/other', 'out', 'out/last'):
        sender.publish(topic, topic, 1)
    # 'out/#' matches its parent 'out', too, whose name beyond is the prefix without its slash.
    expect(far, (scene.up.rstrip('/'), b'out', 1, False), (scene.up + 'last', b'out/last', 1, False))
    for topic in ('other', 'up/other', 'down/last'):
        remote.publish(f'{context.topic}/{topic}', topic, 1)
    for topic in ('other', 'in/other', 'out', 'out/last'):
        expect(near, (topic, topic.encode(), 1, False))
    expect(near, ('in/last', b'down/last', 1, False))
    for topic in ('other', 'up/other', 'down/last'):
        expect(far, (f'{context.topic}/{topic}', topic.encode(), 1, False))
    check(not far.collect() and not near.collect(), 'more has arrived')


@each_upstream('a retained message goes out as retained, and one of the upstream is retained here')
def _retained(context, name):
    topic = context.topic
    scene = Scene(context, name, routes=[
        Route('out', 'kept', 'out/', f'{topic}/up/', 1), Route('in', 'kept', 'in/', f'{topic}/down/', 1)])
    scene.far().publish(scene.down + 'kept', 'theirs', 1, retain=True)
    scene.start()
    scene.near().publish('out/kept', 'ours', 1, retain=True)
    live = scene.far()
    live.subscribe(scene.up + 'kept', 1)
    check(live.message().payload == b'ours', 'the message did not go out')
    late = scene.far()
    late.subscribe(scene.up + 'kept', 1)
    expect(late, (scene.up + 'kept', b'ours', 1, True))
    await_retained(scene, 'in/kept', b'theirs')


def await_retained(scene, topic, payload):
    """A new subscriber at the gateway gets this retained message, at the latest after HANDOVER_S."""
    end = time.monotonic() + HANDOVER_S
    while True:
        late = scene.near()
        late.subscribe(topic, 1)
        found = [(message.payload, message.retain) for message in late.collect(0.1)]
        late.close()
        if found == [(payload, True)]:
            return
        check(time.monotonic() < end, f'{topic} should be retained as {payload}, is {found}')


@each_upstream('with republish_retained an upstream that has lost its retained messages gets them again',
               needs=lambda features: not features.retained_survives_stop)
def _republish(context, name):
    scene = Scene(context, name, republish_retained=True).start()
    sender = scene.near()
    sender.publish('out/kept', 'state', 1, retain=True)
    far = scene.far()
    far.subscribe(scene.up + 'kept', 1)
    check(far.message().payload == b'state', 'the message did not go out')
    scene.upstream.restart()
    end = time.monotonic() + HANDOVER_S
    while True:
        late = scene.far()
        late.subscribe(scene.up + 'kept', 1)
        if [message.payload for message in late.collect(0.3)] == [b'state']:
            return
        check(time.monotonic() < end, 'the upstream has no retained message again')


@each_upstream('retained messages of the upstream come in by a route with a wildcard, too',
               needs=lambda features: features.retained_for_wildcards)
def _retained_wildcard(context, name):
    scene = Scene(context, name)
    scene.far().publish(scene.down + 'a/b', 'theirs', 1, retain=True)
    scene.start()
    await_retained(scene, 'in/a/b', b'theirs')


@each_upstream('properties of MQTT 5 go out and come in', needs=lambda features: features.speaks_v5)
def _properties(context, name):
    scene = Scene(context, name).start()
    for port, login, topic, other, other_login, other_topic in (
            (scene.gateway.port, [], 'out/p', scene.upstream.port, V5_LOGIN, scene.up + 'p'),
            (scene.upstream.port, V5_LOGIN, scene.down + 'p', scene.gateway.port, [], 'in/p')):
        form = 'MSG %C|%D|%R|%P|%E|%p'
        child = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', other, '-V', 'mqttv5', '-q', 1,
                             '-d', '-F', form, '-t', other_topic, *other_login])
        child.line(r'^Subscribed \(mid')
        properties = {'content-type': 'text/x', 'correlation-data': 'c-7', 'message-expiry-interval': '600'}
        arguments = [part for key, value in properties.items() for part in ('-D', 'publish', key, value)]
        sender = context.run(['mosquitto_pub', '-p', port, '-V', 'mqttv5', '-q', 1, '-t', topic, '-m', 'text',
                              *arguments, '-D', 'publish', 'user-property', 'unit', 'K', *login])
        check(sender.finish()[0] == 0, f'mosquitto_pub: {sender.errors()}')
        kind, correlation, response, user, expiry, text = child.line('^MSG ')[4:].split('|')
        check((kind, correlation, response, text) == ('text/x', 'c-7', '', 'text'), f'got {child.lines[-1]}')
        check('unit:K' in user, f'the user property is missing: {user!r}')
        check(590 <= int(expiry) <= 600, f'the expiry is {expiry}')


@each_upstream('messages that wait while the upstream is stopped arrive in order when it is back')
def _backlog(context, name):
    scene = Scene(context, name).start()
    far = scene.far('far')
    far.subscribe(scene.up + '#', 1)
    far.close()
    sender = scene.near()
    sender.publish('out/a', '0', 1)
    scene.upstream.stop()
    topics = ['out/a', 'out/b', 'out/c']
    sender.publish('out/b', '0', 1)
    sender.publish('out/c', '0', 1)
    publish_numbers(sender, topics, range(1, BACKLOG))
    scene.proxy.set(fp.reset_storm())  # an upstream that has lost its sessions: first the subscriber, then the bridge
    scene.upstream.start()
    far = scene.far('far')
    far.subscribe(scene.up + '#', 1)
    scene.proxy.set(fp.PASS)
    topics = [scene.up + letter for letter in 'abc']
    if not scene.features.queue_survives_stop:
        sender.publish('out/a', str(BACKLOG), 1)
        expect_from(far, topics, BACKLOG, first={topics[0]: 1})
    else:
        expect_numbers(far, topics, BACKLOG, 'out', in_order=scene.features.keeps_order_offline)


def expect_from(peer, topics, count, first):
    """Like expect_numbers, but a topic may begin with a later number: what the upstream had is lost with it."""
    arrived = {topic: [] for topic in topics}
    end = time.monotonic() + HANDOVER_S
    while any(not numbers or numbers[-1] < count - 1 for numbers in arrived.values()):
        message = peer.message(max(end - time.monotonic(), 0.01))
        if int(message.payload) not in arrived[message.topic]:
            arrived[message.topic].append(int(message.payload))
    for topic, numbers in arrived.items():
        begin = first.get(topic, 0)
        wanted = [list(range(start, count)) for start in range(begin + 1)]
        check([n for n in numbers if n < count] in wanted, f'{topic} has a gap or is out of order: {numbers}')


@each_upstream('messages that the upstream keeps while the gateway is stopped arrive in order when it is back')
def _inbound_backlog(context, name):
    scene = Scene(context, name).start()
    near = scene.near('near')
    near.subscribe('in/#', 1)
    near.close()
    scene.gateway.stop()
    topics = [scene.down + letter for letter in 'abc']
    publish_numbers(scene.far(), topics, range(BACKLOG))
    scene.gateway.start()
    expect_numbers(scene.near('near'), ['in/a', 'in/b', 'in/c'], BACKLOG, 'in')


@each_upstream('SIGKILL of the upstream between messages loses none of them',
               needs=lambda features: features.queue_survives_kill)
def _kill_upstream(context, name):
    scene = Scene(context, name).start()
    far = scene.far('far')
    far.subscribe(scene.up + '#', 1)
    far.close()
    sender = scene.near()
    topics = ['out/a', 'out/b']
    publish_numbers(sender, topics, range(BACKLOG))
    scene.upstream.kill()
    publish_numbers(sender, topics, range(BACKLOG, 2 * BACKLOG))
    scene.upstream.start()
    expect_numbers(scene.far('far'), [scene.up + 'a', scene.up + 'b'], 2 * BACKLOG, 'out',
                   in_order=scene.features.keeps_order_offline)


@each_upstream('an upstream that has lost all sessions by SIGKILL gets the messages that it had not acknowledged',
               needs=lambda features: not features.queue_survives_kill)
def _kill_forgetful(context, name):
    scene = Scene(context, name).start()
    sender = scene.near()
    scene.upstream.kill()
    publish_numbers(sender, ['out/a', 'out/b'], range(BACKLOG))
    scene.proxy.set(fp.reset_storm())
    scene.upstream.start()
    far = scene.far()
    far.subscribe(scene.up + '#', 1)
    near = scene.near()
    near.subscribe('in/#', 1)
    scene.proxy.set(fp.PASS)
    expect_numbers(far, [scene.up + 'a', scene.up + 'b'], BACKLOG, 'out')
    scene.await_state('1')
    scene.far().publish(scene.down + 'x', 'again', 1)
    expect(near, ('in/x', b'again', 1, False))


@each_upstream('SIGKILL of the gateway between messages loses none, in either direction')
def _kill_gateway(context, name):
    scene = Scene(context, name).start()
    far = scene.far('far')
    far.subscribe(scene.up + '#', 1)
    near = scene.near('near')
    near.subscribe('in/#', 1)
    near.close()
    publish_numbers(scene.near(), ['out/a', 'out/b'], range(BACKLOG))
    remote = scene.far()
    publish_numbers(remote, [scene.down + 'a'], range(BACKLOG))
    scene.gateway.kill()
    publish_numbers(remote, [scene.down + 'a'], range(BACKLOG, 2 * BACKLOG))
    scene.gateway.start()
    expect_numbers(far, [scene.up + 'a', scene.up + 'b'], BACKLOG, 'out')
    expect_numbers(scene.near('near'), ['in/a'], 2 * BACKLOG, 'in', in_order=scene.features.keeps_order_offline)


@each_upstream('a connection cut in the middle of messages costs none of them')
def _cut(context, name):
    scene = Scene(context, name).start()
    far, near = scene.far(), scene.near()
    far.subscribe(scene.up + '#', 1)
    near.subscribe('in/#', 1)
    sender, remote = scene.near(), scene.far()
    for number in range(BACKLOG):
        if number % 20 == 10:
            scene.proxy.set(fp.cut(150, fp.UP if number % 40 == 10 else fp.DOWN, once=True))
        sender.publish('out/a', str(number), 1)
        remote.publish(scene.down + 'a', str(number), 1)
    scene.proxy.set(fp.PASS)
    expect_numbers(far, [scene.up + 'a'], BACKLOG, 'out')
    expect_numbers(near, ['in/a'], BACKLOG, 'in', in_order=scene.features.keeps_order_offline)


@each_upstream('a wrong password is told, local clients are served, and messages wait until the password is right')
def _password(context, name):
    scene = Scene(context, name, password='wrong')
    far = scene.far()
    far.subscribe(scene.up + '#', 1)
    scene.gateway.start()
    line = scene.gateway.log_line(r'(?i) bridge_.*(credential|password|not_authorized|not authorized)')
    check('wrong' not in line.split(), f'the log shows the password: {line}')
    scene.near().publish('out/x', 'waits', 1)
    scene.set_password(upstreams.Shared.PASSWORD)
    scene.gateway.restart()
    expect(far, (scene.up + 'x', b'waits', 1, False))


@each_upstream('$SYS tells retained whether the bridge is connected, also after the upstream has gone and come back')
def _state(context, name):
    scene = Scene(context, name).start()
    told = facts(scene)
    told.pop('connected_s', None)  # comes with the figures, later
    check(told == {'state': '1', 'stage': 'running', 'server': scene.bridge.url(), 'connections': '1'},
          f'while connected: {told}')
    scene.proxy.set(fp.reset_storm())
    scene.await_state('0')
    told = facts(scene)
    check(told.get('stage') in ('pausing', 'connecting', 'ending') and told.get('reason'), f'while interrupted: {told}')
    scene.proxy.set(fp.PASS)
    scene.await_state('1')


def facts(scene):
    """What $SYS tells about the bridge, retained: {fact: text}, without queue/messages. An empty reason is not there:
    in MQTT a retained message without payload is none."""
    peer = scene.near()
    peer.subscribe(FACTS + '+', 0)
    found = peer.collect()
    check(all(message.retain for message in found), f'not retained: {found}')
    peer.close()
    return {message.topic.removeprefix(FACTS): message.payload.decode() for message in found}


for _name in upstreams.KINDS:
    for _text, _needs, _function in TEXTS:
        if not _needs(upstreams.FEATURES[_name]):
            continue

        @case(_text, GROUP.format(_name), needs_ledge=True, quick=_name in ('mosquitto', 'ledgemq'))
        def _registered(context, name=_name, function=_function):
            function(context, name)
