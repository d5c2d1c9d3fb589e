"""A small tree of zones for tests: the root, `test`, `office.test` on two servers, and where they live."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping

from checks import jsonable
from checks.vantage import Earlier, Shared, Vantage
from tests.checks.dns.zones import Host, fleet
from tests.checks.hostile import assert_harmless

ROOT, TLD, NS1, NS2, NS3 = (f"127.53.0.{number}" for number in (1, 2, 3, 4, 5))
ROOT_ZONE = f"""
$TTL 60
@ SOA ns.root. host.root. 1 7200 900 1209600 60
@ NS ns.root.
ns.root. A {ROOT}
test. NS ns.nic.test.
ns.nic.test. A {TLD}
"""
TLD_ZONE = f"""
$TTL 60
@ SOA ns.nic host.nic 1 7200 900 1209600 60
@ NS ns.nic
ns.nic A {TLD}
office NS ns1.office
office NS ns2.office
ns1.office A {NS1}
ns2.office A {NS2}
"""
ZONE = f"""
$TTL 300
@ SOA ns1 hostmaster 7 7200 900 1209600 60
@ NS ns1
@ NS ns2
@ MX 10 mail
@ TXT "v=spf1 -all"
ns1 A {NS1}
ns2 A {NS2}
mail A 192.0.2.25
autodiscover CNAME autodiscover.elsewhere.example.
"""


def office(
    *, root: str = ROOT_ZONE, tld: str | Host = TLD_ZONE, ns1: str | Host | None = ZONE,
    ns2: str | Host | None = ZONE,
    more: Mapping[str, Host] | None = None, without: tuple[str, ...] = (),
) -> contextlib.AbstractContextManager[int]:  # fmt: skip
    """Serve the tree; None for a server that does not run. Yields the port."""
    hosts = {ROOT: Host({".": root}), TLD: tld if isinstance(tld, Host) else Host({"test": tld})}
    for address, one in ((NS1, ns1), (NS2, ns2)):
        if one is not None:
            hosts[address] = one if isinstance(one, Host) else Host({"office.test": one})
    hosts |= more or {}
    return fleet({address: host for address, host in hosts.items() if address not in without})


def look(check, *, seconds: float = 20.0, history: tuple[Earlier, ...] = (), notes: list | None = None):
    """Observe and judge; what was seen survives JSON, and what is said is harmless."""

    async def work():
        shared = Shared(history=lambda _, limit: history[:limit])
        vantage = Vantage(shared, "it", seconds)
        try:
            seen = await check.observe(vantage)
        finally:
            await shared.close()
        if notes is not None:
            notes.extend([note.text for note in vantage.notes()])
        return seen

    seen = asyncio.run(work())
    again = jsonable.from_json(type(seen), jsonable.to_json(seen))
    assert again == seen
    findings = list(check.judge(seen))
    assert list(check.judge(again)) == findings
    assert_harmless(findings)
    return seen, findings


def bad(findings) -> list[tuple[str, str]]:
    """Return status and subject of what is no pass."""
    return [(f.status.value, f.subject) for f in findings if f.status != "pass"]


def has(findings, status: str, subject: str, words: str) -> bool:
    """Return whether a finding of that status is about `subject` and says `words`."""
    return any(
        f.status == status and subject in f.subject and words in f"{f.message} {f.observed}" for f in findings
    )


def labels(port: int) -> Iterator[str]:
    """Return how findings name the two servers of office.test."""
    yield f"ns1.office.test ({NS1}:{port})"
    yield f"ns2.office.test ({NS2}:{port})"
