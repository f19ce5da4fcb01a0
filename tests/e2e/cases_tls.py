"""TLS with real clients: certificates and keys of every kind, what is refused, what is reloaded, what it costs."""
import hashlib
import os
import re
import signal
import socket
import ssl
import struct
import time

from harness import DEADLINE_S, RawClient, case, check, connect_packet, free_port, packet, publish_packet
from pki import Authority, openssl

GROUP = 'TLS'
GOOD_KEY = '000102030405060708090a0b0c0d0e0f'
_authorities = {}


def authority(context):
    """One for the run, with the certificates that most cases want."""
    if context.folder not in _authorities:
        ca = Authority(os.path.join(context.folder, 'pki'))
        ca.issue('server', 'localhost', 'DNS:localhost,IP:127.0.0.1')
        ca.issue('other', 'other', 'DNS:other.example,DNS:*.many.example')
        ca.issue('client', 'meter-7', 'DNS:meter-7.example,URI:urn:dev:meter-7')
        _authorities[context.folder] = ca
    return _authorities[context.folder]


class Served:
    """A broker with a TLS listener on port `port` (and a plain one on `plain`), from a file of its own."""

    def __init__(self, context, more='', is_psk=False, listeners='', ca=None):
        ca = ca or authority(context)
        self.port, self.plain = free_port(), free_port()
        certificate = '' if is_psk else f'certificate = "{ca.path("server.pem")}"\nkey = "{ca.path("server.key")}"\n'
        self.file = os.path.join(context.folder, f'tls-{self.port}.toml')
        with open(self.file, 'w', encoding='utf-8') as file:
            file.write(f'[listeners.plain]\nurl = "mqtt://127.0.0.1:{self.plain}"\n[listeners.tls]\n'
                       f'url = "mqtts://127.0.0.1:{self.port}"\n[listeners.tls.tls]\n{certificate}{more}\n{listeners}'
                       '[log]\nlevel = "debug"\n')
        self.broker = context.start_broker(arguments=['-c', self.file])
        self.broker.wait_for_port(self.plain)
        self.log_line(' ready ')

    def log_line(self, pattern, since=0):
        return self.broker.log_line(pattern, since)

    def log_size(self):
        return os.path.getsize(self.broker.log)


class TlsClient(RawClient):
    """A RawClient over Python's (OpenSSL's) TLS."""

    def __init__(self, port, settings=None, host='127.0.0.1', name=None):
        super().__init__(port, host=host)
        settings = settings or plain_settings()
        self.socket = settings.wrap_socket(self.socket, server_hostname=name)


def plain_settings(**_):
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.check_hostname = False
    settings.verify_mode = ssl.CERT_NONE
    return settings


def tls_connect(context, port, settings=None, name=None):
    client = TlsClient(port, settings, name=name)
    context._sockets.append(client)
    return client


def pub(context, port, *more, host='localhost', topic='t', message='m', qos=0):
    """Exit code and words of a mosquitto_pub."""
    child = context.run(['mosquitto_pub', '-h', host, '-p', port, '-t', topic, '-m', message, '-q', qos, *more])
    code, out = child.finish()
    return code, out + child.errors()


def sub(context, port, *more, topic='t', host='localhost'):
    child = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', host, '-p', port, '-d', '-q', '2', '-F', 'MSG %t|%p',
                         '-t', topic, *more])
    child.line(r'^Subscribed \(mid')
    return child


def run_s_client(context, port, *more):
    """The exit code of openssl s_client, and what it prints about a connection that it makes and ends."""
    child = context.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', *more])
    code, out = child.finish()
    return code, out + child.errors()


def s_client(context, port, *more):
    return run_s_client(context, port, *more)[1]


def trusting(context):
    return ['--cafile', authority(context).certificate]


def with_client_certificate(context, ca=None, name='client'):
    ca = ca or authority(context)
    return [*trusting(context), '--cert', ca.path(name + '.pem'), '--key', ca.path(name + '.key')]


# ----------------------------------------------------------------------------------------------------------------------
# Messages

