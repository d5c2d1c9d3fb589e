"""No secret of a login or a repository is seen by anybody: argv, environment, ledger, reports, logs, traces.

On the server every program of a session goes by a shim first, which writes down how it was called; on this
side the run's own processes are read while they live. A word that must be found shows that this is looked at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.needs import need, tool
from tests.lab.sshd import Sshd, User, sshd

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("sshd-secrets")]
ROOT = Path(__file__).parents[1]
GONOGO = (sys.executable, "-c", "from agent.cli.entry import run; run()")
SECRETS = {
    "passphrase": "Bitter-Lemon-4711-key",
    "password": "Yellow-Walrus-0815-login",
    "repository": "Quiet-Harbour-2323-restic",
    "wrong": "Purple-Anchor-9999-wrong",
}
CONTROL = "visible-word-1357"
PROGRAMS = ("sudo", "restic", "timeout", "id", "env", "printf", "mktemp", "nice", "ionice", "runuser")
SHIM = """#!/bin/sh
for part in cmdline environ; do tr '\\0' '\\n' <"/proc/$$/$part"; done >"/srv/seen/{name}.$$" 2>/dev/null
exec {program} "$@"
"""


@dataclass
class Ran:
    """What a run left behind anywhere."""

    code: int
    stdout: str
    stderr: str
    called: str
    """argv and environment of every process, here and on the server."""
    results: dict[str, str]
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd", "sudo", "restic", "unshare", "nsenter", "setpriv", "ssh-keygen")
    users = [
        User("tech", sudo="ALL", password=SECRETS["password"]),
        User("word", password=SECRETS["password"], key=False),
    ]
    options = (
        "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication yes\nLogLevel DEBUG1\n"
        "SetEnv PATH=/srv/shims:/usr/bin:/bin\n"
    )
    with sshd(tmp_path_factory.mktemp("secrets"), users, options) as made:
        _shims(made)
        _repository(made)
        yield made


def _shims(server: Sshd) -> None:
    shims, seen = server.folder / "srv" / "shims", server.folder / "srv" / "seen"
    for folder, mode in ((shims, 0o755), (seen, 0o1777)):
        folder.mkdir()
        folder.chmod(mode)
    for name in PROGRAMS:
        path = shims / name
        path.write_text(SHIM.format(name=name, program=tool(name)))
        path.chmod(0o755)


def _repository(server: Sshd) -> None:
    data = server.folder / "home" / "tech" / "data"
    data.mkdir()
    (data / "file").write_text("practice" * 100)
    secret = server.folder / "home" / "tech" / "secret"
    secret.write_text(SECRETS["repository"])
    words = ["env", "HOME=/home/tech", "restic", "-q", "-r", "/home/tech/repo", "-p", "/home/tech/secret"]
    server.run("chown", "-R", "tech:tech", "/home/tech")
    server.run(*words, "init", user="tech")
    server.run(*words, "backup", "/home/tech/data", user="tech")
    secret.unlink()


def project(server: Sshd, folder: Path, *, wrong: bool) -> Path:
    """Write a project with every kind of secret, all right or all wrong."""
    folder.mkdir()
    given = {kind: SECRETS["wrong"] if wrong else secret for kind, secret in SECRETS.items()}
    for kind, secret in given.items():
        (folder / kind).write_text(secret + "\n")
    (folder / "key").touch(0o600)
    (folder / "key").write_text(server.key_of("tech").read_text())
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", SECRETS["passphrase"], "-f", folder / "key"], check=True
    )
    shared = {
        "host": server.endpoint,
        "known_hosts": str(server.known_hosts),
        "agent": False,
        "milestone": "ready",
    }
    key = {"user": "tech", "key": f"file:{folder / 'key'}", "key_passphrase": f"file:{folder / 'passphrase'}"}
    word = {"user": "word", "password": f"file:{folder / 'password'}"}
    sudo = {"sudo": True, "sudo_password": f"file:{folder / 'password'}"}
    plain = {"user": "tech", "key": f"file:{server.key_of('tech')}"}
    checks = {
        "by-key": {"type": "server.reachable", **key, **sudo, "need_sudo": True},
        "by-word": {"type": "server.reachable", **word},
        "control": {"type": "server.command", **plain, "argv": ["printf", CONTROL], "match": CONTROL},
        "as-root": {"type": "server.command", **plain, **sudo, "argv": ["id", "-u"], "match": "^0$"},
        "restic": {
            "type": "backup.restic", **plain, "repo": "/home/tech/repo",
            "repo_password": f"file:{folder / 'repository'}", "rpo": "1h", "min_level": 4,
        },
        "restic-root": {
            "type": "backup.restic", **plain, **sudo, "repo": "/home/tech/repo",
            "repo_password": f"file:{folder / 'repository'}", "rpo": "1h", "min_level": 3,
        },
    }  # fmt: skip
    file = folder / "move.yaml"
    file.write_text(
        json.dumps({
            "gonogo": 1, "project": {"name": "Secrets", "timezone": "UTC"},
            "milestones": {"ready": {"title": "Ready"}},
            "checks": {name: {**shared, **check} for name, check in checks.items()},
        })
    )  # fmt: skip
    return file


def watched(server: Sshd, file: Path, *words: str) -> Ran:
    """Run gonogo and look at every process of it meanwhile."""
    seen = server.folder / "srv" / "seen"
    for path in seen.iterdir():
        path.unlink()
    program = subprocess.Popen(
        [*GONOGO, *words], cwd=file.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GONOGO_DEBUG": "1", "HOME": str(file.parent)},
    )  # fmt: skip
    called: set[bytes] = set()
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(program.pid, server, called, over))
    watcher.start()
    try:
        stdout, stderr = program.communicate(timeout=120)
    finally:
        program.kill()
        over.set()
        watcher.join()
    there = {path.name: path.read_text(errors="replace") for path in seen.iterdir()}
    assert any(name.startswith("timeout.") for name in there), "no command went by the shims"
    everything = b"\n".join(called).decode(errors="replace") + "\n".join(there.values())
    kept = {str(path): path.read_bytes() for path in file.parent.rglob("*") if path.is_file()}
    results = {}
    if "--json" in words:
        results = {item["check"]: item["status"] for item in json.loads(stdout)["results"]}
    return Ran(program.returncode, stdout, stderr, everything, results, kept)


def _watch(pid: int, server: Sshd, called: set[bytes], over: threading.Event) -> None:
    while not over.wait(0.02):
        for one in {pid, *server.pids()}:
            for part in ("cmdline", "environ"):
                try:
                    called.add(Path(f"/proc/{one}/{part}").read_bytes().replace(b"\0", b"\n"))
                except OSError:
                    continue


def assert_unseen(ran: Ran, server: Sshd) -> None:
    """Assert that no secret stands anywhere but in the files that hold it."""
    own = {"passphrase", "password", "repository", "wrong"}
    places = {
        "stdout": ran.stdout.encode(), "stderr": ran.stderr.encode(), "processes": ran.called.encode(),
        "the server's log": server.log.encode(),
        **{name: data for name, data in ran.files.items() if Path(name).name not in own},
    }  # fmt: skip
    assert any(name.endswith(".db") for name in places), "there is no ledger to look into"
    for kind, secret in SECRETS.items():
        for place, data in places.items():
            assert secret.encode() not in data, f"the {kind} is in {place}"
            assert secret.encode("utf-16-le") not in data, f"the {kind} is in {place}"
    private = (server.key_of("tech").read_text()).splitlines()[2].encode()
    for place, data in places.items():
        assert private not in data, f"the private key is in {place}"


def test_a_run_that_used_every_secret(server: Sshd, tmp_path: Path) -> None:
    file = project(server, tmp_path / "right", wrong=False)
    ran = watched(server, file, "run", str(file), "--json", "--junit", "junit.xml")
    assert ran.results == dict.fromkeys(
        ("by-key", "by-word", "control", "as-root", "restic", "restic-root"), "pass"
    ), ran.stdout[-6000:]
    assert CONTROL in ran.called
    assert "sudo\n-S" in ran.called
    assert "restic" in ran.called
    assert_unseen(ran, server)
    for words in (
        ("status", str(file), "--check", "restic"),
        ("status", str(file), "--all"),
        ("plan", str(file)),
    ):
        told = subprocess.run(
            [*GONOGO, *words], cwd=file.parent, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(file.parent)},
        )  # fmt: skip
        assert told.stdout, told.stderr
        for kind, secret in SECRETS.items():
            assert secret not in told.stdout + told.stderr, kind


def test_a_run_whose_secrets_were_all_wrong(server: Sshd, tmp_path: Path) -> None:
    file = project(server, tmp_path / "wrong", wrong=True)
    ran = watched(server, file, "run", str(file), "--json", "--junit", "junit.xml")
    assert ran.results.pop("control") == "pass"
    assert "pass" not in ran.results.values(), ran.results
    assert_unseen(ran, server)


def test_a_secret_on_a_command_line_would_be_found(server: Sshd, tmp_path: Path) -> None:
    file = project(server, tmp_path / "told", wrong=False)
    file.write_text(file.read_text().replace(CONTROL, SECRETS["wrong"]))
    ran = watched(server, file, "run", str(file), "--only", "control", "--json")
    assert SECRETS["wrong"] in ran.called
    with pytest.raises(AssertionError, match="the wrong is in"):
        assert_unseen(ran, server)
