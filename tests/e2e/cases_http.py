"""Pages by HTTP: on the admin listener and on the one for WebSocket; what may be read where, and bad requests."""
import json
import os
import re
import signal
import socket
import time

import prometheus
from cases_broker import run_to_end
from cases_tls import Authority, authority, complaint_about
from harness import (DEADLINE_S, case, check, connect_packet, free_port, packet, prefixed,
                     publish_packet)
from websocket import http_request, read_answer, start_broker, upgrade_request

PAGES, REQUESTS = 'pages', 'HTTP requests'
TOKEN = 'correct horse battery staple'.replace(' ', '-')
METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'


def start(context, settings=(), more=()):
    """A broker with an admin listener too: broker.admin_port."""
    admin_port = free_port()
    broker = start_broker(context, settings=[f'admin.url=http://127.0.0.1:{admin_port}', *settings], more=more)
    broker.admin_port = admin_port
    broker.wait_for_port(admin_port)
    return broker


def get(context, port, path, headers=(), **options):
    connection = context.connect(port)
    connection.send(http_request(path, headers, **options))
    return read_answer(connection, head_only=options.get('method') == 'HEAD')


def token_file(context, text=TOKEN + '\n'):
    path = os.path.join(context.folder, f'{context.client_id}.token')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path


# ---------------------------------------------------------------------------------------------------------------------

@case('/healthz says ready and how the store is, on both listeners', PAGES, needs_ledge=True)
def _health(context):
    broker = start(context)
    for port in (broker.admin_port, broker.ws_port):
        status, headers, body = get(context, port, '/healthz')
        check(status == 200 and headers['content-type'] == 'application/json', f'{status} {headers}')
        said = json.loads(body)
        check(said['ready'] is True and said['store'] == 'none' and said['bridges'] == [] and said['uptime_s'] < 60,
              f'{said}')
    stored = start(context, settings=[f'store.path={context.folder}/{context.client_id}.store'])
    said = json.loads(get(context, stored.admin_port, '/healthz')[2])
    check(said['ready'] is True and said['store'] == 'ok', f'{said}')


@case('/healthz and /metrics tell of a bridge whose filter the upstream refuses', PAGES, needs_ledge=True)
def _refused_filter(context):
    acl = os.path.join(context.folder, f'{context.client_id}.acl')
    with open(acl, 'w', encoding='utf-8') as file:
        file.write('topic readwrite a/#\n')
    upstream = start_broker(context, settings=[f'auth.acl_file={acl}'])
    gateway = start(context, settings=[f'bridges.up.urls=mqtt://127.0.0.1:{upstream.port}',
                                       'bridges.up.routes.1.direction=in', 'bridges.up.routes.1.filter=denied/#',
                                       'bridges.up.routes.2.direction=in', 'bridges.up.routes.2.filter=a/#'])
    end = time.monotonic() + DEADLINE_S
    while True:
        said = json.loads(get(context, gateway.admin_port, '/healthz')[2])['bridges'][0]
        if said['stage'] == 'running':
            break
        check(time.monotonic() < end, f'{said}')
        time.sleep(0.05)
    check(said['health'] == 'degraded' and 'denied/#' in said['health_reason'], f'{said}')
    text = get(context, gateway.admin_port, '/metrics')[2].decode()
    check('ledgemq_bridge_refused_filters{bridge="up"} 1\n' in text, text[-2000:])


@case('/metrics passes the rules of promtool and counts what happened', PAGES, needs_ledge=True)
def _metrics(context):
    broker = start(context)
    before = metrics_of(context, broker)
    raw = context.connect(broker.port)
    raw.open(context.client_id)
    raw.subscribe('t')
    for _ in range(7):
        raw.send(publish_packet('t', b'12345'))
        check(raw.read() == (0x30, prefixed('t') + b'12345'), 'the publication did not come back')
    after = metrics_of(context, broker)
    grown = {key[0]: after[key] - before[key] for key in after if not key[1]}
    for name, by in (('publish_received_total', 7), ('publish_sent_total', 7), ('clients_connected', 1),
                     ('publish_payload_received_bytes_total', 35), ('subscriptions', 1),
                     ('connections_opened_total', 1)):
        check(grown['ledgemq_' + name] == by, f'{name} grew by {grown["ledgemq_" + name]}')
    reasons = {key[1][0][1] for key in after if key[0] == 'ledgemq_publications_dropped_total'}
    known = {'slow_reader', 'queue_full', 'too_large', 'expired', 'replaced', 'not_allowed', 'session_ended',
             'unreadable', 'cleared', 'memory'}
    check(reasons == known, f'{reasons}')


