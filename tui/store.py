"""Between the screens and the agent: the newest view, at most five times a second, and what a person does.

Nothing here judges and nothing in a widget does I/O. What takes long goes to a thread. What only some pages
need is imported when they ask: it would be a tenth of the time to the first screen.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.ledger import Known
from agent.ledger.errors import explaining
from agent.plan import Plan
from agent.records import Baseline, Decision, RunRecord, Waiver
from agent.running import open_ledger
from agent.spawn import Spawned, start_run
from agent.verdict import Standing
from agent.watch import View, Watch
from checks.dataclass import dataclass
from checks.vantage import Attestation
from checks.words import Result
from tui.aside import aside

if TYPE_CHECKING:
    from agent.diff import Diff
    from agent.doctor import Item
    from agent.runs import Runs
    from agent.story import Story
    from checks.survey import Look, SurveyPoint

PERIOD_S = 0.2
SHARE = 0.1
"""Of a core, that looking and painting may take at most while news arrive: then it looks less often."""
LONGEST_S = 5.0
"""However long a look takes: what is shown is not older than this and a look."""


def utc_now() -> datetime:
    """Return the wall clock."""
    return datetime.now(UTC)


class ReadOnly(Exception):  # noqa: N818 - said to the person who tried
    """This dashboard only shows."""

    def __init__(self) -> None:
        super().__init__("This dashboard only shows: start gonogo dashboard in a terminal to do that.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the doctor found on the laptop that this dashboard runs on."""

    host: str
    at: datetime
    items: tuple[Item, ...]


