"""A WebSocket client that does what it is told, right or wrong, and the brokers that it talks to."""
import base64
import hashlib
import os
import socket
import struct
import zlib

from harness import DEADLINE_S, RawClient, check, free_port

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = base64.b64encode(b'sixteen bytes...').decode()


def start_broker(context, settings=(), path='/mqtt', more=(), tls=None):
    """A broker with an MQTT and a WebSocket listener: broker.port and broker.ws_port. `tls`: lines of
    [listeners.web.tls], for wss."""
    port, ws_port = free_port(), free_port()
    configuration = os.path.join(context.folder, f'{ws_port}.toml')
    with open(configuration, 'w', encoding='utf-8') as file:
        file.write(f'[listeners.plain]\nurl = "mqtt://127.0.0.1:{port}"\n'
                   f'[listeners.web]\nurl = "{"wss" if tls else "ws"}://127.0.0.1:{ws_port}{path}"\n')
        file.write(f'[listeners.web.tls]\n{tls}\n' if tls else '')
    broker = context.start_broker(arguments=['-c', configuration, *more], settings=settings)
    broker.port, broker.ws_port = port, ws_port
    broker.wait_for_port(port)
    broker.wait_for_port(ws_port)
    return broker


def http_request(path='/mqtt', headers=(), method='GET', version='1.1'):
    """One request; a header of a later pair replaces an earlier one, None removes it."""
    fields = {'Host': '127.0.0.1'}
    for name, value in headers:
        fields.pop(name, None)
        if value is not None:
            fields[name] = value
    lines = ''.join(f'{name}: {value}\r\n' for name, value in fields.items())
    return f'{method} {path} HTTP/{version}\r\n{lines}\r\n'.encode('latin-1')


def upgrade_request(path='/mqtt', headers=(), **options):
    usual = [('Upgrade', 'websocket'), ('Connection', 'Upgrade'), ('Sec-WebSocket-Key', KEY),
             ('Sec-WebSocket-Version', '13'), ('Sec-WebSocket-Protocol', 'mqtt')]
    return http_request(path, usual + list(headers), **options)


def read_answer(connection, head_only=False):
    """Status, headers with names in lower case, body; or (None, {}, b'') when the connection ends without one. What
    follows the answer stays in connection.data."""
    while b'\r\n\r\n' not in connection.data:
        more = receive(connection)
        if not more:
            return None, {}, b''
    head, connection.data = connection.data.split(b'\r\n\r\n', 1)
    first, *lines = head.decode('latin-1').split('\r\n')
    headers = {name.lower(): value.strip() for name, value in (line.split(':', 1) for line in lines)}
    status = int(first.split()[1])
    size = 0 if head_only or status == 101 else int(headers.get('content-length', 0))
    while len(connection.data) < size:
        check(receive(connection), f'the body ends after {len(connection.data)} of {size} bytes')
    body, connection.data = connection.data[:size], connection.data[size:]
    return status, headers, body


def receive(connection):
    """True when something has come, False at the end of the connection."""
    try:
        more = connection.socket.recv(65536)
    except ConnectionResetError:
        more = b''
    except socket.timeout:
        raise AssertionError('the broker sent nothing in time') from None
    connection.data += more
    return bool(more)


def frame(opcode, payload=b'', fin=True, masked=True, reserved=0, length=None, size_bytes=None):
    """A frame; `length` and `size_bytes` (0, 2, 8) may lie about the payload."""
    length = len(payload) if length is None else length
    if size_bytes is None:
        size_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    out = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    mask = 0x80 if masked else 0
    out += bytes([mask | (length if size_bytes == 0 else 126 if size_bytes == 2 else 127)])
    out += length.to_bytes(size_bytes, 'big') if size_bytes else b''
    if not masked:
        return out + payload
    key = os.urandom(4)
    whole = key * (len(payload) // 4 + 1)
    masked_bytes = int.from_bytes(payload, 'big') ^ int.from_bytes(whole[:len(payload)], 'big')
    return out + key + masked_bytes.to_bytes(len(payload), 'big')


def close_payload(code, reason=b''):
    return struct.pack('>H', code) + reason


class WebSocket(RawClient):
    """After the upgrade; MQTT packets in binary messages, one way or another."""

    def __init__(self, port, headers=(), path='/mqtt', settings=None, **options):
        """`settings`: of TLS, an ssl.SSLContext."""
        super().__init__(port, **options)
        if settings is not None:
            self.socket = settings.wrap_socket(self.socket)
        self.pieces = b''  # of frames, not yet a frame
        self.send(upgrade_request(path, headers))
        self.status, self.headers, self.body = read_answer(self)
        if self.status == 101:
            accept = hashlib.sha1((KEY + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()
            check(self.headers['sec-websocket-accept'] == base64.b64encode(accept).decode(), 'a wrong accept key')
            self.pieces, self.data = self.data, b''
        self.inflater = zlib.decompressobj(-15)
        self.is_deflated = False  # the message under way
        self.pongs = []
        self.closed = None  # (code, reason) of the broker's close frame
        self.frames = 0

    def message(self, data):
        self.send(frame(BINARY, data))

    def read_frame(self):
        """(first byte, payload), or None at the end of the connection."""
        while True:
            found = self._cut_frame()
            if found is not None:
                self.frames += 1
                return found
            more = self.receive()
            if not more:
                return None
            self.pieces += more

    def _cut_frame(self):
        data = self.pieces
        if len(data) < 2:
            return None
        check(not data[1] & 0x80, 'a server must not mask')
        size, at = data[1] & 0x7F, 2
        if size > 125:
            count = 2 if size == 126 else 8
            size, at = int.from_bytes(data[at:at + count], 'big'), at + count
        if len(data) < at or len(data) < at + size:
            return None
        self.pieces = data[at + size:]
        return data[0], data[at:at + size]

    def read(self):
        """The next MQTT packet, or (None, b'') at the end; frames that are no data are noted."""
        while True:
            found = self._cut()
            if found is not None:
                return found
            got = self.read_frame()
            if got is None:
                return None, b''
            first, payload = got
            opcode = first & 0x0F
            if opcode == PONG:
                self.pongs.append(payload)
            elif opcode == CLOSE:
                self.closed = (int.from_bytes(payload[:2], 'big') if payload else None, payload[2:])
            elif opcode != PING:
                check(opcode in (BINARY, CONTINUATION), f'a frame with opcode {opcode}')
                if opcode == BINARY:
                    self.is_deflated = bool(first & 0x40)
                end = b'\0\0\xff\xff' if first & 0x80 else b''
                self.data += self.inflater.decompress(payload + end) if self.is_deflated else payload

    def end(self):
        """Reads to the end: the code of the broker's close frame, or None without one."""
        self.socket.settimeout(DEADLINE_S)
        while self.read()[0] is not None:
            pass
        return self.closed[0] if self.closed else None


def connect(context, port, **options):
    client = WebSocket(port, **options)
    context.adopt(client)
    return client
