"""Debian's mosquitto_pub, mosquitto_sub and mosquitto_rr in every protocol version they speak."""
import hashlib
import os
import signal

from harness import case, check

GROUP = 'mosquitto clients'
VERSIONS = {'3.1': 'mqttv31', '3.1.1': 'mqttv311', '5': 'mqttv5'}
FORMAT = 'MSG %t|%q|%r|%p'


def subscribe(context, topic, *more, version='3.1.1', qos=2, form=FORMAT, port=None):
    """A mosquitto_sub whose subscription the broker has acknowledged."""
    child = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', port or context.port, '-V',
                         VERSIONS[version], '-q', qos, '-d', '-F', form, '-t', topic, *more])
    child.line(r'^Subscribed \(mid')
    return child


def publish(context, topic, *more, version='3.1.1', qos=0):
    child = context.run(['mosquitto_pub', '-h', '127.0.0.1', '-p', context.port, '-V', VERSIONS[version], '-q', qos,
                         '-t', topic, *more])
    code, out = child.finish()
    check(code == 0, f'mosquitto_pub ended with {code}: {out} {child.errors()}')


def expect(subscriber, *messages):
    """The subscriber prints exactly these messages next, in this order (topic|qos|retained|payload)."""
    for message in messages:
        line = subscriber.line('^MSG ')
        check(line == f'MSG {message}', f'expected {message!r}, got {line!r}')


def end_marker(context, subscriber, topic):
    """What arrives before a marker published last is all there is."""
    publish(context, topic, '-m', 'end', qos=1)
    return subscriber.line('^MSG ')


def each_qos():
    for version in VERSIONS:
        for qos in (0, 1, 2):
            yield version, qos


for _version, _qos in each_qos():
    @case(f'{_version}: a QoS {_qos} message arrives once', GROUP)
    def _delivery(context, version=_version, qos=_qos):
        subscriber = subscribe(context, context.topic + '/#', version=version)
        publish(context, context.topic + '/x', '-m', 'hello', version=version, qos=qos)
        expect(subscriber, f'{context.topic}/x|{qos}|0|hello')
        check(end_marker(context, subscriber, context.topic + '/end').endswith('|end'), 'a second copy arrived')

    @case(f'{_version}: a QoS 2 message reaches a QoS {_qos} subscription at QoS {_qos}', GROUP)
    def _downgrade(context, version=_version, qos=_qos):
        subscriber = subscribe(context, context.topic, version=version, qos=qos)
        publish(context, context.topic, '-m', 'x', qos=2)
        expect(subscriber, f'{context.topic}|{qos}|0|x')


