"""The checks. Each is a function of a Tree that yields (case, problems): one counted test per case."""
import os
import re
import shutil
import subprocess

import graph
import rules
import source
from tree import places


def include_graph(tree):
    """A module includes only what the table lets it; headers private to a module, also those of detail/, stay in it."""
    folders = {p.split('/')[1] for p, _ in tree.code('src')} | {p.split('/')[2] for p, _ in tree.code('include/ledge')}
    yield 'every module stands in the table', [f'{f}: unknown module' for f in sorted(folders - set(rules.MAY_INCLUDE))]
    for module in tree.modules():
        problems = []
        for path, text in tree.code(*places(module), f'tests/unit/{module}'):
            for line, form, name in source.includes(text):
                parts = name.split('/')
                allowed = [module] + rules.MAY_INCLUDE[module]
                if path.startswith('tests/'):
                    allowed = allowed + rules.TESTS_MAY_INCLUDE.get(module, [])
                if parts[0] == 'ledge' and len(parts) > 2:
                    if parts[1] not in allowed:
                        problems.append(f'{path}:{line}: {module} may not include {parts[1]}')
                    elif f'include/{name}' not in tree.files:
                        problems.append(f'{path}:{line}: no such header: {name}')
                    elif parts[2] == 'detail' and parts[1] != module:
                        problems.append(f'{path}:{line}: {name} is for the headers of {parts[1]} only')
                elif form == '"' and not _private_header(tree, path, module, name, allowed):
                    problems.append(f'{path}:{line}: "{name}" is not a header of {module}')
        yield f'includes of {module}', problems


def _private_header(tree, path, module, name, allowed):
    """Of the module itself; a test may also use what all tests share, and a helper of the tests of a module that it may
    include."""
    near = os.path.normpath(os.path.join(os.path.dirname(path), name))
    folders = [f'src/{module}/', f'tests/unit/{module}/']
    if path.startswith('tests/'):
        folders += ['tests/support/', *(f'tests/unit/{other}/' for other in allowed)]
    own = near.startswith(tuple(folders)) and near in tree.files
    return own or f'src/{module}/{name}' in tree.files


def cmake_graph(tree):
    """What a module includes is what its DEPENDS names, no more and no less."""
    for module in tree.modules():
        path = f'src/{module}/CMakeLists.txt'
        named = None
        for command, arguments in source.cmake_calls(tree.files.get(path, '')):
            if command in ('ledge_module', 'add_executable') and arguments and named is None:
                named = set(source.keyword_values(arguments, 'DEPENDS'))
            elif command == 'target_link_libraries' and named is not None:
                named |= {a[len('ledge_'):] for a in arguments[1:] if a.startswith('ledge_')}
        if named is None:
            yield f'links of {module}', [f'{path}: no target']
            continue
        used = {name.split('/')[1] for _, text in tree.code(*places(module)) for _, _, name in source.includes(text)
                if name.startswith('ledge/') and name.count('/') > 1} - {module}
        problems = [f'{path}: includes {m} without naming it in DEPENDS' for m in sorted(used - named)]
        problems += [f'{path}: DEPENDS names {m}, which nothing includes' for m in sorted(named - used - {module})]
        yield f'links of {module}', problems


def _search(tree, folders, patterns):
    for path, text in tree.code(*folders):
        for number, line in enumerate(source.without_comments_and_strings(text).split('\n'), 1):
            for pattern, meaning in patterns.items():
                if re.search(pattern, line):
                    yield f'{path}:{number}: {meaning}: {line.strip()}'


def _may_be_indirect(problem):
    path, _, meaning = problem.split(':', 2)
    return meaning.strip().startswith(rules.MAY_BE_INDIRECT.get(path, ('nothing', ''))[0])


def pure_core(tree):
    """base ... broker and client: no clock, no randomness, no I/O, no threads, no indirection that hides cost."""
    for module in (m for m in rules.PURE if m in tree.modules()):
        yield f'no hidden clock or randomness in {module}', list(_search(tree, places(module), rules.HIDDEN_INPUT))
        hidden = [p for p in _search(tree, places(module), rules.INDIRECTION) if not _may_be_indirect(p)]
        yield f'no hidden ownership, calls or types in {module}', hidden
        yield f'no I/O and no threads in {module}', [
            f'{path}:{line}: <{name}>' for path, text in tree.code(*places(module))
            for line, form, name in source.includes(text) if path not in rules.MAY_USE_OUTSIDE
            if name in rules.OUTSIDE_HEADERS or name.startswith(rules.OUTSIDE_HEADER_FOLDERS)]
    used = [p for module in rules.PURE for p in _search(tree, places(module), rules.INDIRECTION) if _may_be_indirect(p)]
    yield 'no allowance for indirection without need', [
        f'{path}: has none' for path in rules.MAY_BE_INDIRECT
        if path in tree.files and not any(p.startswith(path + ':') for p in used)]


