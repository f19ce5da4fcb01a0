"""Prometheus and Grafana: the files of config/ against the metrics that exist, and a real Prometheus server that
scrapes a broker and fires an alert."""
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request

from cases_http import get, start, until
from harness import Child, Skipped, case, check, free_port, packet, prefixed, publish_packet

GROUP = 'Prometheus'
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALERTS = os.path.join(ROOT, 'config/alerts.yml')
DASHBOARD = os.path.join(ROOT, 'config/grafana.json')
ALERT_TESTS = os.path.join(ROOT, 'tests/e2e/alerts_test.yml')
SELECTOR = re.compile(r'\b((?:ledgemq|process)_[a-z0-9_]+)(?:\{([^{}]*)\})?')
MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
OF_PROMETHEUS = {'instance', 'job', 'le'}  # labels that no exporter writes as its own


def promtool(*arguments, text=None):
    if shutil.which('promtool') is None:
        raise Skipped('promtool is not installed (Debian package prometheus)')
    done = subprocess.run(['promtool', *arguments], input=text, capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f'promtool {" ".join(arguments[:2])}: {done.stdout} {done.stderr}')
    return done.stdout + done.stderr


def known_metrics(context):
    """{name: {label: its values, or None for a value of run time}}, as the reference of the broker has them."""
    text = subprocess.run([context.options.broker, 'metrics', '--json'], capture_output=True, text=True,
                          check=True).stdout
    found = {}
    for row in map(json.loads, text.splitlines()):
        name, _, labels = row['name'].rstrip('}').partition('{')
        samples = [name + end for end in ('_bucket', '_sum', '_count')] if row['type'] == 'histogram' else [name]
        for sample in samples if name else []:
            known = found.setdefault(sample, {})
            for label, _, value in MATCHER.findall(labels):
                known.setdefault(label, set()).add(None if value == '...' else value)
    return found


def check_query(query, known, where):
    selectors = SELECTOR.findall(query)
    check(selectors, f'{where}: {query} asks for no metric')
    for name, matchers in selectors:
        check(name in known, f'{where}: no such metric: {name}')
        for label, operator, value in MATCHER.findall(matchers):
            check(label in known[name] or label in OF_PROMETHEUS, f'{where}: {name} has no label {label}')
            values = known[name].get(label, {None})
            wanted = {'=': [value], '=~': value.split('|')}.get(operator, []) if None not in values else []
            check(set(wanted) <= values, f'{where}: {name} has no {label} {set(wanted) - values}')


@case('the alerts pass promtool, ask for metrics that exist, fire when they should and say what to do', GROUP,
      needs_ledge=True, quick=False)
def _alerts(context):
    check('SUCCESS' in promtool('check', 'rules', ALERTS), 'promtool has not found the rules')
    check('SUCCESS' in promtool('test', 'rules', ALERT_TESTS), 'promtool has not found the tests')
    with open(ALERTS, encoding='utf-8') as file:
        text = file.read()
    with open(ALERT_TESTS, encoding='utf-8') as file:
        tests = file.read()
    known = known_metrics(context)
    rules = re.split(r'\n +- alert: ', text)[1:]
    check(len(rules) > 20, f'{len(rules)} alerts')
    events = subprocess.run([context.options.broker, 'events', '--json'], capture_output=True, text=True,
                            check=True).stdout
    names = {json.loads(line)['name'] for line in events.splitlines()}
    for rule in rules:
        alert = rule.split('\n', 1)[0]
        query = re.search(r'\n +expr: (.*)', rule)[1]
        if alert != 'LedgeMqDown':  # `up` is a metric of Prometheus itself
            check_query(query, known, alert)
        check(f'{alert}"' in tests or f'{alert}\n' in tests, f'{alert} has no test')
        for annotation in ('summary', 'description'):
            said = re.search(rf'\n +{annotation}: "(.*)"', rule)
            check(said and said[1].endswith('.'), f'{alert}: no sentence in {annotation}')
        for mentioned in re.findall(r'log lines? ((?:[a-z_]+(?:, | and | or )?)+)', rule):
            for event in re.findall(r'[a-z]+_[a-z_]+', mentioned):
                check(event in names, f'{alert}: no log line {event}')
        for metric in re.findall(r'\bledgemq_[a-z_]+', rule):
            check(metric in known, f'{alert}: no metric {metric}')


@case('the dashboard for Grafana is a valid model, and its panels ask for metrics that exist', GROUP, needs_ledge=True,
      quick=False)
def _dashboard(context):
    with open(DASHBOARD, encoding='utf-8') as file:
        model = json.load(file)
    for key, kind in (('title', str), ('uid', str), ('schemaVersion', int), ('panels', list), ('templating', dict),
                      ('time', dict), ('annotations', dict), ('refresh', str), ('tags', list)):
        check(isinstance(model.get(key), kind), f'{key} is {model.get(key)!r}')
    variables = {variable['name'] for variable in model['templating']['list']}
    known, taken, ids, queries = known_metrics(context), set(), set(), 0
    for variable in model['templating']['list']:
        if variable['type'] == 'query':
            check_query(variable['definition'], known, variable['name'])
    for panel in model['panels']:
        where = panel['title']
        check(panel['id'] not in ids and panel['type'] in ('row', 'stat', 'timeseries', 'table', 'heatmap'), where)
        ids.add(panel['id'])
        place = panel['gridPos']
        check(place['x'] + place['w'] <= 24 and place['h'] > 0, f'{where}: {place}')
        cells = {(x, y) for x in range(place['x'], place['x'] + place['w'])
                 for y in range(place['y'], place['y'] + place['h'])}
        check(not cells & taken, f'{where} lies on another panel')
        taken |= cells
        if panel['type'] == 'row':
            continue
        check(panel['description'].endswith('.') and panel['targets'], f'{where} has no description, or no query')
        references = [target['refId'] for target in panel['targets']]
        check(len(set(references)) == len(references), f'{where}: {references}')
        for target in panel['targets']:
            queries += 1
            check_query(target['expr'], known, where)
            used = set(re.findall(r'\$\{?(\w+)', target['expr'] + target['datasource']['uid']))
            check(used - {'__rate_interval'} <= variables, f'{where} uses {used}')
    check(queries > 40, f'{queries} queries')


