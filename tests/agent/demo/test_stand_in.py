"""The stand-in is held against the real tools: the same files on this machine, asked by the same scripts."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess

import pytest

from agent.demo.ssh_copies import Copies
from agent.demo.ssh_disk import GID, UID, Disk, File
from agent.demo.ssh_line import Call, answered
from agent.demo.ssh_restic import Repository
from agent.demo.ssh_tree import tell
from checks.backup import _restic as told
from checks.backup._live import HASH, STATE
from checks.backup._records import parse_records
from checks.backup._restic import DUMP, RESTIC
from checks.backup._tree_host import COUNT, MARKS, NAMES, PROBE, RESTORE
from checks.backup._tree_live import COMPARE, SELF, parse_compared
from checks.server._tree_read import read_listed, read_sums
from checks.server._tree_script import BUCKETS, CONTENTS, TREE
from tests.lab.needs import need
from tests.local_remote import LocalRemote

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("practice-stand-in")]
NEWER, TIME = 1_790_000_000, 1_780_000_000
LIVE = {
    "a.txt": b"one\n", "accounts/2026/open.csv": b"x" * 5000, "accounts/2026/paid.csv": b"y;1\n",
    "accounts/old.csv": b"z", "staff/keys.csv": b"k\n" * 300, "staff/Zimmer 3.csv": b"3\n",
}  # fmt: skip
COPY = {**LIVE, "accounts/old.csv": b"zz", "extra.txt": b"more\n"}
del COPY["staff/keys.csv"]


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """Two folders that are on this machine and in memory, under the same names."""
    need("rsync", "getfacl", "stat")
    base = tmp_path_factory.mktemp("stand-in")
    found = {}
    for folder, files in (("live", LIVE), ("copy", COPY)):
        for name, data in files.items():
            path = base / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o664)
            os.chown(path, UID, GID)
            late = name == "a.txt" and folder == "live"
            os.utime(path, (TIME, NEWER if late else TIME))
            state = path.stat()
            found[str(path)] = File(data=data, mtime=int(state.st_mtime), ctime=int(state.st_ctime))
        for path in (base / folder, *(base / folder).rglob("*")):
            if path.is_dir():
                path.chmod(0o775)
                os.chown(path, UID, GID)
    stamp = base / "stamp"
    stamp.write_bytes(b"1785000000\n")
    os.utime(stamp, (TIME, TIME))
    found[str(stamp)] = File(data=b"1785000000\n", mtime=TIME, ctime=TIME)
    made = Disk("0" * 32, found)
    made.base = base
    return made


def both(answers, command):
    """Return what this machine and the stand-in say to one command."""
    real = asyncio.run(LocalRemote().run(command))
    assert real.whole, real
    argv = command.argv
    name, words = (argv[3], argv[4:]) if argv[1] == "-c" else (argv[0], argv[1:])
    said = answered(answers, Call(name=name, words=words, stdin=command.stdin))
    assert said.status == real.status, (said, real)
    return real.stdout, said.out


def names_of(files, before=""):
    return b"".join(f"{before}{name}\0".encode() for name in [*files, "none.txt"])


@pytest.mark.parametrize("acl", ["0", "1"], ids=["plain", "acl"])
@pytest.mark.parametrize("owner", ["0", "1"], ids=["names", "owners"])
def test_file_tree(disk, acl, owner):
    answers = {"file-tree": lambda call: tell(disk, call)}
    for folder in ("live", "copy"):
        root = str(disk.base / folder)
        real, ours = map(read_sums, both(answers, TREE(root, "sums", acl, owner, str(BUCKETS), "")))
        for name in ("buckets", "kinds", "size", "unreadable", "find_status", "acl_status", "tops"):
            assert getattr(ours, name) == getattr(real, name), name
        want = " ".join(
            [*map(str, real.buckets), *(f"{b}.1" for b, one in real.buckets.items() if one.files)]
        )
        real, ours = map(read_listed, both(answers, TREE(root, "list", acl, owner, str(BUCKETS), want)))
        assert ours == real
        assert ours.drawn


def test_a_folder_that_is_not_there(disk):
    both(
        {"file-tree": lambda call: tell(disk, call)}, TREE(str(disk.base / "no"), "sums", "0", "0", "512", "")
    )


def test_single_files(disk):
    live = f"{disk.base}/live/"
    for command in (
        CONTENTS(live, stdin=names_of(LIVE, "./")), STATE(stdin=names_of(LIVE, live)),
        HASH(stdin=names_of(LIVE, live)),
    ):  # fmt: skip
        real, ours = both(disk.answers(), command)
        assert ours == real


def test_a_mirror(disk):
    answers = Copies(disk).answers()
    live, copy = f"{disk.base}/live", f"{disk.base}/copy"
    for command in (
        PROBE(copy, live), PROBE(live, live), PROBE(f"{copy}/no", live), COUNT(copy, live),
        MARKS(copy, f"{disk.base}/stamp", "", ""), MARKS(copy, "", "", ""),
        RESTORE(copy, live, stdin=names_of(COPY)),
    ):  # fmt: skip
        real, ours = both(answers, command)
        assert ours == real
    real, ours = both(answers, NAMES(copy))
    assert sorted(ours.split(b"\0")) == sorted(real.split(b"\0"))
    real, ours = both(answers, SELF(live, copy))
    assert ours == real


def test_what_rsync_would_copy(disk):
    command = COMPARE(f"{disk.base}/live", f"{disk.base}/copy")
    real, ours = (parse_compared(out, "") for out in both(Copies(disk).answers(), command))
    assert ours.files == real.files == len(LIVE)
    assert sorted(ours.rows) == sorted(real.rows)
    assert len(ours.rows) == 3


@pytest.fixture(scope="module")
def repositories(disk):
    """A real repository and the stand-in's, of the same files at the same place, and what both answer."""
    need("restic")
    repo, password = str(disk.base / "repo"), disk.base / "password"
    password.write_text("practice\n")
    disk.files[str(password)] = File(data=b"practice\n", mtime=TIME, ctime=TIME)
    live = str(disk.base / "live")
    for words in (("init",), ("backup", "--host=files-old", "--time=2026-05-20 10:00:00", live)):
        options = ("--no-cache", f"--repo={repo}", f"--password-file={password}")
        subprocess.run(
            ["restic", *words, *options], check=True, capture_output=True, env=os.environ | {"TZ": "UTC"}
        )
    ours = Repository(disk, repo, "practice")
    files = {f"{live}/{name}": file for name, file in disk.below(live).items()}
    ours.back_up("files-old", live, files, 1_779_271_200)
    return ours, ("--no-lock", "--no-cache", f"--repo={repo}", f"--password-file={password}")


