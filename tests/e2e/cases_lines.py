"""Serial listeners with mode = "lines": a pseudo-terminal in the place of the device's serial line."""
import contextlib
import os
import pty
import select
import signal
import time
import tty

from cases_broker import run_to_end
from harness import DEADLINE_S, case, check, free_port
from mqtt_peer import Closed, Peer

GROUP = 'lines'
SILENCE_S = 0.4  # longer than the silence that proves that the next byte begins a line


class Device:
    """A device at a serial line. The broker knows it by a symbolic link, as by /dev/serial/by-id."""

    def __init__(self, folder, name):
        self.path = os.path.join(folder, f'tty-{name}')
        self.master = None
        self.received = b''

    def plug(self):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        os.symlink(os.ttyname(slave), self.path)
        self.slave = slave  # open, so that the other side can be read before the broker is there
        self.received = b''

    def unplug(self):
        for end in (self.slave, self.master):
            os.close(end)
        self.master = None
        os.unlink(self.path)

    def send(self, data):
        """All of it, also when the broker is slower."""
        while data:
            check(select.select([], [self.master], [], DEADLINE_S)[1], 'the broker does not read the line')
            data = data[os.write(self.master, data[:4000]):]

    def line(self, deadline_s=DEADLINE_S):
        """The next command, with its end."""
        end = time.monotonic() + deadline_s
        while b'\n' not in self.received:
            left = end - time.monotonic()
            check(left > 0 and select.select([self.master], [], [], left)[0], f'no command; got {self.received!r}')
            self.received += os.read(self.master, 4096)
        line, self.received = self.received.split(b'\n', 1)
        return line + b'\n'

    def is_silent(self, duration_s=0.5):
        return not self.received and not select.select([self.master], [], [], duration_s)[0]

    def close(self):
        if self.master is not None:
            self.unplug()


class Scene:
    """A broker with serial lines, whose configuration is a file."""

    def __init__(self, context, devices, lines='', store=False):
        self.context, self.port = context, free_port()
        self.folder = os.path.join(context.folder, context.client_id)
        os.makedirs(self.folder)
        self.devices = {name: Device(self.folder, name) for name in devices}
        for device in self.devices.values():
            context.adopt(device)
        self.config = os.path.join(self.folder, 'broker.toml')
        with open(self.config, 'w', encoding='utf-8') as file:
            file.write(f'[listeners.net]\nurl = "mqtt://127.0.0.1:{self.port}"\n')
            for name, device in self.devices.items():
                file.write(f'[listeners.{name}]\nurl = "serial:{device.path}?baud=115200"\nmode = "lines"\n'
                           f'[listeners.{name}.lines]\ntopic = "{context.topic}/{name}"\n'
                           f'command_topic = "{context.topic}/cmd/{name}"\n{lines}\n')
            if store:
                file.write(f'[store]\npath = "{self.folder}/store"\n')
        self.broker = None

    def start(self):
        self.broker = self.context.start_broker(arguments=['--config', self.config])
        self.broker.wait_for_port(self.port)

    def begin(self):
        """All devices are plugged in, and the broker has opened their ports. Returns the first device."""
        for device in self.devices.values():
            device.plug()
        self.start()
        for _ in self.devices:
            self.broker.log_line('serial_port_opened')
        time.sleep(SILENCE_S)
        return next(iter(self.devices.values()))

    def kill(self):
        self.broker.signal(signal.SIGKILL)
        self.broker.process.wait(DEADLINE_S)

    def peer(self, name, topic_filter=None, qos=1, clean=True):
        peer = Peer(self.port, f'{self.context.client_id}-{name}', clean)
        self.context.adopt(peer)
        if topic_filter is not None:
            check(peer.subscribe(f'{self.context.topic}/{topic_filter}', qos) == qos, 'the filter was refused')
        return peer

    def log_size(self):
        return os.path.getsize(self.broker.log)


def payloads(peer, count):
    return [peer.message().payload.decode() for _ in range(count)]


def state_of(scene, name='meter'):
    """The retained state of the port, as a new subscriber gets it."""
    peer = scene.peer(f'state-{time.monotonic_ns()}', f'{name}/$state')
    message = peer.message()
    check(message.retain, 'the state is not retained')
    peer.close()
    return message.payload.decode()


