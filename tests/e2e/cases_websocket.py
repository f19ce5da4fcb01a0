"""MQTT over WebSocket: MQTT.js, and frames that are right, odd or wrong, from a client that sends what it is told."""
import os
import socket
import time
import zlib

import cases_libraries
from harness import case, check, connect_packet, cpu_s, packet, prefixed, publish_packet, subscribe_packet
from websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_payload, connect, frame, read_answer,
                       start_broker, upgrade_request)

UPGRADE, FRAMES, LIMITS = 'WebSocket upgrade', 'WebSocket frames', 'WebSocket limits'
NORMAL, PROTOCOL_ERROR, UNSUPPORTED, BAD_PAYLOAD, TOO_BIG = 1000, 1002, 1003, 1007, 1009

MQTTJS = {'3.1': ['qos1'], '3.1.1': cases_libraries.EVERY_VERSION + ['will'],
          '5': cases_libraries.EVERY_VERSION + ['will', 'aliases', 'properties']}

for _version, _cases in MQTTJS.items():
    for _which in _cases:
        @case(f'{_version}: {cases_libraries.MEANING[_which]}', 'MQTT.js over WebSocket', needs_ledge=True)
        def _mqttjs(context, version=_version, which=_which):
            broker = start_broker(context)
            cases_libraries.run_mqttjs(context, version, which, f'ws://127.0.0.1:{broker.ws_port}/mqtt')


for _version in ('3.1.1', '5'):
    for _which in ('qos2', 'retained', 'retained_burst', 'large', 'persistent'):
        @case(f'{_version}: {cases_libraries.MEANING[_which]}', 'Paho C over WebSocket', needs_ledge=True)
        def _paho_c(context, version=_version, which=_which):
            broker = start_broker(context, path='')
            program = os.path.join(context.options.build, 'tests/e2e/paho_c_client')
            child = context.run([program, version, which, f'ws://127.0.0.1:{broker.ws_port}', context.client_id])
            code, out = child.finish(40)
            check(code == 0 and out.strip() == 'ok', f'ended with {code}: {out} {child.errors()[-500:]}')


def ping_pong(client):
    """The connection works in both directions."""
    client.message(packet(0xC0, b''))
    first, _ = client.read()
    check(first == 0xD0, f'PINGRESP expected, got {first}')


# ---------------------------------------------------------------------------------------------------------------------
# Upgrade

def refusal(context, port, status, **options):
    client = connect(context, port, **options)
    check(client.status == status, f'{status} expected, got {client.status} {client.body}')
    check(client.read_frame() is None, 'the connection stays open')


@case('[MQTT-6.0.0-4] mqtt is chosen, mqttv3.1 where nothing else is offered', UPGRADE, needs_ledge=True)
def _subprotocols(context):
    port = start_broker(context).ws_port
    for offered, chosen in (('mqtt', 'mqtt'), ('mqttv3.1', 'mqttv3.1'), ('mqttv3.1, mqtt', 'mqtt'),
                            ('chat, mqtt', 'mqtt'), (' mqtt ,chat', 'mqtt')):
        client = connect(context, port, headers=[('Sec-WebSocket-Protocol', offered)])
        check(client.status == 101, f'{offered}: {client.status} {client.body}')
        got = client.headers['sec-websocket-protocol']
        check(got == chosen, f'{offered}: {got} was chosen')


@case('[MQTT-6.0.0-3] a client that does not offer mqtt is refused with 400', UPGRADE, needs_ledge=True)
def _no_subprotocol(context):
    port = start_broker(context).ws_port
    for offered in (None, '', 'chat', 'MQTT', 'mqtt5', 'mqtt;q=1'):
        refusal(context, port, 400, headers=[('Sec-WebSocket-Protocol', offered)])


