"""mail.spf: the SPF record is in order, and the planned senders get the planned results."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from checks.bounds import Ge, Le, Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.mail._spf_form import Published, judge_form, single, sort_out
from checks.mail._spf_tree import tree
from checks.params import Address, Form, Resolver, parse_domain
from checks.safe import safe
from checks.wire.dns_lookup import handed
from checks.wire.dns_text import txt_value
from checks.wire.spf_check import MAX_TERMS, TIME_S, Evaluation, check_host
from checks.wire.spf_cost import survey
from checks.wire.spf_dns import Lookups, query_name
from checks.wire.spf_sender import sender_of

SpfResult = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]
_AT_ONCE = 32
_SPARE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfSender:
    """One sender: the address it delivers from, and how it introduces itself."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    ip: Address
    mail_from: Annotated[str, Len(0, 2000)] | None = None
    helo: Annotated[str, Len(0, 2000)] = ""
    expect: SpfResult | Annotated[tuple[SpfResult, ...], Len(1, 7)] = "pass"

    def results(self) -> tuple[str, ...]:
        """Return the results that are as planned."""
        return (self.expect,) if isinstance(self.expect, str) else self.expect


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfSeen:
    """The record of the domain with its cost, and the evaluation of each sender in the project's order."""

    published: Published
    evaluations: tuple[Evaluation, ...] = ()


def _parse_sender_domain(value: Any) -> str:
    """Return a domain name, or what else a mail address may have there as it stands (RFC 7208, 4.3)."""
    if isinstance(value, str) and len(value) <= 1000 and _ODD.fullmatch(value):
        try:
            return parse_domain(value)
        except ValueError:
            return value.lower()
    return parse_domain(value)


_ODD = re.compile(r"[A-Za-z0-9._-]+|\[[A-Za-z0-9.:]+\]")
SenderDomain = Annotated[str, Form(_parse_sender_domain, (("type", "string"), ("examples", ["example.com"])))]
"""What stands behind the @ of a mail address: it may be no domain name, and SPF has a result for that."""


