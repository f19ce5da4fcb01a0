"""Debian's mosquitto as a bridge to the broker, configured as its manual page begins: an address and topics. By default
it leaves a will below $SYS/broker/connection and says there, retained, that it is connected."""
import os
import signal

from harness import case, check, free_port

GROUP = 'mosquitto as a bridge'
CONFIGURATION = """
user root
listener {local} 127.0.0.1
allow_anonymous true
connection office
address 127.0.0.1:{remote}
topic up/# out 1
topic down/# in 1
restart_timeout 1
"""
ACL = 'topic readwrite up/#\ntopic readwrite down/#\n'


def start_bridge(context, remote, local=None):
    """A mosquitto that bridges; its own port."""
    local = local or free_port()
    path = os.path.join(context.folder, f'bridge-{local}.conf')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(CONFIGURATION.format(local=local, remote=remote))
    bridge = context.run(['stdbuf', '-oL', '-eL', 'mosquitto', '-v', '-c', path])
    bridge.local = local
    return bridge


def listen(context, port, topic, form='%t %p'):
    child = context.run(['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', port, '-q', '1', '-d', '-F',
                         'MSG ' + form, '-t', topic])
    child.line(r'^Subscribed \(mid')
    return child


def publish(context, port, topic, text):
    code, out = context.run(['mosquitto_pub', '-h', '127.0.0.1', '-p', port, '-q', '1', '-t', topic, '-m',
                             text]).finish()
    check(code == 0, f'mosquitto_pub ended with {code}: {out}')


def check_both_ways(context, broker, bridge, text):
    up = listen(context, broker.port, 'up/#')
    down = listen(context, bridge.local, 'down/#')
    publish(context, bridge.local, 'up/x', text)
    publish(context, broker.port, 'down/y', text)
    for child, message in ((up, f'MSG up/x {text}'), (down, f'MSG down/y {text}')):
        check(child.line('^MSG ') == message, f'expected {message!r}')
        child.signal(signal.SIGINT)
        child.finish()


def await_state(context, broker, value):
    """The state that the bridge tells; the first one may be that of its will."""
    state = listen(context, broker.port, '$SYS/broker/connection/+/state', '%p')
    state.line(f'^MSG {value}$')
    state.signal(signal.SIGINT)
    state.finish()


def start_stored(context, port=None):
    port = port or free_port()
    broker = context.start_broker(arguments=['--listen', f'mqtt://127.0.0.1:{port}',
                                             '--store', os.path.join(context.folder, context.client_id)])
    broker.port = port
    broker.wait_for_port(port)
    return broker


@case('with its defaults it connects, messages flow both ways, also after a restart of either', GROUP, needs_ledge=True)
def _defaults(context):
    broker = start_stored(context)
    bridge = start_bridge(context, broker.port)
    await_state(context, broker, 1)
    check_both_ways(context, broker, bridge, 'first')
    broker.process.kill()
    broker.process.wait()
    broker = start_stored(context, broker.port)
    await_state(context, broker, 1)
    check_both_ways(context, broker, bridge, 'broker restarted')
    bridge.process.kill()
    bridge.process.wait()
    await_state(context, broker, 0)
    bridge = start_bridge(context, broker.port, bridge.local)
    await_state(context, broker, 1)
    check_both_ways(context, broker, bridge, 'bridge restarted')


@case('rules that know nothing of its will do not keep it out: the will is left out, and the log says so', GROUP,
      needs_ledge=True)
def _rules(context):
    acl = os.path.join(context.folder, context.client_id + '.acl')
    with open(acl, 'w', encoding='utf-8') as file:
        file.write(ACL)
    broker = context.start_broker(settings=[f'auth.acl_file={acl}'])
    bridge = start_bridge(context, broker.port)
    broker.log_line('will_ignored ')
    check_both_ways(context, broker, bridge, 'with rules')
