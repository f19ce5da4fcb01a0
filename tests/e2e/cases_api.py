"""The API for operators: each documented answer occurs, each answer is documented, and wrong requests are told why."""
import http.client
import json
import os
import socket

from cases_broker import run_to_end
from cases_http import get, start, until
from harness import case, check
from service_manager import upgrade
from websocket import http_request, read_answer

API = 'API'
READ_TOKEN = 'a-token-that-may-only-read'
ACT_TOKEN = 'a-token-that-may-also-act'
BASE = '/api/v1'
# Answers that need a broken disk, no memory or a program without a configuration.
UNPROVOKED = {'503', '507'}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def start_api(context, name='api', settings=()):
    """A broker with a store, two tokens, a Unix socket for operators and a bridge that reaches nobody."""
    folder = os.path.join(context.folder, f'{context.client_id}-{name}')
    os.makedirs(folder)
    tokens = []
    for number, (label, secret) in enumerate((('read', READ_TOKEN), ('act', ACT_TOKEN)), 1):
        path = os.path.join(folder, label)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(secret + '\n')
        os.chmod(path, 0o600)
        tokens += [f'admin.tokens.{number}.name={label}', f'admin.tokens.{number}.file={path}',
                   f'admin.tokens.{number}.rights={label}']
    bridge = ['bridges.far.urls=mqtt://127.0.0.1:1', 'bridges.far.routes.1.direction=out',
              'bridges.far.routes.1.filter=up/#']
    broker = start(context, settings=[f'admin.socket={folder}/ctl', f'store.path={folder}/store', *tokens, *bridge,
                                      *settings])
    broker.socket = f'{folder}/ctl'
    broker.log_line(' ready ')  # the socket is the last listener to open
    return broker


def ask(broker, method, path, body=None, token=None, headers=None):
    """Over the Unix socket, or with a token over TCP: (status, headers, parsed body or text)."""
    over_tcp = token is not None
    connection = http.client.HTTPConnection('127.0.0.1', broker.admin_port, timeout=20) if over_tcp \
        else UnixConnection(broker.socket)
    fields = dict(headers or {})
    if token:
        fields['Authorization'] = f'Bearer {token}'
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
        fields.setdefault('Content-Type', 'application/json')
    connection.request(method, BASE + path, body, fields)
    answer = connection.getresponse()
    kind = answer.headers.get('Content-Type', '')
    if kind.startswith('text/event-stream'):
        read = b''  # the events come later, or never
    else:
        read = answer.read()
    connection.close()
    if 'json' in kind:
        read = json.loads(read)
    return answer.status, answer.headers, read


# ---------------------------------------------------------------------------------------------------------------------
# JSON Schema, as far as openapi.json uses it

KINDS = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'null': type(None)}


def is_kind(value, kind):
    if kind in ('integer', 'number'):
        return not isinstance(value, bool) and isinstance(value, int if kind == 'integer' else (int, float))
    return isinstance(value, KINDS[kind])


