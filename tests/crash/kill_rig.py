"""Kill rig: SIGKILL at random moments under load, again and again on the same store."""
import time

from rig import Rig, RigError

ROUND = 10  # cycles between two accountings
START_KILLS = 12  # one cycle in so many is killed while it starts, before it may have answered anybody


def run(options, cycles, seed, level, ends_in_order=False):
    """The rig and how long it ran, in s. A round is some cycles, a start without a kill, and the accounting on that."""
    rig = Rig(options, ('stop-' if ends_in_order else 'kill-') + level, seed, level=level)
    rig.ends_in_order = ends_in_order
    began = time.monotonic()
    try:
        while rig.cycles < cycles:
            for _ in range(min(ROUND, cycles - rig.cycles)):
                _cycle(rig)
            rig.start_or_complain()
            rig.account()
            rig.broker.kill()
            rig.load.down()
            rig.verify()
            if options.first_failure and rig.problems:
                break
    except RigError as error:
        rig.problem(str(error))
    finally:
        rig.close()
    return rig, time.monotonic() - began


def _cycle(rig):
    rig.cycles += 1
    # A broker that has not set up its signals yet ends by SIGTERM like any process: there is nothing to see.
    if rig.rng.randrange(START_KILLS) == 0 and not rig.ends_in_order:
        rig.broker.start()
        rig.load.tell('serve')
        rig.kill_after(rig.rng.uniform(0, 0.06))
        return
    rig.start_or_complain()
    if not rig.kill_after(rig.rng.uniform(0.005, 0.3)):
        rig.problem(f'the broker ended with {rig.broker.process.returncode}: {rig.broker.last_line()}')
