"""`ledgemq ctl` at a running broker, and what is generated from the command line: manual pages and completions."""
import json
import os
import shutil
import signal
import subprocess
import time

from cases_broker import run_to_end
from harness import DEADLINE_S, case, check, connect_packet, publish_packet, subscribe_packet
from service_manager import upgrade
from upstreams import need

CTL = 'ctl'
GENERATED = 'manual pages and completions'


class Served:
    """A broker with the socket of its API."""

    def __init__(self, context, settings=()):
        self.context = context
        self.socket = os.path.join(context.folder, f'{context.client_id}.ctl')
        self.broker = context.start_broker(settings=[f'admin.socket={self.socket}', *settings])
        self.broker.log_line(' ready ')
        self.port = self.broker.port

    def ctl(self, *words, code=0):
        """`ledgemq ctl` to its end: what it has printed, or its complaint if it has to fail."""
        ended, out, err = run_to_end(self.context, 'ctl', '--socket', self.socket, *words)
        check(ended == code, f'ctl {words} ended with {ended}: {out[-300:]} {err}')
        return err if code else out

    def answer(self, *words):
        """The answer of the API as it is."""
        return json.loads(self.ctl('--json', *words))


def client_of(context, served, client_id, topic_filter=None):
    raw = context.connect(served.port)
    raw.send(connect_packet(client_id, clean=False))
    raw.read()
    if topic_filter:
        raw.send(subscribe_packet(topic_filter, qos=1))
        raw.read()
    return raw


@case('each question of ctl is answered, as a table and as JSON', CTL, needs_ledge=True)
def _questions(context):
    served = Served(context, [f'store.path={os.path.join(context.folder, context.client_id)}.store'])
    client_of(context, served, 'meter/7 ä', 'plant/#')
    served.ctl('retained', 'set', 'plant/lamp', 'on')
    for words in (['overview'], ['clients'], ['client', 'meter/7 ä'], ['bans'], ['who-gets', 'plant/x'], ['retained'],
                  ['retained', 'tree'], ['retained', 'get', 'plant/lamp'], ['shares'], ['bridges'], ['listeners'],
                  ['store'], ['memory'], ['metrics'], ['refusals']):
        check(isinstance(served.answer(*words), dict), f'{words}')
        served.ctl(*words)
    check('meter/7 ä' in served.ctl('clients', '--state', 'connected'), 'the table has not the client')
    check('plant/#' in served.ctl('who-gets', 'plant/x'), 'the table has not the filter')
    check(served.answer('retained', 'get', 'plant/lamp')['payload'] == 'on', 'the payload')


@case('each action of ctl acts, and a refusal is a sentence', CTL, needs_ledge=True)
def _actions(context):
    served = Served(context, [f'store.path={os.path.join(context.folder, context.client_id)}.store'])
    meter = client_of(context, served, 'meter', 'plant/#')
    check(served.answer('publish', 'plant/x', 'hello', '--qos', '1')['matched'] == 1, 'matched')
    check(b'hello' in meter.read()[1], 'the message does not come')
    served.ctl('kick', 'meter')
    check(meter.read()[0] in (None, 0xE0), 'the client is still connected')
    check('409' in served.ctl('kick', 'meter', code=1), 'who is offline cannot be kicked')
    check('404' in served.ctl('kick', 'nobody', code=1), 'nobody was kicked')
    served.ctl('publish', 'plant/x', 'waits', '--qos', '1')
    served.ctl('clear-queue', 'meter')
    served.ctl('remove', 'meter')
    check('404' in served.ctl('client', 'meter', code=1), 'the session is still there')
    served.ctl('ban', '--client', 'meter', '--seconds', '60', '--reason', 'test')
    raw = context.connect(served.port)
    raw.send(connect_packet('meter'))
    first, body = raw.read()
    check(first is None or body[1] != 0, 'a banned client is let in')
    number = str(served.answer('bans')['bans'][0]['number'])
    served.ctl('unban', number)
    client_of(context, served, 'meter')
    served.ctl('retained', 'set', 'a/b', 'kept', '--qos', '1')
    served.ctl('retained', 'delete', 'a/b')
    check('404' in served.ctl('retained', 'get', 'a/b', code=1), 'the retained message is still there')
    served.ctl('compact')


