"""mail.dane: senders that follow DANE will find the certificate that the mail hosts show."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Literal

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._dane_findings import judge_probe, unusable_remark
from checks.mail._dane_ways import (
    MAX_ADDRESSES,
    MAX_HOSTS,
    Ways,
    address_verdict,
    all_hosts_of,
    fetch,
    hosts_of,
    untried,
)  # fmt: skip
from checks.mail._names import shown
from checks.params import DomainName, NameServer, Port, Resolver
from checks.safe import safe
from checks.wire.dane import read_tlsa
from checks.wire.dnssec_anchors import read_anchors
from checks.wire.dnssec_fetch import Path
from checks.wire.dnssec_verdict import Verdict
from checks.wire.smtp import SmtpRequest, SmtpSeen, probe
from checks.wire.tcp import budget

State = Literal["used", "not used", "open"]
_NO_WAY = ("no_route", "barred", "local")
"""Where another address of the host was reached, one of a family that this laptop lacks is left aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """What each address of a mail host showed on STARTTLS."""

    host: str
    probes: tuple[SmtpSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DaneSeen:
    """The replies that the signed lookups are made of, and the mail hosts that have TLSA records."""

    at: datetime
    paths: tuple[Path, ...]
    hosts: tuple[HostSeen, ...] = ()


class Dane(Check[DaneSeen]):
    """Each mail host with TLSA records in a secured zone shows a certificate that they name.

    TLSA is looked up only where the chain of trust to the host's addresses is whole, as RFC 7672 has it: in
    an unsigned zone a failing lookup means nothing. Usages 3 (DANE-EE) and 2 (DANE-TA) count, 0 and 1 do not.

    Proves: which hosts senders hold to DANE, and whether they would deliver to what answers on port 25 now.
    Cannot prove: that mail is accepted; that another address behind the same name shows the same certificate
    tomorrow. Where port 25 is closed from here, the certificate is not tested.
    If it fails: have the mail host's operator publish TLSA records of the certificate in use, old and new
    during a change, or remove records that match none.

    Source: RFC 7672 sections 2.1, 2.2 (when DANE applies), 3.1 (usages), 3.2.2 (names), RFC 6698 section 2
    (TLSA), RFC 7671 sections 5 and 8 (matching, rollover).

    Example:
        type: mail.dane
        domain: contoso.example
        resolvers: [192.0.2.53]
        expect: present
    """

    deadline_s = 45.0

    domain: DomainName
    """The mail domain."""
    hosts: Annotated[tuple[DomainName, ...], Len(0, MAX_HOSTS)] = ()
    """Mail hosts to look at, as the planned ones before the switch; left out, those of the MX records."""
    expect: Literal["present", "optional"] = "optional"
    """`present`: every host must have TLSA records that can be used, and the MX must be secured; `optional`:
    what is published must be right."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask; left out (and `roots` too), those that this laptop was handed."""
    roots: tuple[NameServer, ...] = ()
    """Servers of the anchor's zone: the lookups then go to the authoritative servers, from there on."""
    port: Port = 53
    """Port of name servers that are found by delegation."""
    trust_anchor: tuple[str, ...] = ()
    """DS or DNSKEY records to start from, as `. DS 20326 8 2 E06D...`; left out, IANA's for the root."""
    smtp_port: Port = 25
    """Port on which the hosts take mail."""

    def __post_init__(self) -> None:
        if self.trust_anchor:
            read_anchors(self.trust_anchor)

    def needs_link(self) -> bool:
        return True

    async def observe(self, vantage: Vantage) -> DaneSeen:
        now = vantage.now()
        anchors = read_anchors(self.trust_anchor)
        paths = await fetch(
            vantage,
            anchors,
            int(now.timestamp()),
            self.domain,
            self.hosts,
            self.resolvers,
            self.roots,
            self.port,
        )
        ways = Ways(paths, anchors, int(now.timestamp()))
        wanted = [host for host in self._hosts(ways) if host != "." and self._usable(ways, host)]
        within = budget(vantage)
        probed = await asyncio.gather(*(self._probed(vantage, ways, host, within) for host in wanted))
        return DaneSeen(at=now, paths=tuple(paths), hosts=tuple(probed))

    async def _probed(self, vantage: Vantage, ways: Ways, host: str, within: float) -> HostSeen:
        _, addresses = address_verdict(ways, host)
        requests = [
            SmtpRequest(address=address, port=self.smtp_port, server_name=host, verify=False, within=within)
            for address in addresses
        ]
        return HostSeen(host=host, probes=tuple(await asyncio.gather(*(probe(vantage, r) for r in requests))))

    def _hosts(self, ways: Ways) -> list[str]:
        return list(self.hosts) or hosts_of(ways.verdict(self.domain, "MX"), self.domain)

    @staticmethod
    def _usable(ways: Ways, host: str) -> bool:
        if address_verdict(ways, host)[0].word != "secure":
            return False
        tlsa = ways.verdict(f"_25._tcp.{host}", "TLSA")
        return tlsa.word == "secure" and any(not one.unusable for one in read_tlsa(tlsa.records))

    def judge(self, seen: DaneSeen) -> Iterable[Finding]:
        ways = Ways(seen.paths, read_anchors(self.trust_anchor), int(seen.at.timestamp()))
        if not self.hosts:
            mx = ways.verdict(self.domain, "MX")
            yield from self._mx(mx)
            if mx.word in ("bogus", "indeterminate") or mx.outcome == "no such name":
                return
            yield from self._too_many(mx)
        hosts = self._hosts(ways)
        if hosts == ["."]:
            return
        states: dict[str, State] = {}
        for host in hosts:
            findings = list(self._host(ways, host, seen, states))
            yield from findings
        used = [host for host, state in states.items() if state == "used"]
        bare = [host for host, state in states.items() if state == "not used"]
        if used and bare and self.expect == "optional":
            yield warned(
                self.domain,
                "Some mail hosts have TLSA records and some have none: senders can be led to those without.",
                expected="TLSA records for every host, or for none",
                observed=f"with: {shown(used)}; without: {shown(bare)}",
                fix="Publish TLSA records for the other hosts as well.",
                reference="RFC 7672 section 2.2.1",
            )

    def _too_many(self, mx: Verdict) -> Iterator[Finding]:
        every = all_hosts_of(mx, self.domain)
        if len(every) > MAX_HOSTS:
            yield cannot_tell(
                f"{self.domain} MX",
                f"{len(every) - MAX_HOSTS} mail hosts were not looked at: there are more than {MAX_HOSTS}.",
                expected="every host of the MX records",
                observed=shown(every[MAX_HOSTS:]),
                fix="Name these in 'hosts' of a check of their own, or remove MX records not needed.",
            )

    def _mx(self, mx: Verdict) -> Iterator[Finding]:
        subject, observed = f"{self.domain} MX", _said(mx)
        say = {"expected": "MX records that are secured by DNSSEC", "observed": observed}
        if mx.word == "indeterminate":
            yield cannot_tell(
                subject, "The MX records could not be fetched with their signatures, so nothing is known.",
                fix="Name a resolver that passes DNSSEC on, or mend the way to it.", **say,
            )  # fmt: skip
        elif mx.word == "bogus":
            yield failed(
                subject, "The MX records are bogus: senders that validate deliver nothing.",
                fix="Mend the chain of trust first; dns.dnssec tells where it breaks.", **say,
            )  # fmt: skip
        elif mx.outcome == "no such name":
            yield failed(subject, "The domain does not exist.", fix="Correct the domain's name.", **say)
        elif hosts_of(mx, self.domain) == ["."]:
            yield failed(
                subject, "The domain takes no mail (null MX).", fix="Publish the planned MX records.",
                reference="RFC 7505", **say,
            )  # fmt: skip
        elif mx.word == "insecure" and self.expect == "present":
            yield failed(
                subject,
                "The domain is not signed, so senders cannot know that these are its mail hosts.",
                fix="Sign the domain and have the registrar publish its DS record.",
                reference="RFC 7672 section 2.2.1",
                **say,
            )

    def _host(self, ways: Ways, host: str, seen: DaneSeen, states: dict[str, State]) -> Iterator[Finding]:
        verdict, addresses = address_verdict(ways, host)
        subject, present = safe(host, limit=260), self.expect == "present"
        wanted = "usable TLSA records in a secured zone" if present else "no TLSA records, or right ones"
        states[host] = "open"
        if verdict.word == "secure" and addresses:
            verdict = ways.verdict(f"_25._tcp.{host}", "TLSA")
        say = {"expected": wanted, "observed": _said(verdict)}
        if verdict.word == "indeterminate":
            yield cannot_tell(
                subject,
                "Its addresses or TLSA records could not be fetched with their signatures, so nothing is "
                "known; senders that follow DANE hold mail back as long as that is so for them.",
                fix="Name a resolver that passes DNSSEC on, and look at the name servers of the host's zone.",
                **say,
            )
        elif verdict.word == "bogus":
            yield failed(
                subject,
                "Its DNS answers are bogus: senders that validate hold mail for it back.",
                fix="Mend the chain of trust of the host's zone; dns.dnssec tells where it breaks.",
                reference="RFC 7672 section 2.1.1",
                **say,
            )
        elif not addresses:
            yield failed(
                subject,
                "The mail host has no address.",
                fix="Publish its address, or correct the MX record.",
                **say,
            )
        elif verdict.word == "insecure" or verdict.outcome != "found":
            states[host] = "not used"
            why = "its zone is not signed" if verdict.word == "insecure" else "it has no TLSA records"
            if present:
                yield failed(
                    subject,
                    f"Senders do not use DANE for this host: {why}.",
                    fix=f"Sign the zone of the host, and publish TLSA records at _25._tcp.{subject}.",
                    reference="RFC 7672 section 2.2",
                    **say,
                )
            else:
                yield passed(
                    subject,
                    f"Senders do not use DANE for this host: {why}.",
                    expected=wanted,
                    observed=say["observed"],
                )
        else:
            states[host] = "used"
            yield from self._tlsa(verdict, host, seen)
            left_out = untried(ways, host)
            if left_out:
                yield cannot_tell(
                    subject,
                    f"{left_out} of its addresses were not tried: it has more than {MAX_ADDRESSES}.",
                    expected="the right certificate at every address",
                    observed=f"{MAX_ADDRESSES} tried",
                    fix="Test the other addresses by mail.smtp, each with server_name.",
                )

    def _tlsa(self, verdict: Verdict, host: str, seen: DaneSeen) -> Iterator[Finding]:
        records = read_tlsa(verdict.records)
        remark = unusable_remark(host, records, present=self.expect == "present")
        if remark is not None:
            yield remark
        if all(one.unusable for one in records):
            return
        probes = next((one.probes for one in seen.hosts if one.host == host), ())
        reached = any(one.attempt.outcome == "open" for one in probes)
        for one in probes:
            if reached and one.attempt.outcome in _NO_WAY:
                continue
            yield judge_probe(one, host, records, (host, self.domain), seen.at)
        if not probes:
            yield cannot_tell(
                safe(host, limit=260),
                "The host was not asked for its certificate.",
                expected="a certificate that the TLSA records name",
                observed="not asked",
                fix="Run the check again.",
            )


def _said(verdict: Verdict) -> str:
    text = f"{verdict.word} at {verdict.zone}"
    if verdict.reason:
        text += f": {verdict.reason}"
    if verdict.detail:
        text += f" ({verdict.detail})"
    elif verdict.outcome:
        text += f": {', '.join(verdict.records[:6]) or verdict.outcome}"
    return safe(text, limit=500)