@case('mosquitto_pub and mosquitto_sub exchange messages of every QoS', GROUP, needs_ledge=True)
def _mosquitto(context):
    served = Served(context)
    subscriber = sub(context, served.port, *trusting(context), topic='a/#')
    for qos in (0, 1, 2):
        code, text = pub(context, served.port, *trusting(context), topic=f'a/{qos}', message=f'q{qos}', qos=qos)
        check(code == 0, text)
        check(subscriber.line('^MSG ') == f'MSG a/{qos}|q{qos}', 'another message')
    code, text = pub(context, served.plain, topic='a/p', message='plain', host='127.0.0.1')
    check(code == 0 and subscriber.line('^MSG ') == 'MSG a/p|plain', 'the plain listener is another world')


for _version in ('3.1.1', '5'):
    for _which in ('qos0', 'qos1', 'qos2', 'large', 'persistent', 'takeover'):
        @case(f'Paho C, {_version}: {_which}', GROUP, needs_ledge=True)
        def _paho(context, version=_version, which=_which):
            served = Served(context)
            program = os.path.join(context.options.build, 'tests/e2e/paho_c_client')
            child = context.run([program, version, which, served.port, 'c', authority(context).certificate])
            code, out = child.finish(40)
            check(code == 0 and out.strip() == 'ok', f'ended with {code}: {out} {child.errors()[-500:]}')


@case('a message of 1 MB arrives as it was, in records of any size', GROUP, needs_ledge=True)
def _large(context):
    served = Served(context)
    reader, writer = tls_connect(context, served.port), tls_connect(context, served.port)
    reader.open('reader')
    reader.subscribe('big')
    writer.open('writer')
    payload = os.urandom(1_000_000)
    data, at, step = publish_packet('big', payload), 0, 1
    while at < len(data):
        writer.send(data[at:at + step])
        at, step = at + step, min(step * 3, 60000)
    first, body = reader.read()
    check(first == 0x30 and body == b'\0\x03big' + payload, 'another payload')


@case('many small records in one segment, and packets cut at every place', GROUP, needs_ledge=True)
def _small_records(context):
    served = Served(context)
    client = tls_connect(context, served.port)
    client.open('cutter')
    client.subscribe('x')
    data = publish_packet('x', b'0123456789')
    for cut in range(1, len(data)):
        client.send(data[:cut])
        client.send(data[cut:])
    for _ in range(1, len(data)):
        check(client.read() == (0x30, b'\0\x01x0123456789'), 'another packet')


@case('a refused CONNECT is answered before the end, and the end is in order', GROUP, needs_ledge=True)
def _orderly_end(context):
    served = Served(context)
    client = tls_connect(context, served.port)
    client.send(connect_packet('v9', version=9))
    first, body = client.read()
    check(first == 0x20 and body[1] != 0, f'no CONNACK with the refusal: {first} {body.hex()}')
    check(client.read() == (None, b''), 'no end')


@case('a subscriber that stops reading gets all of it later', GROUP, needs_ledge=True)
def _backpressure(context):
    served = Served(context, listeners='[listeners.tls.limits]\noutbox_bytes_max = "64 MiB"\n'
                                       'outbox_bytes_fatal = "64 MiB"\n')
    reader, writer = tls_connect(context, served.port), tls_connect(context, served.port)
    reader.open('slow')
    reader.subscribe('s')
    writer.open('fast')
    payload, count = b'x' * 10000, 1500
    for number in range(count):
        writer.send(publish_packet('s', struct.pack('>I', number) + payload))
    writer.send(packet(0xC0, b''))
    check(writer.read()[0] == 0xD0, 'no PINGRESP')
    for number in range(count):
        first, body = reader.read()
        check(first == 0x30 and body[3:7] == struct.pack('>I', number), f'message {number} is another one')


# ----------------------------------------------------------------------------------------------------------------------
# Who gets in