@case('ctl reloads, changes the log level and copies the store of the running broker', CTL, needs_ledge=True)
def _operation(context):
    store = os.path.join(context.folder, f'{context.client_id}.store')
    served = Served(context, [f'store.path={store}'])
    check(served.answer('reload')['taken'] is True, 'the configuration was not read')
    check(served.answer('log-level', 'debug', '--seconds', '60')['level'] == 'debug', 'the level')
    check('level' in served.ctl('log-level', 'loud', code=1), 'a wrong level is not told')
    raw = client_of(context, served, 'meter', 'plant/#')
    raw.send(publish_packet('x', b'y'))
    copy = os.path.join(context.folder, f'{context.client_id}.copy')
    check('written to' in served.ctl('backup', copy), 'the copy is not told')
    check(os.stat(copy).st_mode & 0o777 == 0o600 and not os.path.exists(copy + '.part'), 'the file of the copy')
    check('--force' in served.ctl('backup', copy, code=1), 'a file was replaced')
    served.ctl('backup', copy, '--force', '--compact')
    restored = store + '2'
    code, _, err = run_to_end(context, 'store', 'restore', copy, restored)
    check(code == 0, err)
    code, out, err = run_to_end(context, 'sessions', 'list', '--store', restored)
    check(code == 0 and '"meter"' in out, f'{code} {out} {err}')


@case('ctl bridges lists, and steering a bridge that does not exist is refused', CTL, needs_ledge=True)
def _bridges(context):
    served = Served(context)
    check(served.answer('bridges') == {'bridges': []}, 'bridges of nobody')
    for action in ('pause', 'resume', 'reconnect'):
        check('404' in served.ctl('bridges', action, 'nobody', code=1), action)


@case('ctl overview --watch repeats the overview until it is interrupted', CTL, needs_ledge=True)
def _watch(context):
    served = Served(context)
    watch = context.run([context.options.broker, 'ctl', '--socket', served.socket, '--json', 'overview', '--watch',
                         '--interval', '1'])
    watch.line('"uptime_s"')
    watch.line('"uptime_s"')
    watch.signal(signal.SIGINT)
    check(watch.finish()[0] == 0, watch.errors())


@case('ctl trace follows a message, and ends at the wanted number of events', CTL, needs_ledge=True)
def _trace(context):
    served = Served(context)
    client_of(context, served, 'meter', 'plant/#')
    trace = context.run([context.options.broker, 'ctl', '--socket', served.socket, 'trace', '--filter', 'plant/#',
                         '--events', '1'])
    end = time.monotonic() + DEADLINE_S
    # The trace begins some time after its process; until then messages are not seen.
    while trace.process.poll() is None and time.monotonic() < end:
        served.ctl('publish', 'plant/x', 'y')
    code, out = trace.finish()
    check(code == 0 and 'plant/x' in out, f'{code} {out} {trace.errors()}')
    check('the trace has ended' in trace.errors(), trace.errors())


@case('without a broker, a right or a right command line, ctl says what is wrong and how to mend it', CTL,
      needs_ledge=True)
def _mistakes(context):
    code, _, err = run_to_end(context, 'ctl', '--socket', '/nowhere/ctl.sock', 'overview')
    check(code == 1 and '[admin] socket' in err, f'{code} {err}')
    code, _, err = run_to_end(context, 'ctl', 'kick')
    check(code == 2 and 'CLIENT_ID' in err, f'{code} {err}')
    environment = dict(os.environ, LEDGEMQ_SOCKET=f'{context.folder}/none.sock')
    result = subprocess.run([context.options.broker, 'ctl', 'overview'], env=environment, capture_output=True,
                            text=True, timeout=DEADLINE_S, check=False)
    check(result.returncode == 1 and 'none.sock' in result.stderr, result.stderr)


