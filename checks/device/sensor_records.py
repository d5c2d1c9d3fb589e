"""The record of one sensor, whatever MIB it comes from."""

from __future__ import annotations

from typing import Literal

from checks.dataclass import dataclass

State = Literal["ok", "warning", "critical", "absent", "unknown"]
Kind = Literal[
    "temperature", "fan", "power supply", "voltage", "current", "power", "optical power", "humidity", "alarm",
    "part", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """One sensor, fan, power supply or alarm of a device."""

    mib: str
    oid: str
    """Of the object that was read."""
    kind: Kind
    name: str
    state: State
    """What the device itself makes of it; `unknown` where it gives a value and no limit, or no state."""
    said: str
    """The device's own word, or the value against its limit."""
    value: float | None = None
    unit: str = ""
    optic: bool = False
    """Of a transceiver: without a link it reads what it likes."""
