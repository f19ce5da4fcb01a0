"""Fault rig: writes and syncs of the store that fail, a store that is full, files that are damaged. The broker must
stay up, keep serving QoS 0, acknowledge nothing that it cannot keep, and lose nothing that it acknowledged."""
import os
import random
import re
import socket
import subprocess
import time
from functools import partial

from journal import SYNC, WRITE, Disk
from rig import Rig, RigError

NAMES = {WRITE: 'write', SYNC: 'sync'}
FOR_GOOD = 1 << 40
HEAL_MAX_S = 60  # the broker tries again every 5 s
BLOCKED_US = 600 * 1_000_000  # of a sync: longer than any test
STOP_MAX_S = 120  # a stop gives the disk 20 s
SETTLE_S = 0.4  # commits that were under way when the fault came have ended
WATCH_S = 0.6
TOLD_S = 5.0  # until the answer to a publication that is refused

FAILURES = [(what, code, times) for what in (SYNC, WRITE) for code in ('EIO', 'ENOSPC') for times in (1, FOR_GOOD)]


def cases(options):
    """Functions of a tally, one for each fault."""
    scripts = [(f'{code} from {"one" if times == 1 else "every"} {NAMES[what]}',
                partial(_failing, what=what, code=code, times=times), ()) for what, code, times in FAILURES]
    scripts.append(('the store is full', _full, options.full_store))
    scripts.append(('the disk is full for a while', partial(_full_for_a_while, is_from_start=False), ()))
    scripts.append(('the disk is full at the start and for a while',
                    partial(_full_for_a_while, is_from_start=True), ()))
    scripts.append(('a small file system that others fill and empty', _filled_by_others, ()))
    scripts.append(('the disk does not answer at a stop', _blocked_stop, ()))
    scripts += [(title, partial(_damaged, damage=damage), ()) for title, damage in DAMAGES]
    return [partial(_case, options, 'fault: ' + title, script, settings) for title, script, settings in scripts
            if not options.only or re.search(options.only, 'fault: ' + title)]


def _case(options, title, script, settings, tally):
    began = time.monotonic()
    rig = Rig(options, title.replace(': ', '-').replace(' ', '-'), options.seed, settings)
    text = ''
    try:
        text = script(rig)
    except RigError as error:
        rig.problem(str(error))
    finally:
        rig.close()
    tally.add(title, rig.problems[:1], 1, time.monotonic() - began, text, totals=rig.totals, faults=1)


def _failing(rig, what, code, times):
    disk = Disk(rig.broker.store, os.path.join(rig.folder, 'side'), rig.options.powercut)
    disk.prepare(journal=False)
    if not rig.start(disk.environment()):
        raise RigError(f'the broker ended: {rig.broker.tail()}')
    time.sleep(0.3)
    disk.arm_failure(what, code, rig.rng.randrange(30), times)
    end = time.monotonic() + 5
    while disk.control.failures == 0 and time.monotonic() < end:
        time.sleep(0.002)
    if disk.control.failures == 0:
        raise RigError('the fault never came: nothing was written')
    text = _watch(rig, is_for_good=times == FOR_GOOD)
    text += f', {disk.control.failures} failures'
    rig.broker.kill()
    rig.load.down()
    if disk.problem():
        raise RigError(f'powercut: {disk.problem()}')
    _restart_and_account(rig)
    return f'{text}; {rig.figures()}'


def _is_newcomer_refused(port):
    """True if a new client of MQTT 5 is told by an error code that its retained message of QoS 1 cannot be kept."""
    with socket.create_connection(('127.0.0.1', port), TOLD_S) as client:
        client.settimeout(TOLD_S)
        client.sendall(b'\x10\x15\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x08newcomer')
        client.sendall(b'\x33\x0f\x00\x09new/comer\x00\x01\x00x')
        file = client.makefile('rb')
        while True:
            kind, length = file.read(2)  # no packet here is longer than 127 bytes
            body = file.read(length)
            if kind == 0x40:
                return length > 2 and body[2] >= 0x80


