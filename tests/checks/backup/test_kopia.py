"""kopia: what is made of output as its documentation and sources describe it."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup import _kopia as told
from checks.backup.kopia import Kopia
from checks.contract import CannotTell, Status, Vantage, worst
from checks.vantage import Shared
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from tests.local_remote import LocalRemote

NOW = datetime.now(UTC)
GOOD = (0, "", "Processed 3 objects.\nFinished processing 7 objects.\n")


def snapshot(age_h=2.0, path="/srv", summ=None, **other):
    moment = (NOW - timedelta(hours=age_h)).isoformat().replace("+00:00", "Z")
    return {
        "id": f"id{age_h}", "source": {"host": "files", "userName": "root", "path": path}, "description": "",
        "startTime": moment, "endTime": moment,
        "stats": {"totalSize": 900, "fileCount": 5, "errorCount": 0},
        "rootEntry": {"name": "srv", "type": "d", "obj": "k0123abcd",
                      "summ": {"size": 900, "files": 5, "numFailed": 0, **(summ or {})}}, **other,
    }  # fmt: skip


class Answers(LocalRemote):
    def __init__(self, rows, verify=GOOD, read=GOOD):
        super().__init__()
        listed = rows if isinstance(rows, tuple) else (0, json.dumps(rows), "")
        self.answers = {"list": listed, "verify": verify, "read": read}

    async def run(self, command: Command) -> CommandResult:
        self.ran.append(command)
        word = "read" if "--verify-files-percent=100" in command.argv else command.argv[2]
        status, out, err = self.answers[word]
        return CommandResult(command=command, status=status, stdout=out.encode(), stderr=err.encode(),
                             ended="exit", duration_s=0.1)  # fmt: skip


class Hosts(Shared):
    def __init__(self, remote):
        super().__init__()
        self.remote = remote

    async def client(self, kind):
        return self

    def host(self, access, remaining):
        return self.remote


BAD = (1, "", "failed on srv/a: object is backed by missing blob p1\nencountered 1 errors")
CASES = {
    "whole": ([snapshot()], {}, {}, Status.PASS, 4),
    "none": ([], {}, {}, Status.FAIL, 0),
    "null": ((0, "null", ""), {}, {}, Status.FAIL, 0),
    "silent": ((0, "", ""), {}, {}, Status.INCONCLUSIVE, 0),
    "half": ((0, json.dumps([snapshot()])[:-8], ""), {}, {}, Status.INCONCLUSIVE, 0),
    "not connected": ((1, "", "repository is not connected"), {}, {}, Status.INCONCLUSIVE, 0),
    "incomplete only": ([snapshot(incomplete="canceled")], {}, {}, Status.FAIL, 0),
    "newest incomplete": ([snapshot(incomplete="canceled"), snapshot(40)], {}, {}, Status.FAIL, 4),
    "failed files": ([snapshot(summ={"numFailed": 2})], {}, {}, Status.FAIL, 2),
    "stalest source": ([snapshot(), snapshot(400, "/etc")], {}, {}, Status.FAIL, 4),
    "source named": ([snapshot(), snapshot(400, "/etc")], {}, {"source": "root@files:/srv"}, Status.PASS, 4),
    "source by path": ([snapshot(), snapshot(400, "/etc")], {}, {"source": "/srv"}, Status.PASS, 4),
    "another source": ([snapshot()], {}, {"source": "/home"}, Status.FAIL, 0),
    "verify looked at nothing": ([snapshot()], {"verify": (0, "", "")}, {}, Status.INCONCLUSIVE, 2),
    "verify looked at the folder": (
        [snapshot()], {"verify": (0, "", "Finished processing 1 objects.")}, {}, Status.INCONCLUSIVE, 2,
    ),
    "a blob is missing": ([snapshot()], {"verify": BAD}, {}, Status.FAIL, 2),
    "a blob is damaged": ([snapshot()], {"read": (1, "", "error reading object k1: invalid checksum")}, {},
                          Status.FAIL, 3),
    "may not read": ([snapshot()], {"read": (1, "", "error reading k1: permission denied")}, {},
                     Status.INCONCLUSIVE, 3),
    "fails otherwise": ([snapshot()], {"verify": (1, "", "unknown flag")}, {}, Status.INCONCLUSIVE, 2),
    "shrunk": ([snapshot(), snapshot(20, summ={"size": 9000})], {}, {}, Status.FAIL, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_what_kopia_says(name):
    rows, answers, params, status, level = CASES[name]
    remote = Answers(rows, **answers)
    check = Kopia(host="192.0.2.7", user="tech", **params)
    seen = await check.observe(Vantage(Hosts(remote), "c", 60.0))
    findings = list(check.judge(seen))
    told_ = "\n".join(finding.message for finding in findings)
    assert (worst(finding.status for finding in findings), seen.proof_level) == (status, level), told_
    assert all("--no-auto-maintenance" in command.argv for command in remote.ran)


def line(name, mode="-rw-r--r--", stamp="2026-11-23 08:47:19 UTC"):
    return f"{mode}       300000 {stamp} k0123456789abcdef0123456789abcdef  {name}\n".encode(
        "utf-8", "surrogateescape"
    )


def test_files_of_a_list():
    output = b"".join([
        line("docs/", "drwxr-xr-x"), line("docs/a b"), line("link", "Lrwxrwxrwx"), line("n\nl"),
        line("\udcff"), line("last"),
    ])  # fmt: skip
    files, odd = told.parse_list(output)
    assert [(file.path, file.size) for file in files] == [("docs/a b", 300000), ("last", 300000)]
    assert odd == 2
    assert told.parse_list(line("a", stamp="2026-99-23 08:47:19 UTC")) == ([], 1)


@given(st.one_of(st.binary(max_size=200), st.lists(st.dictionaries(
    st.sampled_from(["id", "source", "rootEntry", "startTime", "stats", "incomplete"]),
    st.one_of(st.none(), st.text(max_size=9), st.integers(), st.dictionaries(st.text(), st.integers())),
)).map(lambda rows: json.dumps(rows).encode())))  # fmt: skip
def test_no_output_breaks_a_reader(data):
    with contextlib.suppress(CannotTell):
        told.parse_snapshots(data)
    told.parse_list(data)
    assert told.processed(data.decode("utf-8", "replace")) >= 0