@case('a wrong path, key or version is refused', UPGRADE, needs_ledge=True)
def _wrong_requests(context):
    port = start_broker(context).ws_port
    refusal(context, port, 404, path='/other')
    refusal(context, port, 404, path='/mqtt/')
    for key in (None, 'short', '!' * 22 + '==', 'A' * 24):
        refusal(context, port, 400, headers=[('Sec-WebSocket-Key', key)])
    for version in (None, '8', '14'):
        client = connect(context, port, headers=[('Sec-WebSocket-Version', version)])
        check(client.status in (400, 426), f'{version}: {client.status}')
        check(client.status == 400 or client.headers['sec-websocket-version'] == '13', '426 without the version')


@case('the path is the configured one, a query is no part of it', UPGRADE, needs_ledge=True)
def _path(context):
    port = start_broker(context, path='/live').ws_port
    refusal(context, port, 404)
    check(connect(context, port, path='/live').status == 101, '/live is refused')
    check(connect(context, port, path='/live?token=x').status == 101, 'a query is refused')


@case('without a path in the configuration clients may ask for any', UPGRADE, needs_ledge=True)
def _any_path(context):
    for configured in ('', '/'):
        port = start_broker(context, path=configured).ws_port
        for path in ('/', '/mqtt', '/mqtt/', '/ws', '/a/b?token=x'):
            check(connect(context, port, path=path).status == 101, f'{path} is refused')


@case('each refusal is logged with what was asked and what is served', UPGRADE, needs_ledge=True)
def _refusals_are_logged(context):
    broker = start_broker(context, settings=['listeners.web.websocket.origins=https://dashboard.example'])
    for status, words, options in (
            (404, 'asked=/ws websocket_at=/mqtt', {'path': '/ws'}),
            (400, 'reason="the subprotocol mqtt must be offered" asked=/mqtt',
             {'headers': [('Sec-WebSocket-Protocol', 'chat')]}),
            (403, 'origin=https://evil.example', {'headers': [('Origin', 'https://evil.example')]})):
        refusal(context, broker.ws_port, status, **options)
        line = [line for line in broker.tail().splitlines() if f'status={status}' in line]
        check(line and 'http_refused' in line[-1] and words in line[-1], f'{status}: {broker.tail()}')


@case('pages of other origins are refused, clients without one are not', UPGRADE, needs_ledge=True)
def _origins(context):
    allowed = 'listeners.web.websocket.origins=https://dashboard.example, http://127.0.0.1:8000'
    port = start_broker(context, settings=[allowed]).ws_port
    for origin in ('https://dashboard.example', 'HTTPS://Dashboard.Example', 'http://127.0.0.1:8000', None):
        client = connect(context, port, headers=[('Origin', origin)])
        check(client.status == 101, f'{origin}: {client.status}')
    for origin in ('https://evil.example', 'http://dashboard.example', 'https://dashboard.example.evil', 'null',
                   'https://dashboard.example:8443', ''):
        refusal(context, port, 403, headers=[('Origin', origin)])


@case('X-Forwarded-For is believed from trusted proxies only', UPGRADE, needs_ledge=True)
def _forwarded(context):
    forwarded = [('X-Forwarded-For', '192.0.2.66, 203.0.113.9, 10.1.2.3')]
    distrustful = start_broker(context)
    connect(context, distrustful.ws_port, headers=forwarded).open('one')
    check('address=127.0.0.1:' in distrustful.tail(), distrustful.tail())
    check('203.0.113.9' not in distrustful.tail(), distrustful.tail())
    trusting = start_broker(context, settings=['listeners.web.websocket.trusted_proxies=127.0.0.0/8, 10.0.0.0/8'])
    connect(context, trusting.ws_port, headers=forwarded).open('two')
    check('client_id=two user="" address=203.0.113.9 ' in trusting.tail(), trusting.tail())
    connect(context, trusting.ws_port, headers=[('X-Forwarded-For', '203.0.113.9, junk')]).open('three')
    check('client_id=three user="" address=127.0.0.1:' in trusting.tail(), trusting.tail())