@case('gauges of /metrics return to where they were when everybody has gone', PAGES, needs_ledge=True)
def _gauges(context):
    broker = start(context)
    gauges = ('connections', 'clients_connected', 'sessions', 'subscriptions', 'queued_messages', 'queued_bytes',
              'retained_messages', 'retained_bytes')

    def read():
        found = metrics_of(context, broker)
        return {name: found['ledgemq_' + name, ()] for name in gauges}

    until(lambda: read()['connections'] == 0, 'the one that tried the port stays')
    before = read()
    clients = [context.connect(broker.port) for _ in range(5)]
    for number, client in enumerate(clients):
        client.open(f'{context.client_id}-{number}', clean=number > 0)
        client.subscribe('t/#', qos=1)
    half_open = context.connect(broker.port)
    half_open.send(connect_packet('later')[:3])
    clients[1].send(packet(0x33, prefixed('t/kept') + b'\0\7' + b'12345'))  # each subscriber owes an acknowledgement
    for client in clients:
        while client.read()[0] & 0xF0 != 0x30:
            pass
    until(lambda: read()['connections'] == before['connections'] + 6, 'the one without CONNECT is not counted')
    during = read()
    grown = {name: during[name] - before[name] for name in gauges}
    check((grown['connections'], grown['clients_connected'], grown['sessions'], grown['subscriptions'],
           grown['queued_messages'], grown['retained_messages']) == (6, 5, 5, 5, 5, 1), f'{grown}')
    check(grown['queued_bytes'] == 0 and grown['retained_bytes'] > 0, f'in flight: {grown}')
    clients[0].close()
    until(lambda: read()['clients_connected'] == before['clients_connected'] + 4, 'the first has not gone')
    clients[1].send(publish_packet('t/more', b'QoS 0') + packet(0x32, prefixed('t/more') + b'\0\x08' + b'x' * 100))
    until(lambda: read()['queued_bytes'] >= before['queued_bytes'] + 100, 'nothing is queued for who has gone')
    clients[1].send(packet(0x31, prefixed('t/kept')))  # an empty one removes what is retained
    until(lambda: read()['retained_messages'] == before['retained_messages'], 'it is still retained')
    for client in clients[1:] + [half_open]:
        client.close()
    again = context.connect(broker.port)
    again.open(f'{context.client_id}-0')  # a clean start ends the session that was to outlive its connection
    again.close()
    until(lambda: read() == before, f'{before} became something else')


def until(is_so, otherwise):
    end = time.monotonic() + DEADLINE_S
    while not is_so():
        check(time.monotonic() < end, otherwise)
        time.sleep(0.02)


def metrics_of(context, broker):
    status, headers, body = get(context, broker.admin_port, '/metrics')
    check(status == 200 and headers['content-type'] == METRICS_TYPE, f'{status} {headers}')
    return prometheus.parse(body.decode())


@case('/metrics with a store tells what it has cost the flash', PAGES, needs_ledge=True)
def _wear(context):
    broker = start(context, settings=[f'store.path={context.folder}/{context.client_id}.store'])
    raw = context.connect(broker.port)
    raw.open(context.client_id, clean=False)
    raw.subscribe('t', qos=1)
    raw.send(packet(0x3B, prefixed('t') + b'\0\1' + b'kept'))
    while raw.read()[0] != 0x40:
        pass
    values = metrics_of(context, broker)
    check(values['ledgemq_store_enabled', ()] == 1 and values['ledgemq_store_failed', ()] == 0, 'the state')
    check(values['ledgemq_store_commits_total', ()] >= 1, 'no commit')
    check(values['ledgemq_store_given_bytes_total', (('class', 'retained'),)] > 0, 'nothing given')


@case('the API names its resources', PAGES, needs_ledge=True)
def _api(context):
    broker = start(context)
    status, _, body = get(context, broker.admin_port, '/api/v1/')
    said = json.loads(body)
    check(status == 200 and said['name'] == 'LedgeMQ' and '/api/v1/clients' in said['resources'], f'{status} {said}')
    check(get(context, broker.admin_port, '/api/v1/nothing')[0] == 404, 'another resource is there')


