"""Real firmware in an emulated microcontroller, over a serial line that may be bad, against the broker."""
import os
import re
import signal
import threading
import time

from emulated_board import ROOT, Board, Line, need_qemu, number_of
from harness import AT_END, DEADLINE_S, RawClient, case, check, free_port
from mqtt_peer import Peer

GROUP = 'firmware'
READINGS = 100
RATES_PERCENT = (0, 1, 3)
NOISE_DEADLINE_S = 60.0

TEMPERATURE, ENERGY = 'plant/boiler/temperature', 'plant/meter/energy'


class Site:
    """A broker with a store and serial lines, which can be killed and started again."""

    def __init__(self, context, lines, settings=(), name='site'):
        need_qemu()
        self.context, self.lines, self.settings = context, lines, settings
        self.port = free_port()
        self.store = os.path.join(context.folder, f'store-{context.client_id}-{name}')
        self.start()

    def start(self):
        arguments = ['--listen', f'mqtt://127.0.0.1:{self.port}', '--store', self.store]
        for line in self.lines:
            arguments += ['--listen', line.url]
        self.broker = self.context.start_broker(arguments=arguments, settings=self.settings)
        self.broker.wait_for_port(self.port)

    def kill(self):
        self.broker.signal(signal.SIGKILL)
        self.broker.process.wait()

    def subscriber(self, topic_filter, qos=1):
        peer = Peer(self.port, f'{self.context.client_id}-subscriber')
        peer.subscribe(topic_filter, qos)
        self.context.adopt(peer)
        return peer


# ---------------------------------------------------------------------------------------------------------------------
# A line with noise

class Noise:
    """100 readings of QoS 1 over a line with a share of damaged bytes."""

    def __init__(self, context, percent):
        self.percent = percent
        self.line = Line(context, f'noise{percent}', errors=percent / 100)
        self.site = Site(context, [self.line], name=f'noise{percent}')
        self.peer = self.site.subscriber(TEMPERATURE)
        self.context = context
        self.numbers, self.changed, self.seconds = [], [], 0.0
        self.error = None

    def run(self):
        try:
            self.measure()
        except Exception as error:  # told by the case, in its own thread
            self.error = error

    def measure(self):
        began = time.monotonic()
        Board(self.context, 'sensor_quick', self.line, every_ms=1, count=READINGS)
        while len(set(self.numbers)) < READINGS and time.monotonic() - began < NOISE_DEADLINE_S:
            payload = self.peer.message(NOISE_DEADLINE_S).payload
            number = number_of(payload)
            if number is None:
                self.changed.append(payload)
            else:
                self.numbers.append(number)
        self.seconds = time.monotonic() - began

    def delivered(self):
        return len(set(self.numbers))

    def row(self):
        return (f'| {self.percent} % | {self.delivered()} of {READINGS} | {len(self.changed)} | '
                f'{len(self.numbers) - self.delivered()} | {self.seconds:.1f} s |')


