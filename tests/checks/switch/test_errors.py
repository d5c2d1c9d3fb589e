"""switch.errors: rates between two samples, and all that is no rate."""

from __future__ import annotations

import dataclasses
import json

import pytest

from checks import jsonable
from checks.contract import Status, Vantage, worst
from checks.device.counters import (
    CAUSES,
    DISCARDS,
    ERRORS,
    NARROW,
    UPTIME,
    WIDE,
    Rates,
    Sample,
    elapsed,
    rates,
    sample,
)
from checks.device.ports import IF_DESCR, IF_NAME, IF_OPER, IF_TYPE
from checks.switch.errors import Errors, ErrorsSeen, PortErrors
from checks.vantage import CannotTell, Shared
from tests import recordings
from tests.lab.snmp_agent import COUNTER32, COUNTER64, TICKS, Agent, Typed

WRAP = 2**32
BEFORE = Sample(
    if_index=1, ticks=100_000, up=True, reset=0, wide=True,
    counters={
        "in_errors": 5, "out_errors": 0, "in_discards": 0, "out_discards": 7, "fcs": 5, "alignment": 0,
        "late_collisions": 0, "in_unicast": 10**6, "out_unicast": 10**6,
    },
)  # fmt: skip


def after(seconds=30.0, *, ticks=None, reset=0, wide=True, **grown):
    counters = {name: value + grown.get(name, 0) for name, value in BEFORE.counters.items()}
    counters = {name: value for name, value in counters.items() if grown.get(name, 0) is not None}
    now = BEFORE.ticks + round(seconds * 100) if ticks is None else ticks
    return Sample(if_index=1, ticks=now, up=True, reset=reset, wide=wide, counters=counters)


def test_what_grew_is_counted_by_the_agents_clock():
    found = rates(BEFORE, after(40, in_errors=3, fcs=3, in_unicast=500, out_unicast=500, out_discards=2))
    assert (found.why, found.elapsed_s, found.errors, found.packets) == ("", 40.0, 3, 1000)
    assert (found.discards_in, found.discards_out) == (0, 2)
    assert found.causes == {"fcs": 3, "alignment": 0, "late_collisions": 0}


def test_a_counter_of_32_bits_wraps():
    near = dataclasses.replace(BEFORE, counters={**BEFORE.counters, "in_errors": WRAP - 2})
    later = after()
    later.counters["in_errors"] = 3
    assert rates(near, later).errors == 5


