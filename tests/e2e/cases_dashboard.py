"""The dashboard in headless Chromium: it loads from the broker alone, its figures move, a kick kicks, a trace shows the
way of a message; axe-core and the keyboard judge whether everybody can use it. Screenshots for people are written to
build/test-logs/dashboard-*.png."""
import gzip
import json
import os
import re
import time
import urllib.parse

import cases_http
import chromium
from cases_browser import start_devices
from harness import case, check, packet, prefixed

GROUP = 'dashboard'
BUNDLE_BYTES_MAX = 150_000
FIRST_PAINT_MS_MAX = 5000  # the aim is 1000; a busy machine must not fail the test
PHONE_WIDTH = 390
EVIL = '<img src=x onerror=document.title=1>\x1b[31m'
EVIL_SHOWN = '<img src=x onerror=document.title=1>\\x1b[31m'
FILES = ('/', '/app.js', '/app.css', '/mqtt.js', '/icon.svg')
VIEWS = ('', 'clients', 'clients/{client}', 'topics', 'retained', 'retained?topic=plant%2Fgate%2Fdoor1%2Fstatus',
         'messages', 'trace', 'who-gets?topic=plant%2Fgate%2Fdoor1%2Fstatus', 'bridges', 'storage', 'refusals')
TAB, ENTER, ESCAPE = '\ue004', '\ue007', '\ue00c'


def start(context, settings=(), token=True):
    settings = [f'store.path={context.folder}/{context.client_id}.store', *settings]
    settings += [f'admin.token_file={cases_http.token_file(context)}'] if token else []
    return cases_http.start(context, settings=settings)


def get(context, broker, path, headers=()):
    return cases_http.get(context, broker.admin_port, path, [('Accept-Encoding', 'gzip'), *headers])


def needs_bundle(context, broker):
    """The dashboard is an option of the build; the Release build of ./run test has it."""
    status, headers, body = get(context, broker, '/')
    check(status == 200, f'{status} {body}')
    check(headers.get('content-encoding') == 'gzip', f'the broker was built with LEDGE_DASHBOARD=OFF: {body}')


def open_page(context, broker, view='', token=True):
    needs_bundle(context, broker)
    page = chromium.Page(context, 'about:blank', keeps_logs=True)
    context.adopt(page)
    page.origin = f'http://127.0.0.1:{broker.admin_port}'
    page.open(f'{page.origin}/#token={cases_http.TOKEN}' if token else f'{page.origin}/')
    page.wait_for(f'{STATE} === "Live"')
    if view:
        show(page, view)
    return page


STATE = 'document.querySelector(".state")?.textContent'
TEXT = 'document.querySelector("main").innerText'


def show(page, view):
    """Goes to a view, and waits until it has what it asked for."""
    page.evaluate(f'location.hash = {json.dumps("#/" + view)}')
    page.wait_for('document.querySelector("main h1") !== null && !document.querySelector("main .loading")')


def click(page, label, inside='main'):
    """Clicks the button or link that is shown with this text."""
    found = (f'[...document.querySelectorAll({json.dumps(inside)} + " :is(button, a)")]'
             f'.find((one) => one.textContent.trim() === {json.dumps(label)} && one.checkVisibility())')
    page.wait_for(f'{found} !== undefined')
    page.evaluate(f'{found}.click()')


def fill(page, label, text):
    field = (f'[...document.querySelectorAll("main label")].find((one) => one.querySelector("span")?.textContent === '
             f'{json.dumps(label)}).querySelector("input, textarea")')
    page.evaluate(f'(() => {{ const field = {field}; field.value = {json.dumps(text)}; '
                  'field.dispatchEvent(new Event("input", { bubbles: true })); })()')


