"""What the broker may do to the machine, and what others may do to it there: users behind Unix sockets, privileges,
memory pictures, files that change, the service's sandbox."""
import ctypes
import os
import pwd
import re
import shutil
import struct
import subprocess
import tempfile
import time

import harness
from cases_auth import passwd, write
from cases_weaknesses import connect_as, log, users
from harness import Skipped, case, check

GROUP = 'hardening'
UNIT = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'config',
                    'ledgemq.service')


def code_of(context, broker, user, password='secret'):
    raw = context.connect(broker.port)
    raw.send(connect_as(user, password))
    code = raw.read()[1][1]
    return raw, code


def waits(broker, text, count=1):
    end = time.monotonic() + harness.DEADLINE_S
    while log(broker).count(text) < count:
        check(time.monotonic() < end and broker.process.poll() is None, f'no {text}: {broker.tail()}')
        time.sleep(0.02)


@case('a changed password file is taken over without SIGHUP: who is new gets in, who is gone is told', GROUP,
      needs_ledge=True, quick=False)
def _watched(context):
    path = users(context, 'alice', 'bob')
    broker = context.start_broker(anonymous=False, settings=[f'auth.password_file={path}'])
    bob, code = code_of(context, broker, 'bob')
    check(code == 0, 'bob cannot log in')
    check(code_of(context, broker, 'dora')[1] == 0x86, 'nobody gets in')
    passwd(context, path, 'bob', '--delete')
    passwd(context, path, 'dora', '--iterations', '10', password='secret')
    waits(broker, 'policy_loaded')
    first, body = bob.read()
    check(first == 0xE0 and body[0] == 0x98, f'{first} {body.hex()}')
    check(code_of(context, broker, 'dora')[1] == 0, 'dora is not let in')
    with open(path, 'a', encoding='utf-8') as file:
        file.write('eve:secret\n')
    waits(broker, 'policy_refused')
    check(code_of(context, broker, 'dora')[1] == 0, 'a mistake has closed the broker')


@case('peer_credentials: the user of the process is the user name, whatever CONNECT says', GROUP, needs_ledge=True)
def _peer(context):
    path = os.path.join(context.folder, f'{context.client_id}.sock')
    me = pwd.getpwuid(os.geteuid()).pw_name
    acl = write(context, 'acl', f'user {me}\ntopic readwrite mine/#\nuser alice\ntopic readwrite alice/#\n')
    broker = context.start_broker(
        anonymous=False, arguments=['--listen', f'unix:{path}', '--set', 'listeners.listen-1.peer_credentials=true',
                                    '--set', f'auth.acl_file={acl}', '--set',
                                    f'auth.password_file={users(context, "alice")}'])
    waits(broker, 'ready')
    for packet in (harness.connect_packet('c', 5), connect_as('alice', 'wrong', 'c')):
        raw = context.connect(path=path)
        raw.send(packet)
        check(raw.read()[1][1] == 0, 'not let in')
        raw.send(harness.subscribe_packet('mine/#', 0, 5))
        check(raw.read()[1][-1] == 0, f'{me} has not the rights of {me}')
        raw.send(harness.subscribe_packet('alice/#', 0, 5))
        check(raw.read()[1][-1] == 0x87, 'the name in CONNECT is believed')
    check(f'user={me}' in log(broker), broker.tail())
    refused = context.start_broker(arguments=['check', '--listen', 'mqtt://127.0.0.1:1', '--set',
                                              'listeners.listen-1.peer_credentials=true'])
    check(refused.process.wait(harness.DEADLINE_S) == 2, 'taken for TCP')


def status_of(pid):
    """{name: text} of each thread."""
    result = []
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/status', encoding='ascii', errors='replace') as file:
            result.append(dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line))
    return result


@case('process.user: after binding a low port every thread is somebody else, for good, and serves on', GROUP,
      needs_ledge=True)
