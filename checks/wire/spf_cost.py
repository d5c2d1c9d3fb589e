"""What an SPF record costs a receiver whose sender no term matches: the whole tree of its terms.

Nothing is evaluated for a sender here: every term counts up to the first `all` of each record, includes and
redirects are gone into, and hosts are looked up in both address families (RFC 7208 section 4.6.4).
"""

from __future__ import annotations

import asyncio

from checks.dataclass import dataclass
from checks.wire.dns_text import txt_value
from checks.wire.spf_check import MAX_HOSTS
from checks.wire.spf_dns import Ask, Reply, query_name
from checks.wire.spf_macro import Part, SpfSyntax, expand, fit, letters
from checks.wire.spf_record import Mechanism, SpfRecord, is_spf, parse

MAX_TERMS = 60
"""DNS terms that are counted before the survey gives up: the RFC allows 10."""
MAX_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One term that costs something, or that deserves a word: `lookups` and voids with all below it.

    `voids4` and `voids6` are the void lookups for a sender with an IPv4 and an IPv6 address; `problem` is
    what makes the record wrong there, `unknown` why nothing can be said (both raw).
    """

    depth: int
    domain: str
    term: str
    lookups: int = 0
    voids4: int = 0
    voids6: int = 0
    problem: str = ""
    unknown: str = ""
    lets_all: bool = False
    """Whether it lets every address pass, wherever it stands."""
    by_sender: bool = False
    """Whether its name depends on the sender (macros), so that what is behind it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The cost of a record; `ending` is the qualifier of the last `all` by way of redirects (`-`, `~`, `?`,
    `+`), empty where there is none, `unknown` where it could not be found out."""

    lines: tuple[Line, ...] = ()
    lookups: int = 0
    voids4: int = 0
    voids6: int = 0
    ending: str = ""
    complete: bool = True


async def survey(record: SpfRecord, domain: str, ask: Ask, *, seconds: float) -> Survey:
    """Return what `record`, the one of `domain`, costs; what is not known after `seconds` is left open."""
    walk = _Walk(ask, domain)
    ending = "unknown"
    complete = False
    try:
        async with asyncio.timeout(seconds):
            ending = await walk.record(record, domain, (), lets=True)
            complete = walk.terms <= MAX_TERMS and len(walk.lines) < MAX_LINES
    except TimeoutError:
        pass
    return Survey(
        lines=tuple(walk.lines), lookups=walk.terms, voids4=walk.voids4, voids6=walk.voids6, ending=ending,
        complete=complete,
    )  # fmt: skip


class _Walk:
    def __init__(self, ask: Ask, origin: str) -> None:
        self.lines: list[Line] = []
        self.terms = self.voids4 = self.voids6 = 0
        self._ask = ask
        self._origin = origin

    async def record(self, record: SpfRecord, domain: str, path: tuple[str, ...], *, lets: bool) -> str:
        """Count the terms of `record`, and return how it ends; `lets`: a pass of it lets mail pass."""
        path = (*path, domain.lower())
        for mechanism in record.mechanisms:
            if self.terms > MAX_TERMS:
                return "unknown"
            if mechanism.name == "all":
                sign = {"pass": "+", "fail": "-", "softfail": "~"}.get(mechanism.result, "?")
                if sign == "+" and lets:
                    self._line(Line(depth=len(path) - 1, domain=domain, term=mechanism.text, lets_all=True))
                return sign
            await self._mechanism(mechanism, domain, path, lets=lets)
        if record.redirect and self.terms <= MAX_TERMS:
            return await self._gone_into(
                record.redirect_text, record.redirect, domain, path, lets=lets, deeper=0
            )
        return "unknown" if record.redirect else ""

    def _line(self, line: Line, at: int | None = None) -> int:
        if at is not None:
            if at >= 0:
                self.lines[at] = line
            return at
        if len(self.lines) >= MAX_LINES:
            return -1
        self.lines.append(line)
        return len(self.lines) - 1

    async def _mechanism(
        self, mechanism: Mechanism, domain: str, path: tuple[str, ...], *, lets: bool
    ) -> None:
        depth = len(path) - 1
        network = mechanism.network
        if network is not None:
            if network.prefixlen == 0 and mechanism.result == "pass" and lets:
                self._line(Line(depth=depth, domain=domain, term=mechanism.text, lets_all=True))
            return
        if mechanism.name == "include":
            lets = lets and mechanism.result == "pass"
            await self._gone_into(mechanism.text, mechanism.target, domain, path, lets=lets, deeper=1)
            return
        self.terms += 1
        lets_all = lets and mechanism.result == "pass" and mechanism.name in ("a", "mx")
        lets_all = lets_all and 0 in (mechanism.ip4, mechanism.ip6)
        at = self._line(Line(depth=depth, domain=domain, term=mechanism.text, lookups=1))
        voids4, voids6 = self.voids4, self.voids6
        problem, unknown = await self._hosts(mechanism, domain)
        self._line(
            Line(
                depth=depth, domain=domain, term=mechanism.text, lookups=1, voids4=self.voids4 - voids4,
                voids6=self.voids6 - voids6, problem=problem, unknown=unknown, lets_all=lets_all,
            ),
            at,
        )  # fmt: skip

    async def _gone_into(
        self,
        term: str,
        target: tuple[Part, ...],
        domain: str,
        path: tuple[str, ...],
        *,
        lets: bool,
        deeper: int,
    ) -> str:
        terms, voids4, voids6 = self.terms, self.voids4, self.voids6
        depth = len(path) - 1
        at = self._line(Line(depth=depth, domain=domain, term=term))
        self.terms += 1
        ending, problem, unknown = "unknown", "", ""
        name = self._name(target, domain)
        if name is None:
            pass
        elif name.lower() in path:
            problem = f"it leads back to {name}, round and round"
        else:
            found, problem, unknown = await self._fetch(name)
            if found is not None:
                ending = await self.record(found, name, path, lets=lets)
        self._line(
            Line(
                depth=depth, domain=domain, term=term, lookups=self.terms - terms,
                voids4=self.voids4 - voids4, voids6=self.voids6 - voids6, problem=problem, unknown=unknown,
                by_sender=name is None,
            ),
            at,
        )  # fmt: skip
        return ending if not deeper else ""

    async def _fetch(self, name: str) -> tuple[SpfRecord | None, str, str]:
        """Return the record of `name`, or what is wrong with it, or why it is not known."""
        asked = query_name(name)
        if asked is None or "." not in asked:
            return None, f"{name} is no domain name", ""
        reply = await self._ask(asked, "TXT")
        if reply.outcome == "failed":
            return None, "", reply.detail
        texts = [raw for raw in map(txt_value, reply.data) if is_spf(raw)]
        if len(texts) != 1:
            many = f"{len(texts)} SPF records" if texts else "no SPF record"
            return None, f"{name} has {many}", ""
        try:
            return parse(texts[0]), "", ""
        except SpfSyntax as error:
            return None, f"the SPF record of {name} has an error: {error}", ""

    async def _hosts(self, mechanism: Mechanism, domain: str) -> tuple[str, str]:
        """Look up what an address mechanism names; return what is wrong, and what could not be known."""
        name = domain if not mechanism.target else self._name(mechanism.target, domain)
        if mechanism.name == "ptr" or name is None:
            return "", ""
        asked = query_name(name)
        if asked is None:
            return f"{name} is no domain name", ""
        if mechanism.name == "a":
            return "", await self._both(asked)
        if mechanism.name == "exists":
            reply = await self._ask(asked, "A")
            self._void(reply, 4)
            self._void(reply, 6)
            return "", reply.detail if reply.outcome == "failed" else ""
        reply = await self._ask(asked, "MX")
        self._void(reply, 4)
        self._void(reply, 6)
        if len(reply.data) > MAX_HOSTS:
            return f"{name} has {len(reply.data)} MX records, and {MAX_HOSTS} are allowed", ""
        unknown = [reply.detail] if reply.outcome == "failed" else []
        for text in reply.data:
            host = text.partition(" ")[2]
            if host != ".":
                unknown.append(await self._both(host))
        return "", "; ".join(filter(None, unknown))

    async def _both(self, name: str) -> str:
        v4, v6 = await asyncio.gather(self._ask(name, "A"), self._ask(name, "AAAA"))
        self._void(v4, 4)
        self._void(v6, 6)
        return "; ".join(reply.detail for reply in (v4, v6) if reply.outcome == "failed")

    def _void(self, reply: Reply, family: int) -> None:
        if reply.outcome in ("no data", "no such name"):
            if family == 4:
                self.voids4 += 1
            else:
                self.voids6 += 1

    def _name(self, target: tuple[Part, ...], domain: str) -> str | None:
        """Return the name that a macro string stands for, or None where that depends on the sender."""
        if letters(target) - {"d", "o"}:
            return None
        return fit(expand(target, {"d": domain, "o": self._origin}))
