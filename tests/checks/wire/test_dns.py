"""The shared DNS client against real daemons and against servers that lie."""

from __future__ import annotations

import asyncio
import socket

import dns.message
import pytest

from checks import jsonable
from checks.vantage import Shared
from checks.wire.dns import Answer, Chain, Dns, Record
from tests.checks.wire.dns_servers import answering, dnsmasq, framed, free_port, knot, nsd, scripted

GOOD = answering(("@", 60, "A", "192.0.2.1"), flags=("RA",))
BAD = answering(("@", 60, "A", "203.0.113.66"), flags=("RA",))
BOTH = pytest.mark.parametrize("endpoint", [False, True], ids=["reader", "endpoint"])


def ask(port, name="www.example", rdtype="A", *, host="127.0.0.1", endpoint=None, timeout=5.0, **options):
    """Ask one question by a client of its own."""

    async def run():
        client = Dns(Shared(), endpoint=endpoint)
        try:
            return await client.ask(f"{host}:{port}", name, rdtype, timeout=timeout, **options)
        finally:
            await client.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def office():
    with knot() as port:
        yield port


@BOTH
def test_an_answer_says_all(office, endpoint):
    answer = ask(office, "hop.office.example", endpoint=endpoint)
    assert (answer.rcode, answer.error, answer.transport, answer.tries) == ("NOERROR", None, "udp", 1)
    assert (answer.aa, answer.ra, answer.tc, answer.ad) == (True, False, False, False)
    assert answer.rtt_ms > 0
    chain = answer.chain()
    assert chain.aliases == ("www.office.example", "mail.office.example")
    assert chain.end == "mail.office.example"
    assert sorted(record.text for record in chain.records) == ["192.0.2.25", "192.0.2.26"]
    assert {record.ttl for record in chain.records} == {300}
    assert jsonable.from_json(Answer, jsonable.to_json(answer)) == answer


@pytest.mark.parametrize(
    ("name", "rdtype", "texts"),
    [
        ("office.example", "MX", ["10 mail.office.example"]),
        ("office.example", "TXT", ['"v=spf1 include:spf.example " "-all"']),
        ("office.example", "CAA", ['0 issue "letsencrypt.org"']),
        ("office.example", "SOA", ["ns.office.example hostmaster.office.example 7 7200 900 1209600 60"]),
        ("office.example", "NS", ["ns.office.example"]),
        ("mail.office.example", "AAAA", ["2001:db8::25"]),
        ("_sip._tls.office.example", "SRV", ["100 1 5061 mail.office.example"]),
        ("odd.office.example", "TXT", [r'"semi;colon \"quoted\" \\ \200\027[31m"']),
        ("a.b.wild.office.example", "A", ["192.0.2.99"]),
    ],
)
def test_types_from_two_daemons(office, name, rdtype, texts):
    assert [record.text for record in ask(office, name, rdtype).chain().records] == texts
    with nsd() as port:
        assert [record.text for record in ask(port, name, rdtype).chain().records] == texts


def test_nothing_and_nobody_are_told_apart(office):
    nodata = ask(office, "mail.office.example", "MX")
    assert (nodata.rcode, nodata.records, nodata.referral()) == ("NOERROR", (), False)
    assert nodata.authority[0].rdtype == "SOA"
    assert ask(office, "missing.office.example").rcode == "NXDOMAIN"
    dangling = ask(office, "nowhere.office.example")
    assert (dangling.rcode, dangling.chain().records) == ("NXDOMAIN", ())
    assert ask(office, "x.child.office.example").referral()
    assert ask(office, "www.elsewhere.example").rcode == "REFUSED"
    assert ask(office, "round.office.example").chain().loop


def test_a_long_answer_comes_over_tcp(office):
    answer = ask(office, "big.office.example", "TXT")
    assert (answer.transport, answer.tc, answer.error, len(answer.records)) == ("tcp", False, None, 30)
    cut = ask(office, "big.office.example", "TXT", transport="udp")
    assert (cut.transport, cut.tc) == ("udp", True)
    assert ask(office, transport="tcp", name="mail.office.example").transport == "tcp"


@BOTH
def test_ipv6_loopback(endpoint):
    with knot(host="::1") as port:
        answer = ask(port, "mail.office.example", host="[::1]", endpoint=endpoint)
        assert (answer.address, len(answer.records)) == ("::1", 2)
        assert ask(port, "big.office.example", "TXT", host="[::1]").transport == "tcp"


def test_a_resolver_gives_many_answers_at_once_each_to_its_own_question():
    names = {f"host{number}.example": f"192.0.2.{number % 250 + 1}" for number in range(500)}
    with dnsmasq(*(f"--host-record={name},{address}" for name, address in names.items())) as port:

        async def run():
            client = await Dns.open(Shared())
            found = await asyncio.gather(
                *(client.ask(f"127.0.0.1:{port}", n, "A", timeout=10) for n in names)
            )
            await client.close()
            return found

        for answer in asyncio.run(run()):
            assert [record.text for record in answer.records] == [names[answer.name]]


