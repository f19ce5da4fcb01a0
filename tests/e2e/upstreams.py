"""Real upstream brokers for the bridge, each a process of its own on the loopback interface, with all its files in a
folder of the test. No service of the system is used or touched. What each of them can do is the table FEATURES.

    with start('nats', folder) as upstream:
        ...  upstream.port ...
        upstream.kill(); upstream.start()   # the data stays
"""
import contextlib
import ctypes
import dataclasses
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

from harness import Skipped, check, connect_packet, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
START_S = 120.0  # RabbitMQ and ActiveMQ take long on a busy machine
STOP_S = 60.0


@dataclasses.dataclass(frozen=True)
class Features:
    """What an upstream does, seen with the versions of Debian 12 and aedes 1.2.0. `qos_out`: the highest QoS of a
    PUBLISH that it takes with the meaning that MQTT gives it. `qos_in`: the highest QoS that SUBACK grants."""
    qos_out: int = 2
    qos_in: int = 2
    speaks_v5: bool = False
    queue_survives_stop: bool = True  # the messages that wait for a session, after SIGTERM
    queue_survives_kill: bool = True  # the same after SIGKILL
    retained_survives_stop: bool = True
    retained_for_wildcards: bool = True  # a later subscriber with a wildcard gets retained messages
    has_websocket: bool = True
    compresses: bool = False  # WebSocket messages, for a client that offers permessage-deflate
    keeps_order_offline: bool = True  # of one topic: messages that it repeats come before newer ones


FEATURES = {
    'mosquitto': Features(speaks_v5=True, queue_survives_kill=False),
    'rabbitmq': Features(qos_out=1, qos_in=1, retained_for_wildcards=False, compresses=True),
    'nats': Features(qos_out=1, qos_in=1, keeps_order_offline=False),
    'activemq': Features(qos_out=1, retained_survives_stop=False, has_websocket=False),
    'aedes': Features(queue_survives_stop=False, queue_survives_kill=False, retained_survives_stop=False,
                      has_websocket=False),
    'ledgemq': Features(speaks_v5=True, compresses=True),
}


