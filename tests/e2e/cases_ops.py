"""What an operator sees of a broker beside its pages: log files and their rotation, syslog, drop-in files of the
configuration, and values from the environment and from files."""
import os
import shutil
import socket
import stat
import subprocess
import time

from harness import DEADLINE_S, Broker, Skipped, await_log_line, case, check

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
