"""The bridge where the upstream is no MQTT broker, cannot be trusted, falls silent, or is a bridge itself."""
import os
import socket
import threading
import time

import fault_proxy as fp
import upstreams
from cases_uplink import HANDOVER_S, STATE, await_state, expect
from gateways import Bridge, LedgeGateway, Route
from harness import case, check, free_port
from mqtt_peer import Peer
from pki import Authority

GROUP = 'bridge'
OUT = Route('out', '#', 'out/', 'site/', 1)
QUIET_S = 1.5  # a storm in a ring would be thousands of messages in this time
ANSWERS = {'HTTP': b'HTTP/1.1 400 Bad Request\r\n\r\n', 'SSH': b'SSH-2.0-OpenSSH_9.2\r\n',
           'TLS': b'\x15\x03\x01\0\x02\2F', 'nothing': b'', 'NATS': b'INFO {"server_id":"x"}\r\n'}


class Stranger:
    """A server that answers the first bytes of each connection with `answer`, and then closes it."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(('127.0.0.1', free_port()))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
                with client:
                    client.settimeout(5)
                    client.recv(4096)
                    client.sendall(self.answer)
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def close(self):
        self.listener.close()


def start_gateway(context, bridges, **more):
    gateway = LedgeGateway(context.folder, context.options, bridges, **more)
    context.adopt(gateway)
    return gateway.start()


def start_upstream(context, name, **more):
    upstream = upstreams.start(name, context.folder, context.options, **more)
    context.adopt(upstream)
    return upstream


def connect(context, broker, client_id=None):
    peer = Peer(broker.port, client_id or f'{context.client_id}-{free_port()}', clean=client_id is None)
    context.adopt(peer)
    return peer


for _kind in ANSWERS:
    @case(f'a port that answers with {_kind} is told in state and log, local clients are served', GROUP,
          needs_ledge=True)
    def _stranger(context, kind=_kind):
        stranger = Stranger(ANSWERS[kind])
        context.adopt(stranger)
        gateway = start_gateway(context, [Bridge(stranger.port, 'gw', [OUT])])
        gateway.log_line(r' bridge_' if kind == 'nothing' else f' bridge_.*{kind}')
        near = connect(context, gateway)
        near.subscribe('#', 1)
        near.publish('out/x', 'local', 1)
        expect(near, ('out/x', b'local', 1, False))
        watcher = connect(context, gateway)
        watcher.subscribe(STATE, 0)
        check(watcher.message().payload == b'0', 'a stranger counts as an upstream')
        gateway.stop()


for _name in ('mosquitto', 'ledgemq'):
    @case(f'TLS to {_name}: with the right authority messages pass, with another one the log tells why not', GROUP,
          needs_ledge=True)
    def _tls(context, name=_name):
        folder = os.path.join(context.folder, f'{context.client_id}-pki')
        right, wrong = Authority(folder, 'right'), Authority(folder, 'wrong')
        served = right.issue('server', 'localhost', 'DNS:localhost,IP:127.0.0.1')
        os.chmod(folder, 0o755)
        upstream = start_upstream(context, name, tls=served)
        bridge = Bridge(upstream.tls_port, f'gw-{context.client_id}', [OUT], kind=name, scheme='mqtts',
                        tls={'ca': wrong.certificate, 'server_name': 'localhost'})
        gateway = start_gateway(context, [bridge])
        gateway.log_line(r'(?i) bridge_.*certificate')
        connect(context, gateway).publish('out/x', 'waits', 1)
        far = connect(context, upstream)
        far.subscribe('site/#', 1)
        check(not far.collect(), 'a message has reached an upstream that is not trusted')
        gateway.stop()
        bridge.tls['ca'] = right.certificate
        gateway.configure([bridge])
        gateway.start()
        expect(far, ('site/x', b'waits', 1, False))


@case('an upstream that falls silent on an open connection is noticed by keep alive, and nothing is lost', GROUP,
      needs_ledge=True)
def _silent(context):
    upstream = start_upstream(context, 'ledgemq')
    proxy = fp.FaultProxy(upstream.port, free_port())
    context.adopt(proxy)
    gateway = start_gateway(context, [Bridge(proxy.port, 'gw', [OUT], kind='ledgemq', settings={'keep_alive_s': 5})])
    await_state(connect(context, gateway), '1')
    far = connect(context, upstream)
    far.subscribe('site/#', 1)
    proxy.set(fp.half_open(fp.SERVER))  # the bridge is not told; a new connection would pass
    near = connect(context, gateway)
    began = time.monotonic()
    near.publish('out/x', 'sent into the void', 1)
    message = far.message(40)
    took = time.monotonic() - began
    check(message.payload == b'sent into the void', f'got {message}')
    check(took < 25, f'it took {took:.0f} s with a keep alive of 5 s')


@case('an upstream that accepts connections and does not answer CONNECT is told as such', GROUP, needs_ledge=True)
def _deaf(context):
    upstream = start_upstream(context, 'ledgemq')
    proxy = fp.FaultProxy(upstream.port, free_port())
    context.adopt(proxy)
    proxy.set(fp.BLACK_HOLE)
    gateway = start_gateway(context, [Bridge(proxy.port, 'gw', [OUT], settings={'connack_timeout_s': 1})])
    gateway.log_line(r'(?i) bridge_.*(connack|answer)')
    proxy.set(fp.PASS)
    await_state(connect(context, gateway), '1')


@case('two bridges with the same client id disconnect each other, and the logs say so', GROUP, needs_ledge=True)
def _same_id(context):
    upstream = start_upstream(context, 'ledgemq')
    gateways = [start_gateway(context, [Bridge(upstream.port, 'same', [OUT], kind='ledgemq')]) for _ in range(2)]
    for gateway in gateways:
        gateway.log_line(r' bridge_upstream_problem .*client_id_in_use', deadline_s=HANDOVER_S)


def ring(context, count, direction):
    """`count` brokers, each with a bridge to the next one, all for ring/#."""
    ports = [free_port() for _ in range(count)]
    brokers = []
    for number in range(count):
        bridge = Bridge(ports[(number + 1) % count], f'ring-{number}', [Route(direction, 'ring/#', '', '', 1)],
                        kind='ledgemq')
        gateway = LedgeGateway(context.folder, context.options, [bridge])
        gateway.port = ports[number]
        context.adopt(gateway)
        brokers.append(gateway)
    for broker in brokers:
        broker.start()
    for broker in brokers:
        await_state(connect(context, broker), '1')
    return brokers


for _count in (2, 3):
    for _direction in ('both', 'out'):
        @case(f'a ring of {_count} brokers, direction "{_direction}": a message reaches all of them and then ends',
              GROUP, needs_ledge=True)
        def _ring(context, count=_count, direction=_direction):
            brokers = ring(context, count, direction)
            peers = [connect(context, broker) for broker in brokers]
            for peer in peers:
                peer.subscribe('ring/#', 1)
            connect(context, brokers[0]).publish('ring/x', 'once around', 1)
            for peer in peers:
                check(peer.message().payload == b'once around', 'another message')
            time.sleep(QUIET_S)
            copies = [1 + len(peer.collect(0.05, most=1000)) for peer in peers]
            more = sum(len(peer.collect(0.3, most=1000)) for peer in peers)
            print(f'    copies per broker in a ring of {count}, {direction}: {copies}', flush=True)
            # On one-way routes every 16th message is marked, so a message runs some rounds before it is found out.
            most = 3 if direction == 'both' else 20
            check(sum(copies) <= most * count and more == 0, f'copies per broker: {copies}, and {more} more after them')
