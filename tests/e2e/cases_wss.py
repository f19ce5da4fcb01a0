"""WebSocket and pages over TLS: the same as over TCP, and what only TLS brings."""
import cases_libraries
from cases_tls import authority, plain_settings
from cases_websocket import NORMAL, PROTOCOL_ERROR, UNSUPPORTED, ping_pong
from harness import RawClient, case, check, connect_packet, packet, prefixed, publish_packet, subscribe_packet
from websocket import (BINARY, CLOSE, CONTINUATION, PING, TEXT, close_payload, connect, frame, http_request,
                       read_answer, start_broker, upgrade_request)

GROUP = 'WebSocket over TLS'


def certificate_lines(context, more=''):
    ca = authority(context)
    return f'certificate = "{ca.path("server.pem")}"\nkey = "{ca.path("server.key")}"\n{more}'


def start(context, more='', **options):
    return start_broker(context, tls=certificate_lines(context, more), **options)


def connect_tls(context, broker, settings=None, **options):
    return connect(context, broker.ws_port, settings=settings or plain_settings(), **options)


for _version, _cases in (('3.1.1', ['qos1', 'persistent', 'large']),
                         ('5', cases_libraries.EVERY_VERSION + ['will', 'aliases', 'properties'])):
    for _which in _cases:
        @case(f'MQTT.js {_version}: {cases_libraries.MEANING[_which]}', GROUP, needs_ledge=True)
        def _mqttjs(context, version=_version, which=_which):
            broker = start(context)
            url = f'wss://localhost:{broker.ws_port}/mqtt'
            cases_libraries.run_mqttjs(context, version, which, url, NODE_EXTRA_CA_CERTS=authority(context).certificate,
                                       NODE_OPTIONS='--dns-result-order=ipv4first')


@case('packets are split and joined, in frames, messages and records', GROUP, needs_ledge=True)
def _split(context):
    client = connect_tls(context, start(context))
    begin = connect_packet(context.client_id) + subscribe_packet('t')
    for byte in begin:
        client.message(bytes([byte]))
    check(client.read()[0] == 0x20 and client.read()[0] == 0x90, 'CONNACK and SUBACK expected')
    payload = bytes(range(256)) * 1600
    whole = publish_packet('t', payload)
    client.send(frame(BINARY, whole[:7], fin=False) + frame(PING, b'?') + frame(CONTINUATION, whole[7:]))
    check(client.read() == (0x30, prefixed('t') + payload), 'the payload did not come back')
    check(client.pongs == [b'?'], f'{client.pongs}')


@case('what is wrong is closed with its code, in order', GROUP, needs_ledge=True)
def _wrong(context):
    broker = start(context)
    for data, code in ((frame(TEXT, b'x'), UNSUPPORTED), (frame(BINARY, b'x', masked=False), PROTOCOL_ERROR),
                       (frame(3), PROTOCOL_ERROR), (frame(CLOSE, close_payload(1001)), 1001)):
        client = connect_tls(context, broker)
        client.open(context.client_id)
        client.send(data)
        got = client.end()
        check(got == code, f'closed with {got} instead of {code}')
    leaving = connect_tls(context, broker)
    leaving.open('leaving')
    leaving.message(packet(0xE0, b''))
    check(leaving.end() == NORMAL, f'DISCONNECT: {leaving.closed}')


@case('pages come over TLS, plain HTTP and plain WebSocket do not', GROUP, needs_ledge=True)
def _pages(context):
    broker = start(context)
    connection = RawClient(broker.ws_port)
    context.adopt(connection)
    connection.socket = plain_settings().wrap_socket(connection.socket)
    connection.send(http_request('/healthz') * 2)
    check(read_answer(connection)[0] == 200 and read_answer(connection)[0] == 200, 'no pages')
    for request in (http_request('/healthz'), upgrade_request()):
        plain = context.connect(broker.ws_port)
        plain.send(request)
        check(read_answer(plain)[0] is None, 'it was answered')


@case('who has a certificate is let in, others are not', GROUP, needs_ledge=True)
def _client_certificate(context):
    ca = authority(context)
    broker = start(context, f'ca = "{ca.certificate}"\nclient_certificate = "required"\n')
    settings = plain_settings()
    settings.load_cert_chain(ca.path('client.pem'), ca.path('client.key'))
    client = connect_tls(context, broker, settings)
    client.open(context.client_id)
    ping_pong(client)
    try:
        check(connect_tls(context, broker).status is None, 'one without was let in')
    except OSError:
        pass  # TLS 1.2 says so in the handshake


@case('behind the PROXY protocol', GROUP, needs_ledge=True)
def _proxy(context):
    broker = start(context, settings=['listeners.web.proxy_protocol=true', 'listeners.web.proxy_from=127.0.0.1'])
    connection = RawClient(broker.ws_port)
    context.adopt(connection)
    connection.send(b'PROXY TCP4 203.0.113.9 192.0.2.1 51000 443\r\n')
    connection.socket = plain_settings().wrap_socket(connection.socket)
    connection.send(upgrade_request())
    check(read_answer(connection)[0] == 101, 'no upgrade')
    connection.send(frame(BINARY, connect_packet(context.client_id)))
    check(connection.socket.recv(100)[2] == 0x20, 'no CONNACK')
    check(f'client_id={context.client_id} user="" address=203.0.113.9:51000' in broker.tail(), broker.tail())


@case('a stop closes in order', GROUP, needs_ledge=True)
def _stop(context):
    broker = start(context)
    clients = [connect_tls(context, broker) for _ in range(10)]
    for number, client in enumerate(clients):
        client.open(f'c{number}', version=5)
    code = broker.stop()
    check(code == 0, f'exit code {code}')
    for client in clients:
        kind, body = client.read()
        check(kind == 0xE0 and body[0] == 0x8B, f'stop: {kind} {body.hex()}')
        check(client.end() == NORMAL, f'{client.closed}')
