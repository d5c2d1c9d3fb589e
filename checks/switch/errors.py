"""switch.errors: while we look, no errors are counted on the ports."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated

from checks.bounds import Ge, Len
from checks.contract import CannotTell, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.counters import Rates, rates, sample
from checks.device.naming import find_ports
from checks.device.ports import read_ports
from checks.device.records import Duplex, Port
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Duration, Percent
from checks.safe import in_line, safe

MIN_PACKETS = 1000
"""Below it a percentage says nothing; the errors themselves are judged."""
_DUPLEX_FIX = "Set both ends of the cable to auto-negotiation, or both to the same speed and full duplex."
_MAX_PORTS = 600
_MAX_FINDINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PortErrors:
    """What was counted on one port while we looked."""

    if_index: int
    name: str
    alias: str
    duplex: Duplex
    speed_mbps: int | None
    planned: bool
    """It was named in the project."""
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorsSeen:
    """All ports that were looked at, and planned names that led to no single port that is up."""

    name: str
    ports: tuple[PortErrors, ...]
    missing: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


class Errors(DeviceCheck[ErrorsSeen]):
    """No port counts errors or late collisions, and discards stay few, between two samples.

    Proves: by two samples and the device's own clock what each port counted in the window; counts since the
    device started say nothing and are not used.
    Cannot prove: that a cable holds under load: with little traffic few frames can be damaged. A window of a
    minute or more sees more.
    If it fails: FCS and alignment errors are cable, transceiver or a duplex mismatch; late collisions are a
    duplex mismatch; discards are congestion.

    Source: RFC 2863 (IF-MIB, ifCounterDiscontinuityTime), RFC 3635 (dot3Stats).

    Example:
        type: switch.errors
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        ports: [Gi1/0/49, Gi1/0/50]
        window: 60s
    """

    ports: Annotated[tuple[str, ...], Len(0, 256)] = ()
    """Names of ports as the switch or people write them; left out, all physical ports that are up."""
    window: Duration = 30.0
    """Time between the two samples; many switches refresh their counters only every few seconds."""
    max_error_percent: Percent = 0.1
    """Highest part of the packets that had errors."""
    max_errors_per_minute: Annotated[float, Ge(0)] = 1.0
    """Highest number of errors a minute; alone it judges ports with hardly any traffic."""
    max_discards_percent: Percent = 1.0
    """Highest part of the packets that were discarded, in each direction."""

    def __post_init__(self) -> None:
        DeviceCheck.__post_init__(self)
        if not 0 < self.window <= 3600:
            raise ValueError("'window' lies between the two samples: more than 0, at most one hour.")
        if any(not name.strip() for name in self.ports):
            raise ValueError("'ports' holds an empty name.")

    def allowance(self) -> float:
        return self.deadline_s + self.window

    async def observe(self, vantage: Vantage) -> ErrorsSeen:
        found = await device(self, vantage)
        ports = await found.read(read_ports)
        chosen, missing, ambiguous, down = self._chosen(ports)
        if not chosen and not (missing or ambiguous or down):
            raise CannotTell(
                f"No physical port of {found.name} is up.", "Plug something in, or name the 'ports'."
            )
        wanted = [port.if_index for port in chosen]
        before = await sample(found, wanted)
        await asyncio.sleep(self.window)
        after = await sample(found, wanted)
        return ErrorsSeen(
            name=found.name,
            ports=tuple(
                PortErrors(
                    if_index=port.if_index, name=port.name, alias=port.alias, duplex=port.duplex,
                    speed_mbps=port.speed_mbps, planned=bool(self.ports),
                    rates=rates(before[port.if_index], after.get(port.if_index))
                    if port.if_index in before
                    else Rates(if_index=port.if_index, why="The agent shows no counters of this port."),
                )
                for port in chosen
            ),
            missing=missing, ambiguous=ambiguous, down=down,
        )  # fmt: skip

    def _chosen(
        self, ports: tuple[Port, ...]
    ) -> tuple[list[Port], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        if not self.ports:
            up = [port for port in ports if port.physical and port.oper == "up"]
            return up[:_MAX_PORTS], (), (), ()
        chosen: dict[int, Port] = {}
        missing, ambiguous, down = [], [], []
        for name in self.ports:
            found = find_ports(ports, name)
            if len(found) > 1:
                ambiguous.append(name)
            elif not found:
                missing.append(name)
            elif found[0].oper != "up":
                down.append(name)
            else:
                chosen[found[0].if_index] = found[0]
        return list(chosen.values()), tuple(missing), tuple(ambiguous), tuple(down)

    def judge(self, seen: ErrorsSeen) -> Iterable[Finding]:
        yield from _names(seen)
        counted = [port for port in seen.ports if not port.rates.why]
        still = bool(counted) and not any(port.rates.packets for port in counted)
        findings = [finding for port in seen.ports for finding in self._port(seen, port, still=still)]
        yield from findings[:_MAX_FINDINGS]
        if len(findings) > _MAX_FINDINGS:
            yield failed(
                seen.name, f"{len(findings) - _MAX_FINDINGS} more findings about ports are left out.",
                expected="no errors", observed="many", fix="Mend what is named first, then run it again.",
            )  # fmt: skip
        if still:
            yield cannot_tell(
                seen.name, "Not one packet was counted on any port: the device did not refresh its counters "
                "in the window.", expected="counters that move", observed="all counters as before",
                fix="Take a longer 'window', 60s or more.",
            )  # fmt: skip
            return
        told = {finding.subject for finding in findings}
        clean = [port for port in counted if port.rates.packets and _subject(seen, port) not in told]
        if clean:
            packets = sum(port.rates.packets or 0 for port in clean)
            span = max(port.rates.elapsed_s for port in clean)
            yield passed(
                f"{seen.name}: ports", f"{len(clean)} ports count no more errors than allowed.",
                expected=f"at most {self.max_error_percent:g} % and {self.max_errors_per_minute:g} a minute",
                observed=f"{packets} packets in {span:.0f} s; {in_line(port.name for port in clean[:20])}",
            )  # fmt: skip
        elif not findings:
            yield cannot_tell(
                seen.name, "No port carried a packet in the window.", expected="some traffic",
                observed="none", fix="Take a longer 'window', or let something use the ports.",
            )  # fmt: skip

    def _port(self, seen: ErrorsSeen, port: PortErrors, *, still: bool) -> Iterator[Finding]:
        subject, found = _subject(seen, port), port.rates
        if found.why:
            yield cannot_tell(
                subject, found.why, expected="two samples of one count", observed="no rate",
                fix="Run it again; if it comes again, find out why the port or the device restarts.",
            )  # fmt: skip
            return
        if found.errors is None:
            yield cannot_tell(
                subject, "The agent does not count errors of this port.", expected="ifInErrors, ifOutErrors",
                observed="not there", fix="Look at the port's counters on the console.",
            )  # fmt: skip
            return
        late = (found.causes or {}).get("late_collisions", 0)
        yield from self._errors(subject, port, found, found.errors, late)
        yield from self._discards(subject, found)
        if found.untold and not found.errors and not late:
            yield cannot_tell(
                subject, f"The agent counts no errors of this port's {' and '.join(found.untold)}bound "
                "packets, so that half of it is not known.", expected="ifInErrors, ifOutErrors",
                observed="one of the two is not there", fix="Look at the port's counters on the console.",
            )  # fmt: skip
        if not found.packets and not found.errors and not late and port.planned and not still:
            yield cannot_tell(
                subject, "The port carried no packet in the window, so that nothing could be damaged.",
                expected="some traffic", observed=f"0 packets in {found.elapsed_s:.0f} s",
                fix="Let something use the port, or take a longer 'window'.",
            )  # fmt: skip

    def _errors(
        self, subject: str, port: PortErrors, found: Rates, errors: int, late: int
    ) -> Iterator[Finding]:
        packets = found.packets or 0
        minute = errors * 60 / found.elapsed_s if found.elapsed_s > 0 else 0.0
        percent = 100 * errors / (packets + errors) if errors else 0.0
        observed = f"{errors} errors in {packets} packets and {found.elapsed_s:.0f} s{_causes(found)}"
        expected = f"at most {self.max_error_percent:g} %, {self.max_errors_per_minute:g} a minute"
        many = packets >= MIN_PACKETS
        if late:
            yield failed(
                subject, "Late collisions are counted: one end is at half duplex and the other at full.",
                expected="none", observed=observed, reference="RFC 3635", fix=_DUPLEX_FIX,
            )  # fmt: skip
        elif errors and ((many and percent > self.max_error_percent) or (
            not many and minute > self.max_errors_per_minute
        )):  # fmt: skip
            yield failed(
                subject, f"Errors are rising: {_rate(minute)} a minute, {percent:.3g} % of the packets.",
                expected=expected, observed=observed, reference="RFC 2863", fix=_cause_fix(port, found),
            )  # fmt: skip
        elif errors and minute > self.max_errors_per_minute:
            yield warned(
                subject, f"Errors are rising: {_rate(minute)} a minute, few for the traffic.",
                expected=expected, observed=observed, reference="RFC 2863", fix=_cause_fix(port, found),
            )  # fmt: skip

    def _discards(self, subject: str, found: Rates) -> Iterator[Finding]:
        packets = found.packets or 0
        for way, count in (("in", found.discards_in), ("out", found.discards_out)):
            if not count or packets + count < MIN_PACKETS:
                continue
            measure = Measure(
                name=f"Discards {way}", value=100 * count / (packets + count), unit="%",
                warn=self.max_discards_percent,
            )  # fmt: skip
            if measure.value > self.max_discards_percent:
                yield warned(
                    subject, f"{measure.value:.3g} % of the packets are discarded on their way {way}.",
                    expected=f"at most {self.max_discards_percent:g} %",
                    observed=f"{count} of {packets + count} in {found.elapsed_s:.0f} s",
                    fix="The port is too slow for its traffic: a faster link, an aggregation, or QoS.",
                )  # fmt: skip


def _subject(seen: ErrorsSeen, port: PortErrors) -> str:
    alias = f" ({safe(port.alias, limit=60)})" if port.alias else ""
    return f"{seen.name}: {safe(port.name, limit=80)}{alias}"


def _names(seen: ErrorsSeen) -> Iterator[Finding]:
    for name in seen.missing:
        yield failed(
            f"{seen.name}: {name}", "There is no such port.", expected="a port of this name",
            observed="none", fix="Correct the name, or look whether the module or stack member is there.",
        )  # fmt: skip
    for name in seen.ambiguous:
        yield cannot_tell(
            f"{seen.name}: {name}", "Several ports may be meant by this name.", expected="one port",
            observed="several", fix="Write the port's name as the switch does.",
        )  # fmt: skip
    for name in seen.down:
        yield cannot_tell(
            f"{seen.name}: {name}", "The port is not up, so that nothing can be counted on it.",
            expected="up", observed="not up", fix="Plug its cable in; switch.ports tells which must be up.",
        )  # fmt: skip


def _rate(minute: float) -> str:
    return f"{minute:,.0f}" if minute >= 100 else f"{minute:.3g}"


def _causes(found: Rates) -> str:
    kinds = {name: "FCS" if name == "fcs" else name.replace("_", " ") for name in found.causes or {}}
    new = [f"{count} {kinds[name]}" for name, count in (found.causes or {}).items() if count]
    return f" ({', '.join(new)})" if new else ""


def _cause_fix(port: PortErrors, found: Rates) -> str:
    causes = found.causes or {}
    if port.duplex == "half":
        return _DUPLEX_FIX
    if causes.get("fcs") or causes.get("alignment"):
        return "Replace the patch cable first, then the transceiver; check that both ends negotiate."
    return "Replace the patch cable, clean or replace the transceiver, check duplex at both ends."