@pytest.mark.parametrize(
    ("later", "word"),
    [
        (None, "disappeared"),
        (after(ticks=500), "restarted"),
        (after(ticks=BEFORE.ticks), "did not move"),
        (after(reset=99_000), "reset"),
        (after(in_unicast=-1), "backwards"),
        (after(in_errors=-4), "cleared"),
        (after(wide=False), "other counters"),
        (dataclasses.replace(after(), ticks=None), "clock"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_rate_is_made_up(later, word):
    found = rates(BEFORE, later)
    assert word in found.why
    assert found.errors is None
    assert found.packets is None


@pytest.mark.parametrize(
    ("before", "after_", "seconds"),
    [
        (100, 3100, 30.0),
        (WRAP - 1000, 2000, 30.0),
        (WRAP // 2, 100, None),
        (3100, 100, None),
        (None, 100, None),
        (100, None, None),
        (100, 100, 0.0),
    ],
)
def test_the_clock_of_497_days(before, after_, seconds):
    assert elapsed(before, after_) == seconds


def port(name="Gi1/0/1", *, planned=True, duplex="full", **more):
    found = {
        "elapsed_s": 30.0, "errors": 0, "discards_in": 0, "discards_out": 0, "packets": 50_000,
        "causes": {"fcs": 0, "alignment": 0, "late_collisions": 0},
    } | more  # fmt: skip
    return PortErrors(
        if_index=1, name=name, alias="", duplex=duplex, speed_mbps=1000, planned=planned,
        rates=Rates(if_index=1, **found),
    )  # fmt: skip


def judged(*ports, check=None, **more):
    check = check or Errors(host="192.0.2.2", community="public")
    return list(check.judge(ErrorsSeen(name="sw:161", ports=ports, **more)))


@pytest.mark.parametrize(
    ("more", "wanted", "word"),
    [
        ({}, Status.PASS, "no more errors"),
        ({"errors": 2000}, Status.FAIL, "rising"),
        ({"errors": 40}, Status.WARN, "few for the traffic"),
        ({"errors": 1, "packets": 50}, Status.FAIL, "rising"),
        ({"errors": 1, "packets": 0}, Status.FAIL, "rising"),
        ({"errors": 1, "packets": 50, "elapsed_s": 120.0}, Status.PASS, "no more"),
        ({"errors": None}, Status.INCONCLUSIVE, "does not count errors"),
        ({"causes": {"late_collisions": 1}}, Status.FAIL, "Late collisions"),
        ({"discards_out": 5000}, Status.WARN, "way out"),
        ({"discards_in": 5000}, Status.WARN, "way in"),
        ({"discards_out": 3, "packets": 3}, Status.PASS, "no more"),
        ({"why": "The port disappeared between the two samples."}, Status.INCONCLUSIVE, "disappeared"),
    ],
    ids=str,
)
def test_one_port(more, wanted, word):
    findings = judged(port(**more))
    assert worst(finding.status for finding in findings) is wanted
    assert any(word in finding.message for finding in findings if finding.status is wanted)


def test_a_silent_port_proves_nothing_where_it_was_named():
    busy = port("Gi1/0/2")
    named, unnamed = port(packets=0), port(packets=0, planned=False)
    assert worst(f.status for f in judged(busy, named)) is Status.INCONCLUSIVE
    [finding] = judged(busy, unnamed)
    assert finding.status is Status.PASS
    assert "Gi1/0/1" not in finding.observed


def test_counters_that_stand_still_on_all_ports_are_no_pass():
    findings = judged(port(packets=0, planned=False), port("Gi1/0/2", packets=0, planned=False))
    assert [finding.status for finding in findings] == [Status.INCONCLUSIVE]
    assert "did not refresh" in findings[0].message


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"missing": ("Te1/1/1",)}, Status.FAIL),
        ({"ambiguous": ("1",)}, Status.INCONCLUSIVE),
        ({"down": ("Gi1/0/9",)}, Status.INCONCLUSIVE),
    ],
    ids=str,
)
def test_names_that_lead_to_no_port_that_is_up(more, wanted):
    assert worst(finding.status for finding in judged(port(), **more)) is wanted


def test_nothing_seen_is_no_pass():
    assert worst(finding.status for finding in judged()) is Status.INCONCLUSIVE


def test_the_cause_is_named_with_what_to_do():
    [fcs] = judged(port(errors=2000, causes={"fcs": 2000}))
    assert "patch cable" in fcs.fix
    assert "2000 FCS" in fcs.observed
    [half] = judged(port(errors=2000, duplex="half"))
    assert "auto-negotiation" in half.fix


@pytest.mark.parametrize("window", [0, 4000])
def test_a_window_that_is_none_is_refused(window):
    with pytest.raises(ValueError, match="window"):
        Errors(host="192.0.2.2", community="public", window=window)


def test_an_observation_survives_json():
    seen = ErrorsSeen(name="sw:161", ports=(port(errors=3),), missing=("x",))
    assert jsonable.from_json(ErrorsSeen, json.loads(json.dumps(jsonable.to_json(seen)))) == seen


class Moving:
    """A counter that grows by `step` each time it is asked."""

    def __init__(self, tag: int, start: int, step: int) -> None:
        self.tag, self.value, self.step = tag, start, step

    def __call__(self) -> Typed:
        self.value += self.step
        return Typed(self.tag, self.value % (WRAP if self.tag == COUNTER32 else 2**64))


