"""What goes wrong in a server migration: each fault is a context manager that puts it in and takes it out.

The tables of them are in `migration_rows` and, of the backups, in `migration_backup_faults`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import faults
from tests.lab.migration import NAME, NEW, OLD, SHARES, Host, Migration
from tests.lab.namespaces import wait_for

Context = AbstractContextManager[None]


@dataclass(frozen=True)
class Row:
    """A fault; `also` matches the other checks that see the very same thing, `stops` the first gate."""

    name: str
    fault: Callable[[Migration], Context]
    check: str
    words: str
    status: str = "fail"
    also: str = ""
    stops: str = "moved"


# Files.


@contextmanager
def copied(lab: Migration, spoil: Callable[[Path], object]) -> Iterator[None]:
    """Something is wrong with the new server's files; undone by copying them again."""
    spoil(lab.new.files)
    try:
        yield
    finally:
        words = ("rsync", "-aHAXS", "--numeric-ids", "--checksum", "--delete")
        subprocess.run([*words, f"{lab.old.files}/", f"{lab.new.files}/"], check=True)


@contextmanager
def rewritten(*paths: Path, keep_time: bool = True) -> Iterator[None]:
    """Each of these files has other bytes of the same length, and with `keep_time` its old time of change."""
    before = [(path, path.read_bytes(), path.stat()) for path in paths]
    for path, data, stat in before:
        path.write_bytes(data.swapcase())
        if keep_time:
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    try:
        yield
    finally:
        for path, data, stat in before:
            path.write_bytes(data)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def spoils(spoil: Callable[[Path], object]) -> Callable[[Migration], Context]:
    return lambda lab: copied(lab, spoil)


def unlinked(root: Path) -> None:
    (root / "hard").unlink()
    (root / "hard").write_bytes((root / "projects/2024/report-01.txt").read_bytes())
    os.utime(root / "hard", (1_600_000_000, 1_600_000_000))


@contextmanager
def unmounted(lab: Migration) -> Iterator[None]:
    """The new server was restarted and its disk for the files is not mounted."""
    lab.new.ssh.run("umount", "/srv/files")
    try:
        yield
    finally:
        lab.new.ssh.bind(lab.new.files, "/srv/files")


@contextmanager
def remounted(lab: Migration, fault: str, healthy: str) -> Iterator[None]:
    """The file system of the new server's files has other options."""
    lab.new.ssh.run("mount", "-o", f"remount,{fault}", "/srv/files")
    try:
        yield
    finally:
        lab.new.ssh.run("mount", "-o", f"remount,{healthy}", "/srv/files")


# Configuration.


@contextmanager
def edited(path: Path, change: Callable[[str], str]) -> Iterator[None]:
    """A text file has other content."""
    text, stat = path.read_text(), path.stat()
    changed = change(text)
    assert changed != text, f"nothing changed in {path}"
    path.write_text(changed)
    try:
        yield
    finally:
        path.write_text(text)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def account(name: str, old: str, new: str) -> Callable[[Migration], Context]:
    """A file of accounts of the new server has `new` in place of `old`."""
    return lambda lab: edited(lab.new.ssh.folder / name, lambda text: text.replace(old, new))


def without(name: str, start: str) -> Callable[[Migration], Context]:
    """A file of accounts of the new server lacks the lines that begin so."""

    def cut(text: str) -> str:
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(start))

    return lambda lab: edited(lab.new.ssh.folder / name, cut)


def shares(old: str, new: str) -> Callable[[Migration], Context]:
    """The new server's shares have `new` in place of `old`."""
    assert old in SHARES
    return lambda lab: edited(lab.new.samba.conf, lambda text: text.replace(old, new))


@contextmanager
def share_closed(lab: Migration) -> Iterator[None]:
    """Everybody may only read through the share, whatever its configuration says."""
    lab.new.samba.run("sharesec", "files", "--replace", "S-1-1-0:ALLOWED/0x0/READ")
    try:
        yield
    finally:
        lab.new.samba.run("sharesec", "files", "--delete")


@contextmanager
def smbd_down(lab: Migration, role: str) -> Iterator[None]:
    """Samba does not run on a server."""
    host: Host = getattr(lab, role)
    argv = host.samba.program.args
    os.killpg(host.samba.program.pid, signal.SIGKILL)
    host.samba.program.wait()
    try:
        yield
    finally:
        host.samba.program = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        address = NEW if role == "new" else OLD
        wait_for(lambda: lab.desk.call(lambda: _open(address, 445)), f"smbd answers on {address}")


