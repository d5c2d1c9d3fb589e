"""gonogo trust: a key becomes known by a fingerprint that a person brought, and in no other way."""

from __future__ import annotations

import json
import os
import pty
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.namespaces import wait_for
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User, keypair, sshd

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("sshd-trust")]
ROOT = Path(__file__).parents[3]
GONOGO = (sys.executable, "-c", "from agent.cli.entry import run; run()")
WRONG = "SHA256:" + "A" * 43


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd", "unshare", "nsenter")
    with sshd(tmp_path_factory.mktemp("trust"), [User("tech")], host_keys=("ed25519", "rsa")) as made:
        yield made


def env(home: Path) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    return {**own, "PYTHONPATH": str(ROOT), "HOME": str(home), "NO_COLOR": "1"}


def trust(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GONOGO, "trust", *words], env=env(home), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def stored(home: Path) -> str:
    path = home / ".config" / "gonogo" / "known_hosts"
    return path.read_text() if path.exists() else ""


def test_the_right_fingerprint_makes_the_key_known(server: Sshd, tmp_path: Path) -> None:
    done = trust(tmp_path, server.endpoint, "--fingerprint", server.fingerprint)
    assert done.returncode == 0, done.stderr
    assert stored(tmp_path) in server.known_hosts.read_text()
    path = tmp_path / ".config" / "gonogo" / "known_hosts"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    ssh = subprocess.run(
        ["ssh", "-F", "/dev/null", "-i", server.key_file, "-p", str(server.port), "-o", "BatchMode=yes",
         "-o", f"UserKnownHostsFile={path}", "-o", "StrictHostKeyChecking=yes", f"tech@{server.host}",
         "echo in"],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert ssh.stdout == "in\n", ssh.stderr
    again = trust(tmp_path, server.endpoint, "--fingerprint", server.fingerprint)
    assert (again.returncode, "is known" in again.stderr) == (0, True)
    assert stored(tmp_path).count("\n") == 1


@pytest.mark.parametrize("given", [WRONG, WRONG + "="], ids=["plain", "padded"])
def test_another_fingerprint_stores_nothing(given: str, server: Sshd, tmp_path: Path) -> None:
    done = trust(tmp_path, server.endpoint, "--fingerprint", given)
    assert done.returncode == 4
    assert server.fingerprint in done.stderr
    assert "Nothing was stored" in done.stderr
    assert stored(tmp_path) == ""


@pytest.mark.parametrize("given", ["", "SHA256:", "MD5:aa", "SHA256:" + "A" * 42, "yes"])
def test_half_a_fingerprint_is_refused_before_anybody_is_asked(given: str, tmp_path: Path) -> None:
    done = trust(tmp_path, "192.0.2.1", "--fingerprint", given)
    assert done.returncode == 2, done.stderr


def test_without_a_terminal_the_fingerprint_must_be_given(server: Sshd, tmp_path: Path) -> None:
    done = trust(tmp_path, server.endpoint)
    assert (done.returncode, "--fingerprint" in done.stderr) == (2, True)
    assert stored(tmp_path) == ""


def test_a_changed_key_is_refused_even_with_its_fingerprint(server: Sshd, tmp_path: Path) -> None:
    keypair(tmp_path / "old")
    old = " ".join((tmp_path / "old.pub").read_text().split()[:2])
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(f"# mine\n[{server.host}]:{server.port} {old}\n")
    done = trust(tmp_path, server.endpoint, "--fingerprint", server.fingerprint)
    assert done.returncode == 4
    assert "known_hosts, line 2" in done.stderr
    assert stored(tmp_path) == ""


def test_a_revoked_key_is_refused(server: Sshd, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    key = " ".join(server.known_hosts.read_text().splitlines()[0].split()[1:])
    (tmp_path / ".ssh" / "known_hosts").write_text(f"@revoked * {key}\n")
    done = trust(tmp_path, server.endpoint, "--fingerprint", server.fingerprint)
    assert (done.returncode, "revoked" in done.stderr) == (4, True)
    assert stored(tmp_path) == ""


def test_json(server: Sshd, tmp_path: Path) -> None:
    done = trust(tmp_path, server.endpoint, "--json", "--fingerprint", server.fingerprint)
    told = json.loads(done.stdout)
    assert told == {
        "host": server.host, "port": server.port, "type": "ssh-ed25519", "fingerprint": server.fingerprint,
        "file": str(tmp_path / ".config" / "gonogo" / "known_hosts"), "known": True, "stored": True,
        "problem": "", "fix": "",
    }  # fmt: skip
    refused = json.loads(trust(tmp_path, server.endpoint, "--json", "--fingerprint", WRONG).stdout)
    assert (refused["known"], refused["stored"], WRONG in refused["problem"]) == (False, False, True)


def test_nobody_there_is_neither(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        done = trust(tmp_path, f"127.0.0.1:{held.getsockname()[1]}", "--fingerprint", WRONG)
    assert done.returncode == 3, done.stderr
    assert "refused" in done.stderr


@pytest.mark.parametrize(
    ("typed", "code"), [("{own}", 0), ("{bare}", 0), (WRONG, 4), ("", 4), ("yes", 4)],
    ids=["fingerprint", "digits", "wrong", "nothing", "yes"],
)  # fmt: skip
def test_at_a_terminal_it_must_be_typed(typed: str, code: int, server: Sshd, tmp_path: Path) -> None:
    own, other = pty.openpty()
    program = subprocess.Popen(
        [*GONOGO, "trust", server.endpoint], env=env(tmp_path), stdin=other, stdout=other, stderr=other,
        close_fds=True,
    )  # fmt: skip
    os.close(other)
    shown = b""

    def asked() -> bool:
        nonlocal shown
        if select.select([own], [], [], 0.1)[0]:
            shown += os.read(own, 4096)
        return b"Type it" in shown

    try:
        wait_for(asked, "the fingerprint is asked for", 30)
        assert f"ssh-ed25519 {server.fingerprint}".encode() in shown
        words = typed.format(own=server.fingerprint, bare=server.fingerprint.removeprefix("SHA256:"))
        os.write(own, f"{words}\n".encode())
        assert program.wait(30) == code
    finally:
        program.kill()
        program.wait()
        os.close(own)
    assert bool(stored(tmp_path)) is (code == 0)
