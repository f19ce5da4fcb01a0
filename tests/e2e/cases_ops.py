"""What an operator sees of a broker beside its pages: log files and their rotation, syslog, drop-in files of the
configuration, and values from the environment and from files."""
import os
import re
import shutil
import socket
import stat
import subprocess
import time

from harness import DEADLINE_S, Broker, Skipped, await_log_line, case, check, free_port

GROUP = 'ops'


def broker_with_log(context, *settings):
    """A broker whose log goes elsewhere. Its lines up to `ready` are on standard error too."""
    broker = Broker(context.options.broker, context.folder, settings=settings)
    context._children.append(broker)
    broker.log_line(' info ready ')
    return broker


def refuse_one(context, broker):
    """One connection that the broker refuses, with a line of the log."""
    raw = context.connect(broker.port)
    raw.send(b'\xf3\x00')
    check(raw.receive() == b'', 'a reserved packet was answered')
    raw.close()


def text_of(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


@case('logrotate renames or cuts the log file, and every line stands whole in one of the files', GROUP,
      needs_ledge=True, quick=False)
def _logrotate(context):
    logrotate = shutil.which('logrotate', path='/usr/sbin:/usr/bin:/sbin')
    if logrotate is None:
        raise Skipped('logrotate is not installed')
    for way in ('create 0640', 'copytruncate'):
        folder = os.path.join(context.folder, way.split()[0])
        os.mkdir(folder, 0o750)
        log = os.path.join(folder, 'ledgemq.log')
        broker = broker_with_log(context, 'log.target=file', f'log.file={log}')
        check(stat.S_IMODE(os.stat(log).st_mode) == 0o640, oct(os.stat(log).st_mode))
        refuse_one(context, broker)
        await_log_line(log, ' connection_refused ')
        rules = os.path.join(folder, 'rules')
        with open(rules, 'w', encoding='utf-8') as file:
            file.write(f'{log} {{\n rotate 3\n {way}\n}}\n')
        subprocess.run([logrotate, '--force', '--state', os.path.join(folder, 'state'), rules], check=True,
                       timeout=20, capture_output=True)
        refuse_one(context, broker)
        await_log_line(log, ' connection_refused ')
        check(broker.stop() == 0, 'exit status')
        # No signal was needed: the last line is in the new file, those before the rotation in the old one.
        text = text_of(log)
        check(text.count('\n') == text.count(' info ') and ' info stopped' in text and '\0' not in text, text)
        check(' info ready ' in text_of(log + '.1'), text_of(log + '.1'))
        check(' stopped' not in broker.tail(), 'lines after `ready` are on standard error')


@case('SIGHUP closes a renamed log file although no line comes', GROUP, needs_ledge=True, quick=False)
def _hang_up(context):
    log = os.path.join(context.folder, 'ledgemq.log')
    broker = Broker(context.options.broker, context.folder,
                    settings=('log.target=file', f'log.file={log}', 'log.level=error'))
    context._children.append(broker)
    context.connect(broker.port).open('running')  # an answer proves that the handler of SIGHUP is in place
    os.rename(log, log + '.1')
    broker.signal(1)
    end = time.monotonic() + DEADLINE_S
    while not os.path.exists(log):
        check(time.monotonic() < end, 'the log file was not opened again')
        time.sleep(0.01)
    check(broker.stop() == 0, 'exit status')


@case('a log file in a folder that does not exist ends the start with the reason and the remedy', GROUP,
      needs_ledge=True, quick=False)
def _no_folder(context):
    log = os.path.join(context.folder, 'missing', 'ledgemq.log')
    done = subprocess.run([context.options.broker, '--set', 'log.target=file', '--set', f'log.file={log}'],
                          capture_output=True, text=True, timeout=20, check=False)
    check(done.returncode == 1 and f'the log file {log} cannot be opened' in done.stderr and
          'create the folder' in done.stderr, f'{done.returncode} {done.stderr}')
    status, text, _ = ask(context, 'check', '--strict', '--set', 'log.target=file', '--set', f'log.file={log}')
    check(status == 1 and f'warning: the log file {log} cannot be created again after a rotation' in text, text)


@case('lines go to syslog as datagrams, and wait for a syslog daemon that is restarted', GROUP, needs_ledge=True,
      quick=False)
def _syslog(context):
    path = os.path.join(context.folder, 'log')

    def daemon():
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.settimeout(20)
        listener.bind(path)
        return listener

    def next_of(listener, event):
        while True:
            line = listener.recv(4096).decode()
            if f' {event}' in line:
                return line

    first = daemon()
    broker = broker_with_log(context, 'log.target=syslog', f'log.syslog_socket={path}', 'log.facility=local1')
    line = next_of(first, 'ready')
    # local1 = 17, info = 6: 17 * 8 + 6.
    check(line.startswith('<142>') and f' ledgemq[{broker.process.pid}]: info ready ' in line, line)
    refuse_one(context, broker)
    next_of(first, 'connection_refused')
    first.close()
    os.remove(path)
    refuse_one(context, broker)
    second = daemon()
    next_of(second, 'connection_refused')
    broker.signal(15)
    next_of(second, 'stopped')
    check(broker.process.wait(20) == 0, 'exit status')
    second.close()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def ask(context, *arguments):
    """A command of the broker that prints an answer and ends: exit status, standard output, standard error."""
    done = subprocess.run([context.options.broker, *arguments], capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


@case('drop-in files override and add, say where each value stands, and are read again at SIGHUP', GROUP,
      needs_ledge=True, quick=False)
def _drop_ins(context):
    main = os.path.join(context.folder, 'main.toml')
    drop_in = os.path.join(context.folder, 'conf.d', '50-limits.toml')
    port = free_port()
    write(main, 'include = ["conf.d/*.toml"]\n[limits]\ninflight_max = 5\n')
    write(drop_in, '[limits]\ninflight_max = 7\n')
    write(os.path.join(context.folder, 'conf.d', '60-lan.toml'), f'[listeners.lan]\nurl = "mqtt://127.0.0.1:{port}"\n')
    status, text, _ = ask(context, '--print-config', '-c', main)
    check(status == 0 and f'inflight_max = 7  # {drop_in}:2\n' in text, text[:300])
    status, text, _ = ask(context, 'explain', 'limits.inflight_max', '-c', main)
    check(status == 0 and text == f'limits.inflight_max = 7\nset at {drop_in}:2\n', text)
    broker = Broker(context.options.broker, context.folder, ['-c', main])
    context._children.append(broker)
    broker.log_line(' info ready ')
    broker.wait_for_port(port)
    write(drop_in, '[limits]\ninflight_maxx = 9\n')
    broker.signal(1)
    broker.log_line(re.escape(f'configuration_refused reason="{drop_in}:2: key \'limits.inflight_maxx\' is unknown; '
                              f'did you mean \'limits.inflight_max\'?"'))
    write(drop_in, '[limits]\ninflight_max = 9\n')
    broker.signal(1)
    broker.log_line('limits_changed keys=limits.inflight_max')
    write(main, 'include = ["gone.toml"]\n')
    broker.signal(1)
    broker.log_line(f'configuration_refused reason="{re.escape(main)}:1: .*gone.toml.*No such file')
    check(broker.stop() == 0, 'exit status')


@case('values come from the environment and from files, and no answer, log line or command line shows them', GROUP,
      needs_ledge=True, quick=False)
def _references(context):
    main = os.path.join(context.folder, 'main.toml')
    secret = os.path.join(context.folder, 'secret')
    port = free_port()
    write(secret, 'Kx7-very-secret-Kx7\n')
    write(main, '[listeners.lan]\nurl = "mqtt://127.0.0.1:${env:LEDGE_E2E_PORT}"\n[broker]\n'
                f'response_information_prefix = "${{file:{secret}}}"\n')
    status, _, errors = ask(context, 'check', main)
    check(status == 2 and f"{main}:2: key 'listeners.lan.url' needs the environment variable LEDGE_E2E_PORT" in errors,
          f'{status} {errors}')
    os.environ['LEDGE_E2E_PORT'] = str(port)
    try:
        status, text, errors = ask(context, '--print-config', '-c', main)
        check(status == 0 and 'Kx7' not in text + errors, text[:300] + errors)
        check(f'= "${{file:{secret}}}"  # {main}:4\n' in text, text[:300])
        broker = Broker(context.options.broker, context.folder, ['-c', main])
        context._children.append(broker)
        broker.log_line(' info ready ')
        broker.wait_for_port(port)
        os.remove(secret)
        broker.signal(1)
        key = "configuration_refused reason=.*main.toml:4: key 'broker.response_information_prefix'"
        broker.log_line(f'{key} needs a file')
        write(secret, 'Kx7-another-secret-Kx7' + 'x' * 2000)
        broker.signal(1)
        broker.log_line(f'{key} is longer')
        with open(f'/proc/{broker.process.pid}/cmdline', 'rb') as file:
            check(b'Kx7' not in file.read(), 'the command line shows a secret')
        check(broker.stop() == 0, 'exit status')
        check('Kx7' not in broker.tail(), broker.tail())
    finally:
        del os.environ['LEDGE_E2E_PORT']