@case('a request in single bytes is understood, one that never ends is given up', UPGRADE, needs_ledge=True)
def _slow_request(context):
    broker = start_broker(context, settings=['listeners.web.websocket.handshake_timeout_s=1'])
    slow = context.connect(broker.ws_port)
    slow.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in upgrade_request():
        slow.send(bytes([byte]))
    check(read_answer(slow)[0] == 101, 'no upgrade')
    half, silent = context.connect(broker.ws_port), context.connect(broker.ws_port)
    half.send(upgrade_request()[:50])
    check(read_answer(half)[0] == 408, 'no 408')
    check(half.read()[0] is None, 'still open after 408')
    check(read_answer(silent)[0] is None, 'a silent peer was answered')


@case('bytes that do not wait for the answer to the upgrade are refused', UPGRADE, needs_ledge=True)
def _pipelined(context):
    broker = start_broker(context)
    hasty = context.connect(broker.ws_port)
    hasty.send(upgrade_request() + frame(BINARY, connect_packet('hasty')))
    status, _, body = read_answer(hasty)
    check(status == 400 and b'before the answer' in body, f'{status} {body}')
    ping_pong_after = connect(context, broker.ws_port)
    ping_pong_after.open('patient')
    ping_pong(ping_pong_after)


@case('CONNECT has to come in time after the upgrade', UPGRADE, needs_ledge=True)
def _connect_timeout(context):
    port = start_broker(context, settings=['limits.connect_timeout_s=1']).ws_port
    check(connect(context, port).end() in (NORMAL, None), 'another close code')


@case('connections_max of the listener holds', UPGRADE, needs_ledge=True)
def _connections_max(context):
    port = start_broker(context, settings=['listeners.web.connections_max=2']).ws_port
    for name in ('one', 'two'):
        connect(context, port).open(name)
    third = connect(context, port)
    third.message(connect_packet('three'))
    check(third.read() == (0x20, b'\0\3'), 'a third one was let in')


# ---------------------------------------------------------------------------------------------------------------------
# Frames

@case('packets are split and joined across messages and frames', FRAMES, needs_ledge=True)
def _split_and_joined(context):
    client = connect(context, start_broker(context).ws_port)
    begin = connect_packet(context.client_id) + subscribe_packet('t')
    for byte in begin:
        client.message(bytes([byte]))
    check(client.read()[0] == 0x20 and client.read()[0] == 0x90, 'CONNACK and SUBACK expected')
    publications = [publish_packet('t', str(i).encode() * (i + 1)) for i in range(40)]
    joined = b''.join(publications)
    client.send(frame(BINARY, joined[:1], fin=False) + frame(CONTINUATION, joined[1:50], fin=False) +
                frame(CONTINUATION, b'', fin=False) + frame(CONTINUATION, joined[50:]))
    for i in range(40):
        check(client.read() == (0x30, prefixed('t') + str(i).encode() * (i + 1)), f'publication {i}')
    client.message(b'')
    ping_pong(client)


@case('each packet is a message of its own, however many leave at once', FRAMES, needs_ledge=True)
def _one_packet_per_message(context):
    client = connect(context, start_broker(context).ws_port)
    client.open(context.client_id)
    client.message(packet(0xC0, b'') * 50 + subscribe_packet('t'))
    frames = [client.read_frame() for _ in range(51)]
    check(frames[:50] == [(0x82, b'\xd0\0')] * 50, f'not one PINGRESP each: {frames[:3]}')
    check(frames[50][0] == 0x82 and frames[50][1][:1] == b'\x90', f'SUBACK expected, got {frames[50]}')
    sizes = [1, 119, 120, 121, 122, 300, 5_000, 65_000, 30, 65_520, 66_000, 7, 200_000, 9]
    sent = [publish_packet('t', bytes([65 + i]) * size) for i, size in enumerate(sizes)]
    client.send(b''.join(frame(BINARY, one) for one in sent))
    for i, one in enumerate(sent):  # Paho C understands no fragments
        check(client.read_frame() == (0x80 | BINARY, one), f'message {i} is not a frame with its packet')


