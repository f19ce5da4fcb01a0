"""Upgrade rig: the running broker is replaced by a new process under load, again and again on the same store. Clients
come back at once, as they do in the field: the load program is not told of an upgrade before it is over."""
import ctypes
import os
import re
import signal
import time

from kill_rig import ROUND
from rig import DEADLINE_S, Rig, RigError

PR_SET_CHILD_SUBREAPER = 36  # of prctl(2): the new broker becomes a child of this process when the old one ends


class Successor:
    """A broker that another one has started: what the rigs use of subprocess.Popen."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=DEADLINE_S):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise RigError(f'the broker {self.pid} does not end')
            time.sleep(0.002)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def run(options, cycles, seed, level):
    """The rig, how long it ran, and the pauses of its upgrades, in s."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    rig = Rig(options, 'upgrade-' + level, seed, level=level)
    pauses = []
    began = time.monotonic()
    try:
        rig.start_or_complain()
        refused = rig.load.stats()['connects_refused']
        while rig.cycles < cycles:
            for _ in range(min(ROUND, cycles - rig.cycles)):
                pauses.append(_upgrade(rig))
            rig.account()
            if options.first_failure and rig.problems:
                break
        refused = rig.load.stats()['connects_refused'] - refused
        if refused:
            rig.problem(f'{refused} connection attempts were refused')
        rig.broker.stop()
        rig.load.down(in_order=True)
        rig.verify()
    except RigError as error:
        rig.problem(str(error))
    finally:
        rig.close()
    return rig, time.monotonic() - began, pauses


def _upgrade(rig):
    """One upgrade, some time after the last. Returns how long it took until the new broker said that it serves."""
    rig.cycles += 1
    time.sleep(rig.rng.uniform(0.005, 0.3))
    old = rig.broker.process
    began = time.monotonic()
    old.send_signal(signal.SIGUSR2)
    status = old.wait(DEADLINE_S)
    took = time.monotonic() - began
    started = re.findall(r'upgrade_started .*pid=(\d+)', rig.broker.said('upgrade_started'))
    if status != 0 or not started:
        raise RigError(f'the old broker ended with {status}: {rig.broker.tail()}')
    rig.broker.process = Successor(int(started[-1]))
    rig.load.tell('serve')
    if rig.load.answer(alive=rig.broker.is_alive) is None:
        raise RigError(f'the new broker ended with {rig.broker.process.wait()}: {rig.broker.tail()}')
    return took
