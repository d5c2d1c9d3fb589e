"""mail.tls_rpt: senders are told where to report that TLS to the domain failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._names import shown
from checks.params import DomainName, Resolver
from checks.safe import safe
from checks.wire.dns_follow import follow
from checks.wire.dns_lookup import Lookup
from checks.wire.dns_text import txt_value
from checks.wire.dns_vouch import vouched
from checks.wire.tls_rpt import read_record, records_of

_MODEL = "v=TLSRPTv1; rua=mailto:tls-reports@"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsRptSeen:
    """The lookup of the TXT records below the domain."""

    found: Lookup


class TlsRpt(Check[TlsRptSeen]):
    """The domain has exactly one TLS-RPT record, and it names an address that can be used; or it has none.

    Proves: what a sender reads at `_smtp._tls` of the domain through these resolvers now.
    Cannot prove: that reports sent there arrive or are read.
    If it fails: publish or correct the one TXT record at _smtp._tls.DOMAIN at the DNS host.

    Source: RFC 8460 section 3 (record, several records count as none), RFC 6068 (mailto).

    Example:
        type: mail.tls_rpt
        domain: contoso.example
        resolvers: [192.0.2.53]
    """

    domain: DomainName
    """The mail domain."""
    expect: Literal["present", "absent"] = "present"
    """Whether there is to be a record."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask, in turn; left out, those that this laptop was handed."""

    def _name(self) -> str:
        return f"_smtp._tls.{self.domain}"

    async def observe(self, vantage: Vantage) -> TlsRptSeen:
        found = await follow(vantage, self._name(), "TXT", self.resolvers)
        return TlsRptSeen(found=await vouched(vantage, found, self.domain))

    def judge(self, seen: TlsRptSeen) -> Iterable[Finding]:
        name, found = self._name(), seen.found
        planned = "no TLS-RPT record" if self.expect == "absent" else "one TLS-RPT record with a usable rua"
        if found.outcome == "failed":
            yield cannot_tell(
                name,
                "No resolver gave an answer, so it is not known whether there is a record.",
                expected=planned,
                observed=safe(found.detail, limit=300),
                fix="Mend the lookup first: the resolver, or the domain's name servers.",
            )
            return
        texts = [txt_value(record.text).decode("utf-8", "replace") for record in found.records]
        records, meant = records_of(texts)
        observed = shown(records or meant, none="no TLS-RPT record")
        if self.expect == "absent":
            if records or meant:
                yield failed(
                    name, "There is a TLS-RPT record where none may be.", expected=planned, observed=observed,
                    fix=f"Remove the TXT record {name}.",
                )  # fmt: skip
            else:
                yield passed(
                    name, "There is no TLS-RPT record, as planned.", expected=planned, observed=observed
                )
            return
        if len(records) != 1:
            what, fix = _not_one(records, meant, name, self.domain)
            yield failed(
                name, what, expected=planned, observed=observed, fix=fix, reference="RFC 8460 section 3"
            )
            return
        read = read_record(records[0])
        if read.problem:
            wrong = "; ".join(f"{uri}: {why}" for uri, why in read.wrong)
            yield failed(
                name,
                f"Senders cannot use the record: {safe(read.problem, limit=200)}.",
                expected=planned,
                observed=observed + (f" ({safe(wrong, limit=400)})" if wrong else ""),
                fix=f"Correct the TXT record to the form {_MODEL}{self.domain}",
                reference="RFC 8460 section 3",
            )
            return
        for uri, why in read.wrong:
            yield warned(
                name,
                f"An address for reports cannot be used: {safe(why, limit=200)}.",
                expected="mailto:ADDRESS or https:URL",
                observed=safe(uri, limit=200),
                fix="Correct or remove that address in rua; reports go to the others only.",
            )
        yield passed(name, "Senders know where to report.", expected=planned, observed=shown(read.uris))


def _not_one(records: list[str], meant: list[str], name: str, domain: str) -> tuple[str, str]:
    if records:
        return (
            f"There are {len(records)} TLS-RPT records, so senders take none.",
            f"Leave one of the TXT records at {name} that begin with v=TLSRPTv1; and remove the others.",
        )
    if meant:
        return (
            "The record does not begin with v=TLSRPTv1; exactly, so senders take it for something else.",
            f"Write the TXT record {name} as {_MODEL}{domain}",
        )
    return "There is no TLS-RPT record.", f"Publish the TXT record {name}: {_MODEL}{domain}"
