#!/usr/bin/env bash
# How an OpenSSL client tells a TLS 1.3 server that it does not trust its certificate.
#
# Versions: pyOpenSSL 26.3.0 with cryptography 49.0.0 (PyPI), which bring OpenSSL 4.0.1; Python's own module ssl with
# OpenSSL 3.0.22 (Debian 12).
#
# A good guess: after ServerHello both sides have handshake keys, the server's certificate came encrypted, so the alert
# that refuses it is encrypted too (RFC 8446 section 6: "encrypted as specified by the current connection state").
# Seen: the client sends the seven bytes 15 03 03 00 02 02 30, an alert in the clear. It takes its sending keys into use
# only when it sends its Finished, and the alert comes before that; the mode for middleboxes (RFC 8446 appendix D.4),
# which looks like the reason, is none: without SSL_OP_ENABLE_MIDDLEBOX_COMPAT it is the same.
# A server that takes nothing in the clear at this point reports a record that does not decrypt, and never learns the
# commonest reason of a refusal: OpenSSL is what most MQTT clients (Python, libmosquitto, Paho C, Node.js) bring.
#
# Wants python3 with venv. Nothing leaves the process: client and server speak through memory. Everything is in a
# temporary folder and is removed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pyOpenSSL==26.3.0 cryptography==49.0.0

cat >"$work/shake.py" <<'END'
import datetime
import ssl
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

def self_signed():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'localhost')])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    return key, builder.sign(key, hashes.SHA256())

def server():
    key, certificate = self_signed()
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    connection = SSL.Connection(context)
    connection.set_accept_state()
    return connection

def first_flight(peer, hello):
    peer.bio_write(hello)
    try:
        peer.do_handshake()
    except SSL.WantReadError:
        return peer.bio_read(65536)
    raise SystemExit('the server has finished')

def refusal_of_pyopenssl():
    """What the client sends after the server's first flight."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: False)  # trusts nobody
    client = SSL.Connection(context)
    client.set_connect_state()
    try:
        client.do_handshake()
    except SSL.WantReadError:
        pass
    client.bio_write(first_flight(server(), client.bio_read(65536)))
    try:
        client.do_handshake()
    except SSL.Error:
        return client.bio_read(65536)
    raise SystemExit('the client is content')

def refusal_of_python(has_compat):
    """The same of Python's own module, where the mode for middleboxes can be switched off."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    if not has_compat:
        context.options &= ~ssl.OP_ENABLE_MIDDLEBOX_COMPAT
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    incoming.write(first_flight(server(), outgoing.read()))
    try:
        client.do_handshake()
    except ssl.SSLCertVerificationError:
        return outgoing.read()
    raise SystemExit('the client is content')

in_the_clear = bytes.fromhex('15030300020230')
pinned, plain, without = refusal_of_pyopenssl(), refusal_of_python(True), refusal_of_python(False)
print(f'{SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode()}: {pinned.hex(" ")}')
print(f'{ssl.OPENSSL_VERSION}: {plain.hex(" ")}; without the mode: {without.hex(" ")}')
assert pinned == plain == without == in_the_clear, 'the refusal is not in the clear any more'
END
"$work/venv/bin/python" "$work/shake.py"
echo 'as described'
