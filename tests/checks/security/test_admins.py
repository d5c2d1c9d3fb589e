"""Administrators of an inventory: real sudo rules over real SSH, Windows by its documents, what is unread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.contract import CannotTell
from checks.remote.check import Login
from checks.security._admins import Admin, AdminsOf, AdminsSeen
from checks.security._admins_linux import READ, read_linux
from checks.security._admins_windows import account, of_windows
from checks.security.admins import Admins
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from checks.words import worst
from tests.checks.wire.test_tcp import free_port
from tests.lab import need
from tests.lab.sshd import Sshd, User, sshd
from tests.logged_in import run
from tests.scripted_remote import ScriptedRemote, ended

RULES = """
User_Alias OPS = erin, %netops
Cmnd_Alias LOOK = /usr/bin/id
%sudo ALL=(ALL:ALL) ALL
OPS ALL=(ALL) NOPASSWD: ALL
bob ALL=(root) LOOK
carol ALL=(backup) /usr/bin/id
dave ALL=(ALL) ALL, !/bin/su
%nosuchgroup ALL=(ALL) ALL
"""
USERS = [
    User("tech", sudo="NOPASSWD: ALL"), User("alice", groups=("sudo",)), User("bob"), User("carol"),
    User("dave"), User("erin"), User("frank", groups=("netops",)),
    User("gina", groups=("docker",)), User("henry"),
]  # fmt: skip
ALL = ["root", "tech", "alice", "dave", "erin", "frank", "gina", "bob"]
pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("security-admins")]


def said(findings):
    found = list(findings)
    return str(worst(item.status for item in found)), " ".join(
        f"{f.subject}: {f.message} [{f.observed}] {f.fix}" for f in found
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd", "sudo", "cvtsudoers")
    with sshd(tmp_path_factory.mktemp("admins"), users=USERS, sudoers=RULES) as running:
        yield running


def ask(server: Sshd, approved: list[str], user: str = "tech", **more: Any) -> tuple[Any, str, str]:
    login = {key: value for key, value in server.params(user).items() if key != "agent"}
    given_ = {"inventory": [login], "approved": approved, "agent": False} | more
    seen, findings = run("security.admins", given_)
    return seen, *said(findings)


def test_all_that_may_are_found_on_a_real_host(server: Sshd) -> None:
    seen, status, told = ask(server, ALL, sudo=True)
    assert status == "pass", told
    found = {admin.name for machine in seen.machines for admin in machine.admins}
    assert found == set(ALL), "carol may do one thing as somebody else, henry nothing"


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("alice", "fail", "group sudo"), ("erin", "fail", "sudo: everything"),
        ("frank", "fail", "group netops"), ("dave", "fail", "everything"),
        ("gina", "fail", "as good as root"), ("root", "fail", "uid 0"),
        ("bob", "warn", "some things"),
    ],
)  # fmt: skip
def test_each_of_them_must_be_approved(server: Sshd, name: str, status: str, words: str) -> None:
    _, found, told = ask(server, [one for one in ALL if one != name], sudo=True)
    assert found == status, told
    assert f"{name} " in told
    assert words in told


def test_a_group_may_be_approved_and_a_name_that_is_left_over_is_told(server: Sshd) -> None:
    groups = [one for one in ALL if one not in ("alice", "frank")]
    _, status, told = ask(server, [*groups, "%sudo", "%netops"], sudo=True)
    assert status == "pass", told
    _, status, told = ask(server, [*ALL, "henry"], sudo=True)
    assert status == "warn"
    assert "henry" in told


def test_a_second_root_is_found(server: Sshd) -> None:
    passwd = server.run("cat", "/etc/passwd").stdout
    try:
        server.run("sh", "-c", "cat >>/etc/passwd", text="toor:x:0:0::/root:/bin/sh\n")
        _, status, told = ask(server, ALL, sudo=True)
    finally:
        server.run("sh", "-c", "cat >/etc/passwd", text=passwd)
    assert status == "fail"
    assert "toor is an administrator" in told


def test_without_the_right_to_read_sudo_s_rules_nothing_passes(server: Sshd) -> None:
    _, status, told = ask(server, ALL)
    assert status == "inconclusive", told
    assert "sudo's rules could not be read by this account" in told
    _, status, told = ask(server, [one for one in ALL if one != "alice"])
    assert status == "fail", "who is in the group sudo is seen without"
    _, status, told = ask(server, ALL, user="root")
    assert status == "pass", told


def test_a_rule_that_cannot_be_read_is_told(server: Sshd) -> None:
    rules = server.run("cat", "/etc/sudoers").stdout
    try:
        server.run("sh", "-c", "cat >>/etc/sudoers", text="henry ALL= (broken\n")
        _, status, told = ask(server, ALL, user="root")
    finally:
        server.run("sh", "-c", "cat >/etc/sudoers", text=rules)
    assert status == "inconclusive", told


def test_who_cannot_be_reached_has_administrators_nobody_knows(server: Sshd) -> None:
    login = {key: value for key, value in server.params().items() if key != "agent"}
    gone = login | {"host": f"127.0.0.1:{free_port()}"}
    both = {"inventory": [login | {"sudo": True}, gone], "approved": ALL, "agent": False}
    status, told = said(run("security.admins", both)[1])
    assert status == "inconclusive", told
    assert gone["host"] in told


def script(
    rules: str = "", status: str = "none", sources: str = "files", more: str = "", **change: str
) -> bytes:
    parts = [
        change.get("passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh"), "passwd",
        change.get("group", "root:x:0:\nann:x:1000:"), "group", rules, status, sources, "nsswitch", more,
        "more", "ann", "end",
    ]  # fmt: skip
    return "\0".join(parts).encode()


def linux(*answers: bytes) -> AdminsOf:
    left = list(answers)

    def answer(command: Command) -> CommandResult:
        words = command.argv[4:]
        return ended(command, left.pop(0) if left else b"\0" * (len(words) + 1) + b"end")

    return asyncio.run(read_linux(ScriptedRemote(answer), ""))


DIRECTORY = (
    '{"User_Specs": [{"User_List": [{"usergroup": "domain admins"}], "Cmnd_Specs": '
    '[{"runasusers": [{"username": "ALL"}], "Commands": [{"command": "ALL"}]}]}]}'
)


def judged(machine: AdminsOf, *approved: str) -> tuple[str, str]:
    check = Admins(user="t", inventory=(Login(host=machine.name),), approved=approved)
    return said(check.judge(AdminsSeen(machines=(machine,))))


def test_groups_of_a_directory() -> None:
    for group, named, status in (
        ("\0\0end", "%domain admins", "pass"),
        ("\0\0end", "", "inconclusive"),
        ("\0domain admins:*:5000:ann,bea\n\0end", "", "fail"),
        ("\0domain admins:*:5000:ann,bea\n\0end", "%domain admins", "pass"),
    ):
        found = linux(script(DIRECTORY, "0", "files sss"), group.encode())
        assert judged(found, "root", *([named] if named else []))[0] == status, (group, named)
    nobody = linux(script(DIRECTORY, "0", "files"), b"\0\0end")
    assert judged(nobody, "root")[0] == "pass", "without a directory a group that does not exist has nobody"
    with pytest.raises(CannotTell):
        linux(script(DIRECTORY, "0", "files sss"), b"\0\0")


def test_everybody_and_rules_that_are_kept_elsewhere() -> None:
    everybody = DIRECTORY.replace('"usergroup": "domain admins"', '"username": "ALL"')
    assert judged(linux(script(everybody, "0")), "root")[0] == "fail"
    assert judged(linux(script(more="the rules of /etc/doas.conf\n")), "root")[0] == "inconclusive"
    assert judged(linux(script(status="absent")), "root")[0] == "inconclusive"
    assert judged(linux(script(passwd="")), "root")[0] == "inconclusive"
    assert judged(linux(script()), "root")[0] == "pass"
    locked = linux(script(DIRECTORY.replace('"usergroup": "domain admins"', '"username": "ann"'), "0"))
    found, told = judged(locked, "root")
    assert (found, "ann (sudo: everything, no password, perhaps a key)" in told) == ("fail", True)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=60), st.sampled_from(["0", "1"]))
def test_no_answer_of_linux_breaks_a_reader(data: bytes, rules: str, status: str) -> None:
    with contextlib.suppress(CannotTell):
        linux(data)
    with contextlib.suppress(CannotTell):
        linux(script(rules.replace("\0", ""), status, passwd=data.decode(errors="replace").replace("\0", "")))


def member(path: str, kind: str = "User") -> dict[str, str]:
    return {"path": f"WinNT://{path}", "class": kind}


def windows(members: list[dict[str, str]], *more: dict[str, Any], **told: Any) -> AdminsOf:
    top = {"path": "WinNT://PC-01/Administratoren", "members": members}
    given_ = {"computer": "PC-01", "top": "Administratoren", "groups": [top, *more], "unfinished": False}
    return of_windows(given_ | told, "pc-01")


OWN, BOSS = member("CONTOSO/PC-01/Administrator"), member("CONTOSO/boss")
DOMAIN = member("CONTOSO/Domain Admins", "Group")
INNER = {"path": "WinNT://CONTOSO/Domain Admins", "members": [BOSS, member("CONTOSO/Tier0", "Group")]}
DEEP = {"path": "WinNT://CONTOSO/Tier0", "members": [member("CONTOSO/eve"), DOMAIN]}


def test_windows_and_groups_in_groups() -> None:
    found = windows([OWN, DOMAIN], INNER, DEEP, locals=[{"name": "Administrator", "enabled": False}])
    names = {one.name for one in found.admins}
    assert names == {r"PC-01\Administrator", r"CONTOSO\boss", r"CONTOSO\eve"}
    assert judged(found, "administrator", r"contoso\BOSS", r"CONTOSO\eve")[0] == "pass"
    assert judged(found, "Administrator", r"CONTOSO\Domain Admins")[0] == "pass"
    status, told = judged(found, "Administrator", r"CONTOSO\boss")
    assert (status, r"CONTOSO\\eve" in told or r"CONTOSO\eve" in told) == ("fail", True)
    assert "disabled" in judged(found, "root")[1]
    assert judged(found, "Administrator", "boss", "eve")[0] == "fail", "a bare name is the machine's own"


def test_windows_that_does_not_tell_everything() -> None:
    half = windows([OWN, DOMAIN], INNER | {"members": [], "error": "Access is denied."})
    assert judged(half, "Administrator")[0] == "inconclusive"
    assert judged(half, "Administrator", r"CONTOSO\Domain Admins")[0] == "pass"
    assert judged(windows([OWN, DOMAIN]), "Administrator")[0] == "inconclusive", (
        "the group was never followed"
    )
    assert judged(windows([OWN], unfinished=True), "Administrator")[0] == "inconclusive"
    assert judged(windows([]), "Administrator")[0] == "inconclusive"
    assert judged(of_windows({}, "pc-01"), "Administrator")[0] == "inconclusive"
    orphan = windows([OWN, member("S-1-5-21-1-2-3-1104")])
    assert judged(orphan, "Administrator")[0] == "fail"
    assert account("LDAP://x/y") == account("") == ""


@given(
    st.recursive(st.none() | st.text() | st.booleans(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_no_answer_of_windows_breaks_a_reader(data: Any) -> None:
    of_windows({"groups": data, "locals": data, "computer": data, "top": data}, "x")
    of_windows({"groups": [{"path": "WinNT:///", "members": data}]}, "x")


def test_nobody_found_is_no_pass() -> None:
    for machine in (AdminsOf(name="a"), AdminsOf(name="a", admins=(Admin(name="x", why="y", limited=True),))):
        assert judged(machine, "x", "root")[0] == "inconclusive"
    check = Admins(user="t", inventory=(Login(host="a"),), approved=("root",))
    assert said(check.judge(AdminsSeen(machines=())))[0] == "inconclusive"
    for wrong in ("*", " root"):
        with pytest.raises(ValueError, match="approved"):
            Admins(user="t", inventory=(Login(host="a"),), approved=(wrong,))
    assert not READ.writes
