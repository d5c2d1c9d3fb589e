"""ups: the UPS is on mains, its battery is well and charged, and it lasts long enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.contract import Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device, require_access
from checks.device.ups import Ups as UpsNow
from checks.device.ups import read_ups
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.params import Duration, Percent
from checks.safe import in_line, safe

_SOURCE = "the project file; numbers as the UPS tells them"
_BATTERIES = {
    "low": "is nearly empty", "depleted": "is empty", "replace": "must be replaced", "fault": "has a fault",
    "absent": "is missing",
}  # fmt: skip
_OWN_FINDING = frozenset({"on battery", "on bypass", "low battery", "depleted battery", "test in progress"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsSeen(UpsNow):
    """What the UPS said of itself."""

    name: str


class Ups(DeviceCheck[UpsSeen]):
    """The UPS feeds its load from mains, its battery is well and charged, and it would last long enough.

    Proves: what the UPS's own card says now: source of its output, state and charge of the battery, its own
    estimate of the runtime at this load, alarms.
    Cannot prove: that the battery really lasts so long (only a discharge test does), nor that the right
    devices are plugged into it.
    If it fails: restore mains or take it off bypass; replace or charge the battery; take load off.

    Source: RFC 1628 (UPS-MIB), PowerNet-MIB, XUPS-MIB, MG-SNMP-UPS-MIB, CPS-MIB.

    Example:
        type: ups
        host: 10.20.0.9
        community: env:SNMP_COMMUNITY
        min_runtime: 15m
    """

    min_charge: Percent = 90.0
    """Lowest charge of the battery."""
    min_runtime: Duration = 600.0
    """Shortest runtime that the UPS itself must expect at its present load."""
    max_load: Percent = 80.0
    """Highest load, of the phase with the most."""

    def __post_init__(self) -> None:
        require_access(self)
        if 0 < self.min_charge <= 1:
            raise ValueError(f"'min_charge' is in per cent, so {self.min_charge:g} is hardly any; write 90%.")
        if 0 < self.min_runtime < 60:
            raise ValueError(f"'min_runtime' is {self.min_runtime:g} s, hardly any; give the unit, like 15m.")

    async def observe(self, vantage: Vantage) -> UpsSeen:
        found = await device(self, vantage)
        return UpsSeen(name=found.name, **vars(await found.read(read_ups)))

    def judge(self, seen: UpsSeen) -> Iterable[Finding]:
        yield self._source(seen)
        yield self._battery(seen)
        yield self._charge(seen)
        yield self._runtime(seen)
        yield self._load(seen)
        yield from _alarms(seen)

    def _source(self, seen: UpsSeen) -> Finding:
        subject, expected = f"{seen.name}: output", "fed from mains"
        if seen.output == "off":
            return failed(
                subject, "The UPS gives no output: what is plugged in has no power.", expected=expected,
                observed="output off",
                fix="Switch the output on at the UPS; then check that the devices come up.",
            )  # fmt: skip
        if seen.on_battery:
            since = f" for {seen.seconds_on_battery} s" if seen.seconds_on_battery else ""
            return failed(
                subject, "The UPS runs on battery.", expected=expected, observed=f"on battery{since}",
                fix="Look for the missing mains: plug, socket, fuse or RCD of its circuit, then the supply.",
            )  # fmt: skip
        if seen.output == "bypass":
            return failed(
                subject, "The UPS is on bypass: the load is fed straight from mains and falls with it.",
                expected=expected, observed="bypass",
                fix="Take it off bypass; if it goes back by itself, it is overloaded or faulty.",
            )  # fmt: skip
        if seen.on_battery is None:
            return cannot_tell(
                subject, "Whether the UPS is on mains cannot be told: it runs a test, does not say, or its "
                "MIBs contradict each other.", expected=expected, observed=seen.output,
                fix="Look at its display, and ask again when a test is over.",
            )  # fmt: skip
        words = {
            "boost": " It raises a low mains voltage.", "trim": " It lowers a high mains voltage."
        }  # fmt: skip
        return passed(
            subject, f"The UPS is on mains.{words.get(seen.output, '')}", expected=expected,
            observed=seen.output,
        )  # fmt: skip

    def _battery(self, seen: UpsSeen) -> Finding:
        subject, expected = f"{seen.name}: battery", "normal"
        if seen.battery_ok is None:
            return cannot_tell(
                subject, "The UPS does not say whether its battery is well.", expected=expected,
                observed="unknown", fix="Run its self-test, and look at its display or web page.",
            )  # fmt: skip
        if not seen.battery_ok:
            return failed(
                subject, f"The battery {_BATTERIES.get(seen.battery, 'is not well')}.", expected=expected,
                observed=seen.battery,
                fix="Replace the battery." if seen.battery in ("replace", "fault", "absent")
                else "Restore mains and let it charge; if it stays low, replace the battery.",
            )  # fmt: skip
        return passed(subject, "The battery is well.", expected=expected, observed=seen.battery)

    def _charge(self, seen: UpsSeen) -> Finding:
        subject = f"{seen.name}: charge"
        if seen.charge_percent is None:
            return cannot_tell(
                subject, "The UPS does not say how far its battery is charged, or its MIBs contradict each "
                "other.",
                expected=f"at least {self.min_charge:g} %", observed="not told",
                fix="Read it from its display or web page.",
            )  # fmt: skip
        return within(
            subject,
            Measure(
                name="Charge of the battery", value=seen.charge_percent, unit="%", fail=self.min_charge,
                source=_SOURCE,
            ),
            least=True, fix="Let it charge on mains for some hours; if it stays there, replace the battery.",
        )  # fmt: skip

    def _runtime(self, seen: UpsSeen) -> Finding:
        subject, least = f"{seen.name}: runtime", self.min_runtime / 60
        minutes = seen.runtime_minutes
        expected = f"at least {least:g} min"
        if minutes is None or (minutes == 0 and seen.on_battery is not True):
            return cannot_tell(
                subject, "The UPS does not say how long it would last.", expected=expected,
                observed="not told" if minutes is None else "0 min, on mains",
                fix="Read it from its display, or run its battery test; some cards tell it on battery only.",
            )  # fmt: skip
        if minutes >= least > minutes / 60 and seen.runtime_doubtful and _implausible(minutes, seen):
            return cannot_tell(
                subject, f"The UPS says {minutes:g} minutes, which is hardly so: some cards tell seconds, "
                f"and those would be {minutes / 60:.1f} minutes.", expected=expected,
                observed=f"{minutes:g}, of minutes or seconds",
                fix="Compare it with its display.",
            )  # fmt: skip
        return within(
            subject,
            Measure(name="Expected runtime", value=minutes, unit="min", fail=least, source=_SOURCE),
            least=True, fix="Take load off, let the battery charge, or replace it by a larger or newer one.",
        )  # fmt: skip

    def _load(self, seen: UpsSeen) -> Finding:
        subject = f"{seen.name}: load"
        if seen.load_percent is None:
            return cannot_tell(
                subject, "The UPS does not say how much load it carries, or its MIBs contradict each other.",
                expected=f"at most {self.max_load:g} %", observed="not told",
                fix="Read it from its display or web page.",
            )  # fmt: skip
        return within(
            subject,
            Measure(name="Load", value=seen.load_percent, unit="%", fail=self.max_load, source=_SOURCE),
            fix="Move devices to another UPS or another phase.",
        )  # fmt: skip


def _implausible(minutes: float, seen: UpsSeen) -> bool:
    """Return whether no usual UPS lasts so long at this load."""
    return minutes > 1440 or (minutes > 300 and seen.load_percent is not None and seen.load_percent >= 20)


def _alarms(seen: UpsSeen) -> Iterator[Finding]:
    subject = f"{seen.name}: alarms"
    other = [alarm for alarm in seen.alarms if alarm not in _OWN_FINDING]
    if other:
        yield warned(
            subject, "The UPS raises alarms.", expected="none", observed=in_line(other),
            fix=f"Clear them at the UPS, first: {safe(other[0], limit=80)}.",
        )  # fmt: skip
    elif seen.alarm_count and not seen.alarms:
        yield warned(
            subject, f"The UPS counts {seen.alarm_count} alarms and does not name them.", expected="none",
            observed=str(seen.alarm_count), fix="Look at its display or web page for what they are.",
        )  # fmt: skip
