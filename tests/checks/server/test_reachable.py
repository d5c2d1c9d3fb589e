"""server.reachable against real servers: what the server itself said fails, everything else stays open."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.server import _system, reachable
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from checks.words import Status
from tests.lab import sshd as lab
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User, sshd
from tests.logged_in import run, status

pytestmark = [pytest.mark.xdist_group("sshd-reachable")]
S = Status
PASSWORD = "Practice-only 1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd", "sudo", "unshare", "nsenter")
    users = [
        User("tech", sudo="NOPASSWD: ALL"),
        User("plain"),
        User("asked", sudo="ALL", password=PASSWORD),
        User("slow", shell=lab.SLOW_SHELL),
        User("noisy", shell=lab.NOISY_SHELL),
        User("barred", shell=lab.NO_SHELL),
    ]
    with sshd(tmp_path_factory.mktemp("reach"), users, lab.JUMP) as made:
        yield made


def look(params: dict[str, Any]) -> tuple[Any, Status, str]:
    seen, findings = run("server.reachable", params)
    text = "\n".join(f"{item.message} [{item.observed}] {item.fix}" for item in findings)
    return seen, status(findings), text


@pytest.mark.lab
def test_a_server_as_planned(server: Sshd) -> None:
    seen, word, text = look(
        {**server.params(), "sudo": True, "need_sudo": True, "system": "Linux", "min_uptime": 1}
    )
    assert word is S.PASS, text
    assert seen.facts.user == "tech"
    assert server.fingerprint in text
    assert "A command ran as root" in text


@pytest.mark.lab
@pytest.mark.parametrize(
    ("more", "word", "words"),
    [
        ({"system": "Windows Server 2022"}, S.FAIL, "not Windows Server 2022"),
        ({"min_uptime": 86400 * 3000}, S.FAIL, "restarted"),
        ({"user": "plain", "sudo": True, "need_sudo": True}, S.FAIL, "plain ALL=(root) NOPASSWD: "),
        ({"user": "plain", "sudo": True}, S.WARN, "plain ALL=(root) NOPASSWD: "),
        ({"user": "slow"}, S.WARN, "login shell of slow takes"),
        ({"user": "noisy"}, S.PASS, ""),
        ({"user": "barred"}, S.INCONCLUSIVE, "stage run"),
        ({"user": "nobody-here"}, S.INCONCLUSIVE, "stage auth"),
        ({"host_key": "SHA256:" + "A" * 43}, S.FAIL, "Do not log in"),
        ({"known_hosts": "/dev/null"}, S.INCONCLUSIVE, "gonogo trust"),
    ],
    ids=[
        "system", "uptime", "sudo", "sudo-warns", "slow", "noisy", "no-shell", "no-user", "changed",
        "unknown",
    ],
)  # fmt: skip
def test_one_thing_that_is_not_as_planned(
    server: Sshd, more: dict[str, Any], word: Status, words: str
) -> None:
    user = str(more.get("user", "tech"))
    login = server.params(user if user in server.users else "tech")
    seen, found, text = look({**login, **more})
    assert found is word, text
    assert words in text
    assert seen is not None


@pytest.mark.lab
def test_sudo_with_its_password(server: Sshd, tmp_path: Path) -> None:
    asked = {**server.params("asked"), "sudo": True, "need_sudo": True}
    assert look(asked)[1] is S.FAIL
    asked["sudo_password"] = f"file:{server.password_file('asked')}"
    assert look(asked)[1] is S.PASS
    (tmp_path / "wrong").write_text("wrong-one")
    asked["sudo_password"] = f"file:{tmp_path / 'wrong'}"
    _, word, text = look(asked)
    assert word is S.FAIL
    assert "does not accept the password" in text


@pytest.mark.lab
def test_a_closed_port_is_the_host_s_own_word_and_silence_is_not(server: Sshd) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{held.getsockname()[1]}"
        _, word, text = look({**server.params(), "host": closed})
    assert word is S.FAIL, text
    assert "stage connect" in text
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.closing(_Saying(other, b"220 mail.example.net ESMTP\r\n")) as said:
            _, word, text = look({**server.params(), "host": said.endpoint})
    assert word is S.INCONCLUSIVE, text
    assert "stage banner" in text
    assert "not an SSH server" in text


@pytest.mark.lab
def test_through_a_jump_host_both_keys_count(server: Sshd, tmp_path: Path) -> None:
    with sshd(tmp_path, [User("tech")], lab.NO_JUMP) as far:
        both = tmp_path / "both"
        both.write_text(server.known_hosts.read_text() + far.known_hosts.read_text())
        login = {**far.params(), "known_hosts": str(both)}
        hop = {"host": server.endpoint, "key": f"file:{server.key_of('tech')}"}
        seen, word, text = look({**login, "jump": hop})
        assert word is S.PASS, text
        assert far.fingerprint in seen.facts.host_key
        wrong = {"host_key": "SHA256:" + "A" * 43}
        assert look({**login, "jump": hop, **wrong})[1] is S.FAIL
        assert look({**login, "jump": {**hop, **wrong}})[1] is S.INCONCLUSIVE
        assert look({**login, "jump": {**hop, "host": "127.0.0.1:1"}})[1] is S.INCONCLUSIVE
        back = {**server.params(), "known_hosts": str(both)}
        refusing = {"host": far.endpoint, "key": f"file:{far.key_of('tech')}"}
        _, word, text = look({**back, "jump": refusing})
        assert word is S.INCONCLUSIVE
        assert "AllowTcpForwarding" in text


@pytest.mark.lab
def test_a_server_of_sha_1_only_is_told_as_such(tmp_path: Path) -> None:
    need("sshd", "unshare", "nsenter")
    with sshd(tmp_path, [User("tech")], lab.SHA1) as old:
        _, word, text = look(old.params())
    assert word is S.INCONCLUSIVE
    assert "SHA-1" in text


def test_need_sudo_is_nothing_without_sudo() -> None:
    with pytest.raises(ValueError, match="'sudo: true'"):
        reachable.Reachable(host="files.example.com", user="tech", need_sudo=True)


def test_a_record_without_facts_is_no_login() -> None:
    check = reachable.Reachable(host="files.example.com", user="tech")
    (finding,) = check.judge(reachable.ReachableSeen(stopped=None))
    assert finding.status is S.INCONCLUSIVE


def said(text: str, *, status: int | None = 0) -> CommandResult:
    return CommandResult(
        command=Command(argv=("sh",)), status=status, stdout=text.encode(), stderr=b"",
        ended="exit" if status is not None else "connection-lost", duration_s=0.1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name", "uptime"),
    [
        (
            'kernel Linux 6.1\nname "Debian GNU/Linux 12"\nuptime 35.5 20\nnow 5\nend\n',
            "Debian GNU/Linux 12",
            35.5,
        ),
        ("kernel Linux 5\nuptime 7 7\nnow 5\nend\n", "Linux 5", 7.0),
        ("kernel FreeBSD 14.1\nboottime { sec = 900, usec = 1 } Mon\nnow 1000\nend\n", "FreeBSD 14.1", 100.0),
        ("kernel FreeBSD 14.1\nboottime { sec = 1900, usec = 1 } Mon\nnow 1000\nend\n", "FreeBSD 14.1", None),
        ('kernel Linux 6.1\nname "Debian GNU/Linux 12"\nuptime 35.5 20\n', "", None),
        ("", "", None),
        ("end\n", "", None),
    ],
    ids=["linux", "no-name", "bsd", "future", "cut", "empty", "nothing"],
)
def test_what_a_system_says_of_itself(text: str, name: str, uptime: float | None) -> None:
    found = _system.of_posix(said(text))
    assert (found.name, found.uptime_s) == (name, uptime)
    assert _system.of_posix(said(text, status=None)) == _system.System()


def test_what_windows_says_of_itself() -> None:
    text = '{"name":"Microsoft Windows Server 2022 Standard","up":86400.5,"kernel":"10.0.20348"}\r\n'
    found = _system.of_windows(said(text))
    assert found.name == "Microsoft Windows Server 2022 Standard"
    assert found.uptime_s == 86400.5


@given(st.text(max_size=300))
def test_no_answer_is_too_strange(text: str) -> None:
    _system.of_posix(said(text + "\nend"))
    _system.of_windows(said(text))


class _Saying:
    """Says one thing to whoever connects first."""

    def __init__(self, ear: socket.socket, words: bytes) -> None:
        import threading

        host, port = ear.getsockname()
        self.endpoint = f"{host}:{port}"
        self._ear = ear
        self._words = words
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            peer, _ = self._ear.accept()
            with peer:
                peer.sendall(self._words)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._ear.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
