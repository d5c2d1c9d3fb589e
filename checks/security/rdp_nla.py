"""security.rdp_nla: remote desktops ask who somebody is before they show anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.params import Endpoint
from checks.security._places import Place, ask_each, how_it_ended, listed, nobody, places, unresolved
from checks.wire.exchange import exchange
from checks.wire.rdp import FAILURES, NLA, PORT, TLS, Confirmed, complete, read_confirm, request

STANDARD, TLS_ONLY, ALL = 0, 1, 3
_OFFERS = {STANDARD: "standard RDP security", TLS_ONLY: "TLS alone", ALL: "network level authentication"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RdpAnswer:
    """What was offered (0, 1 or 3), how it ended, and what was confirmed."""

    offered: int
    ending: str
    detail: str = ""
    confirmed: Confirmed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RdpServer:
    """One address and its answers."""

    place: Place
    answers: tuple[RdpAnswer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RdpSeen:
    """All addresses of all servers."""

    servers: tuple[RdpServer, ...]


class RdpNla(Check[RdpSeen]):
    """Every server of RDP insists on network level authentication (CredSSP).

    A server is offered standard RDP security alone, TLS alone, and CredSSP: it must refuse the first two and
    agree on the third, which shows that the refusal was meant.

    Proves: at that moment each address refused to show a login screen to somebody unknown.
    Cannot prove: anything about passwords, gateways or who may log in.
    If it fails: require NLA (Windows: System properties, Remote, or the policy "Require user authentication
    for remote connections by using Network Level Authentication").

    Source: [MS-RDPBCGR] sections 2.2.1.2.2 and 5.4.2.1.

    Example:
        type: security.rdp_nla
        hosts: [192.0.2.30]
    """

    deadline_s = 20.0

    hosts: Annotated[tuple[Endpoint, ...], Len(1, 256)]
    """The servers, with their port if that is not 3389."""

    def subject(self) -> str:
        return listed(self.hosts)

    async def observe(self, vantage: Vantage) -> RdpSeen:
        asked = await places(vantage, self.hosts, PORT)
        seen = await ask_each(vantage, asked, self._ask)
        return RdpSeen(servers=(*seen, *(RdpServer(place=place) for place in asked if not place.address)))

    async def _ask(self, place: Place, within: float) -> RdpServer:
        answers = [await _offer(place, offer, within / 3) for offer in (STANDARD, TLS_ONLY, ALL)]
        return RdpServer(place=place, answers=tuple(answers))

    def judge(self, seen: RdpSeen) -> Iterable[Finding]:
        if not seen.servers:
            yield nobody(self.subject())
        for server in seen.servers:
            if not server.place.address:
                yield unresolved(server.place)
            else:
                yield _judge_one(server)


def _judge_one(server: RdpServer) -> Finding:
    name = server.place.name
    expected = "network level authentication alone"
    answers = {answer.offered: answer for answer in server.answers}
    observed = "; ".join(f"{words}: {_words(answers.get(offer))}" for offer, words in _OFFERS.items())
    weak = [offer for offer in (STANDARD, TLS_ONLY) if _agreed(answers.get(offer))]
    if weak:
        return failed(
            name, f"It agrees on {_OFFERS[weak[0]]}: a login screen is shown to anybody.", expected=expected,
            observed=observed,
            fix="Require network level authentication for remote connections (system properties or policy).",
        )  # fmt: skip
    best = answers.get(ALL)
    agreed = (
        best is not None
        and best.confirmed is not None
        and best.confirmed == Confirmed(kind="agreed", code=NLA)
    )
    said_no = all(_refused(answers.get(offer)) for offer in (STANDARD, TLS_ONLY))
    if agreed and said_no:
        return passed(
            name, "It insists on network level authentication.", expected=expected, observed=observed
        )
    return cannot_tell(
        name, "Whether it insists on network level authentication could not be told.", expected=expected,
        observed=observed,
        fix="Stand where its RDP can be reached, and look what answers there; take a server without RDP out.",
    )  # fmt: skip


def _agreed(answer: RdpAnswer | None) -> bool:
    said = answer.confirmed if answer is not None else None
    return said is not None and (said.kind == "old" or (said.kind == "agreed" and said.code in (0, TLS)))


def _refused(answer: RdpAnswer | None) -> bool:
    said = answer.confirmed if answer is not None else None
    return said is not None and said.kind == "refused"


def _words(answer: RdpAnswer | None) -> str:
    if answer is None:
        return "not asked"
    said = answer.confirmed
    if said is None:
        return how_it_ended(answer.ending, answer.detail)
    if said.kind == "refused":
        return f"refused ({FAILURES.get(said.code, said.code)})"
    return {"agreed": f"agreed ({said.code})", "old": "agreed, without negotiation"}.get(said.kind, "no RDP")


async def _offer(place: Place, protocols: int, within: float) -> RdpAnswer:
    heard = await exchange(place.address, place.port, request(protocols), complete, within)
    if heard.ending != "answered":
        return RdpAnswer(offered=protocols, ending=heard.ending, detail=heard.detail)
    return RdpAnswer(offered=protocols, ending=heard.ending, confirmed=read_confirm(heard.data))