@case('each packet is a message of its own with compression too', FRAMES, needs_ledge=True)
def _one_packet_per_compressed_message(context):
    broker = start_broker(context, settings=['listeners.web.websocket.compression=true'])
    client = connect(context, broker.ws_port, headers=[('Sec-WebSocket-Extensions', 'permessage-deflate')])
    check('permessage-deflate' in client.headers.get('sec-websocket-extensions', ''), 'no compression')
    client.open(context.client_id)
    client.message(packet(0xC0, b'') * 20)
    check([client.read_frame() for _ in range(20)] == [(0x82, b'\xd0\0')] * 20, 'not one PINGRESP each')
    client.message(subscribe_packet('t'))
    check(client.read()[0] == 0x90, 'SUBACK expected')
    before = client.frames
    client.message(b''.join(publish_packet('t', b'x' * 1000) for _ in range(10)))
    for _ in range(10):
        check(client.read() == (0x30, prefixed('t') + b'x' * 1000), 'another publication')
    check(client.frames - before == 10, f'{client.frames - before} frames for 10 messages')


@case('control frames come between the fragments of a message', FRAMES, needs_ledge=True)
def _control_between(context):
    client = connect(context, start_broker(context).ws_port)
    whole = connect_packet(context.client_id)
    client.send(frame(BINARY, whole[:5], fin=False) + frame(PING, b'are you there?') +
                frame(CONTINUATION, whole[5:9], fin=False) + frame(PONG, b'nobody asked') +
                frame(CONTINUATION, whole[9:]))
    check(client.read()[0] == 0x20, 'CONNACK expected')
    check(client.pongs == [b'are you there?'], f'pongs {client.pongs}')
    client.send(frame(PING, b'x' * 125) + frame(PING))
    ping_pong(client)
    check(client.pongs[1:] == [b'x' * 125, b''], f'pongs {client.pongs}')


@case('a payload of 900 KB passes both ways, in one frame and in many', FRAMES, needs_ledge=True, quick=False)
def _large(context):
    broker = start_broker(context)
    client = connect(context, broker.ws_port)
    client.open(context.client_id)
    client.subscribe('t')
    payload = bytes(range(256)) * 3600
    whole = publish_packet('t', payload)
    client.send(frame(BINARY, whole))
    check(client.read() == (0x30, prefixed('t') + payload), 'as one frame')
    cut = [whole[at:at + 997] for at in range(0, len(whole), 997)]
    client.send(b''.join(frame(BINARY if i == 0 else CONTINUATION, part, fin=i == len(cut) - 1)
                         for i, part in enumerate(cut)))
    check(client.read() == (0x30, prefixed('t') + payload), 'as many frames')
    frames = client.frames
    client.send(frame(BINARY, whole))
    check(client.read() == (0x30, prefixed('t') + payload) and client.frames == frames + 1, 'not one frame to one')
    other = connect(context, broker.ws_port)
    other.open(context.client_id + '-other')
    other.subscribe('t')
    client.send(frame(BINARY, whole))
    for reader, frames in ((client, client.frames), (other, other.frames)):
        check(reader.read() == (0x30, prefixed('t') + payload) and reader.frames == frames + 1, 'not one frame to two')


