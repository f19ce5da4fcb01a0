"""TLS beside Debian's mosquitto: processor time of a full and of a resumed handshake, memory of an idle connection, and
how long handshakes hold up the messages of others. Both brokers are started here, on free ports, with one certificate."""
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'tests/e2e'))
from harness import connect_packet, free_port, packet, subscribe_packet  # noqa: E402

TICKS_PER_S = os.sysconf('SC_CLK_TCK')
SECONDS = 4  # of each measurement
CONNECTIONS = 300
REST_S = 21  # LedgeMQ looks every 10 s for connections that are silent
STALL_MAX_MS = 5.0


def make_certificate(folder):
    certificate, key = os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                    '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', certificate], check=True,
                   capture_output=True)
    os.chmod(key, 0o600)
    return certificate, key


class Broker:
    """One of the two, with a plain and a TLS port."""

    def __init__(self, name, folder):
        self.name = name
        self.plain, self.port = free_port(), free_port()
        certificate, key = make_certificate(folder)
        self.process = subprocess.Popen(getattr(self, '_' + name)(folder, certificate, key),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for port in (self.plain, self.port):
            self._wait(port)

    def _mosquitto(self, folder, certificate, key):
        path = os.path.join(folder, 'mosquitto.conf')
        with open(path, 'w', encoding='ascii') as file:
            file.write(f'listener {self.plain} 127.0.0.1\nlistener {self.port} 127.0.0.1\ncertfile {certificate}\n'
                       f'keyfile {key}\nallow_anonymous true\nset_tcp_nodelay true\nlog_dest none\nsys_interval 0\n'
                       'user root\n')
        return [shutil.which('mosquitto') or '/usr/sbin/mosquitto', '-c', path]

    def _ledgemq(self, _, certificate, key):
        tls = 'listeners.listen-2.tls.'
        return [os.path.join(ROOT, 'build/release/ledgemq'), '--listen', f'mqtt://127.0.0.1:{self.plain}', '--listen',
                f'mqtts://127.0.0.1:{self.port}', '--set', f'{tls}certificate={certificate}', '--set',
                f'{tls}key={key}', '--set', 'log.level=warning', '--set', 'sys.interval_s=0']

    def _wait(self, port):
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise RuntimeError(f'{self.name} does not serve') from None
                time.sleep(0.02)

    def cpu_s(self):
        with open(f'/proc/{self.process.pid}/stat', encoding='ascii') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def rss_kib(self):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmRSS:'))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def handshakes(broker, kind):
    """Milliseconds of the broker's processor per handshake of TLS 1.2, and how many were made."""
    before = broker.cpu_s()
    out = subprocess.run(['openssl', 's_time', '-connect', f'127.0.0.1:{broker.port}', '-tls1_2', '-' + kind, '-time',
                          str(SECONDS)], capture_output=True, check=True, text=True).stdout
    used = broker.cpu_s() - before
    count = int(re.findall(r'(\d+) connections in \d+ real seconds', out)[-1])
    return used * 1000 / count, count


def tls_client(port, number):
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.check_hostname = False
    settings.verify_mode = ssl.CERT_NONE
    client = settings.wrap_socket(socket.create_connection(('127.0.0.1', port)))
    client.sendall(connect_packet(f'idle-{number}', keep_alive_s=600) + subscribe_packet(f'device/{number}'))
    received = b''
    while len(received) < 4 + 5:
        received += client.recv(100)
    return client


def memory(broker):
    """KiB per idle connection: as soon as they are connected, and after a while."""
    warm = [tls_client(broker.port, number) for number in range(10)]
    before = broker.rss_kib()
    clients = [tls_client(broker.port, number) for number in range(10, 10 + CONNECTIONS)]
    fresh = (broker.rss_kib() - before) / CONNECTIONS
    time.sleep(REST_S)
    rested = (broker.rss_kib() - before) / CONNECTIONS
    for client in warm + clients:
        client.close()
    return fresh, rested


def ping_times(broker, seconds):
    """Round trips of PINGREQ on the plain listener, in milliseconds, sorted."""
    times = []
    with socket.create_connection(('127.0.0.1', broker.plain)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(connect_packet('pinger'))
        client.recv(4)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            client.sendall(packet(0xC0, b''))
            client.recv(2)
            times.append((time.monotonic() - began) * 1000)
            select.select([], [], [], 0.001)
    return sorted(times)


def at(times, share):
    return times[min(int(len(times) * share), len(times) - 1)]


def stall(broker):
    """The same while full handshakes are made, one after the other: the others' 99th percentile, quiet and busy."""
    quiet = ping_times(broker, 2)
    storm = threading.Thread(target=handshakes, args=(broker, 'new'))
    storm.start()
    busy = ping_times(broker, SECONDS)
    storm.join()
    return quiet, busy


def measure(name):
    with tempfile.TemporaryDirectory(prefix='ledgemq-tls-') as folder:
        broker = Broker(name, folder)
        try:
            full, _ = handshakes(broker, 'new')
            resumed, _ = handshakes(broker, 'reuse')
            quiet, busy = stall(broker)
            fresh, rested = memory(broker)
        finally:
            broker.stop()
    return {'full handshake, cpu ms': full, 'resumed handshake, cpu ms': resumed,
            'idle connection, KiB, at first': fresh, f'idle connection, KiB, after {REST_S} s': rested,
            'ping beside handshakes, p50 ms': at(busy, 0.5), 'ping beside handshakes, p99 ms': at(busy, 0.99),
            'ping beside handshakes, p999 ms': at(busy, 0.999), 'ping without them, p99 ms': at(quiet, 0.99)}


def main():
    brokers = {name: measure(name) for name in ('mosquitto', 'ledgemq')}
    print(f'{"":36} {"mosquitto":>10} {"ledgemq":>10} {"x":>7}')
    for row in brokers['ledgemq']:
        peer, own = brokers['mosquitto'][row], brokers['ledgemq'][row]
        print(f'{row:36} {peer:10.3f} {own:10.3f} {own / peer if peer else 0:7.2f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
