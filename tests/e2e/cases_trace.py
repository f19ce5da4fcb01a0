"""GET /api/v1/trace: an operator follows messages from their publisher to each subscriber."""
import http.client
import json
import time
import urllib.parse

from cases_auth import USERS, mosquitto_passwords, write
from cases_http import start
from harness import DEADLINE_S, case, check
from mqtt_peer import Peer

TRACES = 'traces'
TRACES_MAX = 4
RULES = 'topic write #\ntopic read plant/#\ntopic deny plant/secret\nuser alice\ntopic readwrite #\n'


class Trace:
    """The stream of one trace. The trace runs when the constructor returns."""

    def __init__(self, context, broker, **question):
        self.connection = http.client.HTTPConnection('127.0.0.1', broker.admin_port, timeout=DEADLINE_S)
        self.answer = None
        context.adopt(self)
        self.connection.request('GET', '/api/v1/trace?' + urllib.parse.urlencode(question))
        self.answer = self.connection.getresponse()
        self.told = []

    def event(self):
        """(name, data) of the next event."""
        name, data = '', ''
        while True:
            line = self.answer.readline().decode()
            check(line, f'the stream has ended after {self.told}')
            if line.startswith('event: '):
                name = line[7:].strip()
            elif line.startswith('data: '):
                data += line[6:].strip()
            elif line == '\n' and name:
                return name, json.loads(data)

    def until(self, stage, client_id):
        """Reads up to this stage of this client, and returns its event."""
        while True:
            name, event = self.event()
            check(name == 'trace', f'{name} {event} after {self.told}')
            self.told.append(event)
            if (event['stage'], event['client_id']) == (stage, client_id):
                return event

    def stages_of(self, client_id):
        return [event['stage'] for event in self.told if event['client_id'] == client_id]

    def close(self):
        if self.answer:
            self.answer.close()  # it has the socket too
        self.connection.close()


def peer(context, broker, name, **options):
    connected = Peer(broker.port, f'{context.client_id}-{name}', **options)
    context.adopt(connected)
    return connected


@case('a QoS 1 message is traced to a connected, an absent and a forbidden subscriber by one number', TRACES,
      needs_ledge=True)
def _three_subscribers(context):
    broker = start(context, settings=[f'auth.password_file={mosquitto_passwords(context)}',
                                      f'auth.acl_file={write(context, "acl", RULES)}',
                                      f'store.path={context.folder}/{context.client_id}.store'])
    name = context.client_id
    online, forbidden = peer(context, broker, 'online'), peer(context, broker, 'forbidden')
    online.subscribe('plant/a', 1)
    forbidden.subscribe('plant/#', 1)
    away = peer(context, broker, 'away', clean=False)
    away.subscribe('plant/a', 1)
    away.close()
    sender = peer(context, broker, 'sender', user='alice', password=USERS['alice'])
    trace = Trace(context, broker, filter='plant/#', seconds=60)
    check(trace.answer.status == 200 and trace.answer.getheader('content-type') == 'text/event-stream', 'no stream')

    sender.publish('plant/a', b'on', 1)
    check(online.message().payload == b'on', 'the message has not arrived')
    number = trace.until('acknowledged', f'{name}-online')['message']
    if 'acknowledged' not in trace.stages_of(f'{name}-sender'):
        trace.until('acknowledged', f'{name}-sender')
    check(trace.told[0]['stage'] == 'received' and trace.told[0]['packet_id'] == 1, f'{trace.told[0]}')
    check(number != 0 and {event['message'] for event in trace.told} == {number}, f'{trace.told}')
    check(trace.stages_of(f'{name}-online') == ['matched', 'sent', 'acknowledged'], f'{trace.told}')
    check(trace.stages_of(f'{name}-away') == ['matched', 'queued', 'stored'], f'{trace.told}')

    trace.told.clear()
    returned = peer(context, broker, 'away', clean=False)
    check(returned.message().payload == b'on', 'the queue is empty')
    check(trace.until('acknowledged', f'{name}-away')['message'] == number, 'another number')

    sender.publish('plant/secret', b'x', 1)
    refusal = trace.until('refused', f'{name}-forbidden')
    check('plant/secret' in refusal['detail'] or ':' in refusal['detail'], f'no rule in {refusal}')


@case('a message that a full queue drops is traced as dropped, with the limit', TRACES, needs_ledge=True)
def _full_queue(context):
    broker = start(context, settings=['limits.queue_messages_max=1'])
    away = peer(context, broker, 'away', clean=False)
    away.subscribe(context.topic, 1)
    away.close()
    sender = peer(context, broker, 'sender')
    trace = Trace(context, broker, client_id=f'{context.client_id}-away')
    sender.publish(context.topic, b'1', 1)
    sender.publish(context.topic, b'2', 1)
    dropped = trace.until('dropped', f'{context.client_id}-away')
    check('queue of the client is full' in dropped['detail'], f'{dropped}')
    check(trace.stages_of(f'{context.client_id}-away') == ['matched', 'queued', 'matched', 'dropped'], f'{trace.told}')


@case('a trace ends by its count, by its time and with its reader; five at once are one too many', TRACES,
      needs_ledge=True)
def _ends(context):
    broker = start(context)
    sender = peer(context, broker, '"<b>')
    counted = Trace(context, broker, filter=context.topic, events_max=1)
    timed = Trace(context, broker, filter=context.topic, seconds=1)
    sender.publish(context.topic, b'x')
    check(counted.until('received', f'{context.client_id}-"<b>')['topic'] == context.topic, 'another topic')
    check(counted.event() == ('end', {'reason': 'count', 'events': 1}), 'no end by count')
    timed.until('received', f'{context.client_id}-"<b>')
    check(timed.event() == ('end', {'reason': 'time', 'events': 1}), 'no end by time')

    readers = [Trace(context, broker, client_id='x') for _ in range(TRACES_MAX)]
    refused = Trace(context, broker, client_id='x')
    check(refused.answer.status == 429, f'{refused.answer.status}')
    readers[0].close()
    end = time.monotonic() + DEADLINE_S
    while Trace(context, broker, client_id='x').answer.status != 200:
        check(time.monotonic() < end, 'the trace of the reader that has gone still runs')
        time.sleep(0.05)
    wrong = Trace(context, broker, filter='a/#/b')
    check(wrong.answer.status == 400 and json.loads(wrong.answer.read())['field'] == 'filter', 'a wrong filter')
