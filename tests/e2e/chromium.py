"""A page in headless Chromium, driven by chromedriver over the W3C WebDriver protocol, and the server of its files."""
import base64
import http.server
import json
import os
import shutil
import signal
import threading
import time
import urllib.error
import urllib.request

from harness import DEADLINE_S, Skipped, check, free_port

SLOW_S = 60.0  # the first start of a browser on a busy machine


def find(name):
    path = shutil.which(name)
    if path is None:
        raise Skipped(f'{name} is not installed')
    return path


class Files:
    """Serves a few files on the loopback interface."""

    def __init__(self, files):
        content_types = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8'}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = files.get(self.path.split('?')[0].lstrip('/'))
                if path is None:
                    return self.send_error(404)
                with open(path, 'rb') as file:
                    body = file.read()
                self.send_response(200)
                self.send_header('Content-Type', content_types[os.path.splitext(path)[1]])
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.origin = f'http://127.0.0.1:{self.server.server_port}'
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Page:
    """One page of one browser. With `keeps_logs` it records its console and every request of the network."""

    def __init__(self, context, url, keeps_logs=False):
        port = free_port()
        self.driver = context.run([find('chromedriver'), f'--port={port}'])
        self.base = f'http://127.0.0.1:{port}'
        self.driver.line('started successfully', SLOW_S)
        arguments = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                     '--disable-background-networking', '--no-first-run', '--ignore-certificate-errors',
                     '--no-proxy-server', f'--user-data-dir={context.folder}/chromium-{port}']
        wanted = {'browserName': 'chrome', 'acceptInsecureCerts': True,
                  'goog:chromeOptions': {'binary': find('chromium'), 'args': arguments}}
        if keeps_logs:
            wanted['goog:loggingPrefs'] = {'browser': 'ALL', 'performance': 'ALL'}
        answer = self._ask('POST', '/session', {'capabilities': {'alwaysMatch': wanted}}, SLOW_S)
        self.base += '/session/' + answer['sessionId']
        self.version = answer['capabilities']['browserVersion']
        self.browser = answer['capabilities']['goog:processID']
        self.folder = f'{context.folder}/chromium-{port}'
        self.open(url)

    def open(self, url):
        self._ask('POST', '/url', {'url': url}, SLOW_S)

    def _ask(self, method, path, body=None, deadline_s=DEADLINE_S):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {'Content-Type': 'application/json'}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=deadline_s) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as error:
            raise AssertionError(f'{method} {path}: {error.read()[:500]}') from None

    def evaluate(self, script):
        return self._ask('POST', '/execute/sync', {'script': f'return {script};', 'args': []})

    def evaluate_async(self, script):
        """The value that the script gives to the function `done`."""
        text = f'const done = arguments[arguments.length - 1]; {script}'
        return self._ask('POST', '/execute/async', {'script': text, 'args': []}, SLOW_S)

    def command(self, name, **parameters):
        """A command of the DevTools protocol."""
        return self._ask('POST', '/goog/cdp/execute', {'cmd': name, 'params': parameters})

    def log(self, kind):
        """What "browser" (the console) or "performance" (DevTools events) has recorded since the last call."""
        return self._ask('POST', '/se/log', {'type': kind})

    def press(self, *keys):
        """Keys of the keyboard, one after the other; W3C WebDriver names those without a character U+E000 and up."""
        actions = [{'type': kind, 'value': key} for key in keys for kind in ('keyDown', 'keyUp')]
        self._ask('POST', '/actions', {'actions': [{'type': 'key', 'id': 'keyboard', 'actions': actions}]})

    def screenshot(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self._ask('GET', '/screenshot')))

    def wait_for(self, claim, deadline_s=SLOW_S):
        """Until the JavaScript expression is true; the page's state otherwise."""
        end = time.monotonic() + deadline_s
        while not self.evaluate(claim):
            check(time.monotonic() < end, f'{claim} never came true: {self.evaluate("window.state")}')
            time.sleep(0.05)

    def close(self):
        try:
            self._ask('DELETE', '')
        except (AssertionError, OSError):
            pass  # the driver has ended already
        self._end_browser()

    def _end_browser(self):
        """It outlives a driver that was ended: by its id, if that is still this browser."""
        try:
            with open(f'/proc/{self.browser}/cmdline', 'rb') as file:
                is_ours = self.folder.encode() in file.read()
            if is_ours:
                os.kill(self.browser, signal.SIGKILL)
        except OSError:
            pass  # it is gone
