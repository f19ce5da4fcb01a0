"""Firmware images: an ordinary MQTT client fetches them in blocks, across restarts, within its rights."""
import hashlib
import json
import os
import random
import signal
import struct
import subprocess

from cases_http import get
from harness import case, check, free_port
from mqtt_peer import Closed, Peer

GROUP = 'ota'
BLOCK_BYTES = 1000
DATA, UNKNOWN_IMAGE, BEYOND_END = 0, 1, 2
RULES = '''pattern write ota/get/%c
pattern read ota/block/%c
pattern read ota/manifest/boiler
'''


class Seat:
    """A broker with images, a store and pages, which can be ended and started again."""

    def __init__(self, context, settings=()):
        self.context, self.settings = context, settings
        self.port, self.admin_port = free_port(), free_port()
        self.folder = os.path.join(context.folder, context.client_id + '-images')
        os.mkdir(self.folder)
        self.start()

    def start(self):
        self.broker = self.context.start_broker(
            arguments=['--listen', f'mqtt://127.0.0.1:{self.port}', '--store', self.folder + '-store'],
            settings=[f'ota.directory={self.folder}', f'admin.url=http://127.0.0.1:{self.admin_port}', *self.settings])
        self.broker.wait_for_port(self.port)

    def restart(self, number):
        self.broker.signal(number)
        self.broker.process.wait()
        self.start()

    def put(self, name, data):
        """As a careful operator does it: under another name first."""
        path = os.path.join(self.folder, '.new')
        with open(path, 'wb') as file:
            file.write(data)
        os.rename(path, os.path.join(self.folder, name))


class Device:
    """What a device needs: its connection, its cursor, and the repetition of an unanswered request."""

    def __init__(self, seat, client_id):
        self.seat, self.client_id, self.data = seat, client_id, b''
        self.connect()

    def connect(self):
        self.peer = Peer(self.seat.port, self.client_id)
        self.peer.subscribe(f'ota/block/{self.client_id}', 1)

    def read_manifest(self):
        self.peer.subscribe('ota/manifest/boiler', 1)
        payload = self.peer.message().payload
        self.size, self.sha256, self.version = struct.unpack('>I', payload[:4])[0], payload[4:36], payload[36:].decode()

    def ask(self, offset, count=BLOCK_BYTES):
        """(status, data) of the answer."""
        request = self.sha256[:4] + struct.pack('>IH', offset, count)
        self.peer.publish(f'ota/get/{self.client_id}', request, qos=1)
        while True:
            payload = self.peer.message().payload
            if payload[:8] == request[:8]:
                return payload[8], payload[9:]

    def fetch(self, end):
        while len(self.data) < end:
            try:
                status, data = self.ask(len(self.data))
            except (Closed, ConnectionError):
                self.connect()
                continue
            check(status == DATA and data, f'status {status} at {len(self.data)}')
            self.data += data


def firmware(size, seed=1):
    return random.Random(seed).randbytes(size)


@case('an image of 64 KiB arrives byte for byte, while the broker is stopped once and killed once', GROUP,
      needs_ledge=True)
def _restarts(context):
    seat = Seat(context)
    image = firmware(64 * 1024)
    seat.put('boiler@1.2', image)
    seat.broker.log_line('ota_image file=')
    device = Device(seat, context.client_id)
    device.read_manifest()
    check((device.size, device.sha256) == (len(image), hashlib.sha256(image).digest()), 'manifest')
    check(device.version == '1.2', device.version)
    for end, number in ((20_000, signal.SIGTERM), (40_000, signal.SIGKILL), (len(image), None)):
        device.fetch(end)
        if number is not None:
            seat.restart(number)
    check(device.data == image, 'the image differs')


@case('people read the manifest as JSON, and figures in $SYS and /metrics', GROUP, needs_ledge=True)
def _figures(context):
    seat = Seat(context)
    image = firmware(1500)
    seat.put('boiler@1.2', image)
    seat.broker.log_line('ota_image file=')
    reader = Peer(seat.port, context.client_id + '-reader')
    reader.subscribe('ota/image/+')
    found = json.loads(reader.message().payload)
    digest = hashlib.sha256(image).hexdigest()
    check(found == {'version': '1.2', 'size': 1500, 'sha256': digest, 'id': digest[:8]}, str(found))
    device = Device(seat, context.client_id)
    device.read_manifest()
    device.fetch(1500)
    check(device.ask(1500) == (BEYOND_END, b''), 'beyond the end')
    text = get(context, seat.admin_port, '/metrics')[2].decode()
    for line in ('images 1', 'blocks_total 2', 'bytes_total 1500', 'requests_refused_total 1', 'requests_waiting 0'):
        check(f'\nledgemq_ota_{line}\n' in text, f'{line} is not in\n{text[-1500:]}')
    reader.subscribe('$SYS/broker/ota/blocks')
    while reader.message().payload != b'2':
        pass