@case('a required client certificate: right, missing, of another authority', GROUP, needs_ledge=True)
def _client_certificate(context):
    ca = authority(context)
    served = Served(context, f'ca = "{ca.certificate}"\nclient_certificate = "required"\nusername_from = "cn"')
    code, text = pub(context, served.port, *with_client_certificate(context))
    check(code == 0, text)
    served.log_line('tls_agreed .*user=meter-7 ')
    check(pub(context, served.port, *trusting(context))[0] != 0, 'a client without certificate got in')
    served.log_line('tls_refused .*No client certification')
    stranger = Authority(os.path.join(context.folder, 'stranger'), 'stranger')
    stranger.issue('client', 'meter-7')
    check(pub(context, served.port, *with_client_certificate(context, stranger))[0] != 0, 'a stranger got in')
    served.log_line("tls_refused .*not correctly signed.*the peer's certificate is that of CN=meter-7")


@case('an optional client certificate: none is fine, a bad one is not', GROUP, needs_ledge=True)
def _optional(context):
    ca = authority(context)
    served = Served(context, f'ca = "{ca.certificate}"\nclient_certificate = "optional"\nusername_from = "san"')
    check(pub(context, served.port, *trusting(context))[0] == 0, 'a client without certificate was refused')
    check(pub(context, served.port, *with_client_certificate(context))[0] == 0, 'a good certificate was refused')
    served.log_line('tls_agreed .*user=meter-7.example ')
    stranger = Authority(os.path.join(context.folder, 'stranger2'), 'stranger')
    stranger.issue('client', 'meter-7')
    check(pub(context, served.port, *with_client_certificate(context, stranger))[0] != 0, 'a stranger got in')


