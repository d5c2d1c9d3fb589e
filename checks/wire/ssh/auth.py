"""Logging in: the key that was given, the agent's, then the password; each is tried once.

A password is sent only where there is one, and never twice: an account is not to be locked by a check. A host
that wants a second factor is told as such, since paramiko takes the first for a login.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from checks.safe import safe
from checks.wire.ssh import privatekey, prompts
from checks.wire.ssh.access import Access, SshTrouble

if TYPE_CHECKING:
    import paramiko

Limit = Callable[[str, float], AbstractContextManager[object]]

AUTH_S = 30.0
AGENT_S = 10.0
MAX_AGENT_KEYS = 3
"""A server hangs up after six attempts (MaxAuthTries), some after three, and its log counts each."""
_BY_PASSWORD = ("password", "keyboard-interactive")


def authenticate(transport: paramiko.Transport, access: Access, limit: Limit) -> None:
    """Return when logged in; raise SshTrouble of stage `auth` or `second-factor` if it cannot be.

    The host's key must have been verified. `limit(stage, seconds)` bounds what waits for the host.
    """
    _Login(transport, access, limit).run()


class _Login:
    """One login: what was tried, and what the host said to it."""

    def __init__(self, transport: paramiko.Transport, access: Access, limit: Limit) -> None:
        self.transport = transport
        self.access = access
        self.limit = limit
        self.tried: list[str] = []
        self.allowed: tuple[str, ...] = ()
        """Methods of which the host said that it takes them; empty: it was not heard to say."""
        self.passed: list[str] = []
        """Methods that it took for the first of several factors."""

    def run(self) -> None:
        access = self.access
        if access.key and self._key(privatekey.load(access), "the private key"):
            return
        if access.agent and not self.passed and self._agent():
            return
        if access.password and self._password():
            return
        raise self._trouble()

    def _key(self, key: paramiko.PKey, called: str) -> bool:
        self.tried.append(f"{called} {key.fingerprint}")
        return self._try("publickey", lambda: self.transport.auth_publickey(self.access.user, key))

    def _agent(self) -> bool:
        if not self._takes("publickey"):
            return False
        with contextlib.closing(Agent()) as agent:
            for key in agent.keys()[:MAX_AGENT_KEYS]:
                if self._key(key, "the agent's key"):
                    return True
                if self.passed or not self._takes("publickey"):
                    return False
        return False

    def _password(self) -> bool:
        access, transport = self.access, self.transport
        if self._takes("password"):
            self.tried.append("the password")
            if self._try(
                "password", lambda: transport.auth_password(access.user, access.password, fallback=False)
            ):
                return True
            if "password" in self.passed or self._takes("password"):
                return False
        if not self._takes("keyboard-interactive"):
            return False
        self.tried.append("the password, as an answer to its prompt")
        answers = prompts.Answers(access.password)
        try:
            return self._try(
                "keyboard-interactive", lambda: transport.auth_interactive(access.user, answers.give)
            )
        finally:
            if answers.asked_for:
                raise self._asked(answers)

    def _takes(self, method: str) -> bool:
        return not self.allowed or method in self.allowed

    def _try(self, method: str, attempt: Callable[[], Sequence[str]]) -> bool:
        """Return whether the host let us in by it; raise SshTrouble where it no longer listens."""
        import paramiko

        transport = self.transport
        try:
            with self.limit("auth", AUTH_S):
                rest = attempt()
        except SshTrouble:
            raise
        except paramiko.BadAuthenticationType as error:
            self.allowed = tuple(str(kind) for kind in error.allowed_types)[:10]
            self.tried[-1] += " (not taken)"
            return False
        except paramiko.AuthenticationException as error:
            if "pubkey algorithm" in str(error):
                raise self._old_signatures() from None
            if "timeout" in str(error):
                raise self._silent() from None
            if not transport.is_active():
                raise self._hung_up() from None
            return False
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._hung_up(str(error)) from None
        if transport.is_authenticated():
            return True
        if not transport.is_active():
            raise self._hung_up()
        self.passed.append(method)
        self.allowed = tuple(str(kind) for kind in rest)[:10]
        return False

    def _trouble(self) -> SshTrouble:
        access, name = self.access, self.access.name
        methods = safe(", ".join(self.allowed), limit=200)
        if self.passed:
            return SshTrouble(
                "second-factor",
                f"{name} accepts {' and '.join(self.passed)} for {access.user} and wants more: {methods}.",
                "Give this check an account that logs in by a key alone (a 'Match User' section with "
                "AuthenticationMethods publickey in sshd_config), or the password if that is wanted.",
            )
        if not self.tried:
            takes = f" It takes: {methods}." if methods else ""
            return SshTrouble(
                "auth",
                f"There is nothing to log in to {name} with: no key, no key of an agent, no password.{takes}",
                "Give 'key', or load a key into the SSH agent, or give 'password'.",
            )
        takes = f" It takes: {methods}." if methods else ""
        return SshTrouble(
            "auth",
            f"{name} does not let {safe(access.user, limit=100)} in. Tried: {', '.join(self.tried)}.{takes}",
            self._fix(),
        )

    def _fix(self) -> str:
        user, name = safe(self.access.user, limit=100), self.access.name
        if self.allowed and not self.access.password and not self._takes("publickey"):
            return f"{name} takes no keys: give 'password', or permit keys there (PubkeyAuthentication yes)."
        keyed = any("key" in what for what in self.tried)
        if not keyed and self.allowed and not set(self.allowed) & set(_BY_PASSWORD):
            return f"{name} takes no password: give a 'key' that stands in ~{user}/.ssh/authorized_keys."
        if keyed and self._takes("publickey"):
            return (
                f"Put the public half of the key into ~{user}/.ssh/authorized_keys on {name}, and see that "
                "the file and its folder belong to that account alone; its log (sshd) says why it refuses."
            )
        return (
            "Correct the account or what 'password' refers to; it is tried once, so that nothing is locked."
        )

    def _asked(self, answers: prompts.Answers) -> SshTrouble:
        name = self.access.name
        asked = safe(answers.asked_for, limit=200)
        if answers.changing:
            return SshTrouble(
                "auth",
                f"{name} wants a new password for {self.access.user} before it lets it in ({asked!r}).",
                "Log in by hand, set the password, then correct what 'password' refers to.",
            )
        if answers.repeated:
            return SshTrouble(
                "auth",
                f"{name} does not accept the password of {self.access.user}: it asks once more ({asked!r}).",
                "Correct what 'password' refers to; it is tried once, so that nothing is locked.",
            )
        return SshTrouble(
            "second-factor",
            f"{name} asks {self.access.user} for something that is not the password: {asked!r}.",
            "Give this check an account that logs in by a key alone (a 'Match User' section with "
            "AuthenticationMethods publickey in sshd_config).",
        )

    def _silent(self) -> SshTrouble:
        return SshTrouble(
            "auth",
            f"{self.access.name} did not answer the login within {AUTH_S:g} s.",
            "Look why its logins are so slow (directory service, name service, PAM), then run it again.",
        )

    def _hung_up(self, said: str = "") -> SshTrouble:
        told = f" ({safe(said, limit=200)})" if said else ""
        return SshTrouble(
            "auth",
            f"{self.access.name} closed the connection during the login of {self.access.user}{told}. "
            f"Tried: {', '.join(self.tried)}.",
            "Look into its log (sshd): too many attempts, an account that may not log in, or a limit of "
            "connections. Give 'key', and 'agent: false' if the agent holds many keys.",
        )

    def _old_signatures(self) -> SshTrouble:
        return SshTrouble(
            "auth",
            f"{self.access.name} takes RSA keys with SHA-1 signatures only, which are no longer supported.",
            "Use an Ed25519 or ECDSA key, or update its SSH server.",
        )


class Agent:
    """The keys of this user's SSH agent; none where there is no agent, or one that does not answer."""

    def __init__(self) -> None:
        self._agent: Any = None

    def keys(self) -> Sequence[paramiko.PKey]:
        """Return the keys, of the first kind first as the agent has them."""
        import paramiko
        from paramiko.agent import AgentSSH, get_agent_connection

        try:
            connection = get_agent_connection()
            if not connection:
                return ()
            if hasattr(connection, "settimeout"):
                connection.settimeout(AGENT_S)
            self._agent = AgentSSH()
            self._agent._connect(connection)
            return tuple(self._agent.get_keys())
        except (paramiko.SSHException, OSError, ValueError, TypeError):
            return ()

    def close(self) -> None:
        """Let the agent go."""
        if self._agent is not None:
            with contextlib.suppress(OSError):
                self._agent._close()
