"""Names of a new server, asked at real name servers: authority, caches, and servers that deny everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checks.server.names import Names
from checks.words import Status
from tests.checks.server.sides import made, status, told, words
from tests.checks.wire.dns_servers import dnsmasq, knot, unbound

S = Status
ZONE = """
$ORIGIN office.example.
$TTL 3600
@        SOA ns hostmaster 7 7200 900 1209600 60
@        NS ns
ns       A 127.0.0.1
files    300 A 192.0.2.20
both     300 A 192.0.2.20
both     300 A 192.0.2.10
late     300 A 192.0.2.20
late     300 AAAA 2001:db8::10
slow     86400 A 192.0.2.20
share    300 CNAME files
other    300 CNAME late
"""
FILES = {"name": "files.office.example", "address": "192.0.2.20", "reverse": False}


def named(name: str, **more: object) -> dict[str, object]:
    return FILES | {"name": f"{name}.office.example"} | more


@pytest.fixture(scope="module")
def authority() -> Iterator[str]:
    with knot(ZONE) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def cache(authority: str) -> Iterator[str]:
    stub = int(authority.rpartition(":")[2])
    snoop = "access-control: 127.0.0.1/32 allow_snoop"
    with unbound(snoop, stubs={"office.example": stub}, probe="ns.office.example") as server:
        yield f"127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def office() -> Iterator[str]:
    with dnsmasq(
        "--host-record=files.office.example,192.0.2.20", "--host-record=stale.office.example,192.0.2.10",
        "--ptr-record=30.2.0.192.in-addr.arpa,files.office.example", "--local=/office.example/",
        "--local=/2.0.192.in-addr.arpa/",
    ) as port:  # fmt: skip
        yield f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("params", "expected", "said"),
    [
        pytest.param({"names": [FILES]}, S.PASS, "planned addresses", id="right"),
        pytest.param(
            {"names": [named("files", address="192.0.2.21")]}, S.FAIL, "leads to 192.0.2.20", id="wrong"
        ),
        pytest.param({"names": [named("both")]}, S.FAIL, "leads to 192.0.2.10, too", id="the old one, too"),
        pytest.param({"names": [named("late")]}, S.FAIL, "2001:db8::10", id="AAAA still the old one"),
        pytest.param({"names": [named("nothere")]}, S.FAIL, "lacks a planned", id="not there"),
        pytest.param(
            {"aliases": [{"alias": "share.office.example", "target": "files.office.example"}]}, S.PASS,
            "alias is set", id="alias",
        ),
        pytest.param(
            {"aliases": [{"alias": "other.office.example", "target": "files.office.example"}]}, S.FAIL,
            "leads elsewhere", id="alias elsewhere",
        ),
        pytest.param(
            {"aliases": [{"alias": "files.office.example", "target": "x.office.example"}]}, S.FAIL,
            "is not set", id="an address is no alias",
        ),
        pytest.param({"absent": ["gone.office.example"]}, S.PASS, "is gone", id="absent"),
        pytest.param({"absent": ["share.office.example"]}, S.FAIL, "still there", id="an alias is there"),
        pytest.param({"names": [FILES], "max_ttl": "5m"}, S.PASS, "TTL is 5 min", id="TTL"),
        pytest.param({"names": [named("slow")], "max_ttl": "5m"}, S.FAIL, "TTL is 1 d", id="long TTL"),
        pytest.param(
            {"names": [FILES | {"name": "files.elsewhere.example"}]}, S.INCONCLUSIVE, "did not tell",
            id="no authority",
        ),
    ],
)  # fmt: skip
def test_a_server_with_authority(authority, params, expected, said):
    found = told(Names, servers=[authority], **params)
    assert status(found) is expected, words(found)
    assert said in words(found)


def test_what_is_left_in_a_cache_is_no_ttl(cache):
    assert status(told(Names, resolvers=[cache], names=[FILES])) is S.PASS
    found = told(Names, resolvers=[cache], names=[FILES], max_ttl="1h")
    assert status(found) is S.INCONCLUSIVE
    assert status(told(Names, resolvers=[cache], names=[named("slow")], max_ttl="5m")) is S.FAIL


def test_a_resolver_named_as_authority_is_told(cache):
    share = {"aliases": [{"alias": "share.office.example", "target": "files.office.example"}]}
    assert status(told(Names, resolvers=[cache], **share)) is S.PASS
    found = told(Names, servers=[cache], **share)
    assert status(found) is S.INCONCLUSIVE
    assert "has none for this name" in words(found)


def test_a_server_that_denies_everything_proves_no_absence(office):
    found = told(Names, resolvers=[office], absent=["gone.office.example"])
    assert status(found) is S.INCONCLUSIVE
    assert "SOA" in words(found)


def test_each_server_is_asked_for_itself(authority, office):
    plan = {"names": [named("stale", address="192.0.2.10")]}
    found = told(Names, servers=[authority], resolvers=[office], **plan)
    assert status(found) is S.FAIL
    assert {f.subject.rpartition(" ")[2] for f in found if f.status is S.FAIL} == {authority}


def test_both_ways_and_the_old_address(office):
    plan = {"names": [FILES | {"reverse": True}]}
    assert status(told(Names, resolvers=[office], **plan)) is S.PASS
    free = told(Names, resolvers=[office], old_addresses=["192.0.2.10"], **plan)
    assert status(free) is S.PASS
    still = told(Names, resolvers=[office], old_addresses=["192.0.2.30"], **plan)
    assert status(still) is S.FAIL
    assert "still has the name" in words(still)
    other = {"names": [FILES | {"name": "stale.office.example", "address": "192.0.2.10", "reverse": True}]}
    assert status(told(Names, resolvers=[office], **other)) is S.PASS


def test_silence_is_no_answer():
    assert status(told(Names, resolvers=["127.0.0.1:9"], names=[FILES])) is S.INCONCLUSIVE
    assert status(told(Names, resolvers=["127.0.0.1:9"], absent=["a.example"])) is S.INCONCLUSIVE


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"resolvers": ["192.0.2.1"]},
        {"names": [FILES], "absent": ["files.office.example"]},
        {"names": [FILES], "old_addresses": ["192.0.2.20"]},
        {"absent": ["a.example"], "old_addresses": ["192.0.2.20"]},
    ],
)
def test_what_asserts_nothing_or_twice_is_refused(params):
    with pytest.raises(ValueError):
        made(Names, params)
