"""The part of the practice office's project file that is about its two file servers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent.demo.ssh_hosts import MIRROR, PASSWORD_FILE, REPOSITORY, SHARE, STAMP, SYSTEM, USER


def servers_text(port: Mapping[str, int], key: Path, known_hosts: Path) -> str:
    """Return the checks of the file servers, which are logged into by the technician's key."""
    login = _login(key, known_hosts)
    return f"""\
  # The two file servers are stand-ins: they speak SSH, their files and backups are in memory only.
  server-old:
    type: server.reachable
    title: The old file server can be logged into
    milestone: services
    owner: it
    host: 127.0.0.1:{port["files-old"]}
{login}
  server-new:
    type: server.reachable
    title: The new file server can be logged into
    milestone: services
    owner: it
    host: 127.0.0.1:{port["files-new"]}
{login}
    system: {SYSTEM}
  server-clock:
    type: server.time
    title: The new file server's clock is right
    milestone: services
    owner: it
    needs: [server-new]
    host: 127.0.0.1:{port["files-new"]}
{login}
    synchronised: false
  server-files:
    type: server.files
    title: The files of the old server are on the new one
    milestone: services
    owner: it
    needs: [server-old, server-new]
    host: 127.0.0.1:{port["files-new"]}
{login}
    path: {SHARE}
    source: {{host: "127.0.0.1:{port["files-old"]}"}}
  backup-old:
    type: backup.restic
    title: The old file server's last backup is recent, whole and restorable
    milestone: services
    owner: it
    needs: [server-old]
    host: 127.0.0.1:{port["files-old"]}
{login}
    repo: {REPOSITORY}
    password_file: {PASSWORD_FILE}
    live: /
    min_level: 5
  backup-new:
    type: backup.tree
    title: The new file server is backed up, and files come back
    milestone: services
    owner: it
    needs: [server-new]
    host: 127.0.0.1:{port["files-new"]}
{login}
    path: {MIRROR}
    layout: rsync
    stamp: {STAMP}
    live: {SHARE}
    min_level: 5
"""


def _login(key: Path, known_hosts: Path) -> str:
    """Return how the file servers are logged into, as lines of a check."""
    return (
        f"    user: {USER}\n    key: {quoted(key, 'file:')}\n    agent: false\n"
        f"    known_hosts: {quoted(known_hosts)}"
    )


def quoted(path: Path, before: str = "") -> str:
    """Return a path, with `before` in front, as a YAML scalar: quoted, quotes doubled."""
    return "'" + (before + path.as_posix()).replace("'", "''") + "'"
