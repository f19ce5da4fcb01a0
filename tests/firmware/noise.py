#!/usr/bin/python3
"""What arrives over a serial line with damaged bytes: the table of firmware-bridge/README.md.

Usage: noise.py [--broker PATH] [--write]; --write puts the measured table into the README."""
import argparse
import os
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests/e2e'))
import cases_firmware as cases  # noqa: E402
import harness  # noqa: E402


def measure(options):
    with tempfile.TemporaryDirectory(prefix='ledgemq-noise-') as folder:
        context = harness.Context(options, None, folder, 0)
        try:
            return cases.measure_noise(context)
        finally:
            context.close()


def main():
    parser = argparse.ArgumentParser(description='measures readings over a lossy line')
    parser.add_argument('--broker', default=os.path.join(ROOT, 'build/release/ledgemq'))
    parser.add_argument('--write', action='store_true', help='put the table into firmware-bridge/README.md')
    options = parser.parse_args()
    table = '\n'.join([*cases.NOISE_HEAD, *(rate.row() for rate in measure(options))]) + '\n'
    print(table, end='')
    if options.write:
        with open(cases.README, encoding='utf-8') as file:
            text = file.read()
        at, end = text.index(cases.BEGIN) + len(cases.BEGIN), text.index(cases.END)
        with open(cases.README, 'w', encoding='utf-8') as file:
            file.write(text[:at] + table + text[end:])
    return 0


if __name__ == '__main__':
    sys.exit(main())
