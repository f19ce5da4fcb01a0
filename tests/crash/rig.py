"""What the three rigs stand on: a broker under load as a process of ours, the load program, and the judgement of what
the load program says. Every process is ended by its own pid."""
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

DEADLINE_S = 30.0  # of any single wait
UNDELIVERED_PATIENCE_MS = 8000  # without any progress, until what is missing counts as lost

FIGURES = ('issued', 'accepted', 'refused', 'delivered', 'repeated', 'wills', 'pulses')
PROMISES = ('lost', 'duplicated_qos2', 'out_of_order', 'sessions_lost', 'stale_retained', 'retained_missing',
            'wills_lost', 'resurrected', 'packet_id_reused', 'damaged', 'acks_out_of_order', 'stuck')


# Of the broker, and of the topics of each publisher (d: durable, r: relaxed, m: ram). Where nothing is durable nobody
# could say what must be there after a crash at `relaxed`: the durable publisher's PUBRECs tell what has been written.
LEVELS = {'durable': ('durable', 'dddd'), 'relaxed': ('relaxed', 'rrrd'), 'ram': ('ram', 'mmmm'),
          'mixed': ('durable', 'drmr')}
LEVEL_NAMES = {'d': 'durable', 'r': 'relaxed', 'm': 'ram'}
RELAXED_INTERVAL_MS = 20  # several commits in a life of the broker


def level_settings(level):
    """Of the broker, for `--set`: its level, and those of topics that differ from it."""
    default, letters = LEVELS[level]
    settings = [f'store.durability={default}', f'store.relaxed_interval_ms={RELAXED_INTERVAL_MS}']
    others = [(root, number, LEVEL_NAMES[letter]) for number, letter in enumerate(letters)
              for root in ('data', 'retained') if LEVEL_NAMES[letter] != default]
    for place, (root, number, name) in enumerate(others, 1):
        settings += [f'store.levels.{place}.filter={root}/{number}/#', f'store.levels.{place}.level={name}']
    return settings if level != 'durable' else settings[:1]


class RigError(Exception):
    """The rig itself cannot go on: a broker that does not start, a load program that ended."""


_given_ports = set()
_ports_lock = threading.Lock()


def free_port():
    """Below the range of ephemeral ports: a client that knocks while nobody listens must not meet itself."""
    for _ in range(200):
        port = random.randrange(26000, 32000)
        with _ports_lock, socket.socket() as probe:
            if port in _given_ports:
                continue
            _given_ports.add(port)
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue
    raise RigError('no free port')


