"""Whether a device's running configuration is the one that it starts with, where a MIB tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.maker import read_maker
from checks.device.values import number, oid
from checks.vantage import CannotTell
from checks.wire.snmp.agent import Oid

How = Literal["saved", "unsaved", "starting", "unknown"]
"""`starting`: changed only while it started, most likely by reading what is stored."""

SYS_UPTIME = oid("1.3.6.1.2.1.1.3.0")
_STARTING = 120 * 100
"""Ticks in which a device reads its stored configuration, which some count as a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Three clocks of one MIB: when the running configuration and the stored one were last changed."""

    mib: str
    running_changed: Oid
    saved: Oid
    """When the running configuration was last written to anywhere: not used to judge."""
    startup_changed: Oid


def _history(mib: str, base: str) -> History:
    running, saved, startup = ((*oid(base), column, 0) for column in (1, 2, 3))
    return History(mib=mib, running_changed=running, saved=saved, startup_changed=startup)


HISTORIES: Mapping[int, History] = {
    9: _history("CISCO-CONFIG-MAN-MIB", "1.3.6.1.4.1.9.9.43.1.1"),
    2011: _history("HUAWEI-CONFIG-MAN-MIB", "1.3.6.1.4.1.2011.6.10.1.1.1"),
    25506: _history("HH3C-CONFIG-MAN-MIB", "1.3.6.1.4.1.25506.2.4.1.1.1"),
}
"""By the device's enterprise number."""
COMMANDS: Mapping[int, tuple[str, str]] = {
    9: ("show archive config differences system:running-config nvram:startup-config", "write memory"),
    11: ("show running-config status", "write memory"),
    43: ("display current-configuration | compare", "save"),
    47196: ("show running-config vs-startup (checkpoint diff running-config startup-config)", "write memory"),
    2011: ("compare configuration", "save"),
    25506: ("display current-configuration diff", "save"),
    2636: ("show | compare (in configuration mode)", "commit"),
    1916: ("show switch (the line 'Config Modified')", "save configuration"),
    4526: ("show running-config against show startup-config", "write memory"),
    4413: ("show running-config against show startup-config", "write memory"),
    674: ("show running-config against show startup-config", "write memory"),
    207: ("show running-config against show startup-config", "write memory"),
    171: ("show running-config against show startup-config", "copy running-config startup-config"),
    890: ("show running-config against show startup-config", "write memory"),
    1991: ("show running-config against show configuration", "write memory"),
    30065: ("diff running-config startup-config", "write memory"),
    45: ("show running-config", "copy config nvram"),
}
"""What to type on the console to see, and to save, by enterprise number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What is known of the configuration; the clocks are the agent's own, in seconds before now."""

    how: How
    mib: str
    running_changed_s: float | None
    """How long ago the running configuration was last changed; None if not since it started."""
    startup_changed_s: float | None
    """How long ago the stored configuration was last written; None if not since it started."""
    uptime_s: float | None


async def read_config(device: Device) -> Config:
    """Read the clocks; raise CannotTell, with what to type on the console, where no MIB tells."""
    maker = await device.read(read_maker)
    history = HISTORIES.get(maker or 0)
    look, save = COMMANDS.get(
        maker or 0, ("show running-config against show startup-config", "its save command")
    )
    fix = f"On its console type: {look}; if they differ, save it ({save})."
    if history is None:
        raise CannotTell(
            f"{device.name} does not tell by SNMP whether its configuration is saved; no MIB of this vendor "
            "that is known here does.", fix,
        )  # fmt: skip
    found = await device.agent.get(
        SYS_UPTIME, history.running_changed, history.saved, history.startup_changed
    )
    running, startup = number(found.get(history.running_changed)), number(found.get(history.startup_changed))
    if running is None or startup is None:
        raise CannotTell(
            f"{device.name} does not show {history.mib}: whether its configuration is saved cannot be told.",
            fix + " Or give the community a view of that MIB.",
        )
    return config_of(history.mib, number(found.get(SYS_UPTIME)), running, startup)


def config_of(mib: str, now: int | None, running: int, startup: int) -> Config:
    """Return what the clocks say: ticks of sysUpTime at the event, 0 for none since the device started."""
    how: How = "unsaved" if running > startup else "saved"
    if how == "unsaved" and startup == 0 and running < _STARTING:
        how = "starting"
    if now is not None and max(running, startup) > now:
        how = "unknown"
    return Config(
        how=how, mib=mib, uptime_s=None if now is None else now / 100,
        running_changed_s=_ago(now, running), startup_changed_s=_ago(now, startup),
    )  # fmt: skip


def _ago(now: int | None, then: int) -> float | None:
    return (now - then) / 100 if now is not None and 0 < then <= now else None
