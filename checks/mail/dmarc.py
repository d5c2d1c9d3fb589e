"""mail.dmarc: the DMARC policy that receivers apply to a domain is the planned one."""

from __future__ import annotations

from collections.abc import Iterable

from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._dmarc_remarks import record_remarks, report_findings, step_remarks
from checks.params import DomainName, Resolver
from checks.safe import safe
from checks.wire.dmarc import POLICIES, Policy, PolicyRecord, Source, is_policy_record
from checks.wire.dmarc_reports import Destination, destinations
from checks.wire.dmarc_walk import Records, Step, discover

_WHOSE = {
    "author": "its own record",
    "organizational": "the record of its Organizational Domain",
    "psd": "the record of its Public Suffix Domain",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcSeen:
    """What policy discovery came to (RFC 9989 section 4.10.1).

    `queried` are the names asked for it, in order; `record_domain` is the domain whose record applies (None
    if none does), `policy` what receivers are asked to do with mail from the author domain, test mode
    included (None: no DMARC processing), `published` the same without test mode, and `deciding` the tag it is
    taken from. `exists` is None where it made no difference. `trouble` is the name whose lookup failed, so
    that `policy` is not known. `unsure` are names that a server called empty which neither resolves nor has
    authority: `policy` is what follows if that is true. `stray` are names with a policy record where nobody
    looks. Texts are raw.
    """

    queried: tuple[str, ...]
    record_domain: str | None = None
    policy: Policy | None = None
    published: Policy | None = None
    deciding: str = ""
    source: Source | None = None
    record: PolicyRecord | None = None
    exists: bool | None = None
    steps: tuple[Step, ...] = ()
    trouble: Step | None = None
    destinations: tuple[Destination, ...] = ()
    stray: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


class Dmarc(Check[DmarcSeen]):
    """The DMARC policy that receivers find for the author domain is the planned one.

    Before a move of mail the policy must not be stricter than what the new side is proven to satisfy: with
    `reject` and no DKIM key of the new side, receivers refuse the mail of the first day.

    Proves: which record a receiver finds by the tree walk of RFC 9989, and the policy it takes from it, asked
    through these resolvers now; that report addresses outside the domain have consented.
    Cannot prove: that mail passes DMARC (SPF and DKIM in alignment), that a receiver honours the policy, or
    what receivers do that still follow RFC 7489 with its list of public suffixes.
    If it fails: correct the TXT record at the name of the finding, `_dmarc` and a domain, at the DNS
    host.

    Source: RFC 9989 sections 4.7 to 4.10 (tags, syntax, tree walk), RFC 9990 section 4 (report destinations).

    Example:
        type: mail.dmarc
        domain: example.com
        at_most: none
    """

    deadline_s = 30.0

    domain: DomainName
    """The author domain: what stands behind the @ of the From header."""
    expect_policy: Policy | None = None
    """The policy that must apply, test mode included."""
    at_most: Policy | None = None
    """The strictest policy that may apply yet, as `none` before the new side's DKIM is proven."""
    require_reports: bool = False
    """Whether aggregate reports must be asked for and be able to arrive."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask, in turn; left out, those that this laptop was handed."""

    def __post_init__(self) -> None:
        if self.domain == "." or "*" in self.domain:
            raise ValueError("'domain' is the domain of mail addresses, like example.com.")
        expected, most = self.expect_policy, self.at_most
        if expected is not None and most is not None and POLICIES.index(expected) > POLICIES.index(most):
            raise ValueError(
                f"'expect_policy: {expected}' is stricter than 'at_most: {most}': no policy is both."
            )

    async def observe(self, vantage: Vantage) -> DmarcSeen:
        records = Records(vantage, self.resolvers)
        found = await discover(records, self.domain)
        unsure = tuple(dict.fromkeys(records.unsure))
        reports: tuple[Destination, ...] = ()
        if found.record is not None and found.record_domain is not None:
            reports = await destinations(records, found.record_domain, found.record)
        applied = found.applied
        return DmarcSeen(
            queried=tuple(step.name for step in found.steps), record_domain=found.record_domain,
            policy=applied.effective if applied else None, published=applied.published if applied else None,
            deciding=applied.tag if applied else "", source=found.source, record=found.record,
            exists=found.exists, steps=found.steps, trouble=found.trouble, unsure=unsure,
            destinations=reports,
            stray=await self._stray(records) if found.record is None and found.trouble is None else (),
        )  # fmt: skip

    async def _stray(self, records: Records) -> tuple[str, ...]:
        """Return the names near by that hold a policy record which nobody will find there."""
        names = (self.domain, f"_dmarc.{self.domain}.{self.domain}", f"dmarc.{self.domain}")
        return tuple([name for name in names if any(map(is_policy_record, (await records.texts(name))[1]))])

    def judge(self, seen: DmarcSeen) -> Iterable[Finding]:
        if seen.trouble is not None:
            yield cannot_tell(
                seen.trouble.name,
                f"The lookup of {seen.trouble.name} failed, so it is not known which policy applies.",
                expected=self._planned(),
                observed=safe(seen.trouble.detail, limit=300) or "no answer",
                fix="Run it again; if it stays so, mend that domain's name servers or name other resolvers.",
            )
            return
        if seen.unsure:
            yield self._unsure(seen)
            return
        yield from step_remarks(seen.steps, self.domain)
        if seen.record is None or seen.record_domain is None:
            yield self._missing(seen)
            return
        yield self._policy(seen, seen.record, seen.record_domain)
        yield from record_remarks(seen.record, seen.record_domain, own=seen.source == "author")
        yield from report_findings(
            seen.destinations, seen.record, seen.record_domain, required=self.require_reports
        )

    def _unsure(self, seen: DmarcSeen) -> Finding:
        would = f"The policy would be {seen.policy}" if seen.policy else "No policy would apply"
        return cannot_tell(
            seen.unsure[0],
            f"{would}, but a server that neither resolves nor has authority said that there is nothing at "
            f"{safe(', '.join(seen.unsure), limit=400)}.",
            expected=self._planned(),
            observed="an empty answer without the flags RA and AA",
            fix="Name a resolver, or a server with authority for these names, in 'resolvers'.",
        )

    def _planned(self) -> str:
        if self.expect_policy is not None:
            return f"the policy {self.expect_policy}"
        if self.at_most is not None:
            return f"a policy no stricter than {self.at_most}"
        return "a DMARC policy record"

    def _missing(self, seen: DmarcSeen) -> Finding:
        here = f"_dmarc.{self.domain}"
        what = "No DMARC policy record applies to the domain."
        wanted = self.expect_policy or "none"
        fix = f'Publish one TXT record at {here}: "v=DMARC1; p={wanted}; rua=mailto:ADDRESS".'
        if seen.steps and seen.steps[0].count > 1:
            fix = f"Keep one of the TXT records at {here}, the planned one."
        if seen.stray:
            what += f" There is one at {', '.join(seen.stray)}, where no receiver looks."
            fix = f"Move the TXT record from {seen.stray[0]} to {here}."
        observed = f"none at {', '.join(seen.queried)}"
        tell = failed if self.expect_policy is not None or self.require_reports else warned
        return tell(here, what, expected=self._planned(), observed=observed, fix=fix)

    def _policy(self, seen: DmarcSeen, record: PolicyRecord, place: str) -> Finding:
        here = f"_dmarc.{place}"
        whose = _WHOSE[seen.source or "author"]
        text = safe(record.text, limit=300)
        if seen.policy is None:
            return failed(
                here,
                "The record has no valid policy (p, sp, np) and no valid report address (rua), so receivers "
                "do not apply DMARC.",
                expected=self._planned(),
                observed=text,
                fix=f"Correct the TXT record at {here}: p, sp and np are none, quarantine or reject.",
                reference="RFC 9989 section 4.10.1",
            )
        how = f"{seen.policy}, from {whose} ({seen.deciding} of {here})"
        if seen.exists is False:
            how += "; the domain does not exist"
        if seen.policy != seen.published:
            how += f"; published is {seen.published}, lowered by t=y"
        observed = f"{how}: {text}"
        wanted = self.expect_policy
        if wanted is not None and seen.policy != wanted:
            return failed(
                here,
                f"The policy that applies is {seen.policy}, not {wanted}.",
                expected=self._planned(),
                observed=observed,
                fix=self._set(seen, wanted, place),
            )
        if self.at_most is not None and POLICIES.index(seen.policy) > POLICIES.index(self.at_most):
            return failed(
                here,
                f"The policy {seen.policy} is stricter than may be yet: mail that the new side sends without "
                f"a proven DKIM signature would be {_FATE[seen.policy]}.",
                expected=self._planned(),
                observed=observed,
                fix=f"{self._set(seen, self.at_most, place)} Tighten it when DKIM of the new side is proven.",
            )
        return passed(
            here, f"The DMARC policy for {self.domain} is {seen.policy}, from {whose}.",
            expected=self._planned(), observed=observed,
        )  # fmt: skip

    def _set(self, seen: DmarcSeen, wanted: Policy, place: str) -> str:
        """Return what to change so that `wanted` applies to the domain."""
        if seen.source == "author":
            change = f"set p={wanted} in the TXT record at _dmarc.{place}"
            if seen.record is not None and seen.record.testing:
                change += " and remove t=y"
            return f"To have {wanted} apply, {change}."
        own = f'"v=DMARC1; p={wanted}"'
        return (
            f"Publish a TXT record at _dmarc.{self.domain} with {own} for this domain alone, or change "
            f"{seen.deciding} in the record at _dmarc.{place}, which also applies to other domains below it."
        )


_FATE = {"none": "delivered", "quarantine": "put aside as spam", "reject": "refused"}