@case('upgrade replaces the broker, as ctl upgrade does, and asks nothing of a broker that is not there', CTL,
      needs_ledge=True, quick=False)
def _upgrade_command(context):
    served = Served(context)
    words = ('upgrade', '--socket', served.socket)
    answers = []
    upgrade(served.broker, lambda: answers.append(run_to_end(context, *words)))
    check(answers[0][0] == 0, f'{answers}')
    check(served.answer('overview')['ready'], 'the new broker is not ready')
    check(served.broker.stop() == 0, served.broker.tail())
    ended, _, complaint = run_to_end(context, *words)
    check(ended == 1 and 'cannot be reached' in complaint, f'{ended}: {complaint}')


def generated(context, *words):
    code, out, err = run_to_end(context, *words)
    check(code == 0 and not err, f'{words}: {code} {err}')
    return out


@case('groff reads both manual pages without a warning', GENERATED, needs_ledge=True, quick=False)
def _manual(context):
    need('groff')
    for section, words in (('1', 'ledgemq ctl kick'), ('5', 'inflight_max')):
        page = generated(context, 'man', section)
        # -P-cbou: plain text, without the marks of bold and underlined letters.
        result = subprocess.run(['groff', '-man', '-ww', '-Tutf8', '-P-cbou'], input=page, capture_output=True,
                                text=True, timeout=DEADLINE_S, check=False)
        check(result.returncode == 0 and not result.stderr, result.stderr[-500:])
        check(words in result.stdout, f'no {words} in section {section}')


def completed(context, *words):
    """What bash offers behind these words; the last one is the beginning of a word."""
    script = generated(context, 'completion', 'bash')
    array = ' '.join(f"'{word}'" for word in ('ledgemq', *words))
    script += f'COMP_WORDS=({array}); COMP_CWORD={len(words)}; _ledgemq; printf "%s\\n" "${{COMPREPLY[@]}}"\n'
    result = subprocess.run(['bash', '-c', script], capture_output=True, text=True, timeout=DEADLINE_S, check=False,
                            cwd=context.folder)
    check(not result.stderr, result.stderr)
    return result.stdout.split()


@case('bash completes commands, options, the only values and files', GENERATED, needs_ledge=True, quick=False)
def _bash(context):
    check(completed(context, 'ct') == ['ctl'], 'a command')
    check({'pause', 'resume', 'reconnect'} <= set(completed(context, 'ctl', 'bridges', '')), 'a command of a command')
    check(completed(context, 'sub', '--for') == ['--format'], 'an option')
    check(completed(context, 'sub', '--format', 'j') == ['json'], 'a value')
    check(completed(context, 'completion', 'z') == ['zsh'], 'the only values of a word')
    check(completed(context, 'pub', '-t', '') == [], 'a topic is nothing that a shell knows')
    name = f'{context.client_id}-name.toml'
    with open(os.path.join(context.folder, name), 'w', encoding='utf-8'):
        pass
    check(completed(context, '-c', name[:-3]) == [name], 'a file')


@case('zsh and fish accept their scripts', GENERATED, needs_ledge=True, quick=False)
def _other_shells(context):
    need('zsh', 'fish')
    for shell in ('zsh', 'fish'):
        path = os.path.join(context.folder, f'{context.client_id}.{shell}')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(generated(context, 'completion', shell))
        result = subprocess.run([shutil.which(shell), '-n', path], capture_output=True, text=True, timeout=DEADLINE_S,
                                check=False)
        check(result.returncode == 0 and not result.stderr, f'{shell}: {result.stderr}')
    script = f'complete -e -c ledgemq; source {path}; complete -C "ledgemq ctl bridges "'
    result = subprocess.run(['fish', '--no-config', '-c', script], capture_output=True, text=True, timeout=DEADLINE_S,
                            check=False)
    check({'pause', 'resume', 'reconnect'} <= {line.split('\t')[0] for line in result.stdout.splitlines()},
          f'{result.stdout} {result.stderr}')