@BOTH
def test_a_closed_port_is_refused_at_once(endpoint):
    answer = ask(free_port(), endpoint=endpoint)
    assert (answer.rcode, answer.error, answer.tries) == (None, "refused (port closed)", 2)
    assert ask(free_port(), transport="tcp").error == "refused (port closed)"


@BOTH
def test_silence_is_a_timeout(endpoint):
    with scripted(udp=lambda query: None) as port:
        answer = ask(port, timeout=0.1, endpoint=endpoint)
    assert (answer.rcode, answer.error, answer.tries, answer.ignored) == (None, "timeout", 2, 0)


def question_changed(query):
    other = bytearray(GOOD(query))
    other[13] ^= 1
    return bytes(other)


LIES = {
    "wrong id": lambda query: bytes((query[0], query[1] ^ 1)) + BAD(query)[2:],
    "wrong question": question_changed,
    "wrong case": lambda query: BAD(query).replace(b"\3www", b"\3wWw"),
    "wrong type asked": lambda query: BAD(query).replace(b"example\0\0\1", b"example\0\0\x1c", 1),
    "the query itself": lambda query: query,
    "no question": lambda query: query[:2] + b"\x81\x80" + bytes(8),
    "a header cut": lambda query: query[:7],
    "nothing": lambda query: b"",
    "a flood": lambda query: [bytes((index, 1)) + b"\x81\x80" + bytes(500) for index in range(200)],
}


@BOTH
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_dropped_and_the_truth_after_it_taken(lie, endpoint):
    def server(query):
        lies = LIES[lie](query)
        return [*(lies if isinstance(lies, list) else [lies]), GOOD(query)]

    with scripted(udp=server) as port:
        answer = ask(port, endpoint=endpoint)
    assert [record.text for record in answer.records] == ["192.0.2.1"]
    assert answer.ignored >= 1 or endpoint


@BOTH
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_alone_is_a_timeout(lie, endpoint):
    with scripted(udp=LIES[lie]) as port:
        answer = ask(port, timeout=0.15, tries=1, endpoint=endpoint)
    assert (answer.rcode, answer.error, answer.records) == (None, "timeout", ())


@BOTH
def test_a_reply_from_another_socket_never_arrives(endpoint):
    with scripted(udp=BAD, foreign=True) as port:
        answer = ask(port, timeout=0.2, tries=1, endpoint=endpoint)
    assert answer.error == "timeout"


def test_random_case_must_come_back():
    asked = []

    def lower(query):
        asked.append(query)
        return BAD(query[:12] + query[12:].replace(query[12:30], query[12:30].lower()))

    name = "abcdefghijklmnop.example"
    with scripted(udp=lower) as port:
        assert ask(port, name, timeout=0.1, tries=3, mix_case=True).error == "timeout"
        assert ask(port, name, tries=1).rcode == "NOERROR"
    assert any(query[12:30] != query[12:30].lower() for query in asked)
    with scripted(udp=GOOD) as port:
        answer = ask(port, name, mix_case=True)
    assert answer.chain().records == (Record(name=name, ttl=60, rdtype="A", text="192.0.2.1"),)


def test_a_late_reply_is_not_taken_for_the_next_question():
    late = []

    def server(query):
        if not late:
            late.append(BAD(query))
            return None
        return [late[0], GOOD(query)]

    with scripted(udp=server) as port:

        async def run():
            client = await Dns.open(Shared())
            first = await client.ask(f"127.0.0.1:{port}", "www.example", "A", timeout=0.1, tries=1)
            second = await client.ask(f"127.0.0.1:{port}", "www.example", "A")
            await client.close()
            return first, second

        first, second = asyncio.run(run())
    assert first.error == "timeout"
    assert [record.text for record in second.records] == ["192.0.2.1"]


@pytest.mark.parametrize(
    "junk",
    [
        b"\xff" * 30,
        b"\xc0\x0c\0\1\0\1\0\0\0\1\xff\xff",
        b"\xc0\xff" * 20,
        b"\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x2b",
    ],
)
def test_a_message_that_cannot_be_read_is_said_so(junk):
    def server(query):
        end = query.index(b"\0", 12) + 5
        return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + junk

    with scripted(udp=server) as port:
        answer = ask(port)
    assert (answer.rcode, answer.error, answer.tries) == (None, "malformed reply", 2)
    assert answer.detail


def truncated(query):
    return answering(("@", 60, "A", "192.0.2.1"), flags=("TC",))(query)


@pytest.mark.parametrize(
    ("tcp", "why"),
    [
        (None, "refused"),
        (lambda query: None, "malformed"),
        (lambda query: b"\xff\xffabc", "malformed"),
        (lambda query: b"\0\0", "malformed"),
        (
            lambda query: (lambda reply: len(reply).to_bytes(2, "big") + reply)(b"xx" + GOOD(query)[2:]),
            "malformed",
        ),
        (framed(question_changed), "malformed"),
    ],
)
def test_cut_over_udp_and_nothing_over_tcp_is_no_answer(tcp, why):
    with scripted(udp=truncated, tcp=tcp) as port:
        answer = ask(port)
    assert (answer.rcode, answer.error, answer.tc) == ("NOERROR", "truncated", True)
    assert why in answer.detail


