#!/usr/bin/env python3
"""Kills the broker, cuts its power and breaks its disk, under load, and accounts for every acknowledged message.

    crash.py --broker build/release/ledgemq --load build/release/tests/crash/crash_load
             --powercut build/release/tests/crash/libpowercut.so [--kill-cycles N] [--power-cycles N] [--faults]
             [--self-test]

Prints a line per rig and ends with "N passed, N failed": one case per accounting round, per cut and per fault.
README.md in this folder says what each rig proves."""
import argparse
import os
import shutil
import sys
import tempfile

import fault_rig
import kill_rig
import power_rig

HERE = os.path.dirname(os.path.abspath(__file__))


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, title, problems, cases, seconds, text):
        """`cases` were tried; each problem fails one, the rest passed."""
        failed = min(len(problems), cases) if problems else 0
        self.failed += failed
        self.passed += cases - failed
        print(f'{"FAILED" if failed else "ok":6} {title} ({seconds:.1f} s)\nfigure: {title}: {text}', flush=True)


def arguments():
    build = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'build/release')
    parser = argparse.ArgumentParser(description='kill rig, power-cut rig, fault rig')
    parser.add_argument('--broker', default=os.path.join(build, 'ledgemq'), help='path, or mosquitto for comparison')
    parser.add_argument('--load', default=os.path.join(build, 'tests/crash/crash_load'))
    parser.add_argument('--powercut', default=os.path.join(build, 'tests/crash/libpowercut.so'))
    parser.add_argument('--kill-cycles', type=int, default=0)
    parser.add_argument('--power-cycles', type=int, default=0)
    parser.add_argument('--faults', action='store_true', help='failing writes and syncs, a full store')
    parser.add_argument('--only', metavar='REGEX', help='of the faults, those whose title matches')
    parser.add_argument('--self-test', action='store_true', help='a disk that lies about its syncs must be found out')
    parser.add_argument('--gently', action='store_true',
                        help='kill rig: SIGTERM instead, which must lose nothing with any broker that persists')
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
    return options


def run(options, tally):
    if options.kill_cycles:
        rig, seconds = kill_rig.run(options, options.kill_cycles, options.seed)
        rounds = -(-options.kill_cycles // kill_rig.ROUND)
        how = 'SIGTERM' if options.gently else 'SIGKILL'
        tally.add(f'kill: {rig.cycles} cycles of {how}, seed {options.seed}', rig.problems, rounds, seconds,
                  rig.figures())
    if options.power_cycles:
        power_rig.run(options, tally)
    if options.self_test:
        power_rig.self_test(options, tally)
    if options.faults:
        fault_rig.run(options, tally)


def main():
    options = arguments()
    own_folder = options.folder is None
    options.folder = options.folder or tempfile.mkdtemp(prefix='ledgemq-crash-')
    tally = Tally()
    try:
        run(options, tally)
    finally:
        if own_folder and not options.keep and tally.failed == 0:
            shutil.rmtree(options.folder, ignore_errors=True)
        elif tally.failed or options.keep:
            print(f'stores and logs are in {options.folder}')
    print(f'{tally.passed} passed, {tally.failed} failed')
    return 1 if tally.failed or tally.passed == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
