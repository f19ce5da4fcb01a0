"""Client libraries: Paho C, Paho Python, MQTT.js. Each case is a program of its own (see the client files) that prints
"ok" and ends with 0."""
import os

from harness import case, check

HERE = os.path.dirname(os.path.abspath(__file__))
EVERY_VERSION = ['qos0', 'qos1', 'qos2', 'retained', 'persistent', 'large', 'takeover']

MEANING = {
    'qos0': 'QoS 0 messages arrive in order',
    'qos1': 'QoS 1 messages arrive in order',
    'qos2': 'QoS 2 messages arrive in order, once',
    'retained': 'a retained message is kept and cleared',
    'retained_burst': '20 retained messages behind SUBACK are all shown',
    'persistent': 'a persistent session keeps what it missed',
    'large': 'a payload of 200 KB arrives as it was',
    'takeover': 'a second client with the same id takes over',
    'will': 'a will is published when the client dies only',
    'unsubscribe': 'nothing arrives after UNSUBACK',
    'properties': 'properties of a PUBLISH come through',
    'aliases': 'topic aliases in both directions',
    'burst': '1,000 QoS 2 messages handed over before the connection are all acknowledged',
    'huge': 'a payload of 12 MB arrives as it was',
}


def _paho_c(context):
    program = os.path.join(context.options.build, 'tests/e2e/paho_c_client')
    check(os.path.exists(program), f'{program} is not built')
    return [program], {}


def _paho_python(context):
    return ['/usr/bin/python3', '-B', os.path.join(HERE, 'paho_python_client.py')], {}


def _mqttjs(context):
    modules = os.path.join(context.options.modules, 'node_modules')
    check(os.path.isdir(os.path.join(modules, 'mqtt')), f'{modules}/mqtt is missing; ./run test installs it')
    return ['node', os.path.join(HERE, 'mqttjs_client.js')], {'env': {**os.environ, 'NODE_PATH': modules}}


def run_mqttjs(context, version, which, url, **environment):
    command, options = _mqttjs(context)
    options['env'].update(environment)
    child = context.run([*command, version, which, url, context.client_id], **options)
    code, out = child.finish(40)
    check(code == 0 and out.strip() == 'ok', f'ended with {code}: {out} {child.errors()[-500:]}')


LIBRARIES = [
    ('Paho C', _paho_c, {'3.1': EVERY_VERSION, '3.1.1': EVERY_VERSION, '5': EVERY_VERSION + ['properties']}),
    ('Paho Python', _paho_python, {'3.1': ['qos1', 'persistent'],
                                   '3.1.1': EVERY_VERSION + ['will', 'unsubscribe', 'huge'],
                                   '5': EVERY_VERSION + ['will', 'unsubscribe', 'properties', 'burst']}),
    ('MQTT.js', _mqttjs, {'3.1': ['qos1', 'persistent'],
                          '3.1.1': EVERY_VERSION + ['will'],
                          '5': EVERY_VERSION + ['will', 'aliases', 'properties', 'burst']}),
]

for _library, _command_of, _versions in LIBRARIES:
    for _version, _cases in _versions.items():
        for _which in _cases:
            @case(f'{_version}: {MEANING[_which]}', _library)
            def _run(context, command_of=_command_of, version=_version, which=_which):
                if command_of is _mqttjs:
                    return run_mqttjs(context, version, which, f'mqtt://127.0.0.1:{context.port}')
                command, options = command_of(context)
                child = context.run([*command, version, which, context.port, context.client_id], **options)
                code, out = child.finish(40)
                check(code == 0 and out.strip() == 'ok', f'ended with {code}: {out} {child.errors()[-500:]}')
