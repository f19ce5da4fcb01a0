"""SCRAM-SHA-256 (RFC 5802, RFC 7677) as enhanced authentication of MQTT 5. The client is written from the RFC with
hashlib and hmac alone: nothing of it is shared with the broker."""
import base64
import hashlib
import hmac
import os
import secrets
import signal
import subprocess
import time

import harness
from cases_auth import passwd, publish, start, write
from harness import case, check

GROUP = 'SCRAM'
METHOD = 'SCRAM-SHA-256'
CONTINUE, AGAIN = 0x18, 0x19


def text_property(number, data):
    return bytes([number]) + harness.prefixed(data)


def method_and_data(data):
    return text_property(0x15, METHOD) + (b'' if data is None else text_property(0x16, data))


def properties_of(data):
    """{id: value} of a block that begins with its length; enough of the table for CONNACK, AUTH and DISCONNECT."""
    sizes = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
    end, at, found = 1 + data[0], 1, {}
    check(data[0] < 128, 'a longer block than expected')
    while at < end:
        number = data[at]
        size = sizes.get(number)
        if size is None:
            size, at = int.from_bytes(data[at + 1:at + 3], 'big'), at + 2
        found[number] = data[at + 1:at + 1 + size]
        at += 1 + size
    return found


class Scram:
    """One exchange, the client's side."""

    def __init__(self, user, password, binding='n'):
        self.user, self.password, self.header = user, password, f'{binding},,'
        self.nonce = secrets.token_urlsafe(18)
        name = user.replace('=', '=3D').replace(',', '=2C')
        self.bare = f'n={name},r={self.nonce}'
        self.signature = None

    def first(self):
        return self.header + self.bare

    def final(self, challenge):
        challenge = challenge.decode()
        fields = dict(part.split('=', 1) for part in challenge.split(','))
        check(fields['r'].startswith(self.nonce) and len(fields['r']) >= len(self.nonce) + 18, 'the nonce is no good')
        salt, rounds = base64.b64decode(fields['s']), int(fields['i'])
        check(rounds >= 4096, f'{rounds} iterations')
        salted = hashlib.pbkdf2_hmac('sha256', self.password.encode(), salt, rounds)
        client_key = hmac.digest(salted, b'Client Key', 'sha256')
        without_proof = f'c={base64.b64encode(self.header.encode()).decode()},r={fields["r"]}'
        message = f'{self.bare},{challenge},{without_proof}'.encode()
        proof = hmac.digest(hashlib.sha256(client_key).digest(), message, 'sha256')
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, proof))).decode()
        self.signature = base64.b64encode(
            hmac.digest(hmac.digest(salted, b'Server Key', 'sha256'), message, 'sha256')).decode()
        return f'{without_proof},p={proof}'

    def check_signature(self, data):
        check(data.decode() == f'v={self.signature}', f'the server proves nothing: {data}')


def send_auth(raw, code, data):
    block = method_and_data(data)
    raw.send(harness.packet(0xF0, bytes([code]) + harness.variable(len(block)) + block))


def read_auth(raw, code):
    first, body = raw.read()
    check(first == 0xF0, f'AUTH expected, got {first} {body.hex()}')
    if not body:
        check(code == 0, 'AUTH without a reason code')
        return None
    check(body[0] == code, f'AUTH {body[0]:#x}, expected {code:#x}')
    found = properties_of(body[1:])
    check(found[0x15] == METHOD.encode(), 'another method')  # [MQTT-4.12.0-5]
    return found.get(0x16)


def connect(raw, scram, late=False):
    """The whole exchange; (reason code, properties) of CONNACK."""
    raw.send(harness.connect_packet('c-' + scram.user, 5, properties=method_and_data(None if late else scram.first())))
    if late:
        check(read_auth(raw, CONTINUE) is None, 'data before the first message')
        send_auth(raw, CONTINUE, scram.first())
    send_auth(raw, CONTINUE, scram.final(read_auth(raw, CONTINUE)))
    first, body = raw.read()
    check(first == 0x20, f'CONNACK expected, got {first} {body.hex()}')
    return body[1], properties_of(body[2:])


def users_file(context):
    path = os.path.join(context.folder, f'{context.client_id}-scram')
    for user, password in (('alice', 'secret'), ('bob', 'two words')):
        check(passwd(context, path, user, '--scram', password=password).returncode == 0, 'passwd --scram')
    check(passwd(context, path, 'carol', '--iterations', '10', password='none').returncode == 0, 'passwd')
    return path


@case('an independent client logs in with SCRAM-SHA-256, and the broker proves that it knows the user', GROUP,
      needs_ledge=True)
def _logs_in(context):
    broker = start(context, users_file(context), anonymous=False)
    for user, password, binding, late in (('alice', 'secret', 'n', False), ('bob', 'two words', 'y', True)):
        scram = Scram(user, password, binding)
        raw = context.connect(broker.port)
        code, found = connect(raw, scram, late)
        check(code == 0, f'{user} is not let in: {code:#x}')
        scram.check_signature(found[0x16])
        check(found[0x15] == METHOD.encode(), 'CONNACK names another method')
        raw.subscribe('a', 0, 5)
    check(publish(context, broker.port, 'alice', 'a', '-m', '1')[0] == 0, 'the same keys do not serve a password')
    check('user=alice' in broker.tail(), f'the log does not name the user: {broker.tail()}')


@case('wrong password, unknown user and a user without keys are asked and refused alike; guesses block', GROUP,
      needs_ledge=True)
