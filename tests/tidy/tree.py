"""The files of a repository, as the checks and the graph see them."""
import os

import rules


class Tree:
    """The files of a repository, read once. Paths are relative to the root, with forward slashes."""

    FOLDERS = ['src', 'include', 'tests', 'firmware-bridge', 'config', 'docker']
    SKIPPED = {'__pycache__', 'node_modules', 'build'}

    def __init__(self, root):
        self.root = root
        self.files = {}
        for top in self.FOLDERS:
            for folder, names, files in os.walk(os.path.join(root, top)):
                names[:] = sorted(n for n in names if n not in self.SKIPPED)
                for name in sorted(files):
                    self._read(os.path.relpath(os.path.join(folder, name), root))
        for name in ('CMakeLists.txt', 'README.md', 'run', '.ci/run'):
            self._read(name)

    def _read(self, path):
        try:
            with open(os.path.join(self.root, path), encoding='utf-8') as file:
                self.files[path] = file.read()
        except (OSError, UnicodeDecodeError):
            pass  # a missing file, or binary data such as a fuzz corpus

    def code(self, *folders):
        """(path, text) of the C and C++ files, all or below the folders."""
        for path, text in self.files.items():
            if path.endswith(('.cpp', '.hpp', '.c', '.h')) and '/corpus/' not in path:
                if not folders or path.startswith(tuple(f + '/' for f in folders)):
                    yield path, text

    def modules(self):
        """The modules of the table that have files."""
        return [m for m in rules.MAY_INCLUDE if any(True for _ in self.code(*places(m)))]

    def cmake(self):
        return [(path, text) for path, text in self.files.items() if path.endswith('CMakeLists.txt')]


def places(module):
    return [f'src/{module}', f'include/ledge/{module}']
