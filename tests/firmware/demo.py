#!/usr/bin/python3
"""./run firmware: two emulated microcontrollers, a bad serial line each, the broker, and mosquitto's clients as normal
MQTT clients. Says what happens, and ends everything that it has started."""
import os
import signal
import sys
import tempfile
import time
from argparse import Namespace

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests/e2e'))
import harness  # noqa: E402
from cases_firmware import Site  # noqa: E402
from emulated_board import Board, Line  # noqa: E402

ERRORS = 0.004


def say(text):
    print(f'\n{text}', flush=True)


def show(program, text):
    print(f'    {program}: {text}', flush=True)


def show_readings(subscriber, count):
    for _ in range(count):
        show('mosquitto_sub', subscriber.line('^plant/boiler/temperature'))


def subscribe(context, site):
    """`mosquitto_sub` prints topic and message of what arrives below plant/."""
    subscriber = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-p', site.port, '-t', 'plant/#', '-q', '1', '-v',
                              '-d'])
    subscriber.line('received SUBACK')  # -d tells this, and more that show() leaves out
    return subscriber


def command(context, site, subscriber, valve, word):
    """One command to the valve, and its two effects."""
    print(f'    mosquitto_pub -t plant/valve/set -m {word}', flush=True)
    since = os.path.getsize(valve.console)
    publisher = context.run(['mosquitto_pub', '-p', site.port, '-t', 'plant/valve/set', '-m', word, '-q', '1'])
    harness.check(publisher.finish()[0] == 0, 'mosquitto_pub failed')
    show('console of the valve', valve.says(f'^output {word}', since))
    show('mosquitto_sub', subscriber.line(f'^plant/valve/state {word}'))


def play(context):
    lines = [Line(context, name, errors=ERRORS, seed=seed) for seed, name in enumerate(('boiler', 'valve'), 1)]
    site = Site(context, lines)
    say(f'The broker serves MQTT at 127.0.0.1:{site.port}, and MQTT-SN at two serial lines. {ERRORS:.1%} of the bytes '
        'on these lines are damaged.')
    subscriber = subscribe(context, site)
    say('Two microcontrollers (Cortex-M3 in QEMU) start: a sensor and a valve, which are sensor_qos1.c and\n'
        'actuator_subscribe.c of firmware-bridge/examples. A normal MQTT client subscribes to plant/#, and sees the\n'
        'readings. One whose acknowledgement was damaged comes twice: QoS 1 means at least once.')
    Board(context, 'sensor_qos1', lines[0], every_ms=500)
    valve = Board(context, 'actuator_subscribe', lines[1])
    show_readings(subscriber, 4)
    valve.says('^ready')
    say('A normal MQTT client tells the valve what to do. The valve obeys and tells its state:')
    for word in ('on', 'off'):
        command(context, site, subscriber, valve, word)
    say('The broker is killed (SIGKILL) and started again. The devices notice by themselves:')
    site.kill()
    site.start()
    began = time.monotonic()
    subscriber = subscribe(context, site)
    show_readings(subscriber, 1)
    print(f'    {1000 * (time.monotonic() - began):.0f} ms after the start', flush=True)
    show_readings(subscriber, 2)
    say('What was on the line of the valve, as firmware-bridge/tools/fwb-dump shows it:')
    for seconds, direction, text in lines[1].packets()[-6:]:
        print(f'    {seconds:8.3f} s  {"device " if direction == ">" else "gateway"} {text}', flush=True)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that all processes are ended then too
    options = Namespace(broker=os.path.join(ROOT, 'build/release/ledgemq'))
    with tempfile.TemporaryDirectory(prefix='ledgemq-firmware-') as folder:
        context = harness.Context(options, None, folder, 0)
        try:
            play(context)
        except KeyboardInterrupt:
            return 130
        except (AssertionError, harness.Skipped) as error:
            print(f'Failed: {error}', file=sys.stderr)
            return 1
        finally:
            context.close()
    say('All processes of this demonstration have ended.')
    return 0


if __name__ == '__main__':
    sys.exit(main())