@case('/metrics passes promtool when everything has a value', GROUP, needs_ledge=True, quick=False)
def _lint(context):
    broker = start(context, settings=[f'store.path={context.folder}/{context.client_id}.store',
                                      'store.daily_write_budget_bytes=1000000', 'memory.budget_bytes=64000000'])
    loses_messages(context, broker)
    text = get(context, broker.admin_port, '/metrics')[2].decode()
    promtool('check', 'metrics', text=text)
    for line in ('process_open_fds ', 'process_cpu_seconds_total ', 'process_start_time_seconds ',
                 'ledgemq_store_commit_duration_seconds_count ', 'ledgemq_memory_by_kind_bytes{kind="sessions"} ',
                 'ledgemq_listener_accepted_total{listener="'):
        check('\n' + line in text, f'no {line} in {text[:3000]}')
    values = dict(line.rsplit(' ', 1) for line in text.splitlines() if not line.startswith('#'))
    check(float(values['process_resident_memory_bytes']) > float(values['ledgemq_memory_anonymous_bytes']) > 100_000,
          'resident memory is more than anonymous memory')
    # Both are what the kernel says about the process.
    descriptors = len(os.listdir(f'/proc/{broker.process.pid}/fd'))
    check(abs(float(values['process_open_fds']) - descriptors) <= 2, f'{values["process_open_fds"]} {descriptors}')
    check(abs(time.time() - float(values['process_start_time_seconds'])) < 30, values['process_start_time_seconds'])
    check(int(values['ledgemq_store_commit_duration_seconds_count']) == int(values['ledgemq_store_commits_total']) >= 1,
          'a commit has no duration')
    check(0 < int(values['ledgemq_store_used_bytes']) < int(values['ledgemq_store_size_max_bytes']), 'the size')
    kinds = sum(int(value) for name, value in values.items() if name.startswith('ledgemq_memory_by_kind_bytes'))
    check(kinds == int(values['ledgemq_memory_used_bytes']) > 0, f'{kinds} {values["ledgemq_memory_used_bytes"]}')


def loses_messages(context, broker):
    """A subscriber that accepts only small packets loses three messages."""
    small = context.connect(broker.port)
    small.open(f'{context.client_id}-small', version=5, properties=b'\x27' + (30).to_bytes(4, 'big'))
    small.subscribe('t', version=5, qos=1)
    raw = context.connect(broker.port)
    raw.open(context.client_id, clean=False)
    raw.subscribe('kept', qos=1)
    for _ in range(3):
        raw.send(publish_packet('t', b'x' * 100))
    raw.send(packet(0x33, prefixed('kept') + b'\0\7' + b'12345'))
    while raw.read()[0] != 0x40:
        pass


def ask(port, path):
    with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}', timeout=5) as answer:
        return json.load(answer)['data']


def is_up(port):
    try:
        return ask(port, '/api/v1/query?query=ledgemq_publications_dropped_total')['result']
    except OSError:
        return False


@case('a Prometheus server scrapes a broker, and an alert fires', GROUP, needs_ledge=True, quick=False)
def _server(context):
    if shutil.which('prometheus') is None:
        raise Skipped('prometheus is not installed (Debian package prometheus)')
    broker = start(context)
    folder = os.path.join(context.folder, f'{context.client_id}.prometheus')
    os.makedirs(folder)
    configuration = os.path.join(folder, 'prometheus.yml')
    with open(configuration, 'w', encoding='utf-8') as file:
        file.write(f"""global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ['{ALERTS}']
scrape_configs:
  - job_name: ledgemq
    static_configs: [{{targets: ['127.0.0.1:{broker.admin_port}']}}]
""")
    port = free_port()
    server = Child(['prometheus', f'--config.file={configuration}', f'--storage.tsdb.path={folder}/data',
                    f'--web.listen-address=127.0.0.1:{port}', '--log.level=warn'])
    try:
        # An increase needs a sample from before.
        until(lambda: is_up(port), f'the server has no sample: {server.errors()[-500:]}')
        loses_messages(context, broker)
        wanted = ('LedgeMqMessagesDropped', 'too_large')
        until(lambda: wanted in {(alert['labels']['alertname'], alert['labels'].get('reason'))
                                 for alert in ask(port, '/api/v1/alerts')['alerts'] if alert['state'] == 'firing'},
              'the alert does not fire')
        check(ask(port, '/api/v1/query?query=up')['result'][0]['value'][1] == '1', 'the broker is not up')
    finally:
        server.close()
