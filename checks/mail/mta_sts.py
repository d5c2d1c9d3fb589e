"""mail.mta_sts: senders that follow MTA-STS will deliver to the planned hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Literal

from checks import jsonable
from checks.bounds import Len
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._mta_sts_fetch import SENDERS, fetched, trouble
from checks.mail._mta_sts_past import Before, allowed, left_over, remarks
from checks.mail._names import shown
from checks.params import DomainName, Endpoint, Resolver
from checks.safe import safe
from checks.wire.dns_follow import follow
from checks.wire.dns_lookup import Lookup
from checks.wire.dns_text import txt_value
from checks.wire.dns_vouch import vouched
from checks.wire.http import Exchange
from checks.wire.mta_sts import StsPolicy, read_policy, read_record, records_of
from checks.words import span

_HISTORY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MtaStsSeen:
    """The lookup of the TXT record, that of the policy host where resolvers were named, and the fetch.

    `exchange` is None where the policy host has no address by those resolvers. `before` is the newest earlier
    observation that held a policy.
    """

    at: datetime
    found: Lookup
    host: Lookup | None = None
    exchange: Exchange | None = None
    before: Before | None = None


class MtaSts(Check[MtaStsSeen]):
    """The domain's MTA-STS policy is the planned one and allows every planned mail host.

    Senders keep a policy for its max_age and, under `enforce`, refuse hosts that it does not name: the new
    host must be in the policy, under a new id, before the MX moves.

    Proves: the record and the policy that a sender gets now, by its rules (no redirect, certificate valid for
    mta-sts.DOMAIN, syntax), and which of the planned hosts it allows.
    Cannot prove: what senders have cached from before, except by what an earlier run of this check saw; that
    the hosts offer TLS with a valid certificate (mail.smtp tells).
    If it fails: add the host to the policy file on the web server mta-sts.DOMAIN, then change the id in
    the TXT record _mta-sts.DOMAIN at the DNS host.

    Source: RFC 8461 sections 3.1 (record), 3.2 (policy), 3.3 (HTTPS), 4.1 (matching), 5 and 8.3 (removal).

    Example:
        type: mail.mta_sts
        domain: contoso.example
        planned_mx: [contoso-example.mail.protection.outlook.com]
        expect_mode: testing
        resolvers: [192.0.2.53]
    """

    deadline_s = 15.0

    domain: DomainName
    """The mail domain."""
    planned_mx: Annotated[tuple[DomainName, ...], Len(0, 50)] = ()
    """Hosts that mail will go to: each must be allowed before the switch."""
    expect_mode: Literal["enforce", "testing", "none", "absent"] | None = None
    """The planned mode; `absent`: no MTA-STS. Left out, any mode will do as long as the hosts are allowed."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask, in turn; left out, those that this laptop was handed."""
    connect_to: Endpoint | None = None
    """Server to fetch the policy from in place of mta-sts.DOMAIN: test it before DNS names it."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""

    def __post_init__(self) -> None:
        if not self.planned_mx and self.expect_mode is None:
            raise ValueError(
                "With neither 'planned_mx' nor 'expect_mode' nothing would be asserted: name the hosts that "
                "mail will go to."
            )

    def needs_link(self) -> bool:
        here = self.resolvers and all(map(is_loopback, self.resolvers))
        return not (here and self.connect_to is not None and is_loopback(self.connect_to))

    def _record(self) -> str:
        return f"_mta-sts.{self.domain}"

    async def observe(self, vantage: Vantage) -> MtaStsSeen:
        found = await follow(vantage, self._record(), "TXT", self.resolvers)
        found = await vouched(vantage, found, self.domain)
        host, exchange = await fetched(vantage, self.domain, self.resolvers, self.connect_to, self.ca_file)
        return MtaStsSeen(
            at=vantage.now(),
            found=found,
            host=host,
            exchange=exchange,
            before=_before(vantage, self._record()),
        )

    def judge(self, seen: MtaStsSeen) -> Iterable[Finding]:
        name, found = self._record(), seen.found
        if found.outcome == "failed":
            yield cannot_tell(
                name,
                "No resolver gave an answer, so it is not known whether the domain uses MTA-STS.",
                expected=self._planned(),
                observed=safe(found.detail, limit=300),
                fix="Mend the lookup first: the resolver, or the domain's name servers.",
            )
            return
        records, meant = records_of(_texts(found))
        if not records:
            yield from self._without(seen, meant)
            return
        if self.expect_mode == "absent":
            yield failed(
                name,
                "The domain uses MTA-STS, where it is planned not to.",
                expected=self._planned(),
                observed=shown(records),
                fix="First serve a policy with mode none and a short max_age under a new id, wait for the "
                "old max_age, then remove the TXT record (RFC 8461 section 8.3).",
            )
            return
        read = read_record(records[0])
        if len(records) > 1 or read.problem:
            many = f"there are {len(records)} records" if len(records) > 1 else read.problem
            yield failed(
                name,
                f"Senders ignore the record, and with it MTA-STS: {safe(many, limit=200)}.",
                expected="one record like v=STSv1; id=20260101T000000;",
                observed=shown(records),
                fix=f"Leave one TXT record at {name}, with v=STSv1; and one id of letters and digits.",
                reference="RFC 8461 section 3.1",
            )
            return
        yield from self._policy(seen, read.id)

    def _planned(self) -> str:
        if self.expect_mode == "absent":
            return "no MTA-STS record"
        mode = f"mode {self.expect_mode}" if self.expect_mode else "a policy, if there is one,"
        return f"{mode} that allows {', '.join(self.planned_mx)}" if self.planned_mx else mode

    def _without(self, seen: MtaStsSeen, meant: list[str]) -> Iterator[Finding]:
        """Judge a domain without a record: planned so or not, and what senders may still have cached."""
        name = self._record()
        if meant:
            yield failed(
                name,
                "The record does not begin with v=STSv1; exactly, so senders take it for something else.",
                expected=self._planned(),
                observed=shown(meant),
                fix=f"Write the TXT record {name} as v=STSv1; id=... or remove it.",
                reference="RFC 8461 section 3.1",
            )
            return
        yield from left_over(f"mta-sts.{self.domain}", self.planned_mx, seen.exchange, seen.before, seen.at)
        if self.expect_mode in ("absent", None):
            yield passed(
                name,
                "The domain has no MTA-STS record, so no sender asks for a policy.",
                expected=self._planned(),
                observed="no MTA-STS record",
            )
            return
        yield failed(
            name,
            "There is no MTA-STS record, so no sender asks for the policy.",
            expected=self._planned(),
            observed="no MTA-STS record",
            fix=f"Publish the TXT record {name} with v=STSv1; id=... once the policy is served.",
        )

    def _policy(self, seen: MtaStsSeen, ident: str) -> Iterator[Finding]:
        subject = f"mta-sts.{self.domain}"
        wrong = trouble(subject, seen.host, seen.exchange, self._planned())
        if wrong is not None:
            yield wrong
            if wrong.status.value != "warn":
                return
        assert seen.exchange is not None
        policy = read_policy(seen.exchange.body)
        if policy.problem:
            yield failed(
                subject,
                f"The policy breaks the syntax, so {SENDERS}",
                expected="lines like 'mode: enforce', as RFC 8461 section 3.2 has them",
                observed=safe(policy.problem, limit=300),
                fix="Correct the file: version, mode, max_age and one mx line for each host, nothing else.",
                reference="RFC 8461 section 3.2",
            )
            return
        observed = f"mode {policy.mode}, max_age {policy.max_age} s, mx {shown(policy.hosts)}, id {ident}"
        if self.expect_mode is not None and policy.mode != self.expect_mode:
            yield failed(
                subject,
                f"The policy's mode is {policy.mode}, not {self.expect_mode}.",
                expected=self._planned(),
                observed=observed,
                fix=f"Write mode: {self.expect_mode} into the policy and change the id of {self._record()}.",
            )
        elif not self.planned_mx or policy.mode == "none":
            what = "nothing is enforced" if policy.mode == "none" else "it can be fetched and read"
            yield passed(
                subject,
                f"The policy is the planned one: {what}.",
                expected=self._planned(),
                observed=observed,
            )
        if policy.mode != "none":
            yield from self._hosts(policy, observed)
        yield from remarks(self._record(), subject, policy, ident, seen.before)

    def _hosts(self, policy: StsPolicy, observed: str) -> Iterator[Finding]:
        for host in self.planned_mx:
            if allowed(policy, host):
                yield passed(host, "The policy allows this host.", expected=host, observed=observed)
                continue
            say = {"expected": f"an mx line that allows {host}", "observed": observed}
            fix = (
                f"Add 'mx: {host}' to the policy (keep the old host's line until after the switch), then "
                f"change the id of {self._record()}, and give senders time to fetch it, before the MX moves."
            )
            if policy.mode == "enforce":
                yield failed(
                    host,
                    "The policy does not allow this host: senders will refuse to deliver to it, those that "
                    f"have the policy for up to {span(policy.max_age)}.",
                    fix=fix,
                    reference="RFC 8461 section 5.1",
                    **say,
                )
            else:
                yield warned(
                    host,
                    "The policy does not allow this host; in testing mode senders deliver and report it.",
                    fix=fix,
                    reference="RFC 8461 section 5",
                    **say,
                )


def _texts(found: Lookup) -> list[str]:
    return [txt_value(record.text).decode("utf-8", "replace") for record in found.records]


def _before(vantage: Vantage, name: str) -> Before | None:
    """Return the newest earlier observation that held a record at `name` and a policy."""
    for one in vantage.earlier(_HISTORY):
        try:
            seen = jsonable.from_json(MtaStsSeen, one.observation)
        except ValueError:
            continue
        if seen.found.name != name:
            continue
        records, _ = records_of(_texts(seen.found))
        exchange = seen.exchange
        if len(records) == 1 and exchange is not None and exchange.status == 200 and exchange.complete:
            return Before(at=one.at, id=read_record(records[0]).id, body=exchange.body)
    return None
