#!/usr/bin/env python3
"""Flash, RAM and stack of the client in each profile, on three processors. Usage: size.py [--write]

Compiles with -Os, links each profile without a C library and without what the profile does not call, and compares with
the gates below. An AVR compiler finds what an int of 16 bits breaks. Exit 1 when a check fails, or when the table in
README.md is not the one measured. --write puts the measured table there. The last line is "N passed, N failed, N
skipped": a processor whose compiler is missing is skipped.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, 'README.md')
BEGIN, END = '<!-- size table: made by size.py -->\n', '<!-- end of the size table -->\n'

PROCESSORS = {  # name -> (prefix of the tools, options)
    'Cortex-M3': ('arm-none-eabi-', ['-mcpu=cortex-m3', '-mthumb']),
    'Cortex-M0+': ('arm-none-eabi-', ['-mcpu=cortex-m0plus', '-mthumb']),
    'RV32IMC': ('riscv64-unknown-elf-', ['-march=rv32imc', '-mabi=ilp32']),
}

LEFT_OUT = [f'-DFWB_WITH_{part}=0' for part in ('SUBSCRIBE', 'QOS2', 'WILL', 'SLEEP', 'SEARCH')]
LINK = ['fwb_link_init', 'fwb_link_byte', 'fwb_link_send']
PUBLISHER = ['fwb_init', 'fwb_open', 'fwb_poll', 'fwb_input', 'fwb_publish', 'fwb_close']
FULL = PUBLISHER + ['fwb_sleep', 'fwb_check_mail', 'fwb_set_will']
SEAL = ['fwb_seal', 'fwb_unseal']
SHA256 = ['fwb_sha256_init', 'fwb_sha256_add', 'fwb_sha256_end']
OTA = ['fwb_ota_init', 'fwb_ota_manifest', 'fwb_ota_block', 'fwb_ota_poll', 'fwb_ota_restart']

PROFILES = {  # name -> (options, functions that the firmware calls, gates in bytes of flash for each processor)
    'beacon and serial line': ([], ['fwb_beacon', 'fwb_link_send'], (512, 512, 512)),
    'publisher and serial line': (LEFT_OUT, PUBLISHER + LINK, (2048, 2304, 3072)),
    'full client and serial line': ([], FULL + LINK, (3072, 3328, 4608)),
    'the same with the envelope': (['-DFWB_WITH_SEAL=1'], FULL + LINK + SEAL, (4608, 5120, 6656)),
    'the same with will updates': (['-DFWB_WITH_SEAL=1', '-DFWB_WITH_WILL_UPDATE=1'], FULL + LINK + SEAL,
                                   (4864, 5376, 6912)),
    'SHA-256 alone': ([], SHA256, (1024, 1152, 1280)),
    'firmware download without a client': ([], OTA + SHA256, (1792, 1920, 2304)),
    'full client, serial line and firmware download': ([], FULL + LINK + OTA, (4864, 5120, 6912)),
}
RAM_MAX_BYTES = 256  # client, framer and the numbers of four topics, with an MTU of 96
STACK_MAX_BYTES = 128  # without the envelope, on Cortex-M3; what the callbacks use comes on top


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def sources():
    folder = os.path.join(HERE, 'client/src')
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith('.c')]


def build(prefix, processor, options, functions, folder):
    """Bytes of flash, and the paths of the call graphs."""
    compiler = [prefix + 'gcc', *processor, '-std=c99', '-Os', '-ffreestanding', '-ffunction-sections',
                '-fdata-sections', '-I', os.path.join(HERE, 'client/include'), *options]
    run([*compiler, '-fcallgraph-info=su', '-c', *sources()], folder)
    objects = [os.path.basename(source)[:-2] + '.o' for source in sources()]
    keep = [f'-Wl,-u,{function}' for function in functions]
    run([*compiler, '-nostdlib', '-Wl,--gc-sections', f'-Wl,-e,{functions[0]}', *keep, *objects, '-lgcc',
         '-o', 'image'], folder)
    listed = run([prefix + 'size', '-A', 'image'], folder)
    sections = re.findall(r'^\.(text|rodata|data|srodata|sdata)\S*\s+(\d+)', listed, re.M)
    return sum(int(size) for _, size in sections), [os.path.join(folder, o[:-2] + '.ci') for o in objects]


def stack(graphs, functions):
    """Bytes of the deepest chain of calls from one of the functions, without the callbacks."""
    own, calls = {}, {}
    for path in graphs:
        with open(path, encoding='utf-8') as file:
            text = file.read()
        for title, size in re.findall(r'node: \{ title: "([^"]+)" label: "[^"]*?(\d+) bytes \(static', text):
            own[title] = int(size)
        for caller, called in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
            calls.setdefault(caller, set()).add(called)

    def depth(function):
        return own.get(function, 0) + max((depth(called) for called in calls.get(function, ())), default=0)

    return max(depth(function) for function in functions)


def version(prefix):
    return f'{prefix}gcc {subprocess.check_output([prefix + "gcc", "-dumpfullversion"], text=True).strip()}'


def ram(prefix, processor, folder):
    """(client, framer) in bytes."""
    probe = os.path.join(folder, 'probe.c')
    with open(probe, 'w', encoding='utf-8') as file:
        file.write('#include "fwb.h"\nfwb client;\nfwb_link framer;\n')
    run([prefix + 'gcc', *processor, '-I', os.path.join(HERE, 'client/include'), '-c', probe, '-o', 'probe.o'], folder)
    nm = run([prefix + 'nm', '-S', '-t', 'd', 'probe.o'], folder)
    found = dict((name, size) for size, name in re.findall(r'^\S+ (\d+) \S (\w+)$', nm, re.M))
    return int(found['client']), int(found['framer'])


def port_size(prefix, processor, folder):
    """Bytes of flash of ports/cortex-m without the client."""
    ports = os.path.join(HERE, 'ports')
    run([prefix + 'gcc', *processor, '-std=c99', '-Os', '-ffreestanding', '-Wall', '-Wextra', '-Werror',
         '-I', os.path.join(HERE, 'client/include'), '-I', os.path.join(ports, 'stubs/cortex-m'),
         '-c', os.path.join(ports, 'cortex-m/fwb_cortex_m.c'), '-o', 'port.o'], folder)
    return int(run([prefix + 'size', 'port.o'], folder).split('\n')[1].split()[0])


# Compiled only if the compiler itself finds that the comparison holds.
NARROW_PROBE = '''#include "fwb_client.c"
void wrong(void) __attribute__((error("seconds do not become milliseconds with an int of 16 bits")));
void probe(void) {
    fwb_config config;
    fwb c;
    config.keep_alive_s = 200;
    c.config = &config;
    c.state = STATE_READY;
    fwb_rest(&c, 0);
    if (c.due_ms != 175000UL) wrong();
}
'''


def check_narrow_int(verdict):
    """An int of 16 bits (AVR): no warning about constants and shifts, and the product of the timer is right."""
    if not shutil.which('avr-gcc'):
        verdict.skipped += 1
        print('skipped an int of 16 bits: avr-gcc is not installed')
        return
    folder = os.path.join(HERE, 'client')
    with tempfile.TemporaryDirectory() as work:
        probe = os.path.join(work, 'probe.c')
        with open(probe, 'w', encoding='utf-8') as file:
            file.write(NARROW_PROBE)
        compiler = ['avr-gcc', '-mmcu=avr5', '-std=c99', '-O3', '-ffreestanding', '-Wall', '-Wextra', '-Werror',
                    '-I', os.path.join(folder, 'include'), '-I', os.path.join(folder, 'src'), '-o', 'object.o']
        for source in [*sources(), probe]:
            command = [*compiler, '-c', source]
            done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
            is_good = done.returncode == 0
            verdict.passed += is_good
            verdict.failed += not is_good
            print(f'{"ok    " if is_good else "FAILED"} int of 16 bits, {os.path.basename(source)}{done.stderr}')


class Verdict:
    passed, failed, skipped = 0, 0, 0

    def check(self, name, value, limit):
        is_good = value <= limit
        self.passed += is_good
        self.failed += not is_good
        print(f'{"ok    " if is_good else "FAILED"} {name}: {value} of at most {limit} bytes')


def measure(verdict):
    """The lines of the table."""
    present = [name for name, (prefix, _) in PROCESSORS.items() if shutil.which(prefix + 'gcc')]
    for name in PROCESSORS:
        if name not in present:
            verdict.skipped += 1
            print(f'skipped {name}: {PROCESSORS[name][0]}gcc is not installed')
    rows = {profile: [profile] + ['?'] * len(PROCESSORS) for profile in PROFILES}
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for column, name in enumerate(PROCESSORS):
            if name not in present:
                continue
            prefix, processor = PROCESSORS[name]
            for profile, (options, functions, gates) in PROFILES.items():
                flash, graphs = build(prefix, processor, options, functions, folder)
                verdict.check(f'flash of {profile}, {name}', flash, gates[column])
                rows[profile][column + 1] = f'{flash:,}'
                if name == 'Cortex-M3':
                    deepest = stack(graphs, functions)
                    rows[profile].append(str(deepest))
                    if not set(functions) & set(SEAL + SHA256 + OTA):
                        verdict.check(f'stack of {profile}, {name}', deepest, STACK_MAX_BYTES)
        if 'Cortex-M3' in present:
            client, framer = ram(*PROCESSORS['Cortex-M3'], folder)
            verdict.check('flash of the Cortex-M port', port_size(*PROCESSORS['Cortex-M3'], folder), 512)
            verdict.check('RAM at an MTU of 96, Cortex-M3', client + framer + 8, RAM_MAX_BYTES)
            lines = ['', f'RAM on a Cortex-M3 with an MTU of 96 bytes: {client} bytes for the client, {framer} for the '
                     'framer and 2 for each topic.', f'With four topics these are {client + framer + 8} bytes.']
    lines += ['', 'Measured with ' + ' and '.join(sorted({version(PROCESSORS[name][0]) for name in present})) + '.']
    head = ['bytes', *(f'flash, {name}' for name in PROCESSORS), 'stack, Cortex-M3']
    table = [f'| {" | ".join(head)} |', '|---|' + '---:|' * (len(head) - 1)]
    return [*table, *(f'| {" | ".join(row)} |' for row in rows.values()), *lines]


def compare(verdict, lines, is_written):
    with open(README, encoding='utf-8') as file:
        text = file.read()
    at, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    measured = '\n'.join(lines) + '\n'
    if is_written:
        with open(README, 'w', encoding='utf-8') as file:
            file.write(text[:at] + measured + text[end:])
    elif lines[-1] not in text[at:end]:
        verdict.skipped += 1
        print('skipped the comparison with README.md: its table was made with other compilers')
    elif text[at:end] != measured:
        verdict.failed += 1
        print(f'FAILED README.md has another table; size.py --write corrects it:\n{measured}')
    else:
        verdict.passed += 1


def main():
    verdict = Verdict()
    lines = measure(verdict)
    check_narrow_int(verdict)
    compare(verdict, lines, '--write' in sys.argv[1:])
    skipped = f', {verdict.skipped} skipped' if verdict.skipped else ''
    print(f'{verdict.passed} passed, {verdict.failed} failed{skipped}')
    return 1 if verdict.failed else 0


if __name__ == '__main__':
    sys.exit(main())