@case('without a token: /metrics and /api by an address at the admin listener only', PAGES, needs_ledge=True)
def _without_token(context):
    broker = start(context)
    for path in ('/metrics', '/api/v1/'):
        check(get(context, broker.ws_port, path)[0] == 403, f'{path} on the WebSocket listener')
        for host in ('127.0.0.1', 'localhost:9000', '[::1]:80', '[::1]'):
            status = get(context, broker.admin_port, path, [('Host', host)])[0]
            check(status == 200, f'{path} of {host}: {status}')
        for host in ('rebound.example', 'localhost.example:80', '127.0.0.1.example', ''):
            status = get(context, broker.admin_port, path, [('Host', host)])[0]
            check(status == 403, f'{path} of {host!r}: {status}')


@case('with a token: /metrics and /api ask for it, everywhere', PAGES, needs_ledge=True)
def _with_token(context):
    broker = start(context, settings=[f'admin.token_file={token_file(context)}'])
    for port in (broker.admin_port, broker.ws_port):
        check(get(context, port, '/healthz')[0] == 200, '/healthz wants it')
        status, headers, _ = get(context, port, '/metrics')
        check(status == 401 and headers['www-authenticate'] == 'Bearer', f'{status} {headers}')
        for wrong in ('Bearer', 'Bearer ' + TOKEN[:-1], 'Bearer ' + TOKEN + 'x', 'Basic ' + TOKEN, TOKEN):
            check(get(context, port, '/metrics', [('Authorization', wrong)])[0] == 401, wrong)
        for right in ('Bearer ' + TOKEN, 'bearer  ' + TOKEN):
            check(get(context, port, '/metrics', [('Authorization', right)])[0] == 200, right)


@case('pages for everybody want a token; a bad token file is a mistake of the configuration', PAGES, needs_ledge=True)
def _token_rules(context):
    open_to_all = 'admin.url=http://0.0.0.0:9883'
    code, _, errors = run_to_end(context, 'check', '--set', open_to_all)
    check(code == 2 and 'admin.token_file' in errors, f'{code} {errors}')
    for text in ('', 'short\n', 'two lines of it\nare not one\n', 'x' * 2000):
        code, _, errors = run_to_end(context, 'check', '--set', open_to_all,
                                     '--set', f'admin.token_file={token_file(context, text)}')
        check(code == 2 and 'one line of 16 to 1024' in errors, f'{text!r}: {code} {errors}')
    code, out, errors = run_to_end(context, 'check', '--set', open_to_all,
                                   '--set', f'admin.token_file={token_file(context)}')
    check(code == 0 and 'pages: http://0.0.0.0:9883' in out, f'{code} {out} {errors}')


# ---------------------------------------------------------------------------------------------------------------------

def start_https(context, more='', settings=(), ca=None):
    """Pages over TLS, with what [admin.tls] says in `more`, for 127.0.0.1 and localhost."""
    ca = ca or authority(context)
    own = {'certificate': ca.path('server.pem'), 'key': ca.path('server.key')}
    tls = [f'admin.tls.{key}={value}' for key, value in own.items()] + [f'admin.tls.{line}' for line in more.split()]
    port = free_port()
    broker = start_broker(context, settings=[f'admin.url=https://127.0.0.1:{port}', *tls, *settings])
    broker.admin_port = port
    broker.wait_for_port(port)
    return broker


def handshakes(context, broker, *more):
    """{result: how many} so far, this one included."""
    figures = prometheus.parse(curl(context, broker.admin_port, '/metrics', *more)[2])
    return {key[1][0][1]: figures[key] for key in figures if key[0] == 'ledgemq_tls_handshakes_total'}


def curl(context, port, path, *more, host='localhost', scheme='https', trust=None):
    """Exit code, status (0 without an answer) and body."""
    child = context.run(['curl', '-sS', '--max-time', '10', '--cacert', trust or authority(context).certificate,
                         '-w', '\n%{http_code}', *more, f'{scheme}://{host}:{port}{path}'])
    code, out = child.finish()
    body, _, status = out.rpartition('\n')
    return code, int(status or 0), body


