"""mail.dkim: the selectors lead where planned, and the active ones have a key that verifiers accept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Ge, Le, Len
from checks.clouds import DKIM_SHAPE
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._dkim_keys import key_findings
from checks.mail._dkim_lookup import SelectorSeen, look
from checks.params import DomainName, Resolver, parse_domain
from checks.safe import safe

_SOURCE = (
    "Take the target from the operator of the signing side (Microsoft 365: Get-DkimSigningConfig, or the "
    "Defender portal), never from the domain's name"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSeen:
    """What each selector leads to, in the order of the parameter."""

    selectors: tuple[SelectorSeen, ...]


class Dkim(Check[DkimSeen]):
    """Every selector leads to the planned place, and the active ones have a key that verifiers accept.

    Microsoft assigns the targets of its two CNAME records; they cannot be computed from the domain. Without
    `expect` only their shape can be judged, which is a warning and no pass. A CNAME whose target holds no key
    yet is usual until DKIM is switched on: say `keys: later` for as long as that is planned.

    Proves: where the selectors lead, and that the keys there are well formed and long enough, asked through
    these resolvers now.
    Cannot prove: that the signing side signs, with that selector and the private half of that key.
    If it fails: publish the record that is named at the DNS host; for Microsoft 365 switch DKIM on
    afterwards (Microsoft Defender portal, Email authentication settings, DKIM; or Set-DkimSigningConfig).

    Source: RFC 6376 section 3.6 (keys), RFC 8301 (at least 1024 bits, SHA-256), RFC 8463 (Ed25519),
    learn.microsoft.com defender-office-365/email-authentication-dkim-configure (CNAME records, rotation).

    Example:
        type: mail.dkim
        domain: example.com
        selectors: [selector1, selector2]
        microsoft: true
        expect:
          selector1: selector1-example-com._domainkey.example.r-v1.dkim.mail.microsoft
          selector2: selector2-example-com._domainkey.example.r-v1.dkim.mail.microsoft
        keys: later
    """

    deadline_s = 30.0

    domain: DomainName
    """The signing domain (d= of the signature)."""
    selectors: Annotated[tuple[DomainName, ...], Len(1)]
    """The selectors (s= of the signature)."""
    expect: dict[str, DomainName] | None = None
    """The planned CNAME target by selector, as the operator of the signing side gives it."""
    microsoft: bool = False
    """Whether Microsoft 365 signs, so that every selector must be a CNAME record to one of its names."""
    active: tuple[DomainName, ...] | None = None
    """The selectors that sign now and so need a key. Left out: all of them; with `microsoft` at least one, as
    the other waits for the next rotation."""
    keys: Literal["required", "later"] = "required"
    """`later`: the keys come when DKIM is switched on, and until then a missing one is a warning."""
    min_bits: Annotated[int, Ge(1024), Le(16384)] = 1024
    """Fewest bits of an RSA key; below 2048 there is a warning in any case."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask, in turn; left out, those that this laptop was handed."""

    def __post_init__(self) -> None:
        if self.domain == "." or "*" in self.domain:
            raise ValueError("'domain' is the domain that signs, like example.com.")
        if not self.selectors or len(set(self.selectors)) < len(self.selectors):
            raise ValueError("'selectors' names each selector once, like [selector1, selector2].")
        for selector in self.selectors:
            parse_domain(self._name(selector))
        if self.expect == {} or self.active == ():
            raise ValueError("An empty 'expect' or 'active' asserts nothing: leave it out or fill it in.")
        unknown = {*(self.expect or ()), *(self.active or ())} - set(self.selectors)
        if unknown:
            raise ValueError(
                f"'expect' and 'active' name selectors that 'selectors' does not: {sorted(unknown)}."
            )

    def _name(self, selector: str) -> str:
        return f"{selector}._domainkey.{self.domain}"

    async def observe(self, vantage: Vantage) -> DkimSeen:
        seen: list[SelectorSeen] = []
        for selector in self.selectors:
            expected = (self.expect or {}).get(selector)
            seen.append(await look(vantage, selector, self._name(selector), expected, self.resolvers))
        return DkimSeen(selectors=tuple(seen))

    def judge(self, seen: DkimSeen) -> Iterable[Finding]:
        active = self._active(seen)
        for one in seen.selectors:
            wanted = (self.expect or {}).get(one.selector)
            if one.alias == "failed":
                yield cannot_tell(
                    one.name,
                    f"The lookup of {one.name} failed, so it is not known where the selector leads.",
                    expected=wanted or "a CNAME or TXT record",
                    observed=safe(one.alias_detail, limit=300) or "no answer",
                    fix="Run it again; if it stays so, mend its name servers or name other resolvers.",
                )
                continue
            if one.loop:
                yield failed(
                    one.name,
                    "The CNAME records of the selector lead in a circle.",
                    expected=wanted or "a key at the end of the CNAME records",
                    observed=_way(one),
                    fix=f"Correct the CNAME record at {one.name}. {_SOURCE}.",
                )
                continue
            yield from self._place(one, wanted)
            yield from key_findings(
                one, min_bits=self.min_bits, required=self.keys == "required" and one.selector in active,
                cname=bool(one.chain) or self.microsoft or wanted is not None, microsoft=self.microsoft,
                other_signs=any(
                    key.usable for other in seen.selectors if other is not one for key in other.keys
                ),
            )  # fmt: skip

    def _active(self, seen: DkimSeen) -> set[str]:
        """Return the selectors that must have a key."""
        if self.active is not None:
            return set(self.active)
        able = {one.selector for one in seen.selectors if any(key.usable for key in one.keys)}
        return able if self.microsoft and able else set(self.selectors)

    def _place(self, one: SelectorSeen, wanted: str | None) -> Iterable[Finding]:
        if wanted is None and not self.microsoft:
            return
        expected = f"CNAME {wanted or 'to a name that Microsoft assigned'}"
        if not one.chain:
            yield self._no_alias(one, wanted, expected)
            return
        first = one.chain[0]
        if wanted is None:
            yield self._shape(one, first, expected)
        elif first == wanted:
            yield passed(
                one.name, "The selector leads to the planned name.", expected=expected, observed=_way(one)
            )
        elif wanted in one.chain:
            yield warned(
                one.name,
                "The selector leads to the planned name only by way of another one.",
                expected=expected,
                observed=_way(one),
                fix=f"Point the CNAME record at {one.name} to {wanted} itself.",
            )
        else:
            yield failed(
                one.name,
                "The selector leads to another name than planned: an old tenant, an old provider or a slip.",
                expected=expected,
                observed=_way(one),
                fix=f"Point the CNAME record at {one.name} to {wanted}.",
            )

    def _no_alias(self, one: SelectorSeen, wanted: str | None, expected: str) -> Finding:
        if any(key.usable for key in one.keys):
            planned = {key.data for key in one.expected_keys if key.usable}
            if planned and not planned & {key.data for key in one.keys}:
                return failed(
                    one.name,
                    "A TXT record with another key than the planned one stands where a CNAME record belongs.",
                    expected=expected,
                    observed="a TXT record with a key of its own",
                    fix=f"Replace the TXT record at {one.name} by a CNAME record to {wanted}.",
                )
            return warned(
                one.name,
                "The selector is flattened: a TXT record with a key stands where a CNAME record belongs, and "
                "will not follow when the signing side changes its key.",
                expected=expected,
                observed="a TXT record with a key" + (", the planned one now" if planned else ""),
                fix=f"Replace it by the CNAME record: at the DNS host, switch off flattening of {one.name}.",
            )
        target = f"to {wanted}" if wanted else f"as planned. {_SOURCE}"
        return failed(
            one.name,
            "The CNAME record of the selector is missing.",
            expected=expected,
            observed="no such name" if one.alias == "no such name" else "no CNAME record",
            fix=f"Publish a CNAME record at {one.name} {target}.",
        )

    def _shape(self, one: SelectorSeen, first: str, expected: str) -> Finding:
        if DKIM_SHAPE.fullmatch(first):
            return warned(
                one.name,
                "The target has the shape of Microsoft's names; shape OK, value unverified.",
                expected=expected,
                observed=_way(one),
                fix=f"{_SOURCE}, and give it by 'expect'.",
            )
        near = first.endswith((".microsoft", ".onmicrosoft.com", ".onmicrosoft.us", ".onmicrosoft.cn"))
        return (warned if near else failed)(
            one.name,
            "The target is one of Microsoft's names in no shape that is known here."
            if near
            else "The selector does not lead to Microsoft: it is another provider's, or a slip.",
            expected=expected,
            observed=_way(one),
            fix=f"{_SOURCE}, and correct the CNAME record at {one.name}.",
        )


def _way(one: SelectorSeen) -> str:
    return safe("CNAME " + " -> ".join(one.chain), limit=400) if one.chain else "no CNAME record"
