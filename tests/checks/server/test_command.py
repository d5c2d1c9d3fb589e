"""server.command: only what was said, whole and in time, passes; a program that did not run says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from checks.server.command import CommandSeen, OwnCommand
from checks.words import Status, worst
from tests.checks.hostile import assert_harmless
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User, sshd
from tests.logged_in import run, status

pytestmark = [pytest.mark.xdist_group("sshd-reachable")]
S = Status


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd", "sudo", "unshare", "nsenter")
    users = [User("tech", sudo="NOPASSWD: ALL"), User("plain")]
    with sshd(tmp_path_factory.mktemp("command"), users) as made:
        yield made


@pytest.mark.lab
@pytest.mark.parametrize(
    ("params", "word", "words"),
    [
        ({"argv": ["echo", "UP and running"], "match": "^UP"}, S.PASS, "UP and running"),
        ({"argv": ["echo", "DOWN"], "match": "^UP"}, S.FAIL, "No line"),
        ({"argv": ["true"], "match": "^UP"}, S.FAIL, "No line"),
        ({"argv": ["true"], "absent": "error"}, S.INCONCLUSIVE, "said nothing"),
        ({"argv": ["sh", "-c", "echo fine; echo error >&2"], "absent": "error"}, S.FAIL, "says: error"),
        ({"argv": ["echo", "fine"], "absent": "error"}, S.PASS, "does not say"),
        ({"argv": ["true"], "status": 0}, S.PASS, "as expected"),
        ({"argv": ["false"], "status": 1}, S.PASS, "as expected"),
        ({"argv": ["sh", "-c", "echo UP; exit 3"], "match": "UP"}, S.FAIL, "status 3, not 0"),
        ({"argv": ["no-such-program"], "status": 0}, S.INCONCLUSIVE, "no program no-such-program"),
        ({"argv": ["/etc/passwd"], "status": 0}, S.INCONCLUSIVE, "may not be run"),
        ({"argv": ["sleep", "77"], "status": 0, "max_duration": 1}, S.INCONCLUSIVE, "did not end"),
        ({"argv": ["yes"], "match": "y"}, S.INCONCLUSIVE, "more than 65536 bytes"),
        ({"argv": ["sh", "-c", "echo UP; kill -9 $$"], "match": "UP"}, S.INCONCLUSIVE, ""),
        ({"argv": ["printf", "%s", "a|b; echo $HOME *"], "match": r"^a\|b; echo \$HOME \*$"}, S.PASS, ""),
        ({"argv": ["id", "-un"], "match": "^root$"}, S.FAIL, "No line"),
        ({"argv": ["id", "-un"], "match": "^root$", "sudo": True}, S.PASS, ""),
        ({"argv": ["no-such-program"], "status": 1, "sudo": True}, S.INCONCLUSIVE, "no-such-program"),
        ({"argv": ["id"], "status": 1, "sudo": True, "user": "plain"}, S.INCONCLUSIVE, "NOPASSWD"),
    ],
    ids=[
        "said", "not-said", "silence", "absent-of-nothing", "on-stderr", "absent", "status", "another-status",
        "wrong-status", "no-program", "no-executable", "too-long", "flood", "signal", "no-shell", "no-sudo",
        "sudo", "sudo-no-program", "sudo-denied",
    ],
)  # fmt: skip
def test_what_a_command_says(server: Sshd, params: dict[str, Any], word: Status, words: str) -> None:
    login = server.params(str(params.get("user", "tech")))
    _, findings = run("server.command", {**login, **params})
    text = "\n".join(f"{item.message} [{item.observed}]{item.fix}" for item in findings)
    assert status(findings) is word, text
    assert words in text


@pytest.mark.lab
def test_nothing_is_left_running_that_took_too_long(server: Sshd) -> None:
    from tests.lab.namespaces import wait_for

    run("server.command", {**server.params(), "argv": ["sleep", "4711"], "status": 0, "max_duration": 1})
    wait_for(lambda: not any("4711" in line for line in server.commands()), "the command is gone")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"argv": ("true",)}, "merely ran"),
        ({"argv": (" ",), "status": 0}, "begins with the program"),
        ({"argv": ("a", "b\0c"), "status": 0}, "zero byte"),
    ],
    ids=["nothing-asked", "no-program", "zero"],
)
def test_parameters_that_ask_for_nothing(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        OwnCommand(host="app.example.com", user="tech", **params)


def test_both_a_match_and_an_absence_must_hold() -> None:
    check = OwnCommand(host="app.example.com", user="tech", argv=("x",), match="UP", absent="error")
    for text, word in (("UP\n", S.PASS), ("UP\nerror\n", S.FAIL), ("error\n", S.FAIL), ("", S.FAIL)):
        assert (
            worst(item.status for item in check.judge(CommandSeen(status=0, stdout=text, stderr=""))) is word
        )


def test_what_it_says_is_harmless_to_see() -> None:
    check = OwnCommand(host="app.example.com", user="tech", argv=("x",), match="never", absent="evil")
    seen = CommandSeen(status=0, stdout="\x1b]52;c;evil\x07\u202e\n" * 50, stderr="")
    assert_harmless(check.judge(seen))