class Load:
    """The load program. It outlives the brokers."""

    def __init__(self, program, port, seed, rate, levels, has_copies):
        command = [program, str(port), str(seed), str(rate), levels] + (['copies'] if has_copies else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pending = b''

    def tell(self, command):
        try:
            self.process.stdin.write(command.encode() + b'\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            raise RigError('the load program ended') from None

    def answer(self, deadline_s=DEADLINE_S, alive=lambda: True):
        """The next line, or None when `alive` says no before it comes."""
        end = time.monotonic() + deadline_s
        while b'\n' not in self.pending:
            left = end - time.monotonic()
            if left <= 0:
                raise RigError(f'no answer from the load program in {deadline_s:.0f} s')
            if not select.select([self.process.stdout], [], [], min(left, 0.05))[0]:
                if not alive():
                    return None
                continue
            more = os.read(self.process.stdout.fileno(), 1 << 20)
            if not more:
                raise RigError(f'the load program ended with {self.process.wait()}')
            self.pending += more
        line, self.pending = self.pending.split(b'\n', 1)
        return line.decode()

    def down(self, in_order=False):
        """The broker is dead: reads what it has sent."""
        self.tell('stopped' if in_order else 'down')
        while self.answer() != 'down':
            pass

    def reconnect(self):
        self.tell('reconnect')
        self.answer()

    def stats(self):
        self.tell('stats')
        return json.loads(self.answer())

    def drain(self, patience_ms=UNDELIVERED_PATIENCE_MS):
        self.tell(f'drain {patience_ms}')
        return json.loads(self.answer(deadline_s=300))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Broker:
    """One store folder, and the brokers that are started on it one after the other."""

    def __init__(self, options, folder, port, settings=()):
        self.options, self.folder, self.port, self.settings = options, folder, port, list(settings)
        self.is_stand_in = os.path.basename(options.broker) == 'mosquitto'
        self.store = os.path.join(folder, 'store')
        self.log_path = os.path.join(folder, 'broker.log')
        self.process = None
        os.makedirs(folder, exist_ok=True)
        if self.is_stand_in:
            os.makedirs(self.store, exist_ok=True)

    def command(self):
        if self.is_stand_in:
            return [self.options.broker, '-c', self._stand_in_configuration()]
        command = [self.options.broker, '--listen', f'mqtt://127.0.0.1:{self.port}', '--allow-anonymous',
                   '--store', self.store]
        for setting in [*self.settings, *self.options.set]:
            command += ['--set', setting]
        return command

    def _stand_in_configuration(self):
        """Debian's mosquitto with its own persistence, told to save as often as it can: after every change."""
        path = os.path.join(self.folder, 'mosquitto.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nuser root\n'
                       f'persistence true\npersistence_location {self.store}/\nautosave_interval 1\n'
                       f'autosave_on_changes {self.options.autosave}\n')
        return path

    def start(self, environment=None):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})})

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL, and no longer there when this returns. True when it was alive until then."""
        was_alive = self.is_alive()
        if was_alive:
            self.process.kill()
        self.process.wait()
        return was_alive

    def stop(self, deadline_s=DEADLINE_S):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(deadline_s)

    def verify(self):
        """`ledgemq store verify`: None when it is content, else what it said."""
        if self.is_stand_in:
            return None
        result = subprocess.run([self.options.broker, 'store', 'verify', self.store], capture_output=True, text=True,
                                timeout=120, check=False)
        if result.returncode == 0:
            return None
        lines = (result.stdout + result.stderr).splitlines()
        said = ' | '.join([line for line in lines if not line.endswith(' rows')][:3])
        return f'store verify: exit {result.returncode}: {said}'

    def quarantined(self):
        """Names of files that a broker took for damaged and put aside."""
        names = os.listdir(self.store) if os.path.isdir(self.store) else []
        return [name for name in names if 'corrupt' in name]

    def said(self, word, since=''):
        """The last lines of the log that contain a word, of those behind the last with the word `since`."""
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            lines = file.read().rpartition(since)[2].splitlines() if since else list(file)
        return ' | '.join([line.strip() for line in lines if word in line][-3:])

    def last_line(self):
        return (self.tail().splitlines() or [''])[-1]

    def tail(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            return file.read()[-1500:]


class Rig:
    """A broker and a load on one port, with what all rigs count."""

    def __init__(self, options, name, seed, settings=(), level='durable'):
        self.options, self.name, self.seed = options, name, seed
        self.rng = random.Random(seed)
        self.folder = os.path.join(options.folder, f'{name}-{seed}')
        shutil.rmtree(self.folder, ignore_errors=True)
        port = free_port()
        self.broker = Broker(options, self.folder, port, [*level_settings(level), *settings])
        self.load = Load(options.load, port, seed, options.rate, LEVELS[level][1], self.broker.is_stand_in)
        self.cycles = 0
        self.ends_in_order = False  # SIGTERM instead of SIGKILL
        self.has_served = False  # before that a cut may leave no store at all
        self.totals = {}
        self.problems = []

    def problem(self, text):
        """A broken promise, said at once: with the seed and the cycle it can be looked for again."""
        line = f'{self.name} seed {self.seed} cycle {self.cycles}: {text}'
        self.problems.append(line)
        print('    ' + line, flush=True)

    def start(self, environment=None):
        """Starts the broker and waits until it has answered a CONNECT. False when it died before."""
        self.broker.start(environment)
        self.load.tell('serve')
        has_answered = self.load.answer(alive=self.broker.is_alive) is not None
        self.has_served = self.has_served or has_answered
        return has_answered

    def start_or_complain(self, environment=None):
        """The same when nothing stands against it: a broker that ends is a problem, and gets a second chance."""
        if self.start(environment):
            return
        self.problem(f'the broker ended with {self.broker.process.wait()}: {self.broker.last_line()}')
        time.sleep(0.5)
        if not self.start(environment):
            raise RigError(f'the broker ended with {self.broker.process.wait()}: {self.broker.tail()}')

    def kill_after(self, seconds):
        """Ends the broker so long after its first CONNACK. What it sent before counts. False: it had ended already."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.broker.is_alive():
            time.sleep(min(0.005, max(0.0, end - time.monotonic())))
        was_alive = self.broker.is_alive()
        if was_alive and self.ends_in_order:
            if self.broker.stop() != 0:
                self.problem(f'SIGTERM ended it with {self.broker.process.returncode}: {self.broker.last_line()}')
        else:
            self.broker.kill()
        self.load.down(in_order=was_alive and self.ends_in_order)
        return was_alive

    def account(self, patience_ms=None):
        """With the broker up: drains, compares, reports what is new since the last account."""
        report = self.load.drain(patience_ms or self.options.patience_ms)
        if not self.broker.is_alive():
            self.problem(f'the broker ended with {self.broker.process.wait()}: {self.broker.last_line()}')
        for finding in report['findings']:
            self.problem(finding)
        new = {p: report[p] - self.totals.get(p, 0) for p in PROMISES if report[p] > self.totals.get(p, 0)}
        if not report['findings'] and new:
            self.problem(str(new))
        self.totals = {key: report[key] for key in FIGURES + PROMISES}
        return new

    def verify(self):
        said = self.broker.verify()
        if said:
            self.problem(said)
        for name in self.broker.quarantined():
            self.problem(f'{name} was put aside: ' + self.broker.said('store'))

    def broken(self):
        return {p: self.totals[p] for p in PROMISES if self.totals.get(p)}

    def figures(self):
        totals = self.totals
        return ', '.join(f'{totals.get(key, 0):,} {key}' for key in ('accepted', 'delivered', 'repeated', 'wills')) + \
            '; ' + ', '.join(f'{totals.get(key, 0)} {key.replace("_", " ")}' for key in PROMISES)

    def close(self):
        if self.broker.is_alive():
            self.broker.kill()
        self.load.close()
        if not self.problems and not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
