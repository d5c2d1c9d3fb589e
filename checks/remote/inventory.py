"""Checks that look at many machines over SSH: their logins, and each machine asked by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from checks.bounds import Len
from checks.contract import CannotTell, Check, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.params import SecretRef
from checks.remote.check import Hop, Login, User, at_login, remote
from checks.safe import safe
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote
from checks.wire.tcp import budget

Seen = TypeVar("Seen")
T = TypeVar("T")
AT_ONCE = 16
MACHINES = 500
EACH_S = 40.0
_BOOT = Script("boot id", "cat /proc/sys/kernel/random/boot_id")
_WINDOWS_BOOT = PowerShell("boot time", "(Get-CimInstance Win32_OperatingSystem).LastBootUpTime.Ticks")


class LoginDefaults(Check[Seen]):
    """How machines are logged into over SSH, where one does not say so itself. Nothing on them is changed."""

    user: User | None = None
    """The account that logs in, where a machine names none of its own."""
    key: SecretRef | None = None
    """Reference to the private key: `file:~/.ssh/id_ed25519`. Left out, the SSH agent's keys are offered."""
    key_passphrase: SecretRef | None = None
    """Reference to the passphrase of the private key."""
    password: SecretRef | None = None
    """Reference to the account's password, for the methods password and keyboard-interactive."""
    agent: bool = True
    """Whether the keys of the SSH agent are offered, after `key` and before `password`."""
    known_hosts: Annotated[str, Len(1, 4096)] | None = None
    """Another known_hosts file, beside this user's, the system's and gonogo's own."""
    jump: Hop | None = None
    """The jump host through which they are reached: `{host: bastion.example.net, user: tech}`."""
    sudo: bool = False
    """Whether commands that need it are run by sudo as root; it is never used without."""
    sudo_password: SecretRef | None = None
    """Reference to the password that sudo asks for, where it is not the rule NOPASSWD."""

    def root_of(self, login: Login) -> str:
        """Return whom commands that need it run as on that machine: `root`, or nobody else."""
        return "root" if (self.sudo if login.sudo is None else login.sudo) else ""


class InventoryCheck(LoginDefaults[Seen]):
    """The machines that a check looks at, each with what its login has of its own."""

    inventory: Annotated[tuple[Login, ...], Len(1, MACHINES)]
    """The machines: `{host: pc-01.example.com}`, with `user`, `key`, `sudo`... where they are its own."""

    def __post_init__(self) -> None:
        require_inventory(self)

    def subject(self) -> str:
        names = [login.host for login in self.inventory[:3]]
        return ", ".join(names) + (f" and {len(self.inventory) - 3} more" if len(self.inventory) > 3 else "")

    def needs_link(self) -> bool:
        hops = [login.jump or self.jump for login in self.inventory]
        places = [*(login.host for login in self.inventory), *(hop.host for hop in hops if hop)]
        return not all(is_loopback(place) for place in places)

    def allowance(self) -> float:
        return 20.0 + EACH_S * -(-len(self.inventory) // AT_ONCE)


def require_login_of(check: LoginDefaults[Any], login: Login) -> None:
    """Raise ValueError where a machine has no user, or its login contradicts itself."""
    if login.user is None and check.user is None:
        raise ValueError(f"Nobody is named who logs in at {login.host}: give 'user'.")
    at_login(check, login)


def require_inventory(check: InventoryCheck[Any]) -> None:
    """Raise ValueError for a machine without a user, one that is named twice, or a login that is none."""
    seen: set[str] = set()
    for login in check.inventory:
        require_login_of(check, login)
        name = login.host.lower()
        if name in seen:
            raise ValueError(f"The inventory names {login.host} twice: it would count as two machines.")
        seen.add(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine of an inventory: `trouble` says why it could not be asked."""

    name: str
    identity: str = ""
    """Its host key and when it was started: two names with one identity are one machine."""
    trouble: str = ""
    fix: str = ""


async def ask_machines(
    check: InventoryCheck[Any], vantage: Vantage, read: Callable[[Remote, str], Awaitable[T]]
) -> list[tuple[Machine, T | None]]:
    """Return what `read` (a machine, whom to run as) says of each, 16 at once; one in trouble has None.

    A machine that does not answer costs its own time only.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    each = budget(vantage) / -(-len(check.inventory) // AT_ONCE)

    async def one(login: Login) -> tuple[Machine, T | None]:
        async with gate:
            try:
                async with asyncio.timeout(each):
                    host = await remote(check, vantage, login)
                    identity = await identity_of(host)
                    told = await read(host, check.root_of(login))
                return Machine(name=login.host, identity=identity), told
            except CannotTell as trouble:
                return Machine(name=login.host, trouble=trouble.reason, fix=trouble.fix), None
            except TimeoutError:
                return Machine(
                    name=login.host,
                    trouble=f"{login.host} was not done within {each:.0f} s.",
                    fix="Give the check a longer 'timeout', or look why this machine is so slow.",
                ), None

    return list(await asyncio.gather(*(one(login) for login in check.inventory)))


async def identity_of(host: Remote) -> str:
    """Return host key and start of a machine; empty where it does not tell."""
    facts = await host.facts()
    result = await host.run(_BOOT() if facts.dialect == "posix" else _WINDOWS_BOOT())
    boot = safe(result.text.strip(), limit=100)
    return f"{facts.host_key} {boot}" if result.ok and boot and facts.host_key else ""


def twins(machines: list[Machine]) -> dict[str, str]:
    """Return the names of machines that are one that was named before, each with that name."""
    first: dict[str, str] = {}
    found: dict[str, str] = {}
    for machine in machines:
        if machine.identity and machine.identity in first:
            found[machine.name] = first[machine.identity]
        elif machine.identity:
            first[machine.identity] = machine.name
    return found