def measure_noise(context):
    """All rates at once, each with a broker of its own."""
    rates = [Noise(context, percent) for percent in RATES_PERCENT]
    threads = [threading.Thread(target=rate.run) for rate in rates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for rate in rates:
        if rate.error:
            raise rate.error
    return rates


NOISE_HEAD = ['| damaged bytes | delivered | changed | delivered again | time |', '|---|---:|---:|---:|---:|']
README = os.path.join(ROOT, 'firmware-bridge/README.md')
BEGIN, END = '<!-- noise table: made by tests/firmware/noise.py -->\n', '<!-- end of the noise table -->\n'
noise_table = []  # of the case below, for the end of the run


def readme_table():
    """The lines that README.md has now."""
    with open(README, encoding='utf-8') as file:
        text = file.read()
    return text[text.index(BEGIN) + len(BEGIN):text.index(END)].splitlines()


def promises(rows):
    """The columns that do not depend on the machine: damaged bytes, delivered, changed."""
    return [row.split('|')[1:4] for row in rows if '%' in row]


@case('0, 1 and 3 % of the bytes damaged: 100 of 100 readings of QoS 1 arrive, none of them changed', GROUP,
      needs_ledge=True, quick=False)
def _noise(context):
    rates = measure_noise(context)
    noise_table[:] = [*NOISE_HEAD, *(rate.row() for rate in rates)]
    for rate in rates:
        check(rate.delivered() == READINGS and not rate.changed, f'{rate.row()} {rate.changed[:3]}')
        check(rate.percent > 0 or len(rate.numbers) == READINGS, f'duplicates without errors: {rate.row()}')
    check(promises(noise_table) == promises(readme_table()),
          'README.md has another table: tests/firmware/noise.py --write')


@AT_END.append
def _print_noise():
    for row in noise_table:
        print(f'    lossy line {row}')


@case('1 % of the bytes damaged: each reading of QoS 2 arrives exactly once, in order', GROUP, needs_ledge=True,
      quick=False)
def _noise_qos2(context):
    line = Line(context, 'line', errors=0.01)
    site = Site(context, [line])
    peer = site.subscriber(ENERGY, 2)
    Board(context, 'meter_quick', line, every_ms=1, count=50)
    numbers = []
    while len(numbers) < 50:
        numbers.append(number_of(peer.message(NOISE_DEADLINE_S).payload))
    numbers += [number_of(message.payload) for message in peer.collect()]
    check(numbers == list(range(50)), f'{numbers}')
    check(', 0 flipped' not in line.tell('stats'), 'the line had no errors')


# ---------------------------------------------------------------------------------------------------------------------
# Restarts of either side

@case('SIGKILL of the broker: the device publishes again within 1 s of the start', GROUP, needs_ledge=True, quick=False)
def _restart(context):
    line = Line(context, 'line')
    site = Site(context, [line])
    peer = site.subscriber(TEMPERATURE)
    Board(context, 'sensor_qos1', line, every_ms=50)
    before = -1
    for _ in range(3):
        before = max(number_of(peer.message().payload), before)
        site.kill()
        time.sleep(0.5)  # an outage during which readings are made
        site.start()
        began = time.monotonic()
        peer = site.subscriber(TEMPERATURE)
        while number_of(peer.message().payload) <= before:
            pass  # the one that was in flight comes again: QoS 1
        took_s = time.monotonic() - began
        print(f'    publishing again {1000 * took_s:.0f} ms after the broker serves')
        check(took_s <= 1.0, f'published again only after {took_s:.2f} s')


@case('a reset in the middle of QoS 2 exchanges: each reading arrives exactly once, in order', GROUP, needs_ledge=True,
      quick=False)
def _reset_in_exchange(context):
    line = Line(context, 'line')
    site = Site(context, [line])
    peer = site.subscriber(ENERGY, 2)
    board = Board(context, 'meter_quick', line, every_ms=30)
    board.says('^ready')
    for _ in range(6):
        time.sleep(0.1)
        # The answers do not arrive, so the device is somewhere between PUBLISH and PUBCOMP.
        line.tell('cut <')
        line.await_packet('^> ', line.now_s())
        board.reset()
        time.sleep(0.02)
        line.tell('mend')
    numbers = []
    while len(numbers) < 30 or numbers[-1] < 30:
        numbers.append(number_of(peer.message().payload))
    check(numbers == list(range(len(numbers))), f'{numbers}')
    check(board.said().count('reset, the client goes on') == 6, f'{board.said()}')


@case('a power failure in the middle of a QoS 2 exchange: no reading arrives twice', GROUP, needs_ledge=True,
      quick=False)
def _power_failure(context):
    line = Line(context, 'line')
    site = Site(context, [line])
    peer = site.subscriber(ENERGY, 2)
    numbers = []
    for start in range(4):
        board = Board(context, 'meter_quick', line, every_ms=20, first=1000 * start, seed=77 + 400 * start)
        end = time.monotonic() + DEADLINE_S
        while not numbers or numbers[-1] < 1000 * start + 5:
            check(time.monotonic() < end, f'start {start}: only {numbers} came')
            numbers.append(number_of(peer.message().payload))
        line.tell('cut <')
        line.await_packet('^> ', line.now_s())
        board.power_off()
        line.tell('mend')
    numbers += [number_of(message.payload) for message in peer.collect()]
    check(len(set(numbers)) == len(numbers) and numbers == sorted(numbers), f'{numbers}')


@case('a device that loses power in the middle of a frame connects at its first attempt', GROUP, needs_ledge=True,
      quick=False)
def _half_frame(context):
    line = Line(context, 'line')
    site = Site(context, [line])
    peer = site.subscriber(TEMPERATURE)
    board = Board(context, 'sensor_qos1', line, every_ms=50)
    peer.message()
    board.power_off()
    half = RawClient(path=line.socket)
    half.send(b'\x14half of a frame')
    half.close()
    Board(context, 'sensor_qos1', line, every_ms=50, first=500, seed=9)
    while number_of(peer.message().payload) < 500:
        pass
    # Only the half frame itself is lost, and no frame that came behind it.
    damaged = [frame for _, _, packet, frame in line.frames() if packet is None]
    check(any(b'half of' in frame for frame in damaged), f'{damaged}')
    check(not any(b'boiler' in frame for frame in damaged), f'{damaged}')


# ---------------------------------------------------------------------------------------------------------------------
# Messages to the device

@case('an actuator obeys, tells its state as a retained message, and is known again after a restart', GROUP,
      needs_ledge=True, quick=False)
def _actuator(context):
    line = Line(context, 'line')
    site = Site(context, [line])
    board = Board(context, 'actuator_subscribe', line)
    board.says('^ready')
    peer = site.subscriber('plant/valve/state')
    check(peer.message().payload == b'off', 'no state at the start')
    since_s = 0.0
    for command in (b'on', b'nonsense', b'off', b'on'):
        since_s = line.now_s()
        peer.publish('plant/valve/set', command, qos=1)
        if command != b'nonsense':
            board.says(f'^output {command.decode()}$')
            check(peer.message().payload == command, 'the state is another one')
    check([text for text in board.said() if 'output' in text] == ['output on', 'output off', 'output on'],
          f'{board.said()}')
    published_s = line.await_packet('^> PUBLISH .*"on"', since_s)[0]
    line.await_packet('^< PUBACK', published_s)  # only now the state is safe
    site.kill()
    site.start()
    late = site.subscriber('plant/valve/state')
    message = late.message()
    check(message.payload == b'on', f'after the restart: {message}')
    late.publish('plant/valve/set', b'off', qos=1)  # the device may still be away: its session keeps the command
    check(late.message().payload == b'off', 'the command was lost')


@case('a sleeper wakes to its queued messages in two round trips, with exactly one PINGRESP', GROUP, needs_ledge=True,
      quick=False)
def _sleeper(context):
    line = Line(context, 'line')
    site = Site(context, [line])
    board = Board(context, 'sleeper_quick', line, every_ms=100_000)
    peer = site.subscriber('field/soil/reading')
    board.says('^asleep')
    since_s = line.now_s()
    peer.publish('field/soil/set', b'deeper', qos=1)
    board.says('^deeper')
    line.await_packet('^< PINGRESP', since_s)
    time.sleep(0.3)  # a second PINGRESP would come now
    seen = [(direction, text.split()[0]) for _, direction, text in line.packets(since_s)
            if not text.startswith('DISCONNECT')]
    check(seen == [('>', 'PINGREQ'), ('<', 'PUBLISH'), ('>', 'PUBACK'), ('<', 'PINGRESP')], f'{seen}')


@case('messages for a sleeper survive SIGKILL of the broker, each arrives once, and the device sleeps again', GROUP,
      needs_ledge=True, quick=False)
def _sleeper_after_kill(context):
    line = Line(context, 'line')
    site = Site(context, [line])
    board = Board(context, 'sleeper_quick', line, every_ms=100_000)
    peer = site.subscriber('field/soil/reading')
    board.says('^asleep')
    for number in range(3):
        peer.publish('field/soil/set', f'order {number}', qos=1)
    site.kill()
    site.start()
    board.says('^order 2')
    line.await_packet('^< PINGRESP')
    orders = [text for text in board.said() if text.startswith('order')]
    check(orders == ['order 0', 'order 1', 'order 2'], f'{board.said()}')
    # The new broker does not know the sleeper, which connects again and takes the first messages. The last waking has
    # the rest: no PINGRESP before the last acknowledgement, and only one.
    names = [f'{direction} {text.split()[0]}' for _, direction, text in line.packets()]
    waking = ' '.join(names[len(names) - names[::-1].index('> PINGREQ') - 1:])
    check(re.fullmatch('> PINGREQ( < PUBLISH > PUBACK)+ < PINGRESP', waking), f'{names}')


@case('a beacon without a connection arrives', GROUP, needs_ledge=True, quick=False)
def _beacon(context):
    line = Line(context, 'line')
    site = Site(context, [], settings=[f'listeners.beacons.url={line.url}', 'listeners.beacons.user=beacons',
                                       'listeners.beacons.mqttsn.connectionless_user=beacons',
                                       'listeners.beacons.mqttsn.predefined_topics.1=beacons/1'])
    peer = site.subscriber('beacons/1')
    Board(context, 'beacon', line, every_ms=100)
    numbers = [number_of(peer.message().payload) for _ in range(5)]
    check(numbers == list(range(numbers[0], numbers[0] + 5)), f'{numbers}')
    check(all(text.startswith('PUBLISH qos=-1') for _, direction, text in line.packets() if direction == '>'),
          f'{line.packets()}')


@case('four firmwares at four lines of one broker work side by side', GROUP, needs_ledge=True, quick=False)
def _four(context):
    images = {'sensor_qos1': TEMPERATURE, 'meter_qos2': ENERGY, 'sleeper_quick': 'field/soil/reading',
              'actuator_subscribe': 'plant/valve/state'}
    lines = [Line(context, image) for image in images]
    site = Site(context, lines)
    peer = site.subscriber('#')
    for image, line in zip(images, lines):
        Board(context, image, line, every_ms=200)
    counts = dict.fromkeys(images.values(), 0)
    end = time.monotonic() + DEADLINE_S
    while min(counts[topic] for topic in list(counts)[:3]) < 5 or counts['plant/valve/state'] < 3:
        check(time.monotonic() < end, f'{counts}')
        message = peer.message()
        counts[message.topic] = counts.get(message.topic, 0) + 1
        if message.topic == 'plant/valve/state':
            peer.publish('plant/valve/set', b'on' if message.payload == b'off' else b'off', qos=1)
