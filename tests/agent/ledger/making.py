"""Runs and results for the tests and the bench of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agent.records import RunRecord, VantageRecord
from checks.words import Finding, Measure, Note, Result, Status

NOON = datetime(2026, 12, 5, 12, 0, tzinfo=UTC)


def a_run(name: str = "r1", started: datetime = NOON) -> RunRecord:
    vantage = VantageRecord(
        name="laptop",
        host="laptop",
        user="tech",
        os="Linux",
        tool="gonogo 0",
        interfaces=({"name": "eth0", "up": True},),
        addresses=("10.0.0.7", "2001:db8::7"),
    )
    return RunRecord(id=name, started=started, vantage=vantage, plan_digest="p", selected=("c.0", "c.1"))


def a_result(
    number: int = 0,
    *,
    run: str = "r1",
    check: str = "",
    status: Status = Status.PASS,
    started: datetime = NOON,
    observation: Any = None,
) -> Result:
    """Return a result of the usual size: about 1,000 bytes as JSON."""
    finding = Finding(
        status=Status.INCONCLUSIVE if status is Status.BLOCKED else status,
        subject="10.0.0.1:443",
        message="The port answers within the limit.",
        expected="open within 50 ms",
        observed="open in 1.2 ms",
        fix="" if status is Status.PASS else "Ask the owner of the server.",
        measure=Measure(name="rtt", value=1.2, unit="ms", warn=50.0, fail=100.0, source="office"),
    )
    return Result(
        check=check or f"c.{number}",
        type="network.tcp",
        milestone="move",
        target="10.0.0.1:443",
        required=True,
        status=status,
        started=started + timedelta(microseconds=number % 1000),
        duration_s=0.0123,
        attempts=1,
        findings=() if status is Status.BLOCKED else (finding,),
        observation=observation
        or {
            "address": "10.0.0.1",
            "port": 443,
            "phases": {"dns": 0.001, "tcp": 0.002, "first": None},
            "banner": "220 mail.example.net ESMTP " * 12,
            "family": "ipv4",
            "number": number,
        },
        digest="d" * 64,
        run=run,
        vantage="laptop",
        notes=(Note(at=started, text="Asked 10.0.0.53."),) if number % 10 == 0 else (),
        blocked_by="link.gateway" if status is Status.BLOCKED else None,
    )
