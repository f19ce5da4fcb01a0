"""Questions and actions of operators: what the API answers about real clients, and what its actions do to them."""
import json
from urllib.parse import quote

from cases_http import TOKEN, start, token_file
from harness import case, check, connect_packet, publish_packet
from websocket import http_request, read_answer

GROUP = 'inspection'
# Client ids and topics are data everywhere: in JSON, in paths and in log lines.
ODD = 'a"b\\<script>\x1b[31mred/x\u00e4'


def start_with_token(context, settings=()):
    return start(context, settings=[f'admin.token_file={token_file(context)}', *settings])


def api(context, broker, method, path, body=None, status=200):
    """The parsed answer, or None when it has no body."""
    text = b'' if body is None else json.dumps(body).encode()
    headers = [('Authorization', f'Bearer {TOKEN}')]
    if body is not None:
        headers += [('Content-Type', 'application/json'), ('Content-Length', str(len(text)))]
    connection = context.connect(broker.admin_port)
    connection.send(http_request('/api/v1' + path, headers, method=method) + text)
    got, _, answer = read_answer(connection)
    check(got == status, f'{method} {path}: {got} {answer[:300]}')
    return json.loads(answer) if answer else None


def client(context, broker, client_id, **options):
    connection = context.connect(broker.port)
    connection.open(client_id, **options)
    return connection


@case('clients are listed, filtered and told in detail; names of clients are data', GROUP, needs_ledge=True)
def _clients(context):
    broker = start_with_token(context)
    odd = client(context, broker, ODD, clean=False)
    odd.subscribe('t/#', qos=1)
    client(context, broker, 'meter')
    names = [one['client_id'] for one in api(context, broker, 'GET', '/clients')['clients']]
    check(names == sorted([ODD, 'meter']), f'{names}')
    page = api(context, broker, 'GET', '/clients?limit=1')
    rest = api(context, broker, 'GET', f'/clients?limit=1&after={page["next"]}')
    check([page['clients'][0]['client_id'], rest['clients'][0]['client_id']] == names and 'next' not in rest, f'{rest}')
    check(api(context, broker, 'GET', '/clients?client_id=%3Cscript')['clients'][0]['client_id'] == ODD, 'the filter')
    told = api(context, broker, 'GET', '/clients/' + quote(ODD, safe=''))
    check(told['transport'] == 'tcp' and told['protocol'] == '3.1.1' and told['subscriptions'] == 1, f'{told}')
    check(told['subscriptions_first'][0]['filter'] == 't/#' and told['waits_for'] == 'nothing', f'{told}')
    check(told['totals']['bytes_received'] > 0 and told['totals']['bytes_sent'] > 0, f'{told}')
    rows = api(context, broker, 'GET', f'/clients/{quote(ODD, safe="")}/subscriptions')
    check(rows['subscriptions'][0]['qos'] == 1, f'{rows}')
    api(context, broker, 'GET', '/clients/nobody', status=404)


@case('the rates of a client are measured while it publishes', GROUP, needs_ledge=True, quick=False)
def _rates(context):
    broker = start_with_token(context)
    meter = client(context, broker, 'meter')
    check('rates' not in api(context, broker, 'GET', '/clients/meter'), 'rates without a measurement')
    for _ in range(5):  # on a busy machine the messages may come after the measurement
        connection = context.connect(broker.admin_port)
        connection.send(http_request('/api/v1/clients/meter?rate_s=1', [('Authorization', f'Bearer {TOKEN}')]))
        for _ in range(10):
            meter.send(publish_packet('t', b'1'))
        rates = json.loads(read_answer(connection)[2])['rates']
        if rates['publish_received_per_s'] > 0:
            break
    check(0 < rates['publish_received_per_s'] <= 10 and rates['bytes_received_per_s'] > 0, f'{rates}')
    check(rates['publish_sent_per_s'] == 0, f'{rates}')
    api(context, broker, 'GET', '/clients/meter?rate_s=11', status=400)


@case('a kicked client is gone and may return; a banned one may not until the ban is lifted', GROUP, needs_ledge=True)
def _kick_and_ban(context):
    broker = start_with_token(context)
    meter = client(context, broker, 'meter', version=5)
    api(context, broker, 'DELETE', '/clients/meter/connection', status=204)
    first, body = meter.read()
    check(first == 0xE0 and body[0] == 0x98, f'{first} {body}')
    check(meter.read()[0] is None, 'the connection ends')
    again = client(context, broker, 'meter', version=5)
    ban = api(context, broker, 'POST', '/bans', {'client_id': 'meter', 'seconds': 600, 'reason': '<b>'}, status=201)
    first, body = again.read()
    check(first == 0xE0 and body[0] == 0x98, f'{first} {body}')
    refused = context.connect(broker.port)
    refused.send(connect_packet('meter', 5))
    first, body = refused.read()
    check(first == 0x20 and body[1] == 0x8A, f'{first} {body}')
    last = api(context, broker, 'GET', '/refusals?kind=refused&client_id=meter')['refusals'][0]
    check(last['reason_code'] == 0x8A and last['rule'] == 'ban 1 (client_id meter): <b>', f'{last}')
    kicked = api(context, broker, 'GET', '/refusals?kind=disconnected&client_id=meter')['refusals']
    check([one['reason_code'] for one in kicked] == [0x98, 0x98], f'{kicked}')
    check(api(context, broker, 'GET', '/bans')['bans'][0]['remaining_s'] <= 600, 'the list')
    api(context, broker, 'DELETE', f'/bans/{ban["number"]}', status=204)
    client(context, broker, 'meter', version=5)


