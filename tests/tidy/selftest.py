"""Shows that each check can fail: a small good tree passes all of them, and each bad one is caught with its reason."""
import os
import tempfile

import checks
import rules
import source
from tree import Tree

GOOD = {
    'CMakeLists.txt': 'project(x)\n',
    'README.md': 'x\n',
    'src/base/CMakeLists.txt': 'ledge_module(base SOURCES a.cpp log_events.cpp)\n',
    'src/base/log_events.cpp': '// clang-format off\nE e[] = {\n    {"full", "info error", "used max?",\n'
                               '     "It is full.", "Wait."},\n    {"gone", "info", "", "Gone.", "No."}};\n'
                               + '\n' * rules.FILE_LINES_MAX,  # as long as LONG_FILES allows it to be
    'src/wire/log.cpp': 'void f() {\n    log.write(a ? LogLevel::info : LogLevel::error, "full", {{"used", g(1)}});\n'
                        '    log_->info("gone");\n}\n',
    'src/base/README.md': 'What it is. May use: std. Promises: all. Decisions: 2026-11-22, none rejected.\n',
    'src/base/a.cpp': '#include "ledge/base/a.hpp"\n\nint twice(int x) { return 2 * x; }\n',
    'include/ledge/base/a.hpp': '// The double of a number, without a unit.\n// Stateless.\n#pragma once\n\n'
                                'int twice(int x);  // no overflow check\n',
    'src/wire/CMakeLists.txt': 'ledge_module(wire SOURCES log.cpp w.cpp DEPENDS base)\n',
    'src/wire/README.md': 'What it is. May use: std. Promises: all. Decisions: 2026-11-22, none rejected.\n',
    'src/wire/w.cpp': '#include "ledge/base/a.hpp"\n\n// time(nullptr) and virtual stand in a comment only\n'
                      'int four() { return twice(2); }\n'
                      'void share(std::shared_ptr<const auth::Policy> policy);\n',
}

LONG_BODY = 'int f() {\n' + '    g();\n' * (rules.FUNCTION_LINES_MAX + 1) + '    return 1;\n}\n'

