"""Devices that speak MQTT-SN, over UDP and over a serial line: sleep, restarts of the broker, limits, rights."""
import os
import re
import signal
import struct
import subprocess
import time

import mqttsn_peer as sn
from cases_footprint import rss_kib
from cases_http import metrics_of
from harness import Skipped, case, check, free_port

GROUP = 'mqttsn'
DEVICES = 1000
# Session, connection and gateway of one idle device, with the rounding of the heap.
RSS_PER_DEVICE_MAX_KIB = 3.0
RSS_ABOVE_TCP_MAX_BYTES = 1024
RESTART_MAX_S = 1.0
# The C client connects again at once after a connection of 16 times its retry_ms of 1 s (PROTOCOL.md).
LASTING_S = 16.5


def start(context, text='', settings=(), path=None, listener='url = "udp://127.0.0.1:{udp}"', anonymous=True):
    """A broker with a TCP listener, a listener for devices named sensors, and an admin listener."""
    udp_port, tcp_port, admin_port = free_port(), free_port(), free_port()
    path = path or os.path.join(context.folder, f'mqttsn-{udp_port}.toml')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'[listeners.clients]\nurl = "mqtt://127.0.0.1:{tcp_port}"\n[listeners.sensors]\n'
                   f'{listener.format(udp=udp_port)}\n{text}\n[admin]\nurl = "http://127.0.0.1:{admin_port}"\n')
    broker = context.start_broker(arguments=['-c', path], settings=settings, anonymous=anonymous)
    broker.log_line('ready ')
    broker.udp_port, broker.port, broker.admin_port, broker.path = udp_port, tcp_port, admin_port, path
    return broker


def again(context, broker):
    """The same broker once more, on the same ports."""
    next_broker = context.start_broker(arguments=['-c', broker.path])
    next_broker.log_line('ready ')
    for name in ('udp_port', 'port', 'admin_port', 'path'):
        setattr(next_broker, name, getattr(broker, name))
    return next_broker


def device(context, broker):
    made = sn.UdpDevice(broker.udp_port)
    context.adopt(made)
    return made


def line_of(context):
    made = sn.Line(os.path.join(context.folder, f'line-{context.client_id}'))
    context.adopt(made)
    return made


def subscriber(context, broker, topic, *more):
    child = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', broker.port, '-q', '1', '-d', '-t',
                         topic, '-F', '%t %p', *more])
    child.line(r'received SUBACK')
    return child


def publish(context, broker, topic, payload, *more):
    child = context.run(['mosquitto_pub', '-h', '127.0.0.1', '-p', broker.port, '-q', '1', '-t', topic, '-m', payload,
                         *more])
    check(child.finish()[0] == 0, f'mosquitto_pub failed: {child.errors()}')


@case('a device publishes over UDP and gets what a client of MQTT publishes', GROUP, needs_ledge=True)
def udp_both_ways(context):
    broker = start(context)
    reader = subscriber(context, broker, 'plant/#')
    meter = device(context, broker)
    meter.opens('meter')
    check(meter.publishes('plant/meter/power', b'230') == sn.ACCEPTED, 'PUBACK')
    reader.line('^plant/meter/power 230$')
    check(meter.subscribes('cmd/#') == sn.ACCEPTED, 'SUBACK')
    publish(context, broker, 'cmd/lamp', 'on')
    check(meter.takes() == ('cmd/lamp', b'on'), 'the command')
    found = metrics_of(context, broker)
    check(found[('ledgemq_mqttsn_link_up', (('listener', 'sensors'),))] == 1, 'the metric of the link')
    connected = (('listener', 'sensors'), ('state', 'connected'))
    check(found[('ledgemq_mqttsn_devices', connected)] == 1, 'the metric of the devices')


