#!/usr/bin/env python3
"""The shape of the code, read from the sources: who includes whom, what a header reaches, what is large.

    tests/tidy/graph.py [ROOT] [--modules] [--cycles] [--reach] [--sizes] [--words]      all five without a choice

--modules  for each module the modules that its files include directly, and its lines
--cycles   cycles among files
--reach    for each header of include/ledge the sources under src that see it, directly or through other headers
--sizes    the longest functions and files, and the classes with the most members
--words    for each module the share of comment lines, and assertions per 1,000 lines
"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rules  # noqa: E402
import source  # noqa: E402
from tree import Tree  # noqa: E402


class Graph:
    """The includes among the files under src and include. Edges go from a file to what it includes."""

    def __init__(self, tree):
        self.tree = tree
        self.files = dict(tree.code('src', 'include'))
        self.edges = {path: self._included(path, text) for path, text in self.files.items()}

    def _included(self, path, text):
        found = set()
        for _, _, name in source.includes(text):
            parts = path.split('/')
            places = [f'include/{name}', os.path.normpath(os.path.join(os.path.dirname(path), name))]
            if parts[0] == 'src':
                places.append(f'src/{parts[1]}/{name}')
            found |= {place for place in places[:3] if place in self.files}
        return found - {path}

    def seen_from(self, path):
        """Everything that a file includes, directly or not."""
        seen, open_ = set(), [path]
        while open_:
            for other in self.edges[open_.pop()] - seen:
                seen.add(other)
                open_.append(other)
        return seen

    def cycles(self):
        """The files that include themselves through others, each with the members of its cycle, once."""
        found, done = [], set()
        for path in sorted(self.files):
            if path in done or path not in self.seen_from(path):
                continue
            members = sorted(p for p in self.seen_from(path) if path in self.seen_from(p))
            done |= set(members)
            found.append(members)
        return found

    def reach(self):
        """header of include/ledge -> how many sources under src see it."""
        count = {path: 0 for path in self.files if path.startswith('include/ledge/')}
        for path in self.files:
            if path.startswith('src/') and path.endswith('.cpp'):
                for header in self.seen_from(path):
                    if header in count:
                        count[header] += 1
        return count


def module_of(path):
    parts = path.split('/')
    return parts[1] if parts[0] == 'src' else parts[2]


def members(text):
    """(class, number of members) of every class and struct with a body. A member is a declaration of the class itself:
    data, function, type or constant."""
    code = source.without_comments_and_strings(text)
    found = []
    for match in re.finditer(r'\b(?:class|struct)\s+(?:\[\[\w+\]\]\s*)?([\w:]+)(?:\s+final)?\s*(?::[^{};]*)?\{', code):
        depth, count, at, statement = 1, 0, match.end(), ''
        while depth > 0 and at < len(code):
            character = code[at]
            if character == '{':
                depth += 1
            elif character == '}':
                depth -= 1
                if depth == 1 and re.search(r'\)[^;]*$', statement):  # the body of a function ends the declaration
                    count += 1
                    statement = ''
            elif character == ';' and depth == 1:
                count += 1 if statement.strip() else 0
                statement = ''
            elif depth == 1:
                statement = '' if character == ':' and re.search(r'\b(public|private|protected)$', statement) else \
                    statement + character
            at += 1
        found.append((match[1], count))
    return found


def print_modules(graph):
    lines, used = {}, {}
    for path, text in graph.files.items():
        module = module_of(path)
        lines[module] = lines.get(module, 0) + text.count('\n')
        used.setdefault(module, set()).update(module_of(other) for other in graph.edges[path])
    order = [m for m in rules.MAY_INCLUDE if m in used] + sorted(set(used) - set(rules.MAY_INCLUDE))
    for module in order:
        others = [m for m in order if m in used[module] and m != module]
        print(f'{module:10} {lines[module]:6} lines   {" ".join(others)}')


def print_cycles(graph):
    cycles = graph.cycles()
    print(f'include cycles: {len(cycles)}')
    for cycle in cycles:
        print('    ' + ' '.join(cycle))


def print_reach(graph):
    reach = sorted(((n, path) for path, n in graph.reach().items()), reverse=True)
    sources = sum(1 for path in graph.files if path.startswith('src/') and path.endswith('.cpp'))
    print(f'headers that most of the {sources} sources see (base and wire apart):')
    for count, path in [(n, p) for n, p in reach if module_of(p) not in ('base', 'wire')][:25]:
        print(f'    {count:4} {path}')


def print_sizes(graph):
    functions = sorted(((n, path, name) for path, text in graph.files.items()
                        for name, _, n in source.functions(text)), reverse=True)
    files = sorted(((text.count('\n'), path) for path, text in graph.files.items()), reverse=True)
    classes = sorted(((n, name, path) for path, text in graph.files.items()
                      for name, n in members(text)), reverse=True)
    print('longest functions:')
    for count, path, name in functions[:10]:
        print(f'    {count:4} {name} in {path}')
    print('longest files:')
    for count, path in files[:10]:
        print(f'    {count:4} {path}')
    print('classes with the most members:')
    for count, name, path in classes[:12]:
        print(f'    {count:4} {name} in {path}')


def words(files):
    """module -> [lines that are not empty, those with a comment, assertions], then 'all' with the sums."""
    sums = {}
    for path, text in files:
        lines = [line.strip() for line in text.split('\n') if line.strip()]
        row = sums.setdefault(module_of(path), [0, 0, 0])
        row[0] += len(lines)
        row[1] += sum(1 for line in lines if '//' in line)
        code = source.without_comments_and_strings(text)
        row[2] += len(re.findall(r'\b(LEDGE_ASSERT|static_assert)\s*\(', code))
    total = [sum(row[i] for row in sums.values()) for i in range(3)]
    return {**dict(sorted(sums.items())), 'all': total}


def print_words(graph):
    for module, (lines, comments, asserts) in words(graph.files.items()).items():
        print(f'{module:10} {lines:6} lines   {100 * comments / lines:4.1f} % with a comment   '
              f'{1000 * asserts / lines:5.1f} assertions per 1,000 lines')


PARTS = {'--modules': print_modules, '--cycles': print_cycles, '--reach': print_reach, '--sizes': print_sizes,
         '--words': print_words}


def main():
    chosen = [a for a in sys.argv[1:] if a in PARTS]
    roots = [a for a in sys.argv[1:] if not a.startswith('--')]
    if len(chosen) + len(roots) != len(sys.argv) - 1 or len(roots) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    root = roots[0] if roots else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
    graph = Graph(Tree(os.path.abspath(root)))
    for part in chosen or PARTS:
        PARTS[part](graph)
    return 0


if __name__ == '__main__':
    sys.exit(main())