def curl_words(context, port, ca):
    """What curl tells of the certificate it is shown."""
    child = context.run(['curl', '-sv', '--max-time', '10', '--cacert', ca.certificate,
                         f'https://localhost:{port}/healthz'])
    child.finish()
    return child.errors()


def showing(ca, name='client'):
    return ['--cert', ca.path(name + '.pem'), '--key', ca.path(name + '.key')]


@case('curl reads pages by https, and knows whose they are', PAGES, needs_ledge=True)
def _https(context):
    broker = start_https(context)
    code, status, body = curl(context, broker.admin_port, '/healthz')
    check(code == 0 and status == 200 and json.loads(body)['bridges'] == [], f'{code} {status} {body}')
    code, status, body = curl(context, broker.admin_port, '/metrics')
    check(code == 0 and status == 200 and prometheus.parse(body), f'{code} {status}')
    stranger = Authority(os.path.join(context.folder, 'stranger-pages'), 'stranger')
    code, status, _ = curl(context, broker.admin_port, '/healthz', trust=stranger.certificate)
    check(code == 60 and status == 0, f'curl trusts anybody: {code} {status}')
    code, status, _ = curl(context, broker.admin_port, '/healthz', scheme='http')
    check(code != 0 and status == 0, f'pages without TLS: {code} {status}')


@case('a required client certificate at the pages: right, missing, of another authority', PAGES, needs_ledge=True)
def _https_required(context):
    ca = authority(context)
    broker = start_https(context, f'ca={ca.certificate} client_certificate=required')
    for page in ('/healthz', '/metrics', '/api/v1/'):
        code, status, body = curl(context, broker.admin_port, page, *showing(ca))
        check(code == 0 and status == 200, f'{page}: {code} {status} {body}')
    before = handshakes(context, broker, *showing(ca))
    code, status, _ = curl(context, broker.admin_port, '/healthz')
    check(code != 0 and status == 0, f'without a certificate: {code} {status}')
    stranger = Authority(os.path.join(context.folder, 'stranger-admin'), 'stranger')
    stranger.issue('client', 'operator')
    code, status, _ = curl(context, broker.admin_port, '/healthz', *showing(stranger))
    check(code != 0 and status == 0, f'with a certificate of somebody else: {code} {status}')
    check('tls_refused listener=admin' in broker.tail(), broker.tail())
    after = handshakes(context, broker, *showing(ca))
    check({key: after[key] - before[key] for key in after} == {'full': 1, 'resumed': 0, 'failed': 2, 'refused': 0},
          f'{before} became {after}')


@case('a new certificate of the pages comes into service on SIGHUP, a wrong one does not', PAGES, needs_ledge=True)
def _https_rotation(context):
    ca = Authority(os.path.join(context.folder, 'pages'))
    ca.issue('server', 'first', 'DNS:localhost')
    broker = start_https(context, ca=ca)
    port = broker.admin_port

    def subject():
        return re.search(r'subject: (.*)', curl_words(context, port, ca))[1]

    check(subject() == 'CN=first', subject())
    ca.issue('server', 'second', 'DNS:localhost')
    broker.signal(signal.SIGHUP)
    until(lambda: 'tls_reloaded listener=admin' in broker.tail(), broker.tail())
    check(subject() == 'CN=second', subject())
    ca.issue('other', 'third')
    os.replace(ca.path('other.key'), ca.path('server.key'))
    broker.signal(signal.SIGHUP)
    until(lambda: 'tls_reload_failed listener=admin' in broker.tail(), broker.tail())
    check(subject() == 'CN=second', subject())


@case('an optional client certificate at the pages stands for the token', PAGES, needs_ledge=True)
def _https_optional(context):
    ca = authority(context)
    broker = start_https(context, f'ca={ca.certificate} client_certificate=optional',
                         [f'admin.token_file={token_file(context)}'])
    port = broker.admin_port
    check(curl(context, port, '/healthz')[1] == 200, '/healthz wants something')
    check(curl(context, port, '/metrics')[1] == 401, 'neither certificate nor token')
    check(curl(context, port, '/metrics', '-H', f'Authorization: Bearer {TOKEN}')[1] == 200, 'the token')
    check(curl(context, port, '/metrics', *showing(ca))[1] == 200, 'the certificate')
    check(get(context, broker.ws_port, '/metrics')[0] == 401, 'the WebSocket listener')


