#!/usr/bin/python3
"""End to end: real clients and a real broker, each a process of its own, over the loopback interface.

Usage: e2e.py [--broker PATH] [--build FOLDER] [--modules FOLDER] [--only REGEX] [--without REGEX]
              [--quick] [--alone yes|no] [--upstream-broker PATH] [--ports FIRST-LAST] [--list]
The environment variable E2E_BROKER overrides --broker; a broker named "mosquitto" is started with a configuration of
its own and skips the cases that ask for LedgeMQ's behaviour. The last line is "N passed, N failed, N skipped".
"""
import argparse
import os
import re
import resource
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests/support')]
import harness  # noqa: E402
import cases_api  # noqa: E402,F401
import cases_auth  # noqa: E402,F401
import cases_bridge  # noqa: E402,F401
import cases_broker  # noqa: E402,F401
import cases_browser  # noqa: E402,F401
import cases_cli  # noqa: E402,F401
import cases_crowds  # noqa: E402,F401
import cases_ctl  # noqa: E402,F401
import cases_dashboard  # noqa: E402,F401
import cases_firmware  # noqa: E402,F401
import cases_firmware_ota  # noqa: E402,F401
import cases_footprint  # noqa: E402,F401
import cases_hardening  # noqa: E402,F401
import cases_hook  # noqa: E402,F401
import cases_hook_tls  # noqa: E402,F401
import cases_http  # noqa: E402,F401
import cases_inspect  # noqa: E402,F401
import cases_jwt  # noqa: E402,F401
import cases_limits  # noqa: E402,F401
import cases_libraries  # noqa: E402,F401
import cases_lines  # noqa: E402,F401
import cases_log  # noqa: E402,F401
import cases_mosquitto  # noqa: E402,F401
import cases_mqttsn  # noqa: E402,F401
import cases_mqttsn_devices  # noqa: E402,F401
import cases_mqttsn_foreign  # noqa: E402,F401
import cases_ops  # noqa: E402,F401
import cases_ota  # noqa: E402,F401
import cases_prometheus  # noqa: E402,F401
import cases_proxy  # noqa: E402,F401
import cases_resume  # noqa: E402,F401
import cases_scram  # noqa: E402,F401
import cases_store  # noqa: E402,F401
import cases_weaknesses  # noqa: E402,F401
import cases_websocket  # noqa: E402,F401
import cases_wss  # noqa: E402,F401
import cases_tls  # noqa: E402,F401
import cases_trace  # noqa: E402,F401
import cases_upgrade  # noqa: E402,F401
import cases_uplink  # noqa: E402,F401
import cases_uplink_faults  # noqa: E402,F401
import cases_uplink_figures  # noqa: E402,F401
import cases_uplink_login  # noqa: E402,F401
import cases_uplink_queue  # noqa: E402,F401
import cases_uplink_reload  # noqa: E402,F401
import cases_uplink_rules  # noqa: E402,F401
import log_reference  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description='end-to-end tests')
    parser.add_argument('--broker', default=os.path.join(ROOT, 'build/release/ledgemq'))
    parser.add_argument('--upstream-broker', help='LedgeMQ as an upstream; default: --broker')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build/release'), help='where the Paho C client is')
    parser.add_argument('--modules', default=os.path.join(ROOT, 'build/node'), help='where node_modules is')
    parser.add_argument('--mqttsn-clients', default=os.path.join(ROOT, 'build/mqttsn-clients'),
                        help='where the Python with foreign MQTT-SN clients is')
    parser.add_argument('--only', help='a regular expression over "group: name"')
    parser.add_argument('--without', help='a regular expression of the same kind')
    parser.add_argument('--quick', action='store_true', help='only cases that fit a slow (sanitizer) build')
    parser.add_argument('--alone', choices=('yes', 'no'), help='yes: only cases that measure; no: only the others')
    parser.add_argument('--ports', default='26000-31999', help='that its servers may use')
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--verbose', action='store_true', help='print the passed cases too')
    options = parser.parse_args()
    options.broker = os.environ.get('E2E_BROKER', options.broker)
    options.upstream_broker = options.upstream_broker or options.broker
    harness.Ports.choose_from(*(int(port) for port in options.ports.split('-')))
    return options


def run_case(options, broker, folder, number, function):
    """(outcome, reason) of a case and of its end."""
    context = harness.Context(options, broker, folder, number)
    result = outcome_of(function, context, broker)
    try:
        context.close()
    except Exception:  # what a case leaves must not hide the other cases
        return 'FAILED', f'{result[1]}\nand at its end: {traceback.format_exc()}'
    return result


def outcome_of(function, context, broker):
    try:
        function(context)
        harness.check(broker.process.poll() is None, f'the broker died: {broker.tail()}')
        return 'passed', ''
    except harness.Skipped as reason:
        return 'skipped', str(reason)
    except AssertionError as error:
        return 'FAILED', str(error)
    except Exception:  # a broken case must not hide the others
        return 'FAILED', traceback.format_exc()


def run_all(options, chosen, folder):
    counts = {'passed': 0, 'FAILED': 0, 'skipped': 0}
    broker = harness.Broker(options.broker, folder)
    for number, case in enumerate(chosen):
        if broker.process.poll() is not None:
            broker = harness.Broker(options.broker, folder)
        began = time.monotonic()
        if case.needs_ledge and broker.is_stand_in:
            outcome, reason = 'skipped', 'asks for the behaviour of LedgeMQ'
        else:
            outcome, reason = run_case(options, broker, folder, number, case.function)
        counts[outcome] += 1
        if outcome != 'passed' or options.verbose:
            print(f'{outcome} {case.title} ({time.monotonic() - began:.1f} s) {reason}', flush=True)
    for function in harness.AT_END:
        function()
    outcome = 'passed'
    code = broker.stop()
    if code != 0:
        outcome = 'FAILED'
        print(f'{outcome} broker: exit code {code} at the end: {broker.tail()}')
    counts[outcome] += 1
    if not broker.is_stand_in:
        counts[judge_logs(options, folder)] += 1
    return counts


def judge_logs(options, folder):
    """What all brokers of the run have logged is what the reference says."""
    lines, complaints = log_reference.mismatches(options.broker, folder)
    if lines == 0:
        complaints.append('no line of the log was found')
    for complaint in complaints:
        print(f'FAILED log: {complaint}')
    return 'FAILED' if complaints else 'passed'


def choose(options):
    """The cases that the options leave."""
    def is_chosen(case):
        if options.only and not re.search(options.only, case.title):
            return False
        if options.without and re.search(options.without, case.title):
            return False
        if options.quick and not case.is_quick:
            return False
        return options.alone is None or case.is_alone == (options.alone == 'yes')

    return [case for case in harness.CASES if is_chosen(case)]


def main():
    options = arguments()
    chosen = choose(options)
    if options.list:
        print('\n'.join(case.title for case in chosen))
        return 0
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # inherited by the broker
    with tempfile.TemporaryDirectory(prefix='ledgemq-e2e-') as folder:
        counts = run_all(options, chosen, folder)
    print(f'{counts["passed"]} passed, {counts["FAILED"]} failed, {counts["skipped"]} skipped')
    return 1 if counts['FAILED'] or not counts['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
