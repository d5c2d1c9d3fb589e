"""The list: nothing is out of reach, the cursor stays where it was, columns stay in line, and it is quick."""

from __future__ import annotations

import time
import tracemalloc
import unicodedata

import pytest
from textual.app import App

from tests.checks.hostile import ESCAPES
from tests.tui.screen import text
from tui.themes import DEFAULT, THEMES
from tui.widgets.cells import cut, harmless, want_got
from tui.widgets.listing import Column, Listing

NAMES = [f"item-{n:05}" for n in range(200)]


class Lists(App):
    def __init__(self, items, paint=None, columns=None):
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT
        self._items, self.painted, self.chosen, self.moved = items, [], [], []
        self._paint, self._columns = paint, columns or [Column("NAME"), Column("MORE", 10)]

    def compose(self):
        def paint(item):
            self.painted.append(item)
            return self._paint(item) if self._paint else [(item, ""), ("x", "dim")]

        yield Listing(self._columns, key=str, paint=paint, empty="Nothing here.")

    def on_mount(self):
        self.list.put(self._items)
        self.list.focus()

    @property
    def list(self):
        return self.query_one(Listing)

    def on_listing_chosen(self, event):
        self.chosen.append(event.listing.chosen)

    def on_listing_moved(self, event):
        self.moved.append(event.listing.chosen)


def lines(app):
    return text(app).splitlines()


@pytest.mark.parametrize("keys", [["end"], ["pagedown"] * 20, ["pagedown"] * 19 + ["j"] * 30])
async def test_the_last_item_can_be_reached_and_the_heading_stays(keys):
    app = Lists(NAMES)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        seen = lines(app)
        assert seen[0].startswith("NAME")
        assert seen[11].startswith("item-00199")
        assert app.list.chosen == "item-00199"
        await pilot.press("home")
        await pilot.pause()
        assert lines(app)[1].startswith("item-00000")


@pytest.mark.parametrize("count", [0, 1, 10, 11, 12, 13])
async def test_lists_about_as_long_as_the_screen_show_everything_and_their_end(count):
    app = Lists(NAMES[:count])
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        seen = lines(app)
        if count:
            assert any(line.startswith(NAMES[count - 1]) for line in seen)
        else:
            assert seen[1] == "Nothing here."


async def test_a_click_lands_on_the_line_below_the_pointer_after_scrolling_too():
    app = Lists(NAMES)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        await pilot.click(Listing, offset=(3, 4))
        await pilot.pause()
        assert app.list.chosen == lines(app)[4].split()[0] == "item-00192"
        assert app.chosen == []
        await pilot.click(Listing, offset=(3, 4))
        await pilot.pause()
        assert app.chosen == ["item-00192"]
        await pilot.click(Listing, offset=(3, 0))
        await pilot.click(Listing, offset=(3, 4), button=3)
        await pilot.pause()
        assert app.chosen == ["item-00192"]


async def test_a_click_below_a_short_list_chooses_nothing():
    app = Lists(NAMES[:2])
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.click(Listing, offset=(3, 8))
        await pilot.pause()
        assert (app.list.chosen, app.chosen) == ("item-00000", [])


@pytest.mark.parametrize(
    ("before", "at", "after", "expected"),
    [
        ("abcde", "c", "xyzabcde", "c"),
        ("abcde", "c", "edcba", "c"),
        ("abcde", "c", "abde", "d"),
        ("abcde", "e", "ab", "b"),
        ("abcde", "c", "", None),
        ("abcde", "a", "b", "b"),
    ],
)
async def test_the_cursor_stays_on_its_item_when_rows_move_vanish_or_shrink(before, at, after, expected):
    app = Lists(list(before))
    async with app.run_test(size=(40, 12)) as pilot:
        app.list.go_to(at)
        await pilot.pause()
        app.moved.clear()
        app.list.put(list(after))
        await pilot.pause()
        assert app.list.chosen == expected
        assert app.moved == ([] if expected == at else [expected])


async def test_the_cursor_stays_in_sight_when_rows_come_above_it_and_when_the_screen_shrinks():
    app = Lists(NAMES)
    async with app.run_test(size=(40, 30)) as pilot:
        app.list.go_to("item-00025")
        await pilot.pause()
        app.list.put([*(f"new-{n}" for n in range(90)), *NAMES])
        await pilot.pause()
        assert any(line.startswith("item-00025") for line in lines(app))
        for height in (8, 3, 2, 1, 20):
            await pilot.resize_terminal(40, height)
            await pilot.pause()
            assert height == 1 or any(line.startswith("item-00025") for line in lines(app)), height


async def test_rows_that_come_above_are_seen_at_the_top_of_the_list():
    app = Lists(NAMES)
    async with app.run_test(size=(40, 12)) as pilot:
        app.list.put(["worse", *NAMES])
        await pilot.pause()
        assert lines(app)[1].startswith("worse")
        assert app.list.chosen == "item-00000"


async def test_who_scrolled_away_is_not_pulled_back_by_news():
    app = Lists(NAMES)
    async with app.run_test(size=(40, 12)) as pilot:
        app.list.scroll_to(y=50, animate=False)
        await pilot.pause()
        app.list.put([*NAMES, "more"])
        await pilot.pause()
        assert lines(app)[1].startswith("item-00050")
        await pilot.press("down")
        await pilot.pause()
        assert any(line.startswith("item-00001") for line in lines(app))


async def test_a_list_that_shrinks_below_where_it_was_scrolled_to_shows_its_end():
    app = Lists(NAMES)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        app.list.put(NAMES[:15])
        await pilot.pause()
        assert lines(app)[11].startswith("item-00014")


