"""Whatever the dashboard says, `gonogo status` says too: in plain text and in JSON."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from agent.board import Board
from agent.cli import main
from agent.files.load import load_plan
from agent.live import LiveFile
from agent.records import Decision, RunRecord, Waiver
from agent.running import open_ledger
from checks.words import Status
from tests.tui.conftest import SIZES
from tests.tui.filling import until
from tests.tui.office import FAILED, NOW, REFUSED, passed, result, store_run, vantage, with_a_past
from tests.tui.screen import text
from tui.app import Dashboard
from tui.widgets.checks import Checks
from tui.widgets.milestones import CANNOT_TELL, Timeline


class Clock(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz)


@pytest.fixture
def said(project, monkeypatch):
    """Return what a status prints of the project at NOW, its spaces and line ends made one space each."""
    for module in ("agent.cli.status", "agent.cli.status_parts"):
        monkeypatch.setattr(f"{module}.datetime", Clock)

    def run(*words):
        done = CliRunner().invoke(main, ["status", str(project), *words])
        assert done.exit_code in (0, 2, 3, 4), done.output
        return done.output if "--json" in words else " ".join(done.output.split())

    return run


def plain_of(text):
    return " ".join(text.split())


@pytest.fixture
def signed(project):
    """Return the project with a waiver in force, and a signature against the rules."""
    plan = load_plan(project)
    with open_ledger(project, plan) as ledger:
        ledger.add(
            Waiver(
                check="files", reason="The spare file server takes over until Monday", risk="medium",
                author="Ann Rey", approver="Max Lind", at=NOW - timedelta(minutes=1), ticket="CHG-20417",
                expires=NOW + timedelta(hours=9), standing="fail", digest=plan.by_id["files"].digest,
            )
        )  # fmt: skip
        ledger.add(
            Decision(
                milestone="line-live", verdict="INCOMPLETE", by="Ann Rey", second="Max Lind",
                at=NOW - timedelta(minutes=1), note="The line was seen working by both", decided="GO",
            )
        )  # fmt: skip
    return project


@pytest.mark.parametrize("size", SIZES)
async def test_verdicts_counts_and_signatures_of_the_timeline(signed, said, size):
    data = {item["id"]: item for item in json.loads(said("--json"))["milestones"]}
    plain = said("--plain", "--all")
    app = Dashboard(signed, load_plan(signed), now=lambda: NOW)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        lines = app.screen.query_one(Timeline).items
        assert len(lines) == len(data)
        for line in lines:
            told = data[line.id]
            assert line.verdict == told["verdict"]
            assert f"{told['verdict']} {line.item.milestone.title}" in plain
            required = [check for check in told["checks"] if check["required"]]
            for kind, count in line.tally.counts.items():
                meant = [
                    check for check in required
                    if check["standing"] == kind.value and (check["waiver"] is None or kind.value == "pass")
                ]  # fmt: skip
                assert count == len(meant), (line.id, kind)
            assert line.tally.waived == sum(1 for check in required if check["waiver"] is not None)
            assert (line.signed is not None) is (told["signed"] is not None and told["signed"]["counts"])
            if line.signed is not None:
                assert (
                    f"signed {told['signed']['decided']} by {line.signed.by} and {line.signed.second}"
                    in plain
                )
                assert "against the rules, which said INCOMPLETE" in plain
                assert line.signed.note in plain


async def test_every_row_with_its_words_owner_waiver_and_reason(signed, said):
    data = json.loads(said("--json"))
    plain = said("--plain", "--all")
    app = Dashboard(signed, load_plan(signed), now=lambda: NOW)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        picture = app.store.view.picture
        judged = {(item["id"], one["check"]): one for item in data["milestones"] for one in item["checks"]}
        results = {item["check"]: item for item in data["results"]}
        for verdict in picture.verdicts:
            reasons = next(
                item["reasons"] for item in data["milestones"] if item["id"] == verdict.milestone.id
            )
            assert list(verdict.reasons) == reasons
            for row in Board().rows(picture, verdict):
                one = judged[verdict.milestone.id, row.id]
                assert (one["standing"], one["required"], one["reason"]) == (
                    row.standing.value, row.required, row.reason,
                )  # fmt: skip
                assert row.id in plain
                if row.waiver is not None:
                    assert one["waiver"]["approver"] == row.waiver.approver
                    for words in (
                        row.waiver.approver,
                        row.waiver.author,
                        row.waiver.reason,
                        row.waiver.ticket,
                    ):
                        assert words in plain
                for words in (
                    (row.expected, row.fix) if row.standing.value in ("fail", "inconclusive") else ()
                ):
                    assert words in plain
                if row.standing.value in ("pass", "fail", "inconclusive", "warn"):
                    assert plain_of(row.observed) in plain
                    found = results[row.id]["findings"]
                    assert row.observed in [item["observed"] or item["message"] for item in found]
                if row.standing.value in ("fail", "inconclusive") and row.owner is not None:
                    assert row.owner.name in plain
                    assert row.owner.phone in plain


@pytest.mark.parametrize("size", SIZES)
async def test_what_blocks_is_listed_in_the_text_too(signed, said, size):
    plain = said("--plain")
    app = Dashboard(signed, load_plan(signed), now=lambda: NOW)
    async with app.run_test(size=size) as pilot:
        for number in range(1, 5):
            await pilot.press(str(number))
            for row in app.screen.query_one(Checks).items:
                assert row.id in plain
                if row.standing.value in ("stale", "not run"):
                    assert row.reason in plain


@pytest.mark.parametrize(
    "check", ["mail", "files", "intranet", "clock", "loss", "line", "plan-agreed", "way-back", "guest-wifi"]
)
async def test_the_page_of_a_check(signed, said, check):
    data = json.loads(said("--check", check, "--json"))
    plain = said("--check", check, "--plain")
    app = Dashboard(signed, load_plan(signed), now=lambda: NOW)
    async with app.run_test(size=(140, 100)) as pilot:
        app.open_detail(check)
        await until(pilot, lambda: "EVIDENCE" in text(app) or "never run" in text(app))
        await until(pilot, lambda: "PROVES" in text(app))
        row = app.screen._row
        seen = text(app)
        gate = next(item for item in data["gates"] if item["milestone"] == row.gate)
        assert gate["standing"] == row.standing.value
        assert (row.waiver is not None) is (gate["waiver"] is not None)
        for finding in row.told.findings if row.told is not None else ():
            for words in (
                finding.message,
                finding.expected,
                finding.observed,
                finding.fix,
                finding.reference,
            ):
                assert plain_of(words) in plain
                assert plain_of(words) in json.dumps(data, ensure_ascii=False) or not words
        if data["result"] is None:
            assert "never run" in plain
            return
        strip = re.search(r"History +([PWFIB]+) ", seen)
        assert strip is not None
        assert f"{strip[1]} last {len(strip[1])}" in plain
        assert len(data["history"]["executions"]) == len(strip[1])
        assert f"entry {data['entry']} of the ledger" in plain_of(seen)
        assert f"entry {data['entry']} of the ledger" in plain
        assert data["result"]["run"] in seen
        for note in data["result"]["notes"]:
            assert note["text"] in seen
            assert note["text"] in plain
        if row.waiver is not None:
            for words in (row.waiver.approver, row.waiver.author, row.waiver.reason, row.waiver.ticket):
                assert words in plain_of(seen)
                assert words in plain


async def test_the_runs(signed, said):
    data = json.loads(said("--runs", "--json"))
    plain = said("--runs", "--plain")
    app = Dashboard(signed, load_plan(signed), now=lambda: NOW)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: len(getattr(app.screen, "_counts", ())) == 3)
        runs = app.screen._runs.runs
        assert [item.run.id for item in runs] == [item["id"] for item in data["runs"]]
        for item, told in zip(runs, data["runs"], strict=True):
            assert item.became == told["became"]
            counts = {kind.value: number for kind, number in app.screen._counts[item.run.id].items()}
            assert counts == told["counts"]
            line = next(line for line in text(app).splitlines() if f" {item.run.id} " in line)
            assert item.became in line
            assert f"{item.run.id} " in plain
            assert item.run.vantage.name in plain


async def test_runs_that_go_on_and_what_broke_off(signed, said):
    plan = load_plan(signed)
    at = NOW - timedelta(seconds=30)
    run = RunRecord(
        id="r4", started=at, vantage=vantage(), plan_digest=plan.sources_digest, selected=("mail", "line")
    )
    app = Dashboard(signed, plan, now=lambda: NOW)
    with open_ledger(signed, plan) as ledger:
        ledger.begin_run(run)
        live = LiveFile(ledger.path)
    live.run_started(plan, run)
    live.check_done(result(plan, "mail", NOW, FAILED, run="r4"))
    live.check_started("line", NOW)
    live.flush()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: "run r4 goes on 1/2, 1 fail" in text(app))
        plain = said("--plain")
        assert "run r4 goes on since" in plain
        assert "1 of 2 checks done, 1 failed, 1 in flight" in plain
        told = json.loads(said("--json"))["running"]
        assert [(item["id"], item["done"]["fail"], list(item["in_flight"])) for item in told] == [
            ("r4", 1, ["line"])
        ]
        live._path.unlink()
        await until(pilot, lambda: "run r4 was killed" in text(app))
        assert "cut off before its end" in said("--plain")
        assert json.loads(said("--runs", "--json"))["runs"][0]["became"] == "killed"


async def test_where_it_was_seen_from_and_what_could_not_be_tested_there(signed, said, monkeypatch):
    plain, told = said("--plain"), json.loads(said("--json"))["run"]["vantage"]
    app = Dashboard(signed, load_plan(signed), now=lambda: NOW)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: "SEEN FROM" in text(app))
        seen = plain_of(text(app))
        for words in (told["name"], *told["addresses"], told["limits"][0][:30]):
            assert words in seen
            assert words in plain


async def test_a_problem_is_said_by_both(signed, said):
    app = Dashboard(signed, load_plan(signed), now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        signed.write_text("gonogo: [")
        await until(pilot, lambda: CANNOT_TELL in text(app))
        told = CliRunner().invoke(main, ["status", str(signed), "--plain"])
        assert told.exit_code == 2
        assert "move.yaml" in told.output
        assert "GO " not in told.output


async def test_an_older_definition_is_stale_for_both(signed, said):
    store_run(signed, load_plan(signed), "r4", NOW, [
        result(load_plan(signed), "printer", NOW, passed("printer", "open"), run="r4")
    ])  # fmt: skip
    signed.write_text(signed.read_text().replace("port: 9100", "port: 9101"))
    app = Dashboard(signed, load_plan(signed), now=lambda: NOW)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "its definition has changed" in text(app))
    assert "stale: its definition has changed since it ran printer" in said("--plain")
    ready = next(item for item in json.loads(said("--json"))["milestones"] if item["id"] == "ready")
    assert {one["check"]: one["standing"] for one in ready["checks"]}["printer"] == "stale"


@pytest.mark.parametrize("status", [Status.FAIL, Status.PASS])
async def test_the_exit_code_of_one_check_says_what_its_page_does(tmp_path, monkeypatch, status):
    monkeypatch.setattr("agent.cli.status_parts.datetime", Clock)
    file = with_a_past(tmp_path)
    at = NOW - timedelta(seconds=1)
    found = passed("192.0.2.70:9100", "open") if status is Status.PASS else REFUSED
    store_run(file, load_plan(file), "r4", at, [result(load_plan(file), "printer", at, found, run="r4")])
    done = CliRunner().invoke(main, ["status", str(file), "--check", "printer"])
    assert done.exit_code == {Status.PASS: 0, Status.FAIL: 4}[status]
    app = Dashboard(file, load_plan(file), now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_detail("printer")
        await until(pilot, lambda: "printer" in text(app))
        assert app.screen._row.standing.value == status.value
