#!/usr/bin/env bash
# What a pseudo terminal keeps when the program that had it open is gone.
#
# Versions: Linux 6.18 and Python 3.11 (Debian 12). Programs that test serial lines use such terminals in place of a
# UART: QEMU (-chardev pty), socat, fwb-line of this project.
#
# A good guess: exclusive use (TIOCEXCL) ends with the process that asked for it, as a lock of flock(2) does; bytes for a
# terminal that nobody has open are lost, as on a wire; and the settings begin anew with the next open(2).
# Seen: all three outlive the process while the other side, the master, stays open.
#   - TIOCEXCL: after the process has ended, however it ended, ordinary users get EBUSY from open(2), for ever. Root does
#     not, so a test that runs as root shows nothing. A daemon that was killed cannot open "its" line again.
#   - Bytes that are written to the master meanwhile are read by the next program that opens the terminal.
#   - Raw mode stays. That is useful: whoever makes the terminal can switch the echo off before others open it.
# A way out: the owner of the master looks whether the terminal can be opened (EBUSY) while poll(2) says POLLHUP, and then
# makes a new pair; and it asks poll(2) for POLLHUP before each write.
#
# Wants python3. As root the checks run as the user nobody.
set -euo pipefail

python3 - <<'END'
import errno, fcntl, os, select, sys, termios, tty

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
failures = 0


def expect(what, wanted, seen):
    global failures
    is_same = wanted == seen
    failures += not is_same
    print(f'as described: {what}: {wanted}' if is_same else f'CHANGED: {what}: wanted {wanted}, saw {seen}')


def pair():
    """(master, path) of a raw terminal that nobody has open."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    return master, path


def in_child(function):
    """Runs it in a process of its own, which ends without closing anything itself."""
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    os.waitpid(child, 0)


def open_error(path):
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NOCTTY))
        return None
    except OSError as error:
        return errno.errorcode[error.errno]


master, path = pair()
expect('open before', None, open_error(path))
in_child(lambda: fcntl.ioctl(os.open(path, os.O_RDWR | os.O_NOCTTY), termios.TIOCEXCL))
expect('open after a process with TIOCEXCL has ended', 'EBUSY', open_error(path))
poller = select.poll()
poller.register(master, 0)
expect('poll says that nobody has the terminal open', True, bool(poller.poll(0)[0][1] & select.POLLHUP))

master, path = pair()
in_child(lambda: fcntl.flock(os.open(path, os.O_RDWR | os.O_NOCTTY), fcntl.LOCK_EX))
slave = os.open(path, os.O_RDWR | os.O_NOCTTY)
try:
    fcntl.flock(slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
    state = 'free'
except BlockingIOError:
    state = 'locked'
expect('a lock of flock after its process has ended', 'free', state)
os.close(slave)

os.write(master, b'stale')
slave = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
expect('bytes from before the open', b'stale', os.read(slave, 100))
expect('echo after a new open', False, bool(termios.tcgetattr(slave)[3] & termios.ECHO))
if failures == 0:
    print('All as described.')
sys.exit(failures > 0)
END
