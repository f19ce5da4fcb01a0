"""The authentication hook behind https://: a server of Python's (OpenSSL's), whom the broker has to believe first."""
import os
import socket
import ssl
import subprocess
import threading
import time

import harness
from cases_hook import Hook
from cases_jwt import UNAVAILABLE, log_in, write
from cases_tls import authority
from harness import case, check
from pki import Authority, openssl

GROUP = 'authentication hook over TLS'


def settings_of(pair, clients_of=None):
    """What a server speaks with this (certificate, key). `clients_of`: who signs the certificates it asks for."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*pair)
    if clients_of:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(clients_of)
    return tls


def pair(context, name='server'):
    ca = authority(context)
    return ca.path(f'{name}.pem'), ca.path(f'{name}.key')


def hook_of(context, tls=None, version='1.1'):
    hook = Hook(tls or settings_of(pair(context)), version)
    context.adopt(hook)
    return hook


def start(context, port, *more, host='localhost', ca=None, scheme='https'):
    settings = [f'auth.http.url={scheme}://{host}:{port}/login', 'auth.http.timeout_ms=3000', 'auth.http.cache_s=0']
    if scheme == 'https':
        settings.append(f'auth.http.ca={ca or authority(context).certificate}')
    return context.start_broker(settings=[*settings, *more], anonymous=False)


def code(context, broker, client_id='c', user='yes'):
    return log_in(context, broker.port, client_id, 'p', user=user)[0]


def log_of(broker):
    with open(broker.log, encoding='utf-8') as file:
        return file.read()


def wait_until(claim, text):
    end = time.monotonic() + harness.DEADLINE_S
    while not claim():
        check(time.monotonic() < end, text())
        time.sleep(0.02)


@case('over TLS, by name and by address; its connection serves many logins', GROUP, needs_ledge=True)
def _keep_alive(context):
    hook = hook_of(context)
    broker = start(context, hook.port)
    for number in range(10):
        check(code(context, broker, f'c{number}') == 0, f'login {number}: {broker.tail()}')
    check(hook.count('yes') == 10, f'asked {hook.count("yes")} times')
    check(hook.server.connections == 1, f'{hook.server.connections} handshakes for ten logins')
    by_address = start(context, hook.port, 'auth.http.idle_connections_max=0', host='127.0.0.1')
    for number in range(3):
        check(code(context, by_address, f'a{number}') == 0, f'by address: {by_address.tail()}')
    check(hook.server.connections == 4, f'{hook.server.connections} connections, none should be kept')
    plain = Hook(version='1.1')
    context.adopt(plain)
    over_http = start(context, plain.port, scheme='http')
    check([code(context, over_http, f'p{number}') for number in range(3)] == [0, 0, 0], over_http.tail())
    check(plain.server.connections == 1, f'{plain.server.connections} connections without TLS')


@case('a connection that it has closed meanwhile is replaced, and no login is lost', GROUP, needs_ledge=True)
def _closed(context):
    hook = hook_of(context, version='1.0')  # closes after each answer
    broker = start(context, hook.port)
    check([code(context, broker, f'c{number}') for number in range(5)] == [0] * 5, broker.tail())
    check(hook.server.connections == 5, f'{hook.server.connections} connections')
    check(code(context, broker, user='unmeasured') == UNAVAILABLE, 'an answer that anybody may have cut')
    plain = Hook()
    context.adopt(plain)
    check(code(context, start(context, plain.port, scheme='http'), user='unmeasured') == 0, 'it ends where it ends')
    short = start(context, hook_of(context).port, 'auth.http.idle_s=1')
    check(code(context, short, 'before') == 0, short.tail())
    time.sleep(1.2)
    check(code(context, short, 'after') == 0, short.tail())


@case('who cannot prove the name is asked nothing, and nobody gets in', GROUP, needs_ledge=True)
def _untrusted(context):
    ca = authority(context)
    stranger = Authority(os.path.join(context.folder, 'stranger'), 'stranger')
    openssl('x509', '-req', '-in', ca.path('server.csr'), '-CA', ca.certificate, '-CAkey', ca.path('ca.key'),
            '-CAcreateserial', '-days', '-1', '-extfile', ca.path('server.ext'), '-out', ca.path('old.pem'))
    hook = hook_of(context)
    other = hook_of(context, settings_of(pair(context, 'other')))
    old = hook_of(context, settings_of((ca.path('old.pem'), ca.path('server.key'))))
    plain = Hook()
    context.adopt(plain)
    for what, port, host, authorities, reason in (
            ('another authority', hook.port, 'localhost', stranger.certificate, 'not correctly signed'),
            ('another name', other.port, 'localhost', ca.certificate, 'does not match'),
            ('another address', other.port, '127.0.0.1', ca.certificate, 'for another address'),
            ('expired', old.port, 'localhost', ca.certificate, 'expired'),
            ('no TLS', plain.port, 'localhost', ca.certificate, 'TLS: '),
            ('no such name', hook.port, 'no-such-host.invalid', ca.certificate, 'cannot be resolved'),
            ('nobody there', harness.free_port(), 'localhost', ca.certificate, 'Connection refused')):
        broker = start(context, port, host=host, ca=authorities)
        codes = [code(context, broker, f'c{number}') for number in range(4)]
        check(codes == [UNAVAILABLE] * 4, f'{what}: {codes}')
        log = log_of(broker)
        check('authentication_hook_down' in log and reason in log, f'{what}: {log}')
    check(not any(one.asked for one in (hook, other, old, plain)), 'a stranger was told a password')


@case('it may ask for the broker\'s own certificate', GROUP, needs_ledge=True)
def _client_certificate(context):
    ca = authority(context)
    hook = hook_of(context, settings_of(pair(context), clients_of=ca.certificate))
    mine, key = pair(context, 'client')
    broker = start(context, hook.port, f'auth.http.certificate={mine}', f'auth.http.key={key}')
    check(code(context, broker) == 0, broker.tail())
    check(code(context, start(context, hook.port)) == UNAVAILABLE, 'without a certificate')


@case('one that shakes no hands delays only whom it is asked about', GROUP, needs_ledge=True)
def _silent(context):
    listening = socket.create_server(('127.0.0.1', 0))
    context.adopt(listening)
    users = write(context, 'users', '')
    subprocess.run(['mosquitto_passwd', '-b', users, 'known', 'secret'], check=True, capture_output=True)
    broker = start(context, listening.getsockname()[1], 'auth.http.timeout_ms=600', f'auth.password_file={users}')
    waiting = threading.Thread(target=lambda: results.append(code(context, broker, 'waits')))
    results = []
    waiting.start()
    accepted, _ = listening.accept()
    context.adopt(accepted)
    check(log_in(context, broker.port, 'k', 'secret', user='known')[0] == 0, 'the loop waits')
    check(not results, 'it was answered before the time was up')
    waiting.join(harness.DEADLINE_S)
    check(results == [UNAVAILABLE], f'{results}')
    check('the TLS handshake was not complete in time' in log_of(broker), broker.tail())
    check(broker.stop() == 0, 'it does not end well')


@case('whom it trusts is watched: another authority takes over, a broken file does not', GROUP, needs_ledge=True)
def _watched(context):
    hook = hook_of(context)
    stranger = Authority(os.path.join(context.folder, 'later'), 'later')
    with open(authority(context).certificate, encoding='ascii') as right, open(stranger.certificate,
                                                                               encoding='ascii') as wrong:
        right, wrong = right.read(), wrong.read()
    path = write(context, 'ca', right)
    broker = start(context, hook.port, ca=path)
    check(code(context, broker, 'first') == 0, broker.tail())
    write(context, 'ca', 'no certificate')
    wait_until(lambda: 'policy_refused' in log_of(broker), broker.tail)
    check(path in log_of(broker) and code(context, broker, 'second') == 0, broker.tail())
    write(context, 'ca', wrong)
    wait_until(lambda: 'policy_loaded' in log_of(broker), broker.tail)
    check(code(context, broker, 'third') == UNAVAILABLE, 'the earlier authority is still believed')
    check(hook.server.connections == 2, f'{hook.server.connections} connections')


def checked(context, file):
    done = subprocess.run([context.options.broker, 'check', '-c', file], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@case('what is wrong with its configuration is said with the line; http:// afar is warned of', GROUP, needs_ledge=True)
def _configuration(context):
    good = authority(context).certificate
    url = 'url = "https://login.example.org/mqtt"\n'
    for text, line, part in (
            (url, 2, 'requires a file with the authorities'),
            (url + 'ca = "/nowhere.pem"\n', 3, '/nowhere.pem cannot be opened'),
            (url + f'ca = "{write(context, "bad", "no PEM")}"\n', 3, 'is not PEM'),
            (url + f'ca = "{write(context, "open", "x", 0o602)}"\n', 3, 'chmod o-w'),
            (url + f'ca = "{good}"\ncertificate = "{good}"\n', 4, 'must both be set'),
            (url + f'ca = "{good}"\ncertificate = "{good}"\nkey = "{good}"\n', 5, 'is not PEM'),
            (f'url = "http://127.0.0.1:1/"\nca = "{good}"\n', 3, 'begins with https://'),
            ('url = "https://-x/"\n', 2, 'neither a name')):
        file = write(context, 'toml', f'[auth.http]\n{text}')
        returned, said = checked(context, file)
        check(returned == 2 and f'{file}:{line}: ' in said and part in said, f'{text}: {returned} {said}')
    for text, is_warned in (('url = "http://login.example.org/"\n', True), (f'{url}ca = "{good}"\n', False),
                            ('url = "http://localhost:8000/"\n', False)):
        file = write(context, 'toml', f'[auth.http]\n{text}')
        returned, said = checked(context, file)
        check(returned == 0 and ('use https://' in said) == is_warned, f'{text}: {said}')
