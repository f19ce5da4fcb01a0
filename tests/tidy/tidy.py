#!/usr/bin/env python3
"""House rules that a compiler does not know. Usage: tidy.py [ROOT] [--only CHECK]

First the checks prove on small bad trees that they can fail, then they look at the repository. One counted test per
case; the last line is "N passed, N failed". Exit 1 when one failed.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checks  # noqa: E402
import graph  # noqa: E402
import selftest  # noqa: E402
import source  # noqa: E402
from tree import Tree  # noqa: E402


def report_longest(tree):
    files = sorted(((t.count('\n'), p) for p, t in tree.code()), reverse=True)[:5]
    functions = sorted(((n, p, name) for p, t in tree.code() for name, _, n in source.functions(t)), reverse=True)[:5]
    print('longest files:     ' + ', '.join(f'{p} ({n})' for n, p in files))
    print('longest functions: ' + ', '.join(f'{name} in {p} ({n})' for n, p, name in functions))


def report_comments(tree):
    rows = graph.words(tree.code('src', 'include')).items()
    print('lines with comments: ' + ', '.join(f'{m} {100 * some / lines:.1f} %' for m, (lines, some, _) in rows))


def main():
    arguments = sys.argv[1:]
    only = None
    if '--only' in arguments:
        at = arguments.index('--only')
        only = arguments[at + 1]
        del arguments[at:at + 2]
    root = arguments[0] if arguments else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
    cases = [] if only else list(selftest.run())
    tree = Tree(os.path.abspath(root))
    for check in checks.ALL:
        if only in (None, check.__name__):
            cases += check(tree)
    failed = 0
    for name, problems in cases:
        if problems:
            failed += 1
            print(f'FAILED {name}')
            for problem in problems[:30]:
                print(f'    {problem}')
            if len(problems) > 30:
                print(f'    and {len(problems) - 30} more')
    report_longest(tree)
    report_comments(tree)
    print(f'{len(cases) - failed} passed, {failed} failed')
    return 1 if failed or not cases else 0


if __name__ == '__main__':
    sys.exit(main())