for _version in VERSIONS:
    @case(f'{_version}: a retained message reaches a later subscriber, an empty one clears it', GROUP)
    def _retained(context, version=_version):
        publish(context, context.topic + '/a', '-r', '-m', 'kept', version=version, qos=1)
        publish(context, context.topic + '/b', '-r', '-m', 'other', version=version)
        subscriber = subscribe(context, context.topic + '/a', version=version)
        expect(subscriber, f'{context.topic}/a|1|1|kept')
        publish(context, context.topic + '/a', '-r', '-n', version=version)
        expect(subscriber, f'{context.topic}/a|0|0|')
        late = subscribe(context, context.topic + '/+', version=version)
        expect(late, f'{context.topic}/b|0|1|other')
        check(end_marker(context, late, context.topic + '/end').endswith('|end'), 'the cleared message came back')

    # mosquitto_sub leaves with the reason code "disconnect with will" in version 5, which asks for the will.
    @case(f'{_version}: a will is published when the client dies, not when it leaves without it', GROUP)
    def _will(context, version=_version):
        watcher = subscribe(context, context.topic + '/#', version=version)
        will = ['--will-topic', context.topic + '/will', '--will-payload', 'gone', '--will-qos', '1']
        leaving = subscribe(context, 'none', *will, '-i', context.client_id + 'a', version=version)
        leaving.signal(signal.SIGINT)
        leaving.finish()
        if version == '5':
            expect(watcher, f'{context.topic}/will|1|0|gone')
        dying = subscribe(context, 'none', *will, '-i', context.client_id + 'b', version=version)
        publish(context, context.topic + '/between', '-m', 'marker', qos=1)
        expect(watcher, f'{context.topic}/between|1|0|marker')
        dying.process.kill()
        expect(watcher, f'{context.topic}/will|1|0|gone')

    @case(f'{_version}: a payload of 200 KB arrives as it was', GROUP)
    def _large(context, version=_version):
        payload = os.urandom(200_000)
        path = os.path.join(context.folder, context.client_id)
        with open(path, 'wb') as file:
            file.write(payload)
        subscriber = subscribe(context, context.topic, version=version, form='MSG %l %x')
        publish(context, context.topic, '-f', path, version=version, qos=1)
        _, length, hexadecimal = subscriber.line('^MSG ').split(' ')
        check(int(length) == len(payload), f'{length} bytes arrived')
        digest = hashlib.sha256(bytes.fromhex(hexadecimal)).digest()
        check(digest == hashlib.sha256(payload).digest(), 'the payload has changed')

    @case(f'{_version}: a persistent session gets what was published while it was away, in order', GROUP)
    def _offline(context, version=_version):
        session = ['-c', '-i', context.client_id]
        first = subscribe(context, context.topic, *session, version=version)
        first.signal(signal.SIGINT)
        first.finish()
        for number in range(10):
            publish(context, context.topic, '-m', str(number), qos=1 + number % 2)
        again = subscribe(context, context.topic, *session, version=version)
        numbers = [int(line.split('|')[3]) for line in again.lines if line.startswith('MSG ')]
        while len(numbers) < 10:
            numbers.append(int(again.line('^MSG ').split('|')[3]))
        # The order is promised per QoS [MQTT-4.6.0-6]: the handshake of QoS 2 is longer.
        check(sorted(numbers) == list(range(10)), f'got {numbers}')
        for qos in (0, 1):
            one_qos = [n for n in numbers if n % 2 == qos]
            check(one_qos == sorted(one_qos), f'out of order: {numbers}')

    @case(f'{_version}: a wildcard at the front does not match $SYS, a $SYS filter does', GROUP)
    def _sys(context, version=_version):
        system = subscribe(context, '$SYS/broker/version', version=version)
        check(system.line('^MSG ').startswith('MSG $SYS/broker/version|'), 'no version')
        everything = subscribe(context, '#', version=version)
        publish(context, context.topic, '-m', 'x')
        while True:
            line = everything.line('^MSG ')
            check(not line.startswith('MSG $'), f'# matched {line}')
            if line.startswith(f'MSG {context.topic}|'):
                break

    @case(f'{_version}: members of a shared subscription divide the messages', GROUP)
    def _shared(context, version=_version):
        # Shared subscriptions are part of MQTT 5; 3.x clients get them too, as with other brokers.
        members = [subscribe(context, f'$share/group/{context.topic}', version=version) for _ in range(2)]
        text = ''.join(f'{n}\n' for n in range(20))
        publisher = context.run(['mosquitto_pub', '-h', '127.0.0.1', '-p', context.port, '-q', 1, '-t', context.topic,
                                 '-l'])
        code, _ = _feed(publisher, text)
        check(code == 0, f'mosquitto_pub ended with {code}')
        got = []
        for member in members:
            for _ in range(10):
                got.append(int(member.line('^MSG ').split('|')[3]))
        check(sorted(got) == list(range(20)), f'got {sorted(got)}')


def _feed(child, text):
    child.process.stdin.write(text.encode())
    return child.finish()


@case('100 clients get one message each', GROUP, quick=False)
def _hundred(context):
    clients = [context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', context.port, '-d', '-F', FORMAT,
                            '-t', context.topic, '-C', 1]) for _ in range(100)]
    for client in clients:
        client.line(r'^Subscribed \(mid')
    publish(context, context.topic, '-m', 'all')
    for client in clients:
        expect(client, f'{context.topic}|0|0|all')
        check(client.finish()[0] == 0, 'a client failed')


@case('5: properties of a PUBLISH reach the subscriber', GROUP)
def _properties(context):
    subscriber = subscribe(context, context.topic, version='5', form='MSG %C|%R|%D|%P|%F')
    publish(context, context.topic, '-m', '{}', version='5', qos=1, *_property_arguments({
        'content-type': 'application/json', 'response-topic': 'answers/1', 'correlation-data': 'c-7',
        'payload-format-indicator': '1'}), )
    check(subscriber.line('^MSG ') == 'MSG application/json|answers/1|c-7||1', subscriber.lines[-1])
    publish(context, context.topic, '-m', 'x', '-D', 'publish', 'user-property', 'unit', 'K', '-D', 'publish',
            'user-property', 'unit', 'C', version='5')
    line = subscriber.line('^MSG ')
    check(line.index('unit:K') < line.index('unit:C'), f'user properties out of order: {line}')


