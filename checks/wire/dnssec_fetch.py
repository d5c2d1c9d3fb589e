"""Getting the replies that a chain of trust is made of: through resolvers, or from the authoritative servers.

Signatures are asked for (DO), and a resolver's own verdict is switched off (CD): we judge what it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from checks.dataclass import dataclass
from checks.params import join_endpoint, split_name_server
from checks.vantage import Vantage
from checks.wire.dns import Answer, Dns
from checks.wire.dnssec import Walker
from checks.wire.dnssec_anchors import Anchors
from checks.wire.dnssec_reply import Reply
from checks.wire.dnssec_verdict import Verdict, first_questions, replay, text_of

Question = tuple[str, str]
Ask = Callable[[str, str], Awaitable[Reply]]
MAX_REFERRALS = 16
MAX_DEPTH = 3
MAX_SERVERS = 8
MAX_REPLIES = 120
MAX_BYTES = 400_000
"""Of all replies of one walk: a whole chain has about 10 KB."""
_TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The replies that came one way: through the resolver `server`, or from authority (`server` is empty)."""

    server: str
    replies: tuple[Reply, ...] = ()

    def verdicts(
        self, anchors: Anchors, now: int, questions: Sequence[Question]
    ) -> tuple[Walker, dict[Question, Verdict]]:
        """Walk again over what was kept; pure."""
        walker = Walker(anchors, now)
        kept = {(reply.name, reply.rdtype): reply for reply in self.replies}
        return walker, {one: replay(walker.ask(*one), kept) for one in questions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a resolver says by itself, without being told not to check, and what it says then (`unchecked`).

    `rcode` is empty where no answer came; `detail` says why.
    """

    server: str
    name: str
    rdtype: str
    rcode: str = ""
    ad: bool = False
    detail: str = ""
    unchecked: str = ""

    @property
    def refused(self) -> bool:
        """Whether the resolver holds the answer back and has it: it finds it bogus (RFC 4035 section 5.5)."""
        return self.rcode == "SERVFAIL" and self.unchecked in ("NOERROR", "NXDOMAIN")


class Walk:
    """One walk under way: every question is asked once, and every reply is kept."""

    def __init__(self, server: str, ask: Ask, anchors: Anchors, now: int) -> None:
        self._server = server
        self._ask = ask
        self._anchors = anchors
        self._replies: dict[Question, asyncio.Future[Reply]] = {}
        self._walker = Walker(anchors, now)
        self._bytes = 0

    async def reply(self, question: Question) -> Reply:
        """Return the reply to a question, asked on first use."""
        flight = self._replies.get(question)
        if flight is None:
            if len(self._replies) >= MAX_REPLIES:
                name, rdtype = question
                return Reply(name=name, rdtype=rdtype, server="", detail="too many questions")
            flight = self._replies[question] = asyncio.ensure_future(self._asked(*question))
        return await flight

    async def _asked(self, name: str, rdtype: str) -> Reply:
        try:
            found = await self._ask(name, rdtype)
        except ValueError as error:  # a name from outside that cannot be asked
            return Reply(name=name, rdtype=rdtype, server="", detail=str(error))
        self._bytes += len(found.wire)
        if self._bytes > MAX_BYTES:
            return Reply(name=name, rdtype=rdtype, server=found.server, detail="the replies are too large")
        return found

    async def ahead(self, domain: str, questions: Sequence[Question]) -> None:
        """Ask at once what every walk down to `domain` will ask."""
        known = first_questions(domain, text_of(self._anchors.zone))
        await asyncio.gather(*(self.reply(one) for one in dict.fromkeys([*known, *questions])))

    async def verdict(self, name: str, rdtype: str) -> Verdict:
        """Return what the chain says of one question."""
        walk = self._walker.ask(name, rdtype)
        try:
            wanted = next(walk)
            while True:
                wanted = walk.send(await self.reply(wanted))
        except StopIteration as done:
            verdict: Verdict = done.value
            return verdict

    def path(self) -> Path:
        """Return the evidence."""
        done = (flight.result() for flight in self._replies.values() if flight.done())
        return Path(server=self._server, replies=tuple(done))


def through(vantage: Vantage, client: Dns, resolver: str) -> Ask:
    """Return how to ask a resolver for evidence."""

    async def ask(name: str, rdtype: str) -> Reply:
        answer = await client.ask(
            resolver, name, rdtype, timeout=_patience(vantage), tries=_TRIES, dnssec=True,
            checking_disabled=True, keep_wire=True,
        )  # fmt: skip
        return _kept(answer, name, rdtype)

    return ask


async def opinion(vantage: Vantage, client: Dns, resolver: str, name: str, rdtype: str) -> Opinion:
    """Ask a resolver for its own verdict, and if it fails, twice, whether it has the answer nonetheless."""
    answer = await client.ask(
        resolver, name, rdtype, timeout=_patience(vantage) * 1.5, tries=_TRIES, dnssec=True
    )
    unchecked = ""
    if answer.rcode == "SERVFAIL":
        again = await client.ask(
            resolver, name, rdtype, timeout=_patience(vantage), tries=_TRIES, dnssec=True,
            checking_disabled=True,
        )  # fmt: skip
        unchecked = again.rcode if again.rcode is not None and again.error is None else ""
        answer = await client.ask(
            resolver, name, rdtype, timeout=_patience(vantage) * 1.5, tries=_TRIES, dnssec=True
        )
    return Opinion(
        server=resolver, name=name, rdtype=rdtype, rcode=answer.rcode or "" if answer.error is None else "",
        ad=answer.ad, detail=f"{answer.error or ''} {answer.detail}".strip(), unchecked=unchecked,
    )  # fmt: skip


class Authority:
    """Asks the servers that have authority, found from `roots` downwards; `port` is that of found servers."""

    def __init__(
        self, vantage: Vantage, client: Dns, roots: Sequence[str], port: int, zone: str = "."
    ) -> None:
        self._vantage = vantage
        self._client = client
        self._port = port
        self._top = zone
        self._servers: dict[str, list[str]] = {zone: [split_name_server(one)[1] for one in roots]}

    async def ask(self, name: str, rdtype: str) -> Reply:
        """Return the reply of the first server with authority that answers."""
        return await self._ask(name, rdtype, 0)

    async def _ask(self, name: str, rdtype: str, depth: int) -> Reply:
        failure = "no server is known"
        zone = self._closest(name, rdtype)
        for _ in range(MAX_REFERRALS):
            outcome, answer, failure = await self._ask_zone(zone, name, rdtype)
            if outcome == "answer" and answer is not None:
                return _kept(answer, name, rdtype)
            if outcome == "failed" or answer is None:
                break
            below = next(r.name for r in answer.authority if r.rdtype == "NS")
            if below not in self._servers:
                self._servers[below] = await self._addresses(answer, below, depth)
            zone = below
        return Reply(name=name, rdtype=rdtype, server=zone, detail=failure)

    def _closest(self, name: str, rdtype: str) -> str:
        """Return the lowest zone whose servers are known and that the answer must come from."""
        labels = name.split(".") if name != "." else []
        start = 1 if rdtype == "DS" and labels else 0
        for number in range(start, len(labels)):
            zone = ".".join(labels[number:])
            if zone in self._servers:
                return zone
        return self._top

    async def _ask_zone(
        self, zone: str, name: str, rdtype: str
    ) -> tuple[Literal["answer", "referral", "failed"], Answer | None, str]:
        failures: list[str] = []
        for server in self._servers[zone][:MAX_SERVERS]:
            answer = await self._client.ask(
                server, name, rdtype, timeout=_patience(self._vantage), tries=_TRIES, dnssec=True,
                checking_disabled=True, recursion=False, keep_wire=True,
            )  # fmt: skip
            if answer.error is not None or answer.rcode not in ("NOERROR", "NXDOMAIN"):
                failures.append(f"{server}: {answer.error or answer.rcode} {answer.detail}".strip())
            elif answer.aa:
                return "answer", answer, ""
            elif answer.referral() and self._leads_down(answer, zone, name):
                return "referral", answer, "the referrals do not end"
            else:
                failures.append(f"{server} has no authority for {name}")
        return "failed", None, "; ".join(failures) or f"no server of {zone} has an address"

    @staticmethod
    def _leads_down(answer: Answer, zone: str, name: str) -> bool:
        below = next(r.name for r in answer.authority if r.rdtype == "NS")
        deeper = below != zone and (zone == "." or below.endswith(f".{zone}"))
        return deeper and (name == below or name.endswith(f".{below}"))

    async def _addresses(self, answer: Answer, below: str, depth: int) -> list[str]:
        names = [r.text for r in answer.authority if r.rdtype == "NS" and r.name == below][:MAX_SERVERS]
        found: list[str] = []
        for name in names:
            glue = [r.text for r in answer.additional if r.name == name and r.rdtype in ("A", "AAAA")]
            if not glue and depth < MAX_DEPTH and not name.endswith(f".{below}"):
                glue = await self._resolved(name, depth + 1)
            found += [join_endpoint(one, self._port) for one in glue[:4]]
        return found

    async def _resolved(self, name: str, depth: int) -> list[str]:
        reply = await self._ask(name, "A", depth)
        try:
            import dns.message

            message = dns.message.from_wire(reply.wire, ignore_trailing=True)
        except Exception:  # noqa: BLE001 - hostile bytes may raise anything; then there is no address
            return []
        return [record.to_text() for rrset in message.answer if rrset.rdtype == 1 for record in rrset][:4]


def _patience(vantage: Vantage) -> float:
    return max(0.05, min(2.0, vantage.remaining() / 8))


def _kept(answer: Answer, name: str, rdtype: str) -> Reply:
    if answer.error is not None or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        detail = f"{answer.error or answer.rcode} {answer.detail}".strip()
        return Reply(name=name, rdtype=rdtype, server=answer.server, rcode=answer.rcode or "", detail=detail)
    return Reply(name=name, rdtype=rdtype, server=answer.server, rcode=answer.rcode, wire=answer.wire)
