"""What the checks that look at a server over SSH have in common: where it is and how it is logged into."""

from __future__ import annotations

import copy
import dataclasses
from typing import Annotated, Any, ClassVar, TypeVar, cast

from checks.bounds import Len
from checks.contract import Check, Vantage
from checks.dataclass import dataclass
from checks.params import Endpoint, Port, SecretRef, split_endpoint
from checks.wire.ssh.access import PORT, Access
from checks.wire.ssh.remote import Remote

Seen = TypeVar("Seen")
User = Annotated[str, Len(1, 104)]
Fingerprint = Annotated[str, Len(8, 200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A jump host. What is left out is as for the host behind it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    host: Endpoint
    user: User | None = None
    key: SecretRef | None = None
    key_passphrase: SecretRef | None = None
    password: SecretRef | None = None
    host_key: Fingerprint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Another server, such as the old one. What is left out is as for the check's own host."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    host: Endpoint
    user: User | None = None
    key: SecretRef | None = None
    key_passphrase: SecretRef | None = None
    password: SecretRef | None = None
    host_key: Fingerprint | None = None
    known_hosts: Annotated[str, Len(1, 4096)] | None = None
    jump: Hop | None = None
    sudo: bool | None = None
    sudo_password: SecretRef | None = None


class RemoteCheck(Check[Seen]):
    """The parameters by which one server is logged into over SSH. Nothing on it is changed."""

    deadline_s = 120.0

    host: Endpoint
    """The server's name or address, with the port of its SSH server if that is not 22."""
    user: User
    """The account that logs in."""
    port: Port | None = None
    """Port of its SSH server, where it is not written behind the host."""
    key: SecretRef | None = None
    """Reference to the private key: `file:~/.ssh/id_ed25519`. Left out, the SSH agent's keys are offered."""
    key_passphrase: SecretRef | None = None
    """Reference to the passphrase of the private key."""
    password: SecretRef | None = None
    """Reference to the account's password, for the methods password and keyboard-interactive."""
    agent: bool = True
    """Whether the keys of the SSH agent are offered, after `key` and before `password`."""
    host_key: Fingerprint | None = None
    """Fingerprint of the server's key (`SHA256:...`), as `ssh-keygen -lf` on its console shows it. Left out,
    the key must stand in a known_hosts file; `gonogo trust` puts it there."""
    known_hosts: Annotated[str, Len(1, 4096)] | None = None
    """Another known_hosts file, beside this user's, the system's and gonogo's own."""
    jump: Hop | None = None
    """The jump host through which the server is reached: `{host: bastion.example.net, user: tech}`."""
    sudo: bool = False
    """Whether commands that need it are run by sudo as root; it is never used without."""
    sudo_password: SecretRef | None = None
    """Reference to the password that sudo asks for, where it is not the rule NOPASSWD."""

    def __post_init__(self) -> None:
        require_login(self)

    @property
    def root(self) -> str:
        """Return whom commands that need it run as: `root` where sudo may be used, else nobody else."""
        return "root" if self.sudo else ""


def require_login(check: RemoteCheck[Any]) -> None:
    """Raise ValueError where the parameters contradict each other."""
    _, given = split_endpoint(check.host)
    if given and check.port is not None and given != check.port:
        raise ValueError("The port is written twice: behind 'host' and as 'port'.")
    if check.key_passphrase is not None and check.key is None:
        raise ValueError("'key_passphrase' belongs to a 'key'.")
    if check.sudo_password is not None and not check.sudo:
        raise ValueError("'sudo_password' is used with 'sudo: true' only.")
    if check.host_key is not None and not check.host_key.startswith(("SHA256:", "MD5:")):
        raise ValueError("'host_key' is a fingerprint like SHA256:..., as ssh-keygen -lf shows it.")


def access(asking: Check[Any], vantage: Vantage, login: Login | None = None) -> Access:
    """Return the way into the check's host, or into `login`; raise CannotTell for a secret not to be had."""
    check = cast("RemoteCheck[Any]", asking) if login is None else at_login(asking, login)
    host, given = split_endpoint(check.host)
    secret = vantage.secret
    own = Access(
        host=host,
        port=check.port or given or PORT,
        user=check.user,
        key=secret(check.key) if check.key else "",
        key_passphrase=secret(check.key_passphrase) if check.key_passphrase else "",
        password=secret(check.password) if check.password else "",
        agent=check.agent,
        host_key=check.host_key or "",
        known_hosts=(check.known_hosts,) if check.known_hosts else (),
        sudo_password=secret(check.sudo_password) if check.sudo_password else "",
    )
    return dataclasses.replace(own, jump=_hop(check.jump, own, vantage)) if check.jump else own


def at_login(asking: Check[Any], login: Login) -> RemoteCheck[Any]:
    """Return the check (a RemoteCheck, or one with the defaults of many logins) as if it looked at `login`.

    Only its login is used: what a type asks of its parameters together does not hold of this one.
    """
    check = cast("RemoteCheck[Any]", asking)
    own: dict[str, Any] = {"port": None, "host_key": login.host_key, "jump": login.jump or check.jump}
    own["known_hosts"] = login.known_hosts or check.known_hosts
    if login.key or login.password:
        own |= {"key": login.key, "key_passphrase": login.key_passphrase, "password": login.password}
    if login.sudo is not None:
        own |= {"sudo": login.sudo, "sudo_password": login.sudo_password}
    elif login.sudo_password is not None:
        own |= {"sudo_password": login.sudo_password}
    other = copy.copy(check)
    for name, value in (own | {"host": login.host, "user": login.user or check.user}).items():
        object.__setattr__(other, name, value)
    require_login(other)
    return other


def _hop(hop: Hop, own: Access, vantage: Vantage) -> Access:
    host, port = split_endpoint(hop.host)
    another = bool(hop.key or hop.password)
    secret = vantage.secret
    passphrase = secret(hop.key_passphrase) if hop.key_passphrase else ""
    return Access(
        host=host,
        port=port or PORT,
        user=hop.user or own.user,
        key=(secret(hop.key) if hop.key else "") if another else own.key,
        key_passphrase=passphrase if another else own.key_passphrase,
        password=(secret(hop.password) if hop.password else "") if another else own.password,
        agent=own.agent,
        host_key=hop.host_key or "",
        known_hosts=own.known_hosts,
    )


async def remote(check: Check[Any], vantage: Vantage, login: Login | None = None) -> Remote:
    """Return the check's host (or `login`), shared by all checks of the run that log in the same way."""
    from checks.wire.ssh.client import Ssh

    way = access(check, vantage, login)
    return (await vantage.client(Ssh)).host(way, vantage.remaining)
