"""`ledgemq pub` and `ledgemq sub`: with our broker and Debian's mosquitto, over every transport, as scripts do."""
import json
import os
import pty
import signal
import subprocess
import time

from cases_broker import run_to_end
from cases_tls import Served, authority
from harness import DEADLINE_S, Broker, case, check, free_port
from upstreams import need
from websocket import start_broker as start_web_broker

CLI = 'pub and sub'
REFUSED, USAGE, TIMEOUT = 1, 2, 27


def url_of(port):
    return f'mqtt://127.0.0.1:{port}'


def publish(context, *arguments, url=None, expected=0, **options):
    """`ledgemq pub` to its end; its standard error."""
    command = [context.options.broker, 'pub', '--url', url or url_of(context.port), '-t', context.topic, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False, **options)
    check(result.returncode == expected, f'pub {arguments} ended with {result.returncode}: {result.stderr}')
    check(result.stdout == '', f'pub printed {result.stdout!r}')
    return result.stderr


def subscribe(context, *arguments, url=None, **options):
    """A `ledgemq sub` whose subscription the broker has acknowledged."""
    command = [context.options.broker, 'sub', '--url', url or url_of(context.port), '-t', context.topic, '--verbose',
               '--timeout', str(DEADLINE_S), *arguments]
    child = context.run(command, **options)
    end = time.monotonic() + DEADLINE_S
    while 'subscribed' not in child.errors():
        check(child.process.poll() is None and time.monotonic() < end, f'not subscribed: {child.errors()}')
        time.sleep(0.01)
    return child


def finished(child, code, out):
    ended, printed = child.finish()
    check((ended, printed) == (code, out), f'{ended} {printed!r}, expected {code} {out!r}: {child.errors()}')


def round_trip(context, url, *more):
    """One message there and back for each QoS."""
    for qos in '012':
        child = subscribe(context, '-q', qos, '--count', '1', *more, url=url)
        publish(context, '-q', qos, '-m', f'hello {qos}', *more, url=url)
        finished(child, 0, f'{context.topic} hello {qos}\n')


@case('a message of each QoS and version comes through, and --count ends the subscriber', CLI, needs_ledge=True)
def _round_trip(context):
    round_trip(context, url_of(context.port))
    round_trip(context, url_of(context.port), '--version', '3.1.1')


@case("pub and sub work with Debian's mosquitto in both versions", CLI, needs_ledge=True, quick=False)
def _mosquitto(context):
    need('mosquitto')
    path = '/usr/sbin/mosquitto'
    stranger = Broker(path, context.folder)
    context.adopt(stranger)
    round_trip(context, url_of(stranger.port))
    round_trip(context, url_of(stranger.port), '--version', '3.1.1')


@case('TLS: the authority decides, --insecure does not ask it, and a client certificate is shown', CLI,
      needs_ledge=True)
def _tls(context):
    ca = authority(context)
    served = Served(context, more=f'ca = "{ca.certificate}"\nclient_certificate = "optional"\n')
    url = f'mqtts://localhost:{served.port}'
    round_trip(context, url, '--ca', ca.certificate)
    publish(context, '-m', 'x', '-q', '1', '--ca', ca.certificate, '--cert', ca.path('client.pem'), '--key',
            ca.path('client.key'), url=url)
    told = publish(context, '-m', 'x', '--ca', ca.path('client.pem'), url=url, expected=REFUSED)
    check('TLS' in told, told)
    told = publish(context, '-m', 'x', '--ca', '/nowhere', url=url, expected=USAGE)
    check('/nowhere' in told, told)
    told = publish(context, '-m', 'x', '-q', '1', '--insecure', url=url)
    check('warning' in told, told)


@case('WebSocket and a Unix socket', CLI, needs_ledge=True)
def _web(context):
    broker = start_web_broker(context)
    round_trip(context, f'ws://127.0.0.1:{broker.ws_port}/mqtt')
    told = publish(context, '-m', 'x', url=f'ws://127.0.0.1:{broker.ws_port}/other', expected=REFUSED)
    check('WebSocket' in told, told)
    path = os.path.join(context.folder, f'{context.client_id}.sock')
    local = context.start_broker(arguments=['--listen', f'unix:{path}'])
    local.log_line(' ready ')
    round_trip(context, f'unix:{path}')


@case('the properties of MQTT 5 arrive, and JSON has them all', CLI, needs_ledge=True)
def _properties(context):
    child = subscribe(context, '--count', '2', '--format', 'json')
    publish(context, '-m', '{"on":true}', '-q', '1', '--content-type', 'application/json', '--response-topic',
            'answers', '--correlation-data', 'id', '--user-property', 'a=1', '--user-property', 'a=2', '--expiry', '60')
    publish(context, '-f', '-', input='\xff')
    code, out = child.finish()
    first, second = (json.loads(line) for line in out.splitlines())
    expires = first.pop('expires_in_s')
    check(code == 0 and 58 <= expires <= 60, f'{code} {expires}')
    check(first == {'topic': context.topic, 'payload': '{"on":true}', 'qos': 0, 'retain': False,
                    'content_type': 'application/json', 'response_topic': 'answers', 'correlation_data_base64': 'aWQ=',
                    'user_properties': [['a', '1'], ['a', '2']]}, str(first))
    check(second['payload'] == '\xff', str(second))


