"""switch.poe: the planned devices still fit into what the switch's PoE supplies have left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar

from checks.bounds import Ge, Le, Len
from checks.contract import CannotTell, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.poe import Poe as PoeRead
from checks.device.poe import PoeGroup, PoePort, read_poe
from checks.device.ports import read_ports
from checks.device.records import Port
from checks.judging import cannot_tell, failed, passed, within
from checks.params import Percent
from checks.safe import in_line, safe
from checks.switch._names import named, one_port
from checks.switch._poe_plan import CLASS_WATTS, Supply, fit, left_w, used_w

_MANY = 32
_FAULTS = {"fault": "fault", "other_fault": "fault of another kind"}


def _written(name: str) -> str:
    return "class" if name == "power_class" else name


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPower:
    """Devices that are still to be plugged in: how many, and by PoE class or watts at the switch what each
    takes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid", "strict": True, "alias_generator": _written, "populate_by_name": True,
    }  # fmt: skip

    name: Annotated[str, Len(1, 256)]
    count: Annotated[int, Ge(1), Le(1000)] = 1
    power_class: Annotated[int, Ge(0), Le(8)] | None = None
    watts: Annotated[float, Ge(0.1), Le(200)] | None = None
    port: Annotated[str, Len(1, 256)] | None = None
    in_all: bool = False

    def __post_init__(self) -> None:
        if self.in_all and self.port is not None:
            raise ValueError(f"'in_all' of {self.name!r} goes with 'count', not with 'port'.")
        if self.power_class is None and self.watts is None:
            raise ValueError(f"Give 'class' (0 to 8) or 'watts' of {self.name!r}.")
        if self.port is not None and self.count > 1:
            raise ValueError(f"{self.name!r} is planned at one port: write each of the {self.count} alone.")

    def each_w(self) -> float:
        """Return what one takes from the supply."""
        return self.watts if self.watts is not None else CLASS_WATTS[self.power_class or 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoeSeen:
    """What the switch tells of its PoE; `ports` only where a port's PoE is told."""

    name: str
    poe: PoeRead
    ports: tuple[Port, ...] = ()


class Poe(DeviceCheck[PoeSeen]):
    """No PoE supply of the switch is overdrawn or faulty, and the planned devices fit into what is left.

    What is left is what the supply can give, less what is drawn or promised to ports, whichever is more. A
    device without `port` may go to any supply of a stack. One whose port already delivers is not added again.

    Proves: the budget as the switch counts it now, and whether planned devices of these classes fit.
    Cannot prove: what devices will really draw, nor that the switch grants each its class (limits a port).
    If it fails: add a power supply or an injector, move devices to another switch, or lower their class.

    Source: RFC 3621 (POWER-ETHERNET-MIB), CISCO-POWER-ETHERNET-EXT-MIB, IEEE 802.3-2022 clauses 33 and 145
    (power at the supply by class: 15.4, 4, 7, 15.4, 30, 45, 60, 75, 90 W).

    Example:
        type: switch.poe
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        devices:
          - {name: access points, count: 3, class: 4}
          - {name: reception phone, class: 2, port: Gi1/0/7}
    """

    devices: tuple[PlannedPower, ...] = ()
    """What is planned and not yet plugged in; at a `port`, that port must be enabled or already deliver. With
    `in_all: true` the `count` is of all that there will be: as many as are powered already in that `class`
    (with `watts`: in none that is told) are taken off it."""
    max_usage: Percent = 80.0
    """Use of a supply above which it is marginal, planned devices included; where the switch itself warns
    earlier, its own threshold counts."""

    async def observe(self, vantage: Vantage) -> PoeSeen:
        found = await device(self, vantage)
        poe = await found.read(read_poe)
        ports: tuple[Port, ...] = ()
        if poe.ports or any(one.port for one in self.devices):
            try:
                ports = await found.read(read_ports)
            except CannotTell:
                if any(one.port for one in self.devices):
                    raise
        return PoeSeen(name=found.name, poe=poe, ports=ports)

    def judge(self, seen: PoeSeen) -> Iterable[Finding]:
        yield from _faulty(seen)
        if not seen.poe.groups:
            yield cannot_tell(
                f"{seen.name}: PoE", "The switch tells of no PoE supply: it has none, or tells nothing of it "
                "by SNMP.", expected=self._need(), observed="no supply is told",
                fix="Look at the model whether it has PoE; if it has, give the community or user a view of "
                "1.3.6.1.2.1.105 and 1.3.6.1.4.1, read only.",
            )  # fmt: skip
        planned: list[tuple[PlannedPower, int | None]] = []
        powered = Counter(port.power_class for port in seen.poe.ports if port.state == "delivering")
        for one in self.devices:
            if one.port is None:
                planned += [(one, None)] * (one.count - _powered(one, powered))
                continue
            finding, group = _at_port(one, seen)
            yield finding
            if group is not None:
                planned.append((one, group))
        if seen.poe.groups:
            yield from self._budget(seen, planned)

    def _need(self) -> str:
        total = sum(one.each_w() * one.count for one in self.devices)
        return f"{total:g} W for planned devices" if self.devices else "a PoE budget that is not overdrawn"

    def _budget(self, seen: PoeSeen, planned: list[tuple[PlannedPower, int | None]]) -> Iterator[Finding]:
        supplies = [Supply(group=one.group, left=left_w(one)) for one in seen.poe.groups]
        alone = len(supplies) == 1
        known = {one.group for one in supplies}
        wanted = [
            (one.name, one.each_w(), supplies[0].group if alone else group if group in known else None)
            for one, group in planned
        ]
        missing = fit(supplies, wanted)
        if planned:
            yield self._fits(seen, planned, missing)
        for group, supply in zip(seen.poe.groups, supplies, strict=True):
            yield self._usage(seen, group, supply.taken)

    def _fits(
        self, seen: PoeSeen, planned: list[tuple[PlannedPower, int | None]], missing: list[tuple[str, float]]
    ) -> Finding:
        need = sum(one.each_w() for one, _ in planned)
        left = sum(left_w(one) for one in seen.poe.groups)
        subject, expected = f"{seen.name}: PoE budget", f"{need:g} W for {len(planned)} planned devices"
        observed = f"{left:g} W left of {sum(one.power_w for one in seen.poe.groups):g} W"
        if not missing:
            return passed(subject, "The planned devices fit.", expected=expected, observed=observed)
        if not any(one.power_w for one in seen.poe.groups):
            return failed(
                subject, "The switch has no PoE supply that gives power, and devices are planned.",
                expected=expected, observed=observed,
                fix="Plug the PoE power supply in (or the switch's second supply), or use injectors.",
            )  # fmt: skip
        untold = [one for one in seen.poe.groups if one.power_w > 0 and used_w(one) is None]
        if [one for one in untold if one.status not in ("off", "faulty")]:
            return cannot_tell(
                subject, "The switch does not tell what is drawn from its supply, so what is left is not "
                "known.", expected=expected,
                observed=in_line(f"supply {one.group}: {_supply(one)}" for one in untold),
                fix="Look at the switch itself (show power inline), or give the user a view of "
                "1.3.6.1.2.1.105, read only.",
            )  # fmt: skip
        short = need - left
        names = in_line(sorted({name for name, _ in missing}))
        why = (
            f"short by {short:g} W"
            if short > 0
            else "short in each supply of the stack, though not in all together"
        )
        return failed(
            subject, f"PoE is {why}: {len(missing)} of the planned devices do not fit ({names}).",
            expected=expected, observed=observed,
            fix="Add a power supply or an injector, move devices to another switch or stack member, or plan "
            "devices of a lower class.",
        )  # fmt: skip

    def _usage(self, seen: PoeSeen, group: PoeGroup, taken: float) -> Finding:
        subject = f"{seen.name}: PoE supply {group.group}"
        if group.power_w <= 0 or group.status == "off":
            return failed(
                subject, "The PoE supply is off: it gives nothing.", expected="on", observed=_supply(group),
                fix="Plug the PoE power supply in and switch it on.",
            ) if self.devices else cannot_tell(
                subject, "There is no PoE supply that gives power, so there is no budget to judge.",
                expected="a supply that is on", observed=_supply(group),
                fix="If the switch is to power devices, plug its PoE power supply in; else leave this check "
                "out.",
            )  # fmt: skip
        used = used_w(group)
        if used is None:
            return cannot_tell(
                subject, "The switch does not tell what is drawn from this supply.", expected="watts",
                observed=_supply(group), fix="Look at the switch itself (show power inline).",
            )  # fmt: skip
        own = group.threshold_percent
        limit = min(self.max_usage, float(own)) if own and 0 < own < 100 else self.max_usage
        source = "the project file" if limit == self.max_usage else "the switch's own threshold"
        percent = 100 * (used + taken) / group.power_w
        planned = f" with {taken:g} W planned" if taken else ""
        measure = Measure(
            name=f"PoE use of {used:g} W{planned} of {group.power_w:g} W",
            value=percent, unit="%", warn=limit, fail=100.0, source=source,
        )  # fmt: skip
        fix = "Spread the devices over other supplies or switches, or add a power supply."
        return within(subject, measure, fix=fix)


def _powered(planned: PlannedPower, powered: Counter[int | None]) -> int:
    """Return how many of the planned devices are powered already, and take them off `powered`."""
    if not planned.in_all:
        return 0
    there = min(planned.count, powered[planned.power_class])
    powered[planned.power_class] -= there
    return there


def _faulty(seen: PoeSeen) -> Iterator[Finding]:
    for group in seen.poe.groups:
        if group.status == "faulty":
            yield failed(
                f"{seen.name}: PoE supply {group.group}", "The PoE supply is faulty.", expected="on",
                observed=_supply(group), fix="Replace the power supply; look at the switch's log.",
            )  # fmt: skip
    for port in [one for one in seen.poe.ports if one.state in _FAULTS][:_MANY]:
        yield failed(
            f"{seen.name}: port {_port_name(port, seen)}", "The port cannot power its device: PoE reports a "
            "fault.",
            expected="delivering or searching", observed=_FAULTS[port.state],
            fix="Unplug the device, test it with another cable and port; look for a short or a device that "
            "is no PoE device.",
        )  # fmt: skip


def _at_port(planned: PlannedPower, seen: PoeSeen) -> tuple[Finding, int | None]:
    """Return the finding of a planned port, and the group that must still feed it."""
    name = planned.port or ""
    subject = f"{seen.name}: port {safe(name, limit=80)}"
    expected = safe(f"PoE for {planned.name}", limit=200)
    port, found = one_port(seen.ports, name)
    if port is None:
        tell = cannot_tell if found else failed
        said = "More than one port of the switch may be meant." if found else "The switch has no such port."
        return tell(
            subject, said, expected=expected, observed=in_line(one.name for one in found) or "no such port",
            fix="Correct 'port': write ifName, ifDescr or the number of the ifIndex.",
        ), None  # fmt: skip
    held = [one for one in seen.poe.ports if one.if_index == port.if_index]
    if not held:
        return cannot_tell(
            subject, "The switch tells nothing of PoE at this port: it has none there, or does not tell.",
            expected=expected, observed="not told", fix="Look at the model which of its ports have PoE.",
        ), None  # fmt: skip
    state, observed = held[0].state, f"{held[0].state}, {'enabled' if held[0].enabled else 'not enabled'}"
    if held[0].enabled is False or state == "disabled":
        return failed(
            subject, "PoE is switched off at this port.", expected=expected, observed="disabled",
            fix="Switch PoE on at this port (power inline auto).",
        ), None  # fmt: skip
    if state in _FAULTS:
        return failed(
            subject, "PoE has a fault at the planned port.", expected=expected, observed=_FAULTS[state],
            fix="Test the device with another cable and port; look at the switch's log.",
        ), None  # fmt: skip
    if state == "delivering" or (held[0].watts or 0) > 0:
        watts = f", {held[0].watts:g} W" if held[0].watts else ""
        return passed(
            subject, "The port powers a device already.", expected=expected, observed=f"delivering{watts}"
        ), None  # fmt: skip
    if held[0].enabled is None and state == "unknown":
        return cannot_tell(
            subject, "The switch does not tell whether PoE is on at this port.", expected=expected,
            observed="not told", fix="Look at the switch itself (show power inline).",
        ), held[0].group  # fmt: skip
    return passed(subject, "PoE is on at this port.", expected=expected, observed=observed), held[0].group


def _port_name(port: PoePort, seen: PoeSeen) -> str:
    return named(seen.ports, port.if_index) if port.if_index is not None else f"{port.group}/{port.number}"


def _supply(group: PoeGroup) -> str:
    return f"{group.status}, {group.power_w:g} W"
