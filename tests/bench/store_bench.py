#!/usr/bin/env python3
"""What durability costs: messages a second, bytes to the flash and memory with a store, and mosquitto beside it.

Usage: store_bench.py [--broker PATH] [--load PATH] [--dir FOLDER] [--rounds 3] [--count 1000000]
Prints a table; "wanted" is the bar of the project. Exit 1 when a message was lost or a broker failed, not when a bar
was missed: the machine may be busy.
"""
import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests/e2e'))
from harness import Ports, RawClient, connect_packet, free_port, packet, prefixed, subscribe_packet  # noqa: E402

Ports.choose_from(18000, 19999)  # crash rigs and end-to-end cases have those above
SETTLE_S = 3  # longer than the interval of what nobody waits for, and of $SYS


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--broker', default=os.path.join(ROOT, 'build/release/ledgemq'))
    parser.add_argument('--load', default=os.path.join(ROOT, 'build/release/tests/bench/store_load'))
    parser.add_argument('--dir', default=os.path.join(ROOT, 'build'), help='where stores are made: a real disk')
    parser.add_argument('--rounds', type=int, default=3, help='of the online run; the median counts')
    parser.add_argument('--count', type=int, default=1_000_000, help='messages queued for the offline session')
    parser.add_argument('--retain-seconds', type=int, default=60)
    return parser.parse_args()


class Broker:
    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f'{command[0]} does not listen')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def device_bytes(self):
        """As $SYS tells them: pages written, the filesystem's journal not counted."""
        time.sleep(SETTLE_S)
        line = subprocess.run(['mosquitto_sub', '-p', str(self.port), '-C', '1', '-W', '10', '-t',
                               '$SYS/broker/store/bytes/device'], capture_output=True, text=True, check=True).stdout
        return int(line)

    def anonymous_kib(self):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('RssAnon'))


def ledgemq(options, folder, store=True):
    port = free_port()
    command = [options.broker, '--listen', f'mqtt://127.0.0.1:{port}', '--set', 'log.level=warning',
               '--set', 'sys.interval_s=1', '--set', 'limits.receive_maximum=65535']
    return Broker(command + (['--store', os.path.join(folder, 'store')] if store else []), port)


