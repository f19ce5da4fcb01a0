"""The authentication hook: a small HTTP server of the test's answers, or does not."""
import json
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import harness
import websocket
from cases_jwt import BAD_LOGIN, UNAVAILABLE, log_in, publish, write
from cases_weaknesses import connect_as
from harness import case, check

GROUP = 'authentication hook'


class Server(ThreadingHTTPServer):
    """Counts its connections. `tls`: an ssl.SSLContext; the handshake is done by the connection's own thread."""

    daemon_threads = True

    def __init__(self, handler, tls):
        super().__init__(('127.0.0.1', 0), handler)
        self.connections = 0
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, *_):  # handshakes that fail are meant to
        pass


class Hook:
    """Answers by the name of the user. `asked`: what came, in order. `version`: 1.1 keeps connections."""

    def __init__(self, tls=None, version='1.0'):
        self.asked, self.release = [], threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = f'HTTP/{version}'
            timeout = harness.DEADLINE_S

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                hook.asked.append((self.path, self.headers['Content-Type'], body))
                hook.answer(self, body.get('user', ''))

            def log_message(self, *_):
                pass

        self.server = Server(Handler, tls)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05})
        self.thread.start()

    def answer(self, handler, user):
        if user == 'slow':
            self.release.wait(harness.DEADLINE_S)
        if user == 'garbage':
            handler.wfile.write(b'\x16\x03\x01 what is this\r\n\r\n')
            return
        if user == 'silent':
            return
        status = {'no': 401, 'forbidden': 403, 'broken': 500}.get(user, 200)
        body = {'roles': b'{"user": "renamed", "roles": ["a"]}', 'short': b'{"ttl_s": 1}', 'text': b'yes',
                'huge': b'x' * 1_000_000}.get(user, b'')
        try:
            handler.send_response(status)
            if user != 'unmeasured':
                handler.send_header('Content-Length', str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:  # the broker has given up
            pass

    def count(self, user):
        return sum(1 for _, _, body in self.asked if body.get('user') == user)

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def start(context, hook, *more, users=None):
    settings = [f'auth.http.url=http://127.0.0.1:{hook.port}/login?v=1', 'auth.http.timeout_ms=400', *more]
    settings += [f'auth.password_file={users}'] if users else []
    return context.start_broker(settings=settings, anonymous=False)


def hook_of(context):
    hook = Hook()
    context.adopt(hook)
    return hook


@case('asks by POST, lets in and refuses, and remembers both for a while', GROUP, needs_ledge=True)
def _answers(context):
    hook = hook_of(context)
    broker = start(context, hook)
    for _ in range(3):
        check(log_in(context, broker.port, 'c1', 'pw"\u00e4', user='yes')[0] == 0, 'yes')
        check(log_in(context, broker.port, 'c2', 'p', user='no')[0] == BAD_LOGIN, '401')
        check(log_in(context, broker.port, 'c3', 'p', user='forbidden', version=4)[0] == 4, '403')
    path, kind, body = hook.asked[0]
    check((path, kind) == ('/login?v=1', 'application/json'), f'{path} {kind}')
    expected = {'user': 'yes', 'password': 'pw"\u00e4', 'client_id': 'c1', 'address': '127.0.0.1', 'listener': 'cli-1'}
    check({**body, 'listener': 'cli-1'} == expected and body['listener'], f'{body}')
    check([hook.count(user) for user in ('yes', 'no', 'forbidden')] == [1, 1, 1], f'asked {len(hook.asked)} times')
    check(log_in(context, broker.port, 'c1', 'other', user='yes')[0] == 0, 'another password')
    check(log_in(context, broker.port, 'c9', 'pw"\u00e4', user='yes')[0] == 0, 'another client')
    check(hook.count('yes') == 3, 'another password or client was answered from memory')
    broker.signal(signal.SIGHUP)
    end = time.monotonic() + harness.DEADLINE_S
    while 'configuration_unchanged' not in broker.tail():
        check(time.monotonic() < end, f'no reload: {broker.tail()}')
        time.sleep(0.02)
    check(log_in(context, broker.port, 'c1', 'pw"\u00e4', user='yes')[0] == 0, 'yes')
    check(hook.count('yes') == 4, 'SIGHUP has not made it forget')
    check('pw"' not in broker.tail(), 'the password is in the log')


@case('its roles, name and time hold: the connection ends with them', GROUP, needs_ledge=True)
def _body(context):
    hook = hook_of(context)
    acl = write(context, 'acl', 'user renamed\ntopic write mine/#\n')
    broker = start(context, hook, f'auth.acl_file={acl}')
    code, raw = log_in(context, broker.port, 'c1', 'p', user='roles')
    check(code == 0 and publish(raw, 'mine/x') == 0x10, 'the name in the answer has no rights')
    check(publish(raw, 'other/x') == 0x87, 'rights for nothing')
    code, raw = log_in(context, broker.port, 'c2', 'p', user='short')
    check(code == 0, f'refused: {code}')
    first, body = raw.read()
    check(first == 0xE0 and body[0] == 0xA0, f'DISCONNECT 0xA0 expected, got {first} {body.hex()}')


@case('whatever is no clear yes lets nobody in', GROUP, needs_ledge=True)
def _nonsense(context):
    hook = hook_of(context)
    broker = start(context, hook)
    for user in ('broken', 'text', 'huge', 'garbage', 'silent'):
        code, _ = log_in(context, broker.port, user, 'p', user=user)
        check(code == UNAVAILABLE, f'{user}: {code:#x}')
        check(log_in(context, broker.port, 'c', 'p', user='yes')[0] == 0, f'after {user} nobody gets in')


@case('a slow one delays only whom it is asked about, and they are refused in time', GROUP, needs_ledge=True)
def _slow(context):
    hook = hook_of(context)
    users = write(context, 'users', '')
    subprocess.run(['mosquitto_passwd', '-b', users, 'known', 'secret'], check=True, capture_output=True)
    broker = start(context, hook, 'auth.http.requests_max=1', users=users)
    began = time.monotonic()
    slow = [context.run(['mosquitto_pub', '-p', broker.port, '-V', 'mqttv5', '-i', f's{n}', '-u', 'slow', '-P', 'p',
                         '-t', 'x', '-m', '1']) for n in range(2)]
    while not hook.asked:
        check(time.monotonic() - began < harness.DEADLINE_S, 'nobody was asked')
        time.sleep(0.005)
    check(log_in(context, broker.port, 'k', 'secret', user='known')[0] == 0, 'the password file does not answer')
    check(not hook.release.is_set() and hook.count('slow') == 1, 'more than one question at once')
    for child in slow:
        check(child.finish()[0] == UNAVAILABLE, f'slow: {child.process.returncode}')
    check(log_in(context, broker.port, 'y', 'p', user='yes')[0] == 0, 'it answers again, and is not asked')
    context.run([*slow[0].command])
    while hook.count('slow') < 3:
        check(time.monotonic() - began < harness.DEADLINE_S, 'nobody was asked')
        time.sleep(0.005)
    check(broker.stop() == 0, f'it does not end well while a question is under way: {broker.tail()}')


@case('a dead one is left alone for a while; its clients are told at once', GROUP, needs_ledge=True)
def _dead(context):
    hook = Hook()
    broker = start(context, hook)
    hook.close()
    for number in range(20):
        code, _ = log_in(context, broker.port, f'd{number}', 'p', user='yes')
        check(code == UNAVAILABLE, f'{code:#x}')
    with open(broker.log, encoding='utf-8') as file:
        log = file.read()
    check(log.count('authentication_hook_down') == 1, log)
    check(log.count('try later') >= 10, 'it is asked again and again')


@case('questions that it does not answer keep nobody out who is known, and a new client gets in when they have ended',
      GROUP, needs_ledge=True)
def _silence(context):
    hook = hook_of(context)
    broker = start(context, hook, 'auth.http.requests_max=4')
    check(log_in(context, broker.port, 'first', 'p', user='yes')[0] == 0, 'yes')
    for turn in range(5):
        silent = [harness.RawClient(broker.port, source=f'127.0.1.{1 + turn * 12 + n}') for n in range(12)]
        for number, raw in enumerate(silent):
            raw.send(connect_as('slow', 'p', f's{number}'))
        code, _ = log_in(context, broker.port, f'again{turn}', 'p', user='yes')
        check(code == 0, f'known, and not let in: {code:#x}')
        for raw in silent:
            raw.close()
    end = time.monotonic() + harness.DEADLINE_S
    while log_in(context, broker.port, 'new', 'p', user='new')[0] != 0:
        check(time.monotonic() < end, 'a new client is kept out')


@case('it is told the address that a trusted proxy names', GROUP, needs_ledge=True)
def _forwarded(context):
    hook = hook_of(context)
    ws_port = harness.free_port()
    path = write(context, 'forwarded.toml', f'[listeners.web]\nurl = "ws://127.0.0.1:{ws_port}"\n'
                                            '[listeners.web.websocket]\ntrusted_proxies = ["127.0.0.1"]\n')
    broker = context.start_broker(arguments=['-c', path],
                                  settings=[f'auth.http.url=http://127.0.0.1:{hook.port}/'])
    broker.wait_for_port(ws_port)
    for forwarded, address in (('203.0.113.9', '203.0.113.9'), ('203.0.113.9:4711', '203.0.113.9'),
                               ('::ffff:203.0.113.9', '203.0.113.9'), ('2001:db8::7', '2001:db8::7'),
                               ('[2001:db8::7]:4711', '2001:db8::7')):
        client = websocket.connect(context, ws_port, headers=[('X-Forwarded-For', forwarded)])
        client.message(connect_as('yes', 'p', 'forwarded'))
        check(client.read()[1][1] == 0, f'{forwarded}: not let in')
        check(hook.asked[-1][2]['address'] == address, f'{forwarded}: {hook.asked[-1][2]}')
