"""An event loop that ends when its work is done, whoever is still stuck in it.

`asyncio.run` waits for every task that swallows its cancellation and for every thread that sits in a system
call; one check of a foreign distribution could then hold up a whole run for ever.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

THREADS = 64
"""Name lookups and blocking libraries run in threads; a slow resolver must not keep the others waiting."""
LAST_WAIT_S = 1.0
SELDOM = (20_000, 50, 100)
"""Collector thresholds of a run: thousands of results live to its end and make no cycles; 5-10 % of CPU."""


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a new event loop and return what it returns; whatever it left behind is cancelled."""
    loop = asyncio.new_event_loop()
    thresholds = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="gonogo")
    loop.set_default_executor(threads)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=LAST_WAIT_S))
        for task in left:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        gc.set_threshold(*thresholds)
        threads.shutdown(wait=False, cancel_futures=True)
        asyncio.set_event_loop(None)
        loop.close()