@case('a serial line serves a device, is unplugged, and comes back with the same session', GROUP, needs_ledge=True)
def serial_line(context):
    line = line_of(context)
    broker = start(context, listener=f'url = "serial:{line.path}?baud=115200"')
    line.expect(sn.ADVERTISE)
    reader = subscriber(context, broker, 'plant/#')
    line.opens('boiler', clean=False)
    check(line.publishes('plant/boiler', b'71') == sn.ACCEPTED, 'PUBACK')
    reader.line('^plant/boiler 71$')
    check(line.subscribes('cmd/boiler') == sn.ACCEPTED, 'SUBACK')
    line.unplugs()
    broker.log_line('mqttsn_link_closed .*listener=sensors')
    publish(context, broker, 'cmd/boiler', 'off')
    line.plugs()
    line.expect(sn.ADVERTISE)
    # For the gateway the device is still connected, so the command is repeated until CONNECT comes. The wait makes sure
    # that one repetition comes before CONNECT, which would otherwise depend on the load of the machine.
    line.expect(sn.PUBLISH)
    line.opens_again('boiler')
    check(line.takes() == ('cmd/boiler', b'off'), 'the command that came while the line was away')


def posix_sensor(context, broker, *arguments):
    """The C client of firmware-bridge with its POSIX port: publishes a number each second, and prints messages."""
    path = os.path.join(context.options.build, 'firmware-bridge/ports/fwb_sensor')
    if not os.path.exists(path):
        raise Skipped(f'{path} is not built')
    reader = subscriber(context, broker, 'sensors/demo/temperature')
    sensor = context.run(['stdbuf', '-oL', path, *arguments])
    sensor.line('^ready')
    reader.line('^sensors/demo/temperature 0$')
    sensor.line('^delivered')
    publish(context, broker, 'sensors/demo/set', 'warm')
    sensor.line('^message: warm$')
    return sensor, reader


@case('the C client publishes and subscribes over UDP, and again at most 1 s after the broker was killed', GROUP,
      needs_ledge=True, quick=False, alone=True)
def c_client_udp(context):
    broker = start(context, settings=['store.path=none'])
    sensor, reader = posix_sensor(context, broker, '127.0.0.1', broker.udp_port)
    reader.line(f'^sensors/demo/temperature {LASTING_S + 1:.0f}$', LASTING_S + 5)
    broker.signal(signal.SIGKILL)
    broker.process.wait()
    broker = again(context, broker)
    began = time.monotonic()
    sensor.line('^lost')
    lost = time.monotonic()
    sensor.line('^delivered')
    took = time.monotonic() - lost
    print(f'    the C client noticed the restart after {lost - began:.2f} s, and published {took:.3f} s later')
    check(took <= RESTART_MAX_S, f'{took:.2f} s')
    # The sensor publishes once a second, and repeats an unanswered packet after 1 to 1.25 s.
    check(lost - began <= 1.25 + RESTART_MAX_S, f'{lost - began:.2f} s')


@case('the C client publishes and subscribes over a serial line', GROUP, needs_ledge=True, quick=False)
def c_client_serial(context):
    # Two pseudo terminals with a relay in between: each program opens the side of a device.
    import threading
    near, far = line_of(context), sn.Line(os.path.join(context.folder, f'far-{context.client_id}'))
    context.adopt(far)
    stopping = threading.Event()
    relay = threading.Thread(target=carry, args=(near.master, far.master, stopping))
    relay.start()
    try:
        broker = start(context, listener=f'url = "serial:{near.path}"')
        posix_sensor(context, broker, far.path)
    finally:
        stopping.set()
        relay.join()


def carry(one, other, stopping):
    import select
    while not stopping.is_set():
        for source in select.select([one, other], [], [], 0.1)[0]:
            try:
                os.write(other if source == one else one, os.read(source, 4096))
            except OSError:  # nobody has that side open
                time.sleep(0.02)


@case('messages for a sleeper survive a killed broker and are delivered when it checks its mail', GROUP,
      needs_ledge=True)
