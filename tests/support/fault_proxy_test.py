#!/usr/bin/python3
"""Tests of the fault proxy. The last line is "N passed, N failed"."""
import os
import select
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fault_proxy as fp  # noqa: E402
from claims import check, claim, run  # noqa: E402

DEADLINE_S = 10.0
QUIET_S = 0.15  # how long "nothing arrives" is watched


class Pair:
    """A server, a proxy in front of it, and as many connections through it as a test opens."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.listener.settimeout(DEADLINE_S)
        self.proxy = fp.FaultProxy(self.listener.getsockname()[1])
        self.sockets = []

    def open(self):
        """(the client's socket, the server's socket)"""
        client = self.client()
        server, _ = self.listener.accept()
        server.settimeout(DEADLINE_S)
        self.sockets.append(server)
        return client, server

    def client(self):
        client = socket.create_connection(('127.0.0.1', self.proxy.port), DEADLINE_S)
        self.sockets.append(client)
        return client

    def is_refused(self):
        """True if a new connection is reset, at once or before its first byte."""
        try:
            return read_to_end(self.client()) == (b'', 'RST')
        except ConnectionResetError:
            return True

    def close(self):
        for sock in self.sockets:
            sock.close()
        self.proxy.close()
        self.listener.close()


def read(sock, size):
    data = b''
    while len(data) < size:
        more = sock.recv(size - len(data))
        check(more, f'closed after {len(data)} of {size} bytes')
        data += more
    return data


def read_to_end(sock):
    """(bytes, 'FIN' or 'RST')"""
    data = b''
    while True:
        try:
            more = sock.recv(65536)
        except ConnectionResetError:
            return data, 'RST'
        if not more:
            return data, 'FIN'
        data += more


def is_silent(sock):
    return not select.select([sock], [], [], QUIET_S)[0]


@claim('pass: bytes go both ways unchanged, and are counted per direction')
def _pass(pair):
    client, server = pair.open()
    big = os.urandom(100_000)
    client.sendall(big)
    check(read(server, len(big)) == big, 'the bytes have changed on the way up')
    server.sendall(b'answer')
    check(read(client, 6) == b'answer', 'the bytes have changed on the way down')
    counts = pair.proxy.counts()
    check((counts['up'], counts['down'], counts['open']) == (100_000, 6, 1), f'counted {counts}')


@claim('it counts the segments of TCP that carry the bytes, in both directions')
def _segments(pair):
    client, server = pair.open()
    before = pair.proxy.segments()
    for _ in range(5):  # each byte is a segment of its own, because its answer comes first
        client.sendall(b'a')
        read(server, 1)
        server.sendall(b'b')
        read(client, 1)
    after = pair.proxy.segments()
    for way in (fp.UP, fp.DOWN):
        check(5 <= after[way] - before[way] <= 10, f'{way}: {before} and {after}')  # with acknowledgements of their own


@claim('pass: a FIN is passed on after the bytes before it, and the other direction stays open')
def _fin(pair):
    client, server = pair.open()
    client.sendall(b'last')
    client.shutdown(socket.SHUT_WR)
    check(read_to_end(server) == (b'last', 'FIN'), 'no FIN after the bytes')
    server.sendall(b'late')
    server.close()
    check(read_to_end(client) == (b'late', 'FIN'), 'the answer after the FIN was lost')


@claim('pass: a server that nobody runs looks like a reset, and works again when it is back')
def _refused(pair):
    port = pair.listener.getsockname()[1]
    pair.listener.close()
    check(pair.is_refused(), 'bytes without a server')
    check(pair.proxy.counts()['refused'] == 1, 'not counted')
    pair.listener = socket.create_server(('127.0.0.1', port))
    client, server = pair.open()
    client.sendall(b'x')
    check(read(server, 1) == b'x', 'the server is back, but not reached')


@claim('delay: a byte arrives after the delay, not before, and the order stays')
def _delay(pair):
    client, server = pair.open()
    pair.proxy.set(fp.delay(0.3))
    began = time.monotonic()
    client.sendall(b'a')
    client.sendall(b'b')
    check(read(server, 2) == b'ab', 'out of order')
    took = time.monotonic() - began
    check(0.29 <= took < 3, f'it took {took:.3f} s')


for _direction in (fp.UP, fp.DOWN):
    @claim(f'cut {_direction}: exactly N bytes arrive, then both sides see RST')
    def _cut(pair, direction=_direction):
        client, server = pair.open()
        pair.proxy.set(fp.cut(1000, direction))
        sender, receiver = (client, server) if direction == fp.UP else (server, client)
        receiver.sendall(b'the other direction does not count' * 100)
        read(sender, 34 * 100)
        sender.sendall(b'x' * 5000)
        data, end = read_to_end(receiver)
        check(len(data) <= 1000 and end == 'RST', f'{len(data)} bytes, {end}')  # RST overtakes what was not yet read
        check(pair.proxy.counts()[direction] == 1000, f'sent on {pair.proxy.counts()}')
        check(read_to_end(sender)[1] == 'RST', 'the sender saw no RST')


@claim('cut with FIN: exactly N bytes arrive, then the end; each connection counts for itself')
def _cut_fin(pair):
    pair.proxy.set(fp.cut(10, with_reset=False))
    for _ in range(2):
        client, server = pair.open()
        client.sendall(b'x' * 10)
        check(read_to_end(server) == (b'x' * 10, 'FIN'), 'not cut after 10 bytes')


@claim('cut once: the next connection passes')
def _cut_once(pair):
    client, server = pair.open()
    pair.proxy.set(fp.cut(1, once=True))
    client.sendall(b'xy')
    read_to_end(server)
    check(pair.proxy.fault == fp.PASS, 'the fault is still in force')
    client, server = pair.open()
    client.sendall(b'xy')
    check(read(server, 2) == b'xy', 'cut again')


@claim('stall: nothing arrives while the sockets stay open, and everything in order afterwards')
def _stall(pair):
    client, server = pair.open()
    pair.proxy.set(fp.STALL)
    client.sendall(b'one')
    server.sendall(b'two')
    check(is_silent(server) and is_silent(client), 'something came through')
    pair.proxy.set(fp.PASS)
    check(read(server, 3) == b'one' and read(client, 3) == b'two', 'the bytes were not kept')


@claim('stall: a new connection is accepted and hears nothing')
def _stall_new(pair):
    pair.proxy.set(fp.STALL)
    client = pair.client()
    client.sendall(b'CONNECT')
    check(is_silent(client), 'it was answered')


@claim('black hole: senders are never slowed, nothing arrives, nobody is told; RST when the fault ends')
def _black_hole(pair):
    client, server = pair.open()
    pair.proxy.set(fp.BLACK_HOLE)
    client.sendall(b'x' * 2_000_000)  # more than all buffers on the way
    check(is_silent(server) and is_silent(client), 'something came through')
    server.close()
    check(is_silent(client), 'the client was told of the end of the server')
    pair.proxy.set(fp.PASS)
    check(read_to_end(client)[1] == 'RST', 'a stream with a hole goes on')


@claim('black hole: a connection that was idle meanwhile goes on afterwards')
def _black_hole_idle(pair):
    client, server = pair.open()
    pair.proxy.set(fp.BLACK_HOLE)
    pair.proxy.set(fp.PASS)
    client.sendall(b'x')
    check(read(server, 1) == b'x', 'nothing arrived')


for _side in (fp.CLIENT, fp.SERVER):
    @claim(f'half open: the {_side} sees RST, the other side stays open and hears nothing')
    def _half(pair, side=_side):
        client, server = pair.open()
        pair.proxy.set(fp.half_open(side))
        gone, left = (client, server) if side == fp.CLIENT else (server, client)
        check(read_to_end(gone) == (b'', 'RST'), 'no RST')
        left.sendall(b'into the void' * 1000)
        check(is_silent(left), 'the other side was told')
        fresh, fresh_server = pair.open()
        fresh.sendall(b'x')
        check(read(fresh_server, 1) == b'x', 'a new connection does not pass')
        pair.proxy.set(fp.PASS)
        check(read_to_end(left)[1] == 'RST', 'the half is still open after the fault')


@claim('reset storm: open and new connections get RST and the server sees none of the new ones, until it is over')
def _storm(pair):
    client, _ = pair.open()
    pair.proxy.set(fp.reset_storm(0.4))
    began = time.monotonic()
    check(read_to_end(client) == (b'', 'RST'), 'the open connection has no RST')
    for _ in range(5):
        check(pair.is_refused(), 'a new connection has no RST')
    check(not select.select([pair.listener], [], [], 0)[0], 'the server saw a connection')
    while pair.proxy.fault != fp.PASS:
        check(time.monotonic() - began < 5, 'the storm does not end')
        time.sleep(0.01)
    check(time.monotonic() - began >= 0.35, 'the storm was too short')
    client, server = pair.open()
    client.sendall(b'x')
    check(read(server, 1) == b'x', 'it does not pass after the storm')


@claim('cap: 60 kB at 100 kB/s take about 0.6 s')
def _cap(pair):
    client, server = pair.open()
    pair.proxy.set(fp.cap(100_000))
    began = time.monotonic()
    client.sendall(b'x' * 60_000)
    read(server, 60_000)
    took = time.monotonic() - began
    check(0.45 <= took <= 5, f'it took {took:.3f} s')


@claim('bounded: a receiver that does not read slows the sender down')
def _bounded(pair):
    client, _ = pair.open()
    client.settimeout(0.5)
    sent = 0
    try:
        while sent < 64_000_000:
            sent += client.send(b'x' * 65536)
    except socket.timeout:
        pass
    check(sent < 32_000_000, f'{sent} bytes were accepted without a reader')


@claim('bounded: a connection above the largest number is closed at once')
def _too_many(pair):
    for _ in range(fp.CONNECTIONS_MAX):
        pair.open()
    check(pair.is_refused(), 'one too many')


@claim('drop_all closes the open connections, and new ones pass')
def _drop(pair):
    client, _ = pair.open()
    pair.proxy.drop_all()
    check(read_to_end(client) == (b'', 'RST'), 'no RST')
    client, server = pair.open()
    client.sendall(b'x')
    check(read(server, 1) == b'x', 'a new connection does not pass')


@claim('close ends the thread, the connections and the port')
def _close(pair):
    client, _ = pair.open()
    pair.proxy.close()
    check(read_to_end(client) == (b'', 'RST'), 'the connection is still open')
    try:
        pair.client()
        check(False, 'the port still accepts')
    except ConnectionRefusedError:
        pass


if __name__ == '__main__':
    sys.exit(run(prepare=Pair))
