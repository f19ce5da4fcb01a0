"""Upgrades of a running broker, and what systemd gives to it and hears from it."""
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
from cases_store import persistent, publish_qos1
from cases_tls import authority, tls_connect
from harness import DEADLINE_S, Broker, RawClient, Skipped, case, check, free_port, packet, subscribe_packet
from service_manager import ServiceManager, activated, await_failed_upgrade, upgrade
from websocket import WebSocket

GROUP = 'upgrade'
SYSTEMD = 'service manager'


def replaceable(context, name='ledgemq'):
    """A copy of the broker's program that the case may replace by another file."""
    path = os.path.join(context.folder, f'{context.client_id}-{name}')
    shutil.copy(context.options.broker, path)
    return path


def put_in_place(program, script):
    """Replaces a program that may be running, as a package manager does: by a new file of the same name."""
    with open(program + '.new', 'w', encoding='utf-8') as file:
        file.write(script)
    os.chmod(program + '.new', 0o755)
    os.rename(program + '.new', program)


def start(context, program=None, more=(), **environment):
    """A broker with a store, from a configuration file of its own. `more`: lines of the file."""
    port = free_port()
    file = os.path.join(context.folder, f'upgrade-{port}.toml')
    with open(file, 'w', encoding='utf-8') as out:
        out.write(f'[listeners.plain]\nurl = "mqtt://127.0.0.1:{port}"\n[store]\npath = "{file}.store"\n')
        out.write('\n'.join(more) + '\n')
    saved = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        broker = Broker(program or context.options.broker, context.folder, arguments=['-c', file])
    finally:
        for name, value in saved.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    context._children.append(broker)
    broker.port, broker.file = port, file
    broker.log_line(' ready ')
    return broker


def pings(raw):
    raw.message(packet(0xC0, b''))
    return raw.read()[0] == 0xD0