def sleeper_and_kill(context):
    store = os.path.join(context.folder, f'store-{context.client_id}')
    broker = start(context, f'[store]\npath = "{store}"')
    lamp = device(context, broker)
    lamp.opens('lamp', clean=False)
    check(lamp.subscribes('cmd/lamp') == sn.ACCEPTED, 'SUBACK')
    lamp.send(sn.packet(sn.DISCONNECT, struct.pack('>H', 300)))
    lamp.expect(sn.DISCONNECT)
    for number in range(3):
        publish(context, broker, 'cmd/lamp', str(number))
    check(lamp.receive(0.3) is None, 'a sleeping device got a packet')
    broker.signal(signal.SIGKILL)
    broker.process.wait()
    broker = again(context, broker)
    # The new broker does not know the device, says so, and the device connects again.
    lamp.send(sn.packet(sn.PINGREQ, b'lamp'))
    lamp.expect(sn.DISCONNECT)
    lamp.opens('lamp', clean=False)
    got = [lamp.takes()[1] for _ in range(3)]
    check(got == [b'0', b'1', b'2'], f'{got}')


@case('a sleeper gets its messages and then exactly one PINGRESP', GROUP, needs_ledge=True)
def check_mail(context):
    broker = start(context)
    lamp = device(context, broker)
    lamp.opens('lamp')
    check(lamp.subscribes('cmd/lamp') == sn.ACCEPTED, 'SUBACK')
    lamp.send(sn.packet(sn.DISCONNECT, struct.pack('>H', 300)))
    lamp.expect(sn.DISCONNECT)
    publish(context, broker, 'cmd/lamp', 'on')
    publish(context, broker, 'cmd/lamp', 'off')
    check(lamp.receive(0.2) is None, 'a sleeping device got a packet')
    lamp.send(sn.packet(sn.PINGREQ, b'lamp'))
    check([lamp.takes()[1], lamp.takes()[1]] == [b'on', b'off'], 'both messages')
    lamp.expect(sn.PINGRESP)
    check(lamp.receive(0.2) is None, 'a packet after PINGRESP')


@case(f'a device publishes again at most {RESTART_MAX_S:.0f} s after a restart of the broker', GROUP, needs_ledge=True)
def restart(context):
    broker = start(context)
    meter = device(context, broker)
    meter.opens('meter')
    topic_id = meter.registers('plant/meter')
    check(meter.publishes('plant/meter', b'1') == sn.ACCEPTED, 'PUBACK')
    broker.signal(signal.SIGKILL)
    broker.process.wait()
    broker = again(context, broker)
    began = time.monotonic()
    meter.send(sn.publish(topic_id, b'2', 1, 77))
    meter.expect(sn.DISCONNECT)
    meter.topics.clear()
    meter.opens('meter')
    check(meter.publishes('plant/meter', b'2') == sn.ACCEPTED, 'PUBACK')
    took = time.monotonic() - began
    check(took <= RESTART_MAX_S, f'{took:.2f} s')


@case('the rights of the listener\'s user hold for its devices', GROUP, needs_ledge=True)
def rights(context):
    acl = os.path.join(context.folder, 'mqttsn.acl')
    with open(acl, 'w', encoding='utf-8') as file:
        file.write('user field\ntopic write plant/#\n\nuser office\ntopic read plant/#\n')
    broker = start(context, f'user = "field"\n[auth]\nacl_file = "{acl}"')
    meter = device(context, broker)
    meter.opens('meter')
    check(meter.publishes('plant/meter', b'1') == sn.ACCEPTED, 'an allowed topic')
    check(meter.publishes('office/door', b'1') != sn.ACCEPTED, 'a forbidden topic was accepted')
    check(meter.subscribes('plant/#') != sn.ACCEPTED, 'a forbidden filter was accepted')
    broker.log_line('client_connected client_id=meter user=field')


@case('limits hold for devices: of the listener, of peers, of topics', GROUP, needs_ledge=True)
def limits(context):
    broker = start(context, '[listeners.sensors.mqttsn]\npeers_max = 2\ntopics_max = 1\n'
                            '[listeners.sensors.limits]\ntopic_levels_max = 3\n')
    first, second, third = (device(context, broker) for _ in range(3))
    first.opens('one')
    second.opens('two')
    third.send(sn.connect('three'))
    check(third.expect(sn.CONNACK)[0] == sn.CONGESTION, 'a third device was accepted')
    first.registers('a')
    first.send(sn.register('b', 9))
    check(first.expect(sn.REGACK)[4] == sn.NOT_SUPPORTED, 'a second topic was accepted')
    check(second.subscribes('a/b/c/d/e') != sn.ACCEPTED, 'limits.topic_levels_max does not hold')


