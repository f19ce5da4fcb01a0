"""Power-cut rig: the process dies at a chosen write or sync of its store, and of what was not synced a random part is
gone. A disk that lies about its syncs must be found out: otherwise the rig could not see loss at all."""
import copy
import os
import time

from journal import Disk, seeded
from rig import Rig, RigError

ROUND = 10      # cuts between two accountings
SYNC_US = 1500  # how long the simulated card takes for a sync
OPERATIONS_MAX = 40  # the cut comes within so many writes and syncs
START_CUTS = 6       # one cut in so many comes while the broker starts


class PowerRig(Rig):
    def __init__(self, options, name, seed, level='durable'):
        super().__init__(options, name, seed, level=level)
        self.disk = Disk(self.broker.store, os.path.join(self.folder, 'side'), options.powercut)
        self.lies = False
        self.cuts = 0

    def start_on_disk(self, cut_after=None):
        self.disk.prepare(lies=self.lies, sync_us=SYNC_US)
        if cut_after is not None:
            self.disk.arm_cut(cut_after)
        return self.start(self.disk.environment())

    def cut(self):
        """One life of the broker that ends with a power cut."""
        self.cycles += 1
        rng = seeded(self.seed, self.cycles)
        if rng.randrange(START_CUTS) == 0:
            self.start_on_disk(cut_after=rng.randrange(12))
            self._wait_for_the_end(0.5)
        elif self.start_on_disk():
            time.sleep(rng.uniform(0.005, 0.25))
            self.disk.arm_cut(rng.randrange(OPERATIONS_MAX))
            self._wait_for_the_end(1.0)
        self.load.down()
        self._check_disk()
        return self.disk.lose_unsynced(rng)

    # An idle broker may not write as often as that: then the cut comes between two writes.
    def _wait_for_the_end(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.broker.is_alive():
            time.sleep(0.002)
        was_alive = self.broker.kill()
        if not was_alive and not self.disk.control.is_cut:
            self.problem(f'the broker ended with {self.broker.process.returncode}: {self.broker.last_line()}')
        self.cuts += 1

    def _check_disk(self):
        if self.disk.problem():
            raise RigError(f'powercut: {self.disk.problem()}')

    def round(self, cuts):
        """Some cuts, then an accounting on what is left of the disk."""
        for _ in range(cuts):
            kept = self.cut()
            before = len(self.problems)
            if self.has_served:
                self.verify()
            if len(self.problems) > before:
                self.problems[-1] += f' ({kept})'
                if self.lies:
                    return
        self.start_or_complain()
        self.account()
        self.broker.kill()
        self.load.down()


def run(options, cycles, seed, level, tally):
    began = time.monotonic()
    rig = PowerRig(options, 'power-' + level, seed, level)
    try:
        while rig.cycles < cycles:
            rig.round(min(ROUND, cycles - rig.cycles))
            if options.first_failure and rig.problems:
                break
    except RigError as error:
        rig.problem(str(error))
    finally:
        rig.close()
    tally.add(f'power: {rig.cuts} cuts, {level}, seed {seed}', rig.problems, max(rig.cycles, 1),
              time.monotonic() - began, rig.figures(), totals=rig.totals, cuts=rig.cuts)


def self_test(options, tally, tries=20):
    """A lying disk: some promise must be seen broken within a few cuts."""
    began = time.monotonic()
    options = copy.copy(options)
    options.patience_ms, options.keep = 1000, False
    rig = PowerRig(options, 'lying-disk', options.seed)
    try:
        rig.start_or_complain()
        rig.kill_after(0.2)
        rig.lies = True
        rig.problem = rig.problems.append  # expected, not shown
        while rig.cuts < tries and not rig.problems:
            rig.round(2)
    except RigError as error:
        rig.problems.append(str(error))
    finally:
        found, rig.problems = rig.problems, []
        rig.close()
    missed = [] if found else [f'a disk without syncs lost nothing in {rig.cuts} cuts: the rig is blind']
    text = f'found out after {rig.cuts} cuts: {found[0][:160]}' if found else missed[0]
    tally.add('self-test: a disk that lies about its syncs is found out', missed, 1, time.monotonic() - began, text)
