#!/usr/bin/env python3
"""Kills the broker, cuts its power and breaks its disk, under load, and accounts for every acknowledged message.

    crash.py --broker build/release/ledgemq --load build/release/tests/crash/crash_load
             --powercut build/release/tests/crash/libpowercut.so [--kill-cycles N] [--stop-cycles N]
             [--upgrade-cycles N] [--power-cycles N] [--levels NAMES] [--starts] [--faults] [--self-test] [--at-once N]

Prints a line per rig and ends with "N passed, N failed": one case per accounting round, per cut and per fault.
README.md in this folder says what each rig proves."""
import argparse
import collections
import concurrent.futures
import functools
import os
import shutil
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(os.path.dirname(HERE), 'support'))
import fault_rig  # noqa: E402
import kill_rig  # noqa: E402
import power_rig  # noqa: E402
import start_rig  # noqa: E402
import upgrade_rig  # noqa: E402
from kill_rig import ROUND  # noqa: E402
from rig import LEVELS, PROMISES  # noqa: E402

PROBLEMS_TOLD = 3  # of each rig, once more at the end
SHARES = {'durable': 4, 'mixed': 3, 'relaxed': 2, 'ram': 2}  # of the cycles


class Tally:
    """What all rigs found; they may run at the same time."""

    def __init__(self):
        self.passed = self.failed = 0
        self.tried = collections.Counter()   # kills, cuts, faults
        self.totals = collections.Counter()  # what the load programs counted
        self.problems = []                   # the first of each rig
        self.lock = threading.Lock()

    def add(self, title, problems, cases, seconds, text, totals=None, **tried):
        """`cases` were tried; each problem fails one, the rest passed."""
        failed = min(len(problems), cases) if problems else 0
        with self.lock:
            self.failed += failed
            self.passed += cases - failed
            self.tried.update(tried)
            self.totals.update(totals or {})
            self.problems += problems[:PROBLEMS_TOLD]
            print(f'{"FAILED" if failed else "ok":6} {title} ({seconds:.1f} s)\nfigure: {title}: {text}', flush=True)

    def summary(self):
        tried = ', '.join(f'{count:,} {what}' for what, count in self.tried.items())
        figures = ', '.join(f'{self.totals[key]:,} {word}' for key, word in (
            ('accepted', 'acknowledged'), ('delivered', 'delivered'), ('lost', 'lost'),
            ('duplicated_qos2', 'of QoS 2 twice')))
        broken = ''.join(f', {self.totals[key]:,} {key.replace("_", " ")}' for key in PROMISES[2:] if self.totals[key])
        return f'in all: {tried}: {figures}{broken}'


def arguments():
    build = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'build/release')
    parser = argparse.ArgumentParser(description='kill rig, power-cut rig, fault rig')
    parser.add_argument('--broker', default=os.path.join(build, 'ledgemq'), help='path, or mosquitto for comparison')
    parser.add_argument('--load', default=os.path.join(build, 'tests/crash/crash_load'))
    parser.add_argument('--powercut', default=os.path.join(build, 'tests/crash/libpowercut.so'))
    parser.add_argument('--kill-cycles', type=int, default=0)
    parser.add_argument('--power-cycles', type=int, default=0)
    parser.add_argument('--levels', default=','.join(SHARES), metavar='NAMES',
                        help='kills and cuts are shared among them, default: %(default)s; mosquitto: durable')
    parser.add_argument('--starts', action='store_true', help='power cuts at each operation of a start')
    parser.add_argument('--faults', action='store_true', help='failing writes and syncs, a full store')
    parser.add_argument('--only', metavar='REGEX', help='of the faults, those whose title matches')
    parser.add_argument('--self-test', action='store_true', help='a disk that lies about its syncs must be found out')
    parser.add_argument('--stop-cycles', type=int, default=0,
                        help='the same with SIGTERM, which must lose nothing with any broker that persists')
    parser.add_argument('--upgrade-cycles', type=int, default=0,
                        help='the broker is replaced by a new process under load, at the level durable')
    parser.add_argument('--at-once', type=int, default=1, metavar='N',
                        help='so many rigs at the same time, each with a broker, a store and a seed of its own')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--rate', type=float, default=1500, help='publications per second of each of 4 publishers')
    parser.add_argument('--set', action='append', default=[], metavar='KEY=VALUE', help='passed on to the broker')
    parser.add_argument('--full-store', action='append', metavar='KEY=VALUE',
                        help='settings of the full-store fault; default: store.size_max_bytes=8388608')
    parser.add_argument('--autosave', type=int, default=1, help='mosquitto: saves after so many changes')
    parser.add_argument('--patience-ms', type=int, default=8000,
                        help='without progress, until what is missing counts as lost')
    parser.add_argument('--first-failure', action='store_true', help='stop at the first broken promise')
    parser.add_argument('--folder', help='where stores are kept while this runs; default: a temporary folder')
    parser.add_argument('--keep', action='store_true', help='leave stores and logs there')
    options = parser.parse_args()
    options.full_store = options.full_store or ['store.size_max_bytes=8388608']
    if options.broker == 'mosquitto':
        options.broker = shutil.which('mosquitto') or '/usr/sbin/mosquitto'
        options.levels = 'durable'
    options.levels = options.levels.split(',')
    unknown = [level for level in options.levels if level not in LEVELS]
    if unknown:
        parser.error(f'no level {unknown[0]}: there are {", ".join(LEVELS)}')
    return options