def _open(address: str, port: int) -> bool:
    with socket.create_connection((address, port), 2.0):
        return True


@contextmanager
def certified(lab: Migration, *names: str, days: float = 90, key: bool = True) -> Iterator[None]:
    """The new server has another certificate; without `key` beside the key of the old one."""
    path = lab.new.srv / "tls" / "files.key"
    own = path.read_bytes()
    lab.install_certificate(*names, days=days)
    if not key:
        path.write_bytes(own)
    try:
        yield
    finally:
        lab.install_certificate(NAME)


# Databases.


@contextmanager
def loaded(lab: Migration, sql: str) -> Iterator[None]:
    """The new server's database is not what was dumped; undone by loading it again."""
    lab.moved_erp.sql(sql, "erp")
    try:
        yield
    finally:
        lab.moved_erp.sql("DROP DATABASE erp")
        lab.copy_database()


@contextmanager
def account_gone(lab: Migration) -> Iterator[None]:
    """The application's account was not made on the new server."""
    lab.moved_erp.sql("DROP ROLE app")
    try:
        yield
    finally:
        lab.moved_erp.sql("CREATE ROLE app LOGIN")


@contextmanager
def database_down(lab: Migration) -> Iterator[None]:
    """The new server's database does not run."""
    lab.moved_erp.stop()
    try:
        yield
    finally:
        lab.moved_erp.start()


@contextmanager
def replication_stopped(lab: Migration) -> Iterator[None]:
    """The standby no longer follows."""
    follows = lab.standby.sql("SHOW primary_conninfo")
    _follow(lab, "")
    wait_for(lambda: not lab.standby.sql("SELECT 1 FROM pg_stat_wal_receiver"), "the receiver has stopped")
    try:
        yield
    finally:
        _follow(lab, follows)
        heard = "SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        wait_for(lambda: lab.standby.sql(heard), "the standby follows again")


def _follow(lab: Migration, connection: str) -> None:
    quoted = connection.replace("'", "''")
    lab.standby.sql(f"ALTER SYSTEM SET primary_conninfo = '{quoted}'")
    lab.standby.sql("SELECT pg_reload_conf()")


@contextmanager
def replay_paused(lab: Migration) -> Iterator[None]:
    """The standby receives and does not apply."""
    lab.standby.sql("SELECT pg_wal_replay_pause()")
    try:
        yield
    finally:
        lab.standby.sql("SELECT pg_wal_replay_resume()")


# Names and the network.


@contextmanager
def published(lab: Migration, change: Callable[[Migration], object]) -> Iterator[None]:
    """The zones say something else."""
    zones = (lab.zone, lab.reverse)
    kept = [dict(zone.records) for zone in zones]
    change(lab)
    lab.publish()
    try:
        yield
    finally:
        for zone, records in zip(zones, kept, strict=True):
            zone.records = records
        lab.publish()


def zones(change: Callable[[Migration], object]) -> Callable[[Migration], Context]:
    return lambda lab: published(lab, change)


@contextmanager
def resolver_stale(lab: Migration) -> Iterator[None]:
    """The staff's resolver still has the old answer; the zone is right."""
    lab.resolver.reload({"dns.lab": ["10.20.0.53"], NAME: [OLD]}, NAME)
    try:
        yield
    finally:
        lab.resolver.reload({"dns.lab": ["10.20.0.53"]}, "dns.lab")
        wait_for(
            lambda: NEW in lab.laptop.run("getent", "ahostsv4", NAME).stdout, "the zone's answer is back"
        )


def refused(role: str, port: int) -> Callable[[Migration], Context]:
    """A server's packet filter refuses a port."""
    return lambda lab: faults.rules(
        lab.nets[role],
        f"chain arriving {{ type filter hook input priority 0; tcp dport {port} reject with tcp reset; }}",
    )


@contextmanager
def other_host_key(lab: Migration) -> Iterator[None]:
    """What answers at the new server's address is not the server whose key is known."""
    key = lab.old.ssh.known_hosts.read_text().split(maxsplit=1)[1]
    with edited(lab.new.ssh.known_hosts, lambda _: f"{NEW} {key}"):
        yield


def _health(text: str) -> str:
    return text.replace('200 "erp is ok', '503 "no database')


@contextmanager
def application_ill(lab: Migration) -> Iterator[None]:
    """The application answers, and what it says is not well."""
    conf = lab.folder / "nginx-new" / "nginx.conf"
    with edited(conf, _health):
        lab.nginx.reload()
        yield
    lab.nginx.reload()
