"""A TCP proxy on the loopback interface that breaks connections on order, for tests. One thread serves all connections.
The test changes the fault while connections are open; the new fault holds for them, too, from then on.

    fault            connections that are open                       new connections
    PASS             bytes are carried                               the same
    delay            each byte waits for some seconds                the same
    cap              bytes per second and direction, of all together the same
    cut              closed after N bytes in one direction           the same, each counts for itself
    stall            nothing is read, the sockets stay open          accepted, then the same
    black hole       all bytes are read and thrown away              accepted, then the same
    half open        one side is closed, the other one not told      PASS
    reset storm      closed with RST                                 closed with RST, until the storm is over

After a stall the connections go on where they stopped. A connection that has lost bytes in a black hole, or is half
open, is closed with RST when the fault changes: with a hole in its stream it would be no TCP connection.
"""
import collections
import contextlib
import dataclasses
import select
import socket
import struct
import threading
import time

CONNECTIONS_MAX = 64  # above it, a new connection is closed at once
QUEUE_BYTES_MAX = 256 * 1024  # of one direction of a connection; above it, the sender is not read
CHUNK_BYTES = 16 * 1024
CONNECT_TIMEOUT_S = 2.0
END_TIMEOUT_S = 10.0
IDLE_S = 0.5  # the longest sleep of the thread
CAP_STEP_S = 0.005  # the shortest one while bytes wait for the cap
SEGMENTS_AT = 136  # where Linux has tcpi_segs_out and tcpi_segs_in in its struct tcp_info

UP, DOWN = 'up', 'down'  # from the client to the server, and back
CLIENT, SERVER = 'client', 'server'


@dataclasses.dataclass(frozen=True)
class Fault:
    """What the proxy does. Made by the functions below."""
    kind: str = 'pass'
    seconds: float = 0.0  # of a delay, or of a reset storm; 0 = a storm without an end
    count: int = 0  # bytes: until a cut, or per second
    direction: str = UP  # whose bytes a cut counts
    side: str = SERVER  # the side that half_open() closes
    with_reset: bool = True  # a cut: RST instead of FIN
    once: bool = False  # a cut: after the first one the proxy passes again


PASS = Fault()
STALL = Fault('stall')
BLACK_HOLE = Fault('black_hole')


def delay(seconds):
    return Fault('delay', seconds=seconds)


def cap(bytes_per_second):
    return Fault('cap', count=bytes_per_second)


def cut(after_bytes, direction=UP, with_reset=True, once=False):
    return Fault('cut', count=after_bytes, direction=direction, with_reset=with_reset, once=once)


def half_open(side=SERVER):
    return Fault('half_open', side=side)


def reset_storm(seconds=0.0):
    return Fault('reset_storm', seconds=seconds)


def close_with_reset(sock):
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    sock.close()


class Pipe:
    """One direction of a connection: what was read from `source` and waits for `sink`."""

    def __init__(self, source, sink, direction):
        self.source, self.sink, self.direction = source, sink, direction
        self.queue = collections.deque()  # (time when it is due, bytes)
        self.queued = 0  # bytes in the queue
        self.carried = 0  # bytes since the fault was set
        self.is_ended = False  # the source has sent FIN
        self.is_closed = False  # and the sink was told
        self.is_blocked = False  # the sink takes no more bytes for now

    def push(self, data, due):
        self.queue.append((due, data))
        self.queued += len(data)

    def clear(self):
        self.queue.clear()
        self.queued = 0


class Link:
    """A connection: two sockets and two pipes. `half` = the side that is still open after half_open(), or ''."""

    def __init__(self, client, server):
        self.sockets = {CLIENT: client, SERVER: server}
        self.up, self.down = Pipe(client, server, UP), Pipe(server, client, DOWN)
        self.pipes = (self.up, self.down)
        self.half = ''
        self.has_lost_bytes = False

    def open_sockets(self):
        return [self.sockets[self.half]] if self.half else list(self.sockets.values())

    def pipe_from(self, sock):
        return self.up if sock is self.sockets[CLIENT] else self.down

    def pipe_to(self, sock):
        return self.down if sock is self.sockets[CLIENT] else self.up