def test_tcp_that_hangs_costs_its_timeout_only():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = ask(listener.getsockname()[1], transport="tcp", timeout=0.1)
    assert answer.error == "timeout"


def test_a_server_without_edns_is_asked_without():
    def old(query):
        if query[11]:
            return query[:2] + b"\x80\x01" + bytes(8)
        return GOOD(query)

    with scripted(udp=old) as port:
        answer = ask(port, tries=1)
    assert (answer.rcode, len(answer.records), answer.tries) == ("NOERROR", 1, 2)
    with scripted(udp=lambda query: query[:2] + b"\x80\x01" + bytes(8)) as port:
        assert ask(port).rcode == "FORMERR"


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP"])
def test_the_server_s_own_words_are_kept(rcode):
    with scripted(udp=answering(rcode=rcode)) as port:
        answer = ask(port)
    assert (answer.rcode, answer.error) == (rcode, None)


def test_a_name_of_a_server_that_does_not_exist(monkeypatch):
    async def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def run():
        client = await Dns.open(Shared())
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
        return await client.ask("ns.example:53", "www.example", "A")

    answer = asyncio.run(run())
    assert (answer.rcode, answer.error) == (None, "unknown host")


def test_no_route_says_nothing_about_the_server(monkeypatch):
    def no_way(self, where):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(
        "checks.wire.dns_udp.socket.socket", type("Cut", (socket.socket,), {"connect": no_way})
    )
    assert ask(53, endpoint=False).error == "not sent"


@pytest.mark.parametrize(
    ("name", "rdtype"), [("a" * 64, "A"), ("www.example", "TYPE70000"), ("www.example", "FOO")]
)
def test_what_cannot_be_asked_is_refused(name, rdtype):
    with pytest.raises(ValueError):
        ask(1, name, rdtype)


@BOTH
def test_ids_are_not_shared_and_a_cancelled_question_leaves_nothing(endpoint):
    with scripted(udp=lambda query: None) as port:

        async def run():
            client = Dns(Shared(), endpoint=endpoint)
            asked = [
                asyncio.ensure_future(client.ask(f"127.0.0.1:{port}", "www.example", "A", timeout=60))
                for _ in range(50)
            ]
            pool = None
            while pool is None or sum(len(one.flights) for one in pool._ports) < 50:
                await asyncio.sleep(0)
                pool = next(iter(client._pools.values()), None)
            assert len(pool._ports) > 1, "several source ports"
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            assert not any(one.flights for one in pool._ports)
            await client.close()

        asyncio.run(run())


def test_closing_ends_what_is_under_way():
    with scripted(udp=lambda query: None) as port:

        async def run():
            client = await Dns.open(Shared())
            task = asyncio.ensure_future(
                client.ask(f"127.0.0.1:{port}", "x.example", "A", timeout=60, tries=1)
            )
            while not client._reaper._heap:
                await asyncio.sleep(0)
            await client.close()
            return await task

        assert asyncio.run(run()).error == "timeout"


def test_idle_ports_are_closed(monkeypatch):
    monkeypatch.setattr("checks.wire.dns.IDLE_S", 0.01)
    monkeypatch.setattr("checks.wire.dns_udp.IDLE_S", 0.0)
    with scripted(udp=GOOD) as port:

        async def run():
            client = await Dns.open(Shared())
            await client.ask(f"127.0.0.1:{port}", "x.example", "A")
            while client._pools:
                await asyncio.sleep(0.005)
            assert (await client.ask(f"127.0.0.1:{port}", "x.example", "A")).rcode == "NOERROR"
            await client.close()

        asyncio.run(run())


def chain(*records, name="a.example", rdtype="A"):
    made = tuple(Record(name=n, ttl=1, rdtype=t, text=x) for n, t, x in records)
    return Answer(server="s", address="s", name=name, rdtype=rdtype, rcode="NOERROR", records=made).chain()


def test_chains():
    address = Record(name="b.example", ttl=1, rdtype="A", text="192.0.2.1")
    assert chain(("a.example", "CNAME", "b.example"), ("b.example", "A", "192.0.2.1")) == Chain(
        aliases=("b.example",), end="b.example", records=(address,)
    )
    assert chain(("other.example", "A", "192.0.2.1")).records == ()
    assert chain(("a.example", "CNAME", "a.example")).loop
    assert chain(("a.example", "CNAME", "b.example"), ("b.example", "CNAME", "a.example")).loop
    assert chain(("a.example", "CNAME", "b.example"), rdtype="CNAME").records[0].text == "b.example"


def test_the_oracle_server_speaks_dns():
    query = dns.message.make_query("www.example", "A")
    assert dns.message.from_wire(GOOD(query.to_wire())).answer
