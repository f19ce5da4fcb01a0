"""The broker as a process: start, stop, listeners, command line, configuration, and bytes that are no MQTT."""
import base64
import os
import random
import re
import secrets
import signal
import socket
import subprocess

from harness import (DEADLINE_S, Skipped, case, check, connect_packet, free_port, packet, prefixed, publish_packet)
from pki import Authority

STOPPING, STARTING, BAD_INPUT = 'stopping', 'command line and configuration', 'bad input'
LISTENERS = 'listeners'


def run_to_end(context, *arguments):
    """Exit code, standard output and standard error of a broker command that ends by itself."""
    result = subprocess.run([context.options.broker, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, timeout=DEADLINE_S, check=False)
    return result.returncode, result.stdout, result.stderr


def write_file(context, text):
    path = os.path.join(context.folder, f'{context.client_id}.toml')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path


def round_trip(raw, context, client_id):
    """Subscribes and gets its own publication: the connection carries both directions."""
    raw.open(client_id)
    raw.subscribe(context.topic)
    raw.send(publish_packet(context.topic, b'hello'))
    check(raw.read() == (0x30, prefixed(context.topic) + b'hello'), 'the publication did not come back')


# ---------------------------------------------------------------------------------------------------------------------

@case('SIGTERM: version 5 clients get DISCONNECT 0x8B, all are closed, exit code 0', STOPPING, needs_ledge=True)
def _terminate(context):
    broker = context.start_broker()
    v5, v3 = context.connect(broker.port), context.connect(broker.port)
    v5.open('five', version=5)
    v3.open('three')
    code = broker.stop()
    first, body = v5.read()
    check(first == 0xE0 and body[0] == 0x8B, f'got {first} {body.hex()}')
    check(v5.read()[0] is None, 'the version 5 connection is still open')
    check(v3.read()[0] is None, 'the version 3.1.1 connection is still open')
    check(code == 0, f'exit code {code}: {broker.tail()}')


@case('SIGINT stops as SIGTERM does', STOPPING)
def _interrupt(context):
    broker = context.start_broker()
    raw = context.connect(broker.port)
    raw.open('client')
    broker.signal(signal.SIGINT)
    check(broker.process.wait(DEADLINE_S) == 0, broker.tail())
    check(raw.read()[0] is None, 'the connection is still open')


@case('a client that does not read cannot hold the stop up', STOPPING, needs_ledge=True)
def _stuck(context):
    broker = context.start_broker()
    stuck, sender = context.connect(broker.port), context.connect(broker.port)
    stuck.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.open('stuck', version=5)
    stuck.subscribe('flood', version=5)
    sender.open('sender')
    for _ in range(400):
        sender.send(publish_packet('flood', b'x' * 10_000))
    sender.send(packet(0xC0, b''))
    check(sender.read()[0] == 0xD0, 'no PINGRESP: the slow reader stalls others')
    check(broker.stop() == 0, broker.tail())


@case('SIGHUP leaves the broker and its connections alive', STOPPING)
def _hang_up(context):
    broker = context.start_broker()
    raw = context.connect(broker.port)
    raw.open('client')
    broker.signal(signal.SIGHUP)
    for _ in range(20):
        raw.send(packet(0xC0, b''))
        check(raw.read()[0] == 0xD0, 'no PINGRESP after SIGHUP')
    check(broker.stop() == 0, broker.tail())


@case('takeover tells a version 5 client 0x8E and closes it', 'sessions', needs_ledge=True)
def _takeover(context):
    first, second = context.connect(), context.connect()
    first.open(context.client_id, version=5)
    second.open(context.client_id, version=5)
    kind, body = first.read()
    check(kind == 0xE0 and body[0] == 0x8E, f'got {kind} {body.hex()}')
    check(first.read()[0] is None, 'the first connection is still open')
    second.send(packet(0xC0, b''))
    check(second.read()[0] == 0xD0, 'the second connection does not work')


@case('a silent client is closed after 1.5 times its keep alive', 'sessions', needs_ledge=True, quick=False)
def _keep_alive(context):
    raw = context.connect()
    raw.open(context.client_id, version=5, keep_alive_s=1)
    first, body = raw.read()
    check(first == 0xE0 and body[0] == 0x8D, f'got {first} {body.hex()}')
    check(raw.read()[0] is None, 'still open')


# ---------------------------------------------------------------------------------------------------------------------

@case('two TCP ports and a Unix socket at once', LISTENERS, needs_ledge=True)
def _many_listeners(context):
    ports = [free_port(), free_port()]
    path = os.path.join(context.folder, 'broker.sock')
    arguments = ['--listen', f'unix:{path}']
    for port in ports:
        arguments += ['--listen', f'mqtt://127.0.0.1:{port}']
    broker = context.start_broker(arguments=arguments)
    for number, port in enumerate(ports):
        broker.wait_for_port(port)
        round_trip(context.connect(port), context, f'tcp{number}')
    round_trip(context.connect(path=path), context, 'unix')
    publisher = context.run(['mosquitto_pub', '--unix', path, '-t', context.topic, '-m', 'x', '-q', 1])
    check(publisher.finish()[0] == 0, publisher.errors())
    check(broker.stop() == 0, broker.tail())
    check(not os.path.exists(path), 'the socket file is left behind')


@case('a socket file that a dead broker left is replaced, a living one is not', LISTENERS, needs_ledge=True)
def _stale_socket(context):
    path = os.path.join(context.folder, 'stale.sock')
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    port = free_port()
    arguments = ['--listen', f'unix:{path}', '--listen', f'mqtt://127.0.0.1:{port}']
    broker = context.start_broker(arguments=arguments)
    broker.wait_for_port(port)
    round_trip(context.connect(path=path), context, 'unix')
    code, _, error = run_to_end(context, '--listen', f'unix:{path}', '--allow-anonymous')
    check(code == 1 and path in error, f'exit code {code}: {error}')
    round_trip(context.connect(path=path), context, 'unix2')


@case('IPv6', LISTENERS, needs_ledge=True)
def _ipv6(context):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(('::1', 0))
            port = probe.getsockname()[1]
    except OSError as error:
        raise Skipped(f'this machine has no ::1 ({error})') from None
    broker = context.start_broker(arguments=['--listen', f'mqtt://[::1]:{port}'])
    broker.wait_for_port(port, '::1')
    round_trip(context.connect(port, host='::1'), context, 'six')


@case('a port in use: exit code 1 and the address in the message', LISTENERS, needs_ledge=True)
def _port_in_use(context):
    code, _, error = run_to_end(context, '--listen', f'mqtt://127.0.0.1:{context.port}', '--allow-anonymous')
    check(code == 1, f'exit code {code}: {error}')
    check(f'127.0.0.1:{context.port}' in error and 'in use' in error, f'the message does not say it: {error}')


# ---------------------------------------------------------------------------------------------------------------------

@case('--version and --help', STARTING, needs_ledge=True)
def _version(context):
    code, out, _ = run_to_end(context, '--version')
    check(code == 0 and out.startswith('ledgemq '), f'{code}: {out}')
    code, out, _ = run_to_end(context, '--help')
    check(code == 0 and '--listen' in out and '--set' in out, f'{code}: {out}')


@case('--print-config prints what "check" accepts', STARTING, needs_ledge=True)
def _print_config(context):
    code, out, error = run_to_end(context, '--print-config', '--listen', 'mqtt://127.0.0.1:18830')
    check(code == 0 and '18830' in out, f'{code}: {out} {error}')
    code, out, error = run_to_end(context, 'check', '-c', write_file(context, out))
    check(code == 0, f'{code}: {out} {error}')


def with_made_files(context, text, authority):
    """The text of a configuration that names files made here, in place of those of /etc."""
    certificate, key = authority.issue('client', 'gateway-17')
    password, device_key = (os.path.join(context.folder, name) for name in ('bridge-password', 'device-key'))
    for path, content in ((password, 'secret'), (device_key, base64.b64encode(bytes(32)).decode())):
        with open(path, 'w', encoding='ascii') as file:
            file.write(content + '\n')
        os.chmod(path, 0o600)
    text = text.replace('/etc/ssl/certs/ca-certificates.crt', authority.certificate)
    for ending, made in (('-ca.pem', authority.certificate), ('-certificate.pem', certificate), ('-private.key', key),
                         ('-password', password), ('-device-key', device_key)):
        text = re.sub(f'"/etc/ledgemq/[a-z]+{ending}"', f'"{made}"', text)
    check('"/etc/ledgemq/' not in text, 'the configuration names a file of an unknown kind')
    return text


def listener_of_devices(context, text):
    """A configuration with a listener whose devices file is `text`, with files made here in place of those of /etc."""
    key = secrets.token_hex(32)
    for named, content in (('/etc/ledgemq/meter-main.key', key), ('/etc/ledgemq/meters.keys', f'meter-1:{key}'),
                           ('/var/lib/ledgemq/devices.counters', None)):
        made = os.path.join(context.folder, os.path.basename(named))
        check(named in text, f'{named} is not named')
        text = text.replace(named, made)
        if content is not None:
            with open(made, 'w', encoding='ascii') as file:
                file.write(content + '\n')
            os.chmod(made, 0o600)
    devices = os.path.join(context.folder, 'example-of-devices.toml')
    with open(devices, 'w', encoding='utf-8') as file:
        file.write(text)
    return ('[listeners.field]\nurl = "udp://127.0.0.1:1884"\nallow_anonymous = true\n'
            f'[listeners.field.mqttsn]\ndevices_file = "{devices}"\n')


@case('the configuration files of the repository pass "check", once the files that they name exist', STARTING,
      needs_ledge=True)
def _shipped(context):
    folder = os.path.join(os.path.dirname(__file__), '..', '..', 'config')
    names = sorted(n for n in os.listdir(folder) if n.endswith('.toml'))
    check(len(names) >= 2, f'only {names}')
    authority = Authority(os.path.join(context.folder, 'pki-of-examples'))
    for name in names:
        with open(os.path.join(folder, name), encoding='utf-8') as file:
            text = file.read()
        if name.startswith('bridge-'):
            code, out, error = run_to_end(context, 'check', '-c', os.path.join(folder, name))
            check(code == 0 or '/etc/ledgemq/' in error, f'{name}: the missing file is not named: {out} {error}')
            text = with_made_files(context, text, authority)
        if name == 'devices.toml':
            text = listener_of_devices(context, text)
        code, out, error = run_to_end(context, 'check', '-c', write_file(context, text))
        check(code == 0, f'{name}: {code}: {out} {error}')


@case('"check" says of a bridge: its client id, its kind by the host name, and that rules do not concern it', STARTING,
      needs_ledge=True)
def _check_bridge(context):
    authority = Authority(os.path.join(context.folder, 'pki-of-check'))
    acl = os.path.join(context.folder, f'{context.client_id}.acl')
    with open(acl, 'w', encoding='utf-8') as file:
        file.write('topic read a/#\n')
    path = write_file(context, f'[auth]\nacl_file = "{acl}"\n[bridges.cloud]\n'
                               'urls = ["mqtts://x-ats.iot.eu-west-1.amazonaws.com"]\nroutes = [{filter = "a/#"}]\n'
                               f'tls.ca = "{authority.certificate}"\n')
    code, out, error = run_to_end(context, 'check', '-c', path)
    check(code == 0 and re.search(r'\n  client id: \S+-cloud\n', out), f'{code}: {out} {error}')
    check('taken for aws_iot' in out and 'the rules do not concern the bridges (cloud)' in out, out)


@case('an unknown key: exit code 2, and file, line, key and the nearest known key are named', STARTING,
      needs_ledge=True)
def _unknown_key(context):
    path = write_file(context, '[limits]\ninflight_maxx = 5\n')
    for arguments in (['check', '-c', path], ['-c', path]):
        code, out, error = run_to_end(context, *arguments)
        text = out + error
        check(code == 2, f'exit code {code}: {text}')
        for word in (path, '2', 'inflight_maxx', 'inflight_max'):
            check(word in text, f'{word!r} is not in {text!r}')


@case('broken TOML, a missing file, a bad URL, a bad flag: exit code 2', STARTING, needs_ledge=True)
def _bad_configuration(context):
    broken = write_file(context, 'listen = [\n')
    for arguments in (['-c', broken], ['-c', '/nowhere/x.toml'], ['--listen', 'http://127.0.0.1:1'], ['--nonsense'],
                      ['--set', 'limits.inflight_max=many'], ['--durability', 'sometimes']):
        code, out, error = run_to_end(context, *arguments)
        check(code == 2, f'{arguments}: exit code {code}: {out} {error}')
        check(out + error != '', f'{arguments}: no message')


@case('--set changes a limit', STARTING, needs_ledge=True)
def _set(context):
    broker = context.start_broker(settings=['limits.receive_maximum=7'])
    raw = context.connect(broker.port)
    body = raw.open('client', version=5)
    check(b'\x21\0\7' in body, f'CONNACK {body.hex()} does not say receive maximum 7')


@case('a listener with allow_anonymous = false refuses a client without credentials', STARTING, needs_ledge=True)
def _anonymous(context):
    port = free_port()
    path = write_file(context, f'[listeners.closed]\nurl = "mqtt://127.0.0.1:{port}"\nallow_anonymous = false\n')
    broker = context.start_broker(arguments=['-c', path], anonymous=False)
    broker.wait_for_port(port)
    raw = context.connect(port)
    raw.send(connect_packet('client', version=5))
    first, body = raw.read()
    check(first == 0x20 and body[1] in (0x86, 0x87), f'got {first} {body.hex()}')
    check(raw.read()[0] is None, 'still open')


# ---------------------------------------------------------------------------------------------------------------------

def send_and_drain(raw, data):
    """Sends, ends our direction, and reads until the broker has closed; it may do so while we still write."""
    try:
        raw.send(data)
        raw.socket.shutdown(socket.SHUT_WR)
        while raw.read()[0] is not None:
            pass
    except OSError:
        pass
    raw.close()


@case('random bytes on 200 connections: each is closed, the broker lives', BAD_INPUT)
def _garbage(context):
    rng = random.Random(2026)
    for _ in range(200):
        first = rng.choice([0x00, 0x10, 0x20, 0x30, 0x82, 0xC0, 0xF0, rng.randrange(256)])
        send_and_drain(context.connect(), bytes([first]) + rng.randbytes(300))
    round_trip(context.connect(), context, context.client_id)


@case('random bytes after CONNECT on 200 connections: each is closed, the broker lives', BAD_INPUT)
def _garbage_later(context):
    rng = random.Random(2027)
    for number in range(200):
        raw = context.connect()
        raw.open(f'{context.client_id}-{number}', version=rng.choice([4, 5]))
        send_and_drain(raw, rng.randbytes(rng.randrange(1, 2000)))
    round_trip(context.connect(), context, context.client_id)


@case('an HTTP request and a TLS hello are closed', BAD_INPUT)
def _other_protocols(context):
    for data in (b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', bytes.fromhex('16030100c8010000c40303') + b'\0' * 200):
        raw = context.connect()
        raw.send(data)
        check(raw.read()[0] is None, 'it was answered')


@case('a packet that announces more than is allowed is refused before its body arrives', BAD_INPUT, needs_ledge=True)
def _too_large(context):
    raw = context.connect()
    raw.open(context.client_id, version=5)
    raw.send(bytes.fromhex('30ffffff7f'))
    first, body = raw.read()
    check(first == 0xE0 and body[0] == 0x95, f'got {first} {body.hex()}')
    check(raw.read()[0] is None, 'still open')


@case('a CONNECT in single bytes is understood', BAD_INPUT)
def _slow_connect(context):
    raw = context.connect()
    raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in connect_packet(context.client_id):
        raw.send(bytes([byte]))
    check(raw.read() == (0x20, b'\0\0'), 'no CONNACK')


@case('connections without CONNECT are closed after connect_timeout', BAD_INPUT, needs_ledge=True)
def _connect_timeout(context):
    broker = context.start_broker(settings=['limits.connect_timeout_s=1'])
    silent, half = context.connect(broker.port), context.connect(broker.port)
    half.send(connect_packet('half')[:5])
    check(silent.read()[0] is None, 'the silent one was answered')
    check(half.read()[0] is None, 'the half one was answered')


# ---------------------------------------------------------------------------------------------------------------------

@case('the demo devices publish, come back after a restart of the broker, and say good-bye', 'demo', needs_ledge=True)
def _demo(context):
    demo = os.path.join(os.path.dirname(context.options.broker), 'ledgemq-demo')
    check(os.path.exists(demo), f'{demo} is not built')
    broker = context.start_broker()
    devices = context.run([demo, '--port', broker.port, '--interval', '0.2'])
    devices.line('door1 connected')
    check(broker.stop() == 0, broker.tail())
    devices.line('lost its connection')
    again = context.start_broker(arguments=['--listen', f'mqtt://127.0.0.1:{broker.port}'])
    again.wait_for_port(broker.port)
    watcher = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', broker.port, '-t', '#', '-v'])
    for pattern in ('^plant/gate/door1/status online', '^plant/line1/sensor3/temperature {',
                    '^plant/energy/meter1/power {'):
        watcher.line(pattern)
    devices.signal(signal.SIGTERM)
    check(devices.finish()[0] == 0, devices.errors())
    watcher.line('^plant/gate/door1/status offline')


@case('a broker embedded in another program, the example of README.md', 'library', needs_ledge=True)
def _embedded(context):
    program = os.path.join(context.options.build, 'tests/e2e/embedded_broker')
    check(os.path.exists(program), f'{program} is not built')
    port = free_port()
    embedded = context.run([program, port])
    embedded.line(f'serving 127.0.0.1:{port}')
    round_trip(context.connect(port), context, 'guest')
    embedded.signal(signal.SIGTERM)
    code, _ = embedded.finish()
    check(code == 0, f'ended with {code}: {embedded.errors()}')
