"""Users, passwords and topic rights: files of mosquitto's making, mosquitto's clients, and mosquitto itself as the
judge of what the files mean."""
import os
import shutil
import signal
import subprocess
import time

import harness
from harness import Skipped, case, check

GROUP = 'users and rights'
VERSIONS = {'3.1.1': 'mqttv311', '5': 'mqttv5'}
USERS = {'alice': 'secret', 'bob': 'p\u00e4 ss:word$', 'carol': 'old'}
TOPICS = ['plant/1', 'plant/secret/x', 'public/x', 'devices/alice/x', 'devices/bob/x', 'devices/c-bob/y', 'other',
          'a/b/c', 'two words/x', 'read']
ACL = """# clients without a name
topic read public/#
user alice
topic readwrite plant/#
topic deny plant/secret/#
topic read public/#
user bob
topic write plant/#
topic readwrite two words/x
topic read a/+/c

user carol
topic #
topic deny public/#
pattern readwrite devices/%u/#
pattern write devices/%c/+
pattern deny read
"""


def write(context, name, text):
    path = os.path.join(context.folder, f'{context.client_id}-{name}')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, 0o600)
    return path


def mosquitto_passwords(context):
    """A file made by mosquitto_passwd, with both kinds of hash."""
    path = write(context, 'users', '')
    for user, password in USERS.items():
        kind = ['-H', 'sha512'] if user == 'carol' else []
        subprocess.run(['mosquitto_passwd', *kind, '-b', path, user, password], check=True, capture_output=True)
    return path


def passwd(context, *arguments, password=None):
    command = [context.options.broker, 'passwd', *arguments]
    given = None if password is None else password.encode() + b'\n'
    return subprocess.run(command, input=given, stdin=subprocess.DEVNULL if given is None else None,
                          capture_output=True, timeout=harness.DEADLINE_S, check=False)


def start(context, users=None, acl=None, **options):
    settings = [f'auth.password_file={users}'] if users else []
    settings += [f'auth.acl_file={acl}'] if acl else []
    return context.start_broker(settings=settings, **options)


def client(tool, port, user, version='5'):
    command = ['stdbuf', '-oL', tool, '-h', '127.0.0.1', '-p', str(port), '-V', VERSIONS[version]]
    return command + (['-u', user, '-P', USERS.get(user, 'none'), '-i', f'c-{user}'] if user else ['-i', 'c-'])


def publish(context, port, user, topic, *more, version='5'):
    child = context.run([*client('mosquitto_pub', port, user, version), '-t', topic, '-q', '1', *more])
    return child.finish()[0], child.errors()


@case('what mosquitto_passwd wrote logs in, what is wrong does not, 3.1.1 and 5 are told in their way', GROUP,
      needs_ledge=True)
def _logins(context):
    broker = start(context, mosquitto_passwords(context), anonymous=False)
    for version, wrong_code in (('3.1.1', 4), ('5', 134)):
        for user in USERS:
            code, errors = publish(context, broker.port, user, 'x', '-m', '1', version=version)
            check(code == 0, f'{user} is not let in: {errors}')
        base = ['mosquitto_pub', '-h', '127.0.0.1', '-p', broker.port, '-V', VERSIONS[version], '-t', 'x', '-m', '1']
        for wrong in (['-u', 'alice', '-P', 'Secret'], ['-u', 'eve', '-P', 'x'], ['-u', 'alice']):
            child = context.run([*base, *wrong])
            check(child.finish()[0] == wrong_code, f'{wrong}: {child.process.returncode}, expected {wrong_code}')
        child = context.run(base)
        check(child.finish()[0] == (5 if version == '3.1.1' else 135), f'anonymous: {child.process.returncode}')


@case('ledgemq passwd sets, verifies, removes; mosquitto takes what it wrote', GROUP,
      needs_ledge=True)
def _passwd(context):
    path = os.path.join(context.folder, 'made')
    check(passwd(context, path, 'alice', '--iterations', '1000', password='secret').returncode == 0, 'set')
    check(passwd(context, path, 'bob', '--iterations', '1000', password='one').returncode == 0, 'set another')
    check(passwd(context, path, 'bob', '--iterations', '1000', password='two').returncode == 0, 'set again')
    check(os.stat(path).st_mode & 0o777 == 0o600, 'the file is readable by others')
    check(passwd(context, path, 'alice', '--verify', password='secret').returncode == 0, 'verify')
    check(passwd(context, path, 'bob', '--verify', password='one').returncode == 1, 'the former password is right')
    check(passwd(context, path, 'eve', '--delete').returncode == 1, 'nobody was removed')
    check(passwd(context, path, 'a:b', password='x').returncode == 2, 'a:b was taken as a name')
    check(passwd(context, path, 'eve', password='').returncode == 1, 'an empty password was taken')
    check(passwd(context, path, 'bob', '--delete').returncode == 0, 'delete')
    with open(path, encoding='utf-8') as file:
        lines = file.read().splitlines()
    check(len(lines) == 1 and lines[0].startswith('alice:$7$1000$'), f'the file has {lines}')
    port = start_mosquitto(context, path, None)
    code, errors = publish(context, port, 'alice', 'x', '-m', '1')
    check(code == 0, f'mosquitto refuses alice: {errors}')


