"""Tokens as passwords. They are made here, with Python's hmac and the openssl command, not with the broker's code."""
import base64
import hashlib
import hmac
import json
import os
import signal
import struct
import subprocess
import time

import harness
from harness import case, check

GROUP = 'tokens'
SECRET = b's' * 40
BAD_LOGIN, NOT_AUTHORIZED, UNAVAILABLE = 0x86, 0x87, 0x88


def b64(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def openssl(*arguments, given=None):
    return subprocess.run(['openssl', *arguments], input=given, check=True, capture_output=True).stdout


class Keys:
    """An RSA and an EC key pair made by openssl."""

    def __init__(self, folder):
        self.rsa, self.ec = os.path.join(folder, 'rsa.pem'), os.path.join(folder, 'ec.pem')
        openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', self.rsa)
        openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', self.ec)

    @staticmethod
    def public_pem(path):
        return openssl('pkey', '-in', path, '-pubout')

    def jwks(self):
        modulus = openssl('rsa', '-in', self.rsa, '-noout', '-modulus').decode().split('=')[1].strip()
        point = openssl('pkey', '-in', self.ec, '-pubout', '-outform', 'DER')[-64:]
        return json.dumps({'keys': [
            {'kty': 'RSA', 'kid': 'rsa', 'alg': 'RS256', 'use': 'sig', 'n': b64(bytes.fromhex(modulus)), 'e': 'AQAB'},
            {'kty': 'EC', 'kid': 'ec', 'crv': 'P-256', 'x': b64(point[:32]), 'y': b64(point[32:])},
            {'kty': 'OKP', 'kid': 'ed', 'crv': 'Ed25519', 'x': b64(bytes(32))},
            {'kty': 'oct', 'kid': 'secret', 'k': b64(SECRET)}]})


def raw_of(der):
    """r and s of an ECDSA signature in DER, 32 bytes each."""
    out, at = b'', 2
    for _ in range(2):
        size = der[at + 1]
        number = int.from_bytes(der[at + 2:at + 2 + size], 'big')
        out, at = out + number.to_bytes(32, 'big'), at + 2 + size
    return out


def token(claims, key=SECRET, algorithm='HS256', **header):
    """`key`: bytes of a secret, or the path of a private key."""
    text = b64(json.dumps({'alg': algorithm, **header})) + '.' + b64(json.dumps(claims))
    if isinstance(key, bytes):
        signature = hmac.new(key, text.encode(), hashlib.sha256).digest()
    else:
        signature = openssl('dgst', '-sha256', '-sign', key, given=text.encode())
        signature = raw_of(signature) if algorithm == 'ES256' else signature
    return text + '.' + b64(signature)


def claims(user='dev', ttl_s=600, **more):
    return {'sub': user, 'exp': int(time.time()) + ttl_s, **more}


def log_in(context, port, client_id, password, user=None, version=5):
    """The reason code of CONNACK, and the connection."""
    flags = 2 | 0x40 | (0x80 if user is not None or version == 4 else 0)
    body = harness.prefixed('MQTT') + bytes([version, flags]) + struct.pack('>H', 0)
    body += (b'\0' if version == 5 else b'') + harness.prefixed(client_id)
    body += harness.prefixed(user or '') if flags & 0x80 else b''
    raw = context.connect(port)
    raw.send(harness.packet(0x10, body + harness.prefixed(password)))
    first, answer = raw.read()
    check(first == 0x20, f'no CONNACK but {first}')
    return answer[1], raw


def publish(raw, topic):
    """The reason code of PUBACK."""
    raw.send(harness.packet(0x32, harness.prefixed(topic) + b'\0\1\0x'))
    while True:
        first, body = raw.read()
        if first == 0x40:
            return body[2] if len(body) > 2 else 0


def write(context, name, text, mode=0o600):
    path = os.path.join(context.folder, f'{context.client_id}-{name}')
    with open(path, 'wb') as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)
    return path


def start(context, **settings):
    settings = [f'auth.jwt.{key}={value}' for key, value in {'leeway_s': 0, **settings}.items()]
    return context.start_broker(settings=settings, anonymous=False)


