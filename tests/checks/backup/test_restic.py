"""restic: what its words mean, and what must never be taken for a proof. Its forms are in the matrix."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.backup import _restic_repo
from checks.backup.restic import Restic
from checks.contract import Vantage, worst
from checks.jsonable import to_json
from checks.vantage import Earlier, Shared
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from checks.words import Status
from tests.lab import backup_restic as lab
from tests.lab.backup_files import source
from tests.lab.needs import need
from tests.local_remote import LocalRemote

NOW = datetime.now(UTC)
IDS = [f"{number:064x}" for number in range(1, 9)]
GOOD_CHECK = "load indexes\ncheck all packs\nno errors were found\n"
GOOD_READ = "check all packs\n\nread all data\n[0:00] 100.00%  2 / 2 packs\n\nno errors were found\n"


def snapshot(at=0, age_h=2.0, **other):
    moment = NOW - timedelta(hours=age_h)
    return {"time": moment.isoformat(), "tree": "0" * 64, "paths": ["/srv"], "hostname": "files",
            "username": "root", "id": IDS[at], "short_id": IDS[at][:8], **other}  # fmt: skip


class Answers(LocalRemote):
    """A host whose restic says what the test wants: by subcommand, a text or (status, stdout, stderr)."""

    def __init__(self, **answers):
        super().__init__()
        self.answers = {
            "snapshots": json.dumps([snapshot()]), "list": "", "stats": STATS, "check": GOOD_CHECK,
            "read": GOOD_READ, **answers,
        }  # fmt: skip

    async def run(self, command: Command) -> CommandResult:
        self.ran.append(command)
        word = command.argv[1]
        if word == "check" and any(option.startswith("--read-data") for option in command.argv):
            word = "read"
        answer = self.answers[word]
        if callable(answer):
            answer = answer(command)
        status, out, err = (0, answer, "") if isinstance(answer, str) else answer
        return CommandResult(command=command, status=status, stdout=out.encode(), stderr=err.encode(),
                             ended="exit", duration_s=0.1)  # fmt: skip


STATS = json.dumps({"total_size": 900, "total_file_count": 4, "snapshots_count": 1})


class Hosts(Shared):
    def __init__(self, remote, earlier=()):
        super().__init__(
            resolve_secret=lambda reference: f"secret of {reference}",
            history=lambda check, limit: tuple(earlier),
        )
        self.remote = remote

    async def client(self, kind):
        return self

    def host(self, access, remaining):
        return self.remote


async def look(remote, earlier=(), **params):
    monkey = pytest.MonkeyPatch()
    monkey.setattr(_restic_repo, "RETRY_S", 0.0)
    given = {"host": "192.0.2.7", "user": "tech", "repo": "/srv/restic", "password_file": "/etc/pw", **params}
    check = Restic(**given)
    with monkey.context():
        seen = await check.observe(Vantage(Hosts(remote, earlier), "c", 100.0))
    findings = list(check.judge(seen))
    return seen, worst(finding.status for finding in findings), findings


def said(findings):
    return "\n".join(f"{finding.message} {finding.fix}" for finding in findings)


async def test_a_whole_repository_is_proven():
    remote = Answers()
    seen, status, findings = await look(remote)
    assert (status, seen.proof_level, seen.bytes, seen.files) == (Status.PASS, 4, 900, 4), findings
    for command in remote.ran:
        assert "--no-lock" in command.argv
        assert "--no-cache" in command.argv
        assert not command.writes
    assert [command.argv[1] for command in remote.ran] == ["snapshots", "list", "check", "stats", "check"]


DENIED = "Fatal: unable to open repository at /srv/restic: ReadDir: open /srv/restic/keys: permission denied"
NONE = "Fatal: unable to open config file\nIs there a repository at the following location?\n/srv/restic"
NO_PASSWORD = "Fatal: wrong password or no key found"
FATAL = "Fatal: repository contains errors"
RUNNING = json.dumps({"time": "2026-11-23T08:55:05.775794802Z", "exclusive": True, "hostname": "vm",
                      "username": "root", "pid": 20897})  # fmt: skip
CASES = {
    "no restic": (
        {"snapshots": (127, "", "sh: restic: not found")}, Status.INCONCLUSIVE, 0, "no program restic",
    ),
    "denied": ({"snapshots": (1, "", DENIED)}, Status.INCONCLUSIVE, 0, "sudo"),
    "wrong password": ({"snapshots": (1, "", NO_PASSWORD)}, Status.INCONCLUSIVE, 0, "does not open"),
    "wrong password, new code": ({"snapshots": (12, "", "")}, Status.INCONCLUSIVE, 0, "does not open"),
    "no repository": ({"snapshots": (1, "", NONE)}, Status.FAIL, 0, "There is no repository"),
    "no repository, new code": ({"snapshots": (10, "", "x")}, Status.FAIL, 0, "There is no repository"),
    "no repository, or no right to see it": (
        {"snapshots": (1, "", f"{NONE}: permission denied")}, Status.INCONCLUSIVE, 0, "permission denied",
    ),
    "its configuration is cut": (
        {"snapshots": (1, "", "Fatal: config cannot be loaded: ciphertext too small")},
        Status.FAIL, 0, "cannot be opened",
    ),
    "unknown code": ({"snapshots": (77, "", "what")}, Status.INCONCLUSIVE, 0, "status 77"),
    "says nothing": ({"snapshots": ""}, Status.INCONCLUSIVE, 0, "no JSON"),
    "null": ({"snapshots": "null"}, Status.FAIL, 0, "No snapshot is there"),
    "none": ({"snapshots": "[]"}, Status.FAIL, 0, "No snapshot is there"),
    "half a list": ({"snapshots": json.dumps([snapshot()])[:-9]}, Status.INCONCLUSIVE, 0, "no JSON"),
    "time is nonsense": (
        {"snapshots": json.dumps([{**snapshot(), "time": "soon"}])}, Status.INCONCLUSIVE, 0, "no JSON",
    ),
    "newest cannot be loaded": (
        {"snapshots": (0, json.dumps([snapshot()]), "could not load snapshot 0123: invalid data returned")},
        Status.FAIL, 2, "could not load snapshot",
    ),
    "in the future": ({"snapshots": json.dumps([snapshot(age_h=-2)])}, Status.FAIL, 4, "future"),
    "check is silent": ({"check": ""}, Status.INCONCLUSIVE, 2, "does not say"),
    "check says it of something else": (
        {"check": "no errors were found in the index, but"},
        Status.INCONCLUSIVE, 2, "does not say",
    ),
    "check finds errors": (
        {"check": (1, "pack 12: does not exist", FATAL)}, Status.FAIL, 2, "does not exist",
    ),
    "check may not read": (
        {"check": (1, "open /srv/restic/data/12: permission denied", FATAL)},
        Status.INCONCLUSIVE, 2, "denied",
    ),
    "check loses the server": (
        {"check": (1, "dial tcp: i/o timeout", FATAL)}, Status.INCONCLUSIVE, 2, "mend the way",
    ),
    "check is locked": (
        {"check": (11, "", "repository is already locked")}, Status.INCONCLUSIVE, 2, "locked",
    ),
    "check fails otherwise": ({"check": (1, "", "out of memory")}, Status.INCONCLUSIVE, 2, "out of memory"),
    "locked": ({"list": IDS[5], "cat": RUNNING}, Status.INCONCLUSIVE, 2, "locked by PID 20897 on vm by root"),
    "a lock that is gone": ({"list": IDS[5], "cat": (1, "", "")}, Status.INCONCLUSIVE, 2, "a lock that went"),
    "locks are no list": ({"list": "beep"}, Status.INCONCLUSIVE, 2, "list of locks"),
    "data is flipped": (
        {"read": (1, "Pack ID does not match, want 12, got 34", FATAL)}, Status.FAIL, 3, "does not match",
    ),
    "no pack was read": (
        {"read": "read group #1 of 0 data packs\n[0:00]          0 packs\n\nno errors were found\n"},
        Status.INCONCLUSIVE, 3, "single pack",
    ),
    "not every pack was read": (
        {"read": "read all data\n[0:00] 50.00%  1 / 2 packs\n\nno errors were found\n"},
        Status.INCONCLUSIVE, 3, "single pack",
    ),
    "packs of something else": (
        {"read": "[0:00] 100.00%  2 / 2 packs\n\nno errors were found\n"},
        Status.INCONCLUSIVE, 3, "single pack",
    ),
    "shrunk": (
        {"snapshots": json.dumps([
            {**snapshot(0), "summary": {"total_bytes_processed": 10, "total_files_processed": 9}},
            {**snapshot(1, 20), "summary": {"total_bytes_processed": 99, "total_files_processed": 9}},
        ])}, Status.FAIL, 2, "90% less",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_what_restic_says(name):
    answers, status, level, words = CASES[name]
    seen, got, findings = await look(Answers(**answers))
    assert (got, seen.proof_level) == (status, level), said(findings)
    assert words in said(findings)


async def test_each_group_must_be_recent_and_the_stalest_is_judged():
    rows = [snapshot(0, 2), snapshot(1, 400, hostname="mail"), snapshot(2, 300, paths=["/etc"])]
    remote = Answers(snapshots=json.dumps(rows))
    seen, status, findings = await look(remote)
    assert status == Status.FAIL
    assert "3 groups" in said(findings)
    assert "mail: /srv" in said(findings)
    for filters in ({"of_host": "files", "of_path": "/srv"}, {"of_path": "/srv", "of_host": "files"}):
        _, status, _ = await look(remote, **filters)
        assert status == Status.PASS
    _, status, _ = await look(remote, of_host="mail")
    assert status == Status.FAIL
    seen, status, _ = await look(remote, tag="nightly")
    assert (status, seen.proof_level) == (Status.FAIL, 0)


async def test_errors_beside_a_running_backup_are_not_told_as_damage():
    locks = iter(["", IDS[5]])
    remote = Answers(check=(1, "pack 12: does not exist", FATAL), list=lambda _: next(locks), cat=RUNNING)
    seen, status, findings = await look(remote)
    assert (status, seen.proof_level) == (Status.INCONCLUSIVE, 2), said(findings)
    remote = Answers(check=(1, "pack 12: does not exist", FATAL), list=IDS[5], cat=RUNNING)
    _, status, findings = await look(remote, past_lock=True)
    assert status == Status.INCONCLUSIVE, said(findings)


@pytest.mark.parametrize(
    ("ended", "said_there", "expected"),
    [
        ("remote-timeout", f"scanning...pack {IDS[1]}: does not exist\nretrying", Status.FAIL),
        ("total-timeout", f"pack {IDS[1]}: does not exist", Status.FAIL),
        ("remote-timeout", "Load(<data/12>) returned error, retrying: connection", Status.INCONCLUSIVE),
        ("connection-lost", f"pack {IDS[1]}: does not exist", Status.INCONCLUSIVE),
    ],
    ids=["ended by the host", "ended from here", "still asking", "lost"],
)
async def test_a_pack_that_restic_named_as_lost_before_its_time_was_over_is_told(ended, said_there, expected):
    """restic asks for a lost pack of trees again and again, for a quarter of an hour."""
    ran = []

    class Slow(Answers):
        async def run(self, command):
            result = await super().run(command)
            if command.argv[1] != "check":
                return result
            ran.append(command)
            return replace(result, status=None, ended=ended, stdout=b"", stderr=said_there.encode())

    seen, status, findings = await look(Slow())
    assert (status, seen.proof_level) == (expected, 2), said(findings)
    assert ran[0].timeout_s < 95, "some of the 100 s is left to ask who else is at work"


async def test_a_lock_that_goes_is_waited_for():
    locks = iter([IDS[5], ""])
    _, status, _ = await look(Answers(list=lambda _: next(locks), cat=RUNNING))
    assert status == Status.PASS


async def test_sizes_are_measured_a_few_at_a_time_and_remembered():
    rows = [snapshot(at, 2 + 20 * at) for at in range(6)]
    asked = []

    def stats(command):
        asked.append(command.argv[-1])
        return STATS

    seen, _, _ = await look(Answers(snapshots=json.dumps(rows), stats=stats))
    assert asked == IDS[:4]
    assert [past.bytes for past in seen.history] == [900, 900, 900, None, None]
    earlier = (Earlier(at=NOW, status=Status.PASS, observation=to_json(seen)),)
    asked.clear()
    seen, _, _ = await look(Answers(snapshots=json.dumps(rows), stats=stats), earlier)
    assert asked == [IDS[0], *IDS[4:6]]
    assert [past.bytes for past in seen.history] == [900] * 5


async def test_stats_that_found_no_snapshot_are_no_size():
    """restic 0.14 says zero bytes in zero snapshots, with status 0, of a snapshot that it cannot load."""
    nothing = json.dumps({"total_size": 0, "total_file_count": 0, "snapshots_count": 0})
    seen, _, findings = await look(Answers(stats=nothing))
    assert seen.bytes is None
    assert "does not tell the size" in said(findings)


async def test_the_secret_goes_by_standard_input_and_nowhere_else():
    remote = Answers()
    seen, _, _ = await look(remote, password_file=None, repo_password="env:REPO")
    secret = "secret of env:REPO"
    for command in remote.ran:
        assert command.stdin == f"{secret}\n".encode()
        assert secret not in repr((command.argv, command.env, command.shown, command))
    assert secret not in repr(seen)


@pytest.mark.parametrize(
    "params",
    [
        {"password_file": None},
        {"repo_password": "env:X"},
        {"repo": "rest:https://user:word@backup.example.net/"},
        {"subset": "0/7"},
        {"subset": "8/7"},
        {"subset": "0%"},
        {"subset": "101%"},
        {"subset": "0M"},
        {"subset": "--read-data"},
    ],
    ids=lambda params: "-".join(f"{key}={value}" for key, value in params.items()).replace("/", "|"),
)
def test_parameters_that_do_not_fit_are_refused(params):
    with pytest.raises(ValueError, match=r"'|password"):
        Restic(
            **{"host": "192.0.2.7", "user": "a", "repo": "/srv/restic", "password_file": "/etc/pw", **params}
        )


@pytest.mark.parametrize("subset", ["1/7", "7/7", "5%", "0.5%", "100%", "500M", "1g"])
def test_parts_that_can_be_read(subset):
    Restic(host="192.0.2.7", user="a", repo="/r", password_file="/p", subset=subset)


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> Path:
    need("restic", root=False)
    folder = tmp_path_factory.mktemp("restic")
    made = lab.repository(folder / "repo")
    files = source(folder)
    for name in ("-q", "new\nline", "b\udcff", "$(id)"):
        (files / name).write_bytes(name.encode("utf-8", "surrogateescape") * 50)
    lab.backup(made, files, 1)
    (folder / "password").write_text(lab.PASSWORD)
    return made


REAL = pytest.mark.xdist_group("restic")


@REAL
async def test_names_of_any_kind_come_back_or_are_counted(repo):
    params = {"repo": str(repo), "password_file": str(repo.parent / "password"), "min_level": 5}
    seen, _, findings = await look(LocalRemote(), live="/", sample_files=50, **params)
    assert seen.sample is not None, said(findings)
    assert seen.sample.unaddressable == 1
    assert seen.sample.population == 10
    assert {row.outcome for row in seen.sample.files} <= {"same", "skipped"}


@REAL
async def test_the_password_by_standard_input_restores_and_times(repo, monkeypatch):
    monkeypatch.setattr(Hosts, "secret", lambda self, reference: lab.PASSWORD)
    params = {"repo": str(repo), "password_file": None, "repo_password": "env:REPO", "min_level": 5}
    remote = LocalRemote()
    seen, status, findings = await look(remote, live="/", rto=3600.0, sample_files=3, **params)
    assert (status, seen.proof_level) == (Status.PASS, 5), said(findings)
    assert seen.restore is not None
    assert 0 < seen.restore.bytes <= seen.restore.total_bytes == seen.bytes
    assert not any(lab.PASSWORD in " ".join(command.argv) for command in remote.ran)
