#!/usr/bin/python3
"""Tests of the tools of firmware-bridge. The last line is "N passed, N failed"."""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(ROOT, 'firmware-bridge/tools')
sys.path[:0] = [os.path.join(ROOT, 'tests/support'), TOOLS]
import fwb_wire as wire  # noqa: E402
from claims import check, claim, run  # noqa: E402

DEADLINE_S = 10.0
QUIET_S = 0.15  # how long "nothing arrives" is watched

EXAMPLES = {  # packet -> what fwb-dump says
    '05 00 01 03 84': 'ADVERTISE gateway=1 duration_s=900',
    '03 01 00': 'SEARCHGW radius=0',
    '03 02 01': 'GWINFO gateway=1',
    '07 02 01 7f 00 00 01': 'GWINFO gateway=1 address=7f000001',
    '0a 04 04 01 00 1e 64 65 76 31': 'CONNECT clean protocol=1 keep_alive_s=30 client_id="dev1"',
    '08 04 08 01 00 1e 64 31': 'CONNECT will protocol=1 keep_alive_s=30 client_id="d1"',
    '03 05 01': 'CONNACK code=congestion',
    '02 06': 'WILLTOPICREQ',
    '05 07 30 61 62': 'WILLTOPIC qos=1 retain topic="ab"',
    '02 07': 'WILLTOPIC',
    '02 08': 'WILLMSGREQ',
    '04 09 62 79': 'WILLMSG payload="by"',
    '08 0a 00 00 00 09 61 62': 'REGISTER topic_id=0 id=9 topic="ab"',
    '07 0b 00 02 00 09 00': 'REGACK topic_id=2 id=9 code=accepted',
    '0c 0c 20 00 01 00 01 74 3d 30 30 30': 'PUBLISH qos=1 topic=1 id=1 payload="t=000"',
    '08 0c e1 00 07 00 00 0a': 'PUBLISH qos=-1 dup topic=predefined 7 id=0 payload="\\x0a"',
    '08 0c 12 61 62 00 00 22': 'PUBLISH qos=0 retain topic=short "ab" id=0 payload="\\""',
    '07 0d 00 01 00 05 02': 'PUBACK topic_id=1 id=5 code=invalid_topic',
    '04 0e 00 05': 'PUBCOMP id=5',
    '04 0f 00 05': 'PUBREC id=5',
    '04 10 00 05': 'PUBREL id=5',
    '08 12 20 00 05 61 2f 23': 'SUBSCRIBE qos=1 id=5 topic="a/#"',
    '07 12 41 00 05 00 09': 'SUBSCRIBE qos=2 id=5 topic=predefined 9',
    '08 13 20 00 00 00 05 03': 'SUBACK qos=1 topic_id=0 id=5 code=not_supported',
    '06 14 00 00 05 61': 'UNSUBSCRIBE qos=0 id=5 topic="a"',
    '04 15 00 05': 'UNSUBACK id=5',
    '02 16': 'PINGREQ',
    '04 16 64 31': 'PINGREQ client_id="d1"',
    '02 17': 'PINGRESP',
    '02 18': 'DISCONNECT',
    '04 18 01 2c': 'DISCONNECT duration_s=300',
    '04 1a 00 61': 'WILLTOPICUPD qos=0 topic="a"',
    '03 1b 00': 'WILLTOPICRESP code=accepted',
    '03 1c 61': 'WILLMSGUPD payload="a"',
    '03 1d 05': 'WILLMSGRESP code=reserved 5',
    '05 fe 01 aa bb 02 16': 'PINGREQ node=aabb radius=1',
    '1e ff 42 00 d0 d1 d2 d3 d4 d5 d6 d7 01 02 03 04 00 00 00 05 02 16 38 5b 1e b9 e2 b6 71 fb':
        'ENVELOPE protection=16896 sender=d0d1d2d3d4d5d6d7 random=01020304 counter=5 sealed=0216385b1eb9e2b671fb',
}


