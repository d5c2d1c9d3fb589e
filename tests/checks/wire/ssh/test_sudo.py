"""sudo's own refusals, by a real sudo: each means another thing, and none is the program's own answer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.ssh import sudo
from checks.wire.ssh.access import SshTrouble
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User, sshd

pytestmark = [pytest.mark.xdist_group("sshd-sudo")]
PASSWORD = "Practice-only 1"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd", "sudo", "unshare", "nsenter", "setpriv")
    users = [
        User("free", sudo="NOPASSWD: ALL"),
        User("one", sudo="(root) NOPASSWD: /usr/bin/id"),
        User("asked", sudo="ALL", password=PASSWORD),
        User("only", sudo="/usr/bin/id", password=PASSWORD),
        User("none", password=PASSWORD),
        User("tty", sudo="NOPASSWD: ALL"),
    ]
    with sshd(tmp_path_factory.mktemp("sudo"), users, sudoers="Defaults:tty requiretty") as server:
        yield server


def ran(
    argv: Sequence[str], status: int | None, out: str, err: str, *, as_user: str = "root"
) -> CommandResult:
    return CommandResult(
        command=Command(argv=tuple(argv), as_user=as_user), status=status, stdout=out.encode(),
        stderr=err.encode(), ended="exit" if status is not None else "signal", duration_s=0.1,
    )  # fmt: skip


def run(host: Sshd, user: str, *argv: str, words: Sequence[str] = (), text: str = "") -> CommandResult:
    done = subprocess.run(
        [*host.words(user), "setsid", *(words or sudo.wrap(argv, "root"))],
        input=text, capture_output=True, text=True, check=False, timeout=30, env={"LC_ALL": "C"},
    )  # fmt: skip
    return ran(argv, done.returncode, done.stdout, done.stderr)


def told(host: Sshd, user: str, *argv: str) -> SshTrouble:
    found = sudo.denied(run(host, user, *argv), user=user, name="files", path="/usr/bin/id")
    assert found is not None
    return found


@pytest.mark.lab
def test_what_is_permitted_runs_as_that_user(host: Sshd) -> None:
    for user in ("free", "one"):
        done = run(host, user, "id", "-un")
        assert done.text == "root\n"
        assert sudo.denied(done) is None


@pytest.mark.lab
def test_the_exact_rule_is_told_where_none_covers_the_command(host: Sshd) -> None:
    for user in ("asked", "none"):
        trouble = told(host, user, "id")
        assert (trouble.stage, trouble.refused) == ("sudo", False)
        assert f"{user} ALL=(root) NOPASSWD: /usr/bin/id" in trouble.fix
        assert "asks for a password" in trouble.reason
    other = sudo.denied(run(host, "one", "cat", "/etc/shadow"), user="one", name="files", path="/usr/bin/cat")
    assert other is not None
    assert "one ALL=(root) NOPASSWD: /usr/bin/cat" in other.fix


@pytest.mark.lab
def test_the_rule_that_is_told_is_the_rule_that_is_missing(host: Sshd) -> None:
    rule = told(host, "none", "id").fix.partition(": ")[2].split(" Or give")[0]
    path = host.folder / "sudoers"
    before = path.read_text()
    path.write_text(f"{before}{rule.rstrip('.')}\n")
    try:
        assert run(host, "none", "id", "-un").text == "root\n"
    finally:
        path.write_text(before)


@pytest.mark.lab
def test_a_terminal_that_is_required(host: Sshd) -> None:
    assert "Defaults:tty !requiretty" in told(host, "tty", "id").fix


@pytest.mark.lab
def test_a_program_that_is_not_there_is_no_answer_of_it(host: Sshd) -> None:
    done = run(host, "free", "no-such-program")
    assert done.status == 1
    trouble = sudo.denied(done, name="files")
    assert trouble is not None
    assert (trouble.stage, "no program no-such-program" in trouble.reason) == ("run", True)


@pytest.mark.lab
def test_the_program_s_own_no_is_its_answer(host: Sshd) -> None:
    done = run(host, "free", "grep", "absent", "/etc/hostname")
    assert (done.status, sudo.denied(done)) == (1, None)
    own = run(host, "free", "sh", "-c", "echo lost >&2; exit 1")
    assert sudo.denied(own) is None


@pytest.mark.lab
def test_an_unknown_user(host: Sshd) -> None:
    done = run(host, "free", words=sudo.wrap(("id",), "nobody-here"))
    assert sudo.denied(ran(("id",), done.status, "", done.errors, as_user="nobody-here")) is not None
    assert "unknown user" in done.errors


@pytest.mark.lab
def test_a_password_is_tried_alone_and_once(host: Sshd) -> None:
    refused = run(host, "asked", "id")
    assert sudo.wants_password(refused)
    wrong = run(host, "asked", words=sudo.trial("root"), text="not-it\n")
    assert sudo.wrong_password(wrong)
    assert "1 incorrect password attempt" in wrong.errors
    right = run(host, "asked", words=sudo.trial("root"), text=f"{PASSWORD}\n")
    assert right.ok
    assert not sudo.wrong_password(right)


@pytest.mark.lab
def test_a_right_password_that_permits_something_else_is_right(host: Sshd) -> None:
    done = run(host, "only", words=sudo.trial("root"), text=f"{PASSWORD}\n")
    assert not done.ok
    assert not sudo.wrong_password(done)
    used = run(host, "only", words=sudo.wrap_with_password(("id", "-un"), "root"), text=f"{PASSWORD}\n")
    assert used.text == "root\n"
    denied = run(
        host, "only", "cat", words=sudo.wrap_with_password(("cat",), "root"), text=f"{PASSWORD}\nmore\n"
    )
    trouble = sudo.denied(denied, user="only", name="files", path="/usr/bin/cat")
    assert trouble is not None
    assert "does not permit only to run cat as root" in trouble.reason


@pytest.mark.lab
def test_the_password_is_not_what_the_command_reads(host: Sshd) -> None:
    done = run(host, "asked", words=sudo.wrap_with_password(("cat",), "root"), text=f"{PASSWORD}\nafter it")
    assert done.text == "after it"


@pytest.mark.lab
def test_a_user_that_is_in_no_rule_and_types_the_password(host: Sshd) -> None:
    done = run(host, "none", "id", words=sudo.wrap_with_password(("id",), "root"), text=f"{PASSWORD}\n")
    trouble = sudo.denied(done, user="none", name="files", path="/usr/bin/id")
    assert trouble is not None
    assert "none ALL=(root) NOPASSWD: /usr/bin/id" in trouble.fix


@pytest.mark.parametrize(
    ("status", "err"),
    [
        (127, "sh: 1: sudo: not found"),
        (127, "sh: line 1: exec: sudo: not found"),
        (127, "timeout: failed to run command 'sudo': No such file or directory"),
        (126, "sh: 1: sudo: Permission denied"),
        (127, "env: 'sudo': No such file or directory"),
    ],
    ids=["dash", "bash", "timeout", "denied", "env"],
)
def test_no_sudo_at_all(status: int, err: str) -> None:
    trouble = sudo.denied(ran(("id",), status, "", err), name="files")
    assert trouble is not None
    assert "Install sudo on files" in trouble.fix


@pytest.mark.parametrize(
    "line",
    [
        "sudo: /etc/sudo.conf is world writable",
        "sudo: something that no version said so far",
        "sudo: no valid sudoers sources found, quitting",
        "sudo: PAM account management error: Permission denied",
        'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.',
        "sudo-rs: interactive authentication is required",
        "sudo: I'm sorry tech. I'm afraid I can't do that",
    ],
)
def test_whatever_else_sudo_says_is_no_answer_of_the_program(line: str) -> None:
    assert sudo.denied(ran(("grep", "x"), 1, "", f"sudo: unable to resolve host files\n{line}\n")) is not None


def test_a_warning_of_sudo_alone_is_no_refusal() -> None:
    assert sudo.denied(ran(("grep", "x"), 1, "", "sudo: unable to resolve host files: unknown\n")) is None


def test_who_needs_no_sudo_is_never_denied_by_it() -> None:
    assert sudo.denied(ran(("grep",), 1, "", "sudo: a password is required", as_user="")) is None


def test_a_rule_for_a_shell_says_what_it_permits() -> None:
    trouble = sudo.denied(
        ran(("sh", "-c", "ls", "count-files"), 1, "", "sudo: a password is required"),
        user="tech",
        path="/bin/sh",
    )
    assert trouble is not None
    assert "count-files" in trouble.reason
    assert "permits everything" in trouble.fix


@given(st.text(max_size=400), st.sampled_from([0, 1, 2, 126, 127, None]))
def test_no_words_of_a_host_are_too_strange(err: str, status: int | None) -> None:
    found = sudo.denied(ran(("id",), status, "", err))
    assert found is None or (found.reason.isprintable() and found.fix.isprintable())
