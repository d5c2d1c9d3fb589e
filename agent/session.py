"""From a plan to an outcome in one call: self-check, event loop, Ctrl-C, and threads that will not end.

`gonogo run`, `here` and `demo` call `run_session`; tests of the engine call `agent.engine.run.execute`.
A run with a ledger on disk writes its live file, too, and heeds who asks it there to stop.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.engine.events import Sink
from agent.engine.loop import run_loop
from agent.engine.run import Outcome, execute
from agent.ledger.store import Ledger
from agent.live import LiveFile
from agent.plan import Plan
from agent.secrets import resolve_secret
from agent.selfcheck import look_at_ourselves
from checks.vantage import Attestation, Earlier, Shared

TELL_S = 0.25
"""How often the live file is written, and looked at for a wish to stop."""


def run_session(
    plan: Plan,
    selected: Sequence[str],
    *,
    ledger: Ledger,
    sinks: Sequence[Sink] = (),
    vantage_name: str | None = None,
) -> Outcome:
    """Run the checks `selected` of `plan` and return the outcome.

    The first Ctrl-C stops the run cleanly; a second one ends the process at once, and the ledger still holds
    everything that was reported. Raises LedgerError where the run cannot be begun, and KeyboardInterrupt
    where it was stopped before the first check or while its end was being written.
    """
    try:
        return run_loop(_session(plan, selected, ledger, sinks, vantage_name))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _session(
    plan: Plan, selected: Sequence[str], ledger: Ledger, sinks: Sequence[Sink], vantage_name: str | None
) -> Outcome:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    asked = 0

    def stop(*_: Any) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            os._exit(1)
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)

    main_thread = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in _stopping()} if main_thread else {}
    live = LiveFile(ledger.path) if ledger.path is not None else None
    telling = asyncio.create_task(_tell(live, stop), name="live file") if live is not None else None
    try:
        shared = Shared(
            resolve_secret=resolve_secret,
            attestations=statements(plan, ledger.attestations()),
            history=lambda check, limit: earlier(ledger, plan, check, limit),
            survey=lambda check: tuple(ledger.survey(check)),
        )
        told = [*sinks, live] if live is not None else sinks
        vantage = await look_at_ourselves(shared, name=vantage_name, time_servers=plan.project.time_servers)
        return await execute(plan, selected, vantage=vantage, shared=shared, ledger=ledger, sinks=told)
    finally:
        if telling is not None:
            telling.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


async def _tell(live: LiveFile, stop: Callable[[], None]) -> None:
    """Write what was said a few times a second; the first wish to stop is like the first Ctrl-C."""
    asked = False
    while True:
        await asyncio.sleep(TELL_S)
        live.flush()
        if not asked and live.stop_asked():
            asked = True
            stop()


def statements(plan: Plan, said: Mapping[str, Attestation]) -> dict[str, Attestation]:
    """Return what people stated, each with how old it may be for the strictest gate that looks at it.

    A run makes a new result of an old statement: without this no gate's `max_age` would ever reach it.
    """
    limits: dict[str, float] = {}
    for milestone in plan.milestones:
        for need in milestone.gate.needs:
            limits[need.check] = min(milestone.gate.max_age_s, limits.get(need.check, math.inf))
    return {name: replace(one, fresh_s=limits.get(name)) for name, one in said.items()}


def earlier(ledger: Ledger, plan: Plan, check: str, limit: int) -> tuple[Earlier, ...]:
    """Return what earlier runs hold of `check`, the newest first; results of another type are left out."""
    wanted = plan.by_id[check].type if check in plan.by_id else ""
    asked = limit
    while True:
        known = ledger.history(check, asked)
        own = [one for one in known if one.type == wanted][:limit]
        if len(own) == limit or len(known) < asked:
            break
        asked *= 4
    found = [ledger.result(one.seq) for one in own]
    return tuple(Earlier(at=one.started, status=one.status, observation=one.observation) for one in found)


def _stopping() -> tuple[signal.Signals, ...]:
    return (signal.SIGINT,) if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
