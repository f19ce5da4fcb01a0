"""Holds what the brokers of a run have logged against the reference that `ledgemq events --json` prints."""
import glob
import json
import os
import re
import subprocess

VALUE = r'(?:"(?:\\.|[^"\\])*"|\S+)'
LINE = re.compile(r'^(?:\d{4}-\d\d-\d\dT\S+Z |<\d>)(debug|info|warning|error) (\w+)((?: \w+=' + VALUE + ')*)$')
FIELD = re.compile(r' (\w+)=' + VALUE)


def _reference(broker):
    text = subprocess.run([broker, 'events', '--json'], capture_output=True, text=True, check=True).stdout
    return {row['name']: row for row in map(json.loads, text.splitlines())}


def _mismatch(rows, line):
    """Why the line is not as its row declares; None when it is, or is no line of text of the log."""
    found = LINE.match(line)
    if found is None:
        return None
    row = rows.get(found[2])
    if row is None:
        return 'no such event'
    declared = row['fields'].split()
    keys = FIELD.findall(found[3])
    wrong = [f'level {found[1]}'] if found[1] not in row['levels'].split() else []
    wrong += [f'field {key}' for key in keys if key not in declared and f'{key}?' not in declared]
    wrong += [f'no field {field}' for field in declared if not field.endswith('?') and field not in keys]
    return ', '.join(wrong) or None


def mismatches(broker, folder):
    """(number of lines looked at, the first complaints)"""
    rows, lines, complaints = _reference(broker), 0, {}
    for path in glob.glob(os.path.join(folder, '*.log')):
        with open(path, encoding='utf-8', errors='replace') as file:
            for line in file:
                line = line.rstrip('\n')
                lines += LINE.match(line) is not None
                wrong = _mismatch(rows, line)
                if wrong:
                    complaints.setdefault(wrong, line[:300])
    return lines, [f'{wrong}: {line}' for wrong, line in complaints.items()]