def start(tool, *arguments, folder=TOOLS, **options):
    return subprocess.Popen([sys.executable, '-B', os.path.join(folder, tool), *arguments], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


class Bench:
    """A folder, and the lines that a test makes, which end with it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='ledgemq-tools-')
        self.closing = []

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def line(self, *arguments, is_open=True, **options):
        """A line between a Unix socket, whose peer is returned, and a pseudo terminal, whose file is returned."""
        tool = start('fwb-line', f'unix-listen:{self.path("socket")}', f'pty:{self.path("line")}', *arguments,
                     **options)
        self.closing.append(lambda: end(tool))
        check(tool.stdout.readline().startswith('ready: '), 'fwb-line is not ready')
        device = socket.socket(socket.AF_UNIX)
        device.connect(self.path('socket'))
        self.closing.append(device.close)
        return tool, device.detach(), self.open_line() if is_open else -1

    def open_line(self):
        number = os.open(self.path('line'), os.O_RDWR | os.O_NOCTTY)
        self.closing.append(lambda: os.close(number))
        tty.setraw(number)
        return number

    def close(self):
        for close in reversed(self.closing):
            close()
        self.folder.cleanup()


def end(tool):
    if tool.poll() is None:
        tool.kill()
    tool.communicate()


def read(number, size):
    """So many bytes, or as many as came in time."""
    data, until = b'', time.monotonic() + DEADLINE_S
    while len(data) < size and select.select([number], [], [], max(0, until - time.monotonic()))[0]:
        data += os.read(number, size - len(data))
    return data


def read_all(number):
    """What comes until nothing comes any more."""
    data = b''
    while select.select([number], [], [], QUIET_S)[0]:
        data += os.read(number, 4096)
    return data


def tell(tool, command):
    tool.stdin.write(command + '\n')
    tool.stdin.flush()
    return tool.stdout.readline().strip()


# ---------------------------------------------------------------------------------------------------------------------
# Frames and packets

@claim('the vectors of PROTOCOL.md are encoded and decoded')
def _vectors(_):
    with open(os.path.join(ROOT, 'firmware-bridge/PROTOCOL.md'), encoding='utf-8') as file:
        rows = re.findall(r'^\| (?:`([0-9a-f ]+)`[^|]*|"(\d+)"[^|]*) \| `([0-9a-f ]+)` \|$', file.read(), re.M)
    check(len(rows) == 4, f'PROTOCOL.md has {len(rows)} vectors, not 4')
    for packet, text, frame in rows:
        packet, frame = text.encode() if text else bytes.fromhex(packet), bytes.fromhex(frame)
        check(wire.encode_frame(packet) == frame, f'{packet.hex()} is encoded as {wire.encode_frame(packet).hex()}')
        check(wire.Framer().feed(frame) == [(packet, '', frame[:-1])], f'{frame.hex()} is not decoded')


@claim('every packet size from 2 to 250 bytes survives the frame, with and without zeros')
def _sizes(_):
    for size in range(wire.PACKET_MIN_BYTES, wire.PACKET_MAX_BYTES + 1):
        for packet in (bytes(size), bytes([7]) * size, bytes(at % 256 for at in range(size))):
            frame = wire.encode_frame(packet)
            check(len(frame) == size + 4, f'{size} bytes became {len(frame)}')
            check(wire.decode_frame(frame[:-1]) == (packet, ''), f'{size} bytes came back changed')


@claim('no single-bit error makes another packet, and the frame behind the damaged one arrives')
def _bit_errors(_):
    good = wire.encode_frame(bytes.fromhex('0c0c2000010001743d303030'))
    following = bytes.fromhex('0217')
    for bit in range(8 * len(good)):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        found = wire.Framer().feed(bytes(data) + b'\0' + wire.encode_frame(following))
        # A byte 01 in place of the last zero makes a frame whose CRC is right again: the packet has one byte more than
        # its own length says.
        packets = [packet for packet, _, _ in found if packet is not None and packet[0] == len(packet)]
        check(packets == [following], f'bit {bit}: {packets}')


@claim('noise without zeros takes no more memory than a frame, and ends with the next zero')
def _noise(_):
    framer = wire.Framer()
    check(framer.feed(b'\xaa' * 100_000) == [] and len(framer.frame) <= wire.FRAME_MAX_BYTES, 'it grows')
    found = framer.feed(b'\0\0' + wire.encode_frame(b'\2\x16'))
    check([packet for packet, _, _ in found] == [None, b'\2\x16'], f'{found}')


@claim('every message of MQTT-SN 1.2 is described with its fields')
def _messages(_):
    for packet, text in EXAMPLES.items():
        said = wire.describe(bytes.fromhex(packet))
        check(said == text, f'{packet} is {said}, not {text}')
    described = {bytes.fromhex(packet)[1] for packet in EXAMPLES}
    check(described == set(wire.MESSAGES) | {wire.FORWARDED}, 'a type has no example')


@claim('no truncated, lengthened or random packet raises an exception, and a wrong length is told')
def _malformed(_):
    for packet in (bytes.fromhex(text) for text in EXAMPLES):
        for size in range(len(packet)):
            check(wire.describe(packet[:size]).startswith('MALFORMED'), f'{packet[:size].hex()} is accepted')
        check(wire.describe(packet + b'x').startswith('MALFORMED'), f'{packet.hex()} and a byte is accepted')
        for size in range(2, len(packet)):
            wire.describe(bytes([size]) + packet[1:size])
    for kind in range(256):
        for size in range(2, 12):
            wire.describe(bytes([size, kind]) + bytes(size - 2))


# ---------------------------------------------------------------------------------------------------------------------
# fwb-dump

@claim('fwb-dump shows time, direction and message, damaged frames, and where the line is readable again')
def _dump(bench):
    good = wire.encode_frame(b'\2\x16')
    bad = bytes([good[0] ^ 1]) + good[1:]
    with open(bench.path('capture'), 'w', encoding='utf-8') as file:
        file.write('# a capture\n' + wire.capture_line(0.5, '>', good[:2]) + wire.capture_line(0.6, '<', b'\0'))
        file.write(wire.capture_line(0.7, '>', good[2:] + bad) + wire.capture_line(1.25, '>', good + b'\5'))
    tool = start('fwb-dump', bench.path('capture'))
    out, errors = tool.communicate(timeout=DEADLINE_S)
    lines = out.splitlines()
    check(lines[0] == '    0.700000 device  > PINGREQ', lines[0])
    check(lines[1].startswith('    0.700000 device  > DAMAGED '), lines[1])
    check(lines[2] == '    1.250000 device  > PINGREQ  (readable again)', lines[2])
    check(lines[3] == '3 frames, 1 damaged, 0 malformed, 1 bytes of an incomplete frame at the end', lines[3])
    check(tool.returncode == 1 and errors == '' and len(lines) == 4, f'{tool.returncode} {errors}')


def follow(bench, ending, **options):
    """fwb-dump reads two frames that are written one after the other, then gets the signal `ending`."""
    with open(bench.path('capture'), 'w', encoding='utf-8') as file:
        tool = start('fwb-dump', '--follow', '--hex', bench.path('capture'), **options)
        bench.closing.append(lambda: end(tool))
        for name, packet in (('PINGREQ', b'\2\x16'), ('PINGRESP', b'\2\x17')):
            file.write(wire.capture_line(1, '>', wire.encode_frame(packet)))
            file.flush()
            line = tool.stdout.readline()
            check(line.endswith(f'{name}  [{packet.hex()}]\n'), line)
    tool.send_signal(ending)
    out, _ = tool.communicate(timeout=DEADLINE_S)
    check(out == '2 frames, 0 damaged, 0 malformed\n' and tool.returncode == 0, out)


@claim('fwb-dump follows a capture that grows, and SIGINT or SIGTERM ends it with the counts, in the background too')
def _follow(bench):
    follow(bench, signal.SIGTERM)
    follow(bench, signal.SIGINT, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))


@claim('fwb-dump reads the bytes of one direction from a file and live from a terminal')
def _raw(bench):
    with open(bench.path('bytes'), 'wb') as file:
        file.write(b'\0' + wire.encode_frame(b'\2\x16'))
    out, _ = start('fwb-dump', '--raw', bench.path('bytes')).communicate(timeout=DEADLINE_S)
    check(out.splitlines()[0].endswith('> PINGREQ'), out)
    _, device, _ = bench.line(is_open=False)
    tool = start('fwb-dump', os.path.realpath(bench.path('line')) + ',9600')
    bench.closing.append(lambda: end(tool))
    until = time.monotonic() + DEADLINE_S
    while not select.select([tool.stdout], [], [], 0.05)[0] and time.monotonic() < until:
        os.write(device, wire.encode_frame(b'\2\x17'))  # those before fwb-dump has opened the line are lost
    check('PINGRESP' in tool.stdout.readline(), 'nothing was shown')
    check(termios.tcgetattr(bench.open_line())[4] == termios.B9600, 'the line has another rate')


@claim('fwb-dump ends quietly when its reader has seen enough')
def _closed_pipe(bench):
    with open(bench.path('capture'), 'w', encoding='utf-8') as file:
        file.writelines(wire.capture_line(1.0, '>', wire.encode_frame(b'\2\x16')) for _ in range(5000))
    tool = start('fwb-dump', bench.path('capture'))
    tool.stdout.readline()
    tool.stdout.close()
    errors = tool.stderr.read()
    check(tool.wait(DEADLINE_S) == 0 and errors == '', errors)


@claim('fwb-dump and fwb-line explain a wrong command line, and end with status 2')
def _usage(bench):
    os.mkdir(bench.path('folder'))
    cases = (('fwb-dump', 'No such file', '/nowhere'), ('fwb-line', 'an end is pty', 'x', 'pty'),
             ('fwb-line', 'no share of bytes', 'pty', 'pty', '--errors', '2'), ('fwb-line', 'port', 'tcp:1:x', 'pty'),
             ('fwb-line', 'no rate', '/dev/null,17', 'pty'),
             ('fwb-dump', 'no rate', '/dev/null,17'), ('fwb-line', 'whole number', 'pty', 'pty', '--baud', '-1'),
             ('fwb-line', 'give a path', 'pty', f'pty:{bench.path("folder")}'))
    for tool, text, *arguments in cases:
        process = start(tool, *arguments)
        _, errors = process.communicate(timeout=DEADLINE_S)
        check(process.returncode == 2 and text in errors and 'Traceback' not in errors, f'{arguments}: {errors}')


# ---------------------------------------------------------------------------------------------------------------------
# fwb-line

@claim('a line without errors passes all bytes, in both directions')
def _clean(bench):
    tool, device, gateway = bench.line()
    data = bytes(range(256)) * 4
    for begin, there in ((device, gateway), (gateway, device)):
        os.write(begin, data)
        check(read(there, len(data)) == data, 'the bytes changed')
    check('> 1024 bytes, 0 flipped, 0 dropped, 0 inserted, 0 cut; < 1024 bytes' in tell(tool, 'stats'), 'stats')


@claim('one seed damages the same bytes, another seed others')
def _seed(bench):
    data = bytes(1000)

    def damage(seed):
        tool, device, gateway = bench.line('--errors', '0.05', '--seed', seed)
        os.write(device, data)
        found = read_all(gateway)
        end(tool)
        return found

    first = damage('7')
    check(first != data and first == damage('7') and first != damage('8'), 'the seed does not decide')


@claim('the share of damaged bytes is the one that was asked for, single or in bursts')
def _share(bench):
    for burst in ('1', '10'):
        tool, device, gateway = bench.line('--errors', '0.02', '--burst', burst)
        for _ in range(20):
            os.write(device, bytes(1000))
            read_all_at_once(gateway)
        numbers = [int(number) for number in re.findall(r'(\d+) (?:flipped|dropped|inserted)', tell(tool, 'stats'))[:3]]
        check(200 < sum(numbers) < 650 and min(numbers) > 20, f'burst {burst}: {numbers} of 20000')
        end(tool)


def read_all_at_once(number):
    while select.select([number], [], [], 0.02)[0]:
        os.read(number, 4096)


@claim('a cut loses all bytes of one direction or both until it is mended')
def _cut(bench):
    tool, device, gateway = bench.line()
    check(tell(tool, 'cut <') == 'done: cut <', 'no answer')
    os.write(gateway, b'lost')
    os.write(device, b'there')
    check(read(gateway, 5) == b'there' and read_all(device) == b'', 'the wrong direction is cut')
    tell(tool, 'cut')
    os.write(device, b'lost')
    check(read_all(gateway) == b'', 'not cut')
    tell(tool, 'mend')
    os.write(device, b'again')
    os.write(gateway, b'again')
    check(read(gateway, 5) == b'again' and read(device, 5) == b'again', 'not mended')


@claim('bytes take the time of their baud rate and the delay')
def _pace(bench):
    tool, device, gateway = bench.line('--baud', '9600', '--delay-ms', '100')
    began = time.monotonic()
    os.write(device, bytes(96))
    check(len(read(gateway, 96)) == 96, 'bytes are missing')
    took_s = time.monotonic() - began
    check(took_s >= 0.195, f'96 bytes at 9600 baud and 100 ms of delay took {took_s:.3f} s only')


@claim('bytes for a line that nobody has open are lost, and the line works again when it is opened')
def _unopened(bench):
    tool, device, _ = bench.line(is_open=False)
    os.write(device, b'stale')
    while '> 5 bytes' not in tell(tool, 'stats'):
        pass
    tell(tool, 'stats')  # one more turn: what was counted in the last one has been written
    gateway = bench.open_line()
    os.write(device, b'fresh')
    found = read(gateway, 5)
    check(found == b'fresh', f'{found} came')
    os.write(gateway, b'answer')
    check(read(device, 6) == b'answer', 'no answer')


@claim('a line can be opened again after a program that had it for itself alone was killed, also by ordinary users')
def _exclusive(bench):
    user = {'user': 65534, 'group': 65534, 'extra_groups': []} if os.geteuid() == 0 else {}
    tools = shutil.copytree(TOOLS, bench.path('tools'))  # the user may not be allowed to read the repository
    os.chmod(bench.folder.name, 0o777)
    bench.line(is_open=False, folder=tools, cwd=bench.folder.name, **user)
    program = 'import fcntl, os, sys, termios\nfcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), termios.TIOCEXCL)\n'
    for _ in range(3):
        until = time.monotonic() + DEADLINE_S
        while subprocess.run([sys.executable, '-c', program, bench.path('line')], cwd=bench.folder.name, check=False,
                             stderr=subprocess.DEVNULL, **user).returncode:
            check(time.monotonic() < until, 'the terminal stays locked')


@claim('a device that connects again finds the line again')
def _reconnect(bench):
    tool, device, gateway = bench.line()
    os.close(device)
    device = socket.socket(socket.AF_UNIX)
    bench.closing.append(device.close)
    device.connect(bench.path('socket'))
    device.sendall(b'again')
    check(read(gateway, 5) == b'again', 'nothing came')


@claim('a wrong command is answered, quit and SIGTERM end the line with its figures and without its link')
def _end(bench):
    for stop in ('quit', signal.SIGTERM):
        tool, _, _ = bench.line(is_open=False)
        check(tell(tool, 'errors 7').startswith('not understood: errors 7'), 'no answer')
        check(tell(tool, 'errors 0.5') == 'done: errors 0.5', 'no answer')
        if stop == 'quit':
            tool.stdin.write('quit\n')
        else:
            tool.send_signal(stop)
        out, _ = tool.communicate(timeout=DEADLINE_S)
        check('stats: > 0 bytes' in out and tool.returncode == 0, out)
        check(not os.path.lexists(bench.path('line')) and not os.path.exists(bench.path('socket')), 'files are left')


if __name__ == '__main__':
    sys.exit(run(prepare=Bench))