@case('a removed session is gone, and its client is disconnected', GROUP, needs_ledge=True)
def _remove_session(context):
    broker = start_with_token(context)
    meter = client(context, broker, 'one/two', clean=False)
    api(context, broker, 'DELETE', '/clients/nobody', status=404)
    api(context, broker, 'DELETE', '/clients/one%2Ftwo', status=204)
    check(meter.read()[0] is None, 'the connection ends')
    check(api(context, broker, 'GET', '/clients')['clients'] == [], 'the session is gone')


@case('an address is banned, and its connections end', GROUP, needs_ledge=True)
def _ban_address(context):
    broker = start_with_token(context)
    meter = client(context, broker, 'meter')
    api(context, broker, 'POST', '/bans', {'address': '127.0.0.1', 'seconds': 600}, status=201)
    check(meter.read()[0] is None, 'the connection ends')
    refused = context.connect(broker.port)
    refused.send(connect_packet('other'))
    check(refused.read() == (0x20, b'\0\5'), 'MQTT 3 is told: not authorized')


@case('a cleared queue stays empty after SIGKILL', GROUP, needs_ledge=True)
def _clear_queue(context):
    store = f'store.path={context.folder}/{context.client_id}.store'
    broker = start_with_token(context, settings=[store])
    away = client(context, broker, 'away', clean=False)
    away.subscribe('t', qos=1)
    away.close()
    for number in range(30):
        api(context, broker, 'POST', '/publish', {'topic': 't', 'payload': str(number), 'qos': 1})
    told = api(context, broker, 'GET', '/clients/away')
    check(told['queue']['messages'] + told['inflight'] == 30 and told['waits_for'] == 'client', f'{told}')
    check(api(context, broker, 'GET', '/clients?order=queue')['clients'][0]['client_id'] == 'away', 'the longest queue')
    check(api(context, broker, 'DELETE', '/clients/away/queue')['messages'] == 30, 'the number of messages')
    # The answer to this publication means that the removals before it are in the store too.
    api(context, broker, 'POST', '/publish', {'topic': 't', 'payload': 'after', 'qos': 1})
    broker.process.kill()
    broker.process.wait()
    broker = start_with_token(context, settings=[store])
    back = client(context, broker, 'away', clean=False)
    first, body = back.read()
    check(first & 0xF0 == 0x30 and body.endswith(b'after'), f'{first} {body}')
    told = api(context, broker, 'GET', '/clients/away')
    check(told['queue']['messages'] == 0 and told['inflight'] == 1, f'{told}')


@case('who gets a message, shared groups, retained messages and their tree', GROUP, needs_ledge=True)
def _topics(context):
    broker = start_with_token(context)
    client(context, broker, 'all').subscribe('#', qos=1)
    client(context, broker, 'one').subscribe('$share/g/a/+', qos=1)
    found = api(context, broker, 'GET', '/who-gets?topic=a%2Fb')
    rows = [(one['client_id'], one['filter'], one.get('share'), one['would_get']) for one in found['subscribers']]
    check(rows == [('all', '#', None, True), ('one', 'a/+', 'g', True)] and not found['retained'], f'{found}')
    shares = api(context, broker, 'GET', '/shares')['shares']
    check(shares[0]['share'] == 'g' and shares[0]['members'] == [{'client_id': 'one', 'connected': True}], f'{shares}')
    topic = '/retained/' + quote(ODD + '/1')
    api(context, broker, 'PUT', topic, {'payload': 'x'}, status=204)
    check(api(context, broker, 'GET', topic)['payload'] == 'x', 'the message')
    listed = api(context, broker, 'GET', '/retained')['retained']
    check([one['topic'] for one in listed] == [ODD + '/1'], f'{listed}')
    tree = api(context, broker, 'GET', '/retained-tree')['children']
    check(tree[0]['level'] == ODD.split('/')[0] and tree[0]['descendants'] == 1, f'{tree}')
    api(context, broker, 'DELETE', topic, status=204)
    api(context, broker, 'GET', topic, status=404)


@case('an operator publishes to a subscriber, with the properties of MQTT 5', GROUP, needs_ledge=True)
def _publish(context):
    broker = start_with_token(context)
    meter = client(context, broker, 'meter', version=5)
    meter.subscribe('t', qos=0, version=5)
    sent = api(context, broker, 'POST', '/publish', {'topic': 't', 'payload': 'x', 'user_properties': [['k', 'v']]})
    check(sent == {'matched': 1}, f'{sent}')
    first, body = meter.read()
    check(first == 0x30 and body == b'\0\1t\x07\x26\0\1k\0\1vx', f'{first} {body}')


@case('actions need a token, and questions need none on loopback', GROUP, needs_ledge=True)
def _rights(context):
    broker = start(context)
    for method, path, status in (('GET', '/clients', 200), ('DELETE', '/clients/x', 401), ('POST', '/publish', 401)):
        connection = context.connect(broker.admin_port)
        connection.send(http_request('/api/v1' + path, method=method))
        got, _, body = read_answer(connection)
        check(got == status, f'{method} {path}: {got} {body}')