def _watch(rig, is_for_good):
    """After a fault: alive, QoS 0 is served, and while it lasts nothing durable is acknowledged."""
    time.sleep(SETTLE_S)
    before = rig.load.stats()
    time.sleep(WATCH_S / 2)
    rig.load.reconnect()  # windows may be full of what is withheld for good
    time.sleep(WATCH_S / 2)
    after = rig.load.stats()
    accepted, refused, pulses = (after[key] - before[key] for key in ('accepted', 'refused', 'pulses'))
    if not rig.broker.is_alive():
        raise RigError(f'the broker ended with {rig.broker.process.returncode}: {rig.broker.tail()}')
    if pulses == 0:
        rig.problem('QoS 0 is not served any more')
    if is_for_good and accepted > 0:
        rig.problem(f'{accepted} publications were acknowledged although nothing can be kept')
    # The window of each publisher may be full of exchanges whose PUBCOMP is withheld, and then it publishes no more.
    if is_for_good and refused == 0 and not _is_newcomer_refused(rig.broker.port):
        rig.problem('v5 publishers are not told that their publications are refused')
    return f'afterwards {accepted} accepted, {refused} refused, {pulses} QoS 0'


def _await_fault(disk):
    end = time.monotonic() + 20
    while disk.control.failures == 0:
        if time.monotonic() > end:
            raise RigError('the fault never came: nothing was written')
        time.sleep(0.002)


def _full_for_a_while(rig, is_from_start):
    """Somebody else fills the disk and empties it again; nobody touches the broker."""
    disk = Disk(rig.broker.store, os.path.join(rig.folder, 'side'), rig.options.powercut)
    disk.prepare(journal=False)
    if is_from_start:
        if not rig.start(disk.environment()):
            raise RigError(f'the broker ended: {rig.broker.tail()}')
        rig.kill_after(0.5)
        disk.prepare(journal=False)
        disk.arm_failure(WRITE, 'ENOSPC', 0, FOR_GOOD)
    if not rig.start(disk.environment()):
        raise RigError(f'the broker does not start: {rig.broker.tail()}')
    if not is_from_start:
        time.sleep(0.3)
        disk.arm_failure(WRITE, 'ENOSPC', 0, FOR_GOOD)
    _await_fault(disk)
    text = _watch(rig, is_for_good=True)
    disk.control.fail_times = 0
    accepted = rig.load.stats()['accepted']
    end = time.monotonic() + HEAL_MAX_S
    while rig.load.stats()['accepted'] == accepted:
        if time.monotonic() > end:
            raise RigError(f'nothing is accepted although there is room again: {rig.broker.tail()}')
        time.sleep(0.05)
    for event in ('commit_postponed', 'No space left on device', 'commit_healed'):
        if not rig.broker.said(event):
            rig.problem(f'the log does not say {event}')
    if rig.broker.said('store_failed'):
        rig.problem('a full disk was taken for the end of the store')
    rig.account()
    rig.broker.kill()
    rig.load.down()
    if disk.problem():
        raise RigError(f'powercut: {disk.problem()}')
    _restart_and_account(rig)
    return f'{text}; {rig.figures()}'


def _filled_by_others(rig):
    """The same with a real file system, where this machine lets us mount one; else with more of injected failures."""
    folder = rig.broker.store = os.path.join(rig.folder, 'tmpfs')
    os.makedirs(folder)
    options = ['mount', '-t', 'tmpfs', '-o', 'size=12m,mode=700', 'tmpfs', folder]
    if os.geteuid() != 0 or subprocess.run(options, capture_output=True, check=False).returncode != 0:
        return _full_for_a_while(rig, is_from_start=False)
    try:
        return _fill_and_empty(rig, os.path.join(folder, 'of-others'))
    finally:
        if rig.broker.is_alive():
            rig.broker.kill()
        subprocess.run(['umount', folder], check=True)


