"""The lab's SSH servers are what they say: asked by the ssh of this machine, not by our own client."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import sshd as lab
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User, sshd

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("sshd")]
SECRET = "Practice-only 1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd", "ssh", "unshare", "nsenter", "setpriv", "sudo")
    users = [
        User("tech", groups=("sudo", "office"), sudo="NOPASSWD: ALL"),
        User("plain"),
        User("asked", password=SECRET, sudo="ALL"),
        User("slow", shell=lab.SLOW_SHELL),
    ]
    with sshd(tmp_path_factory.mktemp("sshd"), users, "AllowTcpForwarding yes\n") as made:
        yield made


def ssh(server: Sshd, user: str, *command: str, options: tuple[str, ...] = (), text: str = "") -> str:
    done = subprocess.run(
        ["ssh", "-F", "/dev/null", "-i", server.key_of(user), "-p", str(server.port), "-l", user,
         "-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "StrictHostKeyChecking=yes",
         "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", *options, server.host, *command],
        capture_output=True, text=True, input=text, check=False, timeout=30,
        env={key: value for key, value in os.environ.items() if key != "SSH_AUTH_SOCK"},
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_user_logs_in_by_key_and_is_who_it_should_be(server: Sshd) -> None:
    assert ssh(server, "tech", "id -un; id -Gn; id -u; pwd; ls -d /home/*").split() == [
        "tech", "tech", "sudo", "office", "2001", "/home/tech",
        "/home/asked", "/home/plain", "/home/slow", "/home/tech",
    ]  # fmt: skip


def test_sudo_is_as_its_line_says(server: Sshd) -> None:
    assert ssh(server, "tech", "sudo -n id -u").strip() == "0"
    assert "a password is required" in ssh(server, "plain", "sudo -n id -u")
    assert "a password is required" in ssh(server, "asked", "sudo -n id -u")
    assert ssh(server, "asked", "sudo -S -p '' -k id -u", text=f"{SECRET}\n").strip() == "0"


def test_nothing_of_it_is_on_the_machine(server: Sshd) -> None:
    assert "tech:" not in Path("/etc/passwd").read_text()
    server.run("sh", "-c", "echo mine >/srv/mine; mkdir /srv/deep")
    assert not Path("/srv/mine").exists()
    assert (server.folder / "srv" / "mine").read_text() == "mine\n"
    with pytest.raises(ValueError, match="made on the machine"):
        server.bind(server.folder, "/not-here")


def test_its_own_folders_are_shown(server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("shown")
    tmp_path.chmod(0o755)
    server.bind(tmp_path, "/srv/data")
    assert ssh(server, "plain", "cat /srv/data/file") == "shown"
    assert server.run("id", "-un", user="plain").stdout.strip() == "plain"


def test_a_shell_is_as_slow_as_it_says(server: Sshd) -> None:
    began = time.monotonic()
    assert ssh(server, "slow", "echo there").strip() == "there"
    assert time.monotonic() - began >= lab.SLOW_S


def test_what_was_left_behind_goes_with_the_server(tmp_path: Path) -> None:
    need("sshd", "ssh", "unshare", "nsenter")
    with sshd(tmp_path, [User("tech")], without=("sudo",), banner="Practice only\n") as server:
        assert "Practice only" in ssh(server, "tech", "true")
        assert "not found" in ssh(server, "tech", "sudo -n true")
        left = ssh(server, "tech", "setsid sleep 4321 >/dev/null 2>&1 & echo started")
        assert "started" in left.split()
        assert any("4321" in line for line in server.commands())
        pids = server.pids()
    assert len(pids) >= 2
    assert not any(Path(f"/proc/{pid}").exists() and _alive(pid) for pid in pids)


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash", "/bin/dash", "/bin/tcsh", "/usr/bin/fish"])
def test_login_shells(shell: str, tmp_path: Path) -> None:
    need("sshd", "ssh", "unshare", "nsenter", shell)
    with sshd(tmp_path, [User("tech", shell=shell)]) as server:
        assert ssh(server, "tech", "echo word").strip() == "word"


def test_each_kind_of_login_asks_for_what_it_says(tmp_path: Path) -> None:
    need("sshd", "ssh", "unshare", "nsenter")
    who = [User("tech", password=SECRET)]
    asked = {
        lab.PASSWORD: "(password)",
        lab.KEYBOARD: "(keyboard-interactive)",
        lab.SECOND_FACTOR: "(keyboard-interactive)",
    }
    for options, words in asked.items():
        with sshd(tmp_path, who, options) as server:
            assert f"Permission denied {words}" in ssh(server, "tech", "true"), server.log
    with sshd(tmp_path, who, lab.SHA1) as server:
        assert "ssh-rsa" in ssh(
            server, "tech", "true", options=("-o", "KexAlgorithms=+diffie-hellman-group14-sha1")
        )
    with sshd(tmp_path, who, lab.NO_JUMP) as server:
        assert "administratively prohibited" in ssh(
            server, "tech", options=("-W", f"127.0.0.1:{server.port}")
        )


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