def misfit(value, schema, document, at='$'):
    """'' or the first place where the value does not fit the schema."""
    if '$ref' in schema:
        return misfit(value, resolved(schema, document), document, at)
    kinds = schema.get('type', [])
    if kinds and not any(is_kind(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return f'{at} is no {kinds}: {value!r:.80}'
    if 'enum' in schema and value not in schema['enum']:
        return f'{at} is {value!r}, not one of {schema["enum"]}'
    if is_kind(value, 'number') and value < schema.get('minimum', value):
        return f'{at} is {value}'
    for part in schema.get('allOf', []):
        if found := misfit(value, part, document, at):
            return found
    if isinstance(value, list):
        return next((found for i, one in enumerate(value)
                     if (found := misfit(one, schema.get('items', {}), document, f'{at}[{i}]'))), '')
    if isinstance(value, dict):
        return misfit_of_object(value, schema, document, at)
    return ''


def misfit_of_object(value, schema, document, at):
    known = schema.get('properties', {})
    missing = [name for name in schema.get('required', []) if name not in value]
    more = schema.get('additionalProperties', True)
    unknown = [name for name in value if name not in known] if more is False else []
    if missing or unknown:
        return f'{at} lacks {missing}, has {unknown}'
    for name, one in value.items():
        inner = known.get(name, more if isinstance(more, dict) else {})
        if found := misfit(one, inner, document, f'{at}.{name}'):
            return found
    return ''


def resolved(node, document):
    while '$ref' in node:
        found = document
        for part in node['$ref'].removeprefix('#/').split('/'):
            found = found[part]
        node = found
    return node


class Account:
    """Which documented answers have occurred."""

    def __init__(self, broker):
        self.broker = broker
        status, _, self.document = ask(broker, 'GET', '/openapi.json')
        check(status == 200 and self.document['openapi'] == '3.1.0', f'{status}')
        self.operations = {(method.upper(), path): operation for path, item in self.document['paths'].items()
                           for method, operation in item.items()}
        self.due = {(*key, status) for key, operation in self.operations.items() for status in operation['responses']}

    def ask(self, method, template, expected, *, query='', **options):
        values = options.pop('values', {})
        path = template
        for name, value in {'id': 'nobody', 'number': '999', 'name': 'nobody', 'topic': 'no/topic', **values}.items():
            path = path.replace('{' + name + '}', value)
        status, headers, body = ask(options.pop('broker', self.broker), method, path + query, **options)
        self.note(method, template, status, headers.get('Content-Type', ''), body)
        check(status == expected, f'{method} {path}{query}: {status}, not {expected}: {body!r:.300}')
        return body

    def note(self, method, template, status, kind, body):
        answers = self.operations[method, template]['responses']
        check(str(status) in answers, f'{method} {template} answers {status}, which is not documented: {body!r:.200}')
        self.due.discard((method, template, str(status)))
        content = resolved(answers[str(status)], self.document).get('content', {})
        if not content:
            return check(body == b'', f'{method} {template} {status} has a body: {body!r:.100}')
        check(kind.split(';')[0] in content, f'{method} {template} {status} has the type {kind}')
        if 'json' in kind:
            schema = content[kind.split(';')[0]]['schema']
            wrong = misfit(body, schema, self.document)
            check(not wrong, f'{method} {template} {status}: {wrong}')
        return None


# ---------------------------------------------------------------------------------------------------------------------

def provoke_actions(account, client_id):
    ids = {'id': client_id}
    ban = account.ask('POST', '/bans', 201, body={'client_id': 'mallory', 'seconds': 60, 'reason': 'a test'})
    account.ask('DELETE', '/bans/{number}', 204, values={'number': str(ban['number'])})
    for action in ('pause', 'resume', 'reconnect'):
        account.ask('POST', '/bridges/{name}/' + action, 204, values={'name': 'far'})
        account.ask('POST', '/bridges/{name}/' + action, 404)
    account.ask('PUT', '/log-level', 200, body={'level': 'debug', 'seconds': 1})
    account.ask('PUT', '/retained/{topic}', 204, body={'payload': 'x'}, values={'topic': 'a/b'})
    account.ask('GET', '/retained/{topic}', 200, values={'topic': 'a/b'})
    account.ask('GET', '/retained', 200)
    account.ask('GET', '/retained-tree', 200)
    account.ask('DELETE', '/retained/{topic}', 204, values={'topic': 'a/b'})
    account.ask('POST', '/publish', 200, body={'topic': 'a', 'payload': 'x', 'qos': 1})
    account.ask('POST', '/reload', 200)
    account.ask('POST', '/store/compact', 202)
    account.ask('DELETE', '/clients/{id}/queue', 200, values=ids)
    account.ask('DELETE', '/clients/{id}/connection', 204, values=ids)
    until(lambda: not ask(account.broker, 'GET', f'/clients/{client_id}')[2]['connected'], 'still connected')
    account.ask('DELETE', '/clients/{id}/connection', 409, values=ids)
    account.ask('DELETE', '/clients/{id}', 204, values=ids)


def provoke_refusals(account):
    """What all operations have in common."""
    for (method, template), operation in account.operations.items():
        body = {} if 'requestBody' in operation else None
        account.ask(method, template, 400, query='?what=1', body=body)
        account.ask(method, template, 401, token='', body=body)
        if operation['x-right'] == 'act':
            account.ask(method, template, 403, token=READ_TOKEN, body=body)
        if '404' in operation['responses'] and body is None:
            account.ask(method, template, 404)
        if body is not None:
            account.ask(method, template, 415, body='x=1', headers={'Content-Type': 'text/plain'})


@case('each documented answer of the API occurs, and each answer is documented and fits its schema', API,
      needs_ledge=True)
def _documented(context):
    broker = start_api(context)
    account = Account(broker)
    client = context.connect(broker.port)
    client.open('watched', clean=False)
    client.subscribe('$share/group/a', 1)
    topic = {'topic': 'a/b'}
    for (method, template), operation in account.operations.items():
        if method == 'GET' and '200' in operation['responses'] and '{topic}' not in template:
            query = {'/who-gets': '?topic=a', '/trace': '?client_id=nobody'}.get(template, '')
            account.ask(method, template, 200, query=query, values={'id': 'watched'})
    provoke_actions(account, 'watched')
    provoke_refusals(account)
    for path in ('/openapi.json', '/retained/{topic}'):
        account.ask('PUT', '/retained/{topic}', 204, body={'payload': 'x'}, values=topic)
        tag = ask(broker, 'GET', path.replace('{topic}', 'a/b'))[1]['ETag']
        account.ask('GET', path, 304, headers={'If-None-Match': tag}, values=topic)
    other = start_api(context, 'open')
    for (method, template), operation in account.operations.items():
        body = {} if 'requestBody' in operation else None
        if body is not None:
            large = 'x' * (256 * 1024 + 1)
            account.ask(method, template, 413, body=large, headers={'Content-Type': 'application/json'})
    provoke_host_and_guesses(context, account, other)
    upgrade(broker, lambda: account.ask('POST', '/upgrade', 202))
    missing = sorted(one for one in account.due if one[2] not in UNPROVOKED and one[2] != '409')
    check(not missing, f'{len(missing)} documented answers did not occur: {missing[:8]}')


def provoke_host_and_guesses(context, account, other):
    plain = start(context)
    for (method, template), operation in account.operations.items():
        if operation['x-right'] == 'read':
            account.ask(method, template, 403, broker=plain, token='', headers={'Host': 'rebound.example'})
    for number in range(20):
        ask(other, 'GET', '/', token=f'a-wrong-token-number-{number}')
    for (method, template), operation in account.operations.items():
        body = {} if 'requestBody' in operation else None
        account.ask(method, template, 429, broker=other, token='a-wrong-token-again', body=body)


@case('the API has exactly the resources and methods that are documented', API, needs_ledge=True)
def _same_resources(context):
    broker = start_api(context)
    account = Account(broker)
    listed = {path.removeprefix(BASE).replace('*}', '}') for path in ask(broker, 'GET', '/')[2]['resources']}
    paths = set(account.document['paths']) - {'/'}
    check(listed == paths, f'only listed: {listed - paths}, only documented: {paths - listed}')
    for path, item in account.document['paths'].items():
        unused = next(method for method in ('PUT', 'POST', 'DELETE') if method.lower() not in item)
        status, headers, _ = ask(broker, unused, path.replace('{', '').replace('}', ''))
        methods = {method.upper() for method in item} | ({'HEAD'} if 'get' in item else set())
        check(status == 405 and set(headers['Allow'].split(', ')) == methods, f'{path}: {status} {headers["Allow"]}')
    check(ask(broker, 'GET', '/nothing')[0] == 404, 'an unknown resource')


WRONG = [
    ('GET', '/clients?limit=0', None, 'limit'), ('GET', '/clients?limit=1001', None, 'limit'),
    ('GET', '/clients?limit=x', None, 'limit'), ('GET', '/clients?state=dead', None, 'state'),
    ('GET', '/clients?nonsense=1', None, 'nonsense'), ('GET', '/clients?limit=1&limit=2', None, 'limit'),
    ('GET', '/clients?after=zz', None, 'after'), ('GET', '/stream?interval_s=0', None, 'interval_s'),
    ('GET', '/who-gets', None, 'topic'), ('GET', '/who-gets?topic=a/%23', None, 'topic'),
    ('GET', '/retained?filter=a%23', None, 'filter'),
    ('PUT', '/log-level', {'level': 'loud'}, 'level'), ('PUT', '/log-level', {}, 'level'),
    ('PUT', '/log-level', {'level': 'info', 'seconds': 0}, 'seconds'),
    ('PUT', '/log-level', {'level': 'info', 'seconds': 1.5}, 'seconds'),
    ('PUT', '/log-level', {'level': 'info', 'more': 1}, 'more'),
    ('POST', '/publish', {'topic': 'a/+', 'payload': ''}, 'topic'), ('POST', '/publish', {'topic': 'a'}, 'payload'),
    ('POST', '/publish', {'topic': 'a', 'payload': 'x', 'qos': 3}, 'qos'),
    ('POST', '/publish', {'topic': 'a', 'payload': 'x', 'user_properties': [['a']]}, 'user_properties'),
    ('POST', '/publish', {'topic': 'a', 'payload_base64': '%'}, 'payload_base64'),
    ('POST', '/bans', {'client_id': 'a'}, 'seconds'), ('POST', '/bans', {'seconds': 5}, 'client_id'),
]


@case('a wrong parameter or member is refused with its name', API, needs_ledge=True)
def _fields(context):
    broker = start_api(context)
    for method, path, body, field in WRONG:
        status, headers, problem = ask(broker, method, path, body)
        check(status == 400 and headers['Content-Type'] == 'application/problem+json' and
              problem.get('field') == field, f'{method} {path} {body}: {status} {problem}')
    json_type = {'Content-Type': 'application/json'}
    for body in ('', '[]', '1', '{"level":"info"', '{"level":"info","level":"debug"}', '{' * 100_000,
                 '{"level":' + '[' * 1000 + ']' * 1000 + '}', b'{"level":"\xff"}', '{"level":"info"} x'):
        status, _, problem = ask(broker, 'PUT', '/log-level', body, headers=json_type)
        check(status == 400 and problem['status'] == 400, f'{body[:30]}: {status} {problem}')
    check(ask(broker, 'POST', '/reload', 'x')[0] == 400, 'a body that nobody reads')
    for path in ('/clients?client_id=%ff', '/clients?client_id=%zz'):
        check(ask(broker, 'GET', path)[0] == 400, path)


@case('bodies are bounded, come in chunks or after 100 Continue, and are never the next request', API,
      needs_ledge=True)
def _bodies(context):
    broker = start_api(context, settings=['admin.body_bytes_max=1024'])
    text = b'{"level":"info"}'
    head = [('Content-Type', 'application/json'), ('Authorization', f'Bearer {ACT_TOKEN}')]

    def send(fields, body, path='/log-level'):
        connection = context.connect(broker.admin_port)
        connection.send(http_request(BASE + path, [*head, *fields], method='PUT') + body)
        return connection

    chunked = ('Transfer-Encoding', 'chunked')
    parts = b'5\r\n{"lev\r\nb;x=1\r\nel":"info"}\r\n0\r\nTrailer: x\r\n\r\n'
    connection = send([chunked], parts)
    check(read_answer(connection)[0] == 200, 'chunks')
    connection.send(http_request('/healthz'))
    check(read_answer(connection)[0] == 200, 'the next request on the connection')
    large = b'{"level":"info","x":"' + b'y' * 2000 + b'"}'
    check(read_answer(send([('Content-Length', str(len(large)))], large))[0] == 413, 'too long')
    check(read_answer(send([('Content-Length', '99999999999999999999')], b''))[0] == 400, 'no number')
    endless = send([chunked], b'400\r\n' + b'z' * 1024 + b'\r\n400\r\n' + b'z' * 1024 + b'\r\n')
    check(read_answer(endless)[0] == 413, 'an endless body')
    check(read_answer(send([chunked], b'fffffffffffffffff\r\nx'))[0] == 400, 'a chunk of 2^68 bytes')
    waiting = send([('Content-Length', str(len(text))), ('Expect', '100-continue')], b'')
    check(waiting.receive() == b'HTTP/1.1 100 Continue\r\n\r\n', '100 Continue')
    waiting.send(text)
    check(read_answer(waiting)[0] == 200, 'after 100 Continue')
    check(read_answer(send([('Content-Length', '5'), ('Expect', 'gold')], b''))[0] == 417, 'another expectation')
    check(get(context, broker.admin_port, '/healthz')[0] == 200, 'the broker')


@case('an action needs a token: neither a loopback address nor another origin gives the right', API, needs_ledge=True)
def _rights(context):
    plain = start(context)
    check(ask(plain, 'GET', '/overview', token='')[0] == 200, 'reading by address')
    status, headers, problem = ask(plain, 'POST', '/reload', token='')
    check(status == 401 and headers['WWW-Authenticate'] == 'Bearer', f'{status} {problem}')
    broker = start_api(context)
    origin = {'Origin': 'https://evil.example', 'Content-Type': 'text/plain'}
    status, headers, _ = ask(broker, 'PUT', '/log-level', '{"level":"debug"}', token='', headers=origin)
    check(status == 401 and 'Access-Control-Allow-Origin' not in headers, f'{status}')
    check(ask(broker, 'PUT', '/log-level', {'level': 'debug'}, token=READ_TOKEN)[0] == 403, 'the right read')
    check(ask(broker, 'PUT', '/log-level', {'level': 'info'}, token=ACT_TOKEN)[0] == 200, 'the right act')
    line = broker.log_line('admin_action actor="token act"')
    check('action="PUT /log-level"' in line and 'outcome=done' in line and ACT_TOKEN not in line, line)
    check(oct(os.stat(broker.socket).st_mode)[-3:] == '660', 'the mode of the socket')
    ask(broker, 'PUT', '/log-level', {'level': 'info'})
    broker.log_line(f'actor="socket uid={os.getuid()} pid={os.getpid()}"')


@case('the stream sends overviews, at most 16 at a time, and ends with the peer', API, needs_ledge=True)
def _stream(context):
    broker = start_api(context)
    streams = []
    for _ in range(16):
        connection = UnixConnection(broker.socket)
        connection.request('GET', BASE + '/stream?interval_s=1')
        streams.append((connection, connection.getresponse()))
    for _, answer in streams:
        check(answer.readline() == b'event: overview\n', 'the first event')
    check(ask(broker, 'GET', '/stream')[0] == 503, 'the seventeenth')
    lines = []
    while b'' != (line := streams[0][1].readline().strip()):
        lines.append(line.removeprefix(b'data: '))
    check(json.loads(b''.join(lines))['ready'] is True, f'{lines[:1]}')
    check(streams[0][1].readline() == b'event: overview\n', 'the second event')
    for connection, answer in streams:
        answer.close()
        connection.close()
    until(lambda: ask(broker, 'GET', '/stream')[0] == 200, 'the places are not free')


@case('a backup of the running broker is a store, and one is made at a time', API, needs_ledge=True)
def _backup(context):
    broker = start_api(context)
    ask(broker, 'PUT', '/retained/kept', {'payload': 'as it was'})
    status, headers, copy = ask(broker, 'GET', '/store/backup')
    check(status == 200 and headers['Content-Type'] == 'application/octet-stream', f'{status} {copy[:200]}')
    target = os.path.join(context.folder, f'{context.client_id}.mdb')
    with open(target, 'wb') as file:
        file.write(copy)
    restored = os.path.join(context.folder, f'{context.client_id}-restored')
    code, out, errors = run_to_end(context, 'store', 'restore', target, restored)
    check(code == 0 and '1 + ' in out or ' retained' in out, f'{code} {out} {errors}')
    left = os.listdir(os.path.dirname(broker.socket) + '/store')
    check(not [name for name in left if 'backup' in name], f'{left}')


@case('a reload over the API answers with its outcome, and tokens change with it', API, needs_ledge=True)
def _reload(context):
    broker = start_api(context)
    folder = os.path.dirname(broker.socket)
    with open(f'{folder}/read', 'w', encoding='utf-8') as file:
        file.write('another-token-that-only-reads\n')
    status, _, outcome = ask(broker, 'POST', '/reload')
    check(status == 200 and outcome == {'taken': True, 'complaints': [], 'needs_restart': []}, f'{status} {outcome}')
    check(ask(broker, 'GET', '/', token=READ_TOKEN)[0] == 401, 'the old token')
    check(ask(broker, 'GET', '/', token='another-token-that-only-reads')[0] == 200, 'the new token')
    os.remove(f'{folder}/act')
    status, _, outcome = ask(broker, 'POST', '/reload')
    check(status == 200 and not outcome['taken'] and 'act' in outcome['complaints'][0], f'{status} {outcome}')
    check(ask(broker, 'GET', '/', token=ACT_TOKEN)[0] == 200, 'the former token')
