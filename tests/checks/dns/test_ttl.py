"""Was the time to live lowered in time: the lies first, then rows of runs, then servers."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.dns import _sightings
from checks.dns._holders import Held
from checks.dns._sightings import Sighting, merged, safe_from
from checks.dns._zone import Server
from checks.dns.ttl import Ttl, TtlSeen
from checks.vantage import Earlier
from checks.wire.dns import Answer, Record
from checks.words import Status
from tests.checks.dns.zones import Host, silent_on, with_rcode, without_aa
from tests.checks.dns.zones_office import NS1, NS2, ROOT, TLD, ZONE, has, look, office
from tests.checks.hostile import assert_harmless
from tests.checks.wire.dns_servers import dnsmasq

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOTH = ("ns1.office.test (192.0.2.1)", "ns2.office.test (192.0.2.2)")


def held(ttl: int | None, number: int = 1, **changes) -> Held:
    name = f"ns{number}.office.test"
    records = (
        () if ttl is None else (Record(name="office.test", ttl=ttl, rdtype="MX", text="10 mail.office.test"),)
    )
    answer = Answer(
        server=f"192.0.2.{number}", address=f"192.0.2.{number}", name="office.test", rdtype="MX",
        rcode="NOERROR", aa=True, records=records,
    )  # fmt: skip
    server = Server(name=name, endpoint=f"192.0.2.{number}")
    return Held(server=server, answers=(dataclasses.replace(answer, **changes),))


def ago(hours: float, ttl: int | None, *, complete: bool = True, servers: tuple[str, ...] = BOTH) -> Sighting:
    return Sighting(at=NOW - hours * HOUR, ttl=ttl, complete=complete, servers=servers)


def since(*row: Sighting, old: float | None = None, limit: float = 300, servers=()):
    servers = servers or (held(300), held(300, 2))
    seen = TtlSeen(name="office.test", rdtype="MX", at=NOW, servers=servers, sightings=row)
    findings = list(Ttl(name="office.test", rdtype="MX", max_ttl=limit, old_ttl=old).judge(seen))
    assert_harmless(findings)
    return [f for f in findings if "since when" in f.subject]


ROWS = {
    "never seen high, nothing stated": ((), None, "inconclusive"),
    "low for ever, nothing stated": ((ago(900, 300), ago(1, 300)), None, "inconclusive"),
    "stated, just seen low": ((), 3600, "inconclusive"),
    "stated, low for too short": ((ago(0.9, 300),), 3600, "inconclusive"),
    "stated, low for long enough": ((ago(1, 300),), 3600, "pass"),
    "seen high, then low too late": ((ago(0.9, 3600), ago(0.5, 300)), None, "fail"),
    "seen high long ago, then low, perhaps in time": ((ago(5, 3600), ago(0.5, 300)), None, "inconclusive"),
    "seen high, then low in time": ((ago(5, 3600), ago(1, 300)), None, "pass"),
    "counted from the first low, not from the last high": (
        (ago(1.5, 3600), ago(0.9, 300)), None, "inconclusive",
    ),
    "counted from the first low, not from the last": (
        (ago(9, 3600), ago(8, 300), ago(0.1, 300)), None, "pass",
    ),
    "seen higher than stated": ((ago(9, 86400), ago(2, 300)), 3600, "fail"),
    "stated higher than seen": ((ago(9, 3600), ago(2, 300)), 86400, "inconclusive"),
    "raised again meanwhile": ((ago(9, 3600), ago(8, 300), ago(0.7, 3600), ago(0.5, 300)), None, "fail"),
    "an older, far higher value still lives": ((ago(23, 86400), ago(20, 3600), ago(10, 300)), None, "fail"),
    "an older, higher value has died": ((ago(90, 86400), ago(40, 3600), ago(38, 300)), None, "pass"),
    "a run with a silent server proves nothing": ((ago(9, 300, complete=False),), 3600, "inconclusive"),
    "a silent server between two low runs": (
        (ago(9, 3600), ago(8, 300), ago(5, 300, complete=False)), None, "pass",
    ),
    "no record then": ((ago(9, None, complete=False),), 3600, "inconclusive"),
    "another server then": ((ago(9, 300, servers=BOTH[:1]),), 3600, "inconclusive"),
    "high on a server that is gone": ((ago(9, 86400, servers=("old",)), ago(2, 300)), None, "fail"),
    "the clock was ahead then": ((ago(-2, 300),), 3600, "inconclusive"),
    "the clock was set back between": ((ago(5, 300), ago(50, 300), ago(0.5, 300)), 40 * 3600, "pass"),
    "low before the clock was set back": (
        (ago(9, 300), ago(50, 3600), ago(0.1, 300)), 3600, "inconclusive",
    ),
    "high before the clock was set back": ((ago(5, 3600), ago(7, 300), ago(6, 300)), None, "pass"),
    "high just before the clock was set back": ((ago(0.1, 3600), ago(0.5, 300)), None, "fail"),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_since_when(row):
    sightings, old, status = ROWS[row]
    (finding,) = since(*sightings, old=old)
    assert finding.status == status, finding
    if status == "fail":
        assert "UTC" in finding.message
        assert "too late" in finding.message


def test_it_says_when_it_is_safe():
    (finding,) = since(ago(0.9, 3600), ago(0.5, 300))
    assert "until 2026-11-23 12:30 UTC" in finding.message
    assert "30 min" in finding.fix


NOT_LOW = {
    "too high on both": ((held(600), held(600, 2)), "fail"),
    "too high on one": ((held(300), held(600, 2)), "fail"),
    "different, all low": ((held(300), held(60, 2)), "fail"),
    "one is silent": ((held(300), held(None, 2, rcode=None, error="timeout")), "inconclusive"),
    "one answers from a cache": ((held(300), held(12, 2, aa=False)), "inconclusive"),
    "all answer from a cache": ((held(12, aa=False),), "inconclusive"),
    "one has failed": ((held(300), held(None, 2, rcode="SERVFAIL", aa=False)), "inconclusive"),
    "one has no such record": ((held(300), held(None, 2)), "fail"),
    "nobody": ((), "inconclusive"),
    "not sent, and no other address of it": (
        (held(300), held(None, 2, rcode=None, error="not sent")), "inconclusive",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_LOW)
def test_what_is_not_low_everywhere_is_never_a_pass(case):
    servers, status = NOT_LOW[case]
    seen = TtlSeen(name="office.test", rdtype="MX", at=NOW, servers=servers, sightings=(ago(99, 300),))
    findings = list(Ttl(name="office.test", rdtype="MX", max_ttl=300, old_ttl=60).judge(seen))
    assert status in {f.status.value for f in findings}
    assert not any("since when" in f.subject for f in findings)


def test_a_family_this_laptop_lacks_is_spoken_for_by_the_other():
    six = dataclasses.replace(
        held(None, rcode=None, error="not sent"),
        server=Server(name="ns1.office.test", endpoint="[2001:db8::1]"),
    )
    (finding,) = since(ago(2, 300, servers=BOTH), old=3600, servers=(held(300), six, held(300, 2)))
    assert finding.status == "pass"


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.sampled_from([60, 300, 301, 3600, 86400, None]), st.booleans())
    ),
    st.none() | st.integers(0, 90000),
)
def test_a_pass_means_that_every_old_copy_is_dead(row, old):
    """Whatever was seen, in order: what any run saw high can have been fetched until the next low one."""
    times = sorted({minutes for minutes, _, _ in row}, reverse=True)
    runs = [
        Sighting(
            at=NOW - timedelta(minutes=at + 1), ttl=ttl, complete=whole and ttl is not None, servers=BOTH
        )
        for at, (_, ttl, whole) in zip(times, row, strict=False)
    ]
    now = Sighting(at=NOW, ttl=300, complete=True, servers=BOTH)
    first, until, known = safe_from(runs, now, 300, old)
    high = [one for one in runs if one.ttl is not None and one.ttl > 300]
    assert (known is None) == (not high and old is None)
    assert until >= first or known is None
    for one in high:
        assert until >= one.at + timedelta(seconds=one.ttl)
        assert first > one.at
    compressed = merged([runs])
    assert safe_from(compressed, now, 300, old) == (first, until, known)


def test_a_long_past_stays_small_and_keeps_the_highest(monkeypatch):
    monkeypatch.setattr(_sightings, "MOST", 20)
    runs = [[ago(2000 - n, 86400 if n == 3 else 300 + n % 2)] for n in range(1500)]
    row = merged(runs)
    assert len(row) <= 21
    assert max(one.ttl for one in row) == 86400


def earlier(seen, **changes):
    return Earlier(
        at=seen.at, status=Status.FAIL, observation=jsonable.to_json(dataclasses.replace(seen, **changes))
    )


def ttl(port, **params):
    params = {"name": "office.test", "rdtype": "MX", "max_ttl": 300.0, "roots": (ROOT,), **params}
    return Ttl(port=port, **params)


def test_runs_one_after_another_against_servers():
    high = ZONE.replace("$TTL 300", "$TTL 3600")
    with office(ns1=high, ns2=high) as port:
        before, findings = look(ttl(port))
    assert {f.status.value for f in findings} == {"fail"}
    past = (
        earlier(before, at=before.at - 0.5 * HOUR),
        Earlier(at=NOW, status=Status.FAIL, observation={"x": 1}),
    )
    with office() as port2:
        servers = tuple(f"ns{n}.office.test={a}:{port2}" for n, a in ((1, NS1), (2, NS2)))
        first, findings = look(ttl(port2, roots=(), servers=servers), history=past)
        assert {f.status.value for f in findings} == {"pass", "fail"}
        assert any("lowered too late" in f.message for f in findings)
        later = (earlier(first, at=first.at - 2 * HOUR), *past)
        _, findings = look(ttl(port2, roots=(), servers=servers), history=later)
        assert {f.status.value for f in findings} == {"pass"}, findings
        other = ttl(port2, roots=(), servers=servers, rdtype="TXT")
        _, findings = look(other, history=later)
        assert "inconclusive" in {f.status.value for f in findings}


@pytest.mark.parametrize(
    ("ns2", "status"),
    [
        (ZONE.replace("$TTL 300", "$TTL 3600"), "fail"),
        (Host({"office.test": ZONE}, change=silent_on("udp", "tcp")), "inconclusive"),
        (Host({"office.test": ZONE}, change=with_rcode("SERVFAIL")), "inconclusive"),
        (Host({"office.test": ZONE}, change=without_aa), "inconclusive"),
        (None, "inconclusive"),
    ],
)
def test_one_server_that_is_not_low(ns2, status):
    with office(ns2=ns2) as port:
        _, findings = look(ttl(port, old_ttl=0.0))
    assert status in {f.status.value for f in findings}
    assert not any("since when" in f.subject for f in findings)


def test_a_resolver_s_cache_is_no_proof():
    with office() as port, dnsmasq(f"--server=/office.test/{NS1}#{port}", probe="mail.office.test") as cache:
        asked = {"name": "mail.office.test", "rdtype": "A", "servers": (f"127.0.0.1:{cache}",)}
        _, findings = look(ttl(port, roots=(), old_ttl=0.0, **asked))
    assert {f.status.value for f in findings} == {"inconclusive"}


@pytest.mark.parametrize("start", [{"roots": (ROOT,)}, {"roots": (), "parents": (TLD,)}])
def test_a_name_that_is_no_zone_of_its_own(start):
    with office() as port:
        check = ttl(port, name="autodiscover.office.test", rdtype="CNAME", old_ttl=0.0, **start)
        seen, findings = look(check)
    assert {f.status.value for f in findings} == {"pass"}
    assert sorted(one.server.address for one in seen.servers) == [NS1, NS2]


def test_no_way_to_the_servers_is_inconclusive():
    with office(without=(TLD,)) as port:
        _, findings = look(ttl(port, old_ttl=0.0))
    assert [f.status.value for f in findings] == ["inconclusive"]


@pytest.mark.parametrize("way", [{}, {"roots": (), "parents": (TLD,)}, {"roots": ()}], ids=["r", "p", "s"])
def test_a_server_whose_name_has_no_address_is_not_left_out(way):
    with office() as port:
        servers = (f"ns1.office.test={NS1}:{port}", "gone.office.test")
        way = way or {"roots": (ROOT,)}
        _, findings = look(ttl(port, old_ttl=0.0, servers=servers, resolvers=(f"{TLD}:{port}",), **way))
    assert has(findings, "inconclusive", "office.test MX", "gone.office.test")
    assert not has(findings, "pass", "since when", "")
