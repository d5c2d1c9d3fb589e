"""A client of a test: closed at the end, and nothing of it left behind."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from pathlib import Path

from checks.vantage import Shared
from checks.wire.ssh.access import Access
from checks.wire.ssh.client import Ssh
from checks.wire.ssh.limits import Limits

QUICK = Limits(connect=2, banner=1, channel=1, shell=1, grace=0.3)


def access(server, user="", **more):
    """Return the way into a server of the lab."""
    user = user or next(iter(server.users))
    given = {
        "host": server.host, "port": server.port, "user": user, "agent": False,
        "key": server.key_of(user).read_text(), "known_hosts": (str(server.known_hosts),),
    }  # fmt: skip
    return Access(**(given | more))


@asynccontextmanager
async def client(limits=None):
    """Give a client and see that it leaves no thread and no open file."""
    threads, files = set(threading.enumerate()), open_files()
    ssh = Ssh(Shared(), limits or Limits())
    try:
        yield ssh
    finally:
        await ssh.close()
    left = [thread for thread in threading.enumerate() if thread not in threads and _ours(thread)]
    assert not left, left
    assert open_files() == files


def open_files():
    """Return the open files of this process that are sockets or pipes."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def peak(reset=False):
    """Return the most memory that this process had since the last reset, in MB."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _ours(thread):
    return not thread.name.startswith("asyncio_")