WRONG = [
    ('[MQTT-6.0.0-1] a text frame', frame(TEXT, b'hello'), UNSUPPORTED),
    ('an empty text frame', frame(TEXT), UNSUPPORTED),
    ('a text frame that is not UTF-8', frame(TEXT, b'\xff\xfe'), BAD_PAYLOAD),
    ('an unmasked frame', frame(BINARY, b'\xc0\0', masked=False), PROTOCOL_ERROR),
    ('an unmasked ping', frame(PING, b'', masked=False), PROTOCOL_ERROR),
    ('reserved bit 1 without an extension', frame(BINARY, b'\xc0\0', reserved=4), PROTOCOL_ERROR),
    ('reserved bit 2', frame(BINARY, b'\xc0\0', reserved=2), PROTOCOL_ERROR),
    ('reserved bit 3', frame(BINARY, b'\xc0\0', reserved=1), PROTOCOL_ERROR),
    ('a reserved bit on a ping', frame(PING, b'', reserved=4), PROTOCOL_ERROR),
    ('a continuation of nothing', frame(CONTINUATION, b'\xc0\0'), PROTOCOL_ERROR),
    ('a new message inside another', frame(BINARY, b'\xc0', fin=False) + frame(BINARY, b'\0'), PROTOCOL_ERROR),
    ('a fragmented ping', frame(PING, b'x', fin=False), PROTOCOL_ERROR),
    ('a ping of 126 bytes', frame(PING, b'x' * 126), PROTOCOL_ERROR),
    ('a close frame of 126 bytes', frame(CLOSE, close_payload(1000, b'x' * 124)), PROTOCOL_ERROR),
    ('a close frame of one byte', frame(CLOSE, b'\3'), PROTOCOL_ERROR),
    ('a close reason that is not UTF-8', frame(CLOSE, close_payload(1000, b'\xc3\x28')), PROTOCOL_ERROR),
    ('a close code below 1000', frame(CLOSE, close_payload(999)), PROTOCOL_ERROR),
    ('the close code 1005, which stands for none', frame(CLOSE, close_payload(1005)), PROTOCOL_ERROR),
    ('the close code 1006, which stands for a lost connection', frame(CLOSE, close_payload(1006)), PROTOCOL_ERROR),
    ('a length of 64 bits with the highest bit set', frame(BINARY, b'', length=1 << 63, size_bytes=8), None),
    ('a length of 64 bits', frame(BINARY, b'', length=(1 << 63) - 1, size_bytes=8), TOO_BIG),
    ('a length of 16 bits where 7 would do', frame(BINARY, b'\xc0\0', size_bytes=2), PROTOCOL_ERROR),
    ('a length of 64 bits where 16 would do', frame(BINARY, b'\0' * 200, size_bytes=8), PROTOCOL_ERROR),
] + [(f'the reserved opcode {opcode}', frame(opcode, b''), PROTOCOL_ERROR) for opcode in (3, 7, 11, 15)]

for _name, _bytes, _code in WRONG:
    @case(f'{_name}: closed' + (f' with {_code}' if _code else ''), FRAMES, needs_ledge=True)
    def _wrong(context, data=_bytes, code=_code):
        broker = start_broker(context)
        client = connect(context, broker.ws_port)
        client.open(context.client_id)
        client.send(data)
        got = client.end()
        check(code is None or got == code, f'closed with {got}')
        check(broker.process.poll() is None, broker.tail())
        other = connect(context, broker.ws_port)
        other.open('other')
        ping_pong(other)


@case('a close frame is answered with its code, and the will is sent', FRAMES, needs_ledge=True)
def _close(context):
    broker = start_broker(context)
    watcher = context.connect(broker.port)
    watcher.open('watcher')
    watcher.subscribe('will')
    for code in (1000, 1001, 3000, 4999):
        client = connect(context, broker.ws_port)
        with_will = prefixed('MQTT') + bytes([4, 6, 0, 0]) + prefixed('w') + prefixed('will') + prefixed('gone')
        client.message(packet(0x10, with_will))
        check(client.read()[0] == 0x20, 'CONNACK expected')
        client.send(frame(CLOSE, close_payload(code, b'bye')))
        got = client.end()
        check(got == code, f'{code} was answered with {got}')
        check(watcher.read() == (0x30, prefixed('will') + b'gone'), 'no will')


