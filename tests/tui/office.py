"""A project with a past, made without a network: results of every status, as a run would have stored them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.files.load import load_plan
from agent.plan import Plan
from agent.records import RunRecord, VantageRecord
from agent.running import open_ledger
from checks.words import Finding, Measure, Note, Result, Status

NOW = datetime(2026, 12, 5, 17, 17, 53, tzinfo=UTC)
"""When the tests look: 18:17:53 in Zurich, 4 h 12 min before the cutover."""

PROJECT = """\
gonogo: 1
project:
  id: hq-move
  name: Contoso head office move
  customer: Contoso
  site: Zurich, Hauptstrasse 1
  timezone: Europe/Zurich
  cutover: 2026-12-05 22:30
vendors:
  isp: {name: Swisscom NOC, phone: +41 800 000 000, note: contract 4711}
contacts:
  it: {name: Ann Rey, email: ann@contoso.example}
milestones:
  prepared: {title: Agreed and written down, due: -14d, owner: it, gate: {max_age: 30d}}
  line-live: {title: The line is live, due: -1d, owner: isp, after: [prepared], gate: {max_age: 48h}}
  ready: {title: Ready to move in, due: -1h, owner: it, after: [line-live], gate: {max_age: 12h}}
  moved: {title: Staff can work, due: +10h, owner: it, after: [ready], gate: {max_age: 12h}}
checks:
  plan-agreed: {type: manual, milestone: prepared, statement: The move plan is agreed with the landlord}
  cabling: {type: manual, milestone: prepared, owner: it, statement: The cabling was measured}
  line: {type: network.tcp, milestone: line-live, owner: isp, target: 192.0.2.1, port: 443}
  loss: {type: network.ping, milestone: line-live, owner: isp, target: 192.0.2.1}
  mail: {type: dns.record, milestone: ready, owner: isp, name: mail.contoso.example, servers: [192.0.2.53],
         expect: [192.0.2.25]}
  files: {type: network.tcp, milestone: ready, owner: it, target: 192.0.2.40, port: 445}
  intranet: {type: network.http, milestone: ready, needs: [files], url: "https://intranet.contoso.example/"}
  clock: {type: network.ntp, milestone: ready, server: 192.0.2.5}
  guest-wifi: {type: network.tcp, milestone: ready, required: false, target: 192.0.2.60, port: 443}
  printer: {type: network.tcp, milestone: ready, target: 192.0.2.70, port: 9100}
  way-back: {type: manual, milestone: ready, owner: it, statement: The way back is agreed}
  staff: {type: manual, milestone: moved, statement: Staff has logged in}
