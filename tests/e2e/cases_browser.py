"""A dashboard in headless Chromium: live telemetry from the demo devices, and a restart of the broker that it survives
with its session."""
import os
import urllib.parse

import cases_wss
import chromium
from harness import case, check
from websocket import start_broker

GROUP = 'browser'
HERE = os.path.dirname(os.path.abspath(__file__))
TOPIC = 'plant/line1/sensor3/temperature'


def open_page(context, url, topic_filter='plant/#'):
    bundle = os.path.join(context.options.modules, 'node_modules/mqtt/dist/mqtt.min.js')
    check(os.path.exists(bundle), f'{bundle} is missing; ./run test installs it')
    files = chromium.Files({'page.html': os.path.join(HERE, 'browser_page.html'), 'mqtt.min.js': bundle})
    context.adopt(files)
    query = urllib.parse.urlencode({'url': url, 'id': context.client_id, 'filter': topic_filter})
    page = chromium.Page(context, f'{files.origin}/page.html?{query}')
    context.adopt(page)
    return page


def start_devices(context, port):
    demo = os.path.join(os.path.dirname(context.options.broker), 'ledgemq-demo')
    check(os.path.exists(demo), f'{demo} is not built')
    devices = context.run([demo, '--port', port, '--interval', '0.2'])
    devices.line('door1 connected')
    return devices


def live_telemetry(context, broker, restart, url):
    """A page subscribes, gets what the devices publish, and comes back to its session after a restart."""
    start_devices(context, broker.port)
    page = open_page(context, url)
    page.wait_for(f'window.state.byTopic[{TOPIC!r}] >= 5')
    check(page.evaluate('window.state.connects') == [False], 'it has connected more than once')
    shown = page.evaluate(f'document.getElementById({TOPIC!r}).textContent')
    check(shown.startswith(TOPIC + ' {'), f'the page shows {shown!r}')
    before = page.evaluate('window.state.messages')
    check(broker.stop() == 0, broker.tail())
    restart()
    page.wait_for('window.state.connects.length === 2')
    check(page.evaluate('window.state.connects') == [False, True], 'the session is not resumed')
    seen = page.evaluate(f'window.state.byTopic[{TOPIC!r}]')
    page.wait_for(f'window.state.byTopic[{TOPIC!r}] >= {seen + 5}')
    after = page.evaluate('window.state.messages')
    check(page.evaluate('window.state.error') in ('', None) or after > before, page.evaluate('window.state.error'))
    print(f'    Chromium {page.version} at {url.split(":")[0]}: {before} live messages, then {after - before} after a '
          f'restart of the broker, session resumed; it showed: {shown}', flush=True)


@case('a page gets live telemetry over ws and resumes its session after a restart', GROUP, needs_ledge=True,
      quick=False)
def _page(context):
    chromium.find('chromium')
    chromium.find('chromedriver')
    store = ['--set', f'store.path={context.folder}/{context.client_id}.store']
    broker = start_broker(context, more=store)

    def restart():
        again = context.start_broker(arguments=broker.command[1:])
        again.wait_for_port(broker.ws_port)

    live_telemetry(context, broker, restart, f'ws://127.0.0.1:{broker.ws_port}/mqtt')


@case('the same over wss', GROUP, needs_ledge=True, quick=False)
def _secure_page(context):
    chromium.find('chromium')
    store = ['--set', f'store.path={context.folder}/{context.client_id}.store']
    broker = start_broker(context, more=store, tls=cases_wss.certificate_lines(context))

    def restart():
        again = context.start_broker(arguments=broker.command[1:])
        again.wait_for_port(broker.ws_port)

    live_telemetry(context, broker, restart, f'wss://127.0.0.1:{broker.ws_port}/mqtt')


@case('a page of another origin than the allowed ones gets nothing', GROUP, needs_ledge=True, quick=False)
def _origin(context):
    chromium.find('chromium')
    allowed = 'listeners.web.websocket.origins=https://dashboard.example'
    broker = start_broker(context, settings=[allowed])
    page = open_page(context, f'ws://127.0.0.1:{broker.ws_port}/mqtt')
    broker.log_line('http_refused .*reason="pages of this origin may not connect".* origin=http://127.0.0.1')
    check(page.evaluate('window.state.connects') == [], broker.tail())