@case('the user name may be the fingerprint of the certificate', GROUP, needs_ledge=True)
def _fingerprint(context):
    ca = authority(context)
    served = Served(context, f'ca = "{ca.certificate}"\nclient_certificate = "required"\nusername_from = "fingerprint"')
    der = ca.path('client.der')
    openssl('x509', '-in', ca.path('client.pem'), '-outform', 'DER', '-out', der)
    with open(der, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    code, text = pub(context, served.port, *with_client_certificate(context))
    check(code == 0, text)
    served.log_line(f'tls_agreed .*user={digest} ')


@case('a revoked certificate is refused, from when the list changes, also with its session ticket', GROUP,
      needs_ledge=True)
def _revoked(context):
    ca = Authority(os.path.join(context.folder, 'revoking'))
    ca.issue('server', 'localhost', 'DNS:localhost')
    ca.issue('good', 'good')
    ca.issue('bad', 'bad')
    crl = ca.revoke()
    served = Served(context, f'ca = "{ca.certificate}"\ncrl = "{crl}"\nclient_certificate = "required"', ca=ca)
    trust = ['--cafile', ca.certificate]

    def own(name):
        return [*trust, '--cert', ca.path(name + '.pem'), '--key', ca.path(name + '.key')]

    session = ca.path('session')
    as_bad = ['-tls1_2', '-cert', ca.path('bad.pem'), '-key', ca.path('bad.key')]
    check(pub(context, served.port, *own('bad'))[0] == 0, 'not yet revoked, but refused')
    s_client(context, served.port, *as_bad, '-sess_out', session)
    check('Reused' in s_client(context, served.port, *as_bad, '-sess_in', session), 'the ticket is not taken')
    connected = {}
    for name in ('good', 'bad'):
        settings = plain_settings()
        settings.load_cert_chain(ca.path(name + '.pem'), ca.path(name + '.key'))
        connected[name] = TlsClient(served.port, settings)
        context.adopt(connected[name])
        connected[name].open('connected-' + name)
    ca.revoke('bad')
    served.log_line('tls_reloaded')
    served.log_line('tls_revoked listener=tls ')
    check(connected['bad'].read() == (None, b''), 'a connected client outlives the revocation of its certificate')
    check(pings([connected['good']]) == 1, 'a client with a good certificate was disconnected')
    check(pub(context, served.port, *own('bad'))[0] != 0, 'a revoked certificate got in')
    served.log_line('tls_refused .*revoked')
    check('Reused' not in s_client(context, served.port, *as_bad, '-sess_in', session), 'its ticket got it in')
    check(pub(context, served.port, *own('good'))[0] == 0, 'a good one was refused')


@case('a pre-shared key: right, wrong, of an unknown identity; a certificate suite is no way around it', GROUP,
      needs_ledge=True)
def _psk(context):
    keys = os.path.join(context.folder, 'keys')
    with open(keys, 'w', encoding='ascii') as file:
        file.write(f'# devices\nmeter-7:{GOOD_KEY}\n')
    os.chmod(keys, 0o600)
    served = Served(context, f'psk_file = "{keys}"', is_psk=True)
    check(pub(context, served.port, '--psk', GOOD_KEY, '--psk-identity', 'meter-7')[0] == 0, 'the right key is refused')
    served.log_line('tls_agreed .*user=meter-7 ')
    wrong = GOOD_KEY[:-1] + 'e'
    check(pub(context, served.port, '--psk', wrong, '--psk-identity', 'meter-7')[0] != 0, 'a wrong key got in')
    served.log_line("tls_refused .*another key for the identity 'meter-7'")
    check(pub(context, served.port, '--psk', GOOD_KEY, '--psk-identity', 'meter-8')[0] != 0, 'an unknown one got in')
    served.log_line("tls_refused .*the psk_file has no identity 'meter-8'")
    check(pub(context, served.port, *trusting(context))[0] != 0, 'a client without key got in')
    # One that offers both kinds: with the wrong key there is nothing to fall back to.
    both = s_client(context, served.port, '-psk', wrong, '-psk_identity', 'meter-7', '-tls1_2', '-cipher',
                    'PSK:ECDHE+AESGCM')
    check('Cipher is (NONE)' in both or 'alert' in both, f'a wrong key was accepted: {both}')
    with open(keys, 'a', encoding='ascii') as file:
        file.write(f'meter-8:{GOOD_KEY}\n')
    served.log_line('tls_reloaded')
    check(pub(context, served.port, '--psk', GOOD_KEY, '--psk-identity', 'meter-8')[0] == 0, 'a new key is not known')


# ----------------------------------------------------------------------------------------------------------------------
# What is agreed on

@case('TLS 1.0 and 1.1 are refused', GROUP, needs_ledge=True)
def _versions(context):
    served = Served(context)
    for version in ('-tls1', '-tls1_1'):
        text = s_client(context, served.port, version, '-cipher', 'DEFAULT@SECLEVEL=0')
        check('Cipher is (NONE)' in text and 'protocol version' in text, f'{version}: {text}')
    check('Protocol  : TLSv1.2' in s_client(context, served.port, '-tls1_2'), 'TLS 1.2 is refused')


def has_tls1_3(context):
    """By the mbedTLS that the broker is linked with: 2.28 is libmbedtls.so.14 and has no TLS 1.3."""
    broker = context.options.broker
    code, libraries = context.run(['ldd', broker]).finish()
    check(code == 0 and 'libmbedtls.so.' in libraries, f'{broker} is not linked with mbedTLS: {libraries}')
    is_2_28 = 'libmbedtls.so.14' in libraries
    check(not (is_2_28 and broker.endswith('mbedtls3')), f'{broker} has the wrong mbedTLS: {libraries}')
    return not is_2_28


@case('TLS 1.3 is spoken with mbedTLS 3; with 2.28 it is refused, by name where it is configured', GROUP,
      needs_ledge=True)
def _tls1_3(context):
    ca = authority(context)
    if not has_tls1_3(context):
        text = s_client(context, Served(context).port, '-tls1_3')
        check('Cipher is (NONE)' in text and 'alert' in text, text)
        own = f'certificate = "{ca.path("server.pem")}"\nkey = "{ca.path("server.key")}"\n'
        code, text = complaint(context, own + 'minimum_version = "1.3"')
        check(code == 2 and 'wrong.toml:6: ' in text and 'TLS 1.3' in text, text)
        return
    served = Served(context, f'ca = "{ca.certificate}"\nclient_certificate = "optional"\nusername_from = "cn"\n'
                             'minimum_version = "1.3"')
    text = s_client(context, served.port, '-tls1_3', '-alpn', 'mqtt')
    check('New, TLSv1.3' in text and 'X25519' in text and 'ALPN protocol: mqtt' in text, text)
    text = s_client(context, served.port, '-tls1_2')
    check('Cipher is (NONE)' in text and 'protocol version' in text, f'1.2 is let in: {text}')
    check(pub(context, served.port, *with_client_certificate(context))[0] == 0, 'mosquitto_pub is refused')
    served.log_line('tls_agreed .*user=meter-7 version=TLSv1.3')
    stranger = Authority(os.path.join(context.folder, 'stranger-1.3'), 'stranger')
    stranger.issue('client', 'meter-7')
    pub(context, served.port, *with_client_certificate(context, stranger))
    served.log_line('tls_refused .*not correctly signed')
    # A ticket would not remember the certificate, so only a listener that asks for none gives any. They come after the
    # handshake: the client has to wait for them, with a CONNECT and its answer.
    session = os.path.join(context.folder, 'session-1.3')
    for port, is_resumed in ((served.port, False), (Served(context).port, True)):
        taker = context.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-quiet', '-tls1_3', '-sess_out',
                             session])
        taker.process.stdin.write(connect_packet('ticket') + packet(0xE0, b''))
        taker.process.stdin.flush()
        taker.finish()
        check(os.path.exists(session) == is_resumed, 'tickets are given to whom they are not for, or to nobody')
    check('Reused, TLSv1.3' in s_client(context, port, '-tls1_3', '-sess_in', session), 'no resumption')