"""

FAILED = Finding(
    status=Status.FAIL, subject="192.0.2.53", message="The A records are not the planned ones.",
    expected="192.0.2.25", observed="192.0.2.20", fix="Correct the records in the zone of contoso.example.",
    reference="RFC 1035",
)  # fmt: skip
REFUSED = Finding(
    status=Status.FAIL, subject="192.0.2.40:445", message="The connection is refused.", expected="open",
    observed="refused after 12 ms", fix="Start the file service, or correct the port.",
)  # fmt: skip
UNTOLD = Finding(
    status=Status.INCONCLUSIVE, subject="192.0.2.5", message="No packet came back.", expected="an answer",
    observed="silence for 3 s", fix="Allow UDP 123 to the time server.",
)  # fmt: skip


def passed(subject: str, observed: str, measure: Measure | None = None) -> Finding:
    return Finding(
        status=Status.PASS, subject=subject, message="It is as planned.", expected="as planned",
        observed=observed, measure=measure,
    )  # fmt: skip


def rtt(value: float) -> Measure:
    return Measure(name="round trip", value=value, unit="ms", warn=100.0, fail=300.0, source="teams")


SLOW = Finding(
    status=Status.WARN, subject="192.0.2.1", message="It is slow.", expected="at most 100 ms",
    observed="1 of 20 lost, 140 ms", fix="Ask the carrier.", measure=rtt(140.0),
)  # fmt: skip


def vantage(**changes: object) -> VantageRecord:
    return replace(
        VantageRecord(
            name="laptop-7", host="laptop-7", user="ann", os="Debian 12", tool="gonogo 0.1.0",
            addresses=("10.20.0.55",), clock_offset_s=0.012, privileges=("icmp",),
            limits=("Raw frames cannot be used: run it as root to test link.duplicate_ip.",),
        ),
        **changes,
    )  # fmt: skip


def write_project(folder: Path, text: str = PROJECT) -> Path:
    """Write the project file and return its path."""
    path = folder / "move.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def result(plan: Plan, check: str, at: datetime, *findings: Finding, run: str, **changes: object) -> Result:
    """Return a result of `check` that ended at `at`; its status is that of the worst finding."""
    from checks.words import worst

    planned = plan.by_id[check]
    made = Result(
        check=check, type=planned.type, milestone=planned.milestone, target=planned.target,
        required=planned.required, status=worst(finding.status for finding in findings),
        started=at - timedelta(seconds=1), duration_s=1.0, attempts=1, findings=findings,
        observation={"seen": check}, digest=planned.digest, run=run, vantage="laptop-7",
        notes=(Note(at=at, text=f"asked about {check}"),),
    )  # fmt: skip
    return replace(made, **changes)


def store_run(
    file: Path,
    plan: Plan,
    run: str,
    started: datetime,
    results: Sequence[Result],
    *,
    ended: bool = True,
    seen_from: VantageRecord | None = None,
) -> None:
    """Store a run with its results, as `gonogo run` would have."""
    lost: list[object] = []
    with open_ledger(file, plan) as ledger:
        ledger.begin_run(
            RunRecord(
                id=run,
                started=started,
                vantage=seen_from or vantage(),
                plan_digest=plan.sources_digest,
                selected=tuple(item.check for item in results),
                project_file=file.name,
            )
        )
        writer = ledger.writer(lambda _: None, lambda gone, why: lost.append((gone, why)))
        for item in results:
            writer.put(item)
        writer.close()
        if ended:
            ledger.end_run(run, finished=started + timedelta(minutes=2), outcome="finished")
    assert not lost


def with_a_past(folder: Path) -> Path:
    """Return a project file whose ledger knows every status: two old runs and one of this afternoon."""
    file = write_project(folder)
    plan = load_plan(file, cached=False)
    first, second, third = NOW - timedelta(days=2), NOW - timedelta(days=1), NOW - timedelta(minutes=4)
    for run, at, mail, delay in (("r1", first, passed, 18.0), ("r2", second, passed, 24.0)):
        store_run(
            file, plan, run, at,
            [
                result(plan, "plan-agreed", at, passed("landlord", "holds, says Ann Rey"), run=run),
                result(plan, "cabling", at, passed("cabling", "holds, says Ann Rey"), run=run),
                result(plan, "line", at, passed("192.0.2.1:443", "open after 3 ms"), run=run),
                result(plan, "loss", at, passed("192.0.2.1", "0 of 20 lost", rtt(delay)), run=run),
                result(plan, "mail", at, mail("192.0.2.53", "192.0.2.25"), run=run),
                result(plan, "files", at, passed("192.0.2.40:445", "open after 2 ms"), run=run),
                result(plan, "intranet", at, passed("intranet", "200 in 80 ms"), run=run),
                result(plan, "printer", at, passed("192.0.2.70:9100", "open after 1 ms"), run=run),
            ],
        )  # fmt: skip
    run, at = "r3", third
    store_run(
        file, plan, run, at,
        [
            result(plan, "line", at, passed("192.0.2.1:443", "open after 4 ms"), run=run),
            result(
                plan, "loss", at,
                SLOW,
                run=run,
            ),
            result(plan, "mail", at, FAILED, run=run),
            result(plan, "files", at, REFUSED, run=run),
            result(plan, "intranet", at, run=run, status=Status.BLOCKED, blocked_by="files"),
            result(plan, "clock", at, UNTOLD, run=run),
            result(plan, "guest-wifi", at, replace(REFUSED, subject="192.0.2.60:443"), run=run),
        ],
    )  # fmt: skip
    return file