def split(total, parts):
    """Cycles for each of several rigs, whole rounds as far as it goes."""
    rounds = -(-total // ROUND)
    parts = min(parts, rounds)
    shares = [(rounds // parts + (n < rounds % parts)) * ROUND for n in range(parts)]
    shares[-1] -= sum(shares) - total
    return shares


def levels_of(cycles, levels):
    """(level, cycles) in whole rounds, each round to the level that has most of its share still to come."""
    given = dict.fromkeys(levels, 0)
    for _ in range(-(-cycles // ROUND)):
        given[max(levels, key=lambda level: SHARES[level] / (given[level] + 1))] += 1
    found = [[level, rounds * ROUND] for level, rounds in given.items() if rounds]
    found[0][1] -= sum(count for _, count in found) - cycles
    return found


def kill(options, cycles, seed, level, tally):
    rig, seconds = kill_rig.run(options, cycles, seed, level)
    tally.add(f'kill: {rig.cycles} cycles of SIGKILL, {level}, seed {seed}', rig.problems, -(-cycles // ROUND), seconds,
              rig.figures(), totals=rig.totals, kills=rig.cycles)


def stop(options, cycles, seed, level, tally):
    rig, seconds = kill_rig.run(options, cycles, seed, level, ends_in_order=True)
    tally.add(f'stop: {rig.cycles} cycles of SIGTERM, {level}, seed {seed}', rig.problems, -(-cycles // ROUND), seconds,
              rig.figures(), totals=rig.totals, stops=rig.cycles)


def upgrade(options, tally):
    cycles, seed = options.upgrade_cycles, options.seed
    rig, seconds, pauses = upgrade_rig.run(options, cycles, seed, 'durable')
    took = f'; an upgrade took {min(pauses):.2f} to {max(pauses):.2f} s' if pauses else ''
    tally.add(f'upgrade: {rig.cycles} upgrades, durable, seed {seed}', rig.problems, -(-cycles // ROUND), seconds,
              rig.figures() + took, totals=rig.totals, upgrades=rig.cycles)


def tasks(options):
    """Functions of a tally. The rigs of a kind that run at once have seeds of their own, from --seed on."""
    found = []
    mixed = [level for level in options.levels if level == 'mixed'] or options.levels
    for rig, cycles, levels in ((kill, options.kill_cycles, options.levels), (stop, options.stop_cycles, mixed),
                                (power_rig.run, options.power_cycles, options.levels)):
        for level, of_level in levels_of(cycles, levels) if cycles else []:
            shares = split(of_level, options.at_once)
            found += [functools.partial(rig, options, share, options.seed + n, level)
                      for n, share in enumerate(shares)]
    if options.upgrade_cycles:
        found.append(functools.partial(upgrade, options))
    if options.starts:
        found.append(functools.partial(start_rig.run, options))
    if options.self_test:
        found.append(functools.partial(power_rig.self_test, options))
    if options.faults:
        found += fault_rig.cases(options)
    return found


def main():
    options = arguments()
    own_folder = options.folder is None
    options.folder = options.folder or tempfile.mkdtemp(prefix='ledgemq-crash-')
    tally = Tally()
    try:
        with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
            for done in [pool.submit(task, tally) for task in tasks(options)]:
                done.result()
    finally:
        if own_folder and not options.keep and tally.failed == 0:
            shutil.rmtree(options.folder, ignore_errors=True)
        elif tally.failed or options.keep:
            print(f'stores and logs are in {options.folder}')
    for problem in tally.problems:
        print(f'problem: {problem}')
    print(tally.summary())
    print(f'{tally.passed} passed, {tally.failed} failed')
    return 1 if tally.failed or tally.passed == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
