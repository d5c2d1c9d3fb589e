"""Agents that lie, break off, get things wrong or say nothing: a table comes whole or not at all."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager

import pytest

from checks.vantage import CannotTell, Shared
from checks.wire.snmp import community, failures, line, walk
from checks.wire.snmp.agent import Access
from checks.wire.snmp.client import Snmp
from tests.lab.snmp_agent import COUNTER64, Agent, Lies, Typed, serve

SYSTEM = (1, 3, 6, 1, 2, 1, 1)
IF = (1, 3, 6, 1, 2, 1, 2, 2, 1)
DESCR, TYPE, SPEED = (*IF, 2), (*IF, 3), (*IF, 5)
HC = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6)
ROWS = 120


def switch(rows=ROWS):
    """Return a switch with so many ports; their columns are of different kinds and lengths."""
    objects = {
        (*SYSTEM, 1, 0): b"a switch", (*SYSTEM, 2, 0): (1, 3, 6, 1, 4, 1, 9), (*SYSTEM, 3, 0): 4711,
        (*SYSTEM, 5, 0): b"sw1",
    }  # fmt: skip
    for row in range(1, rows + 1):
        index = 10_000 + row
        objects[*DESCR, index] = b"GigabitEthernet1/0/%d" % row
        objects[*TYPE, index] = 6
        if row % 3:
            objects[*SPEED, index] = 10**9
        objects[*HC, index] = Typed(COUNTER64, 2**63 + row)
    return objects


def column(objects, oid):
    """Return the column that is true."""
    return {
        one[len(oid) :]: value.value if isinstance(value, Typed) else value
        for one, value in objects.items()
        if one[: len(oid)] == oid
    }


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A second of waiting is a quarter, long enough for a busy machine."""
    monkeypatch.setattr(community, "WAIT_S", 0.25)


@pytest.fixture
def hasty(quick, monkeypatch):
    """It is a twentieth, for agents that stay silent."""
    monkeypatch.setattr(community, "WAIT_S", 0.05)


@asynccontextmanager
async def asked(agent, **access):
    """Give our agent to a served one."""
    client = await Snmp.open(Shared())
    try:
        yield client.agent(Access(host=agent.host, port=agent.port, **{"community": "public", **access}))
    finally:
        await client.close()


async def whole(agent, *columns, **access):
    """Read columns and hold them against what the agent has."""
    async with asked(agent, **access) as ours:
        found = await ours.table(*columns)
        assert agent.asked["set"] == 0
        return found, ours


async def refused(agent, *columns, ordered=True, **access):
    """Return the words for a table that cannot be had, read twice."""
    async with asked(agent, **access) as ours:
        with pytest.raises(CannotTell) as told:
            await ours.table(*columns, ordered=ordered)
        with pytest.raises(CannotTell):
            await ours.table(*columns, ordered=ordered)
        assert agent.asked["set"] == 0
        assert agent.host in told.value.reason
        assert told.value.fix
        return told.value.reason


