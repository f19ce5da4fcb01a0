"""Reads Prometheus' text format 0.0.4 as strictly as `promtool check metrics` does, and returns what it says."""
import re

from harness import check

NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (-?\d+))?')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')
PARTS = {'_bucket', '_sum', '_count'}  # of a histogram, behind its name
TYPES = {'counter', 'gauge', 'histogram', 'summary', 'untyped'}
NOT_BASE_UNITS = re.compile(r'_(milliseconds|microseconds|minutes|hours|days|kilobytes|megabytes|kib|mib|ms)(_|$)')


def labels_of(text):
    found, rest = {}, text or ''
    while rest:
        match = LABEL.match(rest)
        check(match, f'labels {text!r}')
        check(match[1] not in found and not match[1].startswith('__'), f'label {match[1]}')
        found[match[1]], rest = match[2], rest[match.end():]
    return found


def check_family(name, kind, help_text):
    """The linter's rules."""
    check(re.fullmatch(r'[a-z][a-z0-9_]*', name), f'{name} is not in snake case')
    check(help_text and help_text.endswith('.'), f'{name} has no help')
    check((kind == 'counter') == name.endswith('_total'), f'{name} is a {kind}')
    check(not NOT_BASE_UNITS.search(name), f'{name} is not in a base unit')
    check(kind not in name.split('_'), f'{name} has its type in its name')
    check(not name.endswith(('_count', '_sum', '_bucket')), f'{name} has a suffix of histograms')


def parse(text):
    """{(name, ((label, value), ...)): value}"""
    check(text.endswith('\n'), 'the last line does not end')
    families, values, current = {}, {}, None
    for line in text[:-1].split('\n'):
        if line.startswith('# HELP '):
            _, _, name, help_text = line.split(' ', 3)
            check(NAME.fullmatch(name) and name not in families, f'HELP of {name} twice, or out of place')
            current, families[name] = name, [None, help_text]
        elif line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            check(name == current and families[name][0] is None and kind in TYPES, line)
            families[name][0] = kind
        else:
            match = SAMPLE.fullmatch(line)
            check(match, f'no sample: {line!r}')
            of_histogram = families[current][0] == 'histogram' and match[1].removeprefix(current) in PARTS
            check(of_histogram or (match[1] == current and families[current][0]), f'{match[1]} is not in its family')
            key = (match[1], tuple(sorted(labels_of(match[2]).items())))
            check(key not in values, f'{key} twice')
            values[key] = float(match[3])
    for name, (kind, help_text) in families.items():
        check_family(name, kind, help_text)
        check(any(key[0] in (name, name + '_count') for key in values), f'{name} has no sample')
    return values
