#!/usr/bin/env python3
"""What questions of an operator cost the clients: the p99 latency of one QoS 1 pair, without and beside inspection.

Usage: inspect_bench.py --broker PATH [--rate 1000] [--seconds 10] [--clients 200]
The questions are asked on connections that stay open: clients, one client, who gets a topic, retained messages.
"""
import argparse
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from harness import RawClient, free_port, packet, prefixed  # noqa: E402

PATHS = ['/clients?limit=20', '/clients/idle-7', '/who-gets?topic=pair', '/retained?limit=20', '/refusals', '/shares']


def wait_for(port):
    for _ in range(200):
        try:
            return socket.create_connection(('127.0.0.1', port), 1).close()
        except OSError:
            time.sleep(0.05)
    raise SystemExit('the broker does not listen')


def measure(port, seconds):
    """Latencies from PUBLISH to the subscriber's packet, in ms, about 500 messages a second."""
    subscriber, publisher = RawClient(port), RawClient(port)
    subscriber.open('subscriber')
    subscriber.subscribe('pair', qos=1)
    publisher.open('publisher')
    times = []
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number = number % 65535 + 1
        begin = time.perf_counter()
        publisher.send(packet(0x32, prefixed(b'pair') + number.to_bytes(2, 'big') + b'x' * 64))
        first, body = subscriber.read()
        times.append((time.perf_counter() - begin) * 1000)
        subscriber.send(packet(0x40, body[6:8]))
        publisher.read()
        time.sleep(0.002)
    subscriber.close()
    publisher.close()
    return sorted(times)


def ask(port, rate, asked):
    connection = socket.create_connection(('127.0.0.1', port))
    reader = connection.makefile('rb')
    due = time.monotonic()
    while True:
        path = PATHS[asked.value % len(PATHS)]
        connection.sendall(f'GET /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.encode())
        status, size = reader.readline(), 0
        if b' 200 ' not in status:
            raise SystemExit(f'{path}: {status}')
        while (line := reader.readline()) != b'\r\n':
            if line.lower().startswith(b'content-length:'):
                size = int(line.split(b':')[1])
        reader.read(size)
        asked.value += 1
        due += 1 / rate
        time.sleep(max(0, due - time.monotonic()))


def tell(name, times):
    print(f'{name}: {len(times)} messages, median {times[len(times) // 2]:.3f} ms, '
          f'p99 {times[len(times) * 99 // 100]:.3f} ms, max {times[-1]:.3f} ms')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--broker', required=True)
    parser.add_argument('--rate', type=int, default=1000)
    parser.add_argument('--seconds', type=float, default=10)
    parser.add_argument('--clients', type=int, default=200)
    options = parser.parse_args()
    port, admin = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        broker = subprocess.Popen([options.broker, '--listen', f'mqtt://127.0.0.1:{port}', '--allow-anonymous', '--set',
                                   f'admin.url=http://127.0.0.1:{admin}', '--set', f'store.path={folder}/store',
                                   '--set', 'log.level=warning'])
        try:
            wait_for(port)
            wait_for(admin)
            idle = [RawClient(port) for _ in range(options.clients)]
            for number, client in enumerate(idle):
                client.open(f'idle-{number}')
                client.subscribe(f'idle/{number}/#')
            tell('alone', measure(port, options.seconds))
            # The asker is a process of its own: as a thread it would wait for the lock of this interpreter.
            asked = multiprocessing.Value('L', 0)
            asker = multiprocessing.Process(target=ask, args=(admin, options.rate, asked), daemon=True)
            asker.start()
            tell('beside inspection', measure(port, options.seconds))
            asker.terminate()
            print(f'questions answered: {asked.value / options.seconds:.0f} a second')
        finally:
            broker.terminate()
            broker.wait()


if __name__ == '__main__':
    main()