@case('lines arrive at a subscriber in order, a command goes back, and the state is retained', GROUP, needs_ledge=True)
def _lines(context):
    scene = Scene(context, ['meter'])
    device = scene.begin()
    subscriber = scene.peer('subscriber', 'meter')
    device.send(b'21.5\r\n22.0\n\n\xff\n')
    messages = [subscriber.message() for _ in range(3)]
    check([one.payload for one in messages] == [b'21.5', b'22.0', b'\xff'], f'{messages}')
    check(all(one.topic == f'{context.topic}/meter' and one.qos == 1 for one in messages), f'{messages}')
    check(state_of(scene) == 'online', 'the state is not online')
    subscriber.publish(f'{context.topic}/cmd/meter', 'relay on', 1)
    check(device.line() == b'relay on\n', 'another command')
    for first in range(0, 4000, 800):  # in bursts that the queue of the subscriber holds
        numbers = range(first, first + 800)
        device.send(b''.join(b'%d\n' % number for number in numbers))
        check(payloads(subscriber, 800) == [str(number) for number in numbers], 'lines are missing or out of order')


@case('nobody injects a second command: a payload with a line end does not reach the line, and is counted', GROUP,
      needs_ledge=True)
def _injection(context):
    scene = Scene(context, ['meter'])
    device = scene.begin()
    sender = scene.peer('sender')
    for payload in ('on\nreset', 'on\r', '\n'):
        sender.publish(f'{context.topic}/cmd/meter', payload, 1)
    sender.publish(f'{context.topic}/cmd/meter', 'x' * 2000, 1)
    check(device.is_silent(), f'{device.received!r} has reached the device')
    sender.publish(f'{context.topic}/cmd/meter', 'good', 1)
    check(device.line() == b'good\n', 'another command')
    scene.broker.log_line(r'lines_commands_lost listener=meter reason=line_end')
    # A retained message is a fact and no event: it is not repeated when the listener subscribes.
    sender.publish(f'{context.topic}/cmd/meter', 'kept', 1, True)
    check(device.line() == b'kept\n', 'another command')


@case('a JSON meter: each member has its own topic below that of the sensor; all else is unparsed', GROUP,
      needs_ledge=True)
def _json(context):
    scene = Scene(context, ['meter'], 'json_topic_member = "id"\njson_members = "topics"\nignore_prefix = "#"\n')
    device = scene.begin()
    subscriber = scene.peer('subscriber', 'meter/#')
    check(subscriber.message().topic.endswith('/$state'), 'no state')
    device.send(b'# boot\n{"id":"hall","t":20.50,"on":true,"name":"a b","+":1,"$state":"online"}\n'
                b'{"id":"../$state","t":1}\n{"id":17,"t":2}\nhello\n')
    got = [(one.topic.removeprefix(f'{context.topic}/meter/'), one.payload.decode())
           for one in (subscriber.message() for _ in range(6))]
    check(got == [('hall/t', '20.50'), ('hall/on', 'true'), ('hall/name', 'a b'),
                  ('unparsed', '{"id":"../$state","t":1}'), ('17/t', '2'), ('unparsed', 'hello')], f'{got}')
    check(not subscriber.collect(), 'more came')


@case('unplugged and plugged in again: the state, commands that wait, and no rest of a line', GROUP, needs_ledge=True)
def _replug(context):
    scene = Scene(context, ['meter'])
    device = scene.begin()
    subscriber = scene.peer('subscriber', 'meter')
    states = scene.peer('states', 'meter/$state')
    check(states.message().payload == b'online', 'not online')
    device.send(b'1\n2')
    check(payloads(subscriber, 1) == ['1'], 'not the first line')
    device.unplug()
    check(states.message().payload == b'offline', 'not offline')
    for number in range(40):  # more than the listener holds: the rest waits in its session
        states.publish(f'{context.topic}/cmd/meter', f'set {number}', 1)
    size = scene.log_size()
    device.plug()
    check(states.message().payload == b'online', 'not online again')
    scene.broker.log_line('serial_port_opened', size)
    commands = [device.line() for _ in range(40)]
    check(commands == [b'set %d\n' % number for number in range(40)], f'{commands}')
    check(device.is_silent(), 'a command came twice')
    device.send(b'3\n')
    check(payloads(subscriber, 1) == ['3'], 'the rest of the former line was not forgotten')


