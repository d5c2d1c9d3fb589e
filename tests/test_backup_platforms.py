"""Snapshots on real btrfs and stand-ins for Proxmox, by `gonogo run --json` over a real SSH server.

`pvesh` and `proxmox-backup-client` are not to be had here: the programs of these names print the documented
JSON and prove what becomes of it, and how they are called.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.backup_forms import Form
from tests.lab.btrfs import Btrfs, btrfs
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User, sshd
from tests.test_backup_matrix import Row, run, shown_to_all

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("btrfs")]

PVESH = """#!/bin/sh
[ "$*" = "get /nodes/pve1/storage/pbs/content --content backup --vmid $6 --output-format json" ] || exit 2
cat "/srv/stand-ins/$6.json"
"""
CLIENT = """#!/bin/sh
[ "$*" = "snapshot list vm/104 --repository u@pbs@pbs.example.net:store --output-format json" ] || exit 2
[ "$PBS_PASSWORD_FD" = 0 ] && [ -z "$PBS_PASSWORD" ] || exit 3
read -r word
[ "$word" = "the secret word" ] || { echo "Error: authentication failed" >&2; exit 255; }
cat /srv/stand-ins/client.json
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    need("sshd", "sudo", "mkfs.btrfs", "btrfs", "findmnt", "lsattr")
    with shown_to_all() as made:
        yield made


@pytest.fixture(scope="module")
def server(folder: Path, disk: Btrfs) -> Iterator[Sshd]:
    """Begun after the disk is mounted, so that it sees it."""
    users = [User("tech", sudo="NOPASSWD: ALL"), User("guest")]
    with sshd(folder / "ssh", users) as running:
        yield running


@pytest.fixture(scope="module")
def disk(folder: Path) -> Iterator[Btrfs]:
    with btrfs(folder / "disk") as made:
        yield made


def form(name: str, status: str, level: int, words: str = "", **params: object) -> Form:
    kind = "backup.snapshot" if "layout" in params else "backup.proxmox"
    return Form(name=name, type=kind, params=params, status=status, level=level, words=words)


def hold(rows: dict[str, Row]) -> None:
    wrong = [row.wrong() for row in rows.values() if row.wrong()]
    assert not wrong, "\n".join(wrong)


def test_snapshots(folder: Path, server: Sshd, disk: Btrfs) -> None:
    disk.snapshot("good")
    snapshot = {"layout": "btrfs", "path": str(disk.live), "sudo": True}
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    hold(run(folder, server.params("tech"), {
        "level3": form("good", "pass", 3, "not a backup", **snapshot),
        "level5": form("good", "pass", 5, min_level=5, live=str(disk.live), **snapshot),
        "frozen": form("old", "fail", 3, "older than the freeze", newer_than=soon, **snapshot),
        "plain": form("empty", "inconclusive", 0, **{**snapshot, "path": str(folder)}),
    }))  # fmt: skip
    hold(run(folder, server.params("guest"), {
        "nobody": form("unreadable", "inconclusive", 0, "sudo|permitted", **{**snapshot, "sudo": False}),
    }))  # fmt: skip
    disk.snapshot("later", readonly=False)
    hold(run(folder, server.params("tech"), {
        "writable": form("half-written", "fail", 2, "can be written to", **snapshot),
    }))  # fmt: skip


def test_proxmox(folder: Path, server: Sshd) -> None:
    now = int(time.time())
    verified = {
        "state": "ok",
        "upid": f"UPID:pbs:000003E8:00001A2B:00000001:{now:08X}:verify:store:root@pam:",
    }
    good = {"volid": "pbs:x", "ctime": now - 3600, "size": 9 << 30, "vmid": 104, "format": "pbs-vm"}
    said = {
        "104": [good | {"verification": verified}], "105": [good | {"vmid": 105}],
        "106": [good | {"vmid": 106, "size": 1}], "107": [],
        "client": [{
            "backup-type": "vm", "backup-id": "104", "backup-time": now - 3600, "size": 1 << 30,
            "files": [{"filename": "a.fidx"}, {"filename": "index.json.blob"}], "verification": verified,
        }],
    }  # fmt: skip
    stand_ins, programs = folder / "stand-ins", folder / "programs"
    for made in (stand_ins, programs):
        made.mkdir()
    for name, rows in said.items():
        (stand_ins / f"{name}.json").write_text(json.dumps(rows))
    (stand_ins / "108.json").write_text('[{"volid": "pbs:x", "cti')
    for name, text in (("pvesh", PVESH), ("proxmox-backup-client", CLIENT)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    server.bind(stand_ins, "/srv/stand-ins")
    server.bind(programs, "/usr/local/bin")
    secret, wrong = folder / "right.txt", folder / "wrong.txt"
    secret.write_text("the secret word\n")
    wrong.write_text("another word\n")
    for file in (secret, wrong):
        file.chmod(0o600)
    node = {"node": "pve1", "storage": "pbs"}
    client = {"repository": "u@pbs@pbs.example.net:store", "group": "vm/104"}
    rows = run(folder, server.params("tech"), {
        "good": form("good", "pass", 4, "read again", **node, guest=104),
        "bare": form("good", "inconclusive", 3, "never verified", **node, guest=105),
        "half": form("half-written", "inconclusive", 2, "not made to its end", **node, guest=106),
        "none": form("empty", "fail", 0, "no backup", **node, guest=107),
        "cut": form("truncated", "inconclusive", 0, "JSON", **node, guest=108),
        "gone": form("unreadable", "inconclusive", 0, "109", **node, guest=109),
        "client": form("good", "pass", 4, **client, repo_password=f"file:{secret}"),
        "denied": form(
            "unreadable", "inconclusive", 0, "authentication", **client, repo_password=f"file:{wrong}"
        ),
    })  # fmt: skip
    hold(rows)
    assert "secret word" not in repr(rows)