def mosquitto(folder):
    port = free_port()
    path = os.path.join(folder, 'mosquitto.conf')
    with open(path, 'w', encoding='ascii') as file:
        file.write(f'listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n'
                   'max_queued_messages 0\nmax_inflight_messages 0\n')
    return Broker([shutil.which('mosquitto') or '/usr/sbin/mosquitto', '-c', path], port)


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.rows = options, folder, []

    def load(self, broker, command, *arguments_):
        call = [self.options.load, command, '--port', str(broker.port), *map(str, arguments_)]
        result = subprocess.run(call, capture_output=True, text=True, check=False, timeout=600)
        if result.returncode != 0:
            raise RuntimeError(f'{command}: {result.stderr.strip()}')
        return {key: float(value) for key, value in (word.split('=') for word in result.stdout.split())}

    def row(self, what, figure, wanted, is_met):
        self.rows.append(not is_met)
        print(f'{what:58} {figure:>34}   wanted {wanted:<22} {"met" if is_met else "MISSED"}', flush=True)

    def fresh(self):
        shutil.rmtree(os.path.join(self.folder, 'store'), ignore_errors=True)
        return self.folder

    def online(self):
        rates, peers, per_message = [], [], []
        for _ in range(self.options.rounds):
            with mosquitto(self.folder) as broker:
                peers.append(self.load(broker, 'online')['rate'])
            with ledgemq(self.options, self.fresh()) as broker:
                before = broker.device_bytes()
                result = self.load(broker, 'online')
                rates.append(result['rate'])
                per_message.append((broker.device_bytes() - before) / result['messages'])
        rate, peer = statistics.median(rates), statistics.median(peers)
        self.row('QoS 1, persistent subscriber online, durable',
                 f'{rate:,.0f}/s = {rate / peer:.2f} of mosquitto', '>= 1 (persistence off)', rate >= peer)
        device = statistics.median(per_message)
        self.row('  written to the device', f'{device:.1f} B a message', '< 50 B', device < 50)

    def offline(self):
        count = self.options.count
        with ledgemq(self.options, self.fresh()) as broker:
            self.load(broker, 'open')
            before, idle = broker.device_bytes(), broker.anonymous_kib()
            result = self.load(broker, 'publish', '--count', count)
            device = (broker.device_bytes() - before) / result['messages']
            memory = (broker.anonymous_kib() - idle) / 1024
            self.row('QoS 1, persistent subscriber offline, durable, 100 x 20', f'{result["rate"]:,.0f}/s',
                     '>= 50,000/s', result['rate'] >= 50_000)
            self.row('  written to the device', f'{device:.0f} B a message', '<= 1,000 B', device <= 1000)
            self.row(f'  memory with {count:,} queued (RssAnon, over idle)', f'{memory:.1f} MiB', '<= 20 MB',
                     memory * 1.048576 <= 20)
            drained = self.load(broker, 'drain', '--count', count)
            self.row('  drained', f'{drained["rate"]:,.0f}/s', '>= 200,000/s', drained['rate'] >= 200_000)

    def restart(self):
        """The time from exec to the first accepted connection, with all of it queued."""
        count = self.options.count
        with ledgemq(self.options, self.fresh()) as broker:
            self.load(broker, 'open')
            self.load(broker, 'publish', '--count', count)
            self.load(broker, 'retain', '--rate', 0, '--count', 100_000, '--topics', 100_000)
            broker.process.kill()
            broker.process.wait()
        began = time.monotonic()
        with ledgemq(self.options, self.folder):
            seconds = time.monotonic() - began
        what = f'start after SIGKILL, {count:,} queued, 100,000 retained'
        self.row(what, f'{seconds:.2f} s', '<= 1 s', seconds <= 1)

    def retained(self):
        with ledgemq(self.options, self.fresh()) as broker:
            self.load(broker, 'retain', '--rate', 0, '--count', 10_000)
            before = broker.device_bytes()
            result = self.load(broker, 'retain', '--rate', 50, '--seconds', self.options.retain_seconds)
            device = (broker.device_bytes() - before) / result['messages']
        self.row('retained updates, QoS 1, 50/s over 10,000 topics, durable', f'{device:,.0f} B an update',
                 '<= 2,500 B', device <= 2500)
        print(f'  acknowledged after {result["ack_ms_median"]:.0f} ms (median), '
              f'{result["ack_ms_max"]:.0f} ms (longest)')


    def prices(self):
        """Device bytes of what a gateway does all day, each alone: the table of the README. Not bars, but for one."""
        with ledgemq(self.options, self.fresh()) as broker:
            for number in range(100):
                Meter(broker.port, f'away-{number}', [f'each/{number}', 'all']).client.close()
            meter = Meter(broker.port, 'meter', ['commands'])
            payload = b'x' * 50

            def price(what, count, work):
                before = broker.device_bytes()
                for number in range(count):
                    work(number)
                each = (broker.device_bytes() - before) / count
                print(f'  {what:70} {each:>10,.0f} B')
                return each

            price('QoS 1, 50 B to one away subscriber, one at a time', 200,
                  lambda number: meter.publish([('each/0', payload)]))
            price('100 of them sent together', 20, lambda number: meter.publish([('each/0', payload)] * 100))
            price('100 QoS 1, 50 B, sent together to 100 away subscribers, one each', 20,
                  lambda number: meter.publish([(f'each/{i}', payload) for i in range(100)]))
            price('QoS 1, 50 B to 100 away subscribers, one at a time', 50,
                  lambda number: meter.publish([('all', payload)]))
            price('retained, QoS 1, a topic gets a new value, one at a time', 50,
                  lambda number: meter.publish([('state', b'%d' % number)], retain=True))
            price('retained, the same value again', 50, lambda number: meter.publish([('state', b'49')], retain=True))
            meter.client.close()
            again = price('a persistent client comes again and subscribes to the same', 50,
                          lambda number: Meter(broker.port, 'meter', ['commands'], is_new=False).client.close())
        self.row('a reconnect with an identical SUBSCRIBE', f'{again:.0f} B', '<= 100 B', again <= 100)


class Meter:
    """A persistent client, version 5."""

    def __init__(self, port, name, filters, is_new=True):
        self.client = RawClient(port)
        self.client.send(connect_packet(name, 5, clean=False, properties=b'\x11\0\1\0\0'))
        first, body = self.client.read()
        if first != 0x20 or body[:2] != bytes([not is_new, 0]):
            raise RuntimeError(f'CONNACK expected, got {first} {body.hex()}')
        for topic_filter in filters:
            self.client.send(subscribe_packet(topic_filter, 1, 5))
            self.client.read()

    def publish(self, messages, retain=False):
        """QoS 1, all at once; returns when all are acknowledged. The number of messages."""
        first = 0x33 if retain else 0x32
        self.client.send(b''.join(packet(first, prefixed(topic) + (number + 1).to_bytes(2, 'big') + b'\0' + payload)
                                  for number, (topic, payload) in enumerate(messages)))
        for _ in messages:
            if self.client.read()[0] != 0x40:
                raise RuntimeError('no PUBACK')
        return len(messages)


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        bench = Bench(options, folder)
        try:
            for run in (bench.online, bench.offline, bench.restart, bench.retained, bench.prices):
                run()
        except (RuntimeError, subprocess.SubprocessError) as error:
            print(f'FAILED: {error}')
            return 1
    missed = sum(bench.rows)
    print(f'{len(bench.rows) - missed} of {len(bench.rows)} met')
    return 0


if __name__ == '__main__':
    sys.exit(main())
