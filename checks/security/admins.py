"""security.admins: only approved accounts administer the machines of an inventory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.judging import cannot_tell, warned
from checks.remote.inventory import InventoryCheck, ask_machines, require_inventory
from checks.safe import in_line
from checks.security._admins import AdminsOf, AdminsSeen, approves, judge_machine
from checks.security._admins_linux import read_linux
from checks.security._admins_windows import read_windows
from checks.wire.ssh.remote import Remote


class Admins(InventoryCheck[AdminsSeen]):
    """Every account that administers one of these machines is approved by name.

    On Linux: accounts with uid 0, whom sudo's rules let do everything as root (directly or by a group), and
    members of docker, lxd, incus-admin and disk, who can become root. Whom the rules let do some things only
    is told with a warning. On Windows: the members of the local group Administrators, groups in it followed.
    A group is approved as `%group`, on Windows as `DOMAIN\\group`; its members then are, too.

    Proves: what the machines' own databases and rules say at that moment.
    Cannot prove: who knows a password or holds a key, what polkit, capabilities or a program with the setuid
    bit allow, nor rules of a directory; what was not read is told. Roles of the cloud are elsewhere.
    If it fails: take the account out of the group or rule, or approve it.

    Source: sudoers(5), cvtsudoers(1), getent(1); learn.microsoft.com, ADSI WinNT provider, well-known SIDs
    (S-1-5-32-544).

    Example:
        type: security.admins
        user: tech
        sudo: true
        inventory: [{host: srv-01.example.com}]
        approved: [root, tech, "EXAMPLE\\\\Domain Admins"]
    """

    approved: Annotated[tuple[Annotated[str, Len(1, 256)], ...], Len(1, 500)]
    """Accounts and groups that may: `root`, `%wheel`, `EXAMPLE\\admin`. Root must be named, too."""

    def __post_init__(self) -> None:
        require_inventory(self)
        if any(name != name.strip() or not name.strip("*?") for name in self.approved):
            raise ValueError("'approved' names accounts and groups, each as it is.")

    async def observe(self, vantage: Vantage) -> AdminsSeen:
        async def read(host: Remote, root: str) -> AdminsOf:
            if (await host.facts()).dialect == "powershell":
                return await read_windows(host)
            return await read_linux(host, root)

        asked = await ask_machines(self, vantage, read)
        return AdminsSeen(
            machines=tuple(
                dataclasses.replace(told, name=machine.name)
                if told is not None
                else AdminsOf(name=machine.name, trouble=machine.trouble, fix=machine.fix)
                for machine, told in asked
            )
        )

    def judge(self, seen: AdminsSeen) -> Iterable[Finding]:
        by_name = {machine.name: machine for machine in seen.machines}
        for login in self.inventory:
            machine = by_name.get(login.host)
            if machine is None:
                yield cannot_tell(
                    login.host, "It was not asked.", expected="its administrators", observed="nothing",
                    fix="Run the check again.",
                )  # fmt: skip
            else:
                yield from judge_machine(machine, self.approved)
        used = {
            name for machine in seen.machines for admin in machine.admins
            for name in approves(self.approved, machine, admin)
        }  # fmt: skip
        idle = [name for name in self.approved if name not in used]
        if idle and not any(machine.trouble or machine.unread for machine in seen.machines):
            yield warned(
                self.subject(), "Approved accounts administer none of the machines.",
                expected="each of them somewhere", observed=in_line(idle),
                fix="Take them out of 'approved': a name that is left over approves whoever gets it next.",
            )  # fmt: skip
