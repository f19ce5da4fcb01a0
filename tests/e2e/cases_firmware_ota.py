"""Real firmware in an emulated microcontroller fetches an image of the broker over a bad serial line."""
import hashlib
import os
import time

from cases_firmware import GROUP, Site
from cases_ota import firmware
from emulated_board import Board, Line
from harness import case, check

DEVICE = 'boiler-7'
BLOCK_BYTES, SECTOR_BYTES = 64, 1024  # of firmware-bridge/examples/ota_pull.c and board.h
DEADLINE_S = 90.0


class Download:
    """A broker with an image, a device that fetches it, and its requests as a normal client sees them."""

    def __init__(self, context, size, errors=0.0, firmware_name='ota_quick', settings=()):
        self.image = firmware(size)
        self.digest = hashlib.sha256(self.image).hexdigest()
        folder = os.path.join(context.folder, f'{context.client_id}-images')
        os.mkdir(folder)
        with open(os.path.join(folder, 'boiler@1.3'), 'wb') as file:
            file.write(self.image)
        self.line = Line(context, 'line', errors=errors)
        self.site = Site(context, [], settings=[
            f'ota.directory={folder}', f'listeners.boiler.url={self.line.url}', 'listeners.boiler.user=boilers',
            'listeners.boiler.mqttsn.retry_interval_ms=10', 'listeners.boiler.mqttsn.retries_max=20', *settings])
        self.site.broker.log_line('ota_image file=boiler@1.3')
        self.peer = self.site.subscriber(f'ota/get/{DEVICE}', 0)
        self.peer.subscribe(f'plant/{DEVICE}/running', 1)
        self.requests = 0
        self.offsets = []  # of the requests, without repetitions of the one before
        self.running = None  # what the device says that it runs
        self.end = time.monotonic() + DEADLINE_S
        self.board = Board(context, firmware_name, self.line)

    def step(self):
        """One message of the device."""
        check(time.monotonic() < self.end, f'after {DEADLINE_S:.0f} s: {self.running}, {self.offsets[-3:]}')
        message = self.peer.message()
        if message.topic.startswith('plant/'):
            self.running = message.payload.decode()
            return
        self.requests += 1
        check(message.payload[:4].hex() == self.digest[:8] and len(message.payload) == 10, f'{message.payload}')
        offset = int.from_bytes(message.payload[4:8], 'big')
        if self.offsets[-1:] != [offset]:
            self.offsets.append(offset)

    def until(self, offset):
        while not self.offsets or self.offsets[-1] < offset:
            self.step()

    def until_running(self):
        while self.running is None:
            self.step()

    def blocks_again(self):
        """How many blocks were asked for a second time, apart from repetitions of a request."""
        return len(self.offsets) - len(set(self.offsets))


@case('a firmware of 64 KiB arrives through 1 % of damaged bytes and two resets, and starts', GROUP, needs_ledge=True,
      quick=False)
def _resets(context):
    download = Download(context, 64 * 1024, errors=0.01)
    began = time.monotonic()
    for offset in (20_000, 45_000):
        download.until(offset)
        download.board.reset(anywhere=True)
        before = len(download.offsets)
        download.until(offset + 2 * SECTOR_BYTES)
        print(f'    reset at {download.offsets[before - 1]}, goes on at {min(download.offsets[before:])}')
    download.until_running()
    blocks = len(download.image) // BLOCK_BYTES
    print(f'    {blocks} blocks in {time.monotonic() - began:.1f} s, {download.blocks_again()} of them fetched again '
          f'after the resets, {download.requests} requests arrived; line {download.line.tell("stats")}')
    check(set(download.offsets) == set(range(0, len(download.image), BLOCK_BYTES)), 'a block was not asked for')
    again_max = 2 * (SECTOR_BYTES // BLOCK_BYTES + 1)  # a sector, and the first block of the next one
    check(0 < download.blocks_again() <= again_max, f'{download.blocks_again()} blocks again')
    check(download.running == download.digest[:8], f'the device runs {download.running}')
    check(download.board.memory('slot', len(download.image)) == download.image, 'the image in flash differs')
    said = [text for text in download.board.said() if text not in ('ready', 'lost')]
    check(said == ['fetching', 'verified', 'starting the second slot'], f'{said}')
    check(', 0 flipped' not in download.line.tell('stats'), 'the line had no errors')


@case('a device that sleeps while an answer is on its way fetches the blocks of its firmware with its mail', GROUP,
      needs_ledge=True, quick=False)
def _sleeper(context):
    # The rate lets each block wait, so that it finds the device asleep.
    download = Download(context, 10 * BLOCK_BYTES, firmware_name='ota_sleeper',
                        settings=['ota.device_bytes_per_second_max=100'])
    download.until_running()
    check(download.running == download.digest[:8], f'the device runs {download.running}')
    check(download.board.memory('slot', len(download.image)) == download.image, 'the image in flash differs')
    names = ' '.join(f'{direction} {text.split()[0]}' for _, direction, text in download.line.packets())
    by_mail = names.count('> PINGREQ < PUBLISH > PUBACK')
    print(f'    {by_mail} of 10 blocks came with the mail')
    check(by_mail >= 5, names)