def start_mosquitto(context, users, acl):
    mosquitto = shutil.which('mosquitto') or '/usr/sbin/mosquitto'
    if not os.path.exists(mosquitto):
        raise Skipped('needs Debian\'s mosquitto as the judge')
    port = harness.free_port()
    text = f'listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npassword_file {users}\n'
    child = context.run([mosquitto, '-c', write(context, 'judge.conf', text + (f'acl_file {acl}\n' if acl else ''))])
    end = time.monotonic() + harness.DEADLINE_S
    while True:
        check(child.process.poll() is None, f'mosquitto ended: {child.errors()}')
        try:
            harness.RawClient(port).close()
            return port
        except OSError:
            check(time.monotonic() < end, 'mosquitto never accepted')
            time.sleep(0.02)


def observe(context, port):
    """{reader: [(topic, writer)]}: who got what when everybody subscribed to # and published to every topic."""
    readers = {}
    for user in ['', *USERS]:
        child = context.run([*client('mosquitto_sub', port, user), '-i', f'r-{user}', '-q', '1', '-d', '-t', '#', '-F',
                             'MSG %t|%p'])
        child.line(r'^Subscribed \(mid')
        readers[user] = child
    for writer in ['', *USERS]:
        for topic in TOPICS:
            publish(context, port, writer, topic, '-m', writer or 'nobody')
    end = client('mosquitto_pub', port, 'carol')
    for topic in ('public/end', 'plant/end', 'devices/bob/end', 'end'):
        context.run([*end, '-t', topic, '-q', '1', '-m', 'end']).finish()
    got = {}
    for user, child in readers.items():
        child.signal(signal.SIGINT)
        out = child.lines + child.finish()[1].splitlines()
        got[user] = sorted(line for line in out if line.startswith('MSG '))
    return got


@case('an ACL file means to LedgeMQ what it means to mosquitto', GROUP, needs_ledge=True, quick=False)
def _same_as_mosquitto(context):
    users, acl = mosquitto_passwords(context), write(context, 'acl', ACL)
    expected = observe(context, start_mosquitto(context, users, acl))
    got = observe(context, start(context, users, acl).port)
    for user, messages in expected.items():
        check(got[user] == messages, f'{user or "nobody"}: mosquitto delivers {messages}, LedgeMQ {got[user]}')
    check(sum(map(len, expected.values())) > 10, 'nothing was delivered')


@case('a refused publication and subscription: 0x87 for version 5, acknowledged and 0x80 for 3.1.1', GROUP,
      needs_ledge=True)
def _refusals(context):
    broker = start(context, acl=write(context, 'acl', 'topic read public/#\n'))
    raw = context.connect(broker.port)
    raw.open('five', 5)
    raw.send(harness.subscribe_packet('plant/#', 1, 5))
    check(raw.read()[1][-1] == 0x87, 'SUBACK')
    raw.send(harness.packet(0x32, harness.prefixed('plant/x') + b'\0\1\0x'))
    first, body = raw.read()
    check(first == 0x40 and body[2] == 0x87, f'PUBACK {body.hex()}')
    old = context.connect(broker.port)
    old.open('three')
    old.send(harness.subscribe_packet('plant/#', 1))
    check(old.read()[1][-1] == 0x80, 'SUBACK')
    old.send(harness.packet(0x32, harness.prefixed('plant/x') + b'\0\1x'))
    check(old.read() == (0x40, b'\0\1'), 'PUBACK')
    check('rule="' in broker.tail() and 'acl (no rule)' in broker.tail(), f'no rule in the log: {broker.tail()}')


@case('SIGHUP: users and rights change at once, a mistake changes nothing and is logged', GROUP, needs_ledge=True)
def _reload(context):
    users, acl = mosquitto_passwords(context), write(context, 'acl', 'topic read public/#\nuser alice\ntopic #\n')
    broker = start(context, users, acl, anonymous=False)
    child = context.run([*client('mosquitto_sub', broker.port, 'alice'), '-t', '#', '-d'])
    child.line(r'^Subscribed \(mid')

    def reload(event):
        broker.signal(signal.SIGHUP)
        end = time.monotonic() + harness.DEADLINE_S
        while event not in broker.tail():
            check(time.monotonic() < end, f'no {event}: {broker.tail()}')
            time.sleep(0.02)

    write(context, 'acl', 'topic read public/#\nuser alice\ntopic rw #\n')
    reload(':3: the line has an access other than')
    code, errors = publish(context, broker.port, 'alice', 'x', '-m', '1')
    check(code == 0, f'the old users are not in force: {errors}')
    write(context, 'acl', 'user bob\ntopic #\n')
    check(passwd(context, users, 'dora', '--iterations', '10', password='none').returncode == 0, 'passwd')
    reload('policy_loaded')
    child.line('DISCONNECT')
    check(publish(context, broker.port, 'dora', 'x', '-m', '1')[0] == 0, 'dora is not let in')
    check(passwd(context, users, 'dora', '--delete').returncode == 0, 'passwd')
    reload('users=3')
    check(publish(context, broker.port, 'dora', 'x', '-m', '1')[0] != 0, 'dora is still let in')


