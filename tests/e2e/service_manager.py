"""systemd as a broker sees it: a socket for its messages, and sockets that are given to a process at its start."""
import os
import re
import signal
import socket
import sys
import time

from harness import DEADLINE_S, check
from successor import Successor, adopt_orphans

# Gives its descriptors to the program, as systemd does: numbers from 3 on, and LISTEN_PID, which exec() keeps right.
LAUNCHER = """
import os, sys
given, names, program = [int(n) for n in sys.argv[1].split(',')], sys.argv[2], sys.argv[3:]
copies = [os.dup2(one, 100 + at, True) for at, one in enumerate(given)]
for at, one in enumerate(copies):
    os.dup2(one, 3 + at, True)
for at, one in enumerate(copies):
    os.close(one)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(given)), LISTEN_FDNAMES=names)
os.execv(program[0], program)
"""


class ServiceManager:
    """Receives what a broker tells; `environment` is for the broker."""

    def __init__(self, folder, watchdog_ms=0):
        path = os.path.join(folder, f'notify-{time.monotonic_ns()}')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.environment = {'NOTIFY_SOCKET': path}
        if watchdog_ms:
            self.environment['WATCHDOG_USEC'] = str(watchdog_ms * 1000)

    def await_message(self, pattern, deadline_s=DEADLINE_S):
        """The next message that matches; those before it are dropped."""
        end = time.monotonic() + deadline_s
        seen = []
        while True:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                text = self.socket.recv(4096).decode()
            except socket.timeout:
                raise AssertionError(f'no message like {pattern!r}; got {seen[-5:]}') from None
            seen.append(text)
            if re.search(pattern, text):
                return text

    def close(self):
        self.socket.close()


def activated(program, sockets, names):
    """The beginning of a command that gives `sockets` to the broker. The sockets must be inheritable."""
    for one in sockets:
        one.set_inheritable(True)
    numbers = ','.join(str(one.fileno()) for one in sockets)
    return [sys.executable, '-c', LAUNCHER, numbers, names, program]


def upgrade(broker, ask=None):
    """Replaces a running broker by a new process, which the broker object stands for afterwards. `ask` asks for it in
    another way than by the signal."""
    adopt_orphans()
    since = os.path.getsize(broker.log)
    if ask is None:
        broker.signal(signal.SIGUSR2)
    else:
        ask()
    line = broker.log_line('upgrade_started', since)
    pid = int(re.search(r'pid=(\d+)', line).group(1))
    old = broker.process
    check(old.wait(DEADLINE_S) == 0, f'the old broker ended with {old.returncode}: {broker.tail()}')
    broker.process = Successor(pid)
    return broker.log_line('upgrade_finished', since)


def await_failed_upgrade(broker):
    """Asks for an upgrade that fails; the log line that says why."""
    since = os.path.getsize(broker.log)
    broker.signal(signal.SIGUSR2)
    line = broker.log_line('upgrade_failed', since)
    check(broker.process.poll() is None, f'the old broker has ended: {broker.tail()}')
    return line
