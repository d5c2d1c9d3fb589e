"""Tables over SNMPv3 without an agent: what the engines say, and what is made of it."""

from __future__ import annotations

import pytest

from checks.vantage import CannotTell, Shared
from checks.wire.snmp import ber
from checks.wire.snmp.agent import Access
from checks.wire.snmp.client import Snmp
from checks.wire.snmp.line import Outcome

DESCR = (1, 3, 6, 1, 2, 1, 2, 2, 1, 2)
WAY = Access(
    host="192.0.2.1", version="3", user="u", auth="sha", auth_key="authpass", privacy="aes",
    privacy_key="privpass",
)  # fmt: skip


@pytest.fixture
async def ours(monkeypatch):
    """An agent whose engines say what the test tells them; nothing is sent."""
    client = await Snmp.open(Shared())
    script = []

    async def ask(access, to, context, kind, oids, repetitions, tries):
        if kind == ber.GET:
            return Outcome(0, 0, [(oid, ber.INTEGER, 1) for oid in oids])
        asked.append((context, kind, repetitions))
        return script.pop(0) if len(script) > 1 else script[0]

    asked = []
    client._engines.ask = ask
    agent = client.agent(WAY)
    agent.script, agent.asked = script, asked
    yield agent
    await client.close()


def row(number):
    return ber.encode_oid((*DESCR, number)), ber.STRING, b"port %d" % number


async def test_a_table_ends_at_the_end_of_the_view(ours):
    end = (ber.encode_oid((*DESCR, 2)), ber.END_OF_MIB_VIEW, None)
    ours.script += [Outcome(0, 0, [row(1), row(2), end])]
    assert await ours.table(DESCR) == {DESCR: {(1,): b"port 1", (2,): b"port 2"}}


async def test_an_agent_in_circles_is_stopped(ours):
    ours.script += [Outcome(0, 0, [row(1), row(2), row(1)])]
    with pytest.raises(CannotTell, match="answers in circles"):
        await ours.table(DESCR)
    assert len(ours.asked) == 1


async def test_silence_in_the_middle_ends_the_walk(ours):
    ours.script += [Outcome(0, 0, [row(1), row(2)]), "RequestTimedOut: nothing"]
    with pytest.raises(CannotTell, match="still answers, but not to questions for the table"):
        await ours.table(DESCR)
    assert len(ours.asked) == 6
    assert [kind for _, kind, _ in ours.asked][-1] == ber.GETNEXT


@pytest.mark.parametrize("tag", [ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE], ids=["object", "instance"])
async def test_no_such_object_is_an_empty_column_and_no_end_of_one(ours, tag):
    ours.script += [Outcome(0, 0, [(ber.encode_oid(DESCR), tag, None)])]
    assert await ours.table(DESCR) == {DESCR: {}}
    ours.script[:] = [Outcome(0, 0, [row(1), row(2), (row(2)[0], tag, None)])]
    with pytest.raises(CannotTell, match="answers in circles"):
        await ours.table(DESCR)


async def test_a_vlan_is_asked_in_its_context(ours):
    ours.script += [Outcome(0, 0, [(ber.encode_oid((*DESCR, 1)), ber.END_OF_MIB_VIEW, None)])]
    assert await ours.in_context("10").table(DESCR) == {DESCR: {}}
    assert ours.asked[0][0] == "vlan-10"


TOLD = {
    "UnknownUserName: x": "does not know the user u",
    "WrongDigest: x": "refuses its authentication",
    "AuthenticationFailure: x": "refuses its authentication",
    "UnsupportedSecurityLevel: x": "does not take messages of the user u at the level authPriv",
    "DecryptionError: x": "does not answer encrypted messages",
    "NotInTimeWindow: x": "out of its time window",
    "ReportPduReceived: 1.3.6.1.6.3.12.1.5.0": "does not know the SNMPv3 context",
    "SomethingNew: \x1b[2Jx": r"cannot be asked by SNMPv3: SomethingNew: \\x1b\[2Jx",
}


@pytest.mark.parametrize(("said", "words"), TOLD.items(), ids=[one.partition(":")[0] for one in TOLD])
async def test_what_the_security_layer_says_is_told_in_words(ours, said, words):
    ours.script += [said]
    with pytest.raises(CannotTell, match=words) as told:
        await ours.table(DESCR)
    assert told.value.fix
    assert len(ours.asked) == 1
