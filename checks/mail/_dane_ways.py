"""The signed lookups that DANE rests on: MX, addresses and TLSA, by the chain of trust walked here."""

from __future__ import annotations

from collections.abc import Sequence

from checks.contract import Vantage
from checks.wire.dns import Dns
from checks.wire.dns_lookup import handed
from checks.wire.dnssec import Walker
from checks.wire.dnssec_anchors import Anchors
from checks.wire.dnssec_fetch import Ask, Authority, Path, Walk, through
from checks.wire.dnssec_verdict import Verdict, Word, replay, text_of

MAX_HOSTS = 10
MAX_ADDRESSES = 4
_WORTH: dict[Word, int] = {"secure": 0, "insecure": 1, "bogus": 2, "indeterminate": 3}
_PREFERRED: dict[Word, int] = {"secure": 0, "bogus": 1, "insecure": 2, "indeterminate": 3}
"""Of two ways: what is whole once is whole; that it is unsigned may be an old answer."""


class Ways:
    """What was fetched on each way, walked again: the best that is known of each question. Pure."""

    def __init__(self, paths: Sequence[Path], anchors: Anchors, now: int) -> None:
        self._walks = [
            (Walker(anchors, now), {(reply.name, reply.rdtype): reply for reply in path.replies})
            for path in paths
        ]
        self._known: dict[tuple[str, str], Verdict] = {}

    def verdict(self, name: str, rdtype: str) -> Verdict:
        """Return what is known of one question."""
        if (name, rdtype) not in self._known:
            found = [replay(walker.ask(name, rdtype), kept) for walker, kept in self._walks]
            lost = Verdict(word="indeterminate", zone=name, reason="no reply", detail="nothing was asked")
            self._known[name, rdtype] = min(found, key=lambda one: _PREFERRED[one.word], default=lost)
        return self._known[name, rdtype]


def hosts_of(mx: Verdict, domain: str) -> list[str]:
    """Return the mail hosts of a domain that are looked at, preferred first: at most `MAX_HOSTS`."""
    return all_hosts_of(mx, domain)[:MAX_HOSTS]


def all_hosts_of(mx: Verdict, domain: str) -> list[str]:
    """Return the mail hosts of a domain, preferred first: those of its MX, or itself where it has none."""
    if mx.outcome == "no data":
        return [domain]
    pairs = [record.split(" ", 1) for record in mx.records if " " in record]
    ordered = sorted(pairs, key=lambda pair: int(pair[0]) if pair[0].isdigit() else 0)
    return list(dict.fromkeys(host.rstrip(".").lower() or "." for _, host in ordered))


def address_verdict(ways: Ways, host: str) -> tuple[Verdict, list[str]]:
    """Return the verdict on a host's addresses, and those of them that are tried."""
    found = [ways.verdict(host, rdtype) for rdtype in ("A", "AAAA")]
    return _of_host(found), _addresses(found)[:MAX_ADDRESSES]


def untried(ways: Ways, host: str) -> int:
    """Return how many addresses of a host are not tried."""
    found = [ways.verdict(host, rdtype) for rdtype in ("A", "AAAA")]
    return max(0, len(_addresses(found)) - MAX_ADDRESSES)


def _addresses(found: Sequence[Verdict]) -> list[str]:
    return [text for one in found for text in one.records if one.outcome == "found"]


def _of_host(found: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a host from those on its A and AAAA records.

    That of the records which are there; where there are none, a proof that the zone is unsigned decides.
    """
    there = [one for one in found if one.outcome == "found"]
    unsigned = [one for one in found if one.word == "insecure"]
    return max(there or unsigned or found, key=lambda one: _WORTH[one.word])


async def fetch(
    vantage: Vantage,
    anchors: Anchors,
    now: int,
    domain: str,
    hosts: Sequence[str],
    resolvers: Sequence[str],
    roots: Sequence[str],
    port: int,
) -> list[Path]:
    """Fetch all that judging needs, one way after the other until one leaves nothing open."""
    client = await vantage.client(Dns)
    if roots:
        ways: list[tuple[str, Ask]] = [
            ("", Authority(vantage, client, roots, port, text_of(anchors.zone)).ask)
        ]
    else:
        ways = [(one, through(vantage, client, one)) for one in resolvers or await handed(vantage)]
    paths: list[Path] = []
    for server, ask in ways:
        walk = Walk(server, ask, anchors, now)
        words: list[Word] = []
        names = list(hosts)
        if not names:
            await walk.ahead(domain, [(domain, "MX")])
            mx = await walk.verdict(domain, "MX")
            words.append(mx.word)
            names = [name for name in hosts_of(mx, domain) if name != "."]
        for host in names[:MAX_HOSTS]:
            questions = [(host, "A"), (host, "AAAA")]
            await walk.ahead(host, questions)
            found = [await walk.verdict(*one) for one in questions]
            words.append(_of_host(found).word)
            if words[-1] == "secure":
                words.append((await walk.verdict(f"_25._tcp.{host}", "TLSA")).word)
        paths.append(walk.path())
        if all(word in ("secure", "insecure") for word in words):
            break
    return paths
