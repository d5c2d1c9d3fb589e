"""printer: the printer is ready, nothing is wrong with it, and its supplies last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.contract import Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device, require_access
from checks.device.printer import Printer as PrinterNow
from checks.device.printer import Supply, read_printer, waste_alert
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.params import Percent
from checks.safe import in_line, safe

_STOPS = {
    "no paper": "Fill the paper tray.",
    "no toner": "Replace the empty toner or ink.",
    "door open": "Close its doors and covers.",
    "jammed": "Take out the jammed paper.",
    "offline": "Set the printer online at its panel.",
}
_SLOWS = {
    "low paper": "Fill the paper tray.",
    "low toner": "Have the toner or ink that is named at hand.",
    "service requested": "Read at its panel what service it asks for.",
    "marker supply missing": "Put the missing cartridge in.",
    "output full": "Empty the output tray.",
}
_MARKS = frozenset({"toner", "toner cartridge", "ink", "ink cartridge", "ink ribbon", "solid wax", "unknown"})
_SOURCE = "the project file; level as the printer tells it"
_QUIET_CODES = frozenset(range(502, 508))
"""Alerts of RFC 3805 that tell an event, not a trouble: door closed, power up, ready to print."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterSeen(PrinterNow):
    """What the printer said of itself; paper trays are among its supplies, of kind `input`."""

    name: str


class Printer(DeviceCheck[PrinterSeen]):
    """The printer is ready to print, reports no trouble, and its supplies last for a while.

    Proves: what the printer says of itself now: state, detected errors, alerts, levels of toner or ink and of
    its waste container.
    Cannot prove: that a page comes out and looks right: print one.
    If it fails: do at the printer what is named; order the supply that is named.

    Source: RFC 2790 (hrDeviceStatus, hrPrinterDetectedErrorState), RFC 3805 (Printer-MIB).

    Example:
        type: printer
        host: 10.20.0.40
        community: env:SNMP_COMMUNITY
        min_supply: 15%
    """

    min_supply: Percent = 10.0
    """Lowest level of toner and ink; drums, fusers and the like are told below it and fail when used up."""
    waste_max: Percent = 90.0
    """Highest filling of a waste container."""

    def __post_init__(self) -> None:
        require_access(self)
        if 0 < self.min_supply <= 1 or 0 < self.waste_max <= 1:
            raise ValueError("A level is in per cent: 0.2 is 0.2 %; write 20% for a fifth.")

    async def observe(self, vantage: Vantage) -> PrinterSeen:
        found = await device(self, vantage)
        return PrinterSeen(name=found.name, **vars(await found.read(read_printer)))

    def judge(self, seen: PrinterSeen) -> Iterable[Finding]:
        yield from _state(seen)
        marks = [supply for supply in seen.supplies if supply.kind != "input"]
        for supply in marks:
            yield from self._waste(seen, supply) if supply.receptacle else self._supply(seen, supply)
        if not marks:
            yield cannot_tell(
                f"{seen.name}: supplies", "The printer does not tell its supplies.",
                expected=f"at least {self.min_supply:g} %", observed="not told",
                fix="Look at its panel or web page; label printers and the like have none to tell.",
            )  # fmt: skip
        elif not any(_tells_ink(supply) for supply in marks):
            yield cannot_tell(
                f"{seen.name}: supplies", "The printer does not tell how much toner or ink is left.",
                expected=f"at least {self.min_supply:g} %",
                observed=in_line(f"{one.description or one.kind}: {_level(one)}" for one in marks),
                fix="Look at its panel or web page.",
            )  # fmt: skip
        if (said := waste_alert(seen.alerts)) and not any(supply.receptacle for supply in marks):
            yield _waste_told(f"{seen.name}: waste container", said, "not told")
        yield from _alerts(seen)

    def _supply(self, seen: PrinterSeen, supply: Supply) -> Iterator[Finding]:
        subject = _subject(seen, supply)
        inks = supply.kind in _MARKS
        if supply.level_percent is not None:
            least = self.min_supply
            measure = Measure(
                name="Level", value=supply.level_percent, unit="%", source=_SOURCE,
                warn=None if inks else least, fail=least if inks else min(1.0, least),
            )  # fmt: skip
            used_up = supply.level_percent == 0
            if used_up:
                yield failed(
                    subject, f"{safe(supply.description, limit=120) or 'A supply'} is used up.",
                    expected=f"at least {least:g} %", observed="0 %", fix="Replace it.",
                )  # fmt: skip
            else:
                yield within(subject, measure, least=True, fix="Have the new one at hand, or replace it.")
        elif supply.level == "some" and inks:
            yield self._some(seen, subject)
        elif supply.level == "unknown" and inks:
            yield cannot_tell(
                subject, "The printer does not know how much of this is left.",
                expected=f"at least {self.min_supply:g} %", observed="unknown",
                fix="Look at its panel; a cartridge of another maker often tells no level.",
            )  # fmt: skip

    def _some(self, seen: PrinterSeen, subject: str) -> Finding:
        expected, observed = f"at least {self.min_supply:g} %", "some left, how much is not told"
        if seen.errors is None or "low toner" in seen.errors or "no toner" in seen.errors:
            return cannot_tell(
                subject, "The printer knows only that there is some left.", expected=expected,
                observed=observed, fix="Look at its panel or web page, and have a new one at hand.",
            )  # fmt: skip
        return passed(
            subject, "The printer says that there is some left, and that none is low.", expected=expected,
            observed=observed,
        )  # fmt: skip

    def _waste(self, seen: PrinterSeen, supply: Supply) -> Iterator[Finding]:
        """Judge a container that fills.

        Printer-MIB says that its level is the space that remains; many agents tell the filling. The printer's
        own alert decides where it keeps alerts.
        """
        subject, level, most = _subject(seen, supply), supply.level_percent, self.waste_max
        expected, observed = f"at most {most:g} % full", _level(supply)
        said = waste_alert(seen.alerts)
        if said:
            yield _waste_told(subject, said, observed)
        elif level is None:
            if supply.level == "unknown" and not seen.keeps_alerts:
                yield cannot_tell(
                    subject, "The printer does not tell how full its waste container is.", expected=expected,
                    observed=observed, fix="Look into it, or at the printer's panel.",
                )  # fmt: skip
            else:
                yield passed(
                    subject, "The printer raises no alert about its waste container.", expected=expected,
                    observed=observed,
                )  # fmt: skip
        elif level >= most and seen.keeps_alerts and seen.errors == ():
            yield warned(
                subject, "The waste container reads as full, and the printer raises no alert about it: some "
                "printers tell the space that is left.", expected=expected, observed=observed,
                fix="Look into the waste container; empty or replace it if it is full.",
            )  # fmt: skip
        elif level >= most:
            yield failed(
                subject, "The waste container is full.", expected=expected, observed=observed,
                fix="Empty or replace the waste container; the printer stops when nothing goes in any more.",
            )  # fmt: skip
        elif level <= 100 - most and not seen.keeps_alerts and seen.errors != ():
            yield cannot_tell(
                subject, f"The level of the waste container is {level:g} %: as filling that is little, as "
                "the space that is left (so Printer-MIB has it) it is nearly full.", expected=expected,
                observed=observed, fix="Look into the waste container.",
            )  # fmt: skip
        else:
            yield passed(
                subject, "The waste container is not full.", expected=expected, observed=observed
            )  # fmt: skip