def _refused(context):
    broker = start(context, users_file(context), anonymous=False)
    seen = set()
    for user, password in (('alice', 'Secret'), ('eve', 'secret'), ('carol', 'none')) * 6:
        code, found = connect(context.connect(broker.port), Scram(user, password))
        seen.add((code, tuple(sorted(found.items()))))
    check(len(seen) == 1 and seen.pop()[0] == 0x86, f'they differ: {seen}')
    raw = context.connect(broker.port)
    raw.send(harness.connect_packet('x', 5, properties=method_and_data('p=tls-unique,,n=alice,r=abc')))
    check(raw.read()[1][1] == 0x87, 'channel binding was taken')
    for _ in range(14):
        connect(context.connect(broker.port), Scram('alice', 'x'))
    raw = context.connect(broker.port)
    raw.send(harness.connect_packet('x', 5, properties=method_and_data(Scram('alice', 'secret').first())))
    check(raw.read()[1][1] == 0x9F, 'guesses do not block')


@case('re-authentication: the same user goes on, another one or a wrong proof is disconnected', GROUP,
      needs_ledge=True)
def _again(context):
    broker = start(context, users_file(context), anonymous=False)
    for user, password, expected in (('alice', 'secret', None), ('bob', 'two words', 0x87), ('alice', 'no', 0x86)):
        raw = context.connect(broker.port)
        check(connect(raw, Scram('alice', 'secret'))[0] == 0, 'alice is not let in')
        scram = Scram(user, password)
        send_auth(raw, AGAIN, scram.first())
        challenge = read_auth(raw, CONTINUE)
        raw.subscribe('a', 0, 5)  # work goes on meanwhile
        send_auth(raw, CONTINUE, scram.final(challenge))
        if expected is None:
            scram.check_signature(read_auth(raw, 0))
            raw.subscribe('b', 0, 5)
        else:
            first, body = raw.read()
            check(first == 0xE0 and body[0] == expected, f'{user}: {first} {body.hex()}')
            check(raw.read() == (None, b''), 'the connection stays')


@case('a user whose keys change is sent away at SIGHUP; keys made by PostgreSQL\'s recipe are taken', GROUP,
      needs_ledge=True)
def _reload(context):
    salt, rounds = b'0123456789abcdef', 5000
    salted = hashlib.pbkdf2_hmac('sha256', b'pencil', salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b'Client Key', 'sha256')).digest()
    parts = [base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b'Server Key', 'sha256'))]
    line = 'dora:SCRAM-SHA-256${}:{}${}:{}\n'.format(rounds, *parts)
    users = write(context, 'users', line)
    broker = start(context, users, anonymous=False)
    raw = context.connect(broker.port)
    check(connect(raw, Scram('dora', 'pencil'))[0] == 0, 'dora is not let in')
    check(passwd(context, users, 'dora', '--scram', password='p\u00e4ncil').returncode == 1, 'no ASCII, but taken')
    check(passwd(context, users, 'dora', '--scram', password='pen').returncode == 0, 'passwd --scram')
    broker.signal(signal.SIGHUP)
    first, body = raw.read()
    check(first == 0xE0 and body[0] == 0x98, f'DISCONNECT expected, got {first} {body.hex()}')
    end = time.monotonic() + harness.DEADLINE_S
    while connect(context.connect(broker.port), Scram('dora', 'pen'))[0] != 0:
        check(time.monotonic() < end, 'the new keys are not in force')


TOML = """[roles.operator]
publish = ["plant/+/set"]
subscribe = [
  "plant/#",
]
deny = ["plant/secret/#"]

[groups.shift]
users = ["alice", "bob"]
roles = ["operator"]

[everybody]
subscribe = ["news"]
"""


@case('an ACL in TOML: refusals name file, line and role in the reason string; explain and check know it', GROUP,
      needs_ledge=True)
def _toml(context):
    acl = write(context, 'acl.toml', TOML)
    broker = start(context, users_file(context), acl, anonymous=False)
    raw = context.connect(broker.port)
    check(connect(raw, Scram('alice', 'secret'))[0] == 0, 'alice is not let in')
    raw.subscribe('plant/+', 0, 5)
    raw.send(harness.subscribe_packet('plant/secret/+', 1, 5, 2))
    first, body = raw.read()
    rule = f'{acl}:6 ([roles.operator] deny plant/secret/#)'
    check(first == 0x90 and body[-1] == 0x87 and f'plant/secret/+: {rule}'.encode() in body, f'SUBACK {body}')
    raw.send(harness.packet(0x32, harness.prefixed('plant/secret/set') + b'\0\7\0x'))
    first, body = raw.read()
    check(first == 0x40 and body[2] == 0x87 and rule.encode() in body, f'PUBACK {body}')
    raw.send(harness.packet(0x32, harness.prefixed('plant/1/set') + b'\0\x08\0x'))
    first, body = raw.read()
    check(first == 0x40 and body[2:3] == b'\x10', f'PUBACK {body}')  # allowed, but nobody has subscribed
    done = subprocess.run([context.options.broker, 'explain', 'user=eve', 'role=operator', 'subscribe', 'plant/#',
                           '--set', f'auth.acl_file={acl}'], capture_output=True, text=True, check=False,
                          timeout=harness.DEADLINE_S)
    check(done.stdout.startswith(f'allowed: {acl}:4 ([roles.operator] subscribe plant/#)'), done.stdout + done.stderr)
    write(context, 'acl.toml', TOML.replace('"operator"]', '"operatr"]'))
    broker.signal(signal.SIGHUP)
    end = time.monotonic() + harness.DEADLINE_S
    while ':10: there is no role ' not in broker.tail():
        check(time.monotonic() < end, f'no complaint: {broker.tail()}')
        time.sleep(0.02)