HARMLESS = {
    "nothing": Lies(),
    "loss": Lies(loss=0.3),
    "delay": Lies(delay_s=0.08),
    "small answers only": Lies(too_big_above=40),
    "one object at a time": Lies(too_big_above=1),
    "no GETBULK": Lies(no_bulk="silent"),
    "GETBULK is an error": Lies(no_bulk="genErr"),
    "long answers are cut": Lies(cut=3, cut_above=700),
    "noise before each answer": Lies(noise=3),
    "wrong request id first": Lies(wrong_id_first=True),
    "another address": Lies(other_source="127.0.0.9"),
    "another community": Lies(wrong_community=True),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("lies", HARMLESS.values(), ids=HARMLESS.keys())
async def test_a_table_is_whole_in_spite_of_it(lies):
    objects = switch()
    with Agent(objects, lies=lies) as agent:
        found, _ = await whole(agent, DESCR, TYPE, SPEED, HC)
    assert found == {oid: column(objects, oid) for oid in (DESCR, TYPE, SPEED, HC)}


@pytest.mark.parametrize("rows", [0, 1, 2, 19, 20, 21, 70, 71, 1500])
@pytest.mark.parametrize("version", ["1", "2c"])
async def test_tables_of_any_length_are_whole(rows, version):
    objects = switch(rows)
    with Agent(objects) as agent:
        found, _ = await whole(agent, DESCR, TYPE, SPEED, version=version)
    assert found == {oid: column(objects, oid) for oid in (DESCR, TYPE, SPEED)}


async def test_many_columns_are_few_questions():
    with Agent(switch(60)) as agent:
        await whole(agent, DESCR, TYPE, SPEED, HC)
        assert agent.asked["getbulk"] <= 6
        assert agent.asked["getnext"] == 0


@pytest.mark.usefixtures("hasty")
async def test_what_v1_shows_has_no_64_bit_counters_and_says_so():
    objects = switch(30)
    with Agent(objects, lies=Lies(v1_only=True)) as agent:
        found, ours = await whole(agent, DESCR, HC)
    assert found[DESCR] == column(objects, DESCR)
    assert found[HC] == {}
    assert "v1 only" in ours.quirks[0]


async def test_an_agent_whose_v2c_answers_get_lost_is_not_taken_for_one_of_v1():
    with Agent(switch(5), lies=Lies(delay_s=0.35)) as agent:
        found, ours = await whole(agent, HC)
    assert len(found[HC]) == 5
    assert not ours.quirks


@pytest.mark.usefixtures("hasty")
async def test_half_a_table_by_v2c_and_half_by_v1_is_neither(monkeypatch):
    """Where the rest comes by v1 only, the 64-bit counters read before it must not stand for the column."""
    monkeypatch.setattr(walk, "RUNGS", (walk.RUNGS[0]._replace(repetitions=5), *walk.RUNGS[1:]))
    objects = switch(60)
    agent = Agent(objects)
    answers = agent.replies

    def only_v1_later(data):
        if agent.asked["getbulk"] >= 4 and data[4] == 1:
            agent.asked["getbulk"] += 1
            return []
        return answers(data)

    agent.replies = only_v1_later
    with agent:
        found, _ = await whole(agent, HC, DESCR)
    assert found[HC] == {}
    assert found[DESCR] == column(objects, DESCR)


async def test_another_source_address_is_told():
    with Agent(switch(3), lies=Lies(other_source="127.0.0.9")) as agent:
        _, ours = await whole(agent, DESCR)
    assert ours.quirks == ("It answers from 127.0.0.9, another of its addresses than the one asked.",)


UNUSABLE = {
    "stuck": (Lies(stuck=True), "answers in circles"),
    "circle": (Lies(circle_at=((*DESCR, 10_050), (*DESCR, 10_010))), "answers in circles"),
    "back to another column": (Lies(circle_at=((*TYPE, 10_050), (*DESCR, 10_001))), "answers in circles"),
    "garbage": (Lies(garbage=True), "gave no answer"),
    "wrong request id": (Lies(wrong_id=True), "gave no answer"),
    "another address and community": (
        Lies(other_source="127.0.0.9", wrong_community=True), "gave no answer"
    ),
    "cut": (Lies(cut=2), "cannot be read"),
    "nothing in the answer": (Lies(empty=True), "cannot be read"),
    "an error at a row": (Lies(gen_err_at=(*DESCR, 10_030)), "genErr"),
    "no answer at a row": (Lies(silent_at=(*DESCR, 10_030)), "still answers"),
    "silent in the middle": (Lies(silent_after=2), "fell silent"),
    "silent": (Lies(silent=True), "gave no answer"),
}  # fmt: skip


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("lies", "words"), UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize("version", ["1", "2c"])
async def test_a_table_that_cannot_be_trusted_is_none(lies, words, version):
    with Agent(switch(), lies=lies) as agent:
        assert words in await refused(agent, DESCR, TYPE, version=version)


async def test_an_endless_table_ends(monkeypatch):
    monkeypatch.setattr(walk, "MAX_ROWS", 2000)
    with Agent(switch(), lies=Lies(endless=DESCR)) as agent:
        assert "more than 2000 rows" in await refused(agent, DESCR)


async def test_a_table_of_endless_octets_ends(monkeypatch):
    monkeypatch.setattr(walk, "MAX_OCTETS", 100_000)
    objects = {(*DESCR, row): b"x" * 1000 for row in range(1, 200)} | switch(0)
    with Agent(objects) as agent:
        assert "was not read to its end" in await refused(agent, DESCR)


async def test_a_table_that_takes_too_long_is_none(monkeypatch):
    monkeypatch.setattr(walk, "TABLE_S", 0.3)
    with Agent(switch(2000), lies=Lies(delay_s=0.04)) as agent:
        assert "Half a table proves nothing" in await refused(agent, DESCR)


async def test_values_of_null_are_no_values():
    with Agent(switch(10), lies=Lies(nulls=True)) as agent:
        found, _ = await whole(agent, DESCR)
    assert found == {DESCR: {}}


async def test_an_agent_that_leaves_a_place_out_of_its_answer_loses_no_row():
    """At the end of one column it says nothing for it, so every later object stands in the wrong place."""
    objects = switch(0)
    objects |= {(*DESCR, row): b"x" for row in range(1, 6)} | {(*TYPE, row): row for row in range(1, 41)}
    agent = Agent(objects)
    usual = agent._next

    def left_out(view, version, names, rows, fixed, size):
        error, culprit, body = usual(view, version, names, rows, fixed, size)
        if len(names) == 2:
            del body[10::2]
        return error, culprit, body

    agent._next = left_out
    with agent:
        assert "something that was not asked" in await refused(agent, DESCR, TYPE)


async def test_a_table_without_order_ends_where_a_row_comes_again():
    rows = [(*DESCR, number) for number in (5, 3, 9, 1)]
    successors = dict(itertools.pairwise(rows)) | {rows[-1]: rows[0]}
    objects = {row: b"row %d" % row[-1] for row in rows} | {(*SYSTEM, 3, 0): 1, (*SYSTEM, 2, 0): (1, 3)}
    with Agent(objects, lies=Lies(unordered=successors | {DESCR: rows[0]})) as agent:
        async with asked(agent) as ours:
            found = await ours.table(DESCR, ordered=False)
            assert set(found[DESCR]) == {(5,), (3,), (9,), (1,)}
            with pytest.raises(CannotTell, match="answers in circles"):
                await ours.table(DESCR)


async def test_what_a_view_hides_is_empty_and_has_words():
    with Agent(switch(10), lies=Lies(only=(SYSTEM,))) as agent:
        async with asked(agent) as ours:
            assert await ours.get((*SYSTEM, 5, 0)) == {(*SYSTEM, 5, 0): b"sw1"}
            assert await ours.table(DESCR) == {DESCR: {}}
    told = failures.restricted(ours.name, "the interface table")
    assert "restricted view" in told.reason
    assert "view that has the whole MIB" in told.fix


SCALARS = tuple((*SYSTEM, number, 0) for number in (1, 2, 3, 5, 7, 99))
TRUE = {(*SYSTEM, 1, 0): b"a switch", (*SYSTEM, 2, 0): (1, 3, 6, 1, 4, 1, 9), (*SYSTEM, 3, 0): 4711,
        (*SYSTEM, 5, 0): b"sw1"}  # fmt: skip
FINE = {
    "nothing": Lies(), "nothing is NULL": Lies(nothing_is_null=True), "loss": Lies(loss=0.3),
    "three at a time": Lies(too_big_above=3), "one at a time": Lies(too_big_above=1),
    "wrong request id first": Lies(wrong_id_first=True), "long answers are cut": Lies(cut=3, cut_above=90),
}  # fmt: skip


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("lies", FINE.values(), ids=FINE.keys())
@pytest.mark.parametrize("version", ["1", "2c"])
async def test_scalars_are_there_and_what_is_not_is_left_out(lies, version):
    with Agent(switch(1), lies=lies) as agent:
        async with asked(agent, version=version) as ours:
            assert await ours.get(*SCALARS) == TRUE


async def test_sixteen_scalars_come_in_one_message():
    objects = switch(0) | {(*SYSTEM, 9, 1, 1, row): row for row in range(40)}
    with Agent(objects) as agent:
        async with asked(agent) as ours:
            found = await ours.get(*((*SYSTEM, 9, 1, 1, row) for row in range(16)))
            assert len(found) == 16
            assert agent.asked["get"] == 2
            assert len(agent.questions[-1].oids) == 16
            assert len(await ours.get(*((*SYSTEM, 9, 1, 1, row) for row in range(40)))) == 40
            assert agent.asked["get"] == 5


SILLY = {
    "nothing in the answer": (Lies(empty=True), "something that was not asked, or with nothing"),
    "another object": (Lies(other_object=True), "something that was not asked"),
    "cut": (Lies(cut=2), "cannot be read"),
    "an error": (Lies(gen_err_at=(*SYSTEM, 3)), "genErr"),
    "hangs": (Lies(silent_at=(*SYSTEM, 5)), "still answers"),
    "silent later": (Lies(silent_after=1), "fell silent"),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("lies", "words"), SILLY.values(), ids=SILLY.keys())
async def test_scalars_that_cannot_be_trusted_are_none(lies, words):
    with Agent(switch(1), lies=lies) as agent:
        async with asked(agent) as ours:
            with pytest.raises(CannotTell, match=words):
                await ours.get(*SCALARS)


@pytest.mark.usefixtures("hasty")
async def test_one_table_that_hangs_leaves_the_others_quick():
    objects = switch(60)
    with Agent(objects, lies=Lies(silent_at=TYPE)) as agent:
        async with asked(agent) as ours:
            with pytest.raises(CannotTell, match="still answers, but not to questions for the table"):
                await ours.table(TYPE)
            agent.asked.clear()
            assert (await ours.table(HC))[HC] == column(objects, HC)
            assert agent.asked["getbulk"] <= 3
            assert agent.asked["getnext"] == 0


@pytest.mark.usefixtures("hasty")
async def test_how_much_an_agent_copes_with_is_found_once():
    with Agent(switch(60), lies=Lies(no_bulk="silent")) as agent:
        async with asked(agent) as ours:
            await ours.table(DESCR)
            bulks = agent.asked["getbulk"]
            await ours.table(TYPE)
            assert agent.asked["getbulk"] == bulks


@pytest.mark.usefixtures("hasty")
async def test_a_silent_agent_costs_one_wait_for_a_whole_run():
    with Agent(switch(), lies=Lies(silent=True)) as agent:
        async with asked(agent) as ours:
            reasons = set()
            for _ in range(50):
                with pytest.raises(CannotTell) as told:
                    await ours.table(DESCR)
                reasons.add(told.value.reason)
            assert len(reasons) == 1
            assert agent.asked["get"] <= 2 * line.PROBES
            assert not agent.asked["getbulk"]


@pytest.mark.usefixtures("hasty")
async def test_an_agent_that_wastes_time_is_given_up(monkeypatch):
    monkeypatch.setattr(line, "LOST_S", 0.2)
    monkeypatch.setattr(community, "LOST_S", 0.2)
    with Agent(switch(), lies=Lies(silent_at=DESCR)) as agent:
        async with asked(agent) as ours:
            for _ in range(3):
                with pytest.raises(CannotTell):
                    await ours.table(DESCR)
            with pytest.raises(CannotTell, match="waiting for answers that never came"):
                await ours.table(TYPE)


async def test_an_agent_that_answers_too_slowly_is_given_up(monkeypatch):
    with Agent(switch(), lies=Lies(delay_s=0.03)) as agent:
        async with asked(agent) as ours:
            ours.line.budget.in_all = 0.2
            with pytest.raises(CannotTell, match="its answers took"):
                for _ in range(20):
                    await ours.table(DESCR)


async def test_a_vlan_is_asked_by_its_own_community():
    vlans = {"public@10": switch(3), "public@20": switch(5)}
    with Agent(switch(7), more=vlans) as agent:
        async with asked(agent) as ours:
            assert len((await ours.in_context("10").table(DESCR))[DESCR]) == 3
            assert len((await ours.in_context("20").table(DESCR))[DESCR]) == 5
            assert len((await ours.table(DESCR))[DESCR]) == 7
            with pytest.raises(CannotTell, match="in the context of VLAN 30"):
                await ours.in_context("30").table(DESCR)
            assert len((await ours.table(TYPE))[TYPE]) == 7


@pytest.mark.usefixtures("hasty")
async def test_silent_contexts_end_neither_the_run_nor_the_device(monkeypatch):
    monkeypatch.setattr(line, "LOST_IN_CONTEXTS_S", 0.5)
    with Agent(switch(7)) as agent:
        async with asked(agent) as ours:
            for vlan in range(40):
                with pytest.raises(CannotTell):
                    await ours.in_context(str(vlan)).table(DESCR)
            assert agent.asked["unknown"] < 20
            assert len((await ours.table(DESCR))[DESCR]) == 7


@pytest.mark.usefixtures("hasty")
async def test_a_wrong_community_does_not_silence_the_right_one():
    with Agent(switch(7)) as agent:
        client = await Snmp.open(Shared())
        wrong = client.agent(Access(host=agent.host, port=agent.port, community="wrong"))
        right = client.agent(Access(host=agent.host, port=agent.port, community="public"))
        with pytest.raises(CannotTell, match="wrong community"):
            await wrong.table(DESCR)
        assert len((await right.table(DESCR))[DESCR]) == 7
        await client.close()


async def test_many_agents_at_once_share_one_socket():
    agents = [Agent(switch(30 + place), address=f"127.0.1.{place + 1}") for place in range(40)]
    with serve(*agents):
        client = await Snmp.open(Shared())
        ours = [client.agent(Access(host=one.host, port=one.port, community="public")) for one in agents]
        found = await asyncio.gather(*(one.table(DESCR, TYPE) for one in ours))
        assert [len(one[DESCR]) for one in found] == [30 + place for place in range(40)]
        assert len(client._sockets) == 1
        await client.close()
    assert len(asyncio.all_tasks()) == 1


async def test_an_error_in_one_table_leaves_the_others_quick():
    objects = switch(60)
    with Agent(objects, lies=Lies(gen_err_at=TYPE)) as agent:
        async with asked(agent) as ours:
            assert (await ours.table(HC))[HC] == column(objects, HC)
            with pytest.raises(CannotTell, match="genErr"):
                await ours.table(DESCR, TYPE)
            agent.asked.clear()
            assert (await ours.table(HC))[HC] == column(objects, HC)
            assert agent.asked["getnext"] == 0


@pytest.mark.usefixtures("hasty")
async def test_one_table_that_comes_by_v1_only_leaves_the_others_their_64_bit_counters():
    objects = switch(10)
    agent = Agent(objects)
    answers = agent.replies
    agent.replies = lambda data: [] if data[4] == 1 and b"\x02\x02\x01\x02" in data else answers(data)
    with agent:
        async with asked(agent) as ours:
            assert (await ours.table(DESCR))[DESCR] == column(objects, DESCR)
            assert (await ours.table(HC))[HC] == column(objects, HC)