@case('DISCONNECT, a takeover and the end of the broker close with 1000', FRAMES, needs_ledge=True)
def _broker_closes(context):
    broker = start_broker(context)
    leaving = connect(context, broker.ws_port)
    leaving.open('leaving')
    leaving.message(packet(0xE0, b''))
    check(leaving.end() == NORMAL, f'DISCONNECT: {leaving.closed}')
    first, second = connect(context, broker.ws_port), connect(context, broker.ws_port)
    first.open('same', version=5)
    second.open('same', version=5)
    kind, body = first.read()
    check(kind == 0xE0 and body[0] == 0x8E, f'takeover: {kind} {body.hex()}')
    first.send(frame(CLOSE, close_payload(1000)))
    check(first.end() == NORMAL, f'takeover: {first.closed}')
    code = broker.stop()  # although a client does not answer the close frame
    check(code == 0, f'exit code {code}')
    kind, body = second.read()
    check(kind == 0xE0 and body[0] == 0x8B, f'stop: {kind} {body.hex()}')


@case('a peer that sends its close frame and stays is put out', FRAMES, needs_ledge=True)
def _lingering(context):
    broker = start_broker(context)
    client = connect(context, broker.ws_port)
    client.open(context.client_id)
    client.send(frame(CLOSE, close_payload(1000)))
    client.end()
    began = time.monotonic()
    try:
        while time.monotonic() - began < 10:
            client.send(b'x' * 1000)
            time.sleep(0.05)
    except OSError:
        return
    raise AssertionError('it may still send')


@case('a TCP connection that breaks is noticed', FRAMES, needs_ledge=True)
def _broken(context):
    broker = start_broker(context)
    for data in (b'', frame(BINARY, b'x' * 100)[:20], b'\x82'):
        client = connect(context, broker.ws_port)
        client.open('breaking')
        client.send(data)
        client.socket.shutdown(socket.SHUT_WR)
        client.end()
    end = time.monotonic() + 5
    while broker.tail().count('client_disconnected') < 3 and time.monotonic() < end:
        time.sleep(0.01)  # the log comes after the end that the client sees
    check(broker.tail().count('client_disconnected') == 3, broker.tail())


# ---------------------------------------------------------------------------------------------------------------------
# Limits

@case('a message beyond message_bytes_max: closed with 1009', LIMITS, needs_ledge=True)
def _message_too_big(context):
    settings = ['listeners.web.websocket.message_bytes_max=4096', 'limits.max_packet_size_bytes=1024']
    client = connect(context, start_broker(context, settings=settings).ws_port)
    client.open(context.client_id)
    pings = packet(0xC0, b'') * 2048
    client.message(pings)
    for _ in range(2048):
        check(client.read()[0] == 0xD0, '4096 bytes are refused')
    client.send(frame(BINARY, pings, fin=False) + frame(CONTINUATION, packet(0xC0, b'')))
    code = client.end()
    check(code == TOO_BIG, f'closed with {code}')


@case('a packet beyond max_packet_size_bytes is refused as over TCP', LIMITS, needs_ledge=True)
def _packet_too_big(context):
    client = connect(context, start_broker(context).ws_port)
    client.open(context.client_id, version=5)
    client.message(bytes.fromhex('30ffffff7f'))
    first, body = client.read()
    check(first == 0xE0 and body[0] == 0x95, f'got {first} {body.hex()}')


@case('the keep alive holds over WebSocket; pings of the frame layer do not count', LIMITS, needs_ledge=True,
      quick=False)
def _keep_alive(context):
    client = connect(context, start_broker(context).ws_port)
    client.open(context.client_id, version=5, keep_alive_s=1)
    client.send(frame(PING, b'alive'))
    first, body = client.read()
    check(first == 0xE0 and body[0] == 0x8D, f'got {first} {body.hex()}')


@case('ping_interval_s: silence is asked about, and ends when nobody answers', LIMITS, needs_ledge=True, quick=False)
def _ping_interval(context):
    client = connect(context, start_broker(context, settings=['listeners.web.websocket.ping_interval_s=1']).ws_port)
    client.open(context.client_id)
    got = client.read_frame()
    check(got is not None and got[0] == 0x80 | PING, f'a ping expected, got {got}')
    client.send(frame(PONG, got[1]))
    got = client.read_frame()
    check(got is not None and got[0] == 0x80 | PING, f'a second ping expected, got {got}')
    while client.read_frame() is not None:
        pass


