"""The dashboard in real, headless Chromium: what a project manager sees, and what another site cannot do."""

from __future__ import annotations

import asyncio
import signal

import pytest
from aiohttp import web

from tests.lab.needs import need
from tests.tui.web.chromium import chromium
from tests.tui.web.serving import program, project_of_now, until

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("browser")]
COVERED = "getComputedStyle(document.querySelector('.closed')).display === 'flex'"
ON_TOP = "!!document.elementFromPoint(innerWidth / 2, 40).closest('.cover')"


@pytest.fixture(autouse=True)
def browser_is_there():
    need("chromium", root=False)


@pytest.fixture
def file(tmp_path):
    return project_of_now(tmp_path)


async def opened(tab, address, width=1000, height=640):
    page = await tab()
    page.painter = await tab()
    await page.resize(width, height)
    await page.open(address)
    await until(lambda: "NO-GO" in page.words, "the verdict is shown")
    await until(lambda: painted(page), "it is painted")
    return page


async def painted(page):
    """Return whether letters are to be seen: many shades, and no colour that fills it all."""
    colours = await page.colours()
    return len(colours) > 100 and max(colours.values()) < 0.99 * sum(colours.values())


def loud(said):
    """Return what a console complained about; software drawing and the sandbox's hint are no complaint."""
    return [line for line in said if line.startswith(("error", "exception"))]


async def test_the_printed_address_shows_the_verdict(file, tmp_path):
    with program(file) as run:
        async with chromium(tmp_path) as tab:
            page = await opened(tab, run.address())
            (app,) = run.children()
            assert await page.js("location.pathname + location.search") == "/"
            assert await page.js("document.cookie") == ""
            assert await page.js("document.fonts.check(\"16px 'Roboto Mono'\")")
            assert await page.js("window.open('http://127.0.0.1:1/')") is None

            for key, word in (("Enter", "192.0.2.20"), ("Escape", "mail"), ("?", "Keys")):
                page.drawn = b""
                await page.press(key)
                await until(lambda word=word: word in page.words, f"{key} shows {word}")
            await page.press("Escape")
            for key in ("r", "Enter", "Enter"):
                await page.press(key)
            await page.press("Escape")

            page.drawn = b""
            await page.resize(1600, 900)
            await until(lambda: "NO-GO" in page.words, "it is drawn anew")
            await until(lambda: painted(page), "and painted")
            assert app.children() == []
            assert len(page.asked) > 6
            assert not page.foreign()
            assert not loud(page.said), page.said
        await until(lambda: not run.children(), "the app ends with the window")


async def test_a_click_on_another_site_leads_in_and_the_site_itself_gets_nothing(file, tmp_path):
    with program(file) as run:
        address = run.address()
        base = address.partition("/?")[0]

        async def foreign(request):
            link = address if request.path == "/link" else ""
            text = f'<a id="a" href="{link}">x</a><iframe id="f" src="{base}/"></iframe>'
            return web.Response(text=text, content_type="text/html")

        app = web.Application()
        app.router.add_get("/{any:.*}", foreign)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        there = f"http://localhost:{site._server.sockets[0].getsockname()[1]}"
        try:
            async with chromium(tmp_path) as tab:
                page = await tab()
                await page.open(f"{there}/link")
                await until(
                    lambda: page.js("!!document.getElementById('a')?.href"), "the other site is there"
                )
                await page.js("document.getElementById('a').click()")
                await until(lambda: "NO-GO" in page.words, "the verdict is shown")
                assert len(run.children()) == 1

                evil = await tab()
                await evil.open(f"{there}/")
                await until(lambda: evil.js("!!document.getElementById('f')"), "the other site is there")
                socket = f"new WebSocket('{base.replace('http', 'ws')}/ws?width=80&height=24')"
                outcome = "s.onopen = () => done(1); s.onerror = () => done(0)"
                tried = f"new Promise(done => {{ const s = {socket}; {outcome} }})"
                assert await evil.js(tried) == 0
                read = f"fetch('{base}/', {{credentials: 'include'}}).then(() => 1, () => 0)"
                assert await evil.js(read) == 0
                refused = "frame-ancestors"
                await until(lambda: any(refused in line for line in evil.said), "the frame is refused")
                inside = "document.getElementById('f').contentDocument === null"
                await until(lambda: evil.js(inside), "nothing of it is in the frame")
                assert len(run.children()) == 1
        finally:
            await runner.cleanup()


async def test_a_window_that_hears_nothing_more_shows_no_verdict(file, tmp_path):
    with program(file) as run:
        async with chromium(tmp_path) as tab:
            page = await opened(tab, run.address())
            assert not await page.js(COVERED)
            assert not await page.js(ON_TOP)
            (app,) = run.children()
            app.suspend()
            await until(lambda: page.js(COVERED), "what was shown is covered", 25)
            await until(lambda: not app.is_running(), "the server ends what stands still")
            assert await page.js(ON_TOP)
            assert "Nothing was heard from gonogo" in await page.js("document.body.innerText")

            page.drawn = b""
            await page.js("document.getElementById('again').click()")
            await until(lambda: "NO-GO" in page.words, "the button shows it again")
            await asyncio.to_thread(run.stop, signal.SIGTERM)
            await until(lambda: page.js(COVERED), "the end is told", 5)
            assert "was ended in its terminal" in await page.js("document.body.innerText")