class Knocker(threading.Thread):
    """Connects again and again; every attempt must be accepted by somebody."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.attempts, self.refused, self.is_over = port, 0, 0, False

    def run(self):
        while not self.is_over:
            self.attempts += 1
            try:
                socket.create_connection(('127.0.0.1', self.port), DEADLINE_S).close()
            except ConnectionRefusedError:
                self.refused += 1
            except ConnectionResetError:
                pass  # accepted by the old broker, which then closed its connections
            time.sleep(0.001)  # or the connections that wait in the kernel would become too many

    def finish(self):
        self.is_over = True
        self.join(DEADLINE_S)
        check(self.attempts > 10, f'only {self.attempts} attempts')
        check(self.refused == 0, f'{self.refused} of {self.attempts} attempts were refused')


@case('SIGUSR2: a new process serves, version 5 clients are told, no attempt is refused, nothing is lost', GROUP,
      needs_ledge=True)
def _upgrade(context):
    broker = start(context)
    away = persistent(context, broker.port, 'away')
    away.send(subscribe_packet(context.topic, qos=1))
    away.read()
    away.close()
    sender = context.connect(broker.port)
    sender.open('sender', version=5)
    other = context.connect(broker.port)
    other.open('other')
    other.send(publish_qos1(context.topic, b'before', 7))
    check(other.read()[0] == 0x40, 'no PUBACK')
    knocker = Knocker(broker.port)
    knocker.start()
    old = broker.process.pid
    upgrade(broker)
    first, body = sender.read()
    check(first == 0xE0 and body[0] == 0x8B, f'DISCONNECT 0x8B expected, got {first} {body.hex()}')
    check(other.read()[0] is None, 'the old connection is still open')
    check(broker.process.pid != old, 'the same process')
    raw = persistent(context, broker.port, 'away')
    first, body = raw.read()
    check(first >> 4 == 3 and body.endswith(b'before'), f'the message is gone: {first} {body.hex()}')
    knocker.finish()
    check(broker.stop() == 0, broker.tail())


@case('clients over TLS, WebSocket and a Unix socket come back to the same addresses after each of two upgrades', GROUP,
      needs_ledge=True, quick=False)
def _transports(context):
    ca = authority(context)
    tls, web, admin = free_port(), free_port(), free_port()
    path = os.path.join(context.folder, f'{context.client_id}.sock')
    broker = start(context, more=(
        f'[listeners.tls]\nurl = "mqtts://127.0.0.1:{tls}"\n[listeners.tls.tls]',
        f'certificate = "{ca.path("server.pem")}"\nkey = "{ca.path("server.key")}"',
        f'[listeners.web]\nurl = "ws://127.0.0.1:{web}/mqtt"\n[listeners.local]\nurl = "unix:{path}"',
        f'[admin]\nurl = "http://127.0.0.1:{admin}"'))
    for _ in range(2):
        inode = os.stat(path).st_ino
        clients = [tls_connect(context, tls), WebSocket(web), RawClient(path=path)]
        for number, client in enumerate(clients):
            client.open(f'client-{number}', version=5)
            check(pings(client), 'no PINGRESP')
        upgrade(broker)
        for client in clients:
            first, body = client.read()
            check(first == 0xE0 and body[0] == 0x8B, f'{client}: got {first} {body.hex()}')
            client.close()
        check(os.stat(path).st_ino == inode, 'the socket file is another one')
        socket.create_connection(('127.0.0.1', admin), DEADLINE_S).close()
    check(broker.stop() == 0, broker.tail())
    check(not os.path.exists(path), 'the socket file is left behind')


@case('a new program that cannot start, ends or hangs leaves the old broker serving', GROUP,
      needs_ledge=True)
def _bad_program(context):
    program = replaceable(context)
    broker = start(context, program, more=('[process]', 'upgrade_time_max_s = 1'))
    raw = context.connect(broker.port)
    raw.open('client')
    for script, reason in (('#!/bin/false\n', 'has ended with status 1'),
                           ('#!/bin/sh\nexec sleep 1000\n', 'was not ready within 1 s'),
                           ('#!/bin/sh\nkill -SEGV $$\n', 'was ended by signal 11')):
        put_in_place(program, script)
        line = await_failed_upgrade(broker)
        check(reason in line, f'{reason!r} expected: {line}')
        check('this broker goes on as before' in line, line)
        check(pings(raw), 'the old broker does not answer')
    os.remove(program)
    since = os.path.getsize(broker.log)
    broker.signal(signal.SIGUSR2)
    check('cannot start' in broker.log_line('upgrade_refused', since), 'no reason')
    check(pings(raw), 'the old broker does not answer')
    check(broker.stop() == 0, broker.tail())


@case('a configuration with a mistake leaves the old broker serving, and the log has the mistake', GROUP,
      needs_ledge=True)
def _bad_configuration(context):
    broker = start(context)
    raw = context.connect(broker.port)
    raw.open('client')
    with open(broker.file, encoding='utf-8') as file:
        good = file.read()
    with open(broker.file, 'w', encoding='utf-8') as file:
        file.write(good + '[nonsense]\nkey = 1\n')
    line = await_failed_upgrade(broker)
    check('has ended with status 2' in line, line)
    check('nonsense' in broker.tail(), 'the mistake is not in the log')
    check(pings(raw), 'the old broker does not answer')
    with open(broker.file, 'w', encoding='utf-8') as file:
        file.write(good)
    upgrade(broker)
    check(broker.stop() == 0, broker.tail())


def half_program(context, after_open):
    """A program that says "prepared", waits for "open", and then does `after_open`: a broker that fails late."""
    return ('#!/usr/bin/python3\nimport os, socket, sys, time\n'
            'channel = socket.socket(fileno=3)\nchannel.setblocking(True)\nchannel.send(b"prepared")\n'
            f'assert channel.recv(64) == b"open"\n{after_open}\n')


@case('a new broker that fails after the store was closed: the old one serves again, and nothing is lost', GROUP,
      needs_ledge=True, quick=False)
def _late_failure(context):
    program = replaceable(context)
    broker = start(context, program, more=('[process]', 'upgrade_time_max_s = 3'))
    away = persistent(context, broker.port, 'away')
    away.send(subscribe_packet(context.topic, qos=1))
    away.read()
    away.close()
    for number, (after_open, reason) in enumerate((('sys.exit(5)', 'has ended with status 5'),
                                                   ('channel.send(b"prepared")', 'was ended by signal 9'),
                                                   ('time.sleep(1000)', 'did not serve within 3 s'))):
        knocker = Knocker(broker.port)
        knocker.start()
        sender = context.connect(broker.port)
        sender.open('sender')
        sender.send(publish_qos1(context.topic, f'message {number}'.encode(), 7))
        check(sender.read()[0] == 0x40, 'no PUBACK')
        put_in_place(program, half_program(context, after_open))
        since = os.path.getsize(broker.log)
        line = await_failed_upgrade(broker)
        check(reason in line or number == 1, f'{reason!r} expected: {line}')
        check('opens its store and listeners again' in line, line)
        broker.log_line(' ready ', since)
        knocker.finish()
    os.remove(program)
    shutil.copy(context.options.broker, program)
    upgrade(broker)
    raw = persistent(context, broker.port, 'away')
    for number in range(3):
        first, body = raw.read()
        check(first >> 4 == 3 and body.endswith(f'message {number}'.encode()), f'got {first} {body.hex()}')
    check(broker.stop() == 0, broker.tail())


@case('a changed configuration that only the start can refuse: the old broker serves again with the former one', GROUP,
      needs_ledge=True)
def _late_mistake(context):
    path = os.path.join(context.folder, f'{context.client_id}.sock')
    # Before the listener that fails, so that the new broker has opened it already.
    broker = start(context, more=('[listeners.local]', f'url = "unix:{path}"'))
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        with open(broker.file, 'a', encoding='utf-8') as file:
            file.write(f'[listeners.taken]\nurl = "mqtt://127.0.0.1:{taken.getsockname()[1]}"\n')
        since = os.path.getsize(broker.log)
        check('has ended with status 1' in await_failed_upgrade(broker), broker.tail())
        broker.log_line(' ready ', since)
        check('configuration_refused' in broker.tail(), broker.tail())
    for raw in (context.connect(broker.port), RawClient(path=path)):
        raw.open('again')
    upgrade(broker)
    check(broker.stop() == 0, broker.tail())


@case('SIGTERM during an upgrade ends both brokers', GROUP, needs_ledge=True)
def _stop_meanwhile(context):
    program = replaceable(context)
    for script in ('#!/bin/sh\nexec sleep 1000\n', half_program(context, 'time.sleep(1000)')):
        broker = start(context, program)
        raw = context.connect(broker.port)
        raw.open('client')
        put_in_place(program, script)
        since = os.path.getsize(broker.log)
        broker.signal(signal.SIGUSR2)
        pid = int(broker.log_line('upgrade_started', since).rsplit('pid=', 1)[1].split()[0])
        if 'prepared' in script:
            check(raw.read()[0] is None, 'the old broker has not ended its connections')
        check(broker.stop() == 0, broker.tail())
        check(not os.path.exists(f'/proc/{pid}'), 'the new program still runs')
        shutil.copy(context.options.broker, program + '.good')
        os.rename(program + '.good', program)


@case('a second request during an upgrade is refused and changes nothing', GROUP, needs_ledge=True)
def _twice(context):
    program = replaceable(context)
    broker = start(context, program, more=('[process]', 'upgrade_time_max_s = 1'))
    put_in_place(program, '#!/bin/sh\nexec sleep 1000\n')
    since = os.path.getsize(broker.log)
    broker.signal(signal.SIGUSR2)
    broker.log_line('upgrade_started', since)
    broker.signal(signal.SIGUSR2)
    check('an upgrade is under way' in broker.log_line('upgrade_refused', since), 'no reason')
    broker.log_line('upgrade_failed', since)
    check(broker.stop() == 0, broker.tail())


@case('UDP listeners for devices keep their socket over an upgrade', GROUP, needs_ledge=True)
def _devices(context):
    port = free_port()
    broker = start(context, more=(f'[listeners.devices]\nurl = "udp://127.0.0.1:{port}"',))
    upgrade(broker)
    device = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    device.settimeout(DEADLINE_S)
    device.connect(('127.0.0.1', port))
    device.send(bytes([9, 0x04, 0x04, 0x01, 0, 60]) + b'abc')  # CONNECT of MQTT-SN 1.2
    answer = device.recv(64)
    device.close()
    check(answer[1] == 0x05 and answer[2] == 0, f'CONNACK expected, got {answer.hex()}')
    check(broker.stop() == 0, broker.tail())


# ---------------------------------------------------------------------------------------------------------------------

@case('systemd hears of the start, of reloads and of the stop', SYSTEMD, needs_ledge=True)
def _messages(context):
    manager = ServiceManager(context.folder)
    broker = start(context, **manager.environment)
    text = manager.await_message('READY=1')
    check(f'STATUS=Serving on 127.0.0.1:{broker.port}' in text, text)
    broker.signal(signal.SIGHUP)
    text = manager.await_message('RELOADING=1')
    now_us = time.monotonic_ns() // 1000
    sent_us = int(text.split('MONOTONIC_USEC=')[1])
    check(0 <= now_us - sent_us < DEADLINE_S * 1e6, f'{sent_us} is not the time of {now_us}')
    manager.await_message('READY=1')
    broker.signal(signal.SIGTERM)
    check('EXTEND_TIMEOUT_USEC=' in manager.await_message('STOPPING=1'), 'no time for the stop')
    check(broker.process.wait(DEADLINE_S) == 0, broker.tail())
    manager.close()


@case('systemd hears that the old process is the main one again after a late failure', SYSTEMD, needs_ledge=True,
      quick=False)
def _main_process_again(context):
    manager = ServiceManager(context.folder)
    program = replaceable(context)
    broker = start(context, program, **manager.environment)
    manager.await_message('READY=1')
    put_in_place(program, half_program(context, 'sys.exit(5)'))
    await_failed_upgrade(broker)
    text = manager.await_message('READY=1')
    check(f'MAINPID={broker.process.pid}' in text, text)
    check(broker.stop() == 0, broker.tail())
    manager.close()


@case('systemd hears which process is the main one after an upgrade', SYSTEMD, needs_ledge=True)
def _main_process(context):
    manager = ServiceManager(context.folder, watchdog_ms=60_000)
    broker = start(context, **manager.environment)
    manager.await_message('READY=1')
    upgrade(broker)
    text = manager.await_message('MAINPID=')
    check(f'MAINPID={broker.process.pid}\n' in text and 'READY=1' in text, text)
    manager.await_message('WATCHDOG=1')
    check(broker.stop() == 0, broker.tail())
    manager.close()


@case('the watchdog is fed by a healthy loop, and by no stopped one', SYSTEMD, needs_ledge=True)
def _watchdog(context):
    manager = ServiceManager(context.folder, watchdog_ms=100)
    broker = start(context, **manager.environment)
    for _ in range(3):
        manager.await_message('^WATCHDOG=1$')
    broker.signal(signal.SIGSTOP)
    try:
        while True:  # what was sent before the signal
            manager.await_message('WATCHDOG=1', deadline_s=0.3)
    except AssertionError:
        pass
    broker.signal(signal.SIGCONT)
    manager.await_message('WATCHDOG=1')
    check(broker.stop() == 0, broker.tail())
    manager.close()


def bound(family=socket.AF_INET, address=('127.0.0.1', 0), kind=socket.SOCK_STREAM):
    one = socket.socket(family, kind)
    one.bind(address)
    if kind == socket.SOCK_STREAM:
        one.listen(10)
    return one


def start_activated(context, sockets, names, listeners):
    command = activated(context.options.broker, sockets, names)
    arguments = [argument for listener in listeners for argument in ('--listen', listener)]
    child = context.run(command + arguments + ['--allow-anonymous'], close_fds=False)
    return child


@case('sockets of the service manager are served by their address, and the others are bound', SYSTEMD,
      needs_ledge=True)
def _by_address(context):
    tcp, udp = bound(), bound(kind=socket.SOCK_DGRAM)
    path = os.path.join(context.folder, f'{context.client_id}.sock')
    unix = bound(socket.AF_UNIX, path)
    waiting = RawClient(tcp.getsockname()[1])  # connected before the broker exists
    own = free_port()
    child = start_activated(context, [tcp, unix, udp], 'x:y:z',
                            [f'mqtt://127.0.0.1:{tcp.getsockname()[1]}', f'unix:{path}',
                             f'udp://127.0.0.1:{udp.getsockname()[1]}', f'mqtt://127.0.0.1:{own}'])
    waiting.open('waiting')
    for client in (RawClient(path=path), RawClient(own)):
        client.open('client')
        check(pings(client), 'no PINGRESP')
        client.close()
    child.signal(signal.SIGTERM)
    check(child.finish()[0] == 0, child.errors())
    check(os.path.exists(path), 'the file belongs to the service manager, and is gone')
    for one in (tcp, unix, udp):
        one.close()


@case('a socket of the service manager with the name of a listener is served by it', SYSTEMD, needs_ledge=True)
def _by_name(context):
    tcp = bound()
    file = os.path.join(context.folder, f'{context.client_id}.toml')
    with open(file, 'w', encoding='utf-8') as out:
        out.write('[listeners.mqtt]\nurl = "mqtt://0.0.0.0:1"\n')
    child = context.run(activated(context.options.broker, [tcp], 'mqtt') + ['-c', file, '--allow-anonymous'],
                        close_fds=False)
    client = context.connect(tcp.getsockname()[1])
    client.open('client')
    child.signal(signal.SIGTERM)
    check(child.finish()[0] == 0, child.errors())
    tcp.close()


@case('a socket that no listener has is refused, with the fix', SYSTEMD, needs_ledge=True)
def _unused(context):
    one, other = bound(), bound()
    child = start_activated(context, [one, other], 'mqtt:extra', [f'mqtt://127.0.0.1:{one.getsockname()[1]}'])
    status, _ = child.finish()
    check(status == 2, f'status {status}: {child.errors()}')
    check(f'127.0.0.1:{other.getsockname()[1]} (name extra)' in child.errors(), child.errors())
    check('remove the line from the socket unit' in child.errors(), child.errors())
    one.close()
    other.close()


@case('the units in config/ are what systemd accepts', SYSTEMD, needs_ledge=True, quick=False)
def _units(context):
    if shutil.which('systemd-analyze') is None:
        raise Skipped('systemd-analyze is not installed (package systemd)')
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folder = os.path.join(context.folder, f'{context.client_id}-units')
    os.makedirs(folder)
    for name in ('ledgemq.service', 'ledgemq.socket'):
        with open(os.path.join(root, 'config', name), encoding='utf-8') as file:
            text = file.read().replace('/usr/bin/ledgemq', os.path.abspath(context.options.broker))
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)
    result = subprocess.run(['systemd-analyze', 'verify', '--man=no', *(os.path.join(folder, name) for name in
                                                                        ('ledgemq.service', 'ledgemq.socket'))],
                            capture_output=True, text=True, check=False, timeout=harness.DEADLINE_S)
    said = [line for line in (result.stdout + result.stderr).splitlines() if 'ledgemq' in line]
    check(result.returncode == 0 and not said, f'status {result.returncode}: {said or result.stderr[-500:]}')
