"""security.smb1: file servers no longer speak SMB 1."""

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
from checks.wire.smb import PORT, Negotiated, ask_smb1, ask_smb2, complete, read_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class SmbAnswer:
    """How one negotiation ended; `negotiated` is None where no whole message came."""

    ending: str
    detail: str = ""
    negotiated: Negotiated | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmbServer:
    """One address: what it said to SMB 1 alone, and to SMB 2 before and after that."""

    place: Place
    smb1: SmbAnswer | None = None
    before: SmbAnswer | None = None
    after: SmbAnswer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Smb1Seen:
    """All addresses of all servers."""

    servers: tuple[SmbServer, ...]


class Smb1(Check[Smb1Seen]):
    """Every server refuses SMB 1, and speaks SMB 2 or 3.

    SMB 1 is asked for by itself: a negotiation that offers SMB 2 beside it would hide it. A connection that
    breaks off counts as a refusal only where SMB 2 worked on the same address just before and just after.

    Proves: at that moment each address agreed on no dialect of SMB 1 and on one of SMB 2 or 3.
    Cannot prove: that the feature is uninstalled; nor anything about clients, which may still ask for SMB 1.
    If it fails: switch SMB 1 off (Windows: Disable-WindowsOptionalFeature SMB1Protocol; Samba: server min
    protocol = SMB2), after making sure that no scanner or old device needs it.

    Source: [MS-SMB] section 2.2.4.5, [MS-SMB2] section 2.2.4; learn.microsoft.com, storage,
    "Detect, enable, and disable SMBv1, SMBv2, and SMBv3 in Windows".

    Example:
        type: security.smb1
        hosts: [files.example.com, 192.0.2.20]
    """

    deadline_s = 20.0

    hosts: Annotated[tuple[Endpoint, ...], Len(1, 256)]
    """The file servers, with their port if that is not 445."""

    def subject(self) -> str:
        return listed(self.hosts)

    async def observe(self, vantage: Vantage) -> Smb1Seen:
        asked = await places(vantage, self.hosts, PORT)
        seen = await ask_each(vantage, asked, self._ask)
        return Smb1Seen(servers=(*seen, *(SmbServer(place=place) for place in asked if not place.address)))

    async def _ask(self, place: Place, within: float) -> SmbServer:
        before = await _negotiate(place, ask_smb2(), within / 3)
        smb1 = await _negotiate(place, ask_smb1(), within / 3)
        after = await _negotiate(place, ask_smb2(), within / 3)
        return SmbServer(place=place, before=before, smb1=smb1, after=after)

    def judge(self, seen: Smb1Seen) -> Iterable[Finding]:
        if not seen.servers:
            yield nobody(self.subject())
        for server in seen.servers:
            if not server.place.address:
                yield unresolved(server.place)
            else:
                yield _judge_one(server)


def _judge_one(server: SmbServer) -> Finding:
    name, smb1 = server.place.name, server.smb1
    expected = "SMB 1 refused, SMB 2 or 3 spoken"
    speaks = _speaks(server.before) and _speaks(server.after)
    said = smb1.negotiated if smb1 is not None else None
    observed = _words(smb1)
    if said is not None and said.kind == "smb1" and said.accepted:
        return failed(
            name, "SMB 1 is still spoken.", expected=expected, observed=observed,
            fix="Switch SMB 1 off (Windows: Disable-WindowsOptionalFeature -Online -FeatureName "
            "SMB1Protocol; Samba: server min protocol = SMB2), and restart the service.",
        )  # fmt: skip
    if not speaks:
        return cannot_tell(
            name, "SMB 2 does not answer here either, so that silence about SMB 1 proves nothing.",
            expected=expected, observed=f"SMB 1: {observed}; SMB 2: {_words(server.before)}",
            fix="Stand where its SMB can be reached, and run it again; take a server without SMB out.",
        )  # fmt: skip
    refused = said is not None and (said.kind == "smb1" or (said.kind == "smb2" and not said.accepted))
    if refused or (smb1 is not None and smb1.ending in ("closed", "reset")):
        return passed(name, "SMB 1 is refused, and SMB 2 works.", expected=expected, observed=observed)
    return cannot_tell(
        name, "Whether SMB 1 is refused could not be told.", expected=expected, observed=observed,
        fix="Look at the server itself: Get-SmbServerConfiguration, or testparm for Samba.",
    )  # fmt: skip


def _speaks(answer: SmbAnswer | None) -> bool:
    said = answer.negotiated if answer is not None else None
    return said is not None and said.kind == "smb2" and said.accepted


def _words(answer: SmbAnswer | None) -> str:
    if answer is None:
        return "not asked"
    said = answer.negotiated
    if said is None:
        return how_it_ended(answer.ending, answer.detail)
    if said.kind == "other":
        return "an answer that is no SMB"
    if not said.accepted:
        return f"{said.kind}: no dialect" + (f", status 0x{said.status:08x}" if said.status else "")
    return f"{said.kind}: dialect {said.dialect:#06x}"


async def _negotiate(place: Place, question: bytes, within: float) -> SmbAnswer:
    heard = await exchange(place.address, place.port, question, complete, within)
    if heard.ending != "answered":
        return SmbAnswer(ending=heard.ending, detail=heard.detail)
    return SmbAnswer(ending=heard.ending, negotiated=read_answer(heard.data))