def _privileges(context):
    if os.geteuid() != 0:
        raise Skipped('only root has privileges to give up')
    nobody = pwd.getpwnam('nobody')
    with tempfile.TemporaryDirectory(prefix='ledgemq-priv-') as folder:
        os.chmod(folder, 0o755)
        store = os.path.join(folder, 'store')
        os.mkdir(store)
        os.chown(store, nobody.pw_uid, nobody.pw_gid)
        hidden = os.path.join(folder, 'acl')
        with open(hidden, 'w', encoding='utf-8') as file:
            file.write('topic readwrite #\n')
        os.chmod(hidden, 0o600)
        port = next((p for p in range(700, 1000) if is_free(p)), None)
        broker = context.start_broker(arguments=['--listen', f'mqtt://127.0.0.1:{port}', '--store', store, '--set',
                                                 'process.user=nobody', '--set', f'auth.acl_file={hidden}'])
        waits(broker, 'ready')
        check(f'not_reloadable file={hidden}' in log(broker), f'the hidden file is not named: {broker.tail()}')
        for status in status_of(broker.process.pid):
            check(set(status['Uid'].split()) == {str(nobody.pw_uid)}, f'Uid {status["Uid"]}')
            check(set(status['Gid'].split()) == {str(nobody.pw_gid)}, f'Gid {status["Gid"]}')
            check(not status['Groups'].strip(), f'Groups {status["Groups"]}')
            for name in ('CapPrm', 'CapEff', 'CapInh', 'CapAmb'):
                check(int(status[name], 16) == 0, f'{name} {status[name]}')
            check(status['NoNewPrivs'] == '1', 'it may gain privileges')
        check({os.stat(os.path.join(store, name)).st_uid for name in os.listdir(store)} == {nobody.pw_uid},
              'the store has files of root')
        raw = context.connect(port)
        raw.send(harness.connect_packet('c', 5, clean=False, properties=b'\x11\0\0\0\x3c'))
        check(raw.read()[0] == 0x20, 'no CONNACK')
        raw.subscribe('x', 1, 5)
        with open(hidden, 'w', encoding='utf-8') as file:
            file.write('topic deny #\n')
        waits(broker, 'policy_refused')
        check(broker.stop() == 0, broker.tail())
    for user in ('no-such-user', 'root'):
        wrong = context.start_broker(arguments=['--listen', 'mqtt://127.0.0.1:0', '--set', f'process.user={user}'])
        check(wrong.process.wait(harness.DEADLINE_S) == 2, f'{user}: started')


def is_free(port):
    try:
        harness.RawClient(port).close()
    except OSError:
        return True
    return False


@case('a listener whose address is not there yet keeps no other from serving; one in use is an error', GROUP,
      needs_ledge=True)
def _address_comes_later(context):
    port = harness.free_port()
    path = os.path.join(context.folder, 'late.toml')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'[listeners.late]\nurl = "mqtt://192.0.2.1:{port}"\n'
                   f'[listeners.here]\nurl = "mqtt://127.0.0.1:{port}"\nallow_anonymous = true\n')
    broker = context.start_broker(arguments=['-c', path])
    broker.wait_for_port(port)
    context.connect(port).open('here')
    check(f'listener_waits address=192.0.2.1:{port}' in broker.tail(), broker.tail())
    second = context.run([context.options.broker, '-c', path])
    code, _ = second.finish()
    check(code == 1 and 'Address already in use' in second.errors(), f'{code}: {second.errors()}')


@case('no picture of the memory: no core dumps, not to be traced, unless process.core_dumps says so', GROUP,
      needs_ledge=True)
def _dumps(context):
    for setting, wanted in ((), '0'), (('process.core_dumps=true',), None):
        broker = context.start_broker(settings=setting)
        with open(f'/proc/{broker.process.pid}/limits', encoding='ascii') as file:
            core = next(line.split()[4:6] for line in file if line.startswith('Max core file size'))
        if wanted is not None:
            check(core == ['0', '0'], f'core dumps of {core}')
        owner = os.stat(f'/proc/{broker.process.pid}/environ').st_uid  # of root when it is not dumpable
        if os.geteuid() != 0:
            check((owner == 0) == (wanted is not None), f'owner {owner}')


