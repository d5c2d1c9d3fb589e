"""network.ntp: a time server answers, is fit, and this laptop's clock agrees with it."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterable

from checks.contract import Check, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, warned, within
from checks.params import Duration, Endpoint
from checks.safe import safe
from checks.wire import ntp
from checks.wire.ntp import NtpSample, NtpSeen

SAMPLES = 4
MAX_DISTANCE_S = 1.0
_RFC = "RFC 5905"
_SOURCE = (
    "one-time passwords change every 30 s, RFC 6238 section 5.2, and Kerberos allows 5 min, RFC 4120 section "
    "3.2.3; the warning is gonogo's own"
)
_PLANNED = "limits set in the project"
_KISSES = {
    "DENY": "it denies this laptop access",
    "RSTR": "its policy restricts this laptop",
    "INIT": "it has not synchronised since it started",
    "STEP": "its clock was just stepped and is not synchronised yet",
}
_FIXES = {
    "timeout": "Check that the time service runs there and that UDP port 123 is open on the way, both ways.",
    "refused (port closed)": "Start the time service on that host, or correct the server's address or port.",
    "unreachable": "Check the server's address and the route or firewall that reports it unreachable.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesSeen:
    """What each server answered, the planned one first."""

    servers: tuple[NtpSeen, ...]


class Ntp(Check[TimesSeen]):
    """The time server answers, is synchronised, and this laptop's clock agrees with it.

    Proves: the server gives time to this laptop and says that it is fit; how far this laptop's clock is off.
    With two or more servers in `others`, a server whose time disagrees with the rest is named instead.
    Cannot prove: that the time is true where only one server is asked, nor that other machines use it.
    If it fails: let UDP 123 pass, or mend the server's own source of time; set this laptop's clock where
    that is what is wrong.

    Source: RFC 5905 sections 7.3, 7.4 and 11 (leap, stratum, kiss codes, distance), RFC 4330 section 5
    (client), RFC 6238 section 5.2 (30 s), RFC 4120 section 3.2.3 (5 min).

    Example:
        type: network.ntp
        server: ntp.example.net
        max_offset: 30s
    """

    server: Endpoint
    """The time server; port 123 unless given."""
    others: tuple[Endpoint, ...] = ()
    """Further servers to compare with; each has its own finding, and one that disagrees is named."""
    warn_offset: Duration = 1.0
    """An offset of this laptop's clock beyond this is a warning."""
    max_offset: Duration = 30.0
    """An offset beyond this fails: one-time passwords (30 s) and Kerberos (5 min) stop working."""

    def __post_init__(self) -> None:
        if self.max_offset <= 0 or self.warn_offset > self.max_offset:
            raise ValueError("'max_offset' must be more than zero and not less than 'warn_offset'.")
        if len({self.server, *self.others}) != 1 + len(self.others):
            raise ValueError("'others' names a server twice, or names 'server' itself.")

    async def observe(self, vantage: Vantage) -> TimesSeen:
        timeout = min(5.0, vantage.remaining() * 0.9)
        asked = [ntp.ask(name, timeout=timeout, samples=SAMPLES) for name in (self.server, *self.others)]
        return TimesSeen(servers=tuple(await asyncio.gather(*asked)))

    def judge(self, seen: TimesSeen) -> Iterable[Finding]:
        offsets = {s.server: best.offset_s for s in seen.servers if s.fit() and (best := s.best())}
        for server in seen.servers:
            finding = self._unfit(server) or self._false(server, offsets)
            if finding is not None:
                yield finding
                continue
            best = server.best()
            assert best is not None
            if server.root_distance_s() > self.max_offset:
                yield self._unsure(server)
                continue
            yield self._offset(server, best)
            if server.root_distance_s() > MAX_DISTANCE_S:
                yield warned(
                    server.server,
                    "The server itself is unsure of its time.",
                    expected=f"a root distance of at most {MAX_DISTANCE_S:g} s (MAXDIST, {_RFC})",
                    observed=f"{server.root_distance_s():.3g} s",
                    fix="Check what the server synchronises with and the quality of the way to it.",
                )

    def _unfit(self, seen: NtpSeen) -> Finding | None:
        """Return why the server's time cannot be used, or None if it can."""
        expected = "an answer from a synchronised time server"
        observed = safe(seen.detail or seen.error or "", limit=200)
        if seen.error in ("not sent", "unknown host"):
            what = "has no address" if seen.error == "unknown host" else "cannot be reached from this laptop"
            return cannot_tell(
                seen.server,
                f"The time server {what}, so it was not tested.",
                expected=expected,
                observed=observed,
                fix="Check the server's name or address, and this laptop's own address, route and resolver.",
            )
        if seen.error is not None:
            return failed(
                seen.server,
                f"The time server gave no answer: {seen.error}.",
                expected=expected,
                observed=observed
                + (f", {seen.ignored} replies were not to our requests" * bool(seen.ignored)),
                fix=_FIXES[seen.error],
            )
        if seen.kiss == "RATE" and not seen.samples:
            return cannot_tell(
                seen.server,
                "The time server limits how often it may be asked and gave no time.",
                expected=expected,
                observed="kiss code RATE",
                fix="Wait some minutes and run this check again; ask the server's owner to allow this site.",
            )
        if seen.kiss is not None and seen.kiss != "RATE":
            code = safe(seen.kiss, limit=20)
            return failed(
                seen.server,
                f"The time server gives no time: {_KISSES.get(seen.kiss, 'it answers with a kiss code')}.",
                expected=expected,
                observed=f"stratum 0, kiss code {code}",
                fix="Use a server that serves this network, or have its owner allow it and check its sync.",
                reference=f"{_RFC} section 7.4",
            )
        if seen.leap == 3 or (seen.stratum or 0) > ntp.MAX_STRATUM:
            return failed(
                seen.server,
                "The time server says itself that it is not synchronised.",
                expected=f"leap indicator 0 to 2 and stratum 1 to {ntp.MAX_STRATUM}",
                observed=f"leap indicator {seen.leap}, stratum {seen.stratum}",
                fix="Check which servers it follows and whether it reaches them; it may have just started.",
                reference=f"{_RFC} section 7.3",
            )
        if not seen.samples:
            return failed(
                seen.server,
                "The time server answered without a usable time.",
                expected=expected,
                observed=observed,
                fix="Check the time service on that host: its replies are not those of an NTP server.",
                reference=f"{_RFC} section 8",
            )
        return None

    def _false(self, seen: NtpSeen, offsets: dict[str, float]) -> Finding | None:
        """Return that this server's time is the odd one out, if at least two others agree against it."""
        rest = [offset for name, offset in offsets.items() if name != seen.server]
        if len(rest) < 2 or max(rest) - min(rest) > 2 * self.warn_offset:
            return None
        apart = offsets[seen.server] - statistics.median(rest)
        if abs(apart) <= max(self.warn_offset, 0.1):
            return None
        return failed(
            seen.server,
            f"This server's time disagrees with that of the other {len(rest)} servers.",
            expected=f"at most {self.warn_offset:g} s apart",
            observed=f"{-apart:+.3f} s",
            fix="Take this server out of use until its own time source is mended; the others agree.",
            reference=f"{_RFC} section 11.2.1",
        )

    def _unsure(self, seen: NtpSeen) -> Finding:
        return cannot_tell(
            seen.server,
            "The server itself may be off by more than the limit, so its time proves nothing.",
            expected=f"a root distance of at most {self.max_offset:g} s",
            observed=f"{seen.root_distance_s():.3g} s",
            fix="Mend what the server synchronises with, or compare with another server.",
        )

    def _offset(self, seen: NtpSeen, best: NtpSample) -> Finding:
        default = type(self)
        planned = (self.warn_offset, self.max_offset) != (default.warn_offset, default.max_offset)
        unsure = best.delay_s / 2
        if unsure > self.warn_offset and abs(best.offset_s) - unsure <= self.max_offset:
            return cannot_tell(
                seen.server,
                "The way to the time server is too slow to compare clocks within the limit.",
                expected=f"a round trip of at most {2 * self.warn_offset:g} s",
                observed=f"{best.delay_s:.3g} s",
                fix="Run it again when the network is quiet, or use a nearer time server.",
            )
        side = "ahead of" if best.offset_s > 0 else "behind"
        return within(
            seen.server,
            Measure(
                name="Offset of this laptop's clock",
                value=abs(best.offset_s),
                unit="s",
                warn=self.warn_offset,
                fail=self.max_offset,
                source=_PLANNED if planned else _SOURCE,
            ),
            fix=f"This laptop's clock is {side} the server's. If other clocks agree with the server, set "
            "this laptop's clock and mend its time service; if not, mend the server.",
        )
