"""How a bridge logs in: passwords that a program prints, and tokens that the bridge signs. The tokens are checked by a
LedgeMQ upstream, and by Python's hmac."""
import base64
import hashlib
import hmac
import os
import re
import socket
import subprocess
import threading
import time
from urllib import parse

import cases_jwt
import harness
import upstreams
from cases_uplink import Scene, await_state, expect
from gateways import Bridge, LedgeGateway, Route
from harness import case, check, free_port
from mqtt_peer import Peer, cut_packet

GROUP = 'login of a bridge'
SECRET = b's' * 40
LIFETIME_S = 10  # the shortest


def with_program(context, name, text, arguments=(), **settings):
    """A scene whose bridge runs a program for its password. In the text, `{file}` is the file with the right password,
    and `{runs}` a file for lines about its runs."""
    scene = Scene(context, name, password_file='', **settings)
    text = text.replace('{file}', scene.password_file).replace('{runs}', runs_file(scene))
    path = scene.upstream.write(f'{context.client_id}-program', '#!/bin/sh\n' + text, mode=0o700)
    scene.bridge.settings['password_command'] = [path, *arguments]
    scene.gateway.configure([scene.bridge])  # the file was written when the gateway was made
    return scene


def await_true(is_done, text):
    end = time.monotonic() + harness.DEADLINE_S
    while not is_done():
        check(time.monotonic() < end, text)
        time.sleep(0.01)


def runs_file(scene):
    return scene.upstream.path(f'{scene.context.client_id}-runs')


def runs(scene):
    if not os.path.exists(runs_file(scene)):
        return []
    with open(runs_file(scene), encoding='ascii') as file:
        return file.read().splitlines()


for _name in ('mosquitto', 'ledgemq'):
    @case(f'the password that a program prints logs in at {_name}, and it is run again for each connection', GROUP,
          needs_ledge=True)
    def _command(context, name=_name):
        scene = with_program(context, name, 'echo "$1" >> {runs}\necho a remark >&2\ncat {file}\n', ['two words'])
        scene.start()
        far = scene.far()
        far.subscribe(scene.up + '#', 1)
        scene.near().publish('out/x', 'passes', 1)
        expect(far, (scene.up + 'x', b'passes', 1, False))
        check(set(runs(scene)) == {'two words'}, f'the arguments were {runs(scene)}')
        scene.gateway.log_line('bridge_password_remark .*text="a remark"')
        before = len(runs(scene))
        scene.proxy.drop_all()
        await_true(lambda: len(runs(scene)) > before, 'the program is not run for the second connection')
        scene.await_state('1')


@case('a program that fails is told in the log, local clients are served, and messages wait until it works', GROUP,
      needs_ledge=True)
def _command_fails(context):
    scene = with_program(context, 'mosquitto', 'test -e {file} || { echo no token today >&2; exit 3; }\ncat {file}\n')
    os.rename(scene.password_file, scene.password_file + '.away')
    far = scene.far()
    far.subscribe(scene.up + '#', 1)
    scene.gateway.start()
    scene.gateway.log_line('bridge_password_remark .*text="no token today"')
    line = scene.gateway.log_line('bridge_unreachable')
    check('has ended with status 3"' in line, f'the log says: {line}')
    scene.near().publish('out/x', 'waits', 1)
    os.rename(scene.password_file + '.away', scene.password_file)
    expect(far, (scene.up + 'x', b'waits', 1, False))


@case('a program that does not end delays nobody, and a stop of the gateway ends it', GROUP, needs_ledge=True)
def _command_hangs(context):
    scene = with_program(context, 'mosquitto', 'echo $$ > {runs}\nexec sleep 1000\n')
    scene.gateway.start()
    await_true(lambda: runs(scene), 'the program is not run')
    process = int(runs(scene)[0])
    near = scene.near()
    near.subscribe('#', 1)
    scene.near().publish('x', 'served', 1)
    expect(near, ('x', b'served', 1, False))
    began = time.monotonic()
    scene.gateway.stop()
    check(time.monotonic() - began < 5, 'the stop waits for the program')
    try:
        os.kill(process, 0)
        raise AssertionError('the program still runs')
    except ProcessLookupError:
        pass


