"""A server that asks for more than the password: told by what it asked, and given nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from checks.vantage import Shared
from checks.wire.ssh.access import Access, SshTrouble
from checks.wire.ssh.client import Ssh

PASSWORD = "Practice-only 1"


class Asking:
    """An SSH server that asks these prompts, one exchange each, and then lets nobody in."""

    def __init__(self, prompts: list[list[str]]) -> None:
        import paramiko

        self.answers: list[str] = []
        self._ear = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._ear.getsockname()
        self._key = paramiko.ECDSAKey.generate()
        self.fingerprint = self._key.fingerprint
        self._prompts = prompts
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        import paramiko

        asking = self

        class Server(paramiko.ServerInterface):
            def get_allowed_auths(self, username):
                return "keyboard-interactive"

            def check_auth_interactive(self, username, submethods):
                return self._next()

            def check_auth_interactive_response(self, responses):
                asking.answers += responses
                return self._next()

            def _next(self):
                if not asking._prompts:
                    return paramiko.AUTH_FAILED
                return paramiko.InteractiveQuery("", "", *((text, False) for text in asking._prompts.pop(0)))

        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            peer, _ = self._ear.accept()
            transport = paramiko.Transport(peer)
            try:
                transport.add_server_key(self._key)
                transport.start_server(server=Server())
                transport.join(20)
            finally:
                transport.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._ear.shutdown(socket.SHUT_RDWR)
        self._ear.close()
        self._thread.join(10)


@contextlib.contextmanager
def asking(*prompts: list[str]) -> Iterator[Asking]:
    with contextlib.closing(Asking(list(prompts))) as made:
        yield made


def trouble(server: Asking) -> SshTrouble:
    async def there() -> None:
        shared = Shared()
        try:
            way = Access(
                host=server.host, port=server.port, user="tech", password=PASSWORD, agent=False,
                host_key=server.fingerprint,
            )  # fmt: skip
            await (await shared.client(Ssh)).host(way).facts()
        finally:
            await shared.close()

    with pytest.raises(SshTrouble) as caught:
        asyncio.run(there())
    assert PASSWORD not in caught.value.reason + caught.value.fix
    return caught.value


@pytest.mark.parametrize("prompt", ["Verification code: ", "Enter PASSCODE: ", "OTP password: "])
def test_a_code_is_a_second_factor_and_gets_no_password(
    prompt: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with asking([prompt]) as server:
        told = trouble(server)
    assert (told.stage, server.answers) == ("second-factor", [])
    assert prompt.strip() in told.reason
    assert capfd.readouterr().err == ""


def test_a_code_after_the_password() -> None:
    with asking(["Password: "], ["Verification code: "]) as server:
        told = trouble(server)
    assert (told.stage, server.answers) == ("second-factor", [PASSWORD])


def test_the_password_twice_is_a_wrong_password() -> None:
    with asking(["Password: "], ["Password: "]) as server:
        told = trouble(server)
    assert (told.stage, server.answers) == ("auth", [PASSWORD])
    assert "does not accept the password" in told.reason


def test_an_expired_password_is_not_changed() -> None:
    with asking(["Password: "], ["Current password: "], ["New password: "]) as server:
        told = trouble(server)
    assert (told.stage, server.answers) == ("auth", [PASSWORD])


def test_both_at_once_gets_nothing() -> None:
    with asking(["Password: ", "Verification code: "]) as server:
        told = trouble(server)
    assert (told.stage, server.answers) == ("second-factor", [])


def test_a_prompt_that_would_act_on_a_terminal_is_harmless() -> None:
    with asking(["\x1b]52;c;evil\x07\u202e" + "x" * 5000]) as server:
        told = trouble(server)
    assert told.reason.isprintable()
    assert len(told.reason) < 1000
