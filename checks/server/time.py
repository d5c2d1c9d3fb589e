"""server.time: the server's clock is right, and something keeps it so."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from checks.contract import CannotTell, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Duration, Endpoint
from checks.remote.check import RemoteCheck, remote, require_login
from checks.safe import safe
from checks.server._clock import Kept, read_kept, read_offset
from checks.words import minute, span

STALE_S = 3 * 3600.0
"""Longer than three times the longest pause that chrony and ntpd take between two questions (1,024 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeen:
    """The host's clock minus the reference's (positive: ahead), and how sure that is; `now` is the host's."""

    name: str
    offset_s: float
    error_s: float
    reference: str
    now: datetime
    kept: Kept | None


class Time(RemoteCheck[TimeSeen]):
    """The server's clock is within the limit, and synchronised.

    It is read several times and the tightest reading is kept. Without a `reference` it is held against this
    laptop's clock: two clocks that differ do not tell which one is wrong.

    Proves: that both clocks show the same within what is told; that a daemon on the host follows a source
    that was heard lately.
    Cannot prove: without `reference`, that this laptop's clock is right (check network.ntp); that it stays
    so after a restart of a virtual machine.
    If it fails: start chrony or another NTP service, give it servers it can reach, and step the clock once
    (chronyc makestep) before databases or domain services run.

    Source: chronyc(1) tracking, timedatectl(1), ntpq(8), w32tm /query /status; RFC 4120 section 1.6
    (Kerberos: clocks that are loosely synchronised, 5 minutes as a rule).

    Example:
        type: server.time
        host: files-new.example.com
        user: tech
        max_offset: 1s
        reference: 192.0.2.123
    """

    max_offset: Duration = 1.0
    """How far the clock may be off."""
    synchronised: bool = True
    """Whether something must keep it: chrony, ntpd, systemd-timesyncd or the Windows time service."""
    reference: Endpoint | None = None
    """NTP server that this laptop's own clock is held against first."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.max_offset <= 0:
            raise ValueError("'max_offset' must be more than zero: no clock is exactly right.")

    async def observe(self, vantage: Vantage) -> TimeSeen:
        ours, doubt, reference = 0.0, 0.0, "this laptop's clock"
        if self.reference is not None:
            ours, doubt = await _ours(self.reference)
            reference = self.reference
        host = await remote(self, vantage)
        offset, error = await read_offset(host)
        kept = await read_kept(host, self.root) if self.synchronised else None
        return TimeSeen(
            name=host.name, offset_s=offset + ours, error_s=error + doubt, reference=reference,
            now=(await host.facts()).now(), kept=kept,
        )  # fmt: skip

    def judge(self, seen: TimeSeen) -> Iterable[Finding]:
        yield self._offset(seen)
        if seen.kept is not None:
            yield _kept(seen.name, seen.kept, seen.now)

    def _offset(self, seen: TimeSeen) -> Finding:
        off, error = abs(seen.offset_s), seen.error_s
        expected = f"within {span(self.max_offset)} of {seen.reference}"
        if not (math.isfinite(off) and math.isfinite(error)):
            return cannot_tell(
                seen.name, "The clock could not be read.", expected=expected, observed=f"{off} s",
                fix="Run date +%s.%N by hand as the same account.",
            )  # fmt: skip
        side = "ahead" if seen.offset_s > 0 else "behind"
        observed = f"{span(off)} {side}, give or take {span(error)}"
        if off <= self.max_offset + error and off + error > self.max_offset:
            return cannot_tell(
                seen.name, "The clock could not be read tightly enough to tell.", expected=expected,
                observed=observed, fix="Run it again over a faster line, or allow a larger 'max_offset'.",
            )  # fmt: skip
        if off > self.max_offset:
            laptop = "" if self.reference else " If it is this laptop's clock that is wrong, set that one."
            return failed(
                seen.name, f"The server's clock is {span(off)} {side}.", expected=expected, observed=observed,
                fix=f"Let chrony or another NTP service set it (chronyc makestep; w32tm /resync).{laptop}",
            )  # fmt: skip
        return passed(
            seen.name, "The server's clock is right.", expected=expected, observed=observed,
            measure=Measure(
                name="Clock offset", value=off, unit="s", fail=self.max_offset, source="the project"
            ),
        )  # fmt: skip


async def _ours(server: str) -> tuple[float, float]:
    """Return how far this laptop's clock is ahead of an NTP server, and how sure that is."""
    from checks.wire.ntp import ask

    answer = await ask(server, timeout=5.0)
    best = answer.best()
    if best is None or not answer.fit():
        raise CannotTell(
            f"The time server {server} gave no time that can be believed: {safe(answer.detail, limit=200)} "
            f"{answer.error or ''}".rstrip()
            + ".",
            "Name another 'reference', or leave it out to compare with this laptop's clock.",
        )
    return best.offset_s, answer.root_distance_s() + best.delay_s / 2


def _kept(name: str, kept: Kept, now: datetime) -> Finding:
    expected = "a daemon that follows a time source"
    observed = safe(f"{kept.by}: {kept.detail}", limit=300)
    if kept.synchronised is None:
        return cannot_tell(
            name, "What keeps the clock could not be told.", expected=expected, observed=observed,
            fix="Install and start chrony (or systemd-timesyncd). A virtual machine that takes the time of "
            "its host is set 'synchronised: false', and its host checked instead.",
        )  # fmt: skip
    if not kept.synchronised:
        why = f" It follows {kept.source}." if kept.source else ""
        return failed(
            name, f"The clock is not synchronised.{safe(why, limit=200)}", expected=expected,
            observed=observed, fix="Give it time servers that it can reach (UDP 123), then look again: "
            "chronyc sources, ntpq -p, timedatectl, w32tm /query /peers.",
        )  # fmt: skip
    if kept.heard is not None and (now - kept.heard).total_seconds() > STALE_S:
        return warned(
            name, f"Its time source was last heard {minute(kept.heard)}: it calls itself synchronised, and "
            "runs on its own since.", expected=f"heard within {span(STALE_S)}", observed=observed,
            fix="Look why the source no longer answers: chronyc sources.",
        )  # fmt: skip
    source = f" to {safe(kept.source, limit=120)}" if kept.source else ""
    return passed(name, f"The clock is synchronised{source}.", expected=expected, observed=observed)
