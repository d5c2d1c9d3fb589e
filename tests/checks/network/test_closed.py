from __future__ import annotations

import asyncio
import dataclasses
import socket

import pytest

from checks import jsonable
from checks.network.closed import Closed, ClosedSeen
from checks.vantage import Shared, Vantage
from checks.wire.names import Resolved
from checks.wire.tcp import Attempt
from checks.words import Status, worst
from tests.checks import hostile

CHECK = Closed(target="192.0.2.10", ports=(22, 445), control="192.0.2.10:443")


def attempt(port: int, outcome: str, detail: str = "") -> Attempt:
    seconds = 5.0 if outcome == "timeout" else 0.01
    return Attempt(address="192.0.2.10", port=port, outcome=outcome, seconds=seconds, detail=detail)


def seen(ports: dict[int, str], control: tuple[str, ...] = ("open", "open"), **names) -> ClosedSeen:
    names.setdefault("addresses", ("192.0.2.10",))
    return ClosedSeen(
        names=Resolved(host="192.0.2.10", **names),
        attempts=tuple(attempt(port, outcome) for port, outcome in ports.items()),
        control_names=Resolved(host="192.0.2.10", addresses=("192.0.2.10",)),
        control=tuple(attempt(443, outcome) for outcome in control),
    )


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (seen({22: "refused", 445: "timeout"}), "pass"),
        (seen({22: "refused", 445: "unreachable"}), "pass"),
        (seen({22: "refused", 445: "open"}), "fail"),
        (seen({22: "refused", 445: "reset"}), "fail"),  # it was accepted
        (seen({22: "timeout", 445: "timeout"}, control=("timeout", "timeout")), "inconclusive"),
        (seen({22: "timeout", 445: "timeout"}, control=("open", "timeout")), "inconclusive"),  # link lost
        (seen({22: "timeout", 445: "timeout"}, control=("timeout", "open")), "inconclusive"),
        (seen({22: "timeout", 445: "timeout"}, control=()), "inconclusive"),
        (seen({22: "timeout", 445: "timeout"}, control=("open",)), "inconclusive"),
        (seen({22: "open", 445: "timeout"}, control=("timeout", "timeout")), "fail"),
        (seen({22: "no_route", 445: "no_route"}), "inconclusive"),
        (seen({22: "barred", 445: "refused"}), "inconclusive"),  # our own firewall
        (seen({22: "local", 445: "refused"}), "inconclusive"),
        (seen({}, addresses=(), error="Name or service not known"), "inconclusive"),
        (seen({}, addresses=(), error="Temporary failure", temporary=True), "inconclusive"),
        (seen({22: "refused"}), "inconclusive"),  # a port is missing from what was seen
        (seen({}), "inconclusive"),
    ],
)
def test_judge(what, status):
    again = jsonable.from_json(ClosedSeen, jsonable.to_json(what))
    assert worst(finding.status for finding in CHECK.judge(again)) == status


def test_a_control_over_one_family_proves_nothing_about_the_other():
    v6 = Attempt(address="2001:db8::10", port=22, outcome="timeout", seconds=1.0)
    what = seen({22: "refused", 445: "refused"}, addresses=("192.0.2.10", "2001:db8::10"))
    what = dataclasses.replace(what, attempts=(*what.attempts, v6, dataclasses.replace(v6, port=445)))
    statuses = [finding.status for finding in CHECK.judge(what)]
    assert statuses == [Status.PASS, Status.PASS, Status.INCONCLUSIVE]


def test_an_open_port_is_named_even_without_a_control():
    findings = list(CHECK.judge(seen({22: "open", 445: "timeout"}, control=())))
    assert [f.subject for f in findings if f.status is Status.FAIL] == ["192.0.2.10:22"]
    assert not [f for f in findings if f.status is Status.PASS]


def test_live(capsys):
    async def go() -> tuple[list[Status], list[Status], list[Status]]:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            shut = held.getsockname()[1]
            async with hostile.serve(hostile.silence) as port:
                vantage = Vantage(Shared(), allowance=5)

                async def statuses(ports: tuple[int, ...], control: int) -> list[Status]:
                    check = Closed(target="127.0.0.1", ports=ports, control=f"127.0.0.1:{control}")
                    return [finding.status for finding in check.judge(await check.observe(vantage))]

                return (
                    await statuses((shut,), port),
                    await statuses((port,), shut),
                    await statuses((1,), shut),
                )

    closed, reachable, unproven = asyncio.run(go())
    assert closed == [Status.PASS]
    assert Status.FAIL in reachable
    assert unproven == [Status.INCONCLUSIVE]


@pytest.mark.parametrize(
    ("control", "words"), [("192.0.2.1", "needs a port"), ("192.0.2.10:445", "cannot prove both")]
)
def test_refused_parameters(control, words):
    with pytest.raises(ValueError, match=words):
        Closed(target="192.0.2.10", ports=(445,), control=control)
