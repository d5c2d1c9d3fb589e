"""What the users of a host mean for those that are expected, and for those of another host."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.server._accounts import FIRST, LAST, Account, Accounts
from checks.server._parity import Difference, differences, parity_findings, shown


def expected(
    seen: Accounts, name: str, *, uid: int | None, gid: int | None, groups: Sequence[str]
) -> Iterable[Finding]:
    """Judge one user that must be there."""
    subject = f"{seen.name} {safe(name, limit=120)}"
    wanted = ", ".join(
        part for part in (
            f"uid {uid}" if uid is not None else "", f"gid {gid}" if gid is not None else "",
            f"in {in_line(groups)}" if groups else "",
        ) if part
    ) or "there"  # fmt: skip
    account = next((one for one in seen.users if one.name == name), None)
    if account is None:
        yield failed(
            subject, f"There is no user {safe(name, limit=120)}.", expected=wanted, observed="no such user",
            fix=f"Create it{f': useradd -u {uid} ...' if uid is not None else ''}; a user of a directory "
            "needs the host to be joined to it.",
        )  # fmt: skip
        return
    observed = safe(_like(account), limit=300)
    if seen.windows and (uid is not None or gid is not None):
        yield cannot_tell(
            subject, "A Windows host has no uid or gid.", expected=wanted, observed=observed,
            fix="Leave 'uid' and 'gid' out for this host.",
        )  # fmt: skip
        return
    if uid is not None and account.uid != uid:
        holder = next((one.name for one in seen.users if one.uid == uid), "")
        taken = f" {uid} is taken by {safe(holder, limit=80)}: give that one another first." if holder else ""
        yield failed(
            subject, f"The user has the uid {account.uid}, not {uid}: copied files will not be theirs.",
            expected=wanted, observed=observed,
            fix=f"usermod -u {uid} {_quoted(name)}, then find / -xdev -uid {account.uid} -exec chown -h "
            f"{uid} {{}} +.{taken}",
        )  # fmt: skip
        return
    if gid is not None and account.gid != gid:
        yield failed(
            subject, f"The user's primary group has the gid {account.gid}, not {gid}.", expected=wanted,
            observed=observed, fix=f"groupmod -g {gid} the group (or usermod -g {gid} {_quoted(name)}), then "
            f"find / -xdev -gid {account.gid} -exec chgrp -h {gid} {{}} +.",
        )  # fmt: skip
        return
    missing = [group for group in groups if group not in account.groups]
    if missing:
        yield failed(
            subject, f"The user is not in {in_line(missing)}.", expected=wanted, observed=observed,
            fix=f"usermod -aG {_quoted(','.join(missing))} {_quoted(name)}; it counts from the next login.",
        )  # fmt: skip
        return
    twins = [one.name for one in seen.users if one.uid == account.uid and one.name != name]
    if twins and account.uid is not None:
        yield warned(
            subject, f"{in_line(twins)} has the same uid {account.uid}.", expected="a uid of its own",
            observed=observed, fix="Give one of them another uid, and its files to it.",
        )  # fmt: skip
    elif not account.enabled:
        yield warned(
            subject, "The account is there, and disabled.", expected=wanted, observed=observed,
            fix="Enable-LocalUser, if it is meant to be used.",
        )  # fmt: skip
    else:
        yield passed(subject, "The user is as planned.", expected=wanted, observed=observed)


def compared(source: Accounts, target: Accounts, allowed: Sequence[str]) -> Iterable[Finding]:
    """Judge whether the source's users and groups are on the target with the same numbers."""
    if source.windows != target.windows:
        yield cannot_tell(
            target.name, "One side is a Windows host and the other is not: their users cannot be compared.",
            expected=f"the same kind of host as {source.name}", observed=target.name,
            fix="Name the users that must be there in 'users'.",
        )  # fmt: skip
        return
    old, new = _entries(source), _entries(target)
    numbers = {(key.partition(":")[0], value.partition(",")[0]): key for key, value in new.items()}

    def fix(one: Difference) -> str:
        return f"{_todo(one, numbers)} Or allow the difference: allowed: ['{shown(one.key)}']."

    diff = differences(old, new, allowed)
    yield from parity_findings(
        diff, subject=target.name, things="users and groups", fix=fix, source=source.name
    )
    beyond = sorted({*source.more, *target.more})
    if beyond:
        yield passed(
            target.name, "Users of a directory were not listed, so only local ones were compared.",
            expected="those that matter named in 'users'", observed=in_line(beyond),
        )  # fmt: skip
    for side in (source, target):
        if side.trouble:
            yield cannot_tell(
                side.name, "The members of some groups could not be read (often: a member that is gone).",
                expected="all groups", observed=in_line(side.trouble),
                fix="Remove orphaned SIDs from these groups, then run it again.",
            )  # fmt: skip


def _entries(seen: Accounts) -> dict[str, str]:
    if seen.windows:
        return {f"user:{one.name}": _like(one) for one in seen.users}
    people = [one for one in seen.users if one.uid is not None and FIRST <= one.uid <= LAST]
    used = {group for one in people for group in one.groups}
    found = {f"user:{one.name}": _like(one) for one in people}
    for group in seen.groups:
        if group.name in used or FIRST <= group.gid <= LAST:
            found[f"group:{group.name}"] = f"gid {group.gid}"
    return found


def _like(account: Account) -> str:
    groups = f"in {', '.join(account.groups)}" if account.groups else "in no group"
    if account.uid is None:
        return f"{'enabled' if account.enabled else 'disabled'}, {groups}"
    return f"uid {account.uid}, gid {account.gid}, {groups}"


def _todo(one: Difference, numbers: dict[tuple[str, str], str]) -> str:
    kind, _, name = one.key.partition(":")
    number = one.source.partition(",")[0].rpartition(" ")[2]
    have = one.target.partition(",")[0].rpartition(" ")[2]
    if not number.isdecimal() or one.kind == "extra":
        return {
            "missing": "Create it here.", "different": "Make it the same.",
            "extra": "Delete it if nobody needs it.",
        }[one.kind]  # fmt: skip
    flag, tool, chown = ("-u", "user", "chown -h") if kind == "user" else ("-g", "group", "chgrp -h")
    holder = numbers.get((kind, one.source.partition(",")[0]), one.key)
    taken = "" if holder == one.key else f" First give {shown(holder)}, which has {number} here, another."
    if one.kind == "missing":
        return f"{tool}add {flag} {number} {_quoted(name)}.{taken}"
    if number == have:
        return "Put it into the same groups (usermod -aG, gpasswd -d), with the same primary group."
    return (
        f"{tool}mod {flag} {number} {_quoted(name)}, then find / -xdev "
        f"{'-uid' if kind == 'user' else '-gid'} {have} -exec {chown} {number} {{}} +.{taken}"
    )


def _quoted(name: str) -> str:
    return shlex.quote(safe(name, limit=120))