@case('suites without forward secrecy or authenticated encryption are refused', GROUP, needs_ledge=True)
def _weak_ciphers(context):
    served = Served(context)
    weak = ('AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'NULL-SHA256',
            'DHE-RSA-AES128-SHA', 'aNULL', 'PSK-AES128-GCM-SHA256')
    for cipher in weak:
        more = ['-psk', GOOD_KEY] if 'PSK' in cipher else []
        text = s_client(context, served.port, '-tls1_2', '-cipher', cipher + ':@SECLEVEL=0', *more)
        check('Cipher is (NONE)' in text or 'no cipher' in text, f'{cipher}: {text}')
    for cipher in ('ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'):
        text = s_client(context, served.port, '-tls1_2', '-cipher', cipher)
        check(f'Cipher is {cipher}' in text, f'{cipher}: {text}')
    check('X25519' in s_client(context, served.port, '-tls1_2'), 'another curve comes first')


@case('a list of ciphers is kept to', GROUP, needs_ledge=True)
def _ciphers(context):
    served = Served(context, 'ciphers = ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"]')
    check('Cipher is ECDHE-ECDSA-CHACHA20' in s_client(context, served.port, '-tls1_2'), 'another one is taken')
    text = s_client(context, served.port, '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256')
    check('Cipher is (NONE)' in text, 'another one is taken')


@case('ALPN: mqtt and what AWS devices ask for are agreed on, others refused, none is fine', GROUP, needs_ledge=True)
def _alpn(context):
    served = Served(context)
    check('ALPN protocol: mqtt' in s_client(context, served.port, '-alpn', 'other,mqtt'), 'mqtt is not agreed on')
    check('ALPN protocol: x-amzn-mqtt-ca' in s_client(context, served.port, '-alpn', 'x-amzn-mqtt-ca'), 'not agreed')
    text = s_client(context, served.port, '-alpn', 'h2')
    check('no application protocol' in text, f'another protocol is not refused: {text}')
    check('No ALPN negotiated' in s_client(context, served.port), 'one is agreed on unasked')


@case('SNI: each name gets its certificate, an unknown one the first', GROUP, needs_ledge=True)
def _sni(context):
    ca = authority(context)
    served = Served(context, f'sni_certificates = ["{ca.path("other.pem")}"]\nsni_keys = ["{ca.path("other.key")}"]')
    for name, subject in (('localhost', 'localhost'), ('OTHER.example', 'other'), ('a.many.example', 'other'),
                          ('a.b.many.example', 'localhost'), ('unknown.example', 'localhost')):
        text = s_client(context, served.port, '-servername', name)
        check(f'subject=CN = {subject}\n' in text, f'{name}: {re.findall("subject=.*", text)}')


