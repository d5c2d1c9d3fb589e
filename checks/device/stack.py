"""Members of a stack, whatever the vendor calls it: StackWise, Virtual Chassis, IRF, VSF."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.maker import read_maker, word
from checks.device.values import number, oid, text
from checks.vantage import CannotTell
from checks.wire.snmp.agent import Index, Oid, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One switch of a stack."""

    number: int
    role: str
    state: str
    ready: bool | None
    """None where the device tells no state."""
    serial: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPort:
    """One port by which members are joined."""

    name: str
    up: bool | None
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack, or a single device that could be one member of it."""

    kind: str
    """`StackWise`, `Virtual Chassis`, `IRF`, `VSF`, `entities`."""
    members: tuple[Member, ...]
    ring: bool | None
    """The members are joined in a ring, so that one cable may fail; None where that is not told."""
    ports: tuple[StackPort, ...]
    split: bool = False
    """The device says that a part of the stack is separated."""


_ENTITY = oid("1.3.6.1.2.1.47.1.1.1.1")
_DESCR, _PARENT, _CLASS, _POSITION, _NAME, _SERIAL, _MODEL = (
    (*_ENTITY, column) for column in (2, 4, 5, 6, 7, 11, 13)
)
_CHASSIS = 3

_CSW = oid("1.3.6.1.4.1.9.9.500.1")
_CSW_RING = (*_CSW, 1, 3, 0)
_CSW_NUMBER, _CSW_ROLE, _CSW_STATE = ((*_CSW, 2, 1, 1, column) for column in (1, 3, 6))
_CSW_PORT = (*_CSW, 2, 2, 1, 1)
_CSW_ROLES = {1: "master", 2: "member", 3: "not a member", 4: "standby"}
_CSW_STATES = {
    1: "waiting", 2: "progressing", 3: "added", 4: "ready", 5: "SDM mismatch", 6: "version mismatch",
    7: "feature mismatch", 8: "new master initialises", 9: "provisioned", 10: "invalid", 11: "removed",
}  # fmt: skip
_CSW_PORTS = {1: "up", 2: "down", 3: "forced down"}
_IF_DESCR = oid("1.3.6.1.2.1.2.2.1.2")

_VC = oid("1.3.6.1.4.1.2636.3.40.1.4.1")
_VC_SERIAL, _VC_ROLE, _VC_MODEL = ((*_VC, 1, 1, column) for column in (2, 3, 8))
_VC_PORT_ADMIN, _VC_PORT_OPER = ((*_VC, 2, 1, column) for column in (3, 4))
_VC_ROLES = {1: "master", 2: "backup", 3: "line card"}

_IRF = oid("1.3.6.1.4.1.25506.2.91")
_IRF_COUNT, _IRF_TOPOLOGY = (*_IRF, 1, 2, 0), (*_IRF, 1, 7, 0)
_IRF_MEMBER, _IRF_ROLE, _IRF_BELONGS = (*_IRF, 2, 1, 1), (*_IRF, 3, 1, 1), (*_IRF, 3, 1, 2)
_IRF_PORT = (*_IRF, 4, 1, 3)
_IRF_ROLES = {1: "standby", 2: "master", 3: "loading", 4: "other"}
_IRF_PORTS = {1: "up", 2: "down", 3: "silent", 4: "disabled"}

_VSF = oid("1.3.6.1.4.1.47196.4.1.1.3.15.1")
_VSF_SPLIT = (*_VSF, 1, 1, 0)
_VSF_ROLE, _VSF_STATE, _VSF_MODEL, _VSF_SERIAL = ((*_VSF, 2, 1, column) for column in (2, 3, 4, 7))


async def read_stack(device: Device) -> Stack:
    """Return the members of a stack; raise CannotTell for a device that tells of no chassis at all."""
    maker = await device.read(read_maker)
    own: Mapping[int, Callable[[Device], Awaitable[Stack | None]]] = {
        9: _stackwise, 2636: _virtual_chassis, 25506: _irf, 43: _irf, 11: _irf, 47196: _vsf,
    }  # fmt: skip
    reader = own.get(maker or 0)
    found = await reader(device) if reader else None
    return found or await _entities(device)


async def _stackwise(device: Device) -> Stack | None:
    table = await device.agent.table(_CSW_NUMBER, _CSW_ROLE, _CSW_STATE)
    if not table[_CSW_STATE]:
        return None
    names = await device.agent.table(_SERIAL, _MODEL)
    ports = (await device.agent.table(_CSW_PORT))[_CSW_PORT]
    called = (await device.agent.table(_IF_DESCR))[_IF_DESCR] if ports else {}
    ring = number((await device.agent.get(_CSW_RING)).get(_CSW_RING))
    members = [
        Member(
            number=number(table[_CSW_NUMBER].get(row)) or row[0] // 1000,
            role=word(table[_CSW_ROLE].get(row), _CSW_ROLES),
            state=word(state, _CSW_STATES), ready=number(state) == 4 if number(state) else None,
            serial=text(names[_SERIAL].get(row)), model=text(names[_MODEL].get(row)),
        )
        for row, state in sorted(table[_CSW_STATE].items())
    ]  # fmt: skip
    return Stack(
        kind="StackWise", members=tuple(members), ring={1: True, 2: False}.get(ring or 0),
        ports=tuple(
            StackPort(
                name=text(called.get(row)) or f"stack port {row[-1]}", up={1: True, 2: False, 3: False}.get(
                    number(state) or 0
                ), said=word(state, _CSW_PORTS),
            )
            for row, state in sorted(ports.items())
        ),
    )  # fmt: skip


async def _virtual_chassis(device: Device) -> Stack | None:
    table = await device.agent.table(_VC_SERIAL, _VC_ROLE, _VC_MODEL)
    if not table[_VC_ROLE]:
        return None
    ports = await device.agent.table(_VC_PORT_ADMIN, _VC_PORT_OPER)
    members = [
        Member(
            number=row[0], role=word(role, _VC_ROLES), state="present" if number(role) in _VC_ROLES else "?",
            ready=True if number(role) in _VC_ROLES else None, serial=text(table[_VC_SERIAL].get(row)),
            model=text(table[_VC_MODEL].get(row)),
        )
        for row, role in sorted(table[_VC_ROLE].items())
    ]  # fmt: skip
    return Stack(
        kind="Virtual Chassis", members=tuple(members), ring=None,
        ports=tuple(
            StackPort(name=_vc_port(row), up=number(state) == 1, said="up" if number(state) == 1 else "down")
            for row, state in sorted(ports[_VC_PORT_OPER].items())
            if number(ports[_VC_PORT_ADMIN].get(row)) in (None, 1)
        ),
    )  # fmt: skip


def _vc_port(row: Index) -> str:
    letters = bytes(arc for arc in row[2:] if 32 <= arc < 127).decode("ascii")
    return f"member {row[0]} {letters[:40]}".strip()


async def _irf(device: Device) -> Stack | None:
    scalars = await device.agent.get(_IRF_COUNT, _IRF_TOPOLOGY)
    count = number(scalars.get(_IRF_COUNT))
    if not count:
        return None
    table = await device.agent.table(_IRF_MEMBER)
    boards = await device.agent.table(_IRF_ROLE, _IRF_BELONGS)
    ports = (await device.agent.table(_IRF_PORT))[_IRF_PORT]
    names = await device.agent.table(_SERIAL, _MODEL)
    roles: dict[int, str] = {}
    for row, role in sorted(boards[_IRF_ROLE].items()):
        member = number(boards[_IRF_BELONGS].get(row))
        if member is not None and roles.get(member) != "master":
            roles[member] = word(role, _IRF_ROLES)
    members = [
        Member(
            number=found, role=roles.get(found, ""),
            state="loading" if roles.get(found) == "loading" else "present",
            ready=roles.get(found) != "loading",
            serial=text(names[_SERIAL].get(row)), model=text(names[_MODEL].get(row)),
        )
        for row, value in sorted(table[_IRF_MEMBER].items()) if (found := number(value)) is not None
    ]  # fmt: skip
    if len(members) < count:
        raise CannotTell(
            f"{device.name} counts {count} members of its IRF stack and lists {len(members)}.",
            "Look at 'display irf' on its console; give the community a view of HH3C-STACK-MIB.",
        )
    topology = number(scalars.get(_IRF_TOPOLOGY))
    return Stack(
        kind="IRF", members=tuple(members), ring={1: False, 2: True}.get(topology or 0),
        ports=tuple(
            StackPort(
                name=f"IRF port {'/'.join(map(str, row))}", up=number(state) == 1,
                said=word(state, _IRF_PORTS),
            )
            for row, state in sorted(ports.items()) if number(state) != 4
        ),
    )  # fmt: skip


async def _vsf(device: Device) -> Stack | None:
    table = await device.agent.table(_VSF_ROLE, _VSF_STATE, _VSF_MODEL, _VSF_SERIAL)
    if not table[_VSF_STATE]:
        return None
    split = text((await device.agent.get(_VSF_SPLIT)).get(_VSF_SPLIT))
    members = [
        Member(
            number=row[0], role=text(table[_VSF_ROLE].get(row))[:40], state=text(state)[:40],
            ready=text(state) == "ready" if text(state) else None,
            serial=text(table[_VSF_SERIAL].get(row)), model=text(table[_VSF_MODEL].get(row)),
        )
        for row, state in sorted(table[_VSF_STATE].items())
    ]  # fmt: skip
    return Stack(
        kind="VSF", members=tuple(members), ring=None, ports=(),
        split=split == "fragment_inactive" or (split == "fragment_active" and len(members) > 1),
    )  # fmt: skip


async def _entities(device: Device) -> Stack:
    table = await device.agent.table(_DESCR, _PARENT, _CLASS, _POSITION, _NAME, _SERIAL, _MODEL)
    members = _chassis(table)
    if not members:
        raise CannotTell(
            f"{device.name} tells of no chassis (ENTITY-MIB) and of no stack.",
            "Look at 'show stack' or its like on the console; give the community a view of ENTITY-MIB if it "
            "is restricted.",
        )
    return Stack(kind="entities", members=tuple(members), ring=None, ports=())


def _chassis(table: Mapping[Oid, Mapping[Index, Value]]) -> list[Member]:
    """Return the chassis that stand beside each other: not those within a chassis."""
    kinds = {row: number(kind) for row, kind in table[_CLASS].items()}
    rows = [row for row, kind in sorted(kinds.items()) if kind == _CHASSIS]
    found: list[Member] = []
    for row in rows:
        parent = number(table[_PARENT].get(row))
        if parent is not None and kinds.get((parent,)) == _CHASSIS:
            continue
        found.append(
            Member(
                number=len(found) + 1, role="", state="present", ready=None,
                serial=text(table[_SERIAL].get(row)), model=text(table[_MODEL].get(row)),
            )
        )  # fmt: skip
    return found
