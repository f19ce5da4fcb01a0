"""Start rig: the power goes at each write, sync and change of a name in turn while a store is being created or a
damaged one salvaged. The next start must find nothing that looks damaged but was not, and take over all that still
reads."""
import os
import random
import shutil
import socket
import subprocess
import time

from journal import Disk, seeded
from rig import Broker, Rig, RigError, free_port

OPERATIONS_MAX = 400
VARIANTS = 3  # what of the unsynced sectors is kept differs
START_MAX_S = 20.0
SETTLE_S = 0.5
SETTLE_MAX_S = 2.0
PROBLEMS_MAX = 5
DAMAGED_PAGES = 3
PAGE = 4096


def run(options, tally):
    _case(options, tally, 'a new store is created', _no_store)
    _case(options, tally, 'a damaged store is salvaged', _damaged_store)


def _case(options, tally, what, make_template):
    began = time.monotonic()
    rig = StartRig(options, what.replace(' ', '-'))
    cuts, problems = 0, rig.problems
    try:
        rig.learn(make_template(rig))
        cuts = rig.cut_everywhere()
    except RigError as error:
        rig.problem(str(error))
    rig.close()
    tally.add(f'start: power cuts while {what}, seed {options.seed}', problems, max(cuts, 1),
              time.monotonic() - began, f'{cuts} cuts, at each of {cuts // VARIANTS} operations', cuts=cuts)


class StartRig:
    def __init__(self, options, name):
        self.options, self.name = options, name
        self.folder = os.path.join(options.folder, name)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.broker = Broker(options, self.folder, free_port())
        self.disk = Disk(self.broker.store, os.path.join(self.folder, 'side'), options.powercut)
        self.template = self.damaged = None  # a folder; the content of its file
        self.expected = None
        self.problems = []

    def problem(self, text):
        self.problems.append(f'start rig, {self.name}, seed {self.options.seed}: {text}')
        print('    ' + self.problems[-1], flush=True)

    def _lay_out(self):
        shutil.rmtree(self.broker.store, ignore_errors=True)
        if self.template:
            shutil.copytree(self.template, self.broker.store)

    def learn(self, template):
        """What a start without a cut makes of it."""
        self.template = template
        if template:
            with open(os.path.join(template, 'data.mdb'), 'rb') as file:
                self.damaged = file.read()
        self._lay_out()
        if not self._start():
            raise RigError(f'the broker ended: {self.broker.tail()}')
        time.sleep(SETTLE_S)
        self.expected = rows(self.broker)
        self.broker.kill()

    def _start(self, environment=None):
        """True once it listens, False when it ended before."""
        self.broker.start(environment)
        end = time.monotonic() + START_MAX_S
        while self.broker.is_alive():
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', self.broker.port)) == 0:
                    return True
            if time.monotonic() > end:
                raise RigError(f'the broker does not come up: {self.broker.tail()}')
            time.sleep(0.002)
        return False

    def cut_everywhere(self):
        for after in range(OPERATIONS_MAX):
            for variant in range(VARIANTS):
                self._lay_out()
                self.disk.prepare()
                self.disk.arm_cut(after)
                if self._start(self.disk.environment()):  # it came up: there are no more operations
                    self.broker.kill()
                    return after * VARIANTS
                if not self.disk.control.is_cut:
                    raise RigError(f'the broker ended with {self.broker.process.returncode}: {self.broker.tail()}')
                kept = self.disk.lose_unsynced(seeded(self.options.seed, after, variant))
                self._judge(f'cut at operation {after}, {kept}')
                if len(self.problems) >= PROBLEMS_MAX:
                    return after * VARIANTS + variant + 1
        raise RigError(f'no start without {OPERATIONS_MAX} writes and syncs')

    def _judge(self, where):
        if not self._start():
            return self.problem(f'{where}: the next start ended: {self.broker.last_line()}')
        found = self._settled_rows()
        self.broker.kill()
        said = self.broker.verify()
        if said:
            return self.problem(f'{where}: {said}')
        aside = self.broker.quarantined()
        if self.damaged is None and aside:
            return self.problem(f'{where}: {aside[0]} was put aside')
        if self.damaged is not None and not any(self._is_damaged_one(name) for name in aside):
            return self.problem(f'{where}: the damaged file is gone')
        if found != self.expected:
            return self.problem(f'{where}: {found} rows instead of {self.expected}')
        return None

    # Wills of sessions that the end cut off are published soon after the start.
    def _settled_rows(self):
        end = time.monotonic() + SETTLE_MAX_S
        found = rows(self.broker)
        while found != self.expected and time.monotonic() < end:
            time.sleep(0.01)
            found = rows(self.broker)
        return found

    def _is_damaged_one(self, name):
        with open(os.path.join(self.broker.store, name), 'rb') as file:
            return file.read() == self.damaged

    def close(self):
        if self.broker.is_alive():
            self.broker.kill()
        if not self.problems and not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def rows(broker):
    """{table: rows} as `store info` says."""
    result = subprocess.run([broker.options.broker, 'store', 'info', broker.store], capture_output=True, text=True,
                            timeout=60, check=False)
    words = [line.split() for line in result.stdout.splitlines()]
    return {line[0]: int(line[1]) for line in words if len(line) > 2 and line[2].startswith('rows')}


def _no_store(_):
    return None


def _damaged_store(rig):
    """A folder with a store of which some pages are gone, and most still reads."""
    load = Rig(rig.options, 'damaged-source', rig.options.seed)
    try:
        if not load.start():
            raise RigError(f'the broker ended: {load.broker.tail()}')
        load.kill_after(0.3)
        template = os.path.join(rig.folder, 'template')
        rng = random.Random(rig.options.seed)
        for _ in range(50):
            shutil.rmtree(template, ignore_errors=True)
            shutil.copytree(load.broker.store, template)
            _blank_pages(os.path.join(template, 'data.mdb'), rng)
            rig.learn(template)
            if rig.broker.quarantined() and rig.expected.get('session') and rig.expected.get('q'):
                return template
    finally:
        load.close()
    raise RigError('no damage left anything to salvage')


def _blank_pages(path, rng):
    pages = os.path.getsize(path) // PAGE
    with open(path, 'r+b') as file:
        for _ in range(DAMAGED_PAGES):
            file.seek(rng.randrange(2, pages) * PAGE)
            file.write(bytes(PAGE))
