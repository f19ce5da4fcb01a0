"""What is on the line, for the tools and the tests: link format 1 and the packets of MQTT-SN 1.2. ../PROTOCOL.md
describes both. Standard library only; no input raises an exception."""
import struct

PACKET_MIN_BYTES, PACKET_MAX_BYTES = 2, 250
FRAME_MAX_BYTES = PACKET_MAX_BYTES + 3  # without the zero at the end


# ---------------------------------------------------------------------------------------------------------------------
# Link format 1

def crc16(data):
    """CRC-16/CCITT-FALSE."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def encode_frame(packet):
    """The packet as it goes over the line, with the zero at the end."""
    blocks = (packet + struct.pack('>H', crc16(packet))).split(b'\0')
    return b''.join(bytes([len(block) + 1]) + block for block in blocks) + b'\0'


def decode_frame(frame):
    """(packet, '') of a frame without its zero, or (None, why it is damaged)."""
    out, at = bytearray(), 0
    while at < len(frame):
        end = at + frame[at]
        if end > len(frame):
            return None, f'incomplete block: {end - len(frame)} bytes are missing'
        out += frame[at + 1:end]
        at = end
        if at < len(frame):
            out.append(0)
    packet, crc = bytes(out[:-2]), bytes(out[-2:])
    if not PACKET_MIN_BYTES <= len(packet) <= PACKET_MAX_BYTES:
        return None, f'{max(len(packet), 0)} bytes are no packet'
    expected = struct.pack('>H', crc16(packet))
    if crc != expected:
        return None, f'CRC is {crc.hex()}, the bytes have {expected.hex()}'
    return packet, ''


class Framer:
    """Finds the frames of one direction of a line. `feed` returns (packet, damage, bytes) of each frame that ended:
    `packet` is None when the frame is damaged, and `damage` then says why. Empty frames are left out."""

    def __init__(self):
        self.frame = bytearray()
        self.is_too_long = False

    def feed(self, data):
        found = []
        for byte in data:
            if byte:
                # The rest of a frame that is too long is not kept, so noise without zeros cannot fill the memory.
                self.is_too_long = self.is_too_long or len(self.frame) == FRAME_MAX_BYTES
                if not self.is_too_long:
                    self.frame.append(byte)
                continue
            frame, was_too_long = bytes(self.frame), self.is_too_long
            self.frame.clear()
            self.is_too_long = False
            if was_too_long:
                found.append((None, f'longer than {FRAME_MAX_BYTES} bytes', frame))
            elif frame:
                found.append((*decode_frame(frame), frame))
        return found


# ---------------------------------------------------------------------------------------------------------------------
# MQTT-SN 1.2. The fields of a message: name and kind. B and H are numbers of one and two bytes; the other kinds are
# the keys of READERS below.

MESSAGES = {
    0x00: ('ADVERTISE', 'gateway:B duration_s:H'),
    0x01: ('SEARCHGW', 'radius:B'),
    0x02: ('GWINFO', 'gateway:B address:hex?'),
    0x04: ('CONNECT', 'flags:connect protocol:B keep_alive_s:H client_id:text'),
    0x05: ('CONNACK', 'code:code'),
    0x06: ('WILLTOPICREQ', ''),
    0x07: ('WILLTOPIC', 'flags:will? topic:text?'),
    0x08: ('WILLMSGREQ', ''),
    0x09: ('WILLMSG', 'payload:text?'),
    0x0A: ('REGISTER', 'topic_id:H id:H topic:text'),
    0x0B: ('REGACK', 'topic_id:H id:H code:code'),
    0x0C: ('PUBLISH', 'flags:message topic:topic_id id:H payload:text?'),
    0x0D: ('PUBACK', 'topic_id:H id:H code:code'),
    0x0E: ('PUBCOMP', 'id:H'),
    0x0F: ('PUBREC', 'id:H'),
    0x10: ('PUBREL', 'id:H'),
    0x12: ('SUBSCRIBE', 'flags:message id:H topic:filter'),
    0x13: ('SUBACK', 'flags:message topic_id:H id:H code:code'),
    0x14: ('UNSUBSCRIBE', 'flags:message id:H topic:filter'),
    0x15: ('UNSUBACK', 'id:H'),
    0x16: ('PINGREQ', 'client_id:text?'),
    0x17: ('PINGRESP', ''),
    0x18: ('DISCONNECT', 'duration_s:H?'),
    0x1A: ('WILLTOPICUPD', 'flags:will? topic:text?'),
    0x1B: ('WILLTOPICRESP', 'code:code'),
    0x1C: ('WILLMSGUPD', 'payload:text?'),
    0x1D: ('WILLMSGRESP', 'code:code'),
    0xFF: ('ENVELOPE', 'protection:H sender:8 random:4 counter:I sealed:hex'),
}
FORWARDED = 0xFE  # length:u8 FE radius:u8 node:any packet; the length is that of the part in front of the packet
CODES = {0: 'accepted', 1: 'congestion', 2: 'invalid_topic', 3: 'not_supported'}
TOPIC_KINDS = ('', 'predefined ', 'short ', 'reserved ')


class Malformed(ValueError):
    """The bytes are no message; the text says why."""


def _text(data):
    plain = ''.join(chr(b) if 32 <= b < 127 else f'\\x{b:02x}' for b in data.replace(b'\\', b'\\\\'))
    return '"' + plain.replace('"', '\\"') + '"'


def _flags(byte, names):
    """The bits of the field Flags that matter in this message, as words."""
    qos = {0: '0', 1: '1', 2: '2', 3: '-1'}[byte >> 5 & 3]
    words = {'qos': f'qos={qos}', 'dup': 'dup' if byte & 0x80 else '', 'retain': 'retain' if byte & 0x10 else '',
             'will': 'will' if byte & 0x08 else '', 'clean': 'clean' if byte & 0x04 else ''}
    return ' '.join(word for word in (words[name] for name in names) if word)


def _topic(flags, data):
    kind = flags & 3
    if kind == 2:
        return 'short ' + _text(data)
    return TOPIC_KINDS[kind] + str(int.from_bytes(data, 'big'))


def _filter(flags, data):
    return _topic(flags, data) if flags & 3 else _text(data)


FLAG_NAMES = {'connect': ('will', 'clean'), 'will': ('qos', 'retain'), 'message': ('qos', 'dup', 'retain')}
SIZES = {'B': 1, 'H': 2, 'I': 4, 'topic_id': 2, 'code': 1, 'connect': 1, 'will': 1, 'message': 1, '8': 8, '4': 4}


def _read_field(kind, data, flags):
    if kind == 'code':
        return CODES.get(data[0], f'reserved {data[0]}')
    if kind in FLAG_NAMES:
        return _flags(data[0], FLAG_NAMES[kind])
    if kind in ('topic_id', 'filter'):
        return _topic(flags, data) if kind == 'topic_id' else _filter(flags, data)
    if kind == 'text':
        return _text(data)
    return data.hex() if kind in ('hex', '8', '4') else str(int.from_bytes(data, 'big'))


def _read_fields(name, layout, body):
    fields, at, flags = [], 0, 0
    for item in layout.split():
        field, kind = item.rstrip('?').split(':')
        size = SIZES.get(kind, len(body) - at)
        data = body[at:at + size]
        at += size
        if item.endswith('?') and not data:
            continue
        if len(data) < max(size, 1):
            raise Malformed(f'{name} ends before its field {field}')
        flags = data[0] if kind in FLAG_NAMES else flags
        fields.append((field, _read_field(kind, data, flags)))
    if at < len(body):
        raise Malformed(f'{name} has {len(body) - at} bytes behind its fields')
    return fields


def parse(packet):
    """(name, fields as a list of (field, text)) of a packet; raises Malformed."""
    if len(packet) < PACKET_MIN_BYTES:
        raise Malformed(f'{len(packet)} bytes are no message')
    if packet[0] == 1:  # length:u8=1 length:u16, which a serial line never needs
        raise Malformed('the length form of three bytes')
    kind, length = packet[1], packet[0]
    if kind == FORWARDED and 3 <= length < len(packet):
        name, fields = parse(packet[length:])
        return name, [('node', packet[3:length].hex()), ('radius', str(packet[2] & 3)), *fields]
    if length != len(packet):
        raise Malformed(f'the length says {length}, the packet has {len(packet)} bytes')
    if kind not in MESSAGES:
        raise Malformed(f'type {kind:02x} is reserved')
    name, layout = MESSAGES[kind]
    return name, _read_fields(name, layout, packet[2:])


def describe(packet):
    """One line about a packet, for people."""
    try:
        name, fields = parse(packet)
    except Malformed as why:
        return f'MALFORMED {why}: {packet.hex()}'
    return ' '.join([name, *(text if field == 'flags' else f'{field}={text}' for field, text in fields
                             if text or field != 'flags')])


# ---------------------------------------------------------------------------------------------------------------------
# Captures, as fwb-line writes and fwb-dump reads them:
#   capture := '# ' any text, then lines of: seconds ' ' direction ' ' hexadecimal bytes
#   direction := '>' from the first end to the second, '<' back

def capture_line(seconds, direction, data):
    return f'{seconds:.6f} {direction} {data.hex()}\n'


def read_capture_line(line):
    """(seconds, direction, bytes), or None for a comment and for what is no such line."""
    parts = line.split()
    if len(parts) != 3 or parts[1] not in ('>', '<'):
        return None
    try:
        return float(parts[0]), parts[1], bytes.fromhex(parts[2])
    except ValueError:
        return None