@case('a device fetches with its own client id only, and reads no other manifest', GROUP, needs_ledge=True)
def _rights(context):
    rules = os.path.join(context.folder, context.client_id + '.acl')
    with open(rules, 'w', encoding='utf-8') as file:
        file.write(RULES)
    seat = Seat(context, [f'auth.acl_file={rules}'])
    image = firmware(3000)
    seat.put('boiler', image)
    seat.broker.log_line('ota_image file=')
    device = Device(seat, context.client_id)
    device.read_manifest()
    device.fetch(3000)
    check(device.data == image, 'the image differs')
    other = Peer(seat.port, 'other')
    check(other.subscribe(f'ota/block/{context.client_id}') == 0x80, 'another device reads the blocks')
    check(other.subscribe('ota/manifest/lamp') == 0x80, 'the manifest of another image')
    other.publish(f'ota/get/{context.client_id}', device.sha256[:4] + bytes(4) + b'\0\x10')
    check(other.subscribe('ota/manifest/boiler') == 0, 'its own manifest')  # and the message before was read
    check(device.peer.collect() == [], 'another device has asked in its name')


@case('a file that is replaced under way: the device is told, and fetches the new one', GROUP, needs_ledge=True)
def _replaced(context):
    seat = Seat(context)
    seat.put('boiler', firmware(5000))
    seat.broker.log_line('ota_image file=')
    device = Device(seat, context.client_id)
    device.read_manifest()
    device.fetch(2000)
    image = firmware(6000, 2)
    seat.put('boiler', image)
    check(device.ask(2000) == (UNKNOWN_IMAGE, b''), 'a block of a file that is gone')
    while True:
        message = device.peer.message()
        if message.topic == 'ota/manifest/boiler':
            break
    device.size, device.sha256, device.data = 6000, message.payload[4:36], b''
    device.fetch(6000)
    check(device.data == image, 'the image differs')


@case('while an image of 4 MiB is hashed, other clients are served', GROUP, needs_ledge=True)
def _large(context):
    seat = Seat(context)
    other = Peer(seat.port, context.client_id + '-other')
    other.subscribe('ping')
    image = firmware(4 * 1024 * 1024)
    seat.put('boiler', image)
    answered = 0
    while 'ota_image file=' not in seat.broker.tail():
        other.publish('ping', b'x')
        other.message()
        answered += 1
    check(answered > 0, 'nobody was served')
    device = Device(seat, context.client_id)
    device.read_manifest()
    check(device.sha256 == hashlib.sha256(image).digest(), 'SHA-256')
    check(device.ask(len(image) - 10) == (DATA, image[-10:]), 'the last block')


@case('a directory that is none is refused with file, line and fix; a missing one is a warning', GROUP,
      needs_ledge=True)
def _configuration(context):
    path = os.path.join(context.folder, context.client_id + '.toml')

    def checked(text):
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        done = subprocess.run([context.options.broker, 'check', '-c', path], capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    code, text = checked(f"[ota]\ndirectory = '{path}'\n")
    check(code == 2 and f"{path}:2: key 'ota.directory': {path} is no directory; name the directory" in text, text)
    code, text = checked("[ota]\ndirectory = '/nonexistent'\ntopic_prefix = 'site/ota'\n")
    check(code == 0 and 'warning: ota.directory /nonexistent cannot be read' in text, text)
    check('publishes to site/ota/get/ID and subscribes to site/ota/block/ID' in text, text)
    for prefix in ('', 'a/#', '+', '$SYS', 'ota/', 'x' * 65):
        code, text = checked(f"[ota]\ntopic_prefix = '{prefix}'\n")
        check(code == 2 and f"{path}:2: key 'ota.topic_prefix' must be the beginning of a topic" in text, text)