@case('session tickets: taken up again, also after new certificates, not at another listener', GROUP, needs_ledge=True)
def _tickets(context):
    ca = Authority(os.path.join(context.folder, 'tickets'))
    ca.issue('server', 'localhost', 'DNS:localhost')
    port = free_port()
    own = f'certificate = "{ca.path("server.pem")}"\nkey = "{ca.path("server.key")}"\n'
    served = Served(context, ca=ca, listeners=f'[listeners.second]\nurl = "mqtts://127.0.0.1:{port}"\n'
                                              f'[listeners.second.tls]\n{own}ca = "{ca.certificate}"\n'
                                              'client_certificate = "required"\n')
    session = ca.path('session')
    check('New, TLSv1.2' in s_client(context, served.port, '-tls1_2', '-sess_out', session), 'the first one is not new')
    check('Reused' in s_client(context, served.port, '-tls1_2', '-sess_in', session), 'the ticket is not taken')
    served.log_line('tls_agreed .*resumed=yes')
    ca.issue('server', 'localhost', 'DNS:localhost,DNS:new.example')
    served.log_line('tls_reloaded')
    check('Reused' in s_client(context, served.port, '-tls1_2', '-sess_in', session), 'its ticket is lost')
    check('Reused' not in s_client(context, port, '-tls1_2', '-sess_in', session), 'a ticket opens the other')
    with_mosquitto = [pub(context, served.port, '--cafile', ca.certificate)[0] for _ in range(3)]
    check(with_mosquitto == [0, 0, 0], 'clients without tickets are refused')


# ----------------------------------------------------------------------------------------------------------------------
# Changes

def pings(clients):
    for client in clients:
        client.send(packet(0xC0, b''))
    return sum(client.read()[0] == 0xD0 for client in clients)


@case('certificates change three times under 500 connections; none is lost, new ones see the new certificate', GROUP,
      needs_ledge=True, quick=False)
def _rotation(context):
    ca = Authority(os.path.join(context.folder, 'rotating'))
    ca.issue('server', 'name-0', 'DNS:name-0')
    served = Served(context, ca=ca)
    clients = []
    for number in range(500):
        client = tls_connect(context, served.port)
        client.open(f'rotation-{number}', keep_alive_s=600)
        clients.append(client)
    for number in range(1, 4):
        since = served.log_size()
        ca.issue('server', f'name-{number}', f'DNS:name-{number}')
        if number == 3:
            served.broker.signal(signal.SIGHUP)  # at once, without waiting for the next look
        served.log_line('tls_reloaded', since)
        check(f'subject=CN = name-{number}\n' in s_client(context, served.port), 'the old certificate is shown')
        check(pings(clients) == 500, 'a connection was lost')
    with open(served.broker.log, encoding='utf-8') as log:
        check('client_disconnected' not in log.read(), 'a client was disconnected')


@case('a certificate that does not fit its key stays out, and is reported; the old one serves on', GROUP,
      needs_ledge=True)
def _bad_file(context):
    ca = Authority(os.path.join(context.folder, 'changing'))
    ca.issue('server', 'first', 'DNS:first')
    served = Served(context, ca=ca)
    ca.issue('new', 'second', 'DNS:second')
    os.replace(ca.path('new.pem'), ca.path('server.pem'))
    served.log_line('error tls_reload_failed .*is not the key of')
    check('subject=CN = first\n' in s_client(context, served.port), 'the old one serves no more')
    os.replace(ca.path('new.key'), ca.path('server.key'))
    served.log_line('tls_reloaded')
    check('subject=CN = second\n' in s_client(context, served.port), 'the new one is not shown')
    os.remove(ca.path('server.pem'))
    served.log_line('error tls_reload_failed .*cannot be opened')
    check('subject=CN = second\n' in s_client(context, served.port), 'without the file nothing is served')


