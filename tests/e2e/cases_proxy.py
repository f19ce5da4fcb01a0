"""The PROXY protocol in front of MQTT and of WebSocket: who is told to be whom, and headers that are none."""
import socket
import struct

from harness import case, check, connect_packet
from websocket import frame, http_request, read_answer, start_broker, upgrade_request

GROUP = 'PROXY protocol'
SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'
V1 = b'PROXY TCP4 203.0.113.9 192.0.2.1 51000 1883\r\n'
V1_IPV6 = b'PROXY TCP6 2001:db8::9 2001:db8::1 51000 1883\r\n'


def v2(family, addresses, command=0x21, more=b''):
    rest = addresses + more
    return SIGNATURE + bytes([command, family]) + struct.pack('>H', len(rest)) + rest


V2 = v2(0x11, bytes([203, 0, 113, 9, 192, 0, 2, 1]) + struct.pack('>HH', 51000, 1883))
V2_IPV6 = v2(0x21, socket.inet_pton(socket.AF_INET6, '2001:db8::9') + bytes(16) + struct.pack('>HH', 51000, 1883),
             more=b'\x03\0\4\1\2\3\4' + b'\x04\0\0')


def start(context, networks='127.0.0.0/8'):
    settings = [f'listeners.{name}.{key}' for name in ('plain', 'web')
                for key in ('proxy_protocol=true', f'proxy_from={networks}')]
    return start_broker(context, settings=settings)


def address_in_log(broker, client_id):
    line = next((line for line in broker.tail().split('\n') if f'client_id={client_id} ' in line), '')
    return line.partition('address=')[2].split(' ')[0]


@case('MQTT behind versions 1 and 2: the log shows the client, not the proxy', GROUP, needs_ledge=True)
def _clients(context):
    broker = start(context)
    for name, header, address in (
            ('v1', V1, '203.0.113.9:51000'), ('v1-6', V1_IPV6, '[2001:db8::9]:51000'),
            ('v2', V2, '203.0.113.9:51000'), ('v2-6', V2_IPV6, '[2001:db8::9]:51000'),
            ('unknown', b'PROXY UNKNOWN\r\n', '127.0.0.1'), ('local', v2(0, b'', command=0x20), '127.0.0.1'),
            ('unspecified', v2(0, b''), '127.0.0.1'), ('unix', v2(0x31, b'/tmp/a'.ljust(216, b'\0')), '127.0.0.1')):
        raw = context.connect(broker.port)
        raw.send(header + connect_packet(name))
        check(raw.read()[0] == 0x20, f'{name}: no CONNACK')
        got = address_in_log(broker, name)
        check(got.startswith(address), f'{name}: {got}')


@case('a header in single bytes is understood, and nothing after it is lost', GROUP, needs_ledge=True)
def _single_bytes(context):
    broker = start(context)
    for name, header in (('one', V1), ('two', V2_IPV6)):
        raw = context.connect(broker.port)
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header + connect_packet(name):
            raw.send(bytes([byte]))
        check(raw.read()[0] == 0x20, f'{name}: no CONNACK')


@case('WebSocket behind it', GROUP, needs_ledge=True)
def _websocket(context):
    broker = start(context)
    raw = context.connect(broker.ws_port)
    raw.send(V2 + upgrade_request())
    check(read_answer(raw)[0] == 101, 'no upgrade')
    raw.send(frame(2, connect_packet('web')))
    check(raw.socket.recv(100)[2] == 0x20, 'no CONNACK')
    check(address_in_log(broker, 'web') == '203.0.113.9:51000', broker.tail())
    page = context.connect(broker.ws_port)
    page.send(V1 + http_request('/healthz'))
    check(read_answer(page)[0] == 200, 'no page')


@case('what is no such header is closed', GROUP, needs_ledge=True)
def _wrong(context):
    broker = start(context)
    for data in (connect_packet('direct'), http_request('/healthz'), b'PROXY TCP4 1.2.3.4\r\n', b'PROXY TCP4 ' * 20,
                 b'proxy TCP4 203.0.113.9 192.0.2.1 51000 1883\r\n', b'PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n',
                 V1.replace(b'51000', b'65536'), V1.replace(b'51000', b'051'), V1.replace(b'TCP4', b'TCP6'),
                 V1.replace(b'1883', b'1883 '), v2(0x12, bytes(12)), v2(0x11, bytes(11)), v2(0x11, bytes(12), 0x22),
                 v2(0x11, bytes(12), 0x31), v2(0x11, bytes(12), more=b'\1\0\5ab'), v2(0x11, bytes(5000))):
        raw = context.connect(broker.port)
        raw.send(data + connect_packet('hidden'))
        check(raw.read()[0] is None, f'{data[:60]} was let in')
    check('client_connected' not in broker.tail(), broker.tail())
    half = context.connect(broker.port)
    half.send(V1[:20])
    check(half.read()[0] is None, 'half a header is waited for for ever')


@case('a peer outside of proxy_from is closed, whatever it says', GROUP, needs_ledge=True)
def _stranger(context):
    broker = start(context, networks='10.0.0.0/8, 2001:db8::/32')
    for header in (V1, V2, b''):
        raw = context.connect(broker.port)
        try:
            raw.send(header + connect_packet('stranger'))
        except OSError:
            pass  # it was closed before
        check(raw.read()[0] is None, 'it was let in')
    check('in none of the networks of proxy_from' in broker.tail(), broker.tail())


@case('a listener without proxy_protocol takes such a header for bad MQTT', GROUP, needs_ledge=True)
def _not_configured(context):
    raw = context.connect(start_broker(context).port)
    raw.send(V1 + connect_packet('x'))
    check(raw.read()[0] is None, 'it was let in')


@case('the listener stops while headers are awaited', GROUP, needs_ledge=True)
def _stop(context):
    broker = start(context)
    waiting = [context.connect(broker.port) for _ in range(20)]
    for raw in waiting[:10]:
        raw.send(V1[:10])
    check(broker.stop() == 0, broker.tail())
    check(all(raw.read()[0] is None for raw in waiting), 'still open')