@case('check --strict: a warning is a failure; without it a warning is told', GROUP, needs_ledge=True)
def _strict(context):
    def run(*more):
        result = subprocess.run([context.options.broker, 'check', *more], capture_output=True, check=False,
                                timeout=harness.DEADLINE_S, text=True)
        return result.returncode, result.stdout

    safe = ['--listen', 'mqtt://127.0.0.1:1883']
    open_to_all = ['--listen', 'mqtt://0.0.0.0:1883', '--allow-anonymous']
    check(run(*safe, '--strict')[0] == 0, run(*safe, '--strict')[1])
    code, text = run(*open_to_all)
    check(code == 0 and 'warning: everybody who reaches mqtt://0.0.0.0:1883' in text, text)
    check(run(*open_to_all, '--strict')[0] == 1, 'a warning is no failure')
    if os.geteuid() == 0:
        check('warning: the broker runs as root' in text, text)
        text = run(*open_to_all, '--set', 'process.user=nobody')[1]
        check('runs as root' not in text, text)


@case('a private key: warnings of its mode and of a certificate that ends soon or has ended', GROUP, needs_ledge=True)
def _keys(context):
    if shutil.which('openssl') is None:
        raise Skipped('needs openssl')
    key, certificate = (os.path.join(context.folder, f'{context.client_id}.{end}') for end in ('key', 'pem'))

    def warnings(days, mode, owner=0):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                        '-nodes', '-keyout', key, '-out', certificate, '-subj', '/CN=x', '-days', str(days)],
                       check=True, capture_output=True)
        os.chmod(key, mode)
        if os.geteuid() == 0:
            os.chown(key, owner, 0)
        result = subprocess.run(
            [context.options.broker, 'check', '--listen', 'mqtts://127.0.0.1:1', '--set',
             f'listeners.listen-1.tls.certificate={certificate}', '--set', f'listeners.listen-1.tls.key={key}', '--set',
             'listeners.listen-1.allow_anonymous=true'], capture_output=True, check=False, text=True)
        check(result.returncode == 0, result.stderr)
        return re.findall('^warning: (.*)$', result.stdout, re.M)

    check(warnings(30, 0o600) == [], f'{warnings(30, 0o600)}')
    for days, mode, owner, words in ((30, 0o644, 0, 'everybody on this machine may read the key'),
                                     (30, 0o640, 65534, 'the group of the key'),
                                     (30, 0o620, 0, 'others than its owner may write the key'),
                                     (13, 0o600, 0, 'expires within 14 days')):
        if owner and os.geteuid() != 0:
            continue
        found = warnings(days, mode, owner)
        check(len(found) == 1 and words in found[0], f'{days} {mode:o}: {found}')
    if os.geteuid() == 0:
        check(warnings(30, 0o640) == [], 'a key that root gives to a group is warned of')


@case('systemd-analyze finds the service no more exposed than 2.0', GROUP, needs_ledge=True, quick=False)
def _exposure(context):
    if shutil.which('systemd-analyze') is None:
        raise Skipped('needs systemd-analyze (package systemd)')
    result = subprocess.run(['systemd-analyze', 'security', '--offline=true', '--no-pager', UNIT], capture_output=True,
                            check=False, text=True, timeout=harness.DEADLINE_S)
    found = re.search(r'Overall exposure level for .*: ([0-9.]+)', result.stdout)
    if not found:
        raise Skipped(f'this systemd-analyze judges no files: {result.stderr.strip()[:100]}')
    check(float(found[1]) <= 2.0, f'exposure {found[1]}')
    verified = subprocess.run(['systemd-analyze', 'verify', '--man=no', UNIT], capture_output=True, check=False,
                              text=True, timeout=harness.DEADLINE_S)
    unknown = [line for line in verified.stderr.splitlines() if 'ledgemq.service' in line and 'Unknown' in line]
    check(not unknown, f'{unknown}')


# ---------------------------------------------------------------------------------------------------------------------
# The service's filter of system calls, without a service manager

