#!/usr/bin/env python3
"""Runs every test of the builds that ./run test has made, prints a line per suite and ends with
"N passed, N failed" (", N skipped" follows when something was skipped). Exit 1 when anything failed, crashed, did not
run or ran nothing. The manifest below says which suite runs in which build: a suite that no build contains, and one
that the manifest does not know, are failures too. Whole outputs go to build/test-logs/.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import zip_longest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(ROOT, 'build/test-logs')
PYTHON = '/usr/bin/python3'  # Debian's own has Debian's packages

RELEASE, ASAN, TSAN = 'release', 'asan', 'tsan'
CORE_BUILDS = (RELEASE, ASAN)
EVERY_BUILD = (RELEASE, ASAN, TSAN)

# Suites as ctest knows them, and the builds they run in; the longest first, others run beside them.
MANIFEST = {
    'unit_storage': EVERY_BUILD,
    'sim': CORE_BUILDS,
    'unit_base': CORE_BUILDS,
    'unit_wire': CORE_BUILDS,
    'unit_client': CORE_BUILDS,
    'unit_bridge': CORE_BUILDS,
    'unit_lines': CORE_BUILDS,
    'unit_mqttsn': CORE_BUILDS,
    'unit_topic': CORE_BUILDS,
    'unit_auth': CORE_BUILDS,
    'unit_journal': CORE_BUILDS,
    'unit_session': CORE_BUILDS,
    'unit_broker': CORE_BUILDS,
    'unit_os': EVERY_BUILD,
    'unit_net': EVERY_BUILD,
    'unit_transport': EVERY_BUILD,
    'unit_inner_link': CORE_BUILDS,
    'unit_inner': CORE_BUILDS,
    'unit_ota': CORE_BUILDS,
    'unit_runtime': EVERY_BUILD,
    'unit_uplink': EVERY_BUILD,
    'unit_link': EVERY_BUILD,
    'unit_admin': CORE_BUILDS,
    'unit_cli': CORE_BUILDS,
    'unit_config': CORE_BUILDS,
    'unit_daemon': CORE_BUILDS,
    'unit_fwclient': CORE_BUILDS,
    'spec': CORE_BUILDS,
    'fuzz_decoder': CORE_BUILDS,
    'fuzz_framer': CORE_BUILDS,
    'fuzz_connection': CORE_BUILDS,
    'fuzz_shard': CORE_BUILDS,
    'fuzz_client': CORE_BUILDS,
    'fuzz_relay': CORE_BUILDS,
    'fuzz_store': CORE_BUILDS,
    'fuzz_lines': CORE_BUILDS,
    'fuzz_ota': CORE_BUILDS,
    'fuzz_mqttsn': CORE_BUILDS,
    'fuzz_mqttsn_gateway': CORE_BUILDS,
    'fuzz_topic': CORE_BUILDS,
    'fuzz_config': CORE_BUILDS,
    'fuzz_auth': CORE_BUILDS,
    'fuzz_web': CORE_BUILDS,
    'fuzz_api': CORE_BUILDS,
    'fuzz_proxy': CORE_BUILDS,
    'fuzz_tls': CORE_BUILDS,
    'fuzz_fwclient': CORE_BUILDS,
    'bench_wire': (RELEASE,),
    'bench_topic': (RELEASE,),
    'bench_core': (RELEASE,),
    'unit_mbedtls3': (RELEASE,),
}

# TLS with mbedTLS 3.6, where ./run test could fetch it (tests/mbedtls3); otherwise one suite is skipped, and says why.
MBEDTLS3 = 'unit_mbedtls3'
MBEDTLS3_MISSING = os.path.join(LOGS, 'mbedtls3-missing')
MBEDTLS3_CASES = ('^TLS: (?!Paho C, 3)|^WebSocket over TLS: (?!MQTT)|^users and rights: |^tokens: |'
                  '^authentication hook over TLS: ')

SANITIZED_WORLDS = ('LEDGE_SIM_SEEDS=150', 'LEDGE_SIM_PLANS=3')  # ten times slower each than in the Release build
SANITIZER_OPTIONS = {
    'ASAN_OPTIONS': 'abort_on_error=0:detect_stack_use_after_return=1:strict_string_checks=1',
    'UBSAN_OPTIONS': 'print_stacktrace=1',
    'TSAN_OPTIONS': 'halt_on_error=0:exitcode=66:second_deadlock_stack=1',
}


class Outcome:
    def __init__(self, name, passed=0, failed=0, skipped=0, note='', tail=''):
        self.name, self.passed, self.failed, self.skipped = name, passed, failed, skipped
        self.note, self.tail, self.seconds = note, tail, 0.0


class Suite:
    """One program to run: how it is called, how long it may take, and how its output is counted."""

    def __init__(self, name, command, count, timeout_s=600, cwd=None):
        self.name, self.command, self.count = name, command, count
        self.timeout_s, self.cwd = timeout_s, cwd or ROOT

    def run(self):
        began = time.monotonic()
        log = os.path.join(LOGS, re.sub(r'\W+', '-', self.name) + '.log')
        with open(log, 'w', encoding='utf-8') as file:
            try:
                code = subprocess.run(self.command, cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=file,
                                      stderr=subprocess.STDOUT, timeout=self.timeout_s, check=False,
                                      env={**os.environ, **SANITIZER_OPTIONS}).returncode
            except subprocess.TimeoutExpired:
                code = f'timeout after {self.timeout_s} s'
            except OSError as error:
                code = str(error)
        with open(log, encoding='utf-8', errors='replace') as file:
            text = file.read()
        outcome = self.count(self.name, code, text)
        if outcome.failed == 0 and code != 0:
            outcome.failed, outcome.note = 1, f'ended with {code}'
        if outcome.passed + outcome.failed + outcome.skipped == 0:
            outcome.failed, outcome.note = 1, 'ran nothing'
        if outcome.failed:
            outcome.tail = f'{text[-3000:]}\n(the whole output is in {os.path.relpath(log, ROOT)})'
        outcome.seconds = time.monotonic() - began
        return outcome


def count_doctest(name, _, text):
    found = re.search(r'test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed(?:\s*\|\s*(\d+) skipped)?', text)
    if not found:
        return Outcome(name, failed=1, note='no summary: it crashed')
    notes = re.findall(r'(clause coverage: .*|\d+ seeds: .*)$', text, re.M)
    return Outcome(name, int(found[2]), int(found[3]), int(found[4] or 0), '; '.join(notes))


def count_last_line(name, _, text):
    found = re.findall(r'^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$', text, re.M)
    if not found:
        return Outcome(name, failed=1, note='no counts: it crashed')
    passed, failed, skipped = found[-1]
    notes = re.findall(r'^ {4}((?:resident|pair beside|rate over|per idle|wakeups|Chromium|lossy line|publishing) .*)$',
                       text, re.M)
    notes += [f'skipped: {line}' for line in re.findall(r'^skipped (.*)$', text, re.M)]
    notes += re.findall(r'^(longest .*|in all: .*)$', text, re.M)
    return Outcome(name, int(passed), int(failed), int(skipped or 0), '\n      '.join([''] + notes))


def count_exit(name, code, text):
    found = re.search(r'^replayed (\d+) inputs$', text, re.M)
    return Outcome(name, passed=int(code == 0), note=f'{found[1]} inputs' if found else '')


def count_fuzz(name, code, text):
    found = re.search(r'stat::number_of_executed_units:\s*(\d+)', text)
    if code != 0 or not found:
        return Outcome(name, failed=1, note='a finding, or no run')
    edges = re.findall(r'cov: (\d+)', text) or ['?']
    return Outcome(name, passed=1, note=f'{int(found[1]):,} executions, {edges[-1]} edges, no finding')


# ---------------------------------------------------------------------------------------------------------------------

def ctest_commands(build):
    """{test name: (command, folder)} as ctest would run them."""
    folder = os.path.join(ROOT, 'build', build)
    result = subprocess.run(['ctest', '--show-only=json-v1'], cwd=folder, capture_output=True, text=True, check=True)
    tests = {}
    for test in json.loads(result.stdout)['tests']:
        properties = {p['name']: p['value'] for p in test.get('properties', [])}
        if 'command' in test:
            tests[test['name']] = (test['command'], properties.get('WORKING_DIRECTORY', folder))
    return tests


def ctest_name(suite):
    return {'fuzz': f'{suite}_corpus', 'bench': f'{suite}_smoke'}.get(suite.split('_')[0], suite)


def suites_of(build, options):
    """The suites of one build, and an outcome for each that the manifest expects and nobody built, or the reverse."""
    tests = ctest_commands(build)
    manifest = dict(MANIFEST)
    if why_no_mbedtls3():
        del manifest[MBEDTLS3]
        tests.pop(MBEDTLS3, None)
    expected = {suite: ctest_name(suite) for suite, builds in manifest.items() if build in builds}
    problems = [Outcome(f'{build}: {suite}', failed=1, note='not built: the manifest of tests/suites.py expects it')
                for suite, name in expected.items() if name not in tests]
    known = {ctest_name(suite) for suite in manifest}
    problems += [Outcome(f'{build}: {name}', failed=1, note='not in the manifest of tests/suites.py')
                 for name in tests if name not in known]
    suites = []
    for suite, name in expected.items():
        if name not in tests:
            continue
        command, folder = tests[name]
        if suite.startswith('fuzz_') and build == ASAN:
            suites.append(fuzz_suite(suite, command[0], options.fuzz_seconds))
        elif suite == 'sim' and build == ASAN:
            suites.append(Suite(f'{build}: {suite}', ['env', *SANITIZED_WORLDS, *command], count_doctest, 1200, folder))
        elif suite.startswith(('fuzz_', 'bench_')):
            suites.append(Suite(f'{build}: {name}', command, count_exit, cwd=folder))
        else:
            suites.append(Suite(f'{build}: {suite}', command, count_doctest, 1200, folder))
    return suites, problems


def why_no_mbedtls3():
    """A sentence, or '' when there is one to test with."""
    if not os.path.exists(MBEDTLS3_MISSING):
        return ''
    with open(MBEDTLS3_MISSING, encoding='utf-8') as file:
        return file.read().strip() or 'it is not known why'


def fuzz_suite(name, program, seconds):
    """A short search from the corpus; what it finds new goes to build/, a crashing input to the logs."""
    fresh = os.path.join(ROOT, 'build/fuzz', name)
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    corpus = os.path.join(ROOT, 'tests/fuzz/corpus', name.removeprefix('fuzz_'))
    command = [program, f'-max_total_time={seconds}', '-print_final_stats=1', '-timeout=10', '-rss_limit_mb=2048',
               f'-artifact_prefix={LOGS}/{name}-', fresh, corpus]
    return Suite(f'asan: {name}', command, count_fuzz, seconds + 300)


def crash_suite(build):
    """Kills, power cuts and faults. The sanitizers' brokers are slow to start and take no preloaded library: a few
    kills, and a few ends in order, when leaks and races show in the exit code."""
    folder = os.path.join(ROOT, 'build', build)
    programs = ['--broker', f'{folder}/ledgemq', '--load', f'{ROOT}/build/release/tests/crash/crash_load',
                '--powercut', f'{ROOT}/build/release/tests/crash/libpowercut.so']
    extent = ['--kill-cycles', '200', '--power-cycles', '50', '--upgrade-cycles', '10', '--starts', '--self-test',
              '--faults', '--at-once', '2']
    if build != RELEASE:
        extent = ['--kill-cycles', '20', '--stop-cycles', '10']
    return Suite(f'{build}: crash', [PYTHON, '-B', os.path.join(ROOT, 'tests/crash/crash.py'), *programs, *extent],
                 count_last_line, 1200)


def store_bench_suite():
    """The bench of the store, small: that it works, and that nothing is lost on the way."""
    extent = ['--rounds', '1', '--count', '20000', '--retain-seconds', '1']
    return Suite('release: bench_store_smoke',
                 [PYTHON, '-B', os.path.join(ROOT, 'tests/bench/store_bench.py'), *extent], count_exit)


def bridge_bench_suite():
    """The same of the bridge."""
    extent = ['--rounds', '1', '--count', '20000', '--live-count', '5000', '--idle-seconds', '2']
    return Suite('release: bench_bridge_smoke',
                 [PYTHON, '-B', os.path.join(ROOT, 'tests/bench/bridge_bench.py'), '--ports', BENCH_PORTS, *extent],
                 count_exit)


# Suites that mostly wait, side by side; more of them would miss deadlines on two cores.
WAITING_AT_ONCE = 5

# Each run of the end-to-end cases has ports of its own, below the range of ephemeral ports: they run side by side.
E2E_PORTS = {RELEASE: '20000-21999', ASAN: '22000-23999', TSAN: '24000-25999'}
BENCH_PORTS = '26000-26999'
MBEDTLS3_PORTS = '27000-27999'


def e2e_suite(name, build, broker, *extent):
    command = [PYTHON, '-B', os.path.join(ROOT, 'tests/e2e/e2e.py'), '--broker',
               os.path.join(ROOT, 'build', build, broker), '--ports', E2E_PORTS[build], *extent]
    return Suite(f'{build}: {name}', command, count_last_line, 1200)


# The bridge with real upstreams; some of them take long to start.
BRIDGE_CASES = '^([a-z ]+ of a )?bridge( to [a-z]+)?: '
BRIDGE_PORTS = '12000-15999'
# What the sanitizers' builds have of them: each kind of transport, both directions, a kill, a ring, dead letters.
FEW_BRIDGE_CASES = ('^bridge to mosquitto: (messages of each QoS|over WebSocket|a connection cut|a wrong password)|'
                    '^bridge to ledgemq: (messages of each QoS|over WebSocket|SIGKILL of)|'
                    '^bridge: (TLS to |a ring of 2 brokers|a port that answers with (HTTP|nothing))|'
                    '^queue of a bridge: (a full queue|a lazy|a message larger|every gateway)')
FEW_BRIDGE_PORTS = {ASAN: '16000-16999', TSAN: '17000-17999'}
FAULT_CYCLES = (('ledgemq', 150, '19000-19499'), ('mosquitto', 50, '19500-19999'))  # upstream, cycles, ports
# Real firmware in QEMU, and the serial lines.
FIRMWARE_CASES = '^firmware: '
FIRMWARE_PORTS = '18000-18999'
OTHER_CASES = f'{BRIDGE_CASES}|{FIRMWARE_CASES}'  # what the e2e suites leave to suites of their own


def bridge_suites():
    """Cases with six kinds of upstreams, and cycles of faults with two of them."""
    faults = os.path.join(ROOT, 'tests/e2e/bridge_faults.py')
    broker = os.path.join(ROOT, 'build', RELEASE, 'ledgemq')
    return [e2e_suite('e2e_bridge', RELEASE, 'ledgemq', '--only', BRIDGE_CASES, '--ports', BRIDGE_PORTS)] + [
        Suite(f'release: bridge_faults_{upstream}',
              [PYTHON, '-B', faults, '--broker', broker, '--upstream', upstream, '--cycles', str(cycles), '--ports',
               ports], count_last_line) for upstream, cycles, ports in FAULT_CYCLES]


def firmware_suite():
    """Alone: some of its cases have a second."""
    return e2e_suite('firmware', RELEASE, 'ledgemq', '--only', FIRMWARE_CASES, '--ports', FIRMWARE_PORTS)


def few_bridge_suites(builds):
    """Leaks, races and wrong steps of the bridge show in the exit code of a gateway, which the last case looks at."""
    return [e2e_suite('e2e_bridge', build, 'ledgemq', '--only', FEW_BRIDGE_CASES, '--ports', FEW_BRIDGE_PORTS[build])
            for build in builds if build != RELEASE]


def rig_suites():
    """What other tests trust: the proxy and the ledger of the bridge, the lossy line of the firmware."""
    programs = {'fault_proxy': 'tests/support/fault_proxy_test.py', 'bridge_load': 'tests/e2e/bridge_load_test.py',
                'firmware_tools': 'tests/firmware/tools_test.py'}
    return [Suite(name, [PYTHON, '-B', os.path.join(ROOT, path)], count_last_line, 120)
            for name, path in programs.items()]


def measuring_suites():
    """One at a time: some of them measure."""
    return [Suite('tidy', [PYTHON, '-B', os.path.join(ROOT, 'tests/tidy/tidy.py'), ROOT], count_last_line),
            Suite('firmware_size', [PYTHON, '-B', os.path.join(ROOT, 'firmware-bridge/size.py')], count_last_line),
            *rig_suites(), e2e_suite('e2e_alone', RELEASE, 'ledgemq', '--without', OTHER_CASES, '--alone', 'yes'),
            firmware_suite()]


def waiting_suites(builds):
    """They mostly wait; the longest come first."""
    suites = [e2e_suite('e2e', build, 'ledgemq', '--quick', '--without', OTHER_CASES) for build in builds
              if build != RELEASE]
    suites.append(e2e_suite('e2e', RELEASE, 'ledgemq', '--without', OTHER_CASES, '--alone', 'no'))
    if not why_no_mbedtls3():
        suites.append(e2e_suite('e2e_mbedtls3', RELEASE, 'ledgemq-mbedtls3', '--only', MBEDTLS3_CASES, '--quick',
                                '--ports', MBEDTLS3_PORTS))
    return [*suites, *bridge_suites(), bridge_bench_suite(), store_bench_suite(), *few_bridge_suites(builds),
            *(crash_suite(build) for build in builds)]


# ---------------------------------------------------------------------------------------------------------------------

def arguments():
    parser = argparse.ArgumentParser(prog='./run test', description='builds and runs every test')
    parser.add_argument('--quick', action='store_true', help='the Release build only')
    parser.add_argument('--fuzz-seconds', type=int, default=5, help='length of each fuzz run (default 5)')
    parser.add_argument('--only', metavar='REGEX', help='suites whose name matches; the others are not expected')
    parser.add_argument('--suites-of', choices=EVERY_BUILD, help='run nothing; print what the manifest has in a build')
    return parser.parse_args()


def report(outcome):
    if outcome.skipped and not outcome.passed + outcome.failed:
        print(f'skip   {outcome.name:28} {outcome.note}', flush=True)
        return
    skipped = f', {outcome.skipped} skipped' if outcome.skipped else ''
    verdict = 'FAILED' if outcome.failed else 'ok'
    print(f'{verdict:6} {outcome.name:28} {outcome.passed} passed, {outcome.failed} failed{skipped} '
          f'({outcome.seconds:.1f} s) {outcome.note}', flush=True)
    if outcome.tail:
        print('\n'.join('       | ' + line for line in outcome.tail.split('\n')), flush=True)


def run_group(title, suites, problems, at_once):
    print(f'--- {title}', flush=True)
    for outcome in problems:
        report(outcome)
    outcomes = list(problems)
    with ThreadPoolExecutor(at_once) as pool:
        for done in as_completed([pool.submit(suite.run) for suite in suites]):
            report(done.result())
            outcomes.append(done.result())
    return outcomes


def run_builds(title, builds, options, chosen):
    """The suites that ctest knows; each build's in the order of the manifest."""
    lists, problems = [], []
    for build in builds:
        suites, missing = suites_of(build, options)
        lists.append(suites)
        problems += missing
    if RELEASE in builds and why_no_mbedtls3():
        problems.append(Outcome('release: mbedtls3', skipped=1, note=why_no_mbedtls3()))
    suites = [suite for row in zip_longest(*lists) for suite in row if suite]
    return run_group(title, chosen(suites), chosen(problems), min(os.cpu_count() or 1, 4))


def main():
    options = arguments()
    if options.suites_of:
        print('\n'.join(suite for suite, builds in MANIFEST.items() if options.suites_of in builds))
        return 0
    os.makedirs(LOGS, exist_ok=True)
    builds = (RELEASE,) if options.quick else EVERY_BUILD

    def chosen(things):
        return [t for t in things if not options.only or re.search(options.only, t.name)]

    outcomes = []
    outcomes += run_builds('Release (gcc)', (RELEASE,), options, chosen)
    if not options.quick:
        # Together, so that both cores are busy while the longest suite of each runs.
        outcomes += run_builds('address and undefined behaviour sanitizer, libFuzzer (clang); thread sanitizer (gcc)',
                               (ASAN, TSAN), options, chosen)
    outcomes += run_group('house rules, and real clients against the broker', chosen(measuring_suites()), [], at_once=1)
    outcomes += run_group('real clients against the other builds, and crashes', chosen(waiting_suites(builds)), [],
                          at_once=WAITING_AT_ONCE)
    passed, failed, skipped = (sum(getattr(o, kind) for o in outcomes) for kind in ('passed', 'failed', 'skipped'))
    if not outcomes:
        failed = 1
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
