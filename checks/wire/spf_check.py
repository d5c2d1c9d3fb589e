"""SPF evaluated for one sender: check_host() of RFC 7208, with its limits and what each term cost.

Nothing is guessed: the result of a lookup that failed is `temperror`, never the absence of a record. The
lookups of one evaluation follow each other in the record's order, so the result does not depend on timing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time

from checks.dataclass import dataclass
from checks.wire.dns_text import txt_value
from checks.wire.spf_dns import Ask, Reply, query_name, within
from checks.wire.spf_macro import Part, SpfSyntax, expand, fit, letters, read
from checks.wire.spf_record import Mechanism, Result, SpfRecord, is_spf, parse
from checks.wire.spf_sender import Sender

__all__ = ["Evaluation", "Step", "check_host"]

MAX_TERMS = 10
MAX_VOIDS = 2
MAX_HOSTS = 10
"""MX names of one mx (more: permerror), PTR names of one ptr or %{p} (more are ignored)."""
MAX_STEPS = 200
MAX_EXPLANATION = 4000
TIME_S = 20.0
"""The least that a receiver should allow (section 4.6.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One term that was evaluated: `depth` counts the includes around it, `lookups` and `void_lookups` are
    what it cost with all below it."""

    depth: int
    domain: str
    term: str
    outcome: str
    lookups: int = 0
    void_lookups: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The result for one sender; `reason` says by which term, or which error (raw).

    `unsure` names lookups that a server answered with nothing though it neither resolves nor has authority.
    """

    ip: str
    mail_from: str
    helo: str
    result: Result
    explanation: str = ""
    lookups: int = 0
    void_lookups: int = 0
    reason: str = ""
    term: str = ""
    domain: str = ""
    trace: tuple[Step, ...] = ()
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Verdict:
    result: Result
    reason: str
    term: str = ""
    domain: str = ""
    record: SpfRecord | None = None


class _Permanent(Exception):  # noqa: N818 - an outcome
    """The evaluation ends in permerror."""


class _Temporary(Exception):  # noqa: N818 - an outcome
    """The evaluation ends in temperror."""


async def check_host(
    sender: Sender, ask: Ask, *, seconds: float = TIME_S, receiver: str = "unknown", now: float | None = None
) -> Evaluation:
    """Return the result for `sender`; lookups go through `ask`, and all of it takes at most `seconds`.

    `receiver` and `now` (seconds since 1970) are what the macros r and t of an explanation stand for.
    """
    run = _Run(sender, ask, receiver, int(time.time() if now is None else now))
    end = asyncio.get_running_loop().time() + seconds
    try:
        async with asyncio.timeout_at(end):
            verdict = await run.host(sender.domain, 0)
    except _Permanent as error:
        verdict = _Verdict("permerror", str(error))
    except _Temporary as error:
        verdict = _Verdict("temperror", str(error))
    except TimeoutError:
        verdict = _Verdict("temperror", f"the evaluation took longer than {seconds:g} s")
    explanation = ""
    if verdict.result == "fail" and verdict.record is not None and verdict.record.exp:
        try:
            async with asyncio.timeout_at(end):
                explanation = await run.explain(verdict.record, verdict.domain)
        except TimeoutError:
            explanation = ""
    return Evaluation(
        ip=sender.given, mail_from=sender.mail_from, helo=sender.helo, result=verdict.result,
        explanation=explanation, lookups=run.terms, void_lookups=run.voids, reason=verdict.reason,
        term=verdict.term, domain=verdict.domain or sender.domain, trace=tuple(run.trace),
        unsure=tuple(dict.fromkeys(run.unsure))[:20],
    )  # fmt: skip


class _Run:
    """One evaluation under way: its counters and its trace."""

    def __init__(self, sender: Sender, ask: Ask, receiver: str, now: int) -> None:
        self.sender = sender
        self.receiver = receiver
        self.now = now
        self.terms = 0
        self.voids = 0
        self.trace: list[Step] = []
        self.unsure: list[str] = []
        self._ask = ask
        self._free = False
        self._names: tuple[str, ...] | None = None
        self._rdtype = "A" if sender.ip.version == 4 else "AAAA"

    async def host(self, domain: str, depth: int) -> _Verdict:
        """Evaluate the record of `domain` (sections 4.3 to 4.7)."""
        name = query_name(domain)
        if name is None or not _is_domain(domain):
            return _Verdict("none", f"{domain!r} is no domain name of two labels or more")
        reply = await self._look_up(name, "TXT", counted=False)
        texts = [raw for raw in map(txt_value, reply.data) if is_spf(raw)]
        if not texts:
            what = "does not exist" if reply.outcome == "no such name" else "has no SPF record"
            return _Verdict("none", f"{domain} {what}", domain=domain)
        if len(texts) > 1:
            raise _Permanent(f"{domain} has {len(texts)} SPF records")
        try:
            record = parse(texts[0])
        except SpfSyntax as error:
            raise _Permanent(f"the SPF record of {domain} has an error: {error}") from None
        for mechanism in record.mechanisms:
            if await self._step(mechanism, domain, depth):
                reason = f"{mechanism.text} of {domain} matches"
                return _Verdict(mechanism.result, reason, mechanism.text, domain, record)
        if record.redirect:
            return await self._redirect(record, domain, depth)
        return _Verdict("neutral", f"no term of {domain} matches", "", domain, record)

    async def _redirect(self, record: SpfRecord, domain: str, depth: int) -> _Verdict:
        at, terms, voids = self._begin(), self.terms, self.voids
        outcome = "ends in an error"
        try:
            self._count(record.redirect_text)
            target = await self._target(record.redirect, domain)
            found = await self.host(target, depth)
            outcome = found.result
            if found.result == "none":
                raise _Permanent(f"{record.redirect_text} of {domain} leads to no SPF record: {found.reason}")
            return found
        finally:
            self._end(at, Step(
                depth=depth, domain=domain, term=record.redirect_text, outcome=outcome,
                lookups=self.terms - terms, void_lookups=self.voids - voids,
            ))  # fmt: skip

    async def _step(self, mechanism: Mechanism, domain: str, depth: int) -> bool:
        """Return whether `mechanism` matches, and put it into the trace."""
        at, terms, voids = self._begin(), self.terms, self.voids
        outcome = "ends in an error"
        try:
            if mechanism.looks_up:
                self._count(mechanism.text)
            matches = await self._matches(mechanism, domain, depth)
            outcome = "match" if matches else "no match"
            return matches
        finally:
            self._end(at, Step(
                depth=depth, domain=domain, term=mechanism.text, outcome=outcome,
                lookups=self.terms - terms, void_lookups=self.voids - voids,
            ))  # fmt: skip

    def _begin(self) -> int:
        """Keep a place in the trace, before the steps below."""
        if len(self.trace) >= MAX_STEPS:
            return -1
        self.trace.append(Step(depth=0, domain="", term="", outcome=""))
        return len(self.trace) - 1

    def _end(self, at: int, step: Step) -> None:
        if at >= 0:
            self.trace[at] = step

    def _count(self, term: str) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise _Permanent(f"{term} is one more than the {MAX_TERMS} terms that may look up DNS")

    async def _matches(self, mechanism: Mechanism, domain: str, depth: int) -> bool:
        name = mechanism.name
        if name == "all":
            return True
        if mechanism.network is not None:
            return self.sender.ip in mechanism.network
        target = await self._target(mechanism.target, domain) if mechanism.target else domain
        if name == "include":
            return await self._include(mechanism, domain, target, depth)
        asked = query_name(target)
        if asked is None:
            return False  # section 4.8 leaves it open; a name that cannot be asked has no address
        if name == "ptr":
            return any(within(found, asked) for found in await self._validated())
        if name == "exists":
            return bool((await self._look_up(asked, "A")).data)
        if name == "a":
            return self._holds(mechanism, (await self._look_up(asked, self._rdtype)).data)
        return await self._mx(mechanism, asked)

    async def _include(self, mechanism: Mechanism, domain: str, target: str, depth: int) -> bool:
        found = await self.host(target, depth + 1)
        if found.result == "none":
            raise _Permanent(f"{mechanism.text} of {domain} leads to no SPF record: {found.reason}")
        return found.result == "pass"

    async def _mx(self, mechanism: Mechanism, asked: str) -> bool:
        records = sorted(
            ((int(preference), host) for preference, _, host in
             (text.partition(" ") for text in (await self._look_up(asked, "MX")).data)),
            key=lambda record: record[0],
        )  # fmt: skip
        if len(records) > MAX_HOSTS:
            raise _Permanent(
                f"{mechanism.text}: {asked} has {len(records)} MX records, more than {MAX_HOSTS}"
            )
        for _, host in records:
            if host != "." and self._holds(mechanism, (await self._look_up(host, self._rdtype)).data):
                return True
        return False

    def _holds(self, mechanism: Mechanism, addresses: tuple[str, ...]) -> bool:
        """Return whether the sender's address has the prefix of one of `addresses`."""
        ip = self.sender.ip
        spare = ip.max_prefixlen - (mechanism.ip4 if ip.version == 4 else mechanism.ip6)
        return any(int(ipaddress.ip_address(text)) >> spare == int(ip) >> spare for text in addresses)

    async def _validated(self) -> tuple[str, ...]:
        """Return the sender's names by PTR that have its address in turn (section 5.5)."""
        found: list[str] = []
        try:
            names = (await self._look_up(self.sender.ip.reverse_pointer, "PTR")).data
        except _Temporary:
            return ()
        for name in names[:MAX_HOSTS]:
            try:
                addresses = (await self._look_up(name, self._rdtype)).data
            except _Temporary:
                continue
            if any(ipaddress.ip_address(text) == self.sender.ip for text in addresses):
                found.append(name)
        return tuple(found)

    async def _look_up(self, name: str, rdtype: str, *, counted: bool = True) -> Reply:
        reply = await self._ask(name, rdtype)
        if reply.outcome == "failed":
            raise _Temporary(reply.detail or f"{name} {rdtype} could not be looked up")
        if not reply.sure:
            self.unsure.append(f"{name} {rdtype}")
        if not reply.data and counted and not self._free:
            self.voids += 1
            if self.voids > MAX_VOIDS:
                raise _Permanent(f"{name} {rdtype} is void lookup {self.voids}, and {MAX_VOIDS} are allowed")
        return reply

    async def _target(self, parts: tuple[Part, ...], domain: str) -> str:
        return fit(expand(parts, await self._values(parts, domain)))

    async def _values(self, parts: tuple[Part, ...], domain: str) -> dict[str, str]:
        values = self.sender.values() | {"d": domain, "r": self.receiver, "t": str(self.now)}
        if "p" in letters(parts):
            values["p"] = await self._name(domain)
        return values

    async def _name(self, domain: str) -> str:
        """Return what %{p} stands for in the record of `domain` (section 7.3)."""
        if self._names is None:
            self._names = await self._validated()
        asked = query_name(domain) or domain
        below = [name for name in self._names if within(name, asked)]
        if asked in self._names:
            return asked
        return (below or [*self._names, "unknown"])[0]

    async def explain(self, record: SpfRecord, domain: str) -> str:
        """Return the domain's own words to a sender that fails, or nothing (section 6.2)."""
        self._free = True
        try:
            asked = query_name(await self._target(record.exp, domain))
            if asked is None:
                return ""
            texts = (await self._look_up(asked, "TXT")).data
            if len(texts) != 1:
                return ""
            text = txt_value(texts[0])
            if not text.isascii():
                return ""
            parts = read(text.decode("ascii"), explain=True)
            said = expand(parts, await self._values(parts, domain))
        except (_Temporary, SpfSyntax):
            return ""
        return said[:MAX_EXPLANATION] if said.isascii() else ""


def _is_domain(domain: str) -> bool:
    """Return whether a domain can have an SPF record at all: two labels or more, none of them an address."""
    labels = domain.removesuffix(".").split(".")
    return len(labels) > 1 and not labels[-1].isdigit() and not domain.startswith("[")