def _fill_and_empty(rig, other):
    if not rig.start():
        raise RigError(f'the broker ended: {rig.broker.tail()}')
    time.sleep(0.3)
    with open(other, 'wb', buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
        end = time.monotonic() + 20
        while not any(rig.broker.said(event) for event in ('commit_postponed', 'store_full', 'owner_over_share')):
            if time.monotonic() > end:
                raise RigError('the broker has not noticed that the disk is full')
            time.sleep(0.05)
        text = _watch(rig, is_for_good=False)  # pages that are free within the file can still be used
        rig.broker.kill()  # and starts on the full disk
        rig.load.down()
        if not rig.start():
            raise RigError(f'the broker does not start on a full disk: {rig.broker.tail()}')
        text += '; started on it: ' + _watch(rig, is_for_good=False)
    accepted = rig.load.stats()['accepted']
    os.unlink(other)
    end = time.monotonic() + HEAL_MAX_S
    while rig.load.stats()['accepted'] == accepted:
        if time.monotonic() > end:
            raise RigError(f'nothing is accepted although there is room again: {rig.broker.tail()}')
        time.sleep(0.05)
    was_postponed = rig.broker.said('commit_postponed', since=' store_open ')
    if was_postponed and not rig.broker.said('commit_healed', since=' store_open '):
        rig.problem('the log does not say that it has healed')
    for word in ('store_failed', 'Input/output error'):
        if rig.broker.said(word):
            rig.problem(f'the log says {word}: ' + rig.broker.said(word))
    rig.account()
    rig.broker.kill()
    rig.load.down()
    _restart_and_account(rig)
    return f'{text}; {rig.figures()}'


def _blocked_stop(rig):
    """SIGTERM while a sync does not end: the stop is bounded, said, and loses nothing that was acknowledged."""
    disk = Disk(rig.broker.store, os.path.join(rig.folder, 'side'), rig.options.powercut)
    disk.prepare(journal=False)
    if not rig.start(disk.environment()):
        raise RigError(f'the broker ended: {rig.broker.tail()}')
    time.sleep(0.5)
    disk.control.sync_us = BLOCKED_US
    syncs = disk.control.syncs
    end = time.monotonic() + 20
    while disk.control.syncs == syncs and time.monotonic() < end:
        time.sleep(0.01)
    began = time.monotonic()
    code = rig.broker.stop(STOP_MAX_S)
    rig.load.down()
    if code != 0:
        rig.problem(f'SIGTERM ended it with {code}')
    if not rig.broker.said('store_abandoned'):
        rig.problem('the log does not say that the disk did not answer')
    text = f'stopped in {time.monotonic() - began:.1f} s'
    _restart_and_account(rig)
    return f'{text}; {rig.figures()}'


def _restart_and_account(rig):
    if not rig.start():
        raise RigError(f'the broker did not come back: {rig.broker.tail()}')
    rig.account()
    rig.broker.kill()
    rig.load.down()
    rig.verify()


def _full(rig):
    """Publishing against a ceiling with a subscriber that stays away, then draining: room again."""
    if not rig.start():
        raise RigError(f'the broker ended: {rig.broker.tail()}')
    end = time.monotonic() + 40
    while rig.load.stats()['refused'] == 0:
        if time.monotonic() > end:
            raise RigError('nothing was refused: the store never filled up')
        time.sleep(0.1)
    text = _watch(rig, is_for_good=False)
    rig.account()
    before = rig.load.stats()['accepted']
    time.sleep(0.3)
    if rig.load.stats()['accepted'] == before:
        rig.problem('nothing is accepted although everything was drained')
    rig.broker.kill()
    rig.load.down()
    rig.verify()
    _restart_and_account(rig)
    return f'{text}; {rig.figures()}'


def _garbage(path, rng):
    with open(path, 'wb') as file:
        file.write(rng.randbytes(100_000))


def _halved(path, _):
    os.truncate(path, os.path.getsize(path) // 2)


def _blank(path, rng):
    """A sixth of the pages reads as zero, the first two (LMDB's meta pages) among them."""
    pages = os.path.getsize(path) // 4096
    with open(path, 'r+b') as file:
        for page in sorted({0, 1, *(rng.randrange(pages) for _ in range(pages // 6))}):
            file.seek(page * 4096)
            file.write(bytes(4096))


def _bit_flips(path, rng):
    size = os.path.getsize(path)
    with open(path, 'r+b') as file:
        for _ in range(200):
            at = rng.randrange(size)
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << rng.randrange(8)]))


DAMAGES = [('a foreign file', _garbage), ('half a file', _halved), ('pages of zeros', _blank),
           ('200 flipped bits', _bit_flips)]


def _damaged(rig, damage):
    """Whatever stands in the file: the broker starts, serves, and says what it did."""
    if not rig.start():
        raise RigError(f'the broker ended: {rig.broker.tail()}')
    rig.kill_after(0.5)
    data = max((os.path.join(rig.broker.store, name) for name in os.listdir(rig.broker.store)), key=os.path.getsize)
    damage(data, random.Random(rig.seed))
    if not rig.start():
        raise RigError(f'the broker does not start with it: {rig.broker.tail()}')
    before = rig.load.stats()
    time.sleep(WATCH_S)
    after = rig.load.stats()
    if not rig.broker.is_alive():
        raise RigError(f'the broker ended with {rig.broker.process.returncode}: {rig.broker.tail()}')
    if after['accepted'] == before['accepted']:
        rig.problem('nothing is accepted')
    if not rig.broker.quarantined():
        rig.problem('the damaged file was not put aside')
    rig.broker.kill()
    rig.load.down()
    said = rig.broker.verify()
    if said:
        rig.problem(said)
    return f'put aside: {", ".join(rig.broker.quarantined())}'
