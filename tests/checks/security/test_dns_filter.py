"""A DNS filter that blocks, one that does not, and ways round it, by real resolvers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from checks import jsonable
from checks.contract import Status
from checks.security._filter_seen import FilterSeen, Lookup, verdict
from checks.security.dns_filter import DnsFilter
from checks.vantage import Earlier, Shared, Vantage
from checks.words import worst
from tests.checks.wire.dns_servers import Unbound, dnsmasq, free_port, scripted, unbound
from tests.checks.wire.private import Authority

BAD, GOOD = "malware.example", "www.example.com"
OPEN = (
    f'local-data: "{BAD}. A 198.51.100.66"', f'local-data: "{BAD}. AAAA 2001:db8::66"',
    f'local-data: "{GOOD}. A 192.0.2.80"', 'local-data: "probe.example. A 192.0.2.1"',
)  # fmt: skip
LAST = OPEN[2:]
pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("security-dns")]


def look(params, earlier=(), allowance=20.0):
    check = TypeAdapter(DnsFilter).validate_json(json.dumps({"blocked": [BAD], "control": GOOD} | params))

    async def attempt():
        shared = Shared(history=lambda *_: tuple(earlier))
        try:
            return await check.observe(Vantage(shared, allowance=allowance))
        finally:
            await shared.close()

    seen = asyncio.run(attempt())
    again = jsonable.from_json(FilterSeen, json.loads(json.dumps(jsonable.to_json(seen))))
    assert again == seen
    return again, *said(check.judge(again))


def said(findings):
    found = list(findings)
    return str(worst(item.status for item in found)), " ".join(
        f"{f.subject}: {f.message} [{f.observed}]" for f in found
    )


def past(seen):
    return Earlier(
        at=datetime(2026, 11, 1, tzinfo=UTC), status=Status.FAIL, observation=jsonable.to_json(seen)
    )


@pytest.fixture(scope="module")
def unfiltered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Unbound, Authority]]:
    authority = Authority(tmp_path_factory.mktemp("ca"))
    pair = authority.files()
    with unbound(*OPEN, tls=pair) as running:
        yield running, authority


WAYS = {
    "nxdomain": (f'local-zone: "{BAD}." always_nxdomain',),
    "refuse": (f'local-zone: "{BAD}." always_refuse',),
    "nodata": (f'local-zone: "{BAD}." always_nodata',),
    "null": (f'local-zone: "{BAD}." always_null',),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_blocking(way: str, unfiltered) -> None:
    with unbound(*WAYS[way], *LAST) as running:
        here = [f"127.0.0.1:{running.port}"]
        _, status, told = look({"resolvers": here})
        assert status == ("pass" if way == "null" else "warn"), told
        before, status, told = look({"resolvers": [f"127.0.0.1:{unfiltered[0].port}"]})
        assert status == "fail"
        assert f"{BAD} is not blocked" in told
        _, status, told = look({"resolvers": here}, [past(before)])
        assert status == "pass", told


def test_a_block_page_must_be_named_and_ipv6_must_not_be_forgotten() -> None:
    page = (
        f"--address=/{BAD}/192.0.2.99",
        f"--address=/{GOOD}/192.0.2.80",
        "--address=/probe.example/192.0.2.1",
    )
    with dnsmasq(*page) as port:
        here = [f"127.0.0.1:{port}"]
        assert look({"resolvers": here})[1] == "fail"
        _, status, told = look({"resolvers": here, "block_pages": ["192.0.2.99"]})
        assert status == "pass", told
    with dnsmasq(f"--address=/{BAD}/0.0.0.0", f"--address=/{BAD}/2001:db8::66", *page[1:]) as port:
        _, status, told = look({"resolvers": [f"127.0.0.1:{port}"]})
        assert status == "fail"
        assert "2001:db8::66" in told


def test_a_resolver_that_answers_everything_with_its_page_filters_nothing() -> None:
    with dnsmasq("--address=/#/192.0.2.99") as port:
        _, status, told = look({"resolvers": [f"127.0.0.1:{port}"], "block_pages": ["192.0.2.99"]})
    assert status == "inconclusive", told
    assert f"{GOOD} does not resolve there" in told


@pytest.mark.parametrize("way", ["plain", "tls", "https"])
def test_a_bypass_that_answers_is_found(way: str, unfiltered) -> None:
    other, authority = unfiltered
    place = {
        "plain": f"127.0.0.1:{other.port}", "tls": f"tls://127.0.0.1:{other.tls}",
        "https": f"https://127.0.0.1:{other.https}/dns-query",
    }[way]  # fmt: skip
    with unbound(*WAYS["null"], *LAST) as running:
        params = {"resolvers": [f"127.0.0.1:{running.port}"], "ca_file": authority.ca_file}
        seen, status, told = look(params | {"bypass": [place]})
        assert status == "fail", told
        assert "The filter is bypassed" in told
        gone = f"127.0.0.1:{free_port()}"
        _, status, told = look(params | {"bypass": [gone]})
        assert status == "warn", told
        assert gone in told
        if way == "tls":
            _, status, told = look({**params, "bypass": [place], "ca_file": None})
            assert status == "inconclusive", "a certificate of another authority is no block"
            _, status, told = look(params | {"bypass": [f"tls://{gone}"]}, [past(seen)])
            assert status == "warn", "another resolver answered then"


def test_a_bypass_that_answered_before_and_is_silent_now_is_closed(unfiltered) -> None:
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(unbound(*WAYS["null"], *LAST))
        with unbound(*OPEN) as other:
            place = f"127.0.0.1:{other.port}"
            params = {"resolvers": [f"127.0.0.1:{running.port}"], "bypass": [place]}
            before, status, _ = look(params)
            assert status == "fail"
        _, status, told = look(params, [past(before)])
        assert status == "pass", told
        assert "cannot be used from here" in told


def test_tcp_alone_is_a_way_round_too(unfiltered) -> None:
    port = unfiltered[0].port

    def relay(query: bytes) -> bytes:
        import socket

        with socket.create_connection(("127.0.0.1", port), 5) as up:
            up.sendall(len(query).to_bytes(2, "big") + query)
            size = int.from_bytes(up.recv(2), "big")
            found = b""
            while len(found) < size:
                found += up.recv(size)
        return size.to_bytes(2, "big") + found

    with unbound(*WAYS["null"], *LAST) as running, scripted(None, relay) as silent:
        params = {"resolvers": [f"127.0.0.1:{running.port}"], "bypass": [f"127.0.0.1:{silent}"]}
        _, status, told = look(params)
    assert status == "fail", told


def test_nobody_there_and_a_server_in_trouble_block_nothing() -> None:
    _, status, told = look(
        {"resolvers": [f"127.0.0.1:{free_port()}"], "bypass": [f"127.0.0.1:{free_port()}"]}
    )
    assert status == "inconclusive", told
    with unbound(*OPEN[2:], f'local-zone: "{BAD}." transparent', stubs={BAD: free_port()}) as running:
        _, status, told = look({"resolvers": [f"127.0.0.1:{running.port}"]})
    assert status == "inconclusive", told
    assert "could not be told" in told


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"control": f"a.{BAD}"}, "must resolve"),
        ({"resolvers": ["192.0.2.1"], "bypass": ["192.0.2.1"]}, "at once"),
        ({"blocked": [BAD, BAD]}, "twice"),
        ({"blocked": []}, "long"),
    ],
    ids=["below", "both", "twice", "none"],
)  # fmt: skip
def test_what_asserts_nothing_is_refused(params, words) -> None:
    with pytest.raises(ValueError, match=words):
        look(params)


def test_half_of_the_lookups_is_no_proof() -> None:
    control = Lookup(
        server="s", name=GOOD, rdtype="A", transport="udp", rcode="NOERROR", addresses=("192.0.2.1",)
    )
    half = Lookup(server="s", name=BAD, rdtype="A", transport="udp", rcode="NOERROR", addresses=("0.0.0.0",))
    check = DnsFilter(blocked=(BAD,), control=GOOD, resolvers=("s",), bypass=("b",))
    for lookups in ((), (control,), (control, half)):
        status, told = said(check.judge(FilterSeen(resolvers=("s",), lookups=lookups, patience_s=2.0)))
        assert status == "inconclusive", told


@given(st.builds(Lookup), st.lists(st.text()))
def test_every_answer_has_a_verdict(found: Lookup, pages: list[str]) -> None:
    assert verdict(found, pages)


def test_verdicts() -> None:
    def of(*addresses: str, **more: str) -> str:
        return verdict(
            Lookup(server="s", name=BAD, rdtype="A", transport="udp", addresses=addresses, **more),
            ("192.0.2.9",),
        )

    assert of("192.0.2.9", rcode="NOERROR") == "blocked"
    assert of("0.0.0.0", "198.51.100.1", rcode="NOERROR") == "real"
    assert of("198.51.100.1", rcode="NOERROR", error="truncated") == "real"
    assert of(rcode="NOERROR", error="truncated") == "odd"
    assert of(rcode="SERVFAIL") == "odd"
    assert of(rcode="NOERROR", aliases=("page.example",)) == "odd"
    assert of() == "odd"