@case('pages for everybody may want a certificate instead of a token; mistakes are said with line and fix', PAGES,
      needs_ledge=True)
def _https_rules(context):
    ca = authority(context)
    own = f'certificate = "{ca.path("server.pem")}"\nkey = "{ca.path("server.key")}"\nca = "{ca.certificate}"\n'
    required = own + 'client_certificate = "required"\n'
    for url, keys, line, words in (
            ('https://0.0.0.0:1', own + 'client_certificate = "optional"\n', 2, 'client_certificate = "required" in'),
            ('https://0.0.0.0:1', required.replace('server.key', 'client.key'), 5, 'is not the key of'),
            ('https://127.0.0.1:1', own, 6, 'add client_certificate'),
            ('https://127.0.0.1:1', '', 2, 'requires a certificate'),
            ('http://127.0.0.1:1', own, 2, 'which has no TLS'),
            ('https://127.0.0.1:1', own + 'psk_file = "x"\n', 7, 'is unknown')):
        code, text = complaint_about(context, f'[admin]\nurl = "{url}"\n[admin.tls]\n{keys}')
        check(code == 2 and f'wrong.toml:{line}: ' in text and words in text, f'{url} {keys}: {code} {text}')
    code, text = complaint_about(context, f'[admin]\nurl = "https://0.0.0.0:1"\n[admin.tls]\n{required}')
    check(code == 0 and 'pages: https://0.0.0.0:1, for those with a certificate' in text, f'{code} {text}')


# ---------------------------------------------------------------------------------------------------------------------

@case('a connection is kept for further requests, also when they come at once', REQUESTS, needs_ledge=True)
def _keep_alive(context):
    broker = start(context)
    connection = context.connect(broker.admin_port)
    connection.send(http_request('/healthz') * 3 + http_request('/healthz', [('Connection', 'close')]))
    for expected in ['keep-alive'] * 3 + ['close']:
        status, headers, _ = read_answer(connection)
        check(status == 200 and headers['connection'] == expected, f'{status} {headers}')
    check(connection.read()[0] is None, 'still open')
    old = context.connect(broker.admin_port)
    old.send(http_request('/healthz', version='1.0'))
    check(read_answer(old)[0] == 200 and old.read()[0] is None, 'HTTP/1.0 is kept open')


@case('HEAD is GET without the body', REQUESTS, needs_ledge=True)
def _head(context):
    broker = start(context)
    status, headers, _ = get(context, broker.admin_port, '/metrics', method='HEAD')
    check(status == 200 and int(headers['content-length']) > 1000, f'{status} {headers}')


@case('404, 405, 413, 426, 501: what is not there, not allowed, not wanted', REQUESTS, needs_ledge=True)
def _refusals(context):
    broker = start(context)
    admin, web = broker.admin_port, broker.ws_port
    for port, status, request in (
            (admin, 404, http_request('/nothing')), (admin, 404, http_request('/metrics/')),
            (admin, 404, http_request('/mqtt')), (admin, 404, upgrade_request('/mqtt')),
            (admin, 404, http_request('/../healthz')), (admin, 404, http_request('/%68ealthz')),
            (admin, 405, http_request('/metrics', method='POST')),
            (admin, 405, http_request('/metrics', method='DELETE')),
            (web, 403, http_request('/api/v1/clients/x', method='DELETE')),
            (admin, 405, http_request('/metrics', [('Content-Length', '5')], method='POST') + b'12345'),
            (admin, 501, http_request('/metrics', method='BREW')),
            (admin, 413, http_request('/metrics', [('Content-Length', '5')]) + b'12345'),
            (admin, 413, http_request('/metrics', [('Transfer-Encoding', 'chunked')]) + b'0\r\n\r\n'),
            (web, 426, http_request('/mqtt')), (web, 405, upgrade_request(method='POST')),
            (web, 426, upgrade_request(version='1.0')), (web, 404, upgrade_request('/healthz')),
            (admin, 200, http_request('http://127.0.0.1/healthz')), (admin, 200, http_request('/healthz?full=1'))):
        connection = context.connect(port)
        connection.send(request)
        got, headers, _ = read_answer(connection)
        check(got == status, f'{request[:60]} got {got}')
        check(status != 405 or headers['allow'] == 'GET, HEAD', '405 without Allow')
        check(status != 426 or 'websocket' in headers['upgrade'], '426 without Upgrade')