def _tells_ink(supply: Supply) -> bool:
    """Return whether a supply is one that marks paper, and gets or needs no further word."""
    if supply.receptacle:
        return False
    return supply.kind in _MARKS or (supply.kind == "other" and supply.level_percent is not None)


def _subject(seen: PrinterSeen, supply: Supply) -> str:
    return f"{seen.name}: {safe(supply.description, limit=120) or supply.kind}"


def _level(supply: Supply) -> str:
    return supply.level if supply.level_percent is None else f"{supply.level_percent:g} %"


def _waste_told(subject: str, said: str, observed: str) -> Finding:
    make = failed if said == "full" else warned
    return make(
        subject, f"The printer says that its waste container is {said}.", expected="not full",
        observed=f"alert: {said}; level {observed}", fix="Empty or replace the waste container.",
    )  # fmt: skip


def _state(seen: PrinterSeen) -> Iterator[Finding]:
    subject, expected = f"{seen.name}: state", "ready, no errors"
    observed = f"{seen.status} ({seen.printer_status})"
    errors = seen.errors or ()
    for error in errors:
        if error in _STOPS:
            yield failed(
                subject, f"The printer does not print: {error}.", expected=expected, observed=observed,
                fix=_STOPS[error],
            )  # fmt: skip
        else:
            yield warned(
                subject, f"The printer reports: {error}.", expected=expected, observed=observed,
                fix=_SLOWS.get(error, "Look at the printer's panel for what it asks for."),
            )  # fmt: skip
    if any(error in _STOPS for error in errors):
        return
    if seen.status == "down" and seen.printer_status == "warmup":
        yield warned(
            subject, "The printer is warming up.", expected=expected, observed=observed,
            fix="Ask again in a minute.",
        )  # fmt: skip
    elif seen.status == "down":
        yield failed(
            subject, "The printer says that it is down.", expected=expected, observed=observed,
            fix="Look at its panel for the cause: an error, or it was set offline.",
        )  # fmt: skip
    elif seen.status == "unknown" and (seen.errors is None or seen.printer_status in ("other", "unknown")):
        yield cannot_tell(
            subject, "The printer does not say whether it is ready.", expected=expected, observed=observed,
            fix="Print a test page.",
        )  # fmt: skip
    elif seen.status in ("warning", "testing") and not errors:
        yield warned(
            subject, f"The printer is in the state '{seen.status}' and names no error.", expected=expected,
            observed=observed, fix="Look at its panel; print a test page.",
        )  # fmt: skip
    elif not errors:
        yield passed(subject, "The printer is ready.", expected=expected, observed=observed)


def _alerts(seen: PrinterSeen) -> Iterator[Finding]:
    subject = f"{seen.name}: alerts"
    told = [alert for alert in seen.alerts if alert.code not in _QUIET_CODES]
    told = [alert for alert in told if not waste_alert((alert,))]
    for severity, make in (("critical", failed), ("warning", warned)):
        texts = [alert.description or f"alert {alert.code}" for alert in told if alert.severity == severity]
        if texts:
            yield make(
                subject, f"The printer raises {severity} alerts.", expected="none", observed=in_line(texts),
                fix=f"Clear them at the printer, first: {safe(texts[0], limit=120)}.",
            )  # fmt: skip
