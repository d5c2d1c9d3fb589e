"""network.captive: no portal stands between this network and the Internet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Ge, Le, Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.params import Url, join_endpoint
from checks.safe import safe
from checks.wire.http import Exchange, Request, exchange, place
from checks.wire.tcp import budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A plain-http page whose exact answer is known: its status, and its body less space at the ends."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    url: Url
    status: Annotated[int, Ge(200), Le(299)] = 204
    body: str = ""


KNOWN = (
    Probe(url="http://connectivitycheck.gstatic.com/generate_204"),
    Probe(url="http://www.msftconnecttest.com/connecttest.txt", status=200, body="Microsoft Connect Test"),
    Probe(
        url="http://captive.apple.com/hotspot-detect.html",
        status=200,
        body="<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
    ),
    Probe(
        url="http://nmcheck.gnome.org/check_network_status.txt", status=200, body="NetworkManager is online"
    ),
)
"""What Android and Chrome, Windows, Apple and GNOME ask themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptiveSeen:
    """The answer to each probe, in the order of the parameter."""

    answers: tuple[Exchange, ...]


class Captive(Check[CaptiveSeen]):
    """No captive portal answers in place of the Internet.

    Pages with a known answer are fetched over plain http, without proxy and without following redirects. It
    passes only if one gave exactly its known answer and none was answered by somebody else: portals let
    single probes through. What is offline is no portal: then it is inconclusive.

    Proves: plain http from this laptop reaches the Internet unaltered, as far as these pages go.
    Cannot prove: that other ports and https are open; that a portal does not come back when its session ends.
    If it fails: sign in at the portal, or have this network excepted from it.

    Source: RFC 8910 section 1 (captive portals), RFC 6585 section 6 (511); the default pages are the
    ones that Android, Windows, Apple and GNOME ask.

    Example:
        type: network.captive
        probes:
          - {url: "http://connectivitycheck.gstatic.com/generate_204", status: 204}
          - url: http://www.msftconnecttest.com/connecttest.txt
            status: 200
            body: Microsoft Connect Test
    """

    deadline_s = 10.0

    probes: Annotated[tuple[Probe, ...], Len(1, 16)] = KNOWN
    """Pages with their exact answers; by default the four that operating systems ask."""

    def __post_init__(self) -> None:
        for probe in self.probes:
            if not probe.url.startswith("http://"):
                raise ValueError(f"A probe must be plain http, or no portal can answer it: {probe.url}")
            if probe.status != 204 and not probe.body.strip():
                raise ValueError(f"A portal says {probe.status} too: give the body that {probe.url} answers.")

    def subject(self) -> str:
        return self.probes[0].url if len(self.probes) == 1 else "Internet"

    async def observe(self, vantage: Vantage) -> CaptiveSeen:
        within = budget(vantage)
        requests = (Request(url=probe.url, max_body=4096) for probe in self.probes)
        answers = await asyncio.gather(*(exchange(vantage, request, within) for request in requests))
        return CaptiveSeen(answers=tuple(answers))

    def judge(self, seen: CaptiveSeen) -> Iterable[Finding]:
        pairs = list(zip(self.probes, seen.answers, strict=False))
        exact = any(_exact(probe, answer) for probe, answer in pairs)
        for probe, answer in pairs:
            where = place(probe.url).host
            expected = f"{probe.status} {safe(probe.body, limit=80)}".strip()
            if _exact(probe, answer):
                yield passed(
                    where, "The page gave its known answer.", expected=expected, observed=_observed(answer)
                )
            elif _portal(answer):
                location = answer.header("location")
                at = f": it sends to {safe(location, limit=300)}" if location else ""
                yield failed(
                    where,
                    f"Something else answers in place of the Internet, a captive portal or a filter{at}.",
                    expected=expected,
                    observed=_observed(answer),
                    fix="Log in to the portal in a browser, or have this laptop's network freed from it.",
                    reference="RFC 8910",
                )
            elif not exact:
                yield cannot_tell(
                    where,
                    "The page did not answer as known; being offline is no portal.",
                    expected=expected,
                    observed=_observed(answer),
                    fix="Test gateway, DNS and TCP port 80 first; where plain http is forbidden, set probes.",
                )


def _exact(probe: Probe, answer: Exchange) -> bool:
    if answer.status != probe.status or answer.trouble is not None or not answer.complete:
        return False
    return answer.body.decode("latin-1").strip() == probe.body.strip()


def _portal(answer: Exchange) -> bool:
    """Return whether an answer that is not the known one can only come from somebody else."""
    return answer.status is not None and (200 <= answer.status < 400 or answer.status == 511)


def _observed(answer: Exchange) -> str:
    peer = answer.attempts[-1] if answer.attempts else None
    at = f" from {join_endpoint(peer.address, peer.port)}" if peer is not None else ""
    if answer.status is None:
        trouble = answer.trouble
        words = f"{trouble.kind}: {safe(trouble.detail, limit=120)}" if trouble is not None else "no answer"
        return f"{words}{at}"
    body = safe(answer.body.decode("utf-8", errors="replace").strip(), limit=80)
    return f"{answer.status} {body}".strip() + at
