"""The ends of fwb-line: pseudo terminals, serial devices, sockets. Each is opened when it can be, read and written
without blocking, and opened again when its peer has gone. One thread."""
import os
import select
import socket
import termios
import tty

READ_BYTES = 4096


class EndError(Exception):
    """The end cannot be made at all; the text says why and what to do."""


class End:
    """One end. `number` is its open file, or -1. Subclasses open it; `is_there` says whether a peer would hear us."""
    number = -1

    def open(self):
        """Tries once; the caller repeats while `number` is -1."""

    def name(self):
        """How somebody reaches the end."""
        return ''

    def is_there(self):
        return self.number >= 0

    def may_have_bytes(self):
        """False: waiting for bytes would not wait at all."""
        return self.number >= 0

    def read(self):
        """Bytes, b'' when there are none; closes the end when its peer is gone."""
        try:
            data = os.read(self.number, READ_BYTES)
        except BlockingIOError:
            return b''
        except OSError:
            data = None
        if not data:
            self.lost()
        return data or b''

    def write(self, data):
        """The number of bytes that went out. A peer that is gone takes all of them, as a wire without a listener."""
        if not self.is_there():
            return len(data)
        try:
            return os.write(self.number, data)
        except BlockingIOError:
            return 0
        except OSError:
            self.lost()
            return len(data)

    def lost(self):
        if self.number >= 0:
            os.close(self.number)
        self.number = -1

    def close(self):
        self.lost()


class PseudoTerminal(End):
    """A pseudo terminal; `link` is a symbolic link that always leads to it. The line stays when the program at its
    other side ends."""

    def __init__(self, link):
        self.link, self.path = link, ''
        self.open()

    def open(self):
        self.number, slave = os.openpty()
        # The settings outlive this descriptor. Without them, what the device sends before the broker has made the line
        # raw would come back as an echo.
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.number, False)
        if self.link:
            try:
                if os.path.islink(self.link):
                    os.unlink(self.link)
                os.symlink(self.path, self.link)
            except OSError as error:
                raise EndError(f'{self.link}: {error.strerror}; give a path where no file is') from None

    def name(self):
        return self.link or self.path

    def is_there(self):
        """Linux keeps bytes for a pseudo terminal that nobody has open, and gives them to who opens it next. A wire
        loses them: whoever writes asks here first."""
        if not self._events() & select.POLLHUP:
            return True
        if self.link:
            self._renew_if_locked()
        return False

    def may_have_bytes(self):
        """What was written before the other side was closed can still be read."""
        events = self._events()
        return not events & select.POLLHUP or bool(events & select.POLLIN)

    def _renew_if_locked(self):
        """A program that had the line for itself alone (TIOCEXCL) and was killed leaves a pseudo terminal that nobody
        but root can open. A serial device forgets that with its last close, so the line gets another terminal."""
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
        except OSError:
            if self._events() & select.POLLHUP:  # otherwise somebody has opened the terminal just now
                os.close(self.number)
                self.open()

    def _events(self):
        poller = select.poll()
        poller.register(self.number, select.POLLIN)
        return dict(poller.poll(0)).get(self.number, 0)

    def lost(self):
        """Nobody has the other side open; the same file works again when somebody has."""

    def close(self):
        if self.link and os.path.islink(self.link) and os.readlink(self.link) == self.path:
            os.unlink(self.link)
        os.close(self.number)


BAUD = 115200  # unless the user gives another rate


def path_and_baud(text):
    """Of /dev/NAME or /dev/NAME,BAUD."""
    path, _, baud = text.partition(',')
    if baud and not hasattr(termios, f'B{baud}'):
        raise EndError(f'{baud} baud is no rate of a serial line; for example 9600 or 115200')
    return path, int(baud or BAUD)


def make_raw(number, baud):
    """An open terminal passes all bytes as they are, with 8 data bits, no parity and this rate."""
    tty.setraw(number)
    settings = termios.tcgetattr(number)
    settings[4] = settings[5] = getattr(termios, f'B{baud}')
    termios.tcsetattr(number, termios.TCSAFLUSH, settings)


class Device(End):
    """A serial device. It may be unplugged and come back."""

    def __init__(self, path, baud):
        self.path, self.baud = path, baud

    def name(self):
        return self.path

    def open(self):
        try:
            self.number = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return
        if os.isatty(self.number):
            make_raw(self.number, self.baud)


def is_abandoned(path):
    """Whether the Unix socket is there, but the program that made it is not any more."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
    return False


class Socket(End):
    """A stream socket: the end that listens, or the end that connects. One connection at a time."""

    def __init__(self, family, address, is_listening):
        self.family, self.address, self.listener = family, address, None
        if not is_listening:
            return
        try:
            self.listener = socket.socket(family)
            if family == socket.AF_UNIX and is_abandoned(address):
                os.unlink(address)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(address)
            self.listener.listen(1)
            self.listener.setblocking(False)
        except OSError as error:
            raise EndError(f'{self.name()}: {error.strerror}') from None

    def name(self):
        kind = 'unix' if self.family == socket.AF_UNIX else 'tcp'
        where = self.address if kind == 'unix' else '{}:{}'.format(*self.address)
        return f'{kind}{"-listen" if self.listener else ""}:{where}'

    def open(self):
        try:
            if self.listener:
                peer, _ = self.listener.accept()
            else:
                peer = socket.socket(self.family)
                peer.settimeout(1)
                peer.connect(self.address)
        except OSError:
            return
        if self.family != socket.AF_UNIX:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a byte must not wait for the next ones
        peer.setblocking(False)
        self.number = peer.detach()

    def close(self):
        self.lost()
        if self.listener:
            self.listener.close()
            if self.family == socket.AF_UNIX:
                os.unlink(self.address)


def make_end(text):
    """The end that a command line describes."""
    kind, _, rest = text.partition(':')
    if kind == 'pty':
        return PseudoTerminal(rest)
    if kind in ('unix', 'unix-listen') and rest:
        return Socket(socket.AF_UNIX, rest, kind == 'unix-listen')
    if kind in ('tcp', 'tcp-listen') and rest:
        host, _, port = rest.rpartition(':')
        if port.isdigit() and 0 < int(port) < 65536:
            return Socket(socket.AF_INET, (host or '127.0.0.1', int(port)), kind == 'tcp-listen')
        raise EndError(f'{text}: the port must be a number from 1 to 65535, as in tcp:127.0.0.1:5000')
    if text.startswith('/'):
        return Device(*path_and_baud(text))
    raise EndError(f'{text}: an end is pty, pty:PATH, unix:PATH, unix-listen:PATH, tcp:HOST:PORT, tcp-listen:HOST:PORT '
                   'or /dev/NAME,BAUD')
