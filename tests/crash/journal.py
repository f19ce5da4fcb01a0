"""The other side of powercut.c: orders cuts and failures, and after a cut leaves on the disk what a power cut could
have left: all that was synced, and of what was not any part, in sectors."""
import ctypes
import errno
import mmap
import os
import random
import shutil
import struct

# struct Control of powercut.h
FILES_MAX = 64
JOURNAL_BYTES = 1 << 30
MODE_JOURNAL, MODE_LIES = 1, 2
WRITE, SYNC = 1, 2
PROBLEMS = {1: 'too many files', 2: 'a file could not be linked', 3: 'the journal is full', 4: 'old content unreadable',
            5: 'msync: writes through a mapping are not followed'}


class Control(ctypes.Structure):
    _fields_ = [('mode', ctypes.c_uint32), ('is_cut_armed', ctypes.c_uint32), ('cut_after', ctypes.c_int64),
                ('fail_what', ctypes.c_uint32), ('fail_errno', ctypes.c_uint32), ('fail_after', ctypes.c_int64),
                ('fail_times', ctypes.c_uint64), ('sync_us', ctypes.c_uint64), ('pid', ctypes.c_uint32),
                ('lock', ctypes.c_uint32), ('problem', ctypes.c_uint32), ('is_cut', ctypes.c_uint32),
                ('operations', ctypes.c_uint64), ('writes', ctypes.c_uint64), ('syncs', ctypes.c_uint64),
                ('bytes', ctypes.c_uint64), ('failures', ctypes.c_uint64), ('tail', ctypes.c_uint64),
                ('files', ctypes.c_uint32), ('zero', ctypes.c_uint32), ('inodes', ctypes.c_uint64 * FILES_MAX)]


RECORD = struct.Struct('=QIIIIQQQQ')
KIND_WRITE, KIND_RESIZE, KIND_CREATE, KIND_UNLINK, KIND_RENAME = 1, 2, 3, 4, 5


class Record:
    def __init__(self, data, at):
        (self.size, self.kind, durable, self.file, _, self.offset, self.old_file_size, old_size,
         new_size) = RECORD.unpack_from(data, at)
        body = at + RECORD.size
        self.is_durable = durable == 1  # 2: doomed by a failed sync
        self.old = bytes(data[body:body + old_size])
        self.new = bytes(data[body + old_size:body + old_size + new_size])


class Disk:
    """The folder beside the store in which powercut keeps its journal, for one life of a broker at a time."""

    def __init__(self, store, side, library):
        self.store, self.side, self.library = store, side, library
        self.control = None
        self._map = None

    def prepare(self, journal=True, lies=False, sync_us=0):
        """Before each start of a broker."""
        shutil.rmtree(self.side, ignore_errors=True)
        os.makedirs(self.side)
        for name, size in (('control', ctypes.sizeof(Control)), ('journal', JOURNAL_BYTES)):
            with open(os.path.join(self.side, name), 'wb') as file:
                file.truncate(size)
        with open(os.path.join(self.side, 'control'), 'r+b') as file:
            self._map = mmap.mmap(file.fileno(), ctypes.sizeof(Control))
        self.control = Control.from_buffer(self._map)
        self.control.mode = (MODE_JOURNAL if journal else 0) | (MODE_LIES if lies else 0)
        self.control.sync_us = sync_us

    def environment(self):
        return {'LD_PRELOAD': self.library, 'POWERCUT_SIDE': self.side, 'POWERCUT_STORE': self.store}

    def arm_cut(self, operations):
        """Power goes at the write or sync after so many more."""
        self.control.cut_after = operations
        self.control.is_cut_armed = 1

    def arm_failure(self, what, code, after, times):
        self.control.fail_what, self.control.fail_errno = what, getattr(errno, code)
        self.control.fail_after, self.control.fail_times = after, times

    def problem(self):
        return PROBLEMS.get(self.control.problem)

    def _records(self):
        with open(os.path.join(self.side, 'journal'), 'rb') as file:
            data = file.read(self.control.tail)
        records, at = [], 0
        while at < len(data):
            records.append(Record(data, at))
            at += records[-1].size
        return records

    def link(self, file):
        return os.path.join(self.side, f'f{file}')

    def lose_unsynced(self, rng):
        """After the cut. Returns a sentence about what this disk kept."""
        records = self._records()
        sector = rng.choice((512, 512, 4096))
        share = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0, rng.random()))
        contents = [r for r in records if r.kind in (KIND_WRITE, KIND_RESIZE)]
        files = {r.file: open(self.link(r.file), 'r+b', buffering=0) for r in contents}
        for record in reversed(contents):
            undo(files[record.file], record)
        kept = total = 0
        for record in contents:
            done, all_of_it = redo(files[record.file], record, rng, sector, share)
            kept, total = kept + done, total + all_of_it
        for file in files.values():
            file.close()
        names = [r for r in records if r.kind >= KIND_CREATE and not r.is_durable]
        kept_names = rng.randint(0, len(names))
        for record in reversed(names[kept_names:]):
            self._undo_name(record)
        return (f'kept {kept} of {total} unsynced sectors of {sector} bytes in {len(contents)} writes, '
                f'{kept_names} of {len(names)} names')

    def _undo_name(self, record):
        path = record.old.decode()
        if record.kind == KIND_CREATE:
            if os.path.exists(path):
                os.unlink(path)
            return
        if record.kind == KIND_RENAME:
            os.rename(record.new.decode(), path)
            path = record.new.decode()
        if record.file:
            os.link(self.link(record.file), path)


def undo(file, record):
    """Puts back what stood there before."""
    if record.old:
        os.pwrite(file.fileno(), record.old, record.offset)
    if os.fstat(file.fileno()).st_size != record.old_file_size:
        file.truncate(record.old_file_size)


def redo(file, record, rng, sector, share):
    """Applies a durable record wholly, another in part. (sectors kept, sectors) of the latter."""
    if record.kind == KIND_RESIZE:
        if record.is_durable or rng.random() < share:
            file.truncate(record.offset)
        return 0, 0
    if record.is_durable:
        os.pwrite(file.fileno(), record.new, record.offset)
        return 0, 0
    kept = total = at = 0
    while at < len(record.new):
        size = min(sector - (record.offset + at) % sector, len(record.new) - at)
        total += 1
        if rng.random() < share:
            os.pwrite(file.fileno(), record.new[at:at + size], record.offset + at)
            kept += 1
        at += size
    return kept, total


def seeded(*parts):
    return random.Random(':'.join(str(part) for part in parts))