class TokenBroker(upstreams.LedgeMq):
    """Takes tokens only, signed for the audience "office" by the private key of `key`: a path, or the bytes of a
    secret."""

    def __init__(self, context, key):
        self.key = key
        super().__init__(context.folder, context.options)

    def prepare(self):
        super().prepare()
        public = self.key if isinstance(self.key, bytes) else cases_jwt.Keys.public_pem(self.key)
        key_file = self.write('key', public.decode())
        with open(self.path('ledgemq.toml'), 'a', encoding='utf-8') as file:
            file.write(f'[auth.jwt]\nkey_file = "{key_file}"\naudience = "office"\nleeway_s = 0\n')

    def command(self):
        return [self.options.upstream_broker, '-c', self.path('ledgemq.toml'), '--store', self.path('store')]


class TokenScene:
    """A gateway whose bridge logs in with tokens. `key`: see TokenBroker; `token`: further keys of the section."""

    def __init__(self, context, key, algorithm, broker_key=None, **token):
        self.context, self.key, self.algorithm = context, key, algorithm
        self.upstream = TokenBroker(context, broker_key or key)
        context.adopt(self.upstream)
        self.upstream.start()
        path = self.upstream.write('signing-key', key.decode()) if isinstance(key, bytes) else key
        os.chmod(path, 0o600)
        routes = [Route('out', '#', 'out/', 'up/', 1), Route('in', '#', 'in/', 'down/', 1)]
        self.bridge = Bridge(self.upstream.port, f'gw-{context.client_id}', routes, kind='ledgemq',
                             settings={'user': 'gw'},
                             token={'kind': 'jwt', 'algorithm': algorithm, 'key_file': path, 'subject': 'gw',
                                    'audience': 'office', **token})
        self.gateway = LedgeGateway(context.folder, context.options, [self.bridge])
        context.adopt(self.gateway)

    def near(self):
        peer = Peer(self.gateway.port, f'{self.context.client_id}-{free_port()}')
        self.context.adopt(peer)
        return peer

    def far(self):
        text = cases_jwt.token(cases_jwt.claims('watch', aud='office'), self.key, self.algorithm)
        peer = Peer(self.upstream.port, f'{self.context.client_id}-{free_port()}', user='watch', password=text)
        self.context.adopt(peer)
        return peer

    def upstream_line(self, pattern):
        """Waits until the upstream has logged such a line."""

        def is_there():
            with open(self.upstream.log, encoding='utf-8', errors='replace') as file:
                return re.search(pattern, file.read())

        await_true(is_there, f'the upstream has not logged {pattern!r}')


def key_for(context, algorithm):
    if algorithm == 'HS256':
        return SECRET
    keys = cases_jwt.Keys(context.folder)
    return keys.rsa if algorithm == 'RS256' else keys.ec


for _algorithm in ('ES256', 'RS256', 'HS256'):
    @case(f'a token that the bridge signs with {_algorithm} logs in at a broker that checks tokens', GROUP,
          needs_ledge=True)
    def _token(context, algorithm=_algorithm):
        scene = TokenScene(context, key_for(context, algorithm), algorithm, claims={'site': 17, 'roles': ['meter']})
        far = scene.far()
        far.subscribe('up/#', 1)
        scene.gateway.start()
        scene.near().publish('out/x', 'signed', 1)
        expect(far, ('up/x', b'signed', 1, False))
        scene.upstream_line('client_connected .*user="?gw"? ')

    @case(f'a token that is signed with another {_algorithm} key is refused, and the log says so without the token',
          GROUP, needs_ledge=True)
    def _wrong_key(context, algorithm=_algorithm):
        other = b'o' * 40
        if algorithm != 'HS256':
            other = os.path.join(context.folder, f'{context.client_id}-other.pem')
            kind = ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
            if algorithm == 'ES256':
                kind = ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
            cases_jwt.openssl('genpkey', '-algorithm', *kind, '-out', other)
        scene = TokenScene(context, other, algorithm, broker_key=key_for(context, algorithm))
        scene.gateway.start()
        line = scene.gateway.log_line('bridge_ended')
        check('bad_user_name_or_password' in line or 'refuses the connection' in line, f'the log says: {line}')
        with open(scene.gateway.log, encoding='utf-8') as file:
            check('eyJ' not in file.read(), 'the log shows the token')


@case('before a token ends the bridge connects again with a new one, and no message is lost', GROUP, needs_ledge=True,
      quick=False)