def end_with_parent():
    """For the child, before it runs its program: the kernel ends it if this process is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def need(*paths):
    """Skips the case unless all files or commands are there."""
    for path in paths:
        if not (glob.glob(path) if path.startswith('/') else shutil.which(path)):
            raise Skipped(f'{path} is not installed')


def connack_of(port, user=None, password=None, deadline_s=1.0):
    """True if a broker answers CONNECT at this port, with success or not."""
    try:
        with socket.create_connection(('127.0.0.1', port), deadline_s) as sock:
            sock.settimeout(deadline_s)
            sock.sendall(connect_packet('ready-probe'))
            return sock.recv(1) == b'\x20'
    except OSError:
        return False


class Upstream:
    """One broker. `user` and `password`: nobody else may connect; None = everybody may. `tls`: (certificate, key) of a
    second listener at `tls_port`, or None."""
    name = ''
    ws_path = ''  # of its WebSocket listener at `ws_port`; '' = it has none here

    def __init__(self, folder, options, user=None, password=None, tls=None):
        self.folder = os.path.join(folder, f'{self.name}-{free_port()}')
        os.makedirs(self.folder)
        self.options = options
        self.user, self.password, self.tls = user, password, tls
        self.port = free_port()
        self.log = self.path('output.log')
        self.tls_port = free_port() if tls else None
        self.ws_port = free_port() if self.ws_path else None
        self.features = FEATURES[self.name]
        self.process = None
        self.helpers = []  # (process, name) that live as long as the upstream
        self.prepare()

    # ---- What each broker does in its own way

    def prepare(self):
        """Writes the configuration."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    # ---- For tests

    def start(self):
        """Returns when the broker answers CONNECT."""
        check(self.process is None or self.process.poll() is not None, f'{self.name} runs already')
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen([str(part) for part in self.command()], cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=end_with_parent, env={**os.environ, **self.environment()})
        end = time.monotonic() + START_S
        while not connack_of(self.port):
            check(self.process.poll() is None, f'{self.name} ended with {self.process.returncode}: {self.tail()}')
            check(time.monotonic() < end, f'{self.name} does not answer CONNECT: {self.tail()}')
            time.sleep(0.02)
        return self

    def stop(self):
        """SIGTERM; the data stays."""
        self._end(signal.SIGTERM)

    def kill(self):
        """SIGKILL; of the data stays what the broker had stored."""
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def _end(self, number):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'{self.name} ignores signal {number}: {self.tail()}') from None

    def close(self):
        with contextlib.suppress(AssertionError):
            self.kill()
        for helper in self.helpers:
            helper.kill()
            helper.wait()
        self.helpers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def tail(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()[-1500:]


class Mosquitto(Upstream):
    name = 'mosquitto'
    ws_path = '/any'

    def prepare(self):
        need('mosquitto')
        lines = ['per_listener_settings false', f'listener {self.port} 127.0.0.1', 'persistence true',
                 f'persistence_location {self.folder}/', 'max_queued_messages 0', 'sys_interval 1',
                 f'user {pwd.getpwuid(os.getuid()).pw_name}']
        if self.user is None:
            lines.append('allow_anonymous true')
        else:
            path = self.write('passwords', f'{self.user}:{self.password}\n')
            subprocess.run(['mosquitto_passwd', '-U', path], check=True, capture_output=True)
            lines += ['allow_anonymous false', f'password_file {path}']
        if self.tls:
            lines += [f'listener {self.tls_port} 127.0.0.1', f'certfile {self.tls[0]}', f'keyfile {self.tls[1]}']
        lines += [f'listener {self.ws_port} 127.0.0.1', 'protocol websockets']
        self.write('mosquitto.conf', '\n'.join(lines) + '\n')

    def command(self):
        return [shutil.which('mosquitto') or '/usr/sbin/mosquitto', '-c', self.path('mosquitto.conf')]


class LedgeMq(Upstream):
    name = 'ledgemq'
    ws_path = '/mqtt'

    def prepare(self):
        text = (f'[listeners.plain]\nurl = "mqtt://127.0.0.1:{self.port}"\n'
                f'[listeners.web]\nurl = "ws://127.0.0.1:{self.ws_port}{self.ws_path}"\n'
                '[listeners.web.websocket]\ncompression = true\n')  # for clients that ask for it
        if self.tls:
            text += (f'[listeners.tls]\nurl = "mqtts://127.0.0.1:{self.tls_port}"\n[listeners.tls.tls]\n'
                     f'certificate = "{self.tls[0]}"\nkey = "{self.tls[1]}"\n')
        if self.user is not None:
            text += f'[auth]\npassword_file = "{self.path("passwords")}"\n'
            subprocess.run([self.options.upstream_broker, 'passwd', self.path('passwords'), self.user],
                           input=self.password.encode() + b'\n', check=True, capture_output=True)
        self.write('ledgemq.toml', text)

    def command(self):
        command = [self.options.upstream_broker, '-c', self.path('ledgemq.toml'), '--store', self.path('store')]
        return command + (['--allow-anonymous'] if self.user is None else [])


class RabbitMq(Upstream):
    """Its port mapper (epmd) is a process of ours, too, at a port of its own."""
    name = 'rabbitmq'
    ws_path = '/ws'
    BASE = '/usr/lib/rabbitmq/bin/rabbitmq-server'

    def prepare(self):
        need(self.BASE, 'epmd')
        self.epmd_port, self.dist_port = free_port(), free_port()
        lines = ['listeners.tcp = none', f'mqtt.listeners.tcp.1 = 127.0.0.1:{self.port}',
                 'web_mqtt.tcp.ip = 127.0.0.1', f'web_mqtt.tcp.port = {self.ws_port}', 'web_mqtt.ws_path = /ws',
                 'loopback_users = none', f'default_user = {self.user or "guest"}',
                 f'default_pass = {self.password or "guest"}', 'log.console = true', 'log.file = false']
        if self.user is None:
            lines += ['mqtt.default_user = guest', 'mqtt.default_pass = guest']
        else:
            lines += ['mqtt.allow_anonymous = false']
        self.write('rabbitmq.conf', '\n'.join(lines) + '\n')
        self.write('enabled_plugins', '[rabbitmq_mqtt,rabbitmq_web_mqtt].\n')
        self.write('env.conf', '')

    def environment(self):
        # RABBITMQ_ALLOW_INPUT: the script becomes the broker, which then handles SIGTERM itself.
        return {'HOME': self.folder, 'RABBITMQ_NODENAME': f'ledge{self.port}@localhost',
                'RABBITMQ_CONF_ENV_FILE': self.path('env.conf'), 'RABBITMQ_CONFIG_FILE': self.path('rabbitmq.conf'),
                'RABBITMQ_ENABLED_PLUGINS_FILE': self.path('enabled_plugins'),
                'RABBITMQ_MNESIA_BASE': self.path('mnesia'), 'RABBITMQ_LOG_BASE': self.path('log'),
                'RABBITMQ_PID_FILE': self.path('pid'), 'RABBITMQ_DIST_PORT': str(self.dist_port),
                'RABBITMQ_ADVANCED_CONFIG_FILE': self.path('none'), 'ERL_EPMD_PORT': str(self.epmd_port),
                'ERL_EPMD_ADDRESS': '127.0.0.1', 'RABBITMQ_ALLOW_INPUT': 'true',
                'RABBITMQ_SERVER_START_ARGS': '-noshell -noinput',
                'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none'}

    def start(self):
        if not self.helpers:
            self.helpers.append(subprocess.Popen(
                ['epmd', '-address', '127.0.0.1', '-port', str(self.epmd_port)], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent))
        return super().start()

    def command(self):
        return [self.BASE]


class Nats(Upstream):
    name = 'nats'
    ws_path = '/mqtt'

    def prepare(self):
        need('nats-server')
        user = '' if self.user is None else (f'authorization {{ users = [ {{ user: "{self.user}", '
                                             f'password: "{self.password}" }} ] }}\n')
        self.write('nats.conf', f'server_name: "ledge"\nlisten: "127.0.0.1:{free_port()}"\n'
                                f'jetstream {{ store_dir: "{self.path("js")}" }}\n{user}'
                                f'mqtt {{ listen: "127.0.0.1:{self.port}" }}\n'
                                f'websocket {{ listen: "127.0.0.1:{self.ws_port}", no_tls: true }}\n')

    def command(self):
        return ['nats-server', '-c', self.path('nats.conf')]


class ActiveMq(Upstream):
    """Without libmqtt-client-java its MQTT connector accepts TCP and never answers."""
    name = 'activemq'
    JAR = '/usr/share/activemq/bin/activemq.jar'
    MQTT = '/usr/share/java/mqtt-client.jar'
    CONFIGURATION = """<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans
  http://www.springframework.org/schema/beans/spring-beans.xsd
  http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" useJmx="false" brokerName="localhost" dataDirectory="{data}">
    {plugins}
    <persistenceAdapter><kahaDB directory="{data}/kahadb" journalMaxFileLength="4mb"/></persistenceAdapter>
    <systemUsage><systemUsage>
      <memoryUsage><memoryUsage limit="64 mb"/></memoryUsage>
      <storeUsage><storeUsage limit="256 mb"/></storeUsage>
      <tempUsage><tempUsage limit="64 mb"/></tempUsage>
    </systemUsage></systemUsage>
    <transportConnectors><transportConnector name="mqtt" uri="mqtt://127.0.0.1:{port}"/></transportConnectors>
  </broker>
</beans>
"""
    PLUGIN = ('<plugins><simpleAuthenticationPlugin><users><authenticationUser username="{user}" password="{password}" '
              'groups="users"/></users></simpleAuthenticationPlugin></plugins>')

    def prepare(self):
        need(self.JAR, self.MQTT)
        plugins = '' if self.user is None else self.PLUGIN.format(user=self.user, password=self.password)
        self.write('conf/activemq.xml', self.CONFIGURATION.format(data=self.path('data'), port=self.port,
                                                                   plugins=plugins))
        os.makedirs(self.path('lib'))
        os.symlink(self.MQTT, self.path('lib', 'mqtt-client.jar'))

    def command(self):
        java = sorted(glob.glob('/usr/lib/jvm/java-17-*/bin/java'))
        base = [f'-Dactivemq.home={self.folder}', f'-Dactivemq.base={self.folder}',
                f'-Dactivemq.conf={self.path("conf")}', f'-Dactivemq.data={self.path("data")}']
        jars = ['/usr/share/activemq/lib', '/usr/share/activemq/lib/optional', self.path('lib')]
        return [java[0] if java else 'java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', *base, '-jar',
                self.JAR, *(part for folder in jars for part in ('--extdir', folder)), 'start',
                f'xbean:file:{self.path("conf", "activemq.xml")}']


class Aedes(Upstream):
    name = 'aedes'

    def prepare(self):
        self.modules = os.path.join(self.options.modules, 'node_modules')
        need('node', os.path.join(self.modules, 'aedes'))
        version = subprocess.run(['node', '--version'], capture_output=True, text=True, check=True).stdout
        if int(version.lstrip('v').split('.')[0]) < 20:
            raise Skipped(f'aedes wants Node.js 20 or later, this is {version.strip()}')

    def environment(self):
        return {'NODE_PATH': self.modules, 'AEDES_PORT': str(self.port), 'AEDES_USER': self.user or '',
                'AEDES_PASSWORD': self.password or ''}

    def command(self):
        return ['node', os.path.join(HERE, 'aedes_broker.js')]


KINDS = {kind.name: kind for kind in (Mosquitto, RabbitMq, Nats, ActiveMq, Aedes, LedgeMq)}


class Shared:
    """The one upstream that cases with the same upstream use one after the other: some take long to start. It asks for
    USER and PASSWORD. A case finds it running, and may stop and start it."""
    USER, PASSWORD = 'gate', 'secret'
    current = None

    @classmethod
    def get(cls, name, folder, options):
        if cls.current is None or cls.current.name != name:
            cls.close()
            cls.current = start(name, folder, options, user=cls.USER, password=cls.PASSWORD)
        elif cls.current.process.poll() is not None:
            cls.current.start()
        return cls.current

    @classmethod
    def close(cls):
        if cls.current is not None:
            cls.current.close()
        cls.current = None


def start(name, folder, options, **more):
    """A running upstream; whoever calls closes it."""
    upstream = KINDS[name](folder, options, **more)
    try:
        return upstream.start()
    except BaseException:
        upstream.close()
        raise