# ----------------------------------------------------------------------------------------------------------------------
# Peers that do wrong

def send_and_drain(raw, data):
    """Until the broker has closed the connection, in whatever way."""
    try:
        raw.send(data)
        raw.socket.shutdown(socket.SHUT_WR)
        while raw.socket.recv(4096):
            pass
    except (ConnectionResetError, BrokenPipeError, OSError) as error:
        check(not isinstance(error, TimeoutError), 'the connection stays open')


@case('garbage on the TLS port ends the connection and nothing else', GROUP, needs_ledge=True)
def _garbage(context):
    served = Served(context)
    good = tls_connect(context, served.port)
    good.open('witness')
    hello = b'\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03'
    for data in (os.urandom(4096), connect_packet('plain'), b'GET / HTTP/1.1\r\n\r\n', b'\x16\x03\x03\xff\xff' * 1000,
                 hello * 10, b'\x15\x03\x03\x00\x02\x02\x28', b'\x80\x2e\x01\x03\x01' + bytes(41), bytes(100000)):
        send_and_drain(context.connect(served.port), data)
    check(pings([good]) == 1, 'the witness was hurt')
    served.log_line('tls_refused ')


@case('a refused handshake says which alert came, or which protocol was spoken instead of TLS', GROUP, needs_ledge=True)
def _words(context):
    served = Served(context)
    code, text = run_s_client(context, served.port, '-verify_return_error', '-no-CAfile', '-no-CApath', '-no-CAstore')
    check(code != 0, f'a client that trusts nobody was content: {text}')
    served.log_line('tls_refused .*alert 48 unknown_ca: the peer does not know the authority')
    s_client(context, served.port, '-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0')
    served.log_line('tls_refused .*the peer speaks TLS 1.1 at most, but tls.minimum_version requires a newer version')
    for data, protocol in ((connect_packet('plain'), 'an MQTT CONNECT'), (b'GET / HTTP/1.1\r\n\r\n', 'an HTTP request'),
                           (b'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n', 'a PROXY header')):
        send_and_drain(context.connect(served.port), data)
        served.log_line(f'tls_refused .*the first bytes are {protocol}, but this listener speaks TLS')


@case('garbage inside an agreed connection ends it', GROUP, needs_ledge=True)
def _garbage_inside(context):
    served = Served(context)
    client = tls_connect(context, served.port)
    client.open('forger')
    under = socket.socket(fileno=os.dup(client.socket.fileno()))
    under.sendall(b'\x17\x03\x03\x00\x20' + os.urandom(32))
    served.log_line('client_disconnected client_id=forger')
    under.close()


@case('a handshake that is not finished in time is ended', GROUP, needs_ledge=True)
def _slow(context):
    served = Served(context, 'handshake_timeout_s = 1')
    silent, partial = context.connect(served.port), context.connect(served.port)
    partial.send(b'\x16\x03\x01\x02\x00\x01\x00')
    began = time.monotonic()
    check(silent.socket.recv(1) == b'' and partial.socket.recv(1) == b'', 'something was said')
    took = time.monotonic() - began
    check(0.8 < took < 5, f'after {took:.1f} s')
    served.log_line('tls_refused .*took too long')
    served.log_line('tls_refused .*no handshake in time')


@case('more handshakes than allowed wait, more than that are closed at once', GROUP, needs_ledge=True)
def _too_many(context):
    served = Served(context, 'handshakes_max = 1\nhandshakes_queued_max = 2\nhandshake_timeout_s = 3')
    begun = [context.connect(served.port) for _ in range(3)]
    begun[0].send(b'\x16\x03\x01\x02\x00\x01\x00')
    for raw in begun[1:]:
        raw.send(b'\x16')
    served.broker.wait_for_port(served.plain)
    turned_away = context.connect(served.port)
    check(turned_away.socket.recv(1) == b'', 'the fourth is let in')
    served.log_line('tls_refused .*too many handshakes')
    begun[0].close()  # its turn is over: the next ones have theirs, fail, and all is free again
    for raw in begun[1:]:
        send_and_drain(raw, b'\xff' * 10)
    check(pub(context, served.port, *trusting(context))[0] == 0, 'nobody gets in afterwards')


