"""What each resolver and authoritative server of `dns.propagation` shows beside the plan. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from checks.dataclass import dataclass
from checks.dns._answers import no_answer, shown, way
from checks.dns._data import Data, Verdict, listed, shelf_life, verdict
from checks.judging import cannot_tell, failed, passed
from checks.wire.dns import Answer
from checks.words import Finding

_STALE = ("old", "nothing", "no such name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer of a resolver and when it came.

    `unchecked` is the answer to the same question without DNSSEC validation, asked after a SERVFAIL.
    """

    at: datetime
    answer: Answer
    unchecked: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What one authoritative server answers; `server` is its name and address."""

    server: str
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The plan that answers are held against; `changed` if every authoritative server was seen to have it."""

    name: str
    rdtype: str
    planned: Data
    old: Data
    changed: bool = False

    def authority(self, truth: Truth) -> Finding:
        """Return the finding about one authoritative server."""
        answer, expected = truth.answer, listed(self.planned)
        said = verdict(answer, self.planned, self.old)
        if said == "failed":
            trouble = no_answer(answer, expected, proven=False)
            assert trouble is not None
            return cannot_tell(
                truth.server, trouble.message, expected=expected, observed=trouble.observed, fix=trouble.fix
            )
        observed = shown(answer, answer.chain())
        if said == "elsewhere" or not answer.aa:
            return cannot_tell(
                truth.server,
                f"This server has no authority for {self.name}, so that it does not know the truth.",
                expected=expected,
                observed=observed,
                fix="Name the zone's authoritative servers in 'servers', or mend the delegation.",
            )
        if said == "planned":
            return passed(
                truth.server,
                "This authoritative server has the planned data.",
                expected=expected,
                observed=observed,
            )
        return failed(
            truth.server,
            f"This authoritative server {'still has the old data' if said == 'old' else 'has other data'}: "
            "resolvers that ask it will go on to give that.",
            expected=expected,
            observed=observed,
            fix=f"Change the {self.rdtype} records of {self.name} in the zone, and see that the serial rises "
            "and every secondary server takes the new zone.",
        )

    def resolver(self, samples: Sequence[Sample]) -> tuple[Finding, datetime | None]:
        """Return the finding about one resolver by the worst of its answers, and when it lets go of that."""
        answer = samples[0].answer
        said = [(self._verdict(sample.answer), sample) for sample in samples]
        some = f" (some of {len(samples)} answers)" if len({one[0] for one in said}) > 1 else ""
        if behind := [one for one in said if one[0] in _STALE]:
            return self._behind(behind, some)
        if wrong := [one for one in said if one[0] in ("other", "circle")]:
            return self._wrong(*wrong[0], some), None
        if failing := [one for one in said if one[0] in ("failed", "elsewhere")]:
            return self._failing(*failing[0], some), None
        finding = passed(
            answer.server,
            f"The resolver has the planned data{way(answer.chain())}.",
            expected=listed(self.planned),
            observed=shown(answer, answer.chain()),
        )
        return finding, None

    def _verdict(self, answer: Answer) -> Verdict:
        said = verdict(answer, self.planned, self.old)
        # What no authoritative server has any longer can only come from a cache.
        return "old" if said == "other" and self.changed and not self.old and not answer.aa else said

    def _behind(self, behind: list[tuple[Verdict, Sample]], some: str) -> tuple[Finding, datetime | None]:
        kind, sample = behind[0]
        answer, expected, resolver = sample.answer, listed(self.planned), sample.answer.server
        what = {
            "old": f"The resolver still gives the old data{some}",
            "nothing": f"The resolver knows no {self.rdtype} record of that name{some}",
            "no such name": f"The resolver holds that the name does not exist{some}",
        }[kind]
        observed = shown(answer, answer.chain())
        if any(one.answer.aa for _, one in behind):
            own = failed(
                resolver,
                f"{what}, and it has that from a zone of its own: it will not expire.",
                expected=expected,
                observed=f"{observed}, with authority",
                fix=f"Change the {self.rdtype} records of {self.name} in that server's own zone or its local "
                "data (split DNS), or remove its copy of the zone.",
            )
            return own, None
        lives = [(one, shelf_life(one.answer)) for _, one in behind]
        known = [one.at + timedelta(seconds=life) for one, life in lives if life is not None]
        if not known:
            mute = failed(
                resolver,
                f"{what}, and does not say for how long.",
                expected=expected,
                observed=observed,
                fix="Ask again in an hour, or have that resolver's cache flushed for the name.",
            )
            return mute, None
        dies = max(known)
        finding = failed(
            resolver,
            f"{what}; that dies at {_clock(dies, sample.at)}.",
            expected=expected,
            observed=f"{observed}, to live for {_left(dies, sample.at)} more",
            fix="Wait until then and run again, or have that resolver's cache flushed for the name; until "
            "then the old service must go on.",
        )
        return finding, dies

    def _wrong(self, kind: Verdict, sample: Sample, some: str) -> Finding:
        answer = sample.answer
        observed = shown(answer, answer.chain())
        if kind == "circle":
            what = f"The aliases of {self.name} lead in a circle{some}"
            fix = "Correct the CNAME records: the last must name a host with an address."
        else:
            neither = "neither the planned nor the old" if self.old else "not the planned"
            what = f"The resolver gives data that is {neither}{some}"
            life = shelf_life(answer)
            if life is not None and not answer.aa:
                observed += f", to live for {life} s more"
            stale = f"If it is the data of before the change, it dies within {life} s: wait, and run again. "
            before = stale if life is not None and not answer.aa and not self.old else ""
            fix = (
                f"{before}Compare with the zone's authoritative servers: if they say so, correct the zone of "
                f"{self.name}; if not, find out what answers in their place (a copy of the zone, a filter, "
                "a hijack)."
            )
        return failed(answer.server, f"{what}.", expected=listed(self.planned), observed=observed, fix=fix)

    def _failing(self, kind: Verdict, sample: Sample, some: str) -> Finding:
        answer, unchecked, expected = sample.answer, sample.unchecked, listed(self.planned)
        resolver = answer.server
        if kind == "elsewhere":
            return cannot_tell(
                resolver,
                f"The server does not resolve (no recursion){some}, so that nothing is cached there.",
                expected=expected,
                observed=shown(answer, answer.chain()),
                fix="Name a resolver, or allow this laptop to use that one.",
            )
        if unchecked is not None and unchecked.error is None and unchecked.rcode in ("NOERROR", "NXDOMAIN"):
            return failed(
                resolver,
                f"The resolver refuses what the zone says as not valid by DNSSEC{some}: whoever uses it gets "
                "nothing.",
                expected=expected,
                observed=f"SERVFAIL; without validation {shown(unchecked, unchecked.chain())}",
                fix="Compare the DS record at the parent with the zone's keys, and sign the zone anew "
                "(check dns.dnssec says which link is broken).",
            )
        trouble = no_answer(answer, expected, proven=False)
        assert trouble is not None
        return cannot_tell(
            resolver,
            f"{trouble.message.removesuffix('.')}{some}.",
            expected=expected,
            observed=trouble.observed,
            fix=f"{trouble.fix} If this network lets nobody ask it, take it out of 'resolvers', or ask it "
            "over https://.",
        )

    def last(self, dies: datetime, now: datetime, resolvers: int, *, asked: bool) -> Finding:
        """Return the finding that says when the last stale answer dies; `asked` if the zone was looked at."""
        but = ", provided that every authoritative server has the planned data"
        if asked:
            but = (
                "" if self.changed else ", unless a resolver then asks a server that has not the planned data"
            )
        when = _clock(dies, now)
        return failed(
            f"{self.name} {self.rdtype}",
            f"The change has not reached every resolver: the last stale answer dies at {when}{but}.",
            expected=f"the planned data from all {resolvers} resolvers",
            observed=f"stale answers for {_left(dies, now)} more",
            fix=f"Run again after {when}; keep the old service until then.",
        )


def _clock(when: datetime, now: datetime) -> str:
    """Return a moment as `14:05:10 UTC (in 212 s)`, with the day where it is another one."""
    rounded = when if when.microsecond == 0 else when.replace(microsecond=0) + timedelta(seconds=1)
    day = "" if rounded.date() == now.date() else f"{rounded:%d %b %Y} "
    return f"{day}{rounded:%H:%M:%S} UTC (in {_left(when, now)})"


def _left(when: datetime, now: datetime) -> str:
    return f"{max(0, math.ceil((when - now).total_seconds()))} s"