# (check, what is wrong, changed files, a word of the complaint)
BAD = [
    ('include_graph', 'an include that points right', {'src/base/a.cpp': '#include "ledge/wire/w.hpp"\n'},
     'base may not include wire'),
    ('include_graph', 'a unit test that reaches right', {'tests/unit/base/a_test.cpp': '#include "ledge/wire/w.hpp"\n'},
     'base may not include wire'),
    ('include_graph', 'a module that no table knows', {'src/misc/m.cpp': '\n'}, 'misc: unknown module'),
    ('include_graph', 'a private header of another module',
     {'src/base/hidden.hpp': '#pragma once\n', 'src/wire/w.cpp': '#include "../base/hidden.hpp"\n'},
     'is not a header of wire'),
    ('include_graph', 'a detail of another module',
     {'include/ledge/base/detail/d.hpp': '#pragma once\n', 'src/wire/w.cpp': '#include "ledge/base/detail/d.hpp"\n'},
     'for the headers of base only'),
    ('include_graph', 'a header that does not exist', {'src/wire/w.cpp': '#include "ledge/base/none.hpp"\n'},
     'no such header'),
    ('cmake_graph', 'an include without its link', {'src/wire/CMakeLists.txt': 'ledge_module(wire SOURCES w.cpp)\n'},
     'without naming it'),
    ('cmake_graph', 'a link without use', {'src/wire/w.cpp': 'int four() { return 4; }\n'}, 'which nothing includes'),
    ('cmake_graph', 'a module without a target', {'src/wire/CMakeLists.txt': ''}, 'no target'),
    ('include_cycles', 'two headers that include each other',
     {'include/ledge/base/a.hpp': '#pragma once\n\n#include "ledge/base/b.hpp"\n',
      'include/ledge/base/b.hpp': '#pragma once\n\n#include "ledge/base/a.hpp"\n'}, 'includes itself'),
    ('reach', 'a header that too many sources see',
     {'include/ledge/topic/t.hpp': '#pragma once\n',
      **{f'src/topic/t{i}.cpp': '#include "ledge/topic/t.hpp"\n' for i in range(rules.REACH_MAX + 1)}},
     'include/ledge/topic/t.hpp: reaches 41 sources, more than 40'),
    ('reach', 'one that is seen through another header',
     {'include/ledge/topic/t.hpp': '#pragma once\n',
      'src/topic/near.hpp': '#pragma once\n\n#include "ledge/topic/t.hpp"\n',
      **{f'src/topic/t{i}.cpp': '#include "near.hpp"\n' for i in range(rules.REACH_MAX + 1)}},
     'include/ledge/topic/t.hpp: reaches 41 sources'),
    ('switches', 'a default',
     {'src/base/a.cpp': 'int f(E e) {\n    switch (e) {\n        default: return 1;\n    }\n}\n'},
     'hides values'),
    ('drops_are_traced', 'a drop that only its counter knows',
     {'src/session/s.cpp': 'void f() { ++services_.counters.dropped_expired; }\n'}, 'without an event'),
    ('drops_are_traced', 'several at once',
     {'src/broker/b.cpp': 'void f() { counters.dropped_memory += 3; }\n'}, 'without an event'),
    ('pure_core', 'a clock', {'src/wire/w.cpp': 'auto t = std::chrono::steady_clock::now();\n'}, 'reads a clock'),
    ('pure_core', 'the C clock', {'src/wire/w.cpp': 'auto t = time(nullptr);\n'}, 'reads a clock'),
    ('pure_core', 'randomness', {'include/ledge/base/a.hpp': 'std::random_device entropy;\n'}, 'randomness'),
    ('pure_core', 'rand', {'src/base/a.cpp': 'int x = rand();\n'}, 'hidden random state'),
    ('pure_core', 'shared_ptr', {'src/base/a.cpp': 'std::shared_ptr<int> p;\n'}, 'shared ownership'),
    ('pure_core', 'a policy that could be changed', {'src/base/a.cpp': 'std::shared_ptr<Policy> p;\n'},
     'shared ownership'),
    ('pure_core', 'std::function', {'src/base/a.cpp': 'std::function<void()> f;\n'}, 'std::function'),
    ('pure_core', 'virtual', {'src/base/a.cpp': 'struct A { virtual void f(); };\n'}, 'virtual'),
    ('pure_core', 'void*', {'src/base/a.cpp': 'struct A { const void* whose; };\n'}, 'void* in the core'),
    ('pure_core', 'another indirection than the allowed one',
     {'src/base/wipe.cpp': 'struct A { virtual void f(); };\n'},
     'virtual in the core'),
    ('pure_core', 'an allowance without need', {'src/base/wipe.cpp': '\n'}, 'has none'),
    ('pure_core', 'a thread', {'src/base/a.cpp': '#include <thread>\n'}, '<thread>'),
    ('pure_core', 'a socket', {'src/base/a.cpp': '#include <boost/asio/ip/tcp.hpp>\n'}, '<boost/asio'),
    ('every_file_used', 'a source in no target', {'src/base/b.cpp': '\n'}, 'in no CMake target'),
    ('every_file_used', 'a test in no target', {'tests/unit/base/b_test.cpp': '\n'}, 'in no CMake target'),
    ('every_file_used', 'a header that nothing includes', {'include/ledge/base/b.hpp': '\n'}, 'included by nothing'),
    ('nothing_left_open', 'a note to oneself', {'src/base/a.cpp': '// TO' + 'DO: later\n'}, 'later'),
    ('sizes', 'a long file', {'src/base/a.cpp': '\n' * (rules.FILE_LINES_MAX + 1)}, 'lines'),
    ('sizes', 'a long function', {'src/base/a.cpp': LONG_BODY}, 'f has 84 lines'),
    ('sizes', 'a long member function', {'src/base/a.cpp': 'class A {\n' + LONG_BODY + '};\n'}, 'f has 84 lines'),
    ('comments', 'code that says nothing', {'src/base/a.cpp': 'int g();\n' * 100}, 'have a comment'),
    ('columns', 'a wide line', {'src/base/a.cpp': '// ' + 'x' * rules.COLUMNS_MAX + '\n'}, '123 columns'),
    ('columns', 'a tab', {'src/base/a.cpp': 'int\tx;\n'}, 'a.cpp:1'),
    ('columns', 'a blank at the end', {'src/base/a.cpp': 'int x; \n'}, 'a.cpp:1'),
    ('top_level', 'a stray folder', {'tools/x.py': '\n'}, 'tools'),
    ('readmes', 'no README', {'src/base/README.md': None}, 'missing'),
    ('readmes', 'a README without promises', {'src/base/README.md': 'May use. Decisions 2026-11-22.\n'}, '"promises"'),
    ('readmes', 'a README without a date', {'src/base/README.md': 'May use, promises, decisions.\n'}, 'date'),
    ('readmes', 'a README of two pages', {'src/base/README.md': GOOD['src/base/README.md'] + '\n' * 100}, 'page'),
    ('log_events', 'an event without a row', {'src/wire/log.cpp': 'log.info("new");\n'}, 'new has no row'),
    ('log_events', 'a row without an event', {'src/wire/log.cpp': 'log.info("gone");\n'}, 'full: no line'),
    ('log_events', 'another level', {'src/wire/log.cpp': 'log.error("gone");\n'}, 'level error is not declared'),
    ('log_events', 'a field that nobody declared', {'src/wire/log.cpp': 'log.info("gone", {{"x", 1}});\n'},
     'field x is not declared'),
    ('log_events', 'a field left out', {'src/wire/log.cpp': 'log.info("full", {{"max", 1}});\n'},
     'field used is missing'),
    ('log_events', 'rows in disorder',
     {'src/base/log_events.cpp': '{"b", "info", "", "", ""}, {"a", "info", "", "", ""'}, 'not in its place'),
    ('formatting', 'another layout', {'src/base/a.cpp': 'int  twice( int x ){return 2*x;}\n'}, 'clang-format-14 -i'),
]

