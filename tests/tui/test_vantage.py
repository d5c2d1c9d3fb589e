"""Where the newest run looked from, what it could not test, and what the doctor finds here."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agent.doctor import Item
from agent.files.load import load_plan
from checks.words import Status
from tests.tui.conftest import SIZES
from tests.tui.filling import until
from tests.tui.office import NOW, UNTOLD, result, store_run, vantage, write_project
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.screens.detail import DetailPage
from tui.screens.vantage import VantagePage
from tui.store import Examined

ITEMS = (
    Item("gonogo", "pass", "0.1.0 on Python 3.11"),
    Item("raw frames", "warn", "cannot be used (no rights)", "Run it as root."),
    Item("folder", "fail", "/project cannot be written", "Run it in a folder of your own."),
)
BAD = ("\x1b", "\x07", "\x9b", "\u202e", "\x00")


def words(app):
    """Return what is on the screen as one line."""
    return " ".join(text(app).split())


def on_this(app, monkeypatch, *, host="laptop-7", items=ITEMS):
    """Let the doctor find `items` on `host`; returns the number of times it was asked."""
    asked = []

    async def examine():
        asked.append(1)
        return Examined(host=host, at=app.store.now(), items=items)

    monkeypatch.setattr(app.store, "examine", examine)
    return asked


@pytest.mark.parametrize("size", SIZES)
async def test_it_tells_where_the_run_stood_and_what_it_could_not_test(dashboard, size, monkeypatch):
    on_this(dashboard, monkeypatch)
    async with dashboard.run_test(size=size) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: isinstance(dashboard.screen, VantagePage))
        await until(pilot, lambda: "1 check could not tell in that run" in words(dashboard))
        await until(pilot, lambda: "THIS LAPTOP laptop-7 looked at" in words(dashboard))
        seen = words(dashboard)
        assert "SEEN FROM laptop-7 by run r3" in seen
        assert "Sat 5 Dec 2026 18:13 CET, 4 min ago" in seen
        assert "10.20.0.55" in seen
        assert "+12 ms, ahead (limit 2 s either way)" in seen
        assert "?? INCONCLUSIVE clock" in seen
        assert "another laptop" not in seen
        check_snapshot(dashboard, "vantage")
        everything = await whole(pilot)
        assert "Raw frames cannot be used: run it as root to test link.duplicate_ip." in everything
        assert "!! FAIL folder /project cannot be written" in everything
        assert "W WARN raw frames" in everything
        assert "Run it as root." in everything


async def whole(pilot):
    """Return what both texts say, also what is not on the screen, as one line."""
    said = []
    for name in ("stand", "doctor"):
        paper = pilot.app.screen.query_one(f"#{name}")
        said += ["".join(raw for raw, _ in item.parts) for item in paper.paras]
    return " ".join(" ".join(said).split())


async def test_enter_leads_to_the_evidence(dashboard, monkeypatch):
    on_this(dashboard, monkeypatch)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: "could not tell in that run" in words(dashboard))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(dashboard.screen, DetailPage))
        await until(pilot, lambda: "clock" in text(dashboard))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(dashboard.screen, VantagePage))


async def test_another_laptop_is_named(dashboard, monkeypatch):
    on_this(dashboard, monkeypatch, host="office-pc")
    async with dashboard.run_test(size=(140, 40)) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: "seen from another laptop, laptop-7" in words(dashboard))
        assert "dashboard runs on office-pc" in words(dashboard)


async def test_r_looks_again_once_and_trouble_is_a_sentence(dashboard, monkeypatch):
    asked = on_this(dashboard, monkeypatch)
    async with dashboard.run_test(size=(140, 40)) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: "THIS LAPTOP laptop-7 looked at Sat 5 Dec" in words(dashboard))
        assert len(asked) == 1
        go = asyncio.Event()

        async def fails():
            asked.append(1)
            await go.wait()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(dashboard.store, "examine", fails)
        await pilot.press("r", "r", "r")
        await until(pilot, lambda: "is being looked at again" in words(dashboard))
        go.set()
        await until(pilot, lambda: "The doctor could not look" in words(dashboard))
        assert len(asked) == 2
        assert "!! FAIL folder" in words(dashboard)


async def test_the_real_doctor_looks_at_this_laptop_and_not_at_a_terminal(dashboard):
    found = await dashboard.store.examine()
    names = [item.name for item in found.items]
    assert "folder" in names
    assert "colour" not in names
    assert str(dashboard.store.project_file.parent) in next(
        item.observed for item in found.items if item.name == "folder"
    )
    dashboard.store.close()


async def test_who_only_shows_says_whose_laptop_it_is(project, monkeypatch):
    app = Dashboard(project, load_plan(project), read_only=True, now=lambda: NOW)
    on_this(app, monkeypatch)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: "THE LAPTOP THAT SERVES THIS PAGE laptop-7" in words(app))


async def test_without_a_run_nothing_is_claimed(tmp_path, monkeypatch):
    file = write_project(tmp_path)
    app = Dashboard(file, load_plan(file), now=lambda: NOW)
    on_this(app, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: "nothing was seen from anywhere" in words(app))
        seen = words(app)
        assert "SEEN FROM" not in seen
        assert "link" not in seen.split("THIS LAPTOP")[0]


async def test_a_laptop_without_link_says_what_it_kept_from_running(tmp_path, monkeypatch):
    file = write_project(tmp_path)
    plan = load_plan(file)
    found = [
        result(plan, "files", NOW, run="r1", status=Status.BLOCKED, blocked_by="vantage"),
        result(plan, "intranet", NOW, run="r1", status=Status.BLOCKED, blocked_by="files"),
        result(plan, "clock", NOW, UNTOLD, run="r1"),
    ]
    off = vantage(
        link_up=False, addresses=(), clock_offset_s=-75.2, vpn=("tun0",), proxy=("http://proxy:3128",),
        limits=("No interface of this laptop is connected: plug the cable in.",),
    )  # fmt: skip
    store_run(file, plan, "r1", NOW, found, seen_from=off)
    app = Dashboard(file, plan, now=lambda: NOW)
    on_this(app, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: "2 checks could not tell in that run" in words(app))
        everything = await whole(pilot)
        assert "none with an address" in everything
        assert "-75.2 s, behind (limit 2 s either way)" in everything
        assert "tun0" in everything
        assert "No interface of this laptop is connected" in everything
        listing = app.screen.query_one("#untold")
        assert [row.id for row in listing.items] == ["clock", "files"]
        assert "OK PASS" not in text(app).split("could not tell")[1]


async def test_its_age_grows_without_news(dashboard, project, monkeypatch):
    clock = [NOW]
    app = Dashboard(project, load_plan(project), now=lambda: clock[0])
    on_this(app, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        await until(pilot, lambda: "4 min ago" in words(app))
        clock[0] = NOW + timedelta(hours=3)
        await until(pilot, lambda: "3 h 4 min ago" in words(app))


async def test_hostile_facts_are_harmless_and_bounded(tmp_path, monkeypatch):
    evil = "a\x1b]52;c;eA==\x07b\x9bc\u202ed[/][red]\x00"
    file = write_project(tmp_path)
    plan = load_plan(file)
    face = {"name": evil, "up": True, "speed_mbps": evil, "addresses": [evil] * 100, "mtu": None}
    bad = vantage(
        name=evil, host=evil, user=evil, os=evil * 1000, tool=evil, addresses=(evil,) * 300, vpn=(evil,),
        interfaces=(face,) * 300, proxy=(evil,), privileges=(evil,), limits=(evil,) * 300,
    )  # fmt: skip
    store_run(file, plan, evil, NOW, [result(plan, "clock", NOW, UNTOLD, run=evil)], seen_from=bad)
    app = Dashboard(file, plan, now=lambda: NOW)
    on_this(app, monkeypatch, host=evil, items=(Item(evil, evil, evil, evil),))
    for size in SIZES:
        async with Dashboard(file, plan, now=lambda: NOW).run_test(size=size) as pilot:
            on_this(pilot.app, monkeypatch, host=evil, items=(Item(evil, evil, evil, evil),))
            await pilot.press("v")
            await until(pilot, lambda: isinstance(pilot.app.screen, VantagePage))
            await until(pilot, lambda: "could not tell" in words(pilot.app))
            for _ in range(8):
                lines = "".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
                assert not [char for char in BAD if char in lines]
                pilot.app.screen.query_one("#stand").scroll_page_down(animate=False)
                await pilot.pause()
            assert len(pilot.app.screen.query_one("#stand").paras) < 60
