"""The shared socket: whose answer it is, closed ports, IPv6, and the loop's own endpoint."""

from __future__ import annotations

import asyncio
import socket

import pytest

from checks.vantage import CannotTell, Shared
from checks.wire.snmp import ber, community, datagrams
from checks.wire.snmp.agent import Access
from checks.wire.snmp.client import Snmp
from tests.lab.snmp_agent import RESPONSE, STRING, Agent, Lies, binding, item, number

NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)
OBJECTS = {
    (1, 3, 6, 1, 2, 1, 1, 2, 0): (1, 3, 6, 1, 4, 1, 9),
    (1, 3, 6, 1, 2, 1, 1, 3, 0): 5,
    NAME: b"sw1",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(community, "WAIT_S", 0.25)


@pytest.fixture(params=[False, True], ids=["reader", "endpoint"])
async def ours(request, monkeypatch):
    """The client over both kinds of sockets."""
    opener = datagrams.open_socket
    monkeypatch.setattr(
        "checks.wire.snmp.client.open_socket", lambda version: opener(version, endpoint=request.param)
    )
    client = await Snmp.open(Shared())
    yield client
    await client.close()


def access(agent, **other):
    return Access(host=agent.host, port=agent.port, **{"community": "public", **other})


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_both_ip_versions_answer(ours, address):
    with Agent(OBJECTS, address=address) as agent:
        assert await ours.agent(access(agent)).get(NAME) == {NAME: b"sw1"}


async def test_a_name_leads_to_the_address_that_answers(ours):
    """`localhost` is ::1 and 127.0.0.1 on many machines; the agent listens on one of them."""
    with Agent(OBJECTS) as agent:
        found = ours.agent(Access(host="localhost", port=agent.port, community="public"))
        assert await found.get(NAME) == {NAME: b"sw1"}
        assert found.name == f"localhost:{agent.port}"


async def test_names_of_agents_are_plain(ours):
    assert ours.agent(Access(host="sw1", community="public")).name == "sw1"
    assert ours.agent(Access(host="::1", port=1161, community="public")).name == "[::1]:1161"


async def test_one_way_of_asking_is_one_agent(ours):
    way = Access(host="sw1", community="public")
    assert ours.agent(way) is ours.agent(Access(host="sw1", community="public"))
    assert ours.agent(way) is not ours.agent(Access(host="sw1", community="other"))


async def test_a_name_that_leads_nowhere_is_told(ours):
    with pytest.raises(CannotTell, match="leads to no address"):
        await ours.agent(Access(host="nosuch.invalid", community="public")).get(NAME)


def closed_port(address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((address, 0))
        return taken.getsockname()[1]


@pytest.mark.skipif(not hasattr(socket, "SOCK_CLOEXEC"), reason="The error queue is Linux's.")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_closed_port_is_told_apart_from_silence(address):
    client = await Snmp.open(Shared())
    begun = Agent(OBJECTS)
    with begun:
        alive = client.agent(access(begun))
        await alive.get(NAME)
        dead = client.agent(Access(host=address, port=closed_port(address), community="public"))
        with pytest.raises(CannotTell, match="its UDP port is closed"):
            await dead.get(NAME)
        assert await alive.get(NAME) == {NAME: b"sw1"}
    await client.close()


async def test_silence_is_told_with_what_to_look_at(ours):
    with Agent(OBJECTS, lies=Lies(silent=True)) as agent, pytest.raises(CannotTell) as told:
        await ours.agent(access(agent)).get(NAME)
    assert "gave no answer to SNMP v2c or v1" in told.value.reason
    assert "community" in told.value.fix


async def test_what_answers_nothing_is_counted_and_told(ours):
    words = r"\d+ datagrams came from there that answer nothing"
    with Agent(OBJECTS, lies=Lies(garbage=True)) as agent, pytest.raises(CannotTell, match=words):
        await ours.agent(access(agent)).get(NAME)


async def test_answers_under_way_when_all_ends_are_no_answers(ours):
    with Agent(OBJECTS, lies=Lies(silent=True)) as agent:
        asking = asyncio.ensure_future(ours.agent(access(agent)).get(NAME))
        while not agent.questions:
            await asyncio.sleep(0.01)
        await ours.close()
        with pytest.raises((CannotTell, asyncio.CancelledError)):
            await asking


class Bare:
    """A socket without a socket: what arrives is put in by hand."""

    def __init__(self, kind=datagrams.Socket):
        self.socket = kind()
        self.sent = []
        self.socket.transmit = lambda message, to: self.sent.append((message, to))

    def ask(self, to, waits=(5,)):
        message_of = lambda ident: ber.request(1, b"public", ber.GET, ident, [ber.encode_oid(NAME)])  # noqa: E731
        return asyncio.ensure_future(self.socket.exchange(to, 1, b"public", message_of, waits))

    @property
    def ident(self):
        return next(iter(self.socket.flights))


def answer(ident, *, community="public", version=1, kind=RESPONSE):
    pdu = number(ident) + number(0) + number(0) + item(0x30, binding(NAME, b"x"))
    return item(0x30, number(version) + item(STRING, community.encode()) + item(kind, pdu))


FOREIGN = {
    "another id": (1, {}, ("192.0.2.1", 161)),
    "another version": (0, {"version": 0}, ("192.0.2.1", 161)),
    "v3": (0, {"version": 3}, ("192.0.2.1", 161)),
    "a question": (0, {"kind": 0xA0}, ("192.0.2.1", 161)),
    "another address and community": (0, {"community": "private"}, ("192.0.2.9", 161)),
    "another port and community": (0, {"community": "private"}, ("192.0.2.1", 162)),
    "another address and version": (0, {"version": 0}, ("192.0.2.9", 161)),
}


@pytest.mark.parametrize(("shift", "how", "source"), FOREIGN.values(), ids=FOREIGN.keys())
async def test_what_does_not_belong_to_a_question_answers_none(shift, how, source):
    bare = Bare()
    asking = bare.ask(("192.0.2.1", 161))
    await asyncio.sleep(0)
    bare.socket.received(answer(bare.ident ^ shift, **how), source)
    await asyncio.sleep(0)
    assert not asking.done()
    assert bare.socket.strays == {source[0]: 1}
    bare.socket.received(answer(bare.ident), ("192.0.2.1", 161))
    got, other = await asking
    assert got.community == b"public"
    assert not other


@pytest.mark.parametrize(
    ("source", "other"),
    [(("192.0.2.1", 161), ""), (("192.0.2.9", 161), "192.0.2.9"), (("192.0.2.1", 9), "")],
    ids=["asked", "another address", "another port"],
)
async def test_an_answer_is_taken_from_the_device_wherever_it_stands(source, other):
    bare = Bare()
    asking = bare.ask(("192.0.2.1", 161))
    await asyncio.sleep(0)
    bare.socket.received(answer(bare.ident), source)
    assert (await asking)[1] == other
    assert not bare.socket.flights


async def test_a_question_is_sent_again_with_the_same_id_and_then_given_up():
    bare = Bare()
    assert await bare.ask(("192.0.2.1", 161), (0.01, 0.01, 0.01)) == (None, "")
    assert len(bare.sent) == 3
    assert len(set(bare.sent)) == 1


async def test_ids_are_random_and_no_two_alike_are_under_way():
    bare = Bare()
    asking = [bare.ask(("192.0.2.1", 161)) for _ in range(2000)]
    await asyncio.sleep(0)
    idents = set(bare.socket.flights)
    assert len(idents) == 2000
    assert all(0 < ident < 2**31 for ident in idents)
    assert max(idents) - min(idents) > 2**28
    bare.socket.close()
    assert set(await asyncio.gather(*asking)) == {(None, "")}


async def test_a_closed_port_ends_only_the_questions_to_it():
    bare = Bare()
    one, other = bare.ask(("192.0.2.1", 161)), bare.ask(("192.0.2.2", 161))
    await asyncio.sleep(0)
    bare.socket.reported(("192.0.2.1", 161), ConnectionRefusedError(111, "refused"))
    assert isinstance((await one)[0], ConnectionRefusedError)
    assert not other.done()
    bare.socket.reported(("192.0.2.2", 161), OSError(113, "No route to host"))
    await asyncio.sleep(0)
    assert not other.done()
    bare.socket.close()
    await other


async def test_strays_of_many_sources_cost_no_memory():
    bare = Bare()
    for place in range(5000):
        bare.socket.received(b"x", (f"192.0.{place // 256}.{place % 256}", 1))
    assert len(bare.socket.strays) <= 1024


def test_secrets_are_not_in_what_is_printed():
    shown = repr(Access(host="sw", community="c0mm", user="u", auth_key="auth-key", privacy_key="priv-key"))
    assert not any(secret in shown for secret in ("c0mm", "auth-key", "priv-key"))