@case('SIGHUP: a new TLS listener is served, the others stay; one without its key is told and served when it has it',
      GROUP, needs_ledge=True)
def _new_listener(context):
    served = Served(context)
    before = context.connect(served.plain)
    before.open('before')
    port, ca = free_port(), authority(context)
    key = os.path.join(context.folder, f'late-{port}.key')
    with open(served.file, 'a', encoding='utf-8') as file:
        file.write(f'[listeners.later]\nurl = "mqtts://127.0.0.1:{port}"\nlimits.max_packet_size_bytes = 4096\n'
                   f'[listeners.later.tls]\ncertificate = "{ca.path("server.pem")}"\nkey = "{key}"\n')
    served.broker.signal(signal.SIGHUP)
    served.log_line('configuration_refused .*late-|listener_not_added listener=later ')
    os.link(ca.path('server.key'), key)
    served.broker.signal(signal.SIGHUP)
    served.log_line(f'listener_added listener=later address=127.0.0.1:{port}')
    check(pub(context, port, *trusting(context))[0] == 0, 'the new listener serves nobody')
    client = tls_connect(context, port)
    client.send(connect_packet('new', 5))
    check(b'\x27\0\0\x10\0' in client.read()[1], 'it has not the limits of its own')
    before.send(b'\xC0\0')
    check(before.read()[0] == 0xD0, 'the first listener has lost its client')


# ----------------------------------------------------------------------------------------------------------------------
# Configuration

def complaint(context, more, listener='url = "mqtts://127.0.0.1:0"'):
    return complaint_about(context, f'[listeners.tls]\n{listener}\n[listeners.tls.tls]\n{more}\n')


def complaint_about(context, text):
    """Exit code and words of `ledgemq check` about wrong.toml with this text."""
    path = os.path.join(context.folder, 'wrong.toml')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    child = context.run([context.options.broker, 'check', '-c', path])
    code, out = child.finish()
    return code, out + child.errors()


@case('what is wrong with files and keys is said with file, line and fix', GROUP, needs_ledge=True)
def _complaints(context):
    ca = authority(context)
    own = f'certificate = "{ca.path("server.pem")}"\nkey = "{ca.path("server.key")}"\n'
    swapped = f'certificate = "{ca.path("server.pem")}"\nkey = "{ca.path("client.key")}"\n'
    for more, line, words in (
            (swapped, 5, 'is not the key of'),
            (own.replace('server.pem', 'none.pem'), 4, 'No such file'),
            (own.replace('server.pem', 'server.key'), 4, 'is not PEM of this kind'),
            (own + 'client_certificate = "required"', 6, 'needs ca'),
            (own + f'ca = "{ca.certificate}"', 6, 'add client_certificate'),
            (own + 'ciphers = ["RC4"]', 6, 'is no cipher suite'),
            (own + f'psk_file = "{ca.path("server.key")}"', 6, 'a listener of their own'),
            (f'psk_file = "{ca.path("server.key")}"', 4, 'line 1 has no \':\''),
            ('', 2, 'requires a certificate'),
            (own.split('\n', 1)[0], 4, 'requires key'),
    ):
        code, text = complaint(context, more)
        check(code == 2 and f'wrong.toml:{line}: ' in text and words in text, f'{code}: {text}')
    code, text = complaint(context, own, 'url = "mqtt://127.0.0.1:0"')
    check(code == 2 and 'has no TLS' in text, text)


@case('a key that everybody may read is noted', GROUP, needs_ledge=True)
def _note(context):
    ca = Authority(os.path.join(context.folder, 'open'))
    certificate, key = ca.issue('server', 'localhost')
    os.chmod(key, 0o644)
    code, text = complaint(context, f'certificate = "{certificate}"\nkey = "{key}"')
    check(code == 0 and 'everybody on this machine may read the key' in text, text)
    check('subject' in openssl('x509', '-in', certificate, '-noout', '-subject'), 'the helper works')
