#!/usr/bin/env python3
"""Micro benches, the prices of durability and of a bridge, then the whole broker beside mosquitto. README.md says how
to read it.

The comparison needs an MQTT load generator: a folder with mqload, null_broker and compare.py, named by LEDGE_LOAD_TOOLS
(default ../shared/bench beside the repository). It is copied to build/bench and built there.
"""
import argparse
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MICRO = ['wire', 'topic', 'core']
WHOLE = ['store', 'bridge', 'broker', 'ws', 'tls']
LOAD_TOOLS = ['mqload.cpp', 'null_broker.cpp', 'compare.py', 'Makefile']

# Nothing may be dropped: the load generator counts every message, and mosquitto runs without a queue limit as well.
LEDGEMQ = ('build/release/ledgemq --listen mqtt://127.0.0.1:{port} --allow-anonymous --set log.level=warning '
           '--set limits.queue_messages_max=1000000 --set limits.queue_bytes_max=1000000000 '
           '--set limits.receive_maximum=65535 --set sys.interval_s=0')
LEDGEMQ_WS = LEDGEMQ.replace('--listen', '--listen ws://127.0.0.1:{wsport}/mqtt --listen', 1)
LEDGEMQ_TLS = (LEDGEMQ.replace('--listen', '--listen mqtts://127.0.0.1:{tlsport} --listen', 1) +
               ' --set listeners.listen-1.tls.certificate={cert} --set listeners.listen-1.tls.key={key}')
WS_SCENARIOS = ['ws-q0-pairs=pubsub --ws --topology pairs --pubs 10 --qos 0 --seconds {T}',
                'ws-q1-pairs=pubsub --ws --topology pairs --pubs 10 --qos 1 --seconds {T}']
TLS_SCENARIOS = ['tls-q0-pairs=pubsub --tls --topology pairs --pubs 10 --qos 0 --seconds {T}',
                 'tls-q1-pairs=pubsub --tls --topology pairs --pubs 10 --qos 1 --seconds {T}']


def arguments():
    parser = argparse.ArgumentParser(prog='./run bench', description=__doc__.split('\n', maxsplit=1)[0],
                                     epilog='Other options go to the comparison: --rounds 5 --seconds 3 --only q0 ...')
    parser.add_argument('names', nargs='*', metavar='NAME',
                        help='wire, topic, core, store, bridge, broker, ws, tls; default all')
    options, rest = parser.parse_known_args()
    unknown = set(options.names) - set(MICRO) - set(WHOLE)
    if unknown:
        parser.error(f'no bench named {", ".join(sorted(unknown))}')
    return options.names or MICRO + WHOLE, rest


def run_micro(name):
    print(f'--- {name}', flush=True)
    return subprocess.run([os.path.join(ROOT, 'build/release/tests/bench', f'bench_{name}')], check=False).returncode


def build_load_tools():
    """The folder with the built tools, or None when there are none on this machine."""
    source = os.environ.get('LEDGE_LOAD_TOOLS', os.path.join(ROOT, '..', 'shared', 'bench'))
    if not all(os.path.exists(os.path.join(source, name)) for name in LOAD_TOOLS):
        print(f'No load generator in {os.path.normpath(source)} (wanted: {", ".join(LOAD_TOOLS)}); the comparison of '
              'whole brokers is left out.\nLEDGE_LOAD_TOOLS names another folder.')
        return None
    target = os.path.join(ROOT, 'build/bench')
    shutil.copytree(source, target, dirs_exist_ok=True)
    subprocess.run(['make', '-s'], cwd=target, check=True)
    return target


def compare(tools, ledgemq, *more):
    mosquitto = shutil.which('mosquitto') or '/usr/sbin/mosquitto'
    command = [sys.executable, os.path.join(tools, 'compare.py'),
               f'mosquitto={mosquitto} -c {{conf:confs/mosquitto.conf.in}}', f'ledgemq={os.path.join(ROOT, ledgemq)}',
               '--baseline', 'mosquitto', '--json', os.path.join(tools, 'result.json'), *more]
    return subprocess.run(command, check=False).returncode


def run_comparison(rest):
    tools = build_load_tools()
    if tools is None:
        return 0
    print('--- whole broker (x: ratio to mosquitto in the same run; cpu us: per delivered message)', flush=True)
    return compare(tools, LEDGEMQ, 'limit={here}/null_broker --port {port} --mode {mode}', *rest)


def run_ws(rest):
    tools = build_load_tools()
    if tools is None:
        return 0
    print('--- messages over WebSocket', flush=True)
    own = [part for scenario in WS_SCENARIOS for part in ('--scenario', scenario)]
    return abs(compare(tools, LEDGEMQ_WS, *own, *rest))


def run_tls(rest):
    print('--- tls: handshakes, memory, and what they cost others', flush=True)
    worst = subprocess.run([sys.executable, '-B', os.path.join(HERE, 'tls_bench.py')], check=False).returncode
    tools = build_load_tools()
    if tools is None:
        return worst
    print('--- messages over tls', flush=True)
    own = [part for scenario in TLS_SCENARIOS for part in ('--scenario', scenario)]
    return max(worst, abs(compare(tools, LEDGEMQ_TLS, *own, *rest)))


def main():
    names, rest = arguments()
    worst = 0
    for name in MICRO:
        if name in names:
            worst = max(worst, abs(run_micro(name)))
    if 'store' in names:
        print('--- store', flush=True)
        command = [sys.executable, '-B', os.path.join(HERE, 'store_bench.py'), *([] if 'broker' in names else rest)]
        worst = max(worst, subprocess.run(command, check=False).returncode)
    if 'bridge' in names:
        print('--- bridge', flush=True)
        own = rest if not {'store', 'broker'} & set(names) else []
        command = [sys.executable, '-B', os.path.join(HERE, 'bridge_bench.py'), *own]
        worst = max(worst, subprocess.run(command, check=False).returncode)
    if 'broker' in names:
        worst = max(worst, run_comparison(rest))
    if 'ws' in names:
        worst = max(worst, run_ws(rest if 'broker' not in names else []))
    if 'tls' in names:
        worst = max(worst, run_tls(rest if 'broker' not in names else []))
    return worst


if __name__ == '__main__':
    sys.exit(main())