# (text, expected functions as (name, first line, lines))
FUNCTIONS = [
    ('int f() {\n    return 1;\n}\n', [('f', 1, 3)]),
    ('struct A {\n    A() : x_{1}, y_{2} {\n        g();\n    }\n    int x_ = 0;\n};\n', [('A', 2, 3)]),
    ('namespace {\nint table[] = {1, 2};\nbool operator==(A a, A b) {\n    return true;\n}\n}\n',
     [('operator==', 3, 3)]),
    ('auto f = [](int x) {\n    return x;\n};\nenum class E { a, b };\n', []),
    ('void f(const char* s = "{") {\n    auto g = [] {\n    };  // }\n    char c = \'{\';\n}\n', [('f', 1, 5)]),
    ('#define M(x) \\\n    { x }\ntemplate <class T>\n    requires C<T>\nT f(T t) {\n    return t;\n}\n',
     [('f', 3, 5)]),
    ('int n = 1\'000;\nint f() {\n}\n', [('f', 2, 2)]),
]


def _write(root, files):
    for path, text in files.items():
        if text is None:
            continue
        place = os.path.join(root, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, 'w', encoding='utf-8') as file:
            file.write(text)


def _problems(check, files):
    with tempfile.TemporaryDirectory() as root:
        _write(root, files)
        layout = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '.clang-format')
        os.symlink(os.path.abspath(layout), os.path.join(root, '.clang-format'))
        return [p for _, problems in check(Tree(root)) for p in problems]


def run():
    """Yields (case, problems) like a check."""
    by_name = {check.__name__: check for check in checks.ALL}
    for name, check in by_name.items():
        yield f'{name} passes a good tree', _problems(check, GOOD)
        if not any(name == bad[0] for bad in BAD):
            yield f'{name} can fail', ['no bad tree shows it']
    for name, wrong, change, word in BAD:
        found = _problems(by_name[name], {**GOOD, **change})
        yield f'{name} catches {wrong}', [] if any(word in p for p in found) else [f'no "{word}" among {found}']
    for text, expected in FUNCTIONS:
        found = [f for f in source.functions(text) if f[0] != '']
        yield f'functions of {text[:30]!r}', [] if found == expected else [f'found {found}, expected {expected}']
