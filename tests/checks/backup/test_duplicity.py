"""duplicity: kind words and status 0 prove little. Real collections are in the matrix."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup import _duplicity as told
from checks.backup.duplicity import Duplicity
from checks.contract import Vantage, worst
from checks.vantage import Shared
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from tests.lab import backup_duplicity as lab
from tests.lab.backup_files import source
from tests.lab.needs import need
from tests.local_remote import LocalRemote

TABLE = """Found primary backup chain with matching signature chain:
-------------------------
Chain start time: Mon Nov 23 09:07:54 2026
Number of contained backup sets: 2
Total number of contained volumes: 2
 Type of backup set:                            Time:      Num volumes:
                Full         Mon Nov 23 09:07:54 2026                 1
         Incremental         Mon Nov 23 09:07:56 2026                 1
-------------------------
No orphaned or incomplete backup sets found.
"""
FULL = "                Full         Mon Nov 23 09:07:54 2026                 1\n"


@pytest.mark.parametrize(
    ("text", "sets", "whole", "words"),
    [
        (TABLE, 2, True, ""),
        (TABLE.replace(FULL, ""), 1, False, "1 of them have volumes"),
        (TABLE.replace("No orphaned", "Orphaned"), 2, False, "Orphaned"),
        (TABLE.rpartition("No orph")[0], 2, False, "does not say"),
        ("", 0, False, "does not say"),
        ("No orphaned or incomplete backup sets found.\n", 0, True, ""),
        (TABLE.replace("Nov 23 09:07:54", "Nov 33 09:07:54"), 1, False, "volumes"),
    ],
    ids=["whole", "a-set-less", "orphaned", "cut", "nothing", "none", "no-time"],
)
def test_collection_status(text, sets, whole, words):
    found = told.parse_status(text)
    assert (len(found.times), found.whole) == (sets, whole)
    assert words in found.told
    if sets == 2:
        assert found.times[0] == datetime(2026, 11, 23, 9, 7, 56, tzinfo=UTC)


def line(name):
    return b"Mon Nov  2 09:07:55 2026 " + name + b"\n"


def test_names_that_cannot_be_asked_for_are_counted():
    listed = b"Last full backup date: none\n" + b"".join(map(line, [b".", b"a b", b"n\nl", b"\xff", b"-q"]))
    names = told.parse_list(listed)
    assert (names.names, names.unaddressable, names.count) == (("a b", "-q"), 2, 5)
    assert told.parse_list(b"").names == ()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Verify complete: 7 files compared, 0 differences found.", (7, 0)),
        ("Verify complete: 1 file compared, 1 difference found.", (1, 1)),
        ("Verify complete: 7 files compared, 0 differences", None),
        ("", None),
    ],
)
def test_compared(text, count):
    assert told.compared(f"Last full\n{text}\n") == count


@given(st.binary(max_size=300), st.integers(0, 255))
def test_no_output_breaks_a_reader(data, status):
    text = data.decode("utf-8", "replace")
    told.parse_status(text)
    told.parse_list(data)
    told.compared(text)
    result = CommandResult(
        command=Command(argv=("x",)), status=status, stdout=data, stderr=data, ended="exit", duration_s=0.0
    )
    assert told.why(result)
    assert "\x1b" not in told.complaint(result)


class Hosts(Shared):
    def __init__(self, remote):
        super().__init__(resolve_secret=lambda reference: lab.PASSPHRASE)
        self.remote = remote

    async def client(self, kind):
        return self

    def host(self, access, remaining):
        return self.remote


class Less(LocalRemote):
    """A host whose duplicity compares fewer entries than it lists, or ends well without a word."""

    def __init__(self, instead: bytes):
        super().__init__()
        self.instead = instead

    async def run(self, command: Command) -> CommandResult:
        result = await super().run(command)
        if "verify" in command.shown:
            return CommandResult(command=command, status=0, stdout=self.instead, stderr=b"", ended="exit",
                                 duration_s=0.0)  # fmt: skip
        return result


async def look(remote, **params):
    check = Duplicity(host="192.0.2.7", user="tech", min_level=5, **params)
    vantage = Vantage(Hosts(remote), "c", 60.0)
    seen = await check.observe(vantage)
    findings = list(check.judge(seen))
    return (
        seen,
        worst(finding.status for finding in findings),
        "\n".join(f.message for f in findings),
        vantage,
    )


@pytest.fixture(scope="module")
def collection(tmp_path_factory) -> Path:
    need("duplicity", root=False)
    folder = tmp_path_factory.mktemp("duplicity")
    files = source(folder)
    (files / "n\nl").write_text("x" * 50)
    (folder / "scratch").mkdir()
    lab.duplicity(folder, "full", str(files), (folder / "made").as_uri(), age_h=6)
    (files / "readme.txt").unlink()
    lab.duplicity(folder, "incremental", str(files), (folder / "made").as_uri(), age_h=2)
    return folder


REAL = pytest.mark.xdist_group("duplicity")


@REAL
async def test_it_is_proven_and_leaves_nothing_behind(collection):
    made, scratch = collection / "made", collection / "scratch"
    seen, status, words, vantage = await look(
        LocalRemote(), url=made.as_uri(), scratch=str(scratch), live=str(collection / "src")
    )
    assert (status, seen.proof_level) == ("pass", 5), words
    assert seen.sample is not None
    assert seen.sample.unaddressable == 1
    assert not list(scratch.iterdir())
    assert any(str(scratch) in note.text for note in vantage.notes())


@REAL
@pytest.mark.parametrize(
    "instead",
    [
        b"Verify complete: 2 files compared, 0 differences found.\n",
        b"",
        b"Verify complete: 0 files compared, ",
    ],
    ids=["fewer", "silent", "cut"],
)
async def test_a_verify_that_looked_at_less_proves_nothing(collection, instead):
    seen, status, words, _ = await look(
        Less(instead), url=(collection / "made").as_uri(), scratch=str(collection / "scratch")
    )
    assert (status, seen.proof_level) == ("inconclusive", 2), words


@REAL
async def test_a_folder_that_is_not_there_is_not_made(collection):
    gone = collection / "gone"
    _, status, words, _ = await look(LocalRemote(), url=gone.as_uri(), scratch=str(collection / "scratch"))
    assert status == "fail", words
    assert not gone.exists()


@REAL
async def test_without_a_place_to_write_it_is_not_told(collection):
    seen, status, words, _ = await look(
        LocalRemote(), url=(collection / "made").as_uri(), scratch=str(collection / "nowhere")
    )
    assert (status, seen.proof_level) == ("inconclusive", 0), words
    assert "No folder can be made" in words


@pytest.mark.parametrize(
    "params",
    [
        {"scratch": "tmp"},
        {"url": "/srv/duplicity"},
        {"url": "sftp://user:word@backup.example.net/x"},
        {"url": "--help://"},
    ],
    ids=["relative", "no-scheme", "password", "option"],
)
def test_parameters_that_do_not_fit_are_refused(params):
    given_ = {"url": "file:///srv/d", "scratch": "/var/tmp", **params}
    with pytest.raises(ValueError, match="'"):
        Duplicity(host="192.0.2.7", user="a", **given_)