def _renewal(context):
    scene = TokenScene(context, SECRET, 'HS256', lifetime_s=LIFETIME_S)
    far = scene.far()
    far.subscribe('up/#', 1)
    scene.gateway.start()
    await_state(scene.near(), '1')
    sender = scene.near()
    end = time.monotonic() + 2.5 * LIFETIME_S
    sent = 0
    while time.monotonic() < end:
        sender.publish('out/x', str(sent), 1)
        sent += 1
        time.sleep(0.05)
    got = {int(far.message().payload) for _ in range(sent)}
    while len(got) < sent:
        got.add(int(far.message().payload))  # QoS 1 may repeat messages
    with open(scene.gateway.log, encoding='utf-8') as file:
        log = file.read()
    check(log.count('the password ends soon') >= 2, f'no renewal: {log[-1000:]}')
    check('bridge_unreachable' not in log and ' warning bridge_' not in log, f'the log has complaints: {log[-1500:]}')
    with open(scene.upstream.log, encoding='utf-8') as file:
        check('maximum_connect_time' not in file.read(), 'the upstream had to end the connection')


class LoginRecorder:
    """Accepts connections of MQTT 3.1.1, refuses each, and keeps user names and passwords."""

    def __init__(self):
        self.socket = socket.create_server(('127.0.0.1', free_port()))
        self.port = self.socket.getsockname()[1]
        self.logins = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                data, found = b'', None
                while found is None:
                    more = peer.recv(4096)
                    if not more:
                        return
                    data += more
                    found = cut_packet(data)
                self.logins.append(self._login(found[1]))
                peer.sendall(bytes([0x20, 2, 0, 5]))

    @staticmethod
    def _login(body):
        texts, at = [], 10  # behind the protocol's name, its version, the flags and the keep alive
        while at < len(body):
            size = int.from_bytes(body[at:at + 2], 'big')
            texts.append(body[at + 2:at + 2 + size].decode())
            at += 2 + size
        return texts

    def first(self):
        await_true(lambda: self.logins, 'nobody has connected')
        return self.logins[0]

    def close(self):
        self.socket.close()


@case('a shared access signature for Azure is the one that Python computes, and the user is the configured one', GROUP,
      needs_ledge=True)
def _sas(context):
    recorder = LoginRecorder()
    context.adopt(recorder)
    key, resource, user = bytes(range(32)), 'hub.example/devices/gw', 'hub.example/gw/?api-version=2021-04-12'
    path = cases_jwt.write(context, 'azure-key', base64.b64encode(key) + b'\n')
    bridge = Bridge(recorder.port, 'gw', [Route('out', '#', 'out/', 'up/', 1)], kind='azure_iot',
                    settings={'user': user}, token={'kind': 'sas', 'key_file': path, 'resource': resource})
    gateway = LedgeGateway(context.folder, context.options, [bridge])
    context.adopt(gateway)
    gateway.start()
    client_id, user_name, password = recorder.first()
    check((client_id, user_name) == ('gw', user), f'logged in as {client_id}, {user_name}')
    kind, fields = password.split(' ', 1)
    values = dict(parse.parse_qsl(fields))
    check(kind == 'SharedAccessSignature' and values['sr'] == resource and len(values) == 3, f'got {password}')
    check(abs(int(values['se']) - time.time() - 3600) < 60, f'it ends at {values["se"]}')
    text = parse.quote_plus(resource) + '\n' + values['se']
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    check(values['sig'] == signature, f'the signature is {values["sig"]}, not {signature}')


@case('bridge test and check say how the password is made, and never what it is', GROUP, needs_ledge=True)
def _commands(context):
    scene = TokenScene(context, SECRET, 'HS256')
    path = scene.gateway.path('gateway.toml')

    def ledgemq(*arguments):
        ended = subprocess.run([context.options.broker, *arguments], capture_output=True, text=True, timeout=60,
                               check=False)
        check('eyJ' not in ended.stdout + ended.stderr, f'it shows the token: {ended.stdout}')
        return ended

    tested = ledgemq('bridge', 'test', 'up', '-c', path)
    check(tested.returncode == 0 and 'password: ok, a token that is valid until 20' in tested.stdout,
          f'{tested.stdout} {tested.stderr}')
    checked = ledgemq('check', path)
    check('login: The password is a JSON Web Token (HS256) that the bridge signs with' in checked.stdout,
          f'{checked.stdout} {checked.stderr}')
    os.chmod(scene.bridge.token['key_file'], 0o644)
    refused = ledgemq('check', path)
    check(refused.returncode == 2 and 'run chmod o-r' in refused.stderr, f'{refused.stdout} {refused.stderr}')