def test_a_repository(disk, repositories):
    ours, options = repositories
    real, said = both(ours.answers(), RESTIC("snapshots", *options, "--json"))
    (theirs,), (own,) = told.parse_snapshots(real), told.parse_snapshots(said)
    assert (own.time, own.host, own.paths) == (theirs.time, theirs.host, theirs.paths)
    assert own.files == len(LIVE)
    assert both(ours.answers(), RESTIC("list", *options, "--", "locks")) == (b"", b"")
    real, said = (out.decode() for out in both(ours.answers(), RESTIC("check", *options, "--read-data")))
    assert said.splitlines()[-1] == real.splitlines()[-1] == "no errors were found"
    assert told.packs_read(said)
    assert told.packs_read(real)
    lists, hashes = [], []
    paths = [f"{disk.base}/live/{name}" for name in ("a.txt", "no.txt")]
    for answers, snapshot in ((None, theirs.id), (ours.answers(), own.id)):
        ls, dump = (
            RESTIC("ls", *options, "--json", "--", snapshot),
            DUMP("file", *options[2:], snapshot, *paths),
        )
        if answers is None:
            outs = [asyncio.run(LocalRemote().run(command)).stdout for command in (ls, dump)]
        else:
            outs = [
                answered(answers, Call(name=name, words=words)).out
                for name, words in (("restic", ls.argv[1:]), ("restic dump", dump.argv[4:]))
            ]
        lists.append(sorted(told.parse_ls(outs[0]).files, key=lambda file: file.path))
        hashes.append(parse_records(outs[1], paths))
    assert lists[0] == lists[1]
    assert hashes[0][paths[0]] == hashes[1][paths[0]]
    assert all("could not be restored" in found[paths[1]].why for found in hashes)
    assert hashes[0][paths[0]].sha256 == hashlib.sha256(LIVE["a.txt"]).hexdigest()


def test_a_damaged_pack_and_a_lost_one_are_told(disk):
    disk.files["/pw"] = File(data=b"secret", mtime=TIME, ctime=TIME)
    options = ("--repo=/r", "--password-file=/pw")

    def made():
        one = Repository(disk, "/r", "secret")
        one.back_up("files-old", "/live", {"/live/a": File(data=b"content", mtime=TIME, ctime=TIME)}, TIME)
        return one, next(iter(one.packs))

    def check(one, *words):
        said = answered(one.answers(), Call(name="restic", words=("check", *options, *words)))
        assert (said.status == 0) == (b"no errors were found" in said.out)
        return said.status

    def dump(one):
        words = ("file", *options, one.snapshots[0].id, "/live/a")
        out = answered(one.answers(), Call(name="restic dump", words=words)).out
        return parse_records(out, ["/live/a"])["/live/a"]

    whole, _ = made()
    assert (check(whole), check(whole, "--read-data"), dump(whole).why) == (0, 0, "")
    spoilt, pack = made()
    spoilt.packs[pack] = b"c0ntent"
    assert (check(spoilt), check(spoilt, "--read-data")) == (0, 1)
    assert "could not be restored" in dump(spoilt).why
    lost, pack = made()
    del lost.packs[pack]
    assert (check(lost), check(lost, "--read-data")) == (1, 1)
    assert "could not be restored" in dump(lost).why