@case('messages of QoS -1 are published with the rights of their user, above a rate not', GROUP, needs_ledge=True)
def connectionless(context):
    broker = start(context, '[listeners.sensors.mqttsn]\nconnectionless_user = "beacons"\n'
                            'connectionless_per_second = 5\n'
                            '[listeners.sensors.mqttsn.predefined_topics]\n7 = "plant/beacon"\n')
    reader = subscriber(context, broker, 'plant/#')
    beacon = device(context, broker)
    beacon.send(sn.publish(7, b'first', -1, 0, sn.PREDEFINED))
    reader.line('^plant/beacon first$')
    for _ in range(50):
        beacon.send(sn.publish(7, b'x', -1, 0, sn.PREDEFINED))
    beacon.opens('beacon')
    found = metrics_of(context, broker)
    received = found[('ledgemq_mqttsn_messages_received_total', (('listener', 'sensors'),))]
    check(received <= 10, f'{received} messages passed the rate of 5 per second')


@case('strangers, noise and cuts crash nothing, and get no more bytes than they have sent', GROUP, needs_ledge=True)
def hostile(context):
    broker = start(context, '[listeners.sensors.mqttsn]\nunknown_per_second = 20\n')
    stranger = device(context, broker)
    sent = received = 0
    whole = sn.connect('x' * 20)
    packets = [whole[:cut] for cut in range(len(whole))]
    packets += [bytes([3, kind, 0]) for kind in range(256) if kind != 4]
    packets += [b'\x01\xff\xff', b'\x01\0\0', os.urandom(900)]
    packets += [sn.packet(sn.PINGREQ)] * 2000
    for data in packets:
        stranger.send(data)
        sent += len(data)
    while (found := stranger.receive(0.3)) is not None:
        received += len(found)
    check(0 < received <= sent / 10, f'{received} bytes for {sent}')
    meter = device(context, broker)
    meter.opens('meter')
    check(meter.publishes('plant/meter', b'1') == sn.ACCEPTED, 'a device is served afterwards')


def idle_bytes(context, broker, connect_one):
    """Resident bytes for each of many idle clients."""
    connect_one('warm')
    before = rss_kib(broker.process.pid)
    clients = [connect_one(f'device-{number}') for number in range(DEVICES)]
    return (rss_kib(broker.process.pid) - before) * 1024 / DEVICES, clients


@case(f'{DEVICES} UDP devices connect and publish; an idle one costs at most {RSS_ABOVE_TCP_MAX_BYTES} bytes more than '
      'a client of TCP', GROUP, needs_ledge=True, quick=False, alone=True)
def crowd(context):
    settings = ('[listeners.sensors.mqttsn]\nunknown_per_second = 0\n'
                f'peers_max = {2 * DEVICES}\n[sys]\ninterval_s = 0\n')
    plain = start(context, settings)
    broker = start(context, settings)

    def connect_tcp(client_id):
        raw = context.connect(plain.port)
        raw.open(client_id, version=5, clean=False, properties=b'\x11\0\0\x0e\x10')
        return raw

    def connect_udp(client_id):
        one = device(context, broker)
        one.opens(client_id, clean=False, keep_alive_s=3600)
        return one

    reader = subscriber(context, broker, 'plant/#')  # first, since select() knows no descriptors above 1023
    of_tcp, _ = idle_bytes(context, plain, connect_tcp)
    began = time.monotonic()
    of_udp, devices = idle_bytes(context, broker, connect_udp)
    connected_s = time.monotonic() - began
    for first in range(0, DEVICES, 100):  # the kernel keeps some hundred packets of a socket that is not read
        for one in devices[first:first + 100]:
            one.send(sn.publish('ab', b'1', 1, 1, sn.SHORT_NAME))
        for one in devices[first:first + 100]:
            check(one.expect(sn.PUBACK)[4] == sn.ACCEPTED, 'PUBACK')
    check(all(one.publishes('plant/all', b'1') == sn.ACCEPTED for one in devices[:10]), 'PUBACK')
    for _ in range(10):
        reader.line('^plant/all 1$')
    print(f'    {of_udp:.0f} bytes per idle device, {of_tcp:.0f} per idle client of TCP; '
          f'{DEVICES} devices connected in {connected_s:.2f} s')
    check(of_udp <= RSS_PER_DEVICE_MAX_KIB * 1024, f'{of_udp:.0f} bytes per device')
    check(of_udp - of_tcp <= RSS_ABOVE_TCP_MAX_BYTES, f'{of_udp - of_tcp:.0f} bytes above {of_tcp:.0f}')


