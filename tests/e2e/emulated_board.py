"""A device with real firmware for the cases: QEMU with an image of firmware-bridge/qemu, and the serial line between
the device and the broker, which fwb-line makes as bad as a case wants. Everything is a child process of the context."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

from harness import DEADLINE_S, Skipped, await_log_line, check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(ROOT, 'firmware-bridge/tools')
IMAGES = os.path.join(ROOT, 'build/firmware')
QEMU = 'qemu-system-arm'
sys.path.insert(0, TOOLS)
import fwb_wire  # noqa: E402


def need_qemu():
    if shutil.which(QEMU) is None:
        raise Skipped(f'{QEMU} is not installed')
    if not os.path.exists(os.path.join(IMAGES, 'sensor_qos1.elf')):
        raise Skipped(f'no firmware in {IMAGES}: ./run test builds it')


def reading(number):
    """What the sensor of the emulated board says (firmware-bridge/qemu/board.c)."""
    tenths = 200 + number * 7 % 50
    return f'n={number} t={tenths // 10}.{tenths % 10}'


def number_of(payload):
    """The number of a reading, or None when a byte of the reading has changed."""
    text = payload.decode('latin-1')
    found = re.fullmatch(r'n=(\d{1,9}) t=\d\d\.\d', text)
    return int(found[1]) if found and text == reading(int(found[1])) else None


class Line:
    """A serial line. `path` is the terminal for the broker, `socket` the one for QEMU."""

    def __init__(self, context, name, errors=0.0, seed=1):
        self.socket, self.path, self.capture = (os.path.join(context.folder, f'{context.client_id}.{name}.{end}')
                                                for end in ('socket', 'line', 'capture'))
        self.process = context.run([sys.executable, '-u', '-B', os.path.join(TOOLS, 'fwb-line'),
                                    f'unix-listen:{self.socket}', f'pty:{self.path}', '--errors', errors, '--seed',
                                    seed, '--capture', self.capture])
        self.process.line('^ready: ')

    @property
    def url(self):
        return f'serial:{self.path}?baud=115200'

    def tell(self, command):
        self.process.process.stdin.write(command.encode() + b'\n')
        self.process.process.stdin.flush()
        return self.process.line('^(done|stats|not understood): ')

    def frames(self):
        """(seconds, direction, packet or None, bytes) of each frame so far; '>' comes from the device."""
        framers = {'>': fwb_wire.Framer(), '<': fwb_wire.Framer()}
        found = []
        with open(self.capture, encoding='utf-8') as file:
            for text in file:
                seconds, direction, data = fwb_wire.read_capture_line(text) or (0.0, '>', b'')
                found += [(seconds, direction, packet, frame) for packet, _, frame in framers[direction].feed(data)]
        return found

    def packets(self, since_s=0.0):
        """(seconds, direction, what the packet is) of each undamaged packet that came later."""
        return [(seconds, direction, fwb_wire.describe(packet)) for seconds, direction, packet, _ in self.frames()
                if packet is not None and seconds > since_s]

    def await_packet(self, pattern, since_s=0.0, deadline_s=DEADLINE_S):
        """The first packet of which `direction text` matches."""
        end = time.monotonic() + deadline_s
        while True:
            for entry in self.packets(since_s):
                if re.search(pattern, f'{entry[1]} {entry[2]}'):
                    return entry
            check(time.monotonic() < end, f'no packet like {pattern!r}; the last ones: {self.packets()[-8:]}')
            time.sleep(0.01)

    def now_s(self):
        """The time of the last packet: what comes later has a later one."""
        return self.packets()[-1][0]


class Monitor:
    """QEMU's monitor protocol (QMP)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(path)
        self.answers = self.socket.makefile('r')
        check('QMP' in json.loads(self.answers.readline()), 'no greeting of QEMU')
        self.execute('qmp_capabilities')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answers.close()
        self.socket.close()

    def execute(self, command, **arguments):
        self.socket.sendall(json.dumps({'execute': command, 'arguments': arguments}).encode())
        while True:
            answer = json.loads(self.answers.readline())  # events may come in between
            check('error' not in answer, f'{command}: {answer}')
            if 'return' in answer:
                return answer['return']


def sleeping_addresses(image):
    """Where the processor stands while it sleeps: behind each WFI instruction."""
    listing = subprocess.run(['arm-none-eabi-objdump', '-d', image], capture_output=True, text=True, check=True).stdout
    return {int(address, 16) + 2 for address in re.findall(r'^\s*([0-9a-f]+):.*\swfi$', listing, re.M)}


class Board:
    """The emulated board with an image. `settings` are those of firmware-bridge/qemu/board.c."""

    def __init__(self, context, image, line, **settings):
        settings.setdefault('seed', 7)
        self.console = line.socket.removesuffix('socket') + 'console'
        self.monitor = line.socket.removesuffix('socket') + 'monitor'
        self.image = os.path.join(IMAGES, f'{image}.elf')
        self.sleeping_at = sleeping_addresses(self.image)
        arguments = ''.join(f',arg={key}={value}' for key, value in settings.items())
        self.process = context.run([
            QEMU, '-M', 'mps2-an385', '-kernel', self.image, '-display', 'none',
            '-nodefaults', '-nic', 'none', '-monitor', 'none', '-qmp', f'unix:{self.monitor},server=on,wait=off',
            '-semihosting-config', f'enable=on,target=native,arg=board{arguments}',
            '-chardev', f'socket,id=line,path={line.socket},server=off', '-serial', 'chardev:line',
            '-serial', f'file:{self.console}'])

    def says(self, pattern, since=0):
        """Waits for a line of the console."""
        end = time.monotonic() + DEADLINE_S
        while not os.path.exists(self.console):
            check(time.monotonic() < end and self.process.process.poll() is None, f'QEMU: {self.process.errors()}')
            time.sleep(0.01)
        return await_log_line(self.console, pattern, since)

    def said(self):
        with open(self.console, encoding='utf-8') as file:
            return file.read().splitlines()

    def reset(self, anywhere=False):
        """The reset pin: the processor starts again, and RAM keeps what it has. This happens while the processor
        sleeps, because a client that lives on in RAM must not be half changed, or `anywhere`."""
        with Monitor(self.monitor) as monitor:
            end = time.monotonic() + DEADLINE_S
            while not anywhere:
                monitor.execute('stop')
                registers = monitor.execute('human-monitor-command', **{'command-line': 'info registers'})
                if int(re.search(r'R15=([0-9a-f]+)', registers)[1], 16) in self.sleeping_at:
                    break
                check(time.monotonic() < end, 'the firmware never sleeps')
                monitor.execute('cont')
            monitor.execute('system_reset')
            monitor.execute('cont')

    def memory(self, symbol, size):
        """The bytes of a static variable, from its beginning on."""
        listing = subprocess.run(['arm-none-eabi-nm', self.image], capture_output=True, text=True, check=True).stdout
        address = int(re.search(rf'^([0-9a-f]+) . {symbol}$', listing, re.M)[1], 16)
        path = self.monitor + '.memory'
        with Monitor(self.monitor) as monitor:
            monitor.execute('pmemsave', val=address, size=size, filename=path)
        with open(path, 'rb') as file:
            return file.read()

    def power_off(self):
        """Without any notice, and RAM is lost."""
        self.process.process.kill()
        self.process.process.wait()