class Spf(Check[SpfSeen]):
    """The domain has one SPF record without errors and within the limits, and each sender gets its result.

    With `planned` the text that is not published yet stands in for the domain's own record, so that old and
    new senders are proven before it is published. The result of a sender is check_host() of RFC 7208.

    Proves: what a receiver that asks these resolvers makes of each sender now, by which term, at what cost.
    Cannot prove: that these are all the senders of the domain; without `senders` only the record's form and
    cost are proven, not that anybody passes. Nor that every receiver keeps to the RFC's limits.
    If it fails: correct the one TXT record that begins with v=spf1: merge several, drop includes that
    cost and are not needed, add the sender's address or its service's include in front of `all`.

    Source: RFC 7208 (sections 4.5 record selection, 4.6.4 limits, 5 and 6 terms, 7 macros, 2.6 results).

    Example:
        type: mail.spf
        domain: contoso.example
        senders:
          - {ip: 192.0.2.25, mail_from: office@contoso.example, helo: mail.contoso.example}
          - {ip: 203.0.113.9, expect: [fail, softfail]}
        planned: v=spf1 ip4:192.0.2.25 include:spf.protection.outlook.com -all
    """

    deadline_s = 30.0

    domain: SenderDomain
    """The domain whose record is judged; one that DNS cannot hold has none."""
    senders: Annotated[tuple[SpfSender, ...], Len(0, 500)] = ()
    """Senders to evaluate: `ip`; `mail_from` (empty: the null sender, whose HELO name counts; left out:
    postmaster at the domain); `helo`; `expect`: an SPF result or a list of them, `pass` if left out."""
    planned: str | None = None
    """The text of the record that is not published yet, used in place of the domain's own TXT records; a
    line for each, if there are several."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask, in turn; left out, those that this laptop was handed."""
    max_lookups: Annotated[int, Ge(1), Le(10)] = 8
    """Lookups of the RFC's 10 that may be used up without a warning."""

    def __post_init__(self) -> None:
        if self.planned is not None and not self.planned.strip():
            raise ValueError("'planned' is empty: write the record's text, or leave it out.")
        if self.planned is not None and len(self.planned) > 65_000:
            raise ValueError("'planned' is longer than a TXT record can be.")
        self._planned_texts()

    def allowance(self) -> float:
        return self.deadline_s + TIME_S * (len(self.senders) // _AT_ONCE)

    def _planned_texts(self) -> dict[str, tuple[bytes, ...]]:
        if self.planned is None:
            return {}
        texts = []
        for line in self.planned.replace("\r\n", "\n").split("\n"):
            try:
                texts += [txt_value(line)] if line.strip() else []
            except ValueError as error:
                raise ValueError(f"'planned' is no text of a TXT record: {error}") from None
        return {self.domain: tuple(texts)}

    async def observe(self, vantage: Vantage) -> SpfSeen:
        servers = self.resolvers or await handed(vantage)
        lookups = await Lookups.open(vantage, servers, self._planned_texts())
        end = asyncio.get_running_loop().time() + max(0.5, vantage.remaining() - _SPARE_S)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def evaluate(sender: SpfSender) -> Evaluation:
            mail_from = f"postmaster@{self.domain}" if sender.mail_from is None else sender.mail_from
            async with gate:
                left = max(0.1, end - asyncio.get_running_loop().time())
                return await check_host(
                    sender_of(sender.ip, mail_from, sender.helo), lookups, seconds=min(TIME_S, left)
                )

        try:
            left = end - asyncio.get_running_loop().time()
            published, evaluations = await asyncio.gather(
                self._published(lookups, min(TIME_S, left)), asyncio.gather(*map(evaluate, self.senders))
            )
        finally:
            await lookups.close()
        for text in tree(self.domain, published.cost) if published.cost is not None else ():
            vantage.note(text)
        return SpfSeen(published=published, evaluations=tuple(evaluations))

    async def _published(self, lookups: Lookups, seconds: float) -> Published:
        asked = query_name(self.domain)
        if asked is None:
            return Published(outcome="no such name", detail="DNS cannot hold such a name")
        try:
            async with asyncio.timeout(seconds):
                reply = await lookups(asked, "TXT")
        except TimeoutError:
            return Published(outcome="failed", detail="no answer in time", planned=self.planned is not None)
        published = sort_out(reply, planned=self.planned is not None)
        record = single(published)
        if record is None:
            return published
        cost = await survey(record, self.domain, lookups, seconds=seconds)
        return dataclasses.replace(published, cost=cost)

    def judge(self, seen: SpfSeen) -> Iterable[Finding]:
        yield from judge_form(self.domain, seen.published, self.max_lookups)
        for at, sender in enumerate(self.senders):
            if at < len(seen.evaluations):
                yield self._sender(sender, seen.evaluations[at])
            else:
                yield cannot_tell(sender.ip, "This sender was not evaluated.", fix="Run the check again.")

    def _sender(self, sender: SpfSender, got: Evaluation) -> Finding:
        subject = _called(got)
        wanted = sender.results()
        cost = f"{got.lookups} of {MAX_TERMS} lookups, {got.void_lookups} void"
        reason = safe(got.reason, limit=500)
        expected = " or ".join(wanted)
        observed = f"{got.result}: {reason} ({cost})"
        if got.explanation:
            observed += f"; explanation: {safe(got.explanation, limit=200)}"
        if got.result == "temperror":
            return cannot_tell(
                subject,
                f"A lookup failed, so that nothing is known about this sender (temperror): {reason}.",
                expected=expected,
                observed=observed,
                fix="Mend the resolver, or the servers of the zone that does not answer, and run again.",
            )
        if got.unsure:
            return cannot_tell(
                subject,
                f"The result would be {got.result}, but a server that neither resolves nor has authority "
                f"said that there is nothing: {safe(', '.join(got.unsure), limit=200)}.",
                expected=expected,
                observed=observed,
                fix="Name a resolver, or a server with authority for these names, in 'resolvers'.",
            )
        if got.result in wanted:
            return passed(
                subject,
                f"This sender gets {got.result}, as planned: {reason}.",
                expected=expected,
                observed=observed,
            )
        return failed(
            subject,
            f"This sender gets {got.result} and not {expected}: {reason}.",
            expected=expected,
            observed=observed,
            fix=_fix(got, wanted),
            reference="RFC 7208 section 2.6",
        )


def _called(got: Evaluation) -> str:
    sender = safe(got.mail_from, limit=120) or f"the null sender, HELO {safe(got.helo, limit=120)}"
    return f"{safe(got.ip)} as {sender}"


def _fix(got: Evaluation, wanted: tuple[str, ...]) -> str:
    domain, term = safe(got.domain, limit=260), safe(got.term, limit=120)
    if got.result == "permerror":
        return f"Mend the record of {domain} or what it includes; the error is named above."
    if got.result == "none":
        return f"Publish an SPF record for {domain}, or correct the sender's address or HELO name."
    if "pass" in wanted:
        ip = safe(got.ip)
        kind = "ip6" if ":" in ip else "ip4"
        return (
            f"Add {kind}:{ip}, or the include of the service that this address belongs to, in front of "
            f"'all' in the record of {domain}."
        )
    if got.result == "pass":
        return f"Remove {term} from the record of {domain}, if this sender may not send for it."
    return f"Change {term or 'the end'} of the record of {domain}, or correct what is expected."
