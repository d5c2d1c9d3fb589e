"""Filling in the dialogs by the keyboard alone, and waiting for what comes of it."""

from __future__ import annotations

import asyncio
import time

from agent.files.load import load_plan
from agent.running import open_ledger
from tests.tui.screen import text

REASON = "The spare file server takes over until Monday morning"
WAIVER = [
    ("reason", REASON), ("risk", "medium"), ("ticket", "CHG-20417"), ("expires", "2026-12-06 06:00"),
    ("author", "Ann Rey"), ("approver", "Max Lind"), ("confirmation", "hq-move"),
]  # fmt: skip


async def until(pilot, met, *, seconds=10.0):
    """Wait until `met()` says so and what was told is painted; fails with what is on the screen."""
    limit = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < limit, text(pilot.app)
        await pilot.pause(0.02)
    await pilot.pause()


async def type_in(pilot, said):
    """Press the keys of a text."""
    names = {" ": "space", "-": "minus", ":": "colon", ".": "full_stop", ",": "comma"}
    for char in said:
        await pilot.press(names.get(char, char))


async def fill(pilot, fields):
    """Fill in the fields in order, by tab and keys: from Cancel, where a dialog begins."""
    for name, said in fields:
        await to(pilot, name)
        control = pilot.app.focused
        if hasattr(control, "options"):
            values = [value for value, _ in control.options]
            await pilot.press(*["right"] * values.index(said), "space")
        else:
            await type_in(pilot, said)


async def ready_to_save(pilot, fields=WAIVER):
    """Fill in the fields at once, where it is not the typing that is tested."""
    for name, value in fields:
        control = pilot.app.screen.query_one(f"#{name}")
        if hasattr(control, "options"):
            await fill(pilot, [(name, value)])
        else:
            control.value = value
    await pilot.pause()


async def stand_on(pilot, check):
    """Go down the list of the page until the cursor is on `check`."""
    await until(pilot, lambda: getattr(pilot.app.focused, "chosen", None) is not None)
    for _ in range(30):
        if pilot.app.focused.chosen.id == check:
            return
        await pilot.press("down")
    raise AssertionError(f"There is no {check} in the list:\n{text(pilot.app)}")


async def to(pilot, name):
    """Press tab until the widget called `name` has the focus."""
    for _ in range(20):
        if pilot.app.focused is not None and pilot.app.focused.id == name:
            return
        await pilot.press("tab")
    raise AssertionError(f"Tab never comes to {name}:\n{text(pilot.app)}")


async def opened(pilot):
    """Wait until a dialog is there and has drawn itself."""
    app = pilot.app
    await until(pilot, lambda: app.screen.is_modal and "Confirm" in text(app))
    await pilot.pause()


def kept(file, what):
    """Return what the ledger holds: `waivers`, `decisions` or `attestations`."""
    with open_ledger(file, load_plan(file), read_only=True) as ledger:
        return getattr(ledger, what)()


async def closed(pilot):
    """Wait until no dialog is open."""
    await until(pilot, lambda: not pilot.app.screen.is_modal)
    await asyncio.sleep(0)
