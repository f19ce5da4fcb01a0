"""Many connections of a few addresses: whoever comes from another one gets in all the same."""
import os
import time

from cases_tls import Served, pub, trusting
from harness import RawClient, case, check, connect_packet, free_port

GROUP = 'crowds'


def crowd(context, port, addresses, each, first_packet=lambda number: b''):
    """Connections that send their first packet and stay as they are."""
    members = []
    for number in range(addresses * each):
        members.append(RawClient(port, source=f'127.0.0.{2 + number % addresses}'))
        context.adopt(members[-1])
        members[-1].send(first_packet(number))
    return members


@case('a listener full of clients of three addresses, with keep alive 0: those of other addresses get in', GROUP,
      needs_ledge=True, quick=False)
def _full(context):
    port = free_port()
    file = os.path.join(context.folder, f'crowd-{port}.toml')
    with open(file, 'w', encoding='utf-8') as out:
        out.write(f'[listeners.main]\nurl = "mqtt://127.0.0.1:{port}"\nconnections_max = 600\n')
    broker = context.start_broker(arguments=['-c', file])
    broker.wait_for_port(port)
    crowd(context, port, 3, 250, lambda number: connect_packet(f'one-of-many-{number}'))
    for number in range(20):
        newcomer = RawClient(port, source=f'127.0.0.{10 + number}')
        context.adopt(newcomer)
        newcomer.open(f'newcomer-{number}')
    broker.log_line('listener_full ')


@case('silent connections of one address at the TLS port: a client of another address gets in', GROUP, needs_ledge=True,
      quick=False, alone=True)
def _silent(context):
    served = Served(context)
    crowd(context, served.port, 1, 1100)
    began = time.monotonic()
    code, text = pub(context, served.port, *trusting(context))
    check(code == 0, text)
    print(f'    beside 1,100 silent connections a TLS client needs {time.monotonic() - began:.1f} s')
