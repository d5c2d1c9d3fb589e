"""dns.split: a name inside and outside: each side gives what it should, or both the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.dns._answers import no_answer, nobody_s, shown, way
from checks.dns._data import PANEL, Data, data_of, listed, verdict
from checks.dns.record import Type
from checks.judging import cannot_tell, failed, passed
from checks.params import DomainName, Resolver
from checks.wire.dns import Answer, Dns
from checks.wire.dns_text import canonical
from checks.wire.dns_vouch import unvouched

Side = Literal["inside", "outside"]
_TRIES = 2
_OTHER: dict[str, Side] = {"inside": "outside", "outside": "inside"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSeen:
    """The answers of the servers on each side, in the order of the check.

    `unvouched` are servers whose nothing no zone stands behind.
    """

    inside: tuple[Answer, ...]
    outside: tuple[Answer, ...]
    unvouched: tuple[str, ...] = ()


class Split(Check[SplitSeen]):
    """Servers inside and outside the network each give what is planned for their side, or the same.

    Proves: what each named server answers this laptop now; what is only changed on one side of a split DNS
    is found here.
    Cannot prove: that clients ask the servers of their side, nor that a server outside answers others alike;
    a network that answers port 53 in another's place shows the same on both sides (ask over TLS or HTTPS).
    If it fails: correct the record on the side that is named: the office's own DNS server (a zone of
    Active Directory, a rule of the firewall) or the public zone at the DNS host.

    Source: RFC 8499 section 6 (split DNS), RFC 1034 section 3.6.2 (aliases), RFC 2308 section 2.

    Example:
        type: dns.split
        name: autodiscover.example.com
        rdtype: CNAME
        inside: [192.0.2.53]
        outside: [1.1.1.1, "tls://dns.google"]
        expect_inside: [autodiscover.outlook.com]
        same: true
    """

    name: DomainName
    """The name that is looked up."""
    rdtype: Type
    """Type of the records."""
    inside: Annotated[tuple[Resolver, ...], Len(1)]
    """DNS servers that clients inside the network ask."""
    outside: tuple[Resolver, ...] = ()
    """DNS servers that the world outside asks: public resolvers, or the zone's public servers; left out,
    1.1.1.1, 8.8.8.8 and 9.9.9.9."""
    expect_inside: tuple[str, ...] = ()
    """The data planned inside, as in a zone file, names in full."""
    expect_outside: tuple[str, ...] = ()
    """The data planned outside."""
    same: bool = False
    """Both sides must give the same data; what is expected of one side is then expected of both."""
    absent: Literal["inside", "outside"] | None = None
    """The side on which there must be no such record."""
    ca_file: str | None = None
    """PEM file of the authorities to trust for servers over TLS or HTTPS, in place of this laptop's."""

    def __post_init__(self) -> None:
        inside = data_of(self.rdtype, self.expect_inside, "expect_inside")
        outside = data_of(self.rdtype, self.expect_outside, "expect_outside")
        if self.same:
            if self.absent is not None:
                raise ValueError("'same' and 'absent' do not fit together: leave one of them out.")
            if inside and outside and inside != outside:
                raise ValueError("'same' is true, and 'expect_inside' and 'expect_outside' are not the same.")
        for side, data in (("inside", inside), ("outside", outside)):
            if self.absent == side and data:
                raise ValueError(
                    f"'absent: {side}' leaves nothing to expect there: leave 'expect_{side}' out."
                )
            if not (data or self.same or self.absent == side):
                raise ValueError(
                    f"Nothing is expected {side}: give 'expect_{side}', or 'absent: {side}' if there must be "
                    "no such record, or 'same: true'."
                )
        for key, servers in (("inside", self.inside), ("outside", self.outside)):
            if len(set(servers)) < len(servers):
                raise ValueError(f"'{key}' names the same server twice.")
        if both := set(self.inside) & set(self.outside):
            raise ValueError(f"The server {min(both)} is named on both sides: it can only be on one.")

    def subject(self) -> str:
        return f"{self.name} {self.rdtype}"

    def needs_link(self) -> bool:
        return not self.outside or super().needs_link()

    async def observe(self, vantage: Vantage) -> SplitSeen:
        client = await vantage.client(Dns)
        timeout = min(2.0, vantage.remaining() * 0.9 / (_TRIES + 1))
        asked = [
            client.ask(server, self.name, self.rdtype, timeout=timeout, tries=_TRIES, ca_file=self.ca_file)
            for server in (*self.inside, *(self.outside or PANEL))
        ]
        answers = tuple(await asyncio.gather(*asked))
        strange = await unvouched(vantage, answers, ca_file=self.ca_file)
        inside, outside = answers[: len(self.inside)], answers[len(self.inside) :]
        return SplitSeen(inside=inside, outside=outside, unvouched=strange)

    def judge(self, seen: SplitSeen) -> Iterable[Finding]:
        inside = data_of(self.rdtype, self.expect_inside, "expect_inside")
        outside = data_of(self.rdtype, self.expect_outside, "expect_outside")
        if self.same:
            inside = outside = inside or outside
        if self.same and not inside:
            yield from self._alike(seen)
            return
        for answers, planned, other, side in (
            (seen.inside, inside, outside, "inside"),
            (seen.outside, outside, inside, "outside"),
        ):
            for answer in answers:
                yield self._one(answer, planned, other, side, seen.unvouched)

    def _one(
        self, answer: Answer, planned: Data, other: Data, side: str, unvouched: tuple[str, ...]
    ) -> Finding:
        expected = f"{side}: {listed(planned)}" if planned else f"{side}: no {self.rdtype} record"
        unheard = self._unheard(answer, expected, unvouched)
        if unheard is not None:
            return unheard
        observed = shown(answer, answer.chain())
        said = verdict(answer, planned, other if other != planned else frozenset())
        absent = said in ("nothing", "no such name") and not answer.records
        if said == "planned" or (absent and not planned):
            return passed(
                answer.server,
                f"The server {side} gives what is planned there{way(answer.chain())}.",
                expected=expected,
                observed=observed,
            )
        what = {
            "old": f"The server {side} gives what is planned {_OTHER[side]}",
            "nothing": f"The server {side} knows no {self.rdtype} record of that name",
            "no such name": f"The server {side} says that the name does not exist",
            "circle": f"The aliases of {self.name} lead in a circle for the server {side}",
        }.get(said, f"The server {side} gives other data than planned there")
        return failed(
            answer.server,
            f"{what}.",
            expected=expected,
            observed=observed,
            fix=f"Correct the {self.rdtype} records of {self.name} in the zone that is served {side}: with "
            "split DNS each side has a zone of its own, and both must be changed.",
        )

    def _unheard(self, answer: Answer, expected: str, unvouched: tuple[str, ...]) -> Finding | None:
        trouble = no_answer(answer, expected, proven=False)
        if trouble is not None:
            return trouble
        if verdict(answer, frozenset()) != "elsewhere":
            return nobody_s(answer, expected) if answer.server in unvouched else None
        return cannot_tell(
            answer.server,
            f"The server does not resolve, and {answer.chain().end} is not in its zones.",
            expected=expected,
            observed=shown(answer, answer.chain()),
            fix="Name a resolver, or an authoritative server of that zone.",
        )

    def _alike(self, seen: SplitSeen) -> Iterable[Finding]:
        """Return the findings where nothing is expected but that both sides say the same."""
        expected = "the same inside and outside"
        found: list[tuple[Data, Answer, str]] = []
        heard = True
        for side, answers in (("inside", seen.inside), ("outside", seen.outside)):
            for answer in answers:
                unheard = self._unheard(answer, expected, seen.unvouched)
                if unheard is not None:
                    heard = False
                    yield unheard
                    continue
                chain = answer.chain()
                data = frozenset(canonical(self.rdtype, record.text) for record in chain.records)
                found.append((frozenset() if answer.rcode == "NXDOMAIN" else data, answer, side))
        kinds = {data for data, _, _ in found}
        every = "; ".join(
            f"{side} {answer.server}: {shown(answer, answer.chain())}" for _, answer, side in found
        )
        observed = every if len(every) <= 1500 else f"{every[:1500]}..."
        if len(kinds) > 1:
            yield failed(
                self.subject(),
                "The servers do not all give the same data.",
                expected=expected,
                observed=observed,
                fix=f"Correct the {self.rdtype} records of {self.name} in the zone of the side that is "
                "wrong: with split DNS each side has a zone of its own.",
            )
        elif kinds == {frozenset()}:
            yield cannot_tell(
                self.subject(),
                "No server has such a record, so that there is nothing to compare.",
                expected=expected,
                observed=observed,
                fix="Check the spelling of the name, or say what is expected by 'expect_inside'.",
            )
        elif heard and kinds:
            yield passed(
                self.subject(), "All servers give the same data.", expected=expected, observed=observed
            )