async def test_only_lines_that_changed_are_painted_again():
    values = dict.fromkeys(NAMES, "old")
    app = Lists(NAMES, paint=lambda item: [(item, ""), (values[item], "")])
    async with app.run_test(size=(40, 22)) as pilot:
        await pilot.pause()
        drawn = []
        render = app.list.render_line
        app.list.render_line = lambda y: drawn.append(y) or render(y)
        app.list.put(list(NAMES))
        await pilot.pause()
        assert drawn == []
        values["item-00007"] = "new"
        app.list.put(list(NAMES))
        await pilot.pause()
        assert drawn == [8]
        assert "new" in lines(app)[8]
        drawn.clear()
        await pilot.press("down")
        await pilot.pause()
        assert sorted(drawn) == [1, 2]


async def test_the_place_of_the_scroll_bar_leaves_no_old_cells():
    app = Lists(NAMES[:5], columns=[Column("NAME"), Column("MORE", 6, right=True)])
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert lines(app)[1].endswith("x")
        for items in (NAMES, NAMES[:5]):
            app.list.put(items)
            await pilot.pause()
            assert {len(line.rstrip().rstrip("x")) for line in lines(app)[1:5]} == (
                {38} if items is NAMES else {39}
            )


WIDE = [
    "日本語の会社", "e\u0301\u0301\u0301tude", "\u0301leads", "한국어", "☎\ufe0f phone", "🇩🇪 flag",
    "👍🏽 thumb", "a\u200db", "ไทย", "abc", "\uff21\uff42\uff43", "1\ufe0f\u20e3", "👨\u200d👩\u200d👧",
    "\u1100\u1161\u11a8",
]  # fmt: skip


def cells_of(char):
    """Return how many cells a terminal gives a character, by Unicode's own data."""
    if unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


async def test_wide_combining_and_hostile_text_keeps_columns_in_line():
    items = [*WIDE, *(f"{item}{ESCAPES}" for item in WIDE[:3]), ESCAPES, "日" * 300, "x\u0301" * 300]
    columns = [Column("NAME", 17), Column("MORE", 9), Column("N", 5, right=True)]
    app = Lists(items, paint=lambda item: [(item, ""), (item[::-1], ""), ("12", "")], columns=columns)
    async with app.run_test(size=(31, 40)) as pilot:
        await pilot.pause()
        for line, strip in enumerate(app.screen._compositor.render_strips()[: len(items) + 1]):
            shown = strip.text
            assert sum(map(cells_of, shown)) == strip.cell_length == 31, shown
            assert not any(unicodedata.category(char).startswith("C") for char in shown)
            if line:
                assert shown.endswith("   12"), shown


async def test_a_list_too_narrow_for_its_columns_is_survived():
    app = Lists(NAMES, columns=[Column("A", 30), Column("B", 30), Column("C")])
    async with app.run_test(size=(20, 5)) as pilot:
        for width in (1, 2, 3, 20):
            await pilot.resize_terminal(width, 5)
            await pilot.pause()
        assert lines(app)[1].startswith("item")


@pytest.mark.parametrize("count", [5_000, 20_000])
async def test_long_lists_of_long_texts_are_quick(count):
    huge = "x\x1b[31m" * 150_000
    items = [f"item-{n}" for n in range(count)]
    app = Lists(items, paint=lambda item: [(item, "fail"), (huge, "")])
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        app.painted.clear()
        begun = time.perf_counter()
        app.list.put([*items[1:], items[0]])
        put = time.perf_counter() - begun
        begun = time.perf_counter()
        for line in range(40):
            app.list.render_line(line)
        paint = time.perf_counter() - begun
        tracemalloc.start()
        app.list.put(items)
        for line in range(40):
            app.list.render_line(line)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"{count}: put {put * 1e3:.1f} ms, 40 lines {paint * 1e3:.1f} ms, {most / 1e3:.0f} kB")
        await pilot.pause()
        assert len(set(app.painted)) < 100, "only what is visible is painted"
        assert most < 5e6


@pytest.mark.parametrize(
    ("want", "got", "room", "expected"),
    [
        ("10 mx2", "10 mx1", 40, "want 10 mx2, got 10 mx1"),
        ("", "refused", 40, "refused"),
        ("", "refused after twelve", 10, "refused a~"),
        ("a" * 50, "b", 30, f"want {'a' * 17}~, got b"),
        ("a", "b" * 50, 30, f"want a, got {'b' * 17}~"),
        ("a" * 50, "b" * 50, 31, f"want {'a' * 9}~, got {'b' * 9}~"),
        ("日" * 50, "語" * 50, 31, f"want {'日' * 4}~, got {'語' * 4}~"),
        ("a" * 50, "b" * 50, 3, "wa~"),
        ("a", "b", 0, ""),
        ("192.0.2.25", "192.0.2.20", 40, "want 192.0.2.25, got 192.0.2.20"),
        ("192.0.2.25", "192.0.2.20", 20, "want ~25, got ~20"),
        (
            "mx1.example and mx2.example",
            "mx1.example and mx3.example",
            40,
            "want ~mx2.example, got ~mx3.example",
        ),
        ("open", "open on one of two", 20, "want open, got open~"),
        ("2026-12-05", "2026-12-04", 17, "want ~05, got ~04"),
    ],
)
def test_neither_what_was_wanted_nor_what_was_got_crowds_out_the_other(want, got, room, expected):
    assert want_got(want, got, room) == expected


def test_a_cut_text_says_so_and_a_fitting_one_is_whole():
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 5) == "abcd~"
    assert harmless("☎\ufe0f") == "☎\\ufe0f"
