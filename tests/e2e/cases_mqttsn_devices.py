"""The devices file of a listener for MQTT-SN devices: who may connect, keys and envelopes, reload, restarts."""
import hashlib
import hmac
import os
import signal
import struct

import mqttsn_peer as sn
from cases_mqttsn import again, device, start, subscriber
from harness import case, check

GROUP = 'mqttsn-devices'
KEY = bytes(range(32))


def seal(client_id, counter, data, key=KEY):
    """The envelope of firmware-bridge/PROTOCOL.md section 3."""
    sender = hashlib.sha256(client_id.encode()).digest()[:8]
    head = bytes([len(data) + 28, 0xFF, 0x42, 0]) + sender + b'rand' + struct.pack('>I', counter) + data
    return head + hmac.new(key, head, 'sha256').digest()[:8]


def unseal(client_id, data):
    sender = bytes(byte ^ 0xFF for byte in hashlib.sha256(client_id.encode()).digest()[:8])
    check(data is not None and data[1] == 0xFF and data[4:12] == sender, f'no envelope of the gateway: {data}')
    check(hmac.new(KEY, data[:-8], 'sha256').digest()[:8] == data[-8:], 'the tag of the gateway is wrong')
    return data[20:-8]


def write_devices(context, text, name='devices.toml'):
    path = os.path.join(context.folder, name)
    with open(path + '.new', 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path + '.new', 0o600)
    os.rename(path + '.new', path)
    return path


def start_with(context, devices):
    path = write_devices(context, devices)
    return start(context, f'[listeners.sensors.mqttsn]\ndevices_file = "{path}"\n'), path


@case('only the client ids of the devices file connect, and a changed file sends others away', GROUP, needs_ledge=True)
def reload_of_devices(context):
    listed = '[[devices]]\nclient_id = "{}"\n[devices.predefined_topics]\n7 = "plant/%c/kwh"\n'
    broker, _ = start_with(context, listed.format('meter-*') + listed.format('lamp'))
    reader = subscriber(context, broker, 'plant/#')
    stranger, meter, lamp = (device(context, broker) for _ in range(3))
    stranger.send(sn.connect('stranger'))
    check(stranger.expect(sn.CONNACK)[0] == sn.NOT_SUPPORTED, 'a client id that is not listed was accepted')
    meter.opens('meter-1')
    lamp.opens('lamp')
    meter.send(sn.publish(7, b'12', 1, 1, sn.PREDEFINED))
    check(meter.expect(sn.PUBACK)[4] == sn.ACCEPTED, 'the predefined topic of the device was refused')
    reader.line(r'plant/meter-1/kwh 12')
    write_devices(context, listed.format('meter-*'))
    check(lamp.receive(15) == sn.packet(sn.DISCONNECT), 'the device that is no longer listed was not told')
    broker.log_line('mqttsn_devices_loaded ')
    meter.send(sn.packet(sn.PINGREQ))
    check(meter.receive() == sn.packet(sn.PINGRESP), 'a device that is still listed was disturbed')
    write_devices(context, '[[devices]]\nclient = "x"\n')
    broker.log_line('policy_refused ')
    meter.send(sn.packet(sn.PINGREQ))
    check(meter.receive() == sn.packet(sn.PINGRESP), 'a file with a mistake has changed something')


@case('a device with a key speaks in envelopes, and nothing old counts after a kill of the broker', GROUP,
      needs_ledge=True)
def envelopes(context):
    key_file = write_devices(context, KEY.hex() + '\n', 'meter.key')
    counters = os.path.join(context.folder, 'meter.counters')
    broker, _ = start_with(context, f'counters_file = "{counters}"\n[[devices]]\nclient_id = "m1"\n'
                                    f'key_file = "{key_file}"\n')
    reader = subscriber(context, broker, 'ab')
    meter, thief = device(context, broker), device(context, broker)
    meter.send(sn.connect('m1'))
    check(meter.expect(sn.CONNACK)[0] == sn.NOT_SUPPORTED, 'a device with a key was accepted without an envelope')
    old = [seal('m1', 1, sn.connect('m1')), seal('m1', 2, sn.publish('ab', b'old', 1, 1, sn.SHORT_NAME))]
    meter.send(old[0])
    check(unseal('m1', meter.receive()) == sn.packet(sn.CONNACK, b'\0'), 'CONNECT in an envelope was not accepted')
    meter.send(old[1])
    check(unseal('m1', meter.receive())[1] == sn.PUBACK, 'PUBLISH in an envelope got no PUBACK')
    reader.line(r'ab old')
    thief.send(old[1])
    thief.send(seal('m1', 9, sn.packet(sn.PINGREQ), bytes(32)))
    check(thief.receive(0.5) is None, 'a repeated or a forged envelope was answered')
    os.kill(broker.process.pid, signal.SIGKILL)
    broker.process.wait()
    broker = again(context, broker)
    thief.send(old[0])
    check(thief.receive(0.5) is None, 'the old CONNECT was answered after a restart')
    meter.send(seal('m1', 3, sn.packet(sn.PINGREQ)))
    check(unseal('m1', meter.receive()) == sn.packet(sn.DISCONNECT), 'the device was not told to connect')
    meter.send(seal('m1', 4, sn.connect('m1')))
    check(unseal('m1', meter.receive()) == sn.packet(sn.CONNACK, b'\0'), 'the device was not accepted again')
    check(os.stat(counters).st_mode & 0o077 == 0, 'others may read the file of counters')