@case('retained messages: --retained-only, --no-retained and -n, which deletes', CLI, needs_ledge=True)
def _retained(context):
    publish(context, '-m', 'kept', '-r', '-q', '1')
    url = url_of(context.port)
    child = subscribe(context, '--retained-only', '--format', 'payload')
    publish(context, '-m', 'new', '-q', '1')
    finished(child, 0, 'kept\n')
    for version in ('5', '3.1.1'):
        child = subscribe(context, '--no-retained', '--count', '1', '--version', version, url=url)
        publish(context, '-m', 'new', '-q', '1')
        finished(child, 0, f'{context.topic} new\n')
    publish(context, '-n', '-r', '-q', '1')
    code, out, err = run_to_end(context, 'sub', '--url', url, '-t', context.topic, '--timeout', '0.2')
    check((code, out) == (TIMEOUT, '') and 'timeout' in err, f'{code} {out!r} {err}')


@case('lines of standard input, files and repetitions become messages', CLI, needs_ledge=True)
def _sources(context):
    child = subscribe(context, '--count', '300', '--format', 'payload', '-q', '1')
    publish(context, '--stdin-lines', '-q', '1', input=''.join(f'{i}\n' for i in range(300)))
    finished(child, 0, ''.join(f'{i}\n' for i in range(300)))
    child = subscribe(context, '--count', '4', '--format', 'hex')
    path = os.path.join(context.folder, f'{context.client_id}.payload')
    with open(path, 'wb') as file:
        file.write(b'\x00\x01\xff')
    publish(context, '-f', path)
    publish(context, '-m', 'x', '--repeat', '3', '--interval', '0.01')
    finished(child, 0, f'{context.topic} 0001ff\n' + f'{context.topic} 78\n' * 3)
    big = subscribe(context, '--count', '1', '--format', 'raw', '-q', '2')
    with open(path, 'wb') as file:
        file.write(b'b' * 900_000)
    publish(context, '-f', path, '-q', '2')
    finished(big, 0, 'b' * 900_000)


@case('what goes wrong is told in a sentence, and has its exit status', CLI, needs_ledge=True)
def _statuses(context):
    nobody = url_of(free_port())
    check('refused' in publish(context, '-m', 'x', url=nobody, expected=REFUSED), 'a refused connection is not told')
    told = publish(context, '-m', 'x', '-t', 'a/#', expected=USAGE)
    check(told, 'nothing is told')
    users, password = (os.path.join(context.folder, f'{context.client_id}.{name}') for name in ('users', 'password'))
    subprocess.run([context.options.broker, 'passwd', users, 'u'], input=b'right\n', check=True, capture_output=True)
    strict = context.start_broker(anonymous=False, settings=[f'auth.password_file={users}'])
    told = publish(context, '-m', 'x', url=url_of(strict.port), expected=REFUSED)
    check('refuses the connection' in told, told)
    with open(password, 'w', encoding='utf-8') as file:
        file.write('right\n')
    publish(context, '-m', 'x', '--user', 'u', '--password-file', password, url=url_of(strict.port))
    told = publish(context, '-m', 'x', '--password', 'secret', '--user', 'u')
    check('--password-file' in told and 'secret' not in told, told)
    told = publish(context, '-f', '/nowhere', expected=USAGE)
    check('/nowhere' in told, told)
    silent = context.start_broker()
    silent.signal(signal.SIGSTOP)
    told = publish(context, '-m', 'x', '--timeout', '0.2', url=url_of(silent.port), expected=TIMEOUT)
    silent.signal(signal.SIGCONT)
    check('0.2 s' in told, told)


@case('SIGINT ends a subscriber with DISCONNECT and status 0, and its will stays unpublished', CLI, needs_ledge=True)
def _interrupt(context):
    watcher = subscribe(context, '--count', '1', '--format', 'payload')
    child = subscribe(context, '-t', f'{context.topic}/x', '--will-topic', context.topic, '--will-payload', 'gone')
    child.signal(signal.SIGINT)
    finished(child, 0, '')
    # A killed client is one whose will is published.
    child = subscribe(context, '-t', f'{context.topic}/x', '--will-topic', context.topic, '--will-payload', 'killed')
    child.signal(signal.SIGKILL)
    finished(watcher, 0, 'killed\n')


@case('a reader that goes ends the subscriber', CLI, needs_ledge=True)
def _reader_gone(context):
    child = subscribe(context, '--count', '10')
    child.process.stdout.close()
    publish(context, '-m', 'x', '-q', '1')
    check(child.process.wait(DEADLINE_S) == REFUSED, 'its status')


@case('a terminal gets no control characters of a payload, and a pipe gets them all', CLI, needs_ledge=True)
def _terminal(context):
    publish(context, '-m', '\x1b[2J\x07bell', '-r', '-q', '1')
    arguments = [context.options.broker, 'sub', '--url', url_of(context.port), '-t', context.topic, '--count', '1']
    ours, theirs = pty.openpty()
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
        check(process.wait(DEADLINE_S) == 0, 'its status')
        os.close(theirs)
        shown = os.read(ours, 4096)
    os.close(ours)
    check(shown == f'{context.topic} \\x1b[2J\\x07bell\r\n'.encode(), f'{shown!r}')
    piped = subprocess.run(arguments, capture_output=True, timeout=DEADLINE_S, check=True).stdout
    check(piped == f'{context.topic} \x1b[2J\x07bell\n'.encode(), f'{piped!r}')
    publish(context, '-n', '-r')
