"""host: this laptop is fit to do the tests and the cutover."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from checks.bounds import Gt, Len
from checks.contract import CannotTell, Check, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, within
from checks.local.facts import read_local
from checks.params import Duration, Endpoint, Percent
from checks.safe import safe

_LIMIT = "the project's limit"
_GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """`on_mains` is None where the system does not know."""

    percent: float
    on_mains: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """What this laptop says about itself; a quantity nobody asked for may be None."""

    hostname: str
    battery: Battery | None = None
    battery_doubt: str = ""
    """Why a battery that was not found may be there all the same; a full sentence."""
    disk_free_bytes: int | None = None
    disk_error: str = ""
    memory_free_bytes: int | None = None
    uptime_s: float | None = None
    reboot_pending: str | None = None
    """Why a restart is due, empty if none is; None where this system has no such mark."""
    vpn: tuple[str, ...] = ()
    clock_offset_s: float | None = None
    clock_unsure_s: float = 0.0
    """How wrong the offset may be: half the round trip, and what the server says of itself."""
    clock_error: str = ""


class Host(Check[HostSeen]):
    """This laptop has the power, room, memory and clock for the job, and its VPN is as planned.

    Proves: what the system reports about itself now.
    Cannot prove: that it lasts; a battery's percentage says little about an old battery.
    If it fails: plug the charger in, free disk or memory, set the clock, or switch the VPN as planned;
    then run again.

    Source: psutil (sensors_battery, disk_usage, virtual_memory, boot_time); RFC 5905 for the clock.

    Example:
        type: host
        min_battery: 50%
        min_free_disk_gb: 2
        vpn: "off"
    """

    min_battery: Percent | None = None
    """The least charge when not on mains; on mains any charge will do."""
    min_free_disk_gb: Annotated[float, Gt(0)] | None = None
    """The least free room in GB (10^9 bytes) where `disk` is."""
    disk: Annotated[str, Len(1, 4096)] | None = None
    """A folder on the disk that is meant; left out, the one that gonogo runs in."""
    min_free_memory_gb: Annotated[float, Gt(0)] | None = None
    """The least memory in GB (10^9 bytes) that programs can get without swapping."""
    max_uptime: Duration | None = None
    """The longest time since the last start."""
    reboot_pending: Literal["absent"] | None = None
    """Write `absent` where no update may be waiting for a restart."""
    vpn: Literal["on", "off"] | None = None
    """Whether a VPN must be on or off while testing."""
    time_server: Endpoint | None = None
    """NTP server that the clock is compared with; goes with `max_clock_offset`."""
    max_clock_offset: Duration | None = None
    """The most that the clock may be off, either way."""

    def __post_init__(self) -> None:
        asserted = (
            self.min_battery, self.min_free_disk_gb, self.min_free_memory_gb, self.max_uptime,
            self.reboot_pending, self.vpn, self.max_clock_offset,
        )  # fmt: skip
        if all(item is None for item in asserted):
            raise ValueError(
                "host asserts nothing: give one of min_battery, min_free_disk_gb, min_free_memory_gb, "
                "max_uptime, reboot_pending, vpn, max_clock_offset."
            )
        if (self.time_server is None) != (self.max_clock_offset is None):
            raise ValueError("host compares the clock by 'time_server' and 'max_clock_offset' together.")
        if self.disk is not None and self.min_free_disk_gb is None:
            raise ValueError("host looks at 'disk' only together with 'min_free_disk_gb'.")

    def subject(self) -> str:
        """Return that it is about the machine itself."""
        return "this laptop"

    def needs_link(self) -> bool:
        """Return False: all but the clock is known without a link."""
        return False

    async def observe(self, vantage: Vantage) -> HostSeen:
        """Ask the system; the clock is compared only if a time server is named."""
        host = await read_local(vantage.shared)
        offset, unsure, clock_error = await self._clock(vantage)
        seen = await asyncio.to_thread(self._read, host.hostname, host.vpn)
        return dataclasses.replace(
            seen, clock_offset_s=offset, clock_unsure_s=unsure, clock_error=clock_error
        )

    def _read(self, hostname: str, vpn: tuple[str, ...]) -> HostSeen:
        import time

        import psutil

        power = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        free, disk_error = None, ""
        if self.min_free_disk_gb is not None:
            try:
                free = psutil.disk_usage(self.disk or str(Path.cwd())).free
            except OSError as error:
                disk_error = error.strerror or str(error)
        return HostSeen(
            hostname=hostname,
            battery=Battery(percent=round(float(power.percent), 1), on_mains=power.power_plugged)
            if power is not None else None,
            battery_doubt=battery_doubt() if power is None and self.min_battery is not None else "",
            disk_free_bytes=free,
            disk_error=disk_error,
            memory_free_bytes=psutil.virtual_memory().available,
            uptime_s=time.time() - psutil.boot_time(),
            reboot_pending=reboot_pending() if self.reboot_pending is not None else None,
            vpn=vpn,
        )  # fmt: skip

    async def _clock(self, vantage: Vantage) -> tuple[float | None, float, str]:
        if self.time_server is None:
            return None, 0.0, ""
        from checks.wire.ntp import ask

        try:
            answer = await ask(self.time_server, timeout=min(4.0, vantage.remaining() / 2))
        except CannotTell as error:
            return None, 0.0, error.reason
        best = answer.best()
        if best is not None and answer.fit():
            return best.offset_s, best.delay_s / 2 + answer.root_distance_s(), ""
        return None, 0.0, answer.detail or answer.error or "the server says that it has no time to give"

    def judge(self, seen: HostSeen) -> Iterable[Finding]:
        """Judge each limit by itself."""
        name = safe(seen.hostname, limit=80)
        if self.min_battery is not None:
            yield _judge_battery(name, seen, self.min_battery)
        if self.min_free_disk_gb is not None:
            if seen.disk_free_bytes is None:
                yield cannot_tell(
                    name, f"The free room of {safe(self.disk or 'this folder', limit=200)} cannot be read: "
                    f"{safe(seen.disk_error, limit=200)}.", fix="Correct 'disk', or mount it.",
                )  # fmt: skip
            else:
                yield _least(
                    name, "Free disk space", seen.disk_free_bytes / _GB, "GB", self.min_free_disk_gb,
                    "Make room: empty the bin, remove old downloads.",
                )  # fmt: skip
        if self.min_free_memory_gb is not None:
            if seen.memory_free_bytes is None:
                yield _unknown(name, "free memory")
            else:
                yield _least(
                    name, "Free memory", seen.memory_free_bytes / _GB, "GB", self.min_free_memory_gb,
                    "Close what is not needed.",
                )  # fmt: skip
        yield from self._judge_state(name, seen)
        if self.max_clock_offset is not None:
            yield self._judge_clock(name, seen, self.max_clock_offset)

    def _judge_state(self, name: str, seen: HostSeen) -> Iterator[Finding]:
        if self.max_uptime is not None:
            if seen.uptime_s is None:
                yield _unknown(name, "time since the last start")
            else:
                measure = Measure(
                    name="Time since the last start", value=round(seen.uptime_s / 3600, 2), unit="h",
                    fail=self.max_uptime / 3600, source=_LIMIT,
                )  # fmt: skip
                yield within(name, measure, fix="Restart the laptop.")
        if self.reboot_pending is not None:
            if seen.reboot_pending is None:
                yield _unknown(name, "updates that wait for a restart")
            elif seen.reboot_pending:
                yield failed(
                    name, "An update waits for a restart.", expected="none waits",
                    observed=safe(seen.reboot_pending, limit=300), fix="Restart the laptop.",
                )  # fmt: skip
            else:
                yield passed(name, "No update waits for a restart.", expected="none waits", observed="none")
        if self.vpn is not None:
            observed = f"on: {safe(', '.join(seen.vpn), limit=200)}" if seen.vpn else "off"
            if bool(seen.vpn) == (self.vpn == "on"):
                yield passed(name, "The VPN is as planned.", expected=self.vpn, observed=observed)
            else:
                yield failed(
                    name, f"The VPN must be {self.vpn} for these tests.", expected=self.vpn,
                    observed=observed,
                    fix="Disconnect the VPN." if self.vpn == "off" else "Connect the VPN.",
                )  # fmt: skip

    def _judge_clock(self, name: str, seen: HostSeen, most: float) -> Finding:
        if seen.clock_offset_s is None:
            return cannot_tell(
                name, f"The clock could not be compared with {self.time_server}: "
                f"{safe(seen.clock_error, limit=200)}.",
                fix="Check that UDP port 123 is open to that server.",
            )  # fmt: skip
        offset, unsure = abs(seen.clock_offset_s), seen.clock_unsure_s
        if offset - unsure <= most < offset + unsure:
            return cannot_tell(
                name, f"The clock cannot be compared with {self.time_server} exactly enough.",
                expected=f"at most {most:g} s off", observed=f"{offset:.3g} s, give or take {unsure:.3g} s",
                fix="Run it again when the network is quiet, or name a nearer time server.",
            )  # fmt: skip
        measure = Measure(
            name="Clock offset", value=round(abs(seen.clock_offset_s), 4), unit="s", fail=most, source=_LIMIT
        )
        return within(name, measure, fix="Switch automatic time setting on and synchronise the clock now.")


def _judge_battery(name: str, seen: HostSeen, least: float) -> Finding:
    expected = f"on mains, or at least {least:g} % ({_LIMIT})"
    battery = seen.battery
    if battery is None and seen.battery_doubt:
        return cannot_tell(
            name, f"The charge is not known. {safe(seen.battery_doubt, limit=300)}", expected=expected,
            observed="not known", fix="Plug the power supply in and attest it (type: manual).",
        )  # fmt: skip
    if battery is None:
        return passed(name, "There is no battery: it runs on mains.", expected=expected, observed="mains")
    observed = f"{battery.percent:g} %"
    if battery.on_mains:
        return passed(name, "It runs on mains.", expected=expected, observed=f"on mains, {observed} charged")
    if battery.percent >= least:
        return passed(name, "The battery is charged enough.", expected=expected, observed=observed)
    make = cannot_tell if battery.on_mains is None else failed
    return make(
        name, f"The battery has only {observed}.", expected=expected, observed=observed,
        fix="Plug the power supply in.",
    )  # fmt: skip


def _least(name: str, what: str, value: float, unit: str, least: float, fix: str) -> Finding:
    measure = Measure(name=what, value=round(value, 3), unit=unit, fail=least, source=_LIMIT)
    return within(name, measure, fix=fix, least=True)


def _unknown(name: str, what: str) -> Finding:
    return cannot_tell(
        name, f"This system does not tell the {what}.", fix="Look it up by hand and attest it (type: manual)."
    )


def battery_doubt(supplies: Path = Path("/sys/class/power_supply")) -> str:
    """Return why there may be a battery although psutil finds none; empty if there is none.

    psutil says None for both. On Linux the kernel lists every supply, a mouse's battery as one of a device;
    elsewhere psutil's word is taken.
    """
    if not sys.platform.startswith("linux"):
        return ""
    if not supplies.is_dir():
        return "This system says nothing of its power supply."
    for supply in sorted(supplies.iterdir()):
        try:
            said = [(supply / name).read_text("utf-8", "replace").strip() for name in ("type", "scope")
                    if (supply / name).exists()]  # fmt: skip
        except OSError:
            said = []
        if said in (["Battery"], ["Battery", "System"]):
            return f"There is a battery ({supply.name}) that cannot be read."
    return ""


def reboot_pending(root: Path = Path("/")) -> str | None:
    """Return why a restart is due, empty if none is, None where the system keeps no such mark.

    Debian and Ubuntu: /run/reboot-required, if update-notifier-common is there to write it; Windows: the
    keys of Windows Update and of component servicing. The Windows half was never run on Windows by us.
    """
    if sys.platform == "win32":
        from checks.local.windows import reboot_reason

        return reboot_reason()
    if sys.platform.startswith("linux"):
        mark = root / "run/reboot-required"
        if not mark.exists():
            return "" if (root / "usr/share/update-notifier/notify-reboot-required").exists() else None
        try:
            packages = (root / "run/reboot-required.pkgs").read_text("utf-8", "replace")[:300].split()
        except OSError:
            packages = []
        return f"/run/reboot-required {' '.join(packages)}".strip()
    return None
