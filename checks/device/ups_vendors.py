"""The UPS objects of vendors who do not fill UPS-MIB, or not all of it: where they are and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Literal, cast

from checks.dataclass import dataclass
from checks.device.values import number, oid, text
from checks.wire.snmp.agent import Oid, Value

Output = Literal["mains", "battery", "bypass", "boost", "trim", "off", "test", "other", "unknown"]
State = Literal["normal", "low", "depleted", "replace", "fault", "absent", "unknown"]
_MAINS: tuple[Output, ...] = ("mains", "boost", "trim", "bypass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one MIB of a UPS says; None, empty and `unknown` are what it does not say."""

    mib: str
    manufacturer: str = ""
    model: str = ""
    charge_percent: float | None = None
    runtime_minutes: float | None = None
    doubtful: bool = False
    """The runtime's unit is one that agents get wrong."""
    load_percent: float | None = None
    output: Output = "unknown"
    on_battery: bool | None = None
    battery: State = "unknown"
    seconds_on_battery: int | None = None
    alarms: tuple[str, ...] = ()
    alarm_count: int | None = None

    def lacks(self) -> bool:
        """Return whether a vendor's MIB could add something that is judged."""
        return (
            None in (self.charge_percent, self.runtime_minutes, self.load_percent, self.on_battery)
            or self.battery == "unknown"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """A number and what it is divided by; the first of several that is there counts."""

    oid: Oid
    divisor: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """An object whose `value` says that something is wrong."""

    oid: Oid
    value: int
    means: State | Literal["alarm", "battery", "bypass"]
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One vendor's objects; all scalars end in .0."""

    name: str
    enterprises: tuple[int, ...]
    model: Oid | None = None
    charge: tuple[Scaled, ...] = ()
    runtime: Scaled | None = None
    """Divided, it is minutes."""
    doubtful: bool = False
    """The runtime's unit is one that agents get wrong."""
    load: tuple[Scaled, ...] = ()
    load_column: Oid | None = None
    """Load of each phase, in percent."""
    output: Oid | None = None
    outputs: Mapping[int, Output] = field(default_factory=dict)
    battery: Oid | None = None
    batteries: Mapping[int, State] = field(default_factory=dict)
    since: Scaled | None = None
    """Divided, it is seconds on battery."""
    flags: tuple[Flag, ...] = ()

    def scalars(self) -> tuple[Oid, ...]:
        """Return all that is to be asked for."""
        single = (self.model, self.output, self.battery)
        scaled = (*self.charge, *self.load, *(one for one in (self.runtime, self.since) if one))
        return tuple(
            dict.fromkeys(
                (
                    *(one for one in single if one),
                    *(one.oid for one in scaled),
                    *(flag.oid for flag in self.flags),
                )
            )
        )

    def says(self, scalars: Mapping[Oid, Value], loads: Iterable[Value] = ()) -> Said:
        """Return what the values say."""
        output = self.outputs.get(_whole(scalars, self.output), "unknown")
        battery = self.batteries.get(_whole(scalars, self.battery), "unknown")
        raised = [flag for flag in self.flags if number(scalars.get(flag.oid)) == flag.value]
        on_battery = {True} if output == "battery" else {False} if output in _MAINS else set()
        for flag in self.flags:
            if flag.means == "battery" and number(scalars.get(flag.oid)) is not None:
                on_battery.add(flag in raised)
            elif flag.means not in ("battery", "bypass", "alarm"):
                battery = _worse(battery, flag, raised, scalars)
        if output == "unknown" and len(on_battery) == 1:
            output = "battery" if True in on_battery else "mains"
        if any(flag.means == "bypass" for flag in raised):
            output = "bypass"
        phases = [found for value in loads if (found := number(value)) is not None and 0 <= found <= 300]
        since = _scaled(scalars, (self.since,) if self.since else ())
        return Said(
            mib=self.name,
            model=text(scalars.get(self.model)) if self.model else "",
            charge_percent=_within(_scaled(scalars, self.charge), 100),
            runtime_minutes=_scaled(scalars, (self.runtime,) if self.runtime else ()),
            doubtful=self.doubtful,
            load_percent=_within(_scaled(scalars, self.load), 300) if not phases else float(max(phases)),
            output=output,
            on_battery=on_battery.pop() if len(on_battery) == 1 else None,
            battery=battery,
            seconds_on_battery=None if since is None else int(since),
            alarms=tuple(flag.word for flag in raised if flag.word),
        )


def _worse(battery: State, flag: Flag, raised: list[Flag], scalars: Mapping[Oid, Value]) -> State:
    if flag in raised:
        return battery if battery not in ("normal", "unknown") else _state(flag)
    told = number(scalars.get(flag.oid)) is not None
    return "normal" if battery == "unknown" and told else battery


def _state(flag: Flag) -> State:
    return "unknown" if flag.means in {"alarm", "battery", "bypass"} else cast("State", flag.means)


def _whole(scalars: Mapping[Oid, Value], wanted: Oid | None) -> int:
    found = number(scalars.get(wanted)) if wanted else None
    return -1 if found is None else found


def _scaled(scalars: Mapping[Oid, Value], wanted: tuple[Scaled, ...]) -> float | None:
    for one in wanted:
        found = number(scalars.get(one.oid))
        if found is not None and found >= 0:
            return found / one.divisor
    return None


def _within(value: float | None, most: float) -> float | None:
    return value if value is not None and value <= most else None


def _at(base: str, *rest: int) -> Oid:
    return (*oid(base), *rest, 0)


_APC, _CPS, _XUPS = "1.3.6.1.4.1.318.1.1.1", "1.3.6.1.4.1.3808.1.1.1", "1.3.6.1.4.1.534.1"
_MGE, _AGENT, _DELTA = "1.3.6.1.4.1.705.1", "1.3.6.1.4.1.935.1.1.1", "1.3.6.1.4.1.2254.2.4"
_EPPC = "1.3.6.1.4.1.935.10.1.1"
_DELL, _SINETICA = "1.3.6.1.4.1.674.10902.2", "1.3.6.1.4.1.13891.101"
_SOCOMEC = "1.3.6.1.4.1.4555.1.1.1.1"


def _xups(name: str, enterprise: int, base: str) -> Vendor:
    """Return what Eaton's own cards say, and those it makes for others."""
    return Vendor(
        name=name, enterprises=(enterprise,), model=_at(base, 1, 2),
        charge=(Scaled(oid=_at(base, 2, 4)),),
        runtime=Scaled(oid=_at(base, 2, 1), divisor=60),
        load=(Scaled(oid=_at(base, 4, 1)),),
        load_column=(*oid(base), 4, 4, 1, 8),
        output=_at(base, 4, 5),
        outputs={
            1: "other", 2: "off", 3: "mains", 4: "bypass", 5: "battery", 6: "boost", 7: "trim", 8: "mains",
            9: "mains", 10: "mains", 11: "bypass", 12: "mains",
        },
        battery=_at(base, 2, 5),
        batteries={1: "normal", 2: "normal", 3: "normal", 4: "normal", 6: "absent", 8: "fault"},
        flags=(
            Flag(oid=_at(base, 2, 7), value=1, means="fault", word="battery failure"),
            Flag(oid=_at(base, 2, 8), value=1, means="absent", word="no battery"),
            Flag(oid=_at(base, 2, 9), value=1, means="replace", word="battery over-aged"),
            Flag(oid=_at(base, 2, 10), value=1, means="low", word="battery capacity low"),
        ),
    )  # fmt: skip


VENDORS: tuple[Vendor, ...] = (
    Vendor(
        name="PowerNet-MIB", enterprises=(318,), model=_at(_APC, 1, 1, 1),
        charge=(Scaled(oid=_at(_APC, 2, 3, 1), divisor=10), Scaled(oid=_at(_APC, 2, 2, 1))),
        runtime=Scaled(oid=_at(_APC, 2, 2, 3), divisor=6000),
        load=(Scaled(oid=_at(_APC, 4, 3, 3), divisor=10), Scaled(oid=_at(_APC, 4, 2, 3))),
        output=_at(_APC, 4, 1, 1),
        outputs={
            2: "mains", 3: "battery", 4: "boost", 5: "off", 6: "bypass", 7: "off", 8: "off", 9: "bypass",
            10: "bypass", 11: "off", 12: "trim", 13: "mains", 14: "mains", 15: "test", 16: "bypass",
            17: "bypass", 18: "mains", 19: "mains", 20: "mains", 21: "mains", 22: "mains",
        },
        battery=_at(_APC, 2, 1, 1),
        batteries={2: "normal", 3: "low", 4: "fault", 5: "absent"},
        since=Scaled(oid=_at(_APC, 2, 1, 2), divisor=100),
        flags=(
            Flag(oid=_at(_APC, 2, 2, 4), value=2, means="replace", word="replace the battery"),
        ),
    ),
    Vendor(
        name="CPS-MIB", enterprises=(3808,), model=_at(_CPS, 1, 1, 1),
        charge=(Scaled(oid=_at(_CPS, 2, 2, 1)),),
        runtime=Scaled(oid=_at(_CPS, 2, 2, 4), divisor=6000),
        load=(Scaled(oid=_at(_CPS, 4, 2, 3)),),
        output=_at(_CPS, 4, 1, 1),
        outputs={
            2: "mains", 3: "battery", 4: "boost", 5: "off", 6: "off", 7: "off", 8: "mains", 9: "bypass",
            10: "trim",
        },
        battery=_at(_CPS, 2, 1, 1),
        batteries={2: "normal", 3: "low", 4: "absent"},
        flags=(
            Flag(oid=_at(_CPS, 2, 2, 5), value=2, means="replace", word="replace the battery"),
        ),
    ),
    _xups("XUPS-MIB", 534, _XUPS),
    _xups("CPQPOWER-MIB", 232, "1.3.6.1.4.1.232.165.3"),
    Vendor(
        name="MG-SNMP-UPS-MIB", enterprises=(705,), model=_at(_MGE, 1, 1),
        charge=(Scaled(oid=_at(_MGE, 5, 2)),),
        runtime=Scaled(oid=_at(_MGE, 5, 1), divisor=60),
        load_column=(*oid(_MGE), 7, 2, 1, 4),
        flags=(
            Flag(oid=_at(_MGE, 7, 3), value=1, means="battery"),
            Flag(oid=_at(_MGE, 7, 4), value=1, means="bypass"),
            Flag(oid=_at(_MGE, 7, 10), value=1, means="alarm", word="output overload"),
            Flag(oid=_at(_MGE, 7, 11), value=1, means="alarm", word="over temperature"),
            Flag(oid=_at(_MGE, 6, 3), value=1, means="alarm", word="input bad"),
            Flag(oid=_at(_MGE, 5, 9), value=1, means="fault", word="battery fault"),
            Flag(oid=_at(_MGE, 5, 15), value=1, means="fault", word="charger fault"),
            Flag(oid=_at(_MGE, 5, 11), value=1, means="replace", word="replace the battery"),
            Flag(oid=_at(_MGE, 5, 14), value=1, means="low", word="low battery"),
            Flag(oid=_at(_MGE, 5, 16), value=1, means="low", word="low battery condition"),
        ),
    ),
    Vendor(
        name="EPPC-MIB", enterprises=(935,), model=_at(_EPPC, 1, 2),
        charge=(Scaled(oid=_at(_EPPC, 3, 4)),),
        runtime=Scaled(oid=_at(_EPPC, 3, 3)), doubtful=True,
        load_column=(*oid(_EPPC), 2, 18, 1, 7),
        output=_at(_EPPC, 2, 1),
        outputs={
            1: "other", 2: "off", 3: "bypass", 4: "mains", 5: "battery", 6: "test", 7: "off", 8: "mains",
            9: "mains", 10: "off", 11: "boost", 12: "trim", 13: "other",
        },
        battery=_at(_EPPC, 3, 1),
        batteries={2: "normal", 3: "low", 4: "depleted", 6: "fault"},
    ),
    Vendor(
        name="NetAgent UPSMIB", enterprises=(935,), model=_at(_AGENT, 1, 1, 1),
        charge=(Scaled(oid=_at(_AGENT, 2, 2, 1)),),
        load=(Scaled(oid=_at(_AGENT, 4, 2, 3)),),
        output=_at(_AGENT, 4, 1, 1),
        outputs={
            2: "mains", 3: "battery", 4: "boost", 5: "off", 6: "bypass", 7: "off", 8: "off", 9: "trim",
        },
        battery=_at(_AGENT, 2, 1, 1),
        batteries={2: "normal", 3: "low"},
    ),
    Vendor(
        name="DeltaUPS-MIB", enterprises=(2254,), model=_at(_DELTA, 1, 2),
        charge=(Scaled(oid=_at(_DELTA, 7, 8)),),
        runtime=Scaled(oid=_at(_DELTA, 7, 5), divisor=1),
        load=(Scaled(oid=_at(_DELTA, 5, 7)),),
        output=_at(_DELTA, 5, 1),
        outputs={
            0: "mains", 1: "battery", 2: "bypass", 3: "trim", 4: "boost", 5: "bypass", 6: "other", 7: "off",
        },
        battery=_at(_DELTA, 7, 2),
        batteries={0: "normal", 1: "low", 2: "depleted"},
        since=Scaled(oid=_at(_DELTA, 7, 4)),
        flags=(
            Flag(oid=_at(_DELTA, 7, 1), value=2, means="replace", word="replace the battery"),
            Flag(oid=_at(_DELTA, 7, 1), value=1, means="fault", word="battery weak"),
        ),
    ),
    Vendor(
        name="DELL-SNMP-UPS-MIB", enterprises=(674,), model=_at(_DELL, 100, 1),
        runtime=Scaled(oid=_at(_DELL, 120, 5, 3), divisor=60),
        flags=(
            Flag(oid=_at(_DELL, 110, 1), value=4, means="alarm", word="global status non-critical"),
            Flag(oid=_at(_DELL, 110, 1), value=5, means="alarm", word="global status critical"),
            Flag(oid=_at(_DELL, 110, 1), value=6, means="alarm", word="global status non-recoverable"),
        ),
    ),
    Vendor(
        name="Sinetica MIB", enterprises=(13891,), model=_at(_SINETICA, 1, 2),
        charge=(Scaled(oid=_at(_SINETICA, 2, 4)),),
        runtime=Scaled(oid=_at(_SINETICA, 2, 3)),
        load_column=(*oid(_SINETICA), 4, 4, 1, 5),
        output=_at(_SINETICA, 4, 1),
        outputs={1: "other", 2: "off", 3: "mains", 4: "bypass", 5: "battery", 6: "boost", 7: "trim"},
        battery=_at(_SINETICA, 2, 1),
        batteries={2: "normal", 3: "low", 4: "depleted"},
    ),
    Vendor(
        name="Net Vision MIB", enterprises=(4555,), model=_at(_SOCOMEC, 1, 1),
        charge=(Scaled(oid=_at(_SOCOMEC, 2, 4)),),
        runtime=Scaled(oid=_at(_SOCOMEC, 2, 3)),
        load_column=(*oid(_SOCOMEC), 4, 4, 1, 4),
        output=_at(_SOCOMEC, 4, 1),
        outputs={
            1: "other", 2: "off", 3: "mains", 4: "bypass", 5: "battery", 6: "boost", 7: "trim", 8: "off",
            9: "mains",
        },
        battery=_at(_SOCOMEC, 2, 1),
        batteries={2: "normal", 3: "low", 4: "depleted", 6: "fault"},
        since=Scaled(oid=_at(_SOCOMEC, 2, 2)),
    ),
)  # fmt: skip
"""XUPS-MIB is in the MIB's own words; the others as public monitoring systems read them."""