def calls_of(group, seen=None):
    """The names in a group of systemd's, with those it refers to."""
    seen = set() if seen is None else seen
    text = subprocess.run(['systemd-analyze', 'syscall-filter', '--no-pager', group], capture_output=True, check=True,
                          text=True).stdout
    names = set()
    for word in re.findall(r'^    (@?[a-z0-9_-]+)$', text, re.M):
        if word.startswith('@') and word not in seen:
            seen.add(word)
            names |= calls_of(word, seen)
        elif not word.startswith('@'):
            names.add(word)
    return names


def numbers_of_calls():
    for path in ('/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h'):
        if os.path.exists(path):
            with open(path, encoding='ascii') as file:
                return {name: int(number) for name, number in re.findall(r'#define __NR_(\w+) (\d+)', file.read())}
    raise Skipped('the numbers of the system calls are known for x86-64 with its headers only')


def filter_program(allowed):
    """A classic BPF program: these numbers pass, the others fail with EPERM."""
    def step(code, then, otherwise, value):
        return struct.pack('HBBI', code, then, otherwise, value)

    load, equal, give = 0x20, 0x15, 0x06
    program = step(load, 0, 0, 0)  # seccomp_data.nr
    for number in sorted(allowed):
        program += step(equal, 0, 1, number) + step(give, 0, 0, 0x7FFF0000)
    return program + step(give, 0, 0, 0x00050000 | 1)


def install(program):
    class Program(ctypes.Structure):
        _fields_ = [('size', ctypes.c_ushort), ('steps', ctypes.c_char_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    steps = Program(len(program) // 8, program)

    def before_exec():
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        if libc.prctl(22, 2, ctypes.byref(steps), 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
            os._exit(99)

    return before_exec


@case('the broker serves, keeps and reloads under the service\'s filter of system calls', GROUP, needs_ledge=True,
      quick=False)
def _filter(context):
    if shutil.which('systemd-analyze') is None or os.uname().machine != 'x86_64':
        raise Skipped('needs systemd-analyze (package systemd) on x86-64')
    with open(UNIT, encoding='utf-8') as file:
        lines = re.findall(r'^SystemCallFilter=(~?)(.*)$', file.read(), re.M)
    names = calls_of('@default')
    for sign, groups in lines:
        listed = set().union(*(calls_of(group) if group.startswith('@') else {group} for group in groups.split()))
        names = names - listed if sign else names | listed
    numbers = numbers_of_calls()
    allowed = {numbers[name] for name in names if name in numbers}
    check(len(allowed) > 150 and numbers['reboot'] not in allowed and numbers['setuid'] not in allowed, 'the filter')
    port = harness.free_port()
    path = users(context, 'alice')
    child = context.run([context.options.broker, '--listen', f'mqtt://127.0.0.1:{port}', '--store',
                         os.path.join(context.folder, f'{context.client_id}-store'), '--set',
                         f'auth.password_file={path}', '--allow-anonymous'],
                        preexec_fn=install(filter_program(allowed)))
    end = time.monotonic() + harness.DEADLINE_S
    while 'ready' not in child.errors():
        check(child.process.poll() is None and time.monotonic() < end, f'not ready: {child.errors()}')
        time.sleep(0.02)
    with open(f'/proc/{child.process.pid}/status', encoding='ascii') as file:
        check('Seccomp:\t2' in file.read(), 'no filter is in force')
    for name in ('one', 'two'):
        raw = context.connect(port)
        raw.send(connect_as('alice', 'secret', name, keep=True))
        check(raw.read()[1][1] == 0, 'alice cannot log in')
        raw.subscribe(name, 1, 5)
        raw.send(harness.packet(0x33, harness.prefixed(name) + b'\0\1\0m'))
        check({raw.read()[0] & 0xF0, raw.read()[0] & 0xF0} == {0x30, 0x40}, 'no message and PUBACK')
        raw.close()
        child.signal(1)
    child.signal(15)
    check(child.finish()[0] == 0, child.errors())
