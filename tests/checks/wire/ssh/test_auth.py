"""Logging in to real servers: in by what was given, once each, or told which one thing is missing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.vantage import Shared
from checks.wire.ssh import privatekey, prompts
from checks.wire.ssh.access import Access, SshTrouble
from checks.wire.ssh.client import Ssh
from tests.lab import sshd as lab
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User, keypair, sshd

pytestmark = [pytest.mark.xdist_group("sshd-auth")]
PASSWORD = "Practice-only 1"
USERS = (User("tech", password=PASSWORD), User("other", password=PASSWORD))
KINDS = {
    "key": "",
    "password": lab.PASSWORD,
    "keyboard": lab.KEYBOARD,
    "second": lab.SECOND_FACTOR,
    "both": "PasswordAuthentication yes\nAuthenticationMethods publickey,password\n",
    "strict": "MaxAuthTries 1\n",
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sshd]]:
    need("sshd", "unshare", "nsenter", "ssh-keygen")
    folder = tmp_path_factory.mktemp("auth")
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(sshd(folder, USERS, options)) for name, options in KINDS.items()}


def way(server: Sshd, **given: Any) -> Access:
    given = {"user": "tech", "agent": False, **given}
    return Access(host=server.host, port=server.port, known_hosts=(str(server.known_hosts),), **given)


def login(access: Access) -> str:
    """Log in; return who we are, or raise SshTrouble."""

    async def there() -> str:
        shared = Shared()
        try:
            return (await (await shared.client(Ssh)).host(access).facts()).user
        finally:
            await shared.close()

    return asyncio.run(there())


def trouble(access: Access, stage: str = "auth") -> SshTrouble:
    with pytest.raises(SshTrouble) as caught:
        login(access)
    assert caught.value.stage == stage, caught.value.reason
    for secret in (PASSWORD, "wrong-one", access.key, access.password):
        assert not secret or secret not in caught.value.reason + caught.value.fix
    return caught.value


def key_of(server: Sshd, user: str = "tech") -> str:
    return server.key_of(user).read_text()


@pytest.mark.lab
@pytest.mark.parametrize("kind", ["key", "password", "keyboard", "second", "both", "strict"])
def test_in_by_what_the_server_takes(kind: str, servers: dict[str, Sshd]) -> None:
    server = servers[kind]
    given = {"password": {"password": PASSWORD}, "keyboard": {"password": PASSWORD}}.get(
        kind, {"key": key_of(server)}
    )
    if kind in ("second", "both"):
        given["password"] = PASSWORD
    assert login(way(server, **given)) == "tech"


@pytest.mark.lab
@pytest.mark.parametrize(("kind", "wanted"), [("second", "keyboard-interactive"), ("both", "password")])
def test_a_first_factor_is_no_login(kind: str, wanted: str, servers: dict[str, Sshd]) -> None:
    server = servers[kind]
    told = trouble(way(server, key=key_of(server)), "second-factor")
    assert f"accepts publickey for tech and wants more: {wanted}" in told.reason


@pytest.mark.lab
def test_a_key_that_is_not_taken_is_named_by_its_fingerprint(servers: dict[str, Sshd]) -> None:
    server = servers["key"]
    told = trouble(way(server, key=key_of(server, "other")))
    shown = subprocess.run(
        ["ssh-keygen", "-lf", server.key_of("other")], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert shown in told.reason
    assert "~tech/.ssh/authorized_keys" in told.fix
    assert not told.refused


@pytest.mark.lab
def test_what_the_server_takes_is_told(servers: dict[str, Sshd]) -> None:
    told = trouble(way(servers["key"], password=PASSWORD))
    assert "It takes: publickey." in told.reason
    assert "takes no password" in told.fix
    told = trouble(way(servers["password"], key=key_of(servers["password"])))
    assert "It takes: password." in told.reason
    assert "takes no keys" in told.fix


@pytest.mark.lab
@pytest.mark.parametrize("kind", ["password", "keyboard", "both", "second"])
def test_a_wrong_password_is_tried_once(kind: str, servers: dict[str, Sshd]) -> None:
    server = servers[kind]
    before = server.log.count("Failed password") + server.log.count("Failed keyboard")
    key = key_of(server) if kind in ("both", "second") else ""
    with pytest.raises(SshTrouble) as caught:
        login(way(server, key=key, password="wrong-one"))
    assert caught.value.stage == ("second-factor" if key else "auth")
    after = server.log.count("Failed password") + server.log.count("Failed keyboard")
    passwords = [line for line in server.log.splitlines() if "Failed" in line]
    assert after - before <= (2 if kind == "keyboard" else 1), passwords


@pytest.mark.lab
def test_nothing_is_tried_where_nothing_was_given(servers: dict[str, Sshd]) -> None:
    server = servers["password"]
    before = server.log.count("Failed")
    assert "nothing to log in" in trouble(way(server)).reason
    assert server.log.count("Failed") == before


@pytest.mark.lab
def test_a_server_that_hangs_up_is_not_read_as_a_wrong_key(servers: dict[str, Sshd]) -> None:
    server = servers["strict"]
    assert (
        "closed the connection during the login" in trouble(way(server, key=key_of(server, "other"))).reason
    )


@pytest.mark.lab
def test_no_credential_before_the_host_s_key_is_believed(servers: dict[str, Sshd], tmp_path: Path) -> None:
    server = servers["password"]
    (tmp_path / "empty").write_text("")
    unknown = Access(
        host=server.host,
        port=server.port,
        user="tech",
        password=PASSWORD,
        known_hosts=(str(tmp_path / "empty"),),
    )
    before = server.log.count("Accepted")
    told = trouble(unknown, "host-key")
    assert server.fingerprint in told.reason
    changed = Access(
        host=server.host, port=server.port, user="tech", password=PASSWORD, host_key="SHA256:" + "A" * 43
    )
    assert trouble(changed, "host-key").refused
    assert server.log.count("Accepted") == before


@pytest.mark.lab
def test_the_agent_s_keys_are_offered_a_few_only(servers: dict[str, Sshd], tmp_path: Path) -> None:
    need("ssh-agent", "ssh-add")
    server = servers["key"]
    path = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        lab_wait(path)
        env = {**os.environ, "SSH_AUTH_SOCK": str(path)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSH_AUTH_SOCK", str(path))
            assert "nothing to log in" in trouble(way(server, agent=True)).reason
            subprocess.run(["ssh-add", "-q", server.key_of("tech")], env=env, check=True)
            assert login(way(server, agent=True)) == "tech"
            assert "nothing to log in" in trouble(way(server, agent=False)).reason
            subprocess.run(["ssh-add", "-q", "-D"], env=env, check=True, capture_output=True)
            for number in range(5):
                keypair(tmp_path / f"k{number}")
                subprocess.run(["ssh-add", "-q", tmp_path / f"k{number}"], env=env, check=True)
            assert trouble(way(server, agent=True)).reason.count("the agent's key") == 3
    finally:
        agent.terminate()
        agent.wait()


@pytest.mark.lab
def test_an_agent_that_never_answers_holds_nobody_up(
    servers: dict[str, Sshd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checks.wire.ssh.auth.AGENT_S", 0.2)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "mute"))
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute"))
        mute.listen()
        assert "nothing to log in" in trouble(way(servers["key"], agent=True)).reason


@pytest.mark.lab
def test_keys_as_programs_write_them(servers: dict[str, Sshd], tmp_path: Path) -> None:
    server = servers["key"]
    for kind, extra in (
        ("rsa", ["-m", "PEM"]),
        ("rsa", ["-m", "PKCS8"]),
        ("ecdsa", []),
        ("ecdsa", ["-m", "PEM"]),
    ):
        path = tmp_path / f"{kind}{'-'.join(extra)}"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "open it", *extra, "-f", path], check=True)
        authorized = server.folder / "ssh" / "keys" / "tech"
        before = authorized.read_text()
        authorized.write_text(before + Path(f"{path}.pub").read_text())
        text = path.read_text().rstrip("\n")
        try:
            assert login(way(server, key=text, key_passphrase="open it")) == "tech"
        finally:
            authorized.write_text(before)
        for passphrase, words in (("", "no passphrase is given"), ("close it", "passphrase")):
            with pytest.raises(SshTrouble, match=words):
                privatekey.load(way(server, key=text, key_passphrase=passphrase))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "puttygen"),
        ("ssh-ed25519 AAAA tech\n", "public key"),
        ("hello", "no private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "damaged"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
    ],
    ids=["putty", "public", "text", "openssh", "pkcs8"],
)
def test_keys_that_are_none(text: str, words: str) -> None:
    with pytest.raises(SshTrouble) as caught:
        privatekey.load(Access(host="h", user="tech", key=text))
    assert words in caught.value.reason + caught.value.fix
    assert caught.value.__cause__ is None


def test_a_passphrase_for_a_key_that_needs_none_does_no_harm(tmp_path: Path) -> None:
    need("ssh-keygen", root=False)
    keypair(tmp_path / "plain")
    key = privatekey.load(
        Access(host="h", user="tech", key=(tmp_path / "plain").read_text(), key_passphrase="unused")
    )
    assert key.can_sign()


@given(st.text(max_size=200), st.text(max_size=10))
def test_no_key_is_too_strange(text: str, passphrase: str) -> None:
    with pytest.raises(SshTrouble):
        privatekey.load(Access(host="h", user="tech", key=text, key_passphrase=passphrase))


@pytest.mark.parametrize(
    "prompt",
    [
        "Password: ",
        "(tech@files) Password: ",
        "tech's password:",
        "Passwort:",
        "Mot de passe :",
        "Contraseña: ",
    ],
)
def test_prompts_for_the_password_are_answered_once(prompt: str) -> None:
    answers = prompts.Answers(PASSWORD)
    assert answers.give("", "", [(prompt, False)]) == [PASSWORD]
    assert answers.give("", "", []) == []
    with pytest.raises(prompts.NotAnswered):
        answers.give("", "", [(prompt, False)])
    assert answers.repeated


@pytest.mark.parametrize(
    "prompt",
    [
        "Verification code: ", "One-time password (OATH) for `tech': ", "Passcode:", "New password: ",
        "Enter PASSCODE: ", "Duo two-factor login", "OTP password: ", "Retype new password:", "", "Name:",
    ],
)  # fmt: skip
def test_the_password_is_no_answer_to_anything_else(prompt: str) -> None:
    answers = prompts.Answers(PASSWORD)
    with pytest.raises(prompts.NotAnswered):
        answers.give("", "", [(prompt, False)])
    assert answers.asked_for
    assert not answers.repeated


def lab_wait(path: Path) -> None:
    from tests.lab.namespaces import wait_for

    wait_for(path.exists, "the agent listens")


def test_no_thread_is_left() -> None:
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("ssh", "paramiko"))]


@pytest.mark.lab
@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"])
def test_a_host_with_several_keys_is_asked_for_the_one_that_is_known(
    kind: str, several: Sshd, tmp_path: Path
) -> None:
    lines = several.known_hosts.read_text().splitlines()
    (tmp_path / "one").write_text("".join(f"{line}\n" for line in lines if line.split()[1] == kind))
    access = Access(
        host=several.host, port=several.port, user="tech", agent=False, key=key_of(several),
        known_hosts=(str(tmp_path / "one"),),
    )  # fmt: skip
    assert login(access) == "tech"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd", "unshare", "nsenter", "ssh-keygen")
    with sshd(tmp_path_factory.mktemp("several"), host_keys=("ed25519", "rsa", "ecdsa")) as made:
        yield made