DEFLATE = [('Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits')]


def deflated(data):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


@case('compression is not agreed on unless it is configured', LIMITS, needs_ledge=True)
def _no_compression(context):
    client = connect(context, start_broker(context).ws_port, headers=DEFLATE)
    check('sec-websocket-extensions' not in client.headers, f'{client.headers}')


COMPRESSION = ['listeners.web.websocket.compression=true']


@case('compressed messages pass both ways', LIMITS, needs_ledge=True)
def _compression(context):
    client = connect(context, start_broker(context, settings=COMPRESSION).ws_port, headers=DEFLATE)
    check('permessage-deflate' in client.headers.get('sec-websocket-extensions', ''), f'{client.headers}')
    client.send(frame(BINARY, deflated(connect_packet(context.client_id) + subscribe_packet('t')), reserved=4))
    check(client.read()[0] == 0x20 and client.read()[0] == 0x90, 'CONNACK and SUBACK expected')
    payload = b'a compressible text ' * 3000
    squeezed = deflated(publish_packet('t', payload))
    client.send(frame(BINARY, squeezed[:40], fin=False, reserved=4) + frame(PING) + frame(CONTINUATION, squeezed[40:]))
    check(client.read() == (0x30, prefixed('t') + payload), 'the payload did not come back')
    hardly = os.urandom(50_000).hex().encode()  # in many frames, of which the first alone says that it is compressed
    client.send(frame(BINARY, deflated(publish_packet('t', hardly)), reserved=4))
    check(client.read() == (0x30, prefixed('t') + hardly), 'another payload came back')
    client.message(packet(0xC0, b''))  # not everything has to be compressed
    check(client.read()[0] == 0xD0, 'PINGRESP expected')


@case('an inflation bomb is stopped at message_bytes_max', LIMITS, needs_ledge=True)
def _bomb(context):
    broker = start_broker(context, settings=COMPRESSION)
    client = connect(context, broker.ws_port, headers=DEFLATE)
    client.open(context.client_id)
    client.subscribe('none')
    bomb = deflated(publish_packet('t', b'\0' * 100) * 2_000_000)
    check(len(bomb) < 1_000_000, 'that is no bomb')
    began = cpu_s(broker)
    client.socket.settimeout(5)
    try:
        client.send(frame(BINARY, bomb, reserved=4))
    except OSError:
        pass  # it was closed while we sent
    code = client.end()
    used = cpu_s(broker) - began
    check(code in (TOO_BIG, None), f'closed with {code}')
    check(used < 2, f'{used:.2f} s of CPU')
    check(resident_kb(broker) < 60_000, f'{resident_kb(broker)} KB resident')


@case('garbage where compressed bytes should be ends the connection', LIMITS, needs_ledge=True)
def _garbage(context):
    broker = start_broker(context, settings=COMPRESSION)
    for data in (b'\xff' * 50, b'\0', deflated(b'x' * 500)[:-7] + b'\x55' * 30):
        client = connect(context, broker.ws_port, headers=DEFLATE)
        client.open('garbage')
        client.send(frame(BINARY, data, reserved=4) + frame(BINARY, b'\xff' * 50, reserved=4))
        client.end()
    check(broker.process.poll() is None, broker.tail())


@case('a client that does not read is bounded, and costs others nothing', LIMITS, needs_ledge=True, quick=False)
def _slow_reader(context):
    broker = start_broker(context, settings=['limits.outbox_bytes_max=65536'])
    stuck = connect(context, broker.ws_port)
    stuck.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.open('stuck')
    stuck.subscribe('flood')
    sender = connect(context, broker.ws_port)
    sender.open('sender')
    for _ in range(300):
        sender.message(publish_packet('flood', b'x' * 50_000))
    ping_pong(sender)
    check(resident_kb(broker) < 60_000, f'{resident_kb(broker)} KB resident')
    check(broker.stop() == 0, broker.tail())


def resident_kb(broker):
    with open(f'/proc/{broker.process.pid}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS'))