class FaultProxy:
    """Listens on 127.0.0.1 and connects each client to 127.0.0.1:`target`. Use it in a `with`, or call close()."""

    def __init__(self, target, port=0):
        self._target = target
        self._lock = threading.Lock()  # of what follows
        self._fault, self._order = PASS, None  # in force, and the one that the thread has not seen yet
        self._drop_all = False
        self._bytes = {UP: 0, DOWN: 0}
        self._accepted = self._refused = 0
        self._is_stopping = False
        # Of the thread only
        self._links = []
        self._storm_end = None
        self._tokens, self._filled = {UP: 0.0, DOWN: 0.0}, time.monotonic()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(('127.0.0.1', port))
        self._listener.listen(CONNECTIONS_MAX)
        self._listener.setblocking(False)
        self._waker, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name=f'proxy {self.port}', daemon=True)
        self._thread.start()

    # ---- For the test, from any thread

    def set(self, fault):
        """The fault is in force when this returns."""
        seen = threading.Event()
        with self._lock:
            self._order = (fault, seen)
        self._wake()
        if not seen.wait(END_TIMEOUT_S):
            raise AssertionError('the proxy does not answer')

    def drop_all(self):
        """Closes all open connections with RST; the fault stays."""
        with self._lock:
            self._drop_all = True
        self._wake()

    def retarget(self, port):
        """New connections go to another port."""
        self._target = port

    @property
    def fault(self):
        with self._lock:
            return self._fault

    def counts(self):
        """{'up': bytes sent on to the server, 'down': bytes sent on to the client, 'accepted': connections, 'refused':
        connections that were closed at once, 'open': connections}"""
        with self._lock:
            return {**self._bytes, 'accepted': self._accepted, 'refused': self._refused, 'open': len(self._links)}

    def segments(self):
        """{'up': TCP segments that came from the clients, 'down': segments to them}, of all connections that are open;
        acknowledgements without data are counted, too"""
        with self._lock:
            clients = [link.sockets[CLIENT] for link in self._links if link.half != SERVER]
            infos = [struct.unpack_from('II', sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), SEGMENTS_AT)
                     for sock in clients]
        return {UP: sum(came for _, came in infos), DOWN: sum(sent for sent, _ in infos)}

    def close(self):
        """Ends all connections with RST and the thread."""
        with self._lock:
            self._is_stopping = True
        self._wake()
        self._thread.join(END_TIMEOUT_S)
        if self._thread.is_alive():
            raise AssertionError('the proxy does not end')
        self._waker.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _wake(self):
        with contextlib.suppress(OSError):
            self._waker.send(b'!')

    # ---- The thread

    def _serve(self):
        while not self._is_stopping:
            wanted = self._wanted()
            poll = select.poll()
            for descriptor, (events, _, _) in wanted.items():
                poll.register(descriptor, events)
            for descriptor, ready in poll.poll(self._sleep_s() * 1000):
                self._handle(wanted[descriptor], ready)
            self._obey()
            if self._storm_end is not None and time.monotonic() >= self._storm_end:
                self._change(PASS)
            for link in list(self._links):
                self._move(link)
        for link in list(self._links):
            self._close(link)
        self._listener.close()
        self._woken.close()

    def _wanted(self):
        """{descriptor: (events, socket, its connection or None)}. A socket that waits for nothing is not in it."""
        wanted = {sock.fileno(): (select.POLLIN, sock, None) for sock in (self._listener, self._woken)}
        for link in self._links:
            for sock in link.open_sockets():
                reads, writes = link.pipe_from(sock), link.pipe_to(sock)
                events = 0
                if not reads.is_ended and reads.queued < QUEUE_BYTES_MAX and self._fault.kind != 'stall':
                    events |= select.POLLIN
                if writes.is_blocked:
                    events |= select.POLLOUT
                if events:
                    wanted[sock.fileno()] = (events, sock, link)
        return wanted

    def _sleep_s(self):
        """Until a delayed byte is due, the cap allows more bytes or the storm is over."""
        now = time.monotonic()
        sleep = IDLE_S if self._storm_end is None else max(self._storm_end - now, 0.0)
        if self._fault.kind in ('stall', 'black_hole'):
            return min(sleep, IDLE_S)
        for link in self._links:
            for pipe in link.pipes:
                if pipe.queue and not pipe.is_blocked:
                    sleep = min(sleep, max(pipe.queue[0][0] - now, CAP_STEP_S))
        return min(sleep, IDLE_S)

    def _handle(self, entry, ready):
        _, sock, link = entry
        if sock is self._listener:
            self._accept()
        elif sock is self._woken:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)
        elif link in self._links:  # an earlier event of this round may have closed the connection
            link.pipe_to(sock).is_blocked = False
            if ready & ~select.POLLOUT:
                self._read(link, link.pipe_from(sock))

    def _obey(self):
        with self._lock:
            order, self._order = self._order, None
            drop_all, self._drop_all = self._drop_all, False
        if order:
            self._change(order[0])
            order[1].set()
        if drop_all:
            for link in list(self._links):
                self._close(link)

    def _change(self, fault):
        for link in list(self._links):
            link.up.carried = link.down.carried = 0
            if link.half or link.has_lost_bytes or fault.kind == 'reset_storm':
                self._close(link)
            elif fault.kind == 'half_open':
                self._halve(link, fault.side)
        self._storm_end = time.monotonic() + fault.seconds if fault.kind == 'reset_storm' and fault.seconds else None
        self._tokens = {UP: 0.0, DOWN: 0.0}
        with self._lock:
            self._fault = fault

    def _halve(self, link, side):
        """Closes one socket in a way that its peer sees; the peer of the other socket hears nothing."""
        close_with_reset(link.sockets[side])
        link.half = CLIENT if side == SERVER else SERVER
        for pipe in link.pipes:
            pipe.clear()

    def _accept(self):
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        client.setblocking(False)
        with self._lock:
            self._accepted += 1
        if self._fault.kind == 'reset_storm' or len(self._links) >= CONNECTIONS_MAX:
            return self._refuse(client)
        try:
            server = socket.create_connection(('127.0.0.1', self._target), CONNECT_TIMEOUT_S)
        except OSError:
            return self._refuse(client)
        server.setblocking(False)
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(client, server)
        with self._lock:
            self._links.append(link)

    def _refuse(self, client):
        with self._lock:
            self._refused += 1
        close_with_reset(client)

    def _close(self, link, with_reset=True):
        for sock in link.open_sockets():
            if with_reset:
                close_with_reset(sock)
            else:
                sock.close()
        with self._lock:
            self._links.remove(link)

    def _read(self, link, pipe):
        fault = self._fault
        try:
            data = pipe.source.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:  # a reset by one side is one for the other, unless nobody may hear of it
            if fault.kind != 'black_hole' and not link.half:
                return self._close(link)
            data = b''
        if not data:
            pipe.is_ended = True
            link.has_lost_bytes |= fault.kind == 'black_hole'
        elif fault.kind == 'black_hole' or link.half:
            link.has_lost_bytes = True
        else:
            pipe.push(data, time.monotonic() + (fault.seconds if fault.kind == 'delay' else 0.0))

    def _move(self, link):
        """Sends what is due."""
        if link.half == '' and self._fault.kind not in ('stall', 'black_hole'):
            for pipe in link.pipes:
                if not self._send(link, pipe):
                    return
            if all(pipe.is_closed for pipe in link.pipes):
                self._close(link, with_reset=False)

    def _send(self, link, pipe):
        """False if the connection was closed."""
        now = time.monotonic()
        while pipe.queue and pipe.queue[0][0] <= now and not pipe.is_blocked:
            due, data = pipe.queue.popleft()
            part = data[:self._allowance(pipe, now)]
            try:
                with self._lock:  # whoever has received the bytes finds them counted
                    sent = pipe.sink.send(part) if part else 0
                    self._bytes[pipe.direction] += sent
            except BlockingIOError:
                sent, pipe.is_blocked = 0, True
            except OSError:
                self._close(link)
                return False
            pipe.queued -= sent
            pipe.carried += sent
            self._tokens[pipe.direction] -= sent
            if sent < len(data):
                pipe.queue.appendleft((due, data[sent:]))
            if self._is_cut(pipe):
                self._cut(link)
                return False
            if sent == 0:
                break
        if pipe.is_ended and not pipe.queue and not pipe.is_closed:
            pipe.is_closed = True
            with contextlib.suppress(OSError):
                pipe.sink.shutdown(socket.SHUT_WR)
        return True

    def _allowance(self, pipe, now):
        """Bytes that may be sent now."""
        fault = self._fault
        if fault.kind == 'cut' and fault.direction == pipe.direction:
            return max(fault.count - pipe.carried, 0)
        if fault.kind != 'cap':
            return CHUNK_BYTES
        spent, self._filled = now - self._filled, now
        for direction in self._tokens:  # a burst of at most a tenth of a second
            self._tokens[direction] = min(self._tokens[direction] + spent * fault.count, max(fault.count / 10, 1.0))
        return int(self._tokens[pipe.direction])

    def _is_cut(self, pipe):
        fault = self._fault
        return fault.kind == 'cut' and fault.direction == pipe.direction and pipe.carried >= fault.count

    def _cut(self, link):
        with_reset = self._fault.with_reset
        if self._fault.once:  # first: who sees the end may connect again at once
            self._change(PASS)
        self._close(link, with_reset)