@case('mistakes in the files end the start with file, line and exit code 2; check warns of open files', GROUP,
      needs_ledge=True)
def _mistakes(context):
    def check_with(*settings):
        command = [context.options.broker, 'check', *[part for s in settings for part in ('--set', s)]]
        done = subprocess.run(command, capture_output=True, timeout=harness.DEADLINE_S, check=False, text=True)
        return done.returncode, done.stdout + done.stderr

    users = write(context, 'users', 'alice:secret\n')
    code, text = check_with(f'auth.password_file={users}')
    check(code == 2 and f'{users}:1: the line has no hash' in text, text)
    acl = write(context, 'acl', 'topic read a\ntopics b\n')
    code, text = check_with(f'auth.acl_file={acl}')
    check(code == 2 and f'{acl}:2: the line begins with neither' in text, text)
    code, text = check_with('auth.acl_file=/nonexistent')
    check(code == 2 and 'cannot be opened' in text, text)
    users = mosquitto_passwords(context)
    os.chmod(users, 0o644)
    code, text = check_with(f'auth.password_file={users}')
    check(code == 0 and 'can read the password hashes' in text and 'users: 3' in text, text)
    os.chmod(users, 0o602)
    code, text = check_with(f'auth.password_file={users}')
    check(code == 2 and 'can write the file' in text, text)
    code, text = check_with('listeners.wan.url=mqtt://0.0.0.0:1', 'listeners.wan.allow_anonymous=true')
    check(code == 0 and 'everybody who reaches mqtt://0.0.0.0:1' in text, text)


@case('ledgemq explain names the rule', GROUP, needs_ledge=True)
def _explain(context):
    users, acl = mosquitto_passwords(context), write(context, 'acl', ACL)
    configuration = write(context, 'toml', f'[auth]\npassword_file = "{users}"\nacl_file = "{acl}"\n')

    def explain(*question):
        command = [context.options.broker, 'explain', *question, '-c', configuration]
        done = subprocess.run(command, capture_output=True, timeout=harness.DEADLINE_S, check=False, text=True)
        return done.returncode, (done.stdout + done.stderr).split('\n')[0]

    for question, expected in (
            (['user=alice', 'client=c', 'publish', 'plant/1'], (0, f'allowed: {acl}:4 (topic readwrite plant/#)')),
            (['user=alice', 'subscribe', 'plant/secret/+'], (1, f'denied: {acl}:5 (topic deny plant/secret/#)')),
            (['user=bob', 'client=7', 'publish', 'devices/7/x'],
             (0, f'allowed: {acl}:16 (pattern write devices/%c/+)')),
            (['receive', 'plant/1'], (1, f'denied: {acl} (no rule)')),
            (['user=eve', 'publish', 'x'], (1, 'denied: user eve is not in the password file and cannot log in'))):
        check(explain(*question) == expected, f'{question}: {explain(*question)}')
    check(explain('publish', 'a/#')[0] == 2 and explain('fly', 'a')[0] == 2, 'a wrong question')


@case('while passwords are guessed, others log in, and the guesser is refused without a look', GROUP, needs_ledge=True)
def _guessing(context):
    path = os.path.join(context.folder, 'costly')
    check(passwd(context, path, 'alice', '--iterations', '20000', password='secret').returncode == 0, 'set')
    broker = start(context, path, anonymous=False)

    def connect(password, source='127.0.0.1'):
        raw = harness.RawClient(broker.port, source=source)
        body = harness.prefixed('MQTT') + b'\x04\xc2\0\0' + b''.join(
            map(harness.prefixed, ['', 'alice', password]))
        raw.send(harness.packet(0x10, body))
        return raw

    codes = []
    for _ in range(500):  # from 20 sockets at once
        guesses = [connect('guess') for _ in range(20)]
        for raw in guesses:
            codes.append(raw.read()[1][-1])
            raw.close()
    check(codes.count(4) == 20 and codes.count(3) == 9_980, f'{codes.count(4)} wrong, {codes.count(3)} blocked')
    other = connect('secret', '127.0.0.2')
    check(other.read()[1][-1] == 0, 'another address is not let in')
    other.close()
    check('login_blocked' in ''.join(open(broker.log, encoding='utf-8')), 'no word in the log')