BAD = [b'GET /healthz\r\n\r\n', b'GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n', b'\0' * 50 + b'\r\n\r\n',
       b'GET /healthz HTTP/1.1\r\n\r\n', b'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
       b'GET /healthz HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n', b'GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n',
       b'GET healthz HTTP/1.1\r\nHost: x\r\n\r\n', b'GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n',
       b'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
       b'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
       b'GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n',
       bytes.fromhex('16030100c8010000c40303') + b'\0' * 200, b'\x10\x0c\0\4MQTT\4\2\0\0\0\0' + b'\r\n\r\n']


@case('400 to what is no HTTP, 505 to another version', REQUESTS, needs_ledge=True)
def _bad_requests(context):
    broker = start(context)
    for port in (broker.admin_port, broker.ws_port):
        for data in BAD:
            connection = context.connect(port)
            connection.send(data)
            status = read_answer(connection)[0]
            check(status == 400, f'{data[:70]} got {status}')
            check(connection.read()[0] is None, f'{data[:70]}: still open')
        for data in (b'GET / HTTP/2.0\r\nHost: x\r\n\r\n', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
                     b'GET / HTTP/1.2\r\nHost: x\r\n\r\n'):
            connection = context.connect(port)
            connection.send(data)
            status = read_answer(connection)[0]
            check(status == 505, f'{data[:70]} got {status}')


@case('431 to a header that does not end, and to one that is too large', REQUESTS, needs_ledge=True)
def _large_header(context):
    broker = start(context, settings=['listeners.web.websocket.header_bytes_max=1024'])
    for port, size in ((broker.admin_port, 8192), (broker.ws_port, 1024)):
        fits = http_request('/healthz', [('Cookie', 'c' * (size - 100))])
        connection = context.connect(port)
        connection.send(fits)
        check(read_answer(connection)[0] == 200, f'{len(fits)} bytes are refused')
        for data in (http_request('/healthz', [('Cookie', 'c' * size)]), b'GET /' + b'a' * (size + 100),
                     b'GET / HTTP/1.1\r\n' + b'A: b\r\n' * size):
            connection = context.connect(port)
            try:
                connection.send(data)
            except OSError:
                pass  # it was closed while we sent
            status = read_answer(connection)[0]
            check(status == 431, f'{len(data)} bytes got {status}')


@case('408 to half a request; silence is closed', REQUESTS, needs_ledge=True)
def _timeouts(context):
    broker = start(context, settings=['listeners.web.websocket.handshake_timeout_s=1'])
    half, silent, idle = (context.connect(broker.ws_port) for _ in range(3))
    half.send(b'GET /healthz HTTP/1.1\r\n')
    idle.send(http_request('/healthz'))
    check(read_answer(idle)[0] == 200, 'no answer')
    check(read_answer(half)[0] == 408 and half.read()[0] is None, 'half a request')
    check(read_answer(silent)[0] is None, 'silence was answered')
    check(read_answer(idle)[0] is None, 'idleness was answered')


@case('many who say nothing give way to one who asks', REQUESTS, needs_ledge=True, quick=False)
def _crowd(context):
    broker = start(context)
    crowd = [context.connect(broker.ws_port) for _ in range(1500)]
    status, _, _ = get(context, broker.ws_port, '/healthz')
    check(status == 200, f'{status}')
    crowd[0].socket.settimeout(5)
    check(crowd[0].read()[0] is None, 'the first of 1500 is still waited for')
    crowd[-1].send(http_request('/healthz'))
    check(read_answer(crowd[-1])[0] == 200, 'the last of 1500 is not answered')


@case('a client that does not take its answers is bounded', REQUESTS, needs_ledge=True)
def _not_taken(context):
    broker = start(context)
    greedy = context.connect(broker.admin_port)
    greedy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    greedy.socket.settimeout(0.5)
    try:
        while True:
            greedy.send(http_request('/metrics') * 100)
    except OSError:
        pass  # the broker reads no further before its answer is taken
    check(get(context, broker.admin_port, '/healthz')[0] == 200, 'others wait')
    with open(f'/proc/{broker.process.pid}/status', encoding='ascii') as file:
        resident_kb = int(re.search(r'VmRSS:\s+(\d+)', file.read())[1])
    check(resident_kb < 60_000, f'{resident_kb} KB resident')