def drops_are_traced(tree):
    """A message is counted as dropped only where the traces learn of it."""
    yield 'drops are counted by Tracer::drop() alone', [
        p for p in _search(tree, ('src', 'include'), rules.DROPS) if not p.startswith(rules.COUNTS_DROPS)]


def include_cycles(tree):
    """No file includes itself through others."""
    yield 'no include cycles', ['includes itself through others: ' + ' '.join(c) for c in graph.Graph(tree).cycles()]


def reach(tree):
    """A change of one header compiles a few sources again, not the whole program; an exception has a reason."""
    counts = {path: count for path, count in graph.Graph(tree).reach().items()
              if graph.module_of(path) not in rules.REACHES_ALL}
    limits = {path: rules.WIDE_HEADERS.get(path, (rules.REACH_MAX, ''))[0] for path in counts}
    yield f'headers reach at most {rules.REACH_MAX} sources', [
        f'{path}: reaches {count} sources, more than {limits[path]}' for path, count in counts.items()
        if count > limits[path]]
    yield 'no allowance for a wide header without need', [
        f'{path}: reaches {count} sources' for path, count in counts.items()
        if path in rules.WIDE_HEADERS and count <= rules.REACH_MAX]


def switches(tree):
    """No `default:` in a switch over an enum of ours, and no allowance without need."""
    having = {}
    for path, text in tree.code('src', 'include'):
        for number, line in enumerate(source.without_comments_and_strings(text).split('\n'), 1):
            if re.search(r'\bdefault\s*:', line):
                having.setdefault(path, number)
    yield 'switches name every value', [f'{path}:{number}: a default: hides values that are added later'
                                        for path, number in having.items() if path not in rules.MAY_HAVE_DEFAULT]
    yield 'no allowance for a default: without need', [
        f'{path}: has none' for path in rules.MAY_HAVE_DEFAULT if path not in having and path in tree.files]


def every_file_used(tree):
    """What is not built rots: each source is named by a target, each header is included."""
    listed = set()
    for path, text in tree.cmake():
        folder = os.path.dirname(path)
        for _, arguments in source.cmake_calls(text):
            listed |= {os.path.normpath(os.path.join(folder, a)) for a in arguments if a.endswith(('.cpp', '.c'))}
    included = {os.path.basename(name) for _, text in tree.code() for _, _, name in source.includes(text)}
    for folder in tree.FOLDERS:
        files = [path for path, _ in tree.code(folder)]
        if not files:
            continue
        problems = [f'{p}: in no CMake target' for p in files if p.endswith(('.cpp', '.c')) and p not in listed]
        problems += [f'{p}: included by nothing' for p in files
                     if p.endswith(('.hpp', '.h')) and os.path.basename(p) not in included]
        yield f'every file under {folder} is built', problems


def nothing_left_open(tree):
    """Work left open belongs into the tracker."""
    words = re.compile(r'\b(TO' + r'DO|FIX' + r'ME|XX' + r'X)\b')
    problems = [f'{path}:{number}: {line.strip()[:80]}' for path, text in tree.files.items()
                for number, line in enumerate(text.split('\n'), 1) if words.search(line)]
    yield 'nothing left open in the code', problems


def sizes(tree):
    """A function fits a screen, a file fits a head; an exception has a reason and is really one."""
    long_files = {p: t.count('\n') for p, t in tree.code() if t.count('\n') > rules.FILE_LINES_MAX}
    yield f'files of at most {rules.FILE_LINES_MAX} lines', [
        f'{p}: {n} lines' for p, n in long_files.items() if p not in rules.LONG_FILES]
    long = {(p, name): (line, n) for p, t in tree.code() for name, line, n in source.functions(t)
            if n > rules.FUNCTION_LINES_MAX}
    yield f'functions of at most {rules.FUNCTION_LINES_MAX} lines', [
        f'{p}:{line}: {name} has {n} lines' for (p, name), (line, n) in long.items()
        if (p, name) not in rules.LONG_FUNCTIONS]
    stale = [f'{p}: allowed to be long, but is not' for p in rules.LONG_FILES if p not in long_files]
    stale += [f'{p}: {f}: allowed to be long, but is not' for p, f in rules.LONG_FUNCTIONS if (p, f) not in long]
    yield 'no allowance without need', stale


