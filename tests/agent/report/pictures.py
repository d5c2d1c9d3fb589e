"""Pictures to report on, made by hand: a plan with one milestone or two, and results as a run would give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.plan import Gate, GateNeed, LeftOut, Milestone, Party, Plan, PlannedCheck, Project
from agent.records import RunRecord, VantageRecord, Waiver
from agent.report.picture import Picture, fresh, paint_picture
from checks.words import Finding, Measure, Result, Status

NOW = datetime(2026, 12, 4, 17, 0, tzinfo=UTC)
CUTOVER = datetime(2026, 12, 5, 21, 30, tzinfo=UTC)
ISP = Party(id="isp", role="vendor", name="Lakeside Telecom", phone="+41 00 1", note="contract 4711")
VANTAGE = VantageRecord(
    name="laptop-7", host="laptop-7", user="ann", os="Linux", tool="0.1.0", addresses=("10.20.0.5",)
)


def planned(name: str, **changes: Any) -> PlannedCheck:
    known: dict[str, Any] = {
        "type": "network.tcp", "milestone": "ready", "title": f"{name} takes connections", "required": True,
        "params": {}, "digest": "d", "target": f"{name}.example:443", "place": "p.yaml:1", "owner": "isp",
    }  # fmt: skip
    return PlannedCheck(id=name, **{**known, **changes})


def plan(*checks: PlannedCheck, due: datetime | None = CUTOVER, second: bool = False, **gate: Any) -> Plan:
    needs = tuple(GateNeed(check=check.id, required=check.required) for check in checks)
    ready = Milestone(
        id="ready", title="Ready to move in", due=due, gate=Gate(needs=needs, **gate), owner="isp"
    )
    later = Milestone(id="open", title="Open", after=("ready",), gate=Gate(needs=needs, **gate))
    return Plan(
        project=Project(
            id="move", name="Office move", customer="Contoso", timezone="Europe/Zurich", cutover=due
        ),
        milestones=(ready, later) if second else (ready,),
        checks=checks,
        parties=(ISP,),
        left_out=(LeftOut(check="telephony", reason="another project"),),
        source="move.yaml",
    )


def finding(status: Status, message: str = "It is so.", **rest: Any) -> Finding:
    fix = "" if status is Status.PASS else "Mend it."
    return Finding(status=status, subject="peer", message=message, **{"fix": fix, **rest})


def result(name: str, status: Status, *findings: Finding, age_s: float = 60, **rest: Any) -> Result:
    blocked = status is Status.BLOCKED
    told = findings or (() if blocked else (finding(status, expected="open", observed="refused"),))
    known: dict[str, Any] = {
        "type": "network.tcp", "milestone": "ready", "target": f"{name}.example:443", "required": True,
        "started": NOW - timedelta(seconds=age_s), "duration_s": 0.5, "attempts": 0 if blocked else 1,
        "observation": None, "digest": "d", "run": "r1", "vantage": "laptop-7",
    }  # fmt: skip
    return Result(check=name, status=status, findings=told, **{**known, **rest})


def picture(
    made: Plan,
    *results: Result,
    outcome: Any = "finished",
    waivers: tuple[Waiver, ...] = (),
    limits: tuple[str, ...] = (),
    lost: Mapping[str, str] | None = None,
) -> Picture:
    by_name = {item.check: item for item in results}
    vantage = VantageRecord(
        name="laptop-7", host="laptop-7", user="ann", os="Linux", tool="0.1.0", addresses=("10.20.0.5",),
        limits=limits,
    )  # fmt: skip
    run = RunRecord(
        id="r1", started=NOW - timedelta(minutes=2), finished=NOW - timedelta(minutes=1), outcome=outcome,
        vantage=vantage, plan_digest="x", selected=tuple(made.by_id),
    )  # fmt: skip
    return paint_picture(
        made, fresh(by_name, vantage), by_name, now=NOW, run=run, milestones=made.milestones, waivers=waivers,
        lost=lost,
    )  # fmt: skip


WAIVER = Waiver(
    check="web", reason="mended on Monday", risk="low", author="ann", approver="bob",
    at=NOW - timedelta(hours=1), expires=NOW + timedelta(hours=2),
)  # fmt: skip
LOSS = Measure(name="loss", value=2.0, unit="%", warn=0.67, fail=1.0, source="teams")