def _property_arguments(properties):
    return [part for name, value in properties.items() for part in ('-D', 'publish', name, value)]


@case('5: a message that expires while its receiver is away is not delivered', GROUP)
def _expiry(context):
    session = ['-c', '-i', context.client_id, '-x', '600']
    first = subscribe(context, context.topic, *session, version='5')
    first.signal(signal.SIGINT)
    first.finish()
    publish(context, context.topic, '-m', 'short', '-D', 'publish', 'message-expiry-interval', '1', version='5', qos=1)
    publish(context, context.topic, '-m', 'long', '-D', 'publish', 'message-expiry-interval', '600', version='5', qos=1)
    waiter = context.run(['mosquitto_sub', '-h', '127.0.0.1', '-p', context.port, '-t', 'nothing', '-W', '3'])
    check(waiter.finish()[0] == 27, 'mosquitto_sub -W ends with 27')  # three seconds have passed for real
    again = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', context.port, '-V', 'mqttv5', '-q',
                         '2', '-F', 'MSG %E|%p', '-t', context.topic, '-C', '1', *session])
    remaining, payload = again.line('^MSG ')[4:].split('|')
    check(payload == 'long', f'got {payload}')
    check(0 < int(remaining) < 600, f'the waiting time was not subtracted: {remaining}')


@case('5: retain as published and retain handling', GROUP)
def _retain_options(context):
    publish(context, context.topic, '-r', '-m', 'old', version='5')
    plain = subscribe(context, context.topic, version='5')
    expect(plain, f'{context.topic}|0|1|old')
    kept = subscribe(context, context.topic, '--retain-as-published', version='5')
    expect(kept, f'{context.topic}|0|1|old')
    publish(context, context.topic, '-r', '-m', 'new', version='5')
    expect(plain, f'{context.topic}|0|0|new')
    expect(kept, f'{context.topic}|0|1|new')


@case('5: overlapping subscriptions keep the highest QoS', GROUP)
def _overlap(context):
    both = subscribe(context, context.topic + '/#', '-t', context.topic + '/a', version='5', qos=2)
    publish(context, context.topic + '/a', '-m', 'x', qos=2, version='5')
    expect(both, f'{context.topic}/a|2|0|x')


for _version in VERSIONS:
    @case(f'{_version}: a second client with the same id takes over', GROUP)
    def _takeover(context, version=_version):
        name = ['-i', context.client_id]
        first = subscribe(context, context.topic, *name, version=version)
        second = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', context.port, '-V',
                              VERSIONS[version], '-d', '-F', FORMAT, '-t', context.topic, *name])
        second.line(r'^Subscribed \(mid')
        # A 3.x client loses the connection and comes back, which takes over in turn; a version 5 client is told 0x8E.
        first.line(r'sending CONNECT|DISCONNECT \(142\)')
        first.close()


for _version in ('3.1.1', '5'):
    @case(f'{_version}: mosquitto_rr gets its answer', GROUP)
    def _request(context, version=_version):
        answers = f'{context.topic}/answers'
        watcher = subscribe(context, f'{context.topic}/ask', version='5', form='MSG %R|%D|%p')
        data = ['-D', 'publish', 'correlation-data', 'c-1'] if version == '5' else []
        asking = context.run(['stdbuf', '-oL', 'mosquitto_rr', '-h', '127.0.0.1', '-p', context.port, '-V',
                              VERSIONS[version], '-q', '1', '-t', f'{context.topic}/ask', '-e', answers, '-m', '2+2',
                              '-W', '15', *data])
        asked = watcher.line('^MSG ')
        expected = f'MSG {answers}|c-1|2+2' if version == '5' else 'MSG ||2+2'
        check(asked == expected, f'the question arrived as {asked!r}')
        publish(context, answers, '-m', '4', version='5', *data)
        code, out = asking.finish()
        check(code == 0 and out.strip() == '4', f'mosquitto_rr ended with {code}: {out}')