def checked(context, path):
    command = [context.options.broker, 'check', '-c', path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@case('a wrong configuration of a listener for devices is refused with status 2, line and fix', GROUP, needs_ledge=True)
def wrong_configuration(context):
    path = os.path.join(context.folder, 'wrong.toml')
    no_line = os.path.join(context.folder, 'no-line')
    with open(no_line, 'w', encoding='utf-8') as file:
        file.write('x')
    line = line_of(context)
    wrong = [
        ('url = "serial:ttyUSB0"', 'whole path'),
        ('url = "serial:/dev/ttyUSB0?baud=12345"', '115200'),
        ('url = "serial:/dev/ttyUSB0?flow=xonxoff"', 'flow=rtscts'),
        (f'url = "serial:{no_line}"', 'not a serial line'),
        (f'url = "serial:{line.path}"\n[listeners.other]\nurl = "serial:{os.path.realpath(line.path)}"', 'once'),
        ('url = "udp://127.0.0.1:1"\nproxy_protocol = true\nproxy_from = ["10.0.0.0/8"]', 'proxy_protocol'),
        ('url = "udp://127.0.0.1:1"\n[listeners.sensors.tls]\ncertificate = "a"\nkey = "b"', 'no TLS'),
        ('url = "udp://127.0.0.1:1"\n[listeners.sensors.websocket]\ncompression = true', 'not a WebSocket'),
        ('url = "udp://127.0.0.1:1"\n[listeners.sensors.mqttsn]\nmulticast = "10.0.0.1"', 'group'),
        ('url = "udp://127.0.0.1:1"\n[listeners.sensors.mqttsn]\npacket_bytes_max = 8', '32'),
        ('url = "udp://127.0.0.1:1"\n[listeners.sensors.mqttsn.predefined_topics]\n0 = "a"', '1 to 65534'),
        ('url = "udp://127.0.0.1:1"\n[listeners.sensors.mqttsn.predefined_topics]\n1 = "a/#"', 'wildcards'),
        ('url = "mqtt://127.0.0.1:1"\nuser = "field"', 'remove the key'),
        ('url = "mqtt://127.0.0.1:1"\n[listeners.sensors.mqttsn]\npeers_max = 7', 'remove the section'),
    ]
    for text, part in wrong:
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'[listeners.sensors]\n{text}\n')
        found = checked(context, path)
        check(found.returncode == 2, f'status {found.returncode} for {text!r}: {found.stdout}{found.stderr}')
        check(part in found.stderr and re.search(r'wrong\.toml:\d+', found.stderr), f'{text!r}: {found.stderr}')


@case('ledgemq check explains a listener for devices', GROUP, needs_ledge=True)
def explained(context):
    path = os.path.join(context.folder, 'devices.toml')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('[listeners.sensors]\nurl = "udp://127.0.0.1:1883"\nuser = "field"\n')
    found = checked(context, path)
    check(found.returncode == 0, found.stderr)
    check('for MQTT-SN devices, whoever reaches it has the rights of the user field' in found.stdout, found.stdout)
    check('warning: nobody' not in found.stdout, found.stdout)
