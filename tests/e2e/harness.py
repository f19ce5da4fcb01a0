"""What the end-to-end cases stand on: a broker as a child process, real clients as child processes, a raw socket that
speaks just enough MQTT, and the list of cases. Nothing here sleeps for luck: everything waits for a line or a byte,
with a deadline."""
import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass

DEADLINE_S = 20.0  # of any single wait
STAND_IN = 'mosquitto'

CASES = []
AT_END = []  # functions without arguments, called once after all cases


class Skipped(Exception):
    """The case cannot run here; its text says why. Counted, never silent."""


@dataclass(frozen=True)
class Case:
    """A function of one Context, and where it may run."""
    name: str
    group: str
    function: object
    needs_ledge: bool  # it asks for the behaviour of LedgeMQ
    is_quick: bool     # it also runs against the sanitizer builds
    is_alone: bool     # it measures time, memory or rates: no other suite may run beside it

    @property
    def title(self):
        return f'{self.group}: {self.name}'


def case(name, group, needs_ledge=False, quick=True, alone=False):
    """Registers a case; the arguments are the members of Case."""

    def register(function):
        CASES.append(Case(name, group, function, needs_ledge, quick, alone))
        return function

    return register


def check(claim, text):
    if not claim:
        raise AssertionError(text)


class Ports:
    """Below the range of ephemeral ports, and never one twice: nobody else is given it meanwhile."""
    free = []

    @classmethod
    def choose_from(cls, first, last):
        cls.free = random.sample(range(first, last + 1), last + 1 - first)


Ports.choose_from(26000, 31999)


def await_log_line(path, pattern, since=0, deadline_s=DEADLINE_S):
    """Waits for a line of a log file, beyond `since` bytes, and returns the line."""
    end = time.monotonic() + deadline_s
    while True:
        with open(path, encoding='utf-8', errors='replace') as file:
            text = file.read()[since:]
        for line in text.split('\n'):
            if re.search(pattern, line):
                return line
        check(time.monotonic() < end, f'no log line like {pattern!r}: {text[-1000:]}')
        time.sleep(0.02)


def cpu_s(broker):
    """What the broker has used of processors so far: unlike time, it does not grow on a machine that is busy."""
    with open(f'/proc/{broker.process.pid}/stat', encoding='ascii') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def free_port():
    while Ports.free:
        port = Ports.free.pop()
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue
    raise AssertionError('no free port')


class Child:
    """A process of ours: lines of its standard output with a deadline; ended by its own pid at the latest on close."""

    def __init__(self, command, **options):
        self.command = [str(part) for part in command]
        self.stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.stderr, **options)
        self.pending = b''
        self.lines = []

    def line(self, pattern, deadline_s=DEADLINE_S):
        """The next line that matches the pattern; lines before it are kept in `lines` as well."""
        end = time.monotonic() + deadline_s
        while True:
            while b'\n' in self.pending:
                raw, self.pending = self.pending.split(b'\n', 1)
                text = raw.decode('utf-8', 'replace')
                self.lines.append(text)
                if re.search(pattern, text):
                    return text
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f'no line like {pattern!r} from {self.command[0]} in {deadline_s:.0f} s; got '
                                     f'{self.lines[-5:]} {self.errors()[-300:]}')
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise AssertionError(f'{" ".join(self.command)} ended without a line like {pattern!r}; got '
                                     f'{self.lines[-5:]} {self.errors()[-300:]}')
            self.pending += more

    def finish(self, deadline_s=DEADLINE_S):
        """Waits for the end; the exit code and everything printed since the last line()."""
        try:
            out, _ = self.process.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f'{" ".join(self.command)} did not end in {deadline_s:.0f} s: '
                                 f'{self.errors()[-300:]}') from None
        return self.process.returncode, (self.pending + out).decode('utf-8', 'replace')

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read().decode('utf-8', 'replace')

    def signal(self, number):
        self.process.send_signal(number)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.stderr):
            stream.close()