def switch(*, errors=0, packets=100_000, clock=3000, wide=True, ports=(1, 2)):
    """Return the objects of a switch; the first port counts errors, each sample is `clock` ticks later."""
    objects = {UPTIME: Moving(TICKS, 10_000, clock // len(ports) if clock else 0)}
    for number in ports:
        objects |= {
            (*IF_DESCR, number): f"GigabitEthernet1/0/{number}".encode(),
            (*IF_NAME, number): f"Gi1/0/{number}".encode(), (*IF_TYPE, number): 6, (*IF_OPER, number): 1,
        }  # fmt: skip
        for column in (*ERRORS.values(), *DISCARDS.values(), *CAUSES.values()):
            objects[*column, number] = Typed(COUNTER32, 0)
        for column in (WIDE if wide else NARROW).values():
            tag = COUNTER64 if wide else COUNTER32
            objects[*column, number] = Moving(tag, 0, packets)
    objects[*ERRORS["in_errors"], ports[0]] = Moving(COUNTER32, WRAP - 50, errors)
    return objects


async def observed(agent, **more):
    check = Errors(host=agent.endpoint, community="public", window=0.01, **more)
    shared = Shared()
    try:
        return check, await check.observe(Vantage(shared, "errors", check.allowance()))
    finally:
        await shared.close()


async def test_an_agent_whose_errors_rise():
    with Agent(switch(errors=5000)) as agent:
        check, seen = await observed(agent)
        assert agent.asked["set"] == 0
    findings = list(check.judge(seen))
    [bad] = [finding for finding in findings if finding.status is Status.FAIL]
    assert "Gi1/0/1" in bad.subject
    assert [finding.status for finding in findings if finding is not bad] == [Status.PASS]
    assert seen.ports[0].rates.errors == 5000


@pytest.mark.parametrize("wide", [True, False])
async def test_a_healthy_agent_passes_by_wide_and_by_narrow_counters(wide):
    with Agent(switch(wide=wide)) as agent:
        check, seen = await observed(agent, ports=("gi 1/0/1", "GigabitEthernet1/0/2"))
    assert worst(finding.status for finding in check.judge(seen)) is Status.PASS
    assert seen.ports[0].rates.packets == 100_000 * (6 if wide else 4)


async def test_a_sample_is_one_message_with_the_clock():
    with Agent(switch()) as agent:
        await observed(agent, ports=("Gi1/0/1",))
        gets = [q.oids for q in agent.questions if q.kind == 0xA0 and (*ERRORS["in_errors"], 1) in q.oids]
    assert len(gets) == 2
    assert all(UPTIME in oids and len(oids) <= 16 for oids in gets)


async def test_an_agent_that_stands_still_is_inconclusive():
    with Agent(switch(packets=0)) as agent:
        check, seen = await observed(agent)
        assert worst(finding.status for finding in check.judge(seen)) is Status.INCONCLUSIVE
    with Agent(switch(clock=0)) as agent:
        check, seen = await observed(agent)
        assert worst(finding.status for finding in check.judge(seen)) is Status.INCONCLUSIVE


async def test_silence_in_the_middle_of_the_samples_is_not_judged():
    class Silent(recordings.Recording):
        async def get(self, *oids):
            if (*ERRORS["in_errors"], 2) in oids:
                raise CannotTell("No answer.", "Look.")
            return await super().get(*oids)

    with pytest.raises(CannotTell):
        await sample(recordings.device(Silent({UPTIME: 1, (*IF_OPER, 1): 1, (*IF_OPER, 2): 1})), [1, 2])


async def test_a_port_that_is_gone_in_the_second_sample():
    objects = {key: value for key, value in switch().items() if not callable(value)}
    objects[UPTIME] = 100
    device = recordings.device(recordings.Recording(objects))
    first = await sample(device, [1, 2])
    kept = {key: value for key, value in objects.items() if key[-1] != 2 or len(key) < 4}
    second = await sample(recordings.device(recordings.Recording(kept | {UPTIME: 4000})), [1, 2])
    assert 2 in first
    assert "disappeared" in rates(first[2], second.get(2)).why