@case('broker SIGKILL: commands and lines survive in the store, and the state is told anew', GROUP, needs_ledge=True)
def _killed(context):
    scene = Scene(context, ['meter'], store=True)
    device = scene.begin()
    subscriber = scene.peer('subscriber', 'meter', clean=False)
    device.send(b'1\n')
    check(payloads(subscriber, 1) == ['1'], 'not the first line')
    subscriber.close()
    watcher = scene.peer('watcher', 'meter')
    device.send(b'2\n')
    check(payloads(watcher, 1) == ['2'], 'not the second line')
    states = scene.peer('states', 'meter/$state')
    check(states.message().payload == b'online', 'not online')
    device.unplug()
    check(states.message().payload == b'offline', 'not offline')
    states.publish(f'{context.topic}/cmd/meter', 'while away', 1)
    scene.kill()
    scene.start()
    check(state_of(scene) == 'offline', 'a port that is not there is online')
    size = scene.log_size()
    device.plug()
    scene.broker.log_line('serial_port_opened', size)
    check(device.line() == b'while away\n', 'the command was lost')
    subscriber = scene.peer('subscriber', clean=False)
    check(payloads(subscriber, 1) == ['2'], 'the line was lost')
    check(state_of(scene) == 'online', 'not online')


@case('a broker that is killed while the port is open tells the state again, and commands flow', GROUP,
      needs_ledge=True)
def _killed_open(context):
    scene = Scene(context, ['meter'], store=True)
    device = scene.begin()
    check(state_of(scene) == 'online', 'not online')
    scene.kill()
    scene.start()
    scene.broker.log_line('serial_port_opened')
    sender = scene.peer('sender')
    sender.publish(f'{context.topic}/cmd/meter', 'again', 1)
    check(device.line() == b'again\n', 'another command')
    check(state_of(scene) == 'online', 'not online')
    check(scene.broker.stop() == 0, scene.broker.tail())
    device.unplug()
    scene.start()
    check(state_of(scene) == 'offline', 'the state of the former process is left')


# Release only: the address sanitizer keeps freed memory for a while.
@case('a flood without line ends does not grow the broker, and the next line arrives', GROUP, needs_ledge=True,
      quick=False)
def _flood(context):
    scene = Scene(context, ['meter'])
    device = scene.begin()
    subscriber = scene.peer('subscriber', 'meter')

    def resident_kib():
        with open(f'/proc/{scene.broker.process.pid}/status', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmRSS'))

    device.send(b'x' * 1_000_000 + b'\n1\n')
    check(payloads(subscriber, 1) == ['1'], 'the line behind the flood')
    before = resident_kib()
    device.send(b'x' * 8_000_000 + b'\n2\n')
    check(payloads(subscriber, 1) == ['2'], 'the line behind the flood')
    check(resident_kib() - before < 1024, f'{before} KiB grew to {resident_kib()} KiB')
    scene.broker.log_line(r'lines_lost listener=meter reason=too_long')


@case('two ports: each has its topics, its commands and its state', GROUP, needs_ledge=True)
def _two_ports(context):
    scene = Scene(context, ['left', 'right'])
    scene.begin()
    left, right = scene.devices['left'], scene.devices['right']
    subscriber = scene.peer('subscriber', '+')
    left.send(b'l\n')
    check(subscriber.message().topic == f'{context.topic}/left', 'another topic')
    right.send(b'r\n')
    check(subscriber.message().topic == f'{context.topic}/right', 'another topic')
    subscriber.publish(f'{context.topic}/cmd/right', 'only right', 1)
    check(right.line() == b'only right\n', 'another command')
    check(left.is_silent(), 'the command has reached both')
    left.unplug()
    states = scene.peer('states', 'left/$state')
    while states.message().payload != b'offline':
        pass
    check(state_of(scene, 'right') == 'online', 'the other port is offline')
    right.send(b'still\n')
    check(payloads(subscriber, 1) == ['still'], 'the other port does not work')


@case('an operator sees what a listener does: ledgemq check, $SYS and the log', GROUP, needs_ledge=True)
def _told(context):
    scene = Scene(context, ['meter'])
    code, out, err = run_to_end(context, 'check', '--config', scene.config)
    said = out + err
    check(code == 0 and f'each line is published on {context.topic}/meter with QoS 1' in said, said)
    scene.start()  # without the device
    scene.broker.log_line(r'serial_port_closed listener=meter .*No such file')
    facts = scene.peer('facts')
    check(facts.subscribe('$SYS/broker/lines/meter/state', 1) == 1, 'refused')
    check(facts.message().payload == b'0', 'a port that is not there is up')
    with contextlib.suppress(Closed):
        facts.publish(f'{context.topic}/cmd/meter', 'nobody hears', 0)
    scene.broker.log_line(r'lines_commands_lost listener=meter reason=command_unsent count=1')
