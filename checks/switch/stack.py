"""switch.stack: every member of the stack is there and ready, and the stack is joined in a ring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from checks.bounds import Ge, Le
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.stack import Member, StackPort, read_stack
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSeen:
    """The stack as its master tells it."""

    name: str
    kind: str
    """`StackWise`, `Virtual Chassis`, `IRF`, `VSF`, or `entities` where only chassis are told."""
    members: tuple[Member, ...]
    ring: bool | None
    ports: tuple[StackPort, ...]
    split: bool = False


class Stack(DeviceCheck[StackSeen]):
    """Every planned member of the stack is there and ready, and the members are joined in a ring.

    Proves: what the master says now of members, their state, and the cables between them.
    Cannot prove: that a member which left before was ever there: name how many `members` there must be.
    If it fails: look at power and stack cables of the member that is missing; a version mismatch needs the
    same software on all.

    Source: CISCO-STACKWISE-MIB, jnxVirtualChassis, HH3C-STACK-MIB, ARUBAWIRED-VSFv2-MIB, RFC 6933 (chassis).

    Example:
        type: switch.stack
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        members: 3
    """

    members: Annotated[int, Ge(1), Le(64)] | None = None
    """How many switches there must be; left out, those that the stack itself tells must be ready, and
    there must be more than one: a switch that is alone says nothing of others."""
    ring: bool = True
    """Whether the members must be joined in a ring, where the device tells that at all."""

    async def observe(self, vantage: Vantage) -> StackSeen:
        found = await device(self, vantage)
        stack = await found.read(read_stack)
        return StackSeen(
            name=found.name, kind=stack.kind, members=stack.members, ring=stack.ring, ports=stack.ports,
            split=stack.split,
        )  # fmt: skip

    def judge(self, seen: StackSeen) -> Iterable[Finding]:
        ready = [member for member in seen.members if member.ready is not False]
        for member in seen.members:
            if member.ready is False:
                yield failed(
                    f"{seen.name}: member {member.number}",
                    f"Member {member.number} is not ready: {safe(member.state, limit=60)}.",
                    expected="ready", observed=safe(member.state, limit=60),
                    fix=_member_fix(member.state),
                )  # fmt: skip
        yield from self._count(seen, ready)
        yield from self._joined(seen)

    def _count(self, seen: StackSeen, ready: list[Member]) -> Iterator[Finding]:
        subject = f"{seen.name}: members"
        observed = in_line(
            f"{member.number}{f' {member.role}' if member.role else ''}: {member.state}"
            f"{f' ({member.serial})' if member.serial else ''}" for member in seen.members
        ) or "none"  # fmt: skip
        if self.members is not None and len(ready) < self.members:
            lacking = self.members - len(ready)
            yield failed(
                subject, f"{lacking} of the planned {self.members} members {_is(lacking)} missing.",
                expected=f"{self.members} ready", observed=observed,
                fix="Look at power and stack cables of the switch that is not in the list.",
            )  # fmt: skip
        elif self.members is not None and len(ready) > self.members:
            yield failed(
                subject, f"The stack has {len(ready)} members, not the planned {self.members}.",
                expected=f"{self.members} ready", observed=observed,
                fix="Correct the plan, or find out which switch joined it.",
            )  # fmt: skip
        elif self.members is None and (seen.kind == "entities" or not seen.members):
            yield cannot_tell(
                subject, "The device tells of no stack: whether a chassis is missing cannot be told.",
                expected="every planned member", observed=observed,
                fix="Write how many 'members' there must be.",
            )  # fmt: skip
        elif self.members is None and len(seen.members) == 1:
            yield cannot_tell(
                subject, "The device tells of one switch only, itself: whether others are missing cannot be "
                "told.", expected="every planned member", observed=observed,
                fix="Write how many 'members' there must be; 1 where it stands alone.",
            )  # fmt: skip
        elif any(member.ready is None for member in seen.members) and seen.kind != "entities":
            yield cannot_tell(
                subject, "The state of some members is not told.", expected="ready", observed=observed,
                fix="Look at 'show switch' or its like on the console.",
            )  # fmt: skip
        elif len(ready) == len(seen.members):
            one = len(ready) == 1
            yield passed(
                subject, "The one switch is there." if one else f"All {len(ready)} members are there.",
                expected=f"{self.members or 'all'} ready", observed=observed,
            )  # fmt: skip

    def _joined(self, seen: StackSeen) -> Iterator[Finding]:
        subject = f"{seen.name}: ring"
        if seen.split:
            yield failed(
                subject, "The stack is split: a part of it runs apart from the rest.", expected="one stack",
                observed="split", fix="Check the stack links between the parts before anything else.",
            )  # fmt: skip
        if len(seen.members) < 2 or not self.ring:
            return
        down = [port for port in seen.ports if port.up is False]
        told = ", ".join(f"{safe(port.name, limit=60)} {port.said}" for port in down[:12])
        if seen.ring is False:
            yield warned(
                subject, "The members are not joined in a ring: one more cable that fails splits the stack.",
                expected="a ring", observed=told or "no ring",
                fix="Plug in the stack cable that is missing or loose.",
            )  # fmt: skip
        elif down and seen.kind == "StackWise":
            yield warned(
                subject, "Stack ports are down.", expected="all up", observed=told,
                fix="Plug in the stack cable that is missing or loose.",
            )  # fmt: skip
        elif seen.ring:
            yield passed(subject, "The members are joined in a ring.", expected="a ring", observed="a ring")


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _member_fix(state: str) -> str:
    if "mismatch" in state:
        return "Give it the same software (and the same SDM template) as the master, and restart it."
    if state in ("provisioned", "removed", "not_present"):
        return "Switch it on and check its stack cables: it is configured and not there."
    return "Wait until it has started; if it stays so, look at its console."
