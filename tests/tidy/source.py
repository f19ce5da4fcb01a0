"""Reads C++ as far as the checks need it: without comments and strings, includes, function bodies, CMake lists."""
import re

_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z])\'(?:\\.|[^\'\\\n])*\'',
    re.S)


def without_comments_and_strings(text):
    """Same lines, but comments are blank and literals are empty."""

    def blank(match):
        token = match[0]
        if token.startswith('/'):
            return '\n' * token.count('\n') or ' '
        return token[0].replace('R', '"') + '\n' * token.count('\n') + token[-1]

    return _TOKENS.sub(blank, text)


def _call_at(text, start):
    """The text from the parenthesis at `start` to its partner, without comments."""
    depth = 0
    for token in re.finditer(_TOKENS.pattern + r'|[()]', text[start:], re.S):
        depth += {'(': 1, ')': -1}.get(token[0], 0)
        if depth == 0:
            return text[start:start + token.end()]
    return text[start:]


def log_calls(text):
    """(line number, event, levels, keys of the fields or None) of every call of the log with a literal event."""
    found = []
    head = r'(?:\.|->)(debug|info|warning|error|write)(\()([^"(){;]|\([^()"]*\))*"([a-z_0-9]+)"'
    for match in re.finditer(head, text):
        call = _call_at(text, match.start(2))
        levels = re.findall(r'LogLevel::(\w+)', call) if match[1] == 'write' else [match[1]]
        keys = re.findall(r'\{\s*"(\w+)"\s*,', call) if '{' in call or ',' not in call else None
        found.append((text.count('\n', 0, match.start()) + 1, match[4], levels, keys))
    return found


def log_table(text):
    """name -> (levels, fields) of the rows of src/base/log_events.cpp, in their order."""
    rows = re.findall(r'\{"(\w+)",\s*"([a-z ]*)",\s*((?:"[^"]*"\s*)+),', text)
    return {name: (levels.split(), ' '.join(re.findall(r'"([^"]*)"', fields)).split()) for name, levels, fields in rows}


def includes(text):
    """(line number, form, name) of every #include; form is '"' or '<'."""
    found = []
    for number, line in enumerate(text.split('\n'), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            found.append((number, match[1], match[2]))
    return found


def _without_template_head(head):
    """`template <class T, class U = X<T>> struct A` without its parameters, whose words would mislead."""
    match = re.match(r'\s*template\s*<', head)
    depth, at = (1, match.end()) if match else (0, 0)
    while depth > 0 and at < len(head):
        depth += {'<': 1, '>': -1}.get(head[at], 0)
        at += 1
    return _without_template_head(head[at:]) if match else head


def _kind_of(head):
    """What the brace after `head` opens: a scope whose inside is searched on, a function, or an initialiser."""
    head = _without_template_head(head).strip()
    if re.search(r'\b(namespace|class|struct|union|enum|extern)\b', head.split('(')[0]):
        return 'scope'
    before = head.split('(')[0]
    if '(' not in head or re.search(r'(?<!operator)(?<!operator=)(?<!operator[!<>])=', before):
        return 'initialiser'
    if re.search(r'\)\s*(noexcept\s*)?:.*[\w>]$', head, re.S) and not re.search(r'\)\s*$', head):
        return 'initialiser'  # Foo(int a) : a_{a}
    return 'function'


def _name_of(head):
    head = re.sub(r'\s+', ' ', head.strip())
    match = re.search(r'([\w:~]+|operator *\S+) ?\(', head)
    return match[1] if match else head[:40]


def functions(text):
    """(name, first line, number of lines) of every function body, lambdas inside it included."""
    code = re.sub(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', lambda m: '\n' * m[0].count('\n'),
                  without_comments_and_strings(text), flags=re.M)
    found, stack, head, head_line, line = [], [], '', 1, 1
    for character in code:
        if character == '{':
            kind = 'inner' if stack and stack[-1][0] in ('function', 'inner', 'initialiser') else _kind_of(head)
            stack.append((kind, head, head_line))
            if kind != 'inner':
                head = ''
        elif character == '}':
            kind, opened_head, opened_line = stack.pop() if stack else ('scope', '', line)
            if kind == 'function':
                found.append((_name_of(opened_head), opened_line, line - opened_line + 1))
            head = opened_head + ' {}' if kind == 'initialiser' else ''
            head_line = opened_line
        elif character == ';' and not (stack and stack[-1][0] in ('function', 'inner')):
            head = '' if head.count('(') <= head.count(')') else head + character
        else:
            if not head.strip():
                head, head_line = '', line
            head += character
        if character == '\n':
            line += 1
    return found


def cmake_calls(text):
    """(command, [arguments]) of every call in a CMakeLists.txt, comments dropped."""
    text = re.sub(r'#[^\n]*', '', text)
    return [(match[1].lower(), match[2].split()) for match in re.finditer(r'(\w+)\s*\(([^()]*)\)', text)]


def keyword_values(arguments, keyword, keywords=('SOURCES', 'DEPENDS', 'ARGS')):
    """The arguments between `keyword` and the next keyword."""
    values, taking = [], False
    for argument in arguments:
        if argument in keywords:
            taking = argument == keyword
        elif taking:
            values.append(argument)
    return values