def comments(tree):
    """About one line in five says why; a single module may have fewer."""
    lines, with_comment, _ = graph.words(tree.code('src', 'include'))['all']
    percent = 100 * with_comment / max(lines, 1)
    yield 'enough comments', [] if percent >= rules.COMMENT_PERCENT_MIN else [
        f'only {percent:.1f} % of the lines have a comment; say why a step is needed where the code does not show it']


def columns(tree):
    """One width for code, scripts and configuration."""
    narrow = ('.cpp', '.hpp', '.c', '.h', '.py', '.sh', '.js', '.toml', 'CMakeLists.txt', 'run', 'Dockerfile')
    yield f'lines of at most {rules.COLUMNS_MAX} columns', [
        f'{path}:{number}: {len(line)} columns' for path, text in tree.files.items() if path.endswith(narrow)
        for number, line in enumerate(text.split('\n'), 1) if len(line) > rules.COLUMNS_MAX]
    yield 'no tabs and no blanks at the end of lines', [
        f'{path}:{number}' for path, text in tree.files.items() if path.endswith(narrow)
        for number, line in enumerate(text.split('\n'), 1) if '\t' in line or line != line.rstrip()]


def top_level(tree):
    """The top level is fixed; dot-files and what git ignores may stand beside it."""
    names = {n for n in os.listdir(tree.root) if not n.startswith('.')} - rules.NOT_OURS
    yield 'top-level names', [f'{n}: not a top-level name of this project' for n in sorted(names - rules.TOP_LEVEL)]


def readmes(tree):
    """Each module says in a page what it is, what it may use, what it promises and what was decided."""
    for module in tree.modules():
        path = f'src/{module}/README.md'
        text = tree.files.get(path)
        if text is None:
            yield f'README of {module}', [f'{path}: missing']
            continue
        problems = [f'{path}: says nothing about "{word}"' for word in ('may use', 'promises', 'decisions')
                    if word not in text.lower()]
        lines = text.count('\n')
        if lines > rules.README_LINES_MAX and path not in rules.LONG_READMES:
            problems.append(f'{path}: {lines} lines are more than a page')
        if not re.search(r'\b20\d\d-\d\d-\d\d\b', text):
            problems.append(f'{path}: decisions without a date')
        yield f'README of {module}', problems


def formatting(tree):
    """clang-format 14 with .clang-format leaves every file as it is."""
    tool = shutil.which('clang-format-14')
    if tool is None:
        yield 'layout', ['clang-format-14 is not installed']
        return
    for folder in tree.FOLDERS:
        files = [path for path, _ in tree.code(folder)]
        if not files:
            continue
        result = subprocess.run([tool, '--dry-run', *files], cwd=tree.root, capture_output=True, text=True, check=False)
        places_found = re.findall(r'^(\S+?):(\d+):\d+: warning', result.stderr, re.M)
        first = {}
        for path, line in places_found:
            first.setdefault(path, line)
        problems = [f'{path}:{line}: run clang-format-14 -i {path}' for path, line in first.items()]
        if result.returncode != 0 and not problems:
            problems = [result.stderr.strip()[:200]]
        yield f'layout under {folder}', problems


LOG_TABLE = 'src/base/log_events.cpp'


def log_events(tree):
    """Every log line has its row in the table, with this level and these fields, and every row has its line."""
    table = source.log_table(tree.files.get(LOG_TABLE, ''))
    yield 'the table of log events is sorted', [f'{name}: not in its place' for name, place in
                                                zip(table, sorted(table)) if name != place][:1]
    problems, others = [], ''
    for path, text in tree.code('src'):
        others += text if path != LOG_TABLE else ''
        for line, event, levels, keys in source.log_calls(text):
            declared, fields = table.get(event, ((), ()))
            if event not in table:
                problems.append(f'{path}:{line}: {event} has no row in {LOG_TABLE}')
                continue
            problems += [f'{path}:{line}: {event}: level {x} is not declared' for x in levels if x not in declared]
            if keys is None:
                continue
            known = [field.rstrip('?') for field in fields]
            problems += [f'{path}:{line}: {event}: field {x} is not declared' for x in keys if x not in known]
            problems += [f'{path}:{line}: {event}: field {x} is missing' for x in fields
                         if not x.endswith('?') and x not in keys]
    yield 'every log line is as its row declares', problems
    yield 'every row of the log events has a line', [f'{x}: no line' for x in table if f'"{x}"' not in others]


ALL = [include_graph, cmake_graph, include_cycles, reach, switches, pure_core, drops_are_traced, every_file_used,
       nothing_left_open, sizes, comments, columns, top_level, readmes, formatting, log_events]