def screen(page, width, height, scheme='light'):
    page.command('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1,
                 mobile=width == PHONE_WIDTH)
    page.command('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])


def judge_logs(page, broker):
    """No complaint in the console, and no request to anybody but this broker. The number of requests."""
    complaints = [f'{one["level"]} {one["message"]}' for one in page.log('browser') if one['level'] != 'DEBUG']
    check(not complaints, f'the console says {complaints[:5]}')
    requests = []
    for entry in page.log('performance'):
        message = json.loads(entry['message'])['message']
        if message['method'] == 'Network.requestWillBeSent':
            requests.append(message['params']['request']['url'])
        elif message['method'] == 'Network.webSocketCreated':
            requests.append(message['params']['url'])
    ours = (f'http://127.0.0.1:{broker.admin_port}/', f'ws://127.0.0.1:{broker.ws_port}/')
    # The browser's first page is a part of the browser (chrome://), with a picture in its own address (data:).
    strange = [url for url in requests if not url.startswith((*ours, 'chrome://', 'data:'))]
    check(not strange, f'the page has asked {strange[:5]}')
    check(requests, 'the log of the network is empty')
    return len(requests)


# ---------------------------------------------------------------------------------------------------------------------

@case('its files are compressed, small, tagged, and under a strict policy', GROUP, needs_ledge=True, quick=False)
def _files(context):
    broker = start(context)
    needs_bundle(context, broker)
    total = 0
    for path in FILES:
        status, headers, body = get(context, broker, path)
        check(status == 200 and headers['content-encoding'] == 'gzip' and gzip.decompress(body), f'{path}: {headers}')
        policy = headers['content-security-policy']
        check("default-src 'none'" in policy and f"connect-src 'self' ws://127.0.0.1:{broker.ws_port};" in policy
              and 'unsafe' not in policy and "trusted-types 'none'" in policy, policy)
        check(headers['x-content-type-options'] == 'nosniff', f'{headers}')
        total += len(body)
        again = get(context, broker, path, [('If-None-Match', headers['etag'])])
        check(again[0] == 304 and again[2] == b'', f'{path}: {again[0]}')
    check(total <= BUNDLE_BYTES_MAX, f'{total} bytes, more than {BUNDLE_BYTES_MAX}')
    policy = get(context, broker, '/', [('Host', "a;script-src *")])[1].get('content-security-policy', '')
    check('script-src *' not in policy, policy)
    status, headers, body = cases_http.get(context, broker.admin_port, '/')
    check(status == 200 and b'ledgemq ctl' in body and 'content-encoding' not in headers, f'{status} {body}')
    check(get(context, broker, '/app.js.map')[0] == 404, 'a file that is not there')
    print(f'    the dashboard has {total} bytes on the wire', flush=True)


@case('its figures move with the devices, and nothing leaves the broker', GROUP, needs_ledge=True, quick=False)
def _live(context):
    broker = start(context)
    start_devices(context, broker.port)
    page = open_page(context, broker)
    check(page.evaluate('location.hash') == '#/', 'the token stands in the address')
    check(page.evaluate('[sessionStorage.length, localStorage.getItem("token")]') == [1, None], 'where the token is')
    paint = page.evaluate('performance.getEntriesByName("first-contentful-paint")[0].startTime')
    check(paint <= FIRST_PAINT_MS_MAX, f'the first paint came after {paint:.0f} ms')
    tile = 'parseFloat(document.querySelector(".tile-value").textContent)'
    page.wait_for(f'{tile} > 0')
    page.wait_for(f'{TEXT}.includes("6 clients are connected")')
    values = 'document.querySelector(".tile .spark path")?.getAttribute("d").length'
    page.wait_for(f'{values} > 0')
    before = page.evaluate(values)
    page.wait_for(f'{values} > {before}')
    logs = os.path.join(context.options.build, '../test-logs')
    for name, width, height, scheme in (('desktop-light', 1440, 1000, 'light'), ('desktop-dark', 1440, 1000, 'dark'),
                                        ('phone', PHONE_WIDTH, 844, 'light')):
        screen(page, width, height, scheme)
        page.wait_for(f'document.documentElement.dataset.theme === "{scheme}"')
        page.wait_for('document.documentElement.scrollWidth <= innerWidth')
        page.screenshot(os.path.abspath(f'{logs}/dashboard-{name}.png'))
    requests = judge_logs(page, broker)
    print(f'    first paint after {paint:.0f} ms in Chromium {page.version}; {requests} requests, all to the broker',
          flush=True)


@case('a kick kicks, and a name with markup and escapes is shown as text', GROUP, needs_ledge=True, quick=False)
def _kick(context):
    broker = start(context)
    victim = context.connect(broker.port)
    victim.open(EVIL)
    page = open_page(context, broker, 'clients')
    page.wait_for(f'{TEXT}.includes({json.dumps(EVIL_SHOWN)})')
    click(page, EVIL_SHOWN)
    page.wait_for(f'document.querySelector("main h1").textContent === {json.dumps(EVIL_SHOWN)}')
    click(page, 'Kick')
    click(page, 'Kick', 'dialog[open]')
    check(victim.read() == (None, b''), 'the client is still connected')
    page.wait_for(f'{TEXT}.includes("no session has this client id")')  # a clean session ends with its connection
    check(page.evaluate('document.querySelectorAll("img").length') == 1, 'a client has put a picture into the page')
    check(page.evaluate('document.title').startswith('Clients'), 'a client has run a script')
    broker.log_line('admin_action')
    # A client that is gone is a 404 for the page, which the browser notes in its console: those are not judged here.


@case('without a token it reads, and offers no action', GROUP, needs_ledge=True, quick=False)
def _read_only(context):
    broker = start(context, token=False)
    context.connect(broker.port).open(context.client_id)
    page = open_page(context, broker, f'clients/{context.client_id}', token=False)
    page.wait_for(f'{TEXT}.includes("Keep alive")')
    check('Kick' not in page.evaluate(TEXT) and 'Remove' not in page.evaluate(TEXT), page.evaluate(TEXT))
    check(page.evaluate('document.querySelector(".top").innerText').find('Read only') >= 0, 'it does not say so')
    judge_logs(page, broker)


@case('a trace shows the way of a message', GROUP, needs_ledge=True, quick=False)
def _trace(context):
    broker = start(context)
    subscriber, publisher = context.connect(broker.port), context.connect(broker.port)
    subscriber.open(context.client_id + 'sub')
    subscriber.subscribe(context.topic, 1)
    publisher.open(context.client_id + 'pub')
    page = open_page(context, broker, 'trace?filter=' + urllib.parse.quote(context.topic, safe=''))
    click(page, 'Trace')
    page.wait_for(f'{TEXT}.includes("The trace runs.")')
    publisher.message(packet(0x32, prefixed(context.topic) + b'\0\x07on'))
    first, body = subscriber.read()
    check(first & 0xF0 == 0x30, f'a PUBLISH was expected, not {first}')
    at = 2 + len(context.topic)
    subscriber.message(b'\x40\x02' + body[at:at + 2])
    stages = '[...document.querySelectorAll("td[data-name=Stage]")].map((one) => one.textContent)'
    for stage in ('received', 'matched', 'sent', 'acknowledged'):
        page.wait_for(f'{stages}.includes("{stage}")')
    click(page, 'Stop')
    page.wait_for(f'{TEXT}.includes("The trace has ended")')
    judge_logs(page, broker)


@case('its pane subscribes and publishes over WebSocket, and the tree shows the topics', GROUP, needs_ledge=True,
      quick=False)
def _pane(context):
    broker = start(context)
    page = open_page(context, broker, 'messages')
    check(page.evaluate('performance.getEntriesByType("resource").every((one) => !one.name.includes("mqtt.js"))'),
          'MQTT.js is loaded before it is needed')
    click(page, 'Connect')
    page.wait_for(f'{TEXT}.includes("Publish")')
    click(page, 'Subscribe')
    page.wait_for(f'{TEXT}.includes("QoS 0")')
    fill(page, 'Topic', context.topic)
    fill(page, 'Payload', '{"value": 21.5}')
    click(page, 'Publish')
    payload = (f'[...document.querySelectorAll(".log li")].find((one) => one.querySelector(".name").textContent === '
               f'{json.dumps(context.topic)})?.querySelector("pre").textContent')
    page.wait_for(f'{payload} !== undefined')
    check(page.evaluate(payload) == '{\n  "value": 21.5\n}', page.evaluate(payload))
    show(page, 'topics')
    page.wait_for(f'{TEXT}.includes("21.5")')
    judge_logs(page, broker)


# ---------------------------------------------------------------------------------------------------------------------

def violations(page):
    found = page.evaluate_async(
        'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => done(violations'
        '.filter((one) => ["serious", "critical"].includes(one.impact))'
        '.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 200)}`)), (error) => done([String(error)]))')
    return found


@case('axe-core finds nothing serious, in light and dark, at the width of a phone too', GROUP, needs_ledge=True,
      quick=False)
def _axe(context):
    broker = start(context)
    start_devices(context, broker.port)
    page = open_page(context, broker)
    path = os.path.join(context.options.modules, 'node_modules/axe-core/axe.min.js')
    check(os.path.exists(path), f'{path} is missing; ./run test installs it')
    with open(path, encoding='utf-8') as file:
        page.command('Runtime.evaluate', expression=file.read())
    judged = 0
    for width, scheme in ((1440, 'light'), (1440, 'dark'), (PHONE_WIDTH, 'light'), (PHONE_WIDTH, 'dark')):
        screen(page, width, 900, scheme)
        for view in VIEWS:
            show(page, view.format(client='demo-door1'))
            found = violations(page)
            check(not found, f'{view} at {width} px, {scheme}: {found}')
            check(page.evaluate('document.documentElement.scrollWidth <= innerWidth'), f'{view} scrolls sideways')
            judged += 1
    page.evaluate('document.querySelector("main").append(document.createElement("img"))')
    check(any('image-alt' in one for one in violations(page)), 'axe-core does not find a picture without a text')
    judge_logs(page, broker)
    print(f'    axe-core has judged {judged} pages', flush=True)


FOCUSED = 'document.activeElement'
OUTLINE = f'getComputedStyle({FOCUSED}).outlineStyle + " " + getComputedStyle({FOCUSED}).outlineWidth'


@case('the keyboard reaches everything, and the focus can be seen', GROUP, needs_ledge=True, quick=False)
def _keyboard(context):
    broker = start(context)
    page = open_page(context, broker)
    order = []
    for _ in range(16):
        page.press(TAB)
        order.append(page.evaluate(f'{FOCUSED}.textContent.trim()'))
        outline = page.evaluate(OUTLINE)
        check(re.match(r'solid [1-9]', outline), f'{order[-1]} has the outline {outline}')
    check(order[:5] == ['To the content', 'LedgeMQ', 'Token set', 'Dark', 'Overview'], f'{order}')
    check('Refusals' in order, f'{order}')
    page.evaluate('document.querySelector("nav a[href=\'#/clients\']").focus()')
    page.press(ENTER)
    page.wait_for(f'document.querySelector("main h1")?.textContent === "Clients" && {FOCUSED}.id === "main"')
    page.evaluate('document.querySelectorAll(".top button")[0].focus()')
    page.press(ENTER)
    page.wait_for(f'document.querySelector("dialog[open]")?.contains({FOCUSED})')
    page.press(ESCAPE)
    page.wait_for('!document.querySelector("dialog[open]")')
    page.evaluate('document.querySelectorAll(".top button")[1].focus()')
    page.press(ENTER)
    page.wait_for('document.documentElement.dataset.theme === "dark"')


def wake_ups(broker, seconds):
    """How often a thread of the broker has waited and gone on, per second."""

    def total():
        count = 0
        for task in os.listdir(f'/proc/{broker.process.pid}/task'):
            with open(f'/proc/{broker.process.pid}/task/{task}/status', encoding='ascii') as file:
                count += int(re.search(r'^voluntary_ctxt_switches:\s+(\d+)', file.read(), re.M)[1])
        return count

    before = total()
    time.sleep(seconds)  # a rate needs a time
    return (total() - before) / seconds


@case('an idle page wakes the broker less than once a second', GROUP, needs_ledge=True, quick=False)
def _idle(context):
    broker = start(context)
    needs_bundle(context, broker)
    alone = wake_ups(broker, 4)
    page = open_page(context, broker)
    page.wait_for(f'{TEXT}.includes("Messages in")')
    more = wake_ups(broker, 8) - alone
    if more >= 1:  # the connections that have brought the files end after ten seconds, each with a wake-up
        more = wake_ups(broker, 8) - alone
    check(more < 1, f'{more:.2f} more per second than the {alone:.2f} of the broker alone')
    print(f'    an idle page: {more:.2f} wake-ups of the broker per second, beside {alone:.2f} of its own', flush=True)


@case('it says when the broker has gone, and goes on when the broker is back', GROUP, needs_ledge=True, quick=False)
def _lost(context):
    broker = start(context)
    page = open_page(context, broker)
    check(broker.stop() == 0, broker.tail())
    page.wait_for(f'{STATE} === "Disconnected" && {TEXT}.includes("The broker cannot be reached.")')
    again = context.start_broker(arguments=broker.command[1:])
    again.wait_for_port(broker.admin_port)
    page.wait_for(f'{STATE} === "Live"')
