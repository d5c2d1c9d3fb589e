"""Sinks of a live run: one rewritten line on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any, TextIO

from agent.plan import Plan
from agent.records import RunRecord
from agent.report.as_json import run_json
from agent.report.style import SIGNS, Style
from checks.safe import safe
from checks.words import Result, Status, rfc3339

_REDRAW_S = 0.1


class _Heard:
    """A stream that falls silent when nobody reads it any more: the run goes on, and the ledger keeps it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def write(self, text: str) -> None:
        if self._stream is not None:
            try:
                self._stream.write(text)
            except BrokenPipeError:
                self._stream = None

    def flush(self) -> None:
        if self._stream is not None:
            try:
                self._stream.flush()
            except BrokenPipeError:
                self._stream = None


class ProgressLine:
    """`12/40  1 fail  2 running: dns-intranet ...`, rewritten at most ten times a second."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self._stream = _Heard(stream)
        self._style = style
        self._total = 0
        self._done = 0
        self._counts: dict[Status, int] = {}
        self._running: dict[str, None] = {}
        self._drawn = 0.0
        self._told = False

    def run_started(self, plan: Plan, run: RunRecord) -> None:
        self._total = len(run.selected)
        self._draw(force=True)

    def check_started(self, check: str, at: datetime) -> None:
        self._running[check] = None
        self._draw()

    def check_done(self, result: Result) -> None:
        self._done += 1
        self._running.pop(result.check, None)
        self._counts[result.status] = self._counts.get(result.status, 0) + 1
        if result.status in (Status.FAIL, Status.INCONCLUSIVE):
            self._clear()
            sign = self._style.paint(SIGNS[result.status.value], result.status.value)
            self._stream.write(f"{sign}  {result.check}\n")
            self._told = True
        self._draw()

    def check_lost(self, result: Result, why: str) -> None:
        self._done += 1
        self._running.pop(result.check, None)
        self._draw()

    def run_done(self, run: RunRecord) -> None:
        self._clear()
        if self._told:
            self._stream.write("\n")
        self._stream.flush()

    def _draw(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._drawn < _REDRAW_S:
            return
        self._drawn = now
        words = [f"{self._done}/{self._total}"]
        words += [
            f"{count} {status.value}" for status, count in self._counts.items() if status is not Status.PASS
        ]
        if self._running:
            words.append("running: " + ", ".join(list(self._running)[:3]))
        line = "  ".join(words)[: self._style.width - 1]
        self._clear()
        self._stream.write(line)
        self._stream.flush()

    def _clear(self) -> None:
        self._stream.write("\r" + " " * (self._style.width - 1) + "\r")


class PlainLines:
    """One line a result as it is stored: for logs, serial consoles and screen readers."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = _Heard(stream)

    def run_started(self, plan: Plan, run: RunRecord) -> None:
        self._say(f"run {run.id} started: {len(run.selected)} checks")

    def check_started(self, check: str, at: datetime) -> None:
        pass

    def check_done(self, result: Result) -> None:
        self._say(f"{SIGNS[result.status.value]:<16} {result.check}  {safe(result.target, limit=80)}")

    def check_lost(self, result: Result, why: str) -> None:
        self._say(f".. NOT STORED    {result.check}  {safe(why)}")

    def run_done(self, run: RunRecord) -> None:
        self._say(f"run {run.id} {run.outcome}")

    def _say(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class JsonLines:
    """One JSON object a line: `event` is run_started, check_started, check_done, check_lost or run_done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = _Heard(stream)

    def run_started(self, plan: Plan, run: RunRecord) -> None:
        self._emit("run_started", project=plan.project.id, run=run_json(run))

    def check_started(self, check: str, at: datetime) -> None:
        self._emit("check_started", check=check, at=rfc3339(at))

    def check_done(self, result: Result) -> None:
        self._emit("check_done", result=result.as_json())

    def check_lost(self, result: Result, why: str) -> None:
        self._emit("check_lost", result=result.as_json(), why=why)

    def run_done(self, run: RunRecord) -> None:
        self._emit("run_done", run=run_json(run))

    def _emit(self, event: str, **rest: Any) -> None:
        self._stream.write(json.dumps({"event": event, **rest}) + "\n")
        self._stream.flush()
