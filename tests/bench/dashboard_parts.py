"""What `tests.bench.dashboard` starts as processes of their own: `python -m` this, PART and what it takes.

`ours FILE STAMP`, `table STAMP`: an app in a terminal, which writes when Textual's import was over.
`flood FILE SECONDS`: a run that stores 200 results a second. `day FILE`: a day of the dashboard in a minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

CHECKS, RATE = 5000, 200


def _stamp(path: str) -> None:
    import textual.app  # noqa: F401

    Path(path).write_text(repr(time.monotonic()), encoding="ascii")


def ours(file: str, stamp: str) -> None:
    """The dashboard as `gonogo dashboard` starts it, plan and all, once Textual is there."""
    os.environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"
    _stamp(stamp)
    from agent.cli import main

    main(["dashboard", file])


def table(stamp: str) -> None:
    """The same list in Textual's own DataTable, rows at hand."""
    os.environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"
    _stamp(stamp)
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    class Table(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable(cursor_type="row")

        def on_mount(self) -> None:
            shown = self.query_one(DataTable)
            shown.add_columns("STATUS", "CHECK", "TARGET", "WANT, GOT", "AGE")
            shown.add_rows(
                ("!! FAIL", f"c{n}", f"192.0.2.{n % 250}:443", "want open, got refused", "2m")
                for n in range(CHECKS)
            )

    Table().run()


def flood(file: str, seconds: str) -> None:
    """Store results of all checks in turn, as a run does, until the time is over."""
    from agent.files.load import load_plan
    from agent.ledger.store import ledger_path
    from agent.livefile import LiveFile
    from agent.records import RunRecord
    from agent.running import open_ledger
    from tests.tui.office import FAILED, passed, result, vantage

    plan = load_plan(Path(file))
    run = RunRecord(
        id=f"flood{os.getpid()}", started=datetime.now(UTC), vantage=vantage(),
        plan_digest=plan.sources_digest, selected=tuple(plan.by_id), project_file=Path(file).name,
    )  # fmt: skip
    live = LiveFile(ledger_path(Path(file), plan.project.id))
    names = list(plan.by_id)
    with open_ledger(Path(file), plan) as ledger:
        ledger.begin_run(run)
        live.run_started(plan, run)
        writer = ledger.writer(lambda done: [live.check_done(one) for one in done], live.check_lost)
        print("go", flush=True)
        begun = time.monotonic()
        for n in range(int(RATE * float(seconds))):
            now = datetime.now(UTC)
            live.check_started(names[n % CHECKS], now)
            found = FAILED if n % 40 == 0 else passed("it", f"open after {n % 9} ms")
            writer.put(result(plan, names[n % CHECKS], now, found, run=run.id))
            if n % 40 == 39:
                live.flush()
            time.sleep(max(0.0, begun + n / RATE - time.monotonic()))
        print("done", flush=True)
        writer.close()
        live.run_done(run)
        ledger.end_run(run.id, finished=datetime.now(UTC), outcome="finished")


def day(file: str) -> None:
    """A day: a look a minute by a clock that runs ahead, results every ten minutes, a detail every hour."""
    import psutil

    from agent.files.load import load_plan
    from tests.tui.office import passed, result, store_run
    from tui.app import Dashboard

    plan = load_plan(Path(file))
    clock = [datetime.now(UTC)]
    names = list(plan.by_id)
    sizes = []

    async def go() -> None:
        app = Dashboard(Path(file), plan, now=lambda: clock[0])
        async with app.run_test(size=(140, 40)) as pilot:
            for minute in range(24 * 60):
                clock[0] += timedelta(minutes=1)
                if minute % 10 == 0:
                    some = [names[(minute * 5 + n) % CHECKS] for n in range(50)]
                    made = [
                        result(plan, name, clock[0], passed("it", "open"), run=f"d{minute}") for name in some
                    ]
                    store_run(Path(file), plan, f"d{minute}", clock[0], made)
                app.store.refresh(app._tell)
                await pilot.pause()
                if minute % 60 == 30:
                    await pilot.press("enter")
                    await pilot.pause()
                    await pilot.press("escape")
                if minute % 60 == 0:
                    sizes.append(psutil.Process().memory_info().rss / 1e6)

    asyncio.run(go())
    print(json.dumps(sizes), flush=True)


if __name__ == "__main__":
    {"ours": ours, "table": table, "flood": flood, "day": day}[sys.argv[1]](*sys.argv[2:])