class Broker(Child):
    """The broker under test (or Debian's mosquitto in its place) on a free port of the loopback interface."""

    def __init__(self, path, folder, arguments=None, settings=(), anonymous=True, stderr=None):
        self.port = free_port()
        self.folder = folder
        self.is_stand_in = os.path.basename(path) == STAND_IN
        listen = ['--listen', f'mqtt://127.0.0.1:{self.port}']
        if self.is_stand_in:
            command = [path, '-c', self._stand_in_configuration()]
        else:
            command = [path, *(listen if arguments is None else arguments)]
            command += ['--allow-anonymous'] if anonymous else []
            for setting in settings:
                command += ['--set', setting]
        self.log = os.path.join(folder, f'broker-{self.port}.log')
        with open(self.log, 'wb') as log:
            self.command = command
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log if stderr is None else stderr)
        if arguments is None:
            self.wait_for_port(self.port)

    def _stand_in_configuration(self):
        path = os.path.join(self.folder, 'stand-in.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'listener {self.port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\nmax_queued_messages 0\n'
                       f'user root\n')
        return path

    def wait_for_port(self, port, host='127.0.0.1'):
        end = time.monotonic() + DEADLINE_S
        while True:
            check(self.process.poll() is None, f'the broker ended with {self.process.returncode}: {self.tail()}')
            try:
                socket.create_connection((host, port), 1).close()
                return
            except OSError:
                check(time.monotonic() < end, f'port {port} never accepted: {self.tail()}')
                time.sleep(0.01)

    def tail(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()[-1500:]

    def log_line(self, pattern, since=0):
        """Waits for a line of the log beyond `since` bytes."""
        return await_log_line(self.log, pattern, since)

    def stop(self):
        """SIGTERM and the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'the broker ignores SIGTERM: {self.tail()}') from None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Context:
    """What a case gets: the shared broker, a folder, and helpers that clean up after it."""

    def __init__(self, options, broker, folder, number):
        self.options = options
        self.broker = broker
        self.folder = folder
        self.topic = f'case/{number}'  # no two cases share topics or client ids
        self.client_id = f'case{number}'
        self._children = []
        self._sockets = []

    @property
    def port(self):
        return self.broker.port

    def run(self, command, **options):
        child = Child(command, **options)
        self._children.append(child)
        return child

    def start_broker(self, **options):
        broker = Broker(self.options.broker, self.folder, **options)
        self._children.append(broker)
        return broker

    def connect(self, port=None, **options):
        raw = RawClient(port or self.port, **options)
        self._sockets.append(raw)
        return raw

    def adopt(self, raw):
        """Closes `raw` at the end of the case."""
        self._sockets.append(raw)

    def close(self):
        for raw in reversed(self._sockets):  # a page first, then the driver that ends its browser
            raw.close()
        for child in self._children:
            child.close()


def prefixed(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack('>H', len(data)) + data


def variable(number):
    out = b''
    while True:
        number, byte = number >> 7, number & 0x7F
        out += bytes([byte | (0x80 if number else 0)])
        if not number:
            return out


def packet(first, body):
    return bytes([first]) + variable(len(body)) + body


def connect_packet(client_id, version=4, keep_alive_s=0, clean=True, properties=b''):
    body = prefixed('MQTT') + bytes([version, 2 if clean else 0]) + struct.pack('>H', keep_alive_s)
    body += (variable(len(properties)) + properties if version == 5 else b'') + prefixed(client_id)
    return packet(0x10, body)


def subscribe_packet(topic_filter, qos=0, version=4, packet_id=1):
    body = struct.pack('>H', packet_id) + (b'\0' if version == 5 else b'') + prefixed(topic_filter) + bytes([qos])
    return packet(0x82, body)


def publish_packet(topic, payload, version=4):
    return packet(0x30, prefixed(topic) + (b'\0' if version == 5 else b'') + payload)


class RawClient:
    """A socket that sends any bytes and reads whole packets: (first byte, body)."""

    def __init__(self, port=None, path=None, host='127.0.0.1', source=''):
        if path is not None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(DEADLINE_S)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection((host, port), DEADLINE_S, (source, 0))
        self.data = b''

    def send(self, data):
        self.socket.sendall(data)

    def message(self, data):
        """Whole packets, in the way this transport carries them."""
        self.send(data)

    def receive(self):
        """Some bytes, b'' when the broker has closed the connection."""
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b''
        except socket.timeout:
            raise AssertionError('the broker sent nothing in time') from None

    def open(self, client_id, version=4, **options):
        self.message(connect_packet(client_id, version, **options))
        first, body = self.read()
        check(first == 0x20 and body[1] == 0, f'CONNACK expected, got {first} {body.hex()}')
        return body

    def subscribe(self, topic_filter, qos=0, version=4):
        self.message(subscribe_packet(topic_filter, qos, version))
        first, body = self.read()
        check(first == 0x90 and body[-1] == qos, f'SUBACK expected, got {first} {body.hex()}')

    def read(self):
        """The next packet, or (None, b'') when the broker has closed the connection."""
        while True:
            found = self._cut()
            if found is not None:
                return found
            more = self.receive()
            if not more:
                return None, b''
            self.data += more

    def _cut(self):
        size, shift, at = 0, 0, 1
        while True:
            if at >= len(self.data):
                return None
            byte = self.data[at]
            size |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if byte < 0x80:
                break
        if len(self.data) < at + size:
            return None
        first, body, self.data = self.data[0], self.data[at:at + size], self.data[at + size:]
        return first, body

    def close(self):
        self.socket.close()
