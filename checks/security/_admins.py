"""Who may administer a machine: records, and how they are held against the approved accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checks.contract import Finding
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe

MAX_FINDINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """An account, or a group whose members could not be read.

    `via` are the groups by which it has its rights, as `approved` may name them; `limited` says that it may
    do some things only.
    """

    name: str
    why: str
    via: tuple[str, ...] = ()
    group: bool = False
    limited: bool = False
    enabled: bool | None = None
    locked: bool = False
    """It has no password; a key may still let it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminsOf:
    """One machine: its own name, who may administer it, what could not be read, or why nothing could."""

    name: str
    computer: str = ""
    windows: bool = False
    admins: tuple[Admin, ...] = ()
    unread: tuple[str, ...] = ()
    trouble: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminsSeen:
    """Every machine of the inventory."""

    machines: tuple[AdminsOf, ...]


def approves(approved: Sequence[str], machine: AdminsOf, admin: Admin) -> list[str]:
    """Return the approved names that mean an account or a group it is in.

    On Windows case does not matter, and a name without `DOMAIN\\` means the machine's own account only.
    """
    names = {admin.name, *admin.via}
    if not machine.windows:
        return [one for one in approved if one in names]
    known = {name.lower() for name in names}
    prefix = f"{machine.computer.lower()}\\"
    known |= {name.removeprefix(prefix) for name in known if machine.computer and name.startswith(prefix)}
    return [one for one in approved if one.lower() in known]


def judge_machine(machine: AdminsOf, approved: Sequence[str]) -> Iterable[Finding]:
    """Return what is to be said of one machine."""
    expected = f"only: {in_line(approved)}"
    if machine.trouble:
        yield cannot_tell(
            machine.name, f"Its administrators could not be read: {safe(machine.trouble, limit=400)}",
            expected=expected, observed="nothing",
            fix=machine.fix or "Make it reachable over SSH, then run it again.",
        )  # fmt: skip
        return
    full = [admin for admin in machine.admins if not admin.limited]
    if not full:
        yield cannot_tell(
            machine.name, "No administrator was found at all, and every machine has one: nothing was read.",
            expected=expected, observed="none",
            fix="Look at the machine by hand: getent passwd; on Windows net localgroup Administrators.",
        )  # fmt: skip
    unknown = [admin for admin in machine.admins if not approves(approved, machine, admin)]
    for admin in unknown[:MAX_FINDINGS]:
        yield _unknown(machine, admin, expected)
    if len(unknown) > MAX_FINDINGS:
        yield failed(
            machine.name, f"{len(unknown) - MAX_FINDINGS} more accounts are not approved.", expected=expected,
            observed=in_line(admin.name for admin in unknown[MAX_FINDINGS : MAX_FINDINGS + 30]),
            fix="Take those away that are named first.",
        )  # fmt: skip
    for what in machine.unread:
        yield cannot_tell(
            machine.name, safe(what, limit=400), expected="everything that makes an administrator",
            observed="not read", fix="Log in as root or with 'sudo: true' (Windows: as an administrator).",
        )  # fmt: skip
    known = [admin for admin in full if admin not in unknown]
    if known:
        yield passed(
            machine.name, f"{len(known)} administrators are approved.", expected=expected,
            observed=in_line(_words(admin) for admin in known),
        )  # fmt: skip


def _unknown(machine: AdminsOf, admin: Admin, expected: str) -> Finding:
    name, observed = safe(admin.name, limit=200), safe(_words(admin), limit=400)
    if admin.group:
        return cannot_tell(
            machine.name, f"The members of the group {name} could not be read, and they administer it.",
            expected=expected, observed=observed,
            fix=f"Read them by hand; if all of them may, approve the group: '{name}'. For groups of a domain "
            "log in by password, or ask on a domain controller.",
        )  # fmt: skip
    if admin.limited:
        return warned(
            machine.name, f"{name} may do some things by sudo, maybe a way to all, and is not approved.",
            expected=expected, observed=observed,
            fix=f"Take the rule out of sudoers, or approve the account: '{name}'.",
        )  # fmt: skip
    return failed(
        machine.name, f"{name} is an administrator and not approved.", expected=expected, observed=observed,
        fix=f"Take the right away ({safe(admin.why, limit=200)}), or approve the account: '{name}'.",
    )  # fmt: skip


def _words(admin: Admin) -> str:
    state = ", disabled" if admin.enabled is False else ", no password, perhaps a key" if admin.locked else ""
    return f"{admin.name} ({admin.why}{state})"
