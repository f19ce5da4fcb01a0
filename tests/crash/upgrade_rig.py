"""Upgrade rig: the running broker is replaced by a new process under load, again and again on the same store. Clients
come back at once, as they do in the field: the load program is not told of an upgrade before it is over."""
import re
import signal
import time

from kill_rig import ROUND
from rig import DEADLINE_S, Rig, RigError
from successor import Successor, adopt_orphans


def run(options, cycles, seed, level):
    """The rig, how long it ran, and the pauses of its upgrades, in s."""
    adopt_orphans()
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