class Store:
    """One project, watched. `tell` is called with each new view, on the event loop."""

    def __init__(
        self,
        project_file: Path,
        plan: Plan,
        *,
        read_only: bool = False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.read_only = read_only
        self.now = now
        self._watch = Watch(project_file, plan)
        looked = self._watch.look(now())
        assert looked is not None
        self.view: View = looked
        self._spawned: list[Spawned] = []
        self.failed_start = ""
        """What the last run that this dashboard started said when it could not run at all."""
        self._started = False

    @property
    def project_file(self) -> Path:
        """Return the project file as it was given."""
        return self._watch.project_file

    @property
    def host(self) -> str:
        """Return the name of the laptop that this dashboard runs on."""
        return socket.gethostname()

    @property
    def plan(self) -> Plan:
        """Return the plan of the newest view."""
        return self.view.picture.plan

    async def follow(self, tell: Callable[[View], None]) -> None:
        """Look again and again until cancelled, and tell what is new."""
        while True:
            begun, spent = time.monotonic(), time.process_time()
            self.refresh(tell)
            await asyncio.sleep(PERIOD_S)  # what was told is painted meanwhile
            rest = (time.process_time() - spent) / SHARE - (time.monotonic() - begun)
            await asyncio.sleep(min(LONGEST_S, max(0.0, rest)))

    def refresh(self, tell: Callable[[View], None]) -> None:
        """Look once, now."""
        self._reap()
        view = self._watch.look(self.now())
        if view is not None:
            self.view = view
            tell(view)

    def _reap(self) -> None:
        for spawned in list(self._spawned):
            code = spawned.ended()
            if code is not None:
                self._spawned.remove(spawned)
                if code in (1, 2):
                    self.failed_start = spawned.said()

    @property
    def all_over(self) -> bool:
        """Return whether this dashboard started runs and all of them are over."""
        return self._started and not self._spawned

    # What a person does

    def start_run(self, *, milestones: Sequence[str] = (), only: Sequence[str] = ()) -> None:
        """Start a run as a process of its own; raises ReadOnly, OSError."""
        self._may_write()
        self.failed_start, self._started = "", True
        self._spawned.append(start_run(self.project_file, milestones=milestones, only=only))

    def stop_run(self, run: str) -> None:
        """Ask a run that goes on to stop; raises ReadOnly, OSError."""
        self._may_write()
        self._watch.ask_to_stop(run)

    async def write(self, record: Waiver | Attestation | Decision | Baseline | SurveyPoint) -> None:
        """Store a person's word; raises ReadOnly, LedgerError."""
        self._may_write()

        def add() -> None:
            with open_ledger(self.project_file, self.plan) as ledger:
                ledger.add(record)

        await asyncio.to_thread(add)

    def _may_write(self) -> None:
        if self.read_only:
            raise ReadOnly

    # What a screen asks for; each raises LedgerError

    async def result(self, seq: int) -> Result:
        """Return a whole result, with observation and notes."""
        return await asyncio.to_thread(self._watch.ledger.result, seq)

    async def history(self, check: str) -> list[Known]:
        """Return the last executions of a check, the newest first."""
        return await asyncio.to_thread(self._watch.ledger.history, check)

    async def story(self, check: str, *, counts: int | None = None) -> Story:
        """Return a check's past; `counts` is the number of the result that counts, where it is known."""
        from agent.story import story

        past = await self.history(check)
        return await asyncio.to_thread(story, check, past, counts=counts)

    async def run(self, run: str) -> RunRecord | None:
        """Return the run with that id, if there is one."""
        return await asyncio.to_thread(self._watch.ledger.run, run)

    async def run_results(self, run: str) -> dict[str, Known]:
        """Return for each check the newest result that this run stored."""
        return await asyncio.to_thread(self._watch.ledger.latest_of_run, run)

    async def runs(self) -> list[RunRecord]:
        """Return the runs, the one begun last first."""
        return await asyncio.to_thread(self._watch.ledger.runs)

    async def head(self) -> str:
        """Return number and hash of the ledger's last entry, as `Decision.head` keeps them."""
        number, digest = await asyncio.to_thread(self._watch.ledger.head)
        return f"{number}:{digest}"

    async def examine(self) -> Examined:
        """Let the doctor look at the laptop that this dashboard runs on; raises OSError."""
        from agent.doctor import examine

        folder = self.project_file.absolute().parent

        def work() -> Examined:
            items = tuple(asyncio.run(examine(folder, terminal=False, writes=not self.read_only)))
            return Examined(host=socket.gethostname(), at=self.now(), items=items)

        return await aside(work)

    async def survey(self, check: str) -> list[SurveyPoint]:
        """Return the points of a Wi-Fi survey that were measured for a check, the oldest first."""
        return await asyncio.to_thread(self._watch.ledger.survey, check)

    async def look_at_the_air(self) -> Look:
        """Scan once with this laptop's radio; raises CannotTell, also where nothing fresh was to be had."""
        from agent.survey.looks import one_look

        return await aside(lambda: asyncio.run(one_look()))

    @staticmethod
    async def pause(seconds: float) -> None:
        """Wait between two looks."""
        await asyncio.sleep(seconds)

    async def diff(self, before: str, after: str) -> Diff:
        """Compare two sides, named as `agent.diff.side` says; raises NoSuchSide, too.

        An empty `before` is the run before the last one that tested something of the same.
        """
        from agent.diff import compare, previous, side

        def work() -> Diff:
            ledger, now = self._watch.ledger, self.now()
            left = side(ledger, before or previous(ledger), now=now)
            right = side(ledger, after, now=now)
            with explaining(str(ledger.path)):
                return compare(self.plan, left, right)

        return await asyncio.to_thread(work)

    async def past(self) -> Runs:
        """Return the newest runs and every baseline."""
        from agent.runs import look_back

        return await asyncio.to_thread(look_back, self._watch.ledger, self.now())

    async def tested(self, run: RunRecord) -> dict[Standing, int]:
        """Return how the checks of a run stood in it."""
        from agent.runs import tested

        return await asyncio.to_thread(tested, self._watch.ledger, run)

    async def draft_baseline(self, name: str, run: str, by: str) -> Baseline:
        """Return the baseline that gives a run a name; raises Refused, too."""
        from agent.runs import draft_baseline

        def work() -> Baseline:
            return draft_baseline(self._watch.ledger, name=name, run=run, by=by, now=self.now())

        return await asyncio.to_thread(work)

    def close(self) -> None:
        """Release the ledger; runs that were started go on."""
        self._watch.close()
