"""What an SPF evaluation sees of DNS: records, none, or an error, from servers of many kinds."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.vantage import Shared, Vantage
from checks.wire.dns_names import name_wire
from checks.wire.dns_text import read_data, txt_value
from checks.wire.spf_dns import Lookups, query_name, within
from tests.checks.wire.dns_servers import answering, free_port, scripted
from tests.checks.wire.spf_zone import serving

ZONE = {
    "a.example": ["TXT v=spf1 -all", b"TXT \xff\x00", "A 192.0.2.1"],
    "alias.example": ["CNAME hop.example"],
    "hop.example": ["CNAME a.example"],
    "round.example": ["CNAME trip.example"],
    "trip.example": ["CNAME round.example"],
    "lost.example": ["CNAME gone.example"],
    "slow.example": ["TIMEOUT"],
}


async def ask(port, *questions, more=(), planned=None):
    shared = Shared()
    try:
        servers = (*more, f"127.0.0.1:{port}")
        lookups = await Lookups.open(Vantage(shared, allowance=20), servers, planned)
        lookups._timeout = 0.2
        try:
            return [await lookups(*question) for question in questions]
        finally:
            await lookups.close()
    finally:
        await shared.close()


@pytest.mark.parametrize("flags", [dns.flags.AA, dns.flags.RA, dns.flags.AA | dns.flags.RA])
@pytest.mark.parametrize(
    ("name", "rdtype", "outcome", "data"),
    [
        ("a.example", "A", "found", ("192.0.2.1",)),
        ("a.example", "AAAA", "no data", ()),
        ("gone.example", "A", "no such name", ()),
        ("alias.example", "A", "found", ("192.0.2.1",)),
        ("alias.example", "AAAA", "no data", ()),
        ("lost.example", "A", "no such name", ()),
        ("round.example", "A", "failed", ()),
        ("slow.example", "A", "failed", ()),
    ],
)
async def test_a_server_with_authority_or_one_that_resolves(flags, name, rdtype, outcome, data):
    with scripted(udp=serving(ZONE, flags=flags)) as port:
        (reply,) = await ask(port, (name, rdtype))
    assert (reply.outcome, reply.data, reply.sure) == (outcome, data, True)


async def test_nothing_from_a_stranger_is_not_sure():
    with scripted(udp=serving(ZONE, flags=0)) as port:
        found, none, gone = await ask(port, ("a.example", "A"), ("a.example", "MX"), ("gone.example", "A"))
    assert (found.outcome, found.sure) == ("found", True)
    assert (none.outcome, none.sure) == ("no data", False)
    assert (gone.outcome, gone.sure) == ("no such name", False)


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
async def test_an_error_is_no_absence(rcode):
    with scripted(udp=answering(rcode=rcode)) as port:
        (reply,) = await ask(port, ("a.example", "A"))
    assert (reply.outcome, rcode in reply.detail) == ("failed", True)


async def test_a_pointer_to_other_servers_is_no_absence():
    def refer(query):
        reply = dns.message.make_response(dns.message.from_wire(query))
        reply.authority.append(dns.rrset.from_text("example.", 60, "IN", "NS", "ns.example."))
        reply.flags |= dns.flags.RA
        return reply.to_wire()

    with scripted(udp=refer) as port:
        (reply,) = await ask(port, ("a.example", "A"))
    assert reply.outcome == "failed"


async def test_the_next_server_is_asked_where_one_fails():
    with scripted(udp=serving(ZONE)) as port:
        (reply,) = await ask(port, ("a.example", "A"), more=(f"127.0.0.1:{free_port()}",))
    assert reply.data == ("192.0.2.1",)


async def test_a_silent_server_is_asked_last_from_then_on():
    asked = []

    def silent(query):
        asked.append(query)

    with scripted(udp=serving(ZONE)) as port, scripted(udp=silent) as dead:
        first = f"127.0.0.1:{dead}"
        found = await ask(port, ("a.example", "A"), ("a.example", "TXT"), ("hop.example", "A"), more=(first,))
    assert [reply.outcome for reply in found] == ["found"] * 3
    assert len({query[2:] for query in asked}) == 1


async def test_odd_bytes_of_a_text_record_come_through():
    with scripted(udp=serving(ZONE)) as port:
        (reply,) = await ask(port, ("a.example", "TXT"))
    assert sorted(map(txt_value, reply.data)) == [b"v=spf1 -all", b"\xff\x00"]


def test_a_text_record_without_any_string_is_empty_and_hides_nothing():
    assert txt_value(read_data("TXT", b"", 0, 0)) == b""


async def test_each_question_is_asked_once_and_the_planned_one_never():
    asked = []
    answer = serving(ZONE)

    def counted(query):
        asked.append(query)
        return answer(query)

    with scripted(udp=counted) as port:
        planned = {"b.example": (b"v=spf1 +all",)}
        first, second, plan = await ask(
            port, ("a.example", "A"), ("a.example", "A"), ("b.example", "TXT"), planned=planned
        )
    assert first == second
    assert txt_value(plan.data[0]) == b"v=spf1 +all"
    assert len(asked) == 1


async def test_lookups_under_way_are_stopped():
    with scripted(udp=serving(ZONE)) as port:
        shared = Shared()
        lookups = await Lookups.open(Vantage(shared), (f"127.0.0.1:{port}",))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await lookups("slow.example", "A")
        await lookups.close()
        assert all(task.done() for task in lookups._tasks.values())
        await shared.close()


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("a.Example.", "a.example"),
        ("a b.example", "a\\032b.example"),
        ("a..b", None),
        (".a", None),
        ("", None),
        (".", None),
        ("a" * 64, None),
        ("a" * 63, "a" * 63),
        (".".join(["a" * 63] * 4), None),
        ("ü.example", "\\195\\188.example"),
    ],
)
def test_what_can_be_asked_for(domain, name):
    assert query_name(domain) == name


@given(st.text(max_size=80))
def test_any_name_can_be_asked_for_or_not_at_all(domain):
    name = query_name(domain)
    assert name is None or len(name_wire(name)) <= 255


@pytest.mark.parametrize(
    ("name", "parent", "holds"),
    [
        ("a.b.example", "b.example", True),
        ("b.example", "B.example", True),
        ("ab.example", "b.example", False),
        (r"a\.b.example", "b.example", False),
        ("example", "b.example", False),
        ("a..b", "b", False),
    ],
)
def test_below(name, parent, holds):
    assert within(name, parent) is holds
