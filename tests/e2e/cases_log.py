"""The log under pressure: nobody reads it, or somebody floods it."""
import fcntl
import os
import re

from harness import Broker, case, check, connect_packet

GROUP = 'log'
F_SETPIPE_SZ = 1031


class PipedBroker(Broker):
    """A broker whose standard error is a pipe of one page."""

    def __init__(self, path, folder):
        self.reader, writer = os.pipe()
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        super().__init__(path, folder, stderr=writer)
        os.close(writer)

    def read_log(self):
        """All that is written to the end of the process, which somebody else ends."""
        text = b''
        while True:
            part = os.read(self.reader, 65536)
            if not part:
                return text.decode('utf-8', 'replace')
            text += part

    def close(self):
        super().close()
        os.close(self.reader)


def refused(context, port, times):
    """Connections that the broker refuses with a line of the log each."""
    for _ in range(times):
        raw = context.connect(port)
        raw.send(b'\xf3\x00')
        check(raw.receive() == b'', 'a reserved packet was answered')
        raw.close()


@case('a broker whose standard error nobody reads serves on, and says the lines when somebody reads again', GROUP,
      needs_ledge=True)
def _unread(context):
    broker = PipedBroker(context.options.broker, context.folder)
    context._children.append(broker)
    refused(context, broker.port, 150)  # 100 lines of 150 bytes are more than the pipe holds
    raw = context.connect(broker.port)
    raw.open('after')
    broker.signal(15)
    text = broker.read_log()
    check(text.count(' info connection_refused ') == 100, f'{text.count(" info connection_refused ")} lines')
    check(' info stopped' in text, text[-500:])
    check(broker.process.wait(20) == 0, 'exit status')


@case('one address cannot fill the log: beyond its rate lines are counted, and the count is said', GROUP,
      needs_ledge=True)
def _flood(context):
    broker = context.start_broker()
    refused(context, broker.port, 400)
    long_id = '\x01' * 900
    for _ in range(150):
        raw = context.connect(broker.port)
        raw.message(connect_packet(long_id))
        raw.read()
        raw.close()
    check(broker.stop() == 0, 'exit status')
    with open(broker.log, encoding='utf-8', errors='replace') as file:
        lines = file.read().splitlines()
    left_out = [line for line in lines if 'log_lines_left_out event=connection_refused' in line]
    check(len(left_out) == 1 and 250 <= int(re.search(r'lines=(\d+)', left_out[0])[1]) <= 300, f'{left_out}')
    check(max(map(len, lines)) < 4096, f'a line of {max(map(len, lines))} bytes')
    check(sum(map(len, lines)) < 400_000, f'{sum(map(len, lines))} bytes of log')
