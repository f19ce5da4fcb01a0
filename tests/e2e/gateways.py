"""Gateways: brokers with a bridge to an upstream. LedgeGateway is the broker under test; MosquittoGateway is Debian's
Mosquitto with its own bridge, for comparison. Both are started, killed and restarted like the upstreams."""
import dataclasses
import functools
import json
import os
import subprocess

import upstreams
from harness import DEADLINE_S, Skipped, await_log_line, check


@dataclasses.dataclass
class Route:
    """As [[bridges.NAME.routes]] has it."""
    direction: str = 'out'
    filter: str = '#'
    local_prefix: str = ''
    remote_prefix: str = ''
    qos: int = 2
    retain: str = 'keep'


@dataclasses.dataclass
class Bridge:
    """One [bridges.NAME]. `settings`, `token`, `tls` and `queue` are further keys of the table and its sections."""
    port: int
    client_id: str
    routes: list
    name: str = 'up'
    kind: str = 'auto'
    scheme: str = 'mqtt'
    path: str = ''  # of a WebSocket
    settings: dict = dataclasses.field(default_factory=dict)
    token: dict = dataclasses.field(default_factory=dict)  # the key claims is a table of its own
    tls: dict = dataclasses.field(default_factory=dict)
    queue: dict = dataclasses.field(default_factory=dict)

    def url(self):
        return f'{self.scheme}://127.0.0.1:{self.port}{self.path}'

    def toml(self):
        keys = {'urls': [self.url()], 'client_id': self.client_id, 'upstream': self.kind,
                'retry_first_s': 1, 'retry_max_s': 1, 'keep_alive_s': 10, **self.settings}
        lines = table(f'[bridges.{self.name}]', keys)
        token = dict(self.token)
        claims = token.pop('claims', {})
        lines += table(f'[bridges.{self.name}.token]', token) if token else []
        lines += table(f'[bridges.{self.name}.token.claims]', claims) if claims else []
        lines += table(f'[bridges.{self.name}.tls]', self.tls) if self.tls else []
        lines += table(f'[bridges.{self.name}.queue]', self.queue) if self.queue else []
        for route in self.routes:
            lines += table(f'[[bridges.{self.name}.routes]]', dataclasses.asdict(route))
        return '\n'.join(lines) + '\n'


def table(head, keys):
    """Strings, numbers, booleans and lists of JSON are written in the same way in TOML."""
    return [head, *(f'{key} = {json.dumps(value)}' for key, value in keys.items())]


@functools.lru_cache(maxsize=None)
def knows_bridges(broker):
    return 'bridge_running' in subprocess.run([broker, 'events', '--json'], capture_output=True, text=True,
                                              check=True).stdout


class LedgeGateway(upstreams.LedgeMq):
    """The broker under test with bridges; its configuration may be replaced between stop() and start()."""
    bad_ends = []  # sentences about gateways that did not end in order, when close() ended them

    def __init__(self, folder, options, bridges, settings=()):
        self.bridges, self.settings = bridges, settings
        super().__init__(folder, options)
        self.log = os.path.join(folder, f'broker-{self.port}.log')  # e2e.py judges the logs with this name

    def prepare(self):
        if not knows_bridges(self.options.broker):
            raise Skipped('this broker has no bridges')
        self.configure(self.bridges)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        super().stop()
        check(self.process.returncode == 0, f'the gateway ended with {self.process.returncode}: {self.tail()}')

    def close(self):
        try:
            self.stop()
        except AssertionError as error:
            self.bad_ends.append(str(error))
        super().close()

    def log_line(self, pattern, since=0, deadline_s=DEADLINE_S):
        """Waits for a line of the log beyond `since` bytes."""
        return await_log_line(self.log, pattern, since, deadline_s)

    def log_text(self, since=0):
        with open(self.log, encoding='utf-8') as file:
            file.seek(since)
            return file.read()

    def log_size(self):
        return os.path.getsize(self.log)

    def configure(self, bridges):
        self.write('gateway.toml', '\n'.join(bridge.toml() for bridge in bridges))

    def command(self):
        command = [self.options.broker, '-c', self.path('gateway.toml'), '--listen', f'mqtt://127.0.0.1:{self.port}',
                   '--store', self.path('store'), '--allow-anonymous', '--set', 'sys.interval_s=1']
        for setting in self.settings:
            command += ['--set', setting]
        return command


class MosquittoGateway(upstreams.Mosquitto):
    """Takes the same Bridge; of its settings only routes, port and client id."""

    def __init__(self, folder, options, bridges):
        self.bridges = bridges
        super().__init__(folder, options)

    def prepare(self):
        super().prepare()
        lines = []
        for bridge in self.bridges:
            lines += [f'connection {bridge.name}', f'address 127.0.0.1:{bridge.port}',
                      f'remote_clientid {bridge.client_id}', 'cleansession false', 'restart_timeout 1',
                      'notifications false', 'keepalive_interval 10', 'bridge_attempt_unsubscribe false']
            for route in bridge.routes:
                lines.append(f'topic {route.filter} {route.direction} {route.qos} {route.local_prefix or chr(34) * 2} '
                             f'{route.remote_prefix or chr(34) * 2}')
        with open(self.path('mosquitto.conf'), 'a', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')


GATEWAYS = {'ledgemq': LedgeGateway, 'mosquitto': MosquittoGateway}