@case('RS256, ES256 and HS256 made by openssl log in, by kid; every forgery is refused', GROUP, needs_ledge=True)
def _algorithms(context):
    keys = Keys(context.folder)
    jwks = write(context, 'jwks', keys.jwks())
    port = start(context, jwks_file=jwks, audience='broker').port
    good = claims(aud=['other', 'broker'])
    rs256 = token(good, keys.rsa, 'RS256', kid='rsa')
    for number, text in enumerate((rs256, token(good, keys.ec, 'ES256', kid='ec'), token(good, kid='secret'),
                                   token(good, keys.ec, 'ES256'), token(good))):
        for version in (4, 5):
            code, _ = log_in(context, port, f'good{number}', text, version=version)
            check(code == 0, f'token {number} is refused with {code}')
    check(log_in(context, port, 'name', rs256, user='dev')[0] == 0, 'its own user name')
    head, body, signature = rs256.split('.')
    forgeries = {
        'alg none': f'{b64(json.dumps({"alg": "none"}))}.{body}.',
        'RSA key as a secret': token(good, keys.public_pem(keys.rsa), kid='rsa'),
        'RSA key as a secret, no kid': token(good, keys.public_pem(keys.rsa)),
        'other claims': f'{head}.{b64(json.dumps(claims("root", aud="broker")))}.{signature}',
        'cut signature': rs256[:-4],
        'no signature': f'{head}.{body}.',
        'another key': token(good, b'x' * 40),
        'unknown kid': token(good, kid='nobody'),
    }
    genuine = {
        'expired': token(claims(ttl_s=-1, aud='broker')),
        'not yet': token(claims(aud='broker', nbf=int(time.time()) + 300)),
        'other audience': token(claims(aud='others')),
        'no end': token({'sub': 'dev', 'aud': 'broker'}),
        'no user': token({'exp': int(time.time()) + 600, 'aud': 'broker'}),
    }
    for expected, tokens in ((BAD_LOGIN, forgeries), (NOT_AUTHORIZED, genuine)):
        for name, text in tokens.items():
            code, _ = log_in(context, port, f'bad-{len(text)}', text)
            check(code == expected, f'{name}: {code:#x}')
    check(log_in(context, port, 'other', rs256, user='root')[0] == NOT_AUTHORIZED, 'another user name')


@case('a public key in PEM; a file that others read, or that has a private key, is refused', GROUP, needs_ledge=True)
def _key_file(context):
    keys = Keys(context.folder)
    port = start(context, key_file=write(context, 'pub', keys.public_pem(keys.ec), 0o644)).port
    check(log_in(context, port, 'pem', token(claims(), keys.ec, 'ES256', kid='any'))[0] == 0, 'ES256 by PEM')
    with open(keys.ec, 'rb') as file:
        private = file.read()
    for name, text, mode, word in (('private', private, 0o600, 'openssl pkey'), ('secret', SECRET, 0o644, 'chmod o-r'),
                                   ('short', b'short', 0o600, '256 to 8192')):
        path = write(context, name, text, mode)
        child = context.run([context.options.broker, 'check', '--set', f'auth.jwt.key_file={path}'])
        code, out = child.finish()
        check(code == 2 and word in out + child.errors(), f'{name}: {code} {out} {child.errors()}')


@case('the acl of a token is all that its client may do', GROUP, needs_ledge=True)
def _acl(context):
    port = start(context, key_file=write(context, 'secret', SECRET)).port
    acl = {'pub': ['dev/%c/#'], 'sub': ['cmd/+'], 'all': ['both']}
    code, raw = log_in(context, port, 'acl1', token(claims(acl=acl)))
    check(code == 0, f'refused: {code}')
    check(publish(raw, 'dev/acl1/x') == 0x10, 'what is granted')
    for topic in ('dev/other/x', 'cmd/x', 'elsewhere'):
        check(publish(raw, topic) == 0x87, f'{topic} is not granted')
    raw.send(harness.subscribe_packet('cmd/1', 1, 5))
    check(raw.read()[1][-1] == 1, 'a subscription that is granted')
    raw.send(harness.subscribe_packet('dev/#', 1, 5))
    check(raw.read()[1][-1] == 0x87, 'a subscription that is not')
    code, _ = log_in(context, port, 'acl2', token(claims(acl={'deny': ['x']})))
    check(code == NOT_AUTHORIZED, 'an acl that is not understood')


@case('the connection ends when the token does: 0xA0 for version 5', GROUP, needs_ledge=True)
def _end(context):
    broker = start(context, key_file=write(context, 'secret', SECRET))
    clients = {}
    for version in (4, 5):
        code, raw = log_in(context, broker.port, f'end{version}', token(claims(ttl_s=2)), version=version)
        check(code == 0, f'refused: {code}')
        clients[version] = raw
    first, body = clients[5].read()
    check(first == 0xE0 and body[0] == 0xA0, f'DISCONNECT 0xA0 expected, got {first} {body.hex()}')
    check(clients[4].read()[0] is None, '3.1.1 is still connected')
    check('maximum_connect_time' in broker.tail(), f'not logged: {broker.tail()}')


@case('SIGHUP: a key that is gone ends its sessions with 0x98, another key is taken', GROUP, needs_ledge=True)
def _reload(context):
    path = write(context, 'secret', SECRET)
    broker = start(context, key_file=path)
    code, raw = log_in(context, broker.port, 'reload', token(claims()))
    check(code == 0, f'refused: {code}')
    write(context, 'secret', b'n' * 40)
    broker.signal(signal.SIGHUP)
    first, body = raw.read()
    check(first == 0xE0 and body[0] == 0x98, f'DISCONNECT 0x98 expected, got {first} {body.hex()}')
    check(log_in(context, broker.port, 'old', token(claims()))[0] == BAD_LOGIN, 'the old key is still taken')
    check(log_in(context, broker.port, 'new', token(claims(), b'n' * 40))[0] == 0, 'the new key is not taken')
