"""A lock on a file that ends with its process: how a run that goes on is told from one that was killed.

POSIX: `flock`; it hangs on the open file, so the descriptor must not reach a child (Python's do not). Who
tests takes a shared one, which a descriptor that only reads may hold, on NFS too. Windows: one byte far
behind the end, since Windows keeps others from reading what is locked; this half was never run on the real
system, the tests simulate its calls.
"""

from __future__ import annotations

import enum
import errno
import os
import sys
import time

_LOCK_AT = 1 << 30
_TAKEN = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK, getattr(errno, "EDEADLOCK", errno.EDEADLK)})
_PATIENCE_S = 0.25


class Lock(enum.Enum):
    """What is known of a file's lock."""

    HELD = "held"
    FREE = "free"
    UNKNOWN = "unknown"
    """This file system has no locks."""


def hold(descriptor: int) -> Lock:
    """Take the lock until the file is closed: HELD if this succeeds, FREE never, UNKNOWN without locks.

    Whoever looks at that moment holds it for some microseconds, so it is tried for a while. Raises OSError
    where another process keeps it.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            _take(descriptor, shared=False)
        except OSError as error:
            if error.errno not in _TAKEN:
                return Lock.UNKNOWN
            if time.monotonic() > until:
                raise
            time.sleep(0.002)
        else:
            return Lock.HELD


def look(descriptor: int) -> Lock:
    """Tell whether another open file holds the lock, and leave it as it is."""
    try:
        _take(descriptor, shared=True)
    except OSError as error:
        return Lock.HELD if error.errno in _TAKEN else Lock.UNKNOWN
    _give_back(descriptor)
    return Lock.FREE


def _take(descriptor: int, *, shared: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCK_AT, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def _give_back(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCK_AT, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)
