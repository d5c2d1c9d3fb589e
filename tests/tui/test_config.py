"""dashboard.yaml: a theme and keys; every mistake at once with its place, and the keys really change."""

from __future__ import annotations

import subprocess

import pytest

from agent.files.load import load_plan
from profiles.problems import Problems
from tests.tui.office import NOW
from tests.tui.screen import text
from tests.tui.terminal import GONOGO, Terminal
from tui.app import Dashboard
from tui.config import Config, config_path, load_config
from tui.keymap import clashes, key_of, known_ids
from tui.screens.help import HelpPage


def written(folder, content):
    path = folder / "dashboard.yaml"
    path.write_text(content, encoding="utf-8")
    return path


def problems(folder, content):
    with pytest.raises(Problems) as raised:
        load_config(written(folder, content))
    return raised.value.problems


def test_no_file_and_an_empty_mapping_are_the_dashboard_as_it_comes(tmp_path):
    assert load_config(None) == load_config(tmp_path / "none.yaml") == Config()
    assert load_config(written(tmp_path, "{}\n")) == Config()
    assert load_config(written(tmp_path, "theme:\nkeymap:\n")) == Config()


def test_theme_and_keys_are_read_as_yaml_1_2(tmp_path):
    content = "theme: high-contrast\nkeymap:\n  app.live: z\n  app.freeze: [f5, O, 0]\n"
    found = load_config(written(tmp_path, content))
    assert found.theme == "high-contrast"
    assert found.keymap == {"app.live": "z", "app.freeze": "f5,O,0"}


WRONG = """\
theme: gonogo-lite
keymap:
  app.quit: [f10, alt+x]
  app.hlp: x
  app.live: d
colour: 1
"""


def test_every_mistake_is_told_at_once_with_its_place(tmp_path):
    found = problems(tmp_path, WRONG)
    places = [(item.place.line, item.place.column) for item in found]
    assert places == [(1, 8), (3, 19), (4, 3), (5, 13), (6, 1)]
    hints = [item.hint for item in found]
    assert hints[0] == "did you mean 'gonogo-light'?"
    assert hints[2] == "did you mean 'app.help'?"
    assert "app.history" in found[3].message


NOT_UNDERSTOOD = [
    "- a\n", "5\n", "theme: [a]\n", "keymap: 5\n", "keymap: {app.quit: []}\n", "keymap: {app.quit: }\n",
    "keymap: {app.quit: {a: b}}\n", "theme: gonogo\ntheme: gonogo\n", "keymap: {5: x}\n",
    "\x1b]52;c;x\n", "",
]  # fmt: skip


@pytest.mark.parametrize("content", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_refused(tmp_path, content):
    assert problems(tmp_path, content)


NO_KEYS = [
    "alt+x", "ctrl+shift+a", "shift+f1", "ctrl+c", "ctrl+q", "ctrl+i", "é", "", " ", "xx", True, 1.5, None,
]  # fmt: skip


@pytest.mark.parametrize("key", NO_KEYS)
def test_keys_that_not_every_terminal_sends_are_refused(key):
    with pytest.raises(ValueError, match="no key that every terminal sends"):
        key_of(key)


def test_keys_are_named_as_textual_does():
    assert [key_of(key) for key in ("x", "X", "?", 5, "F10", "Ctrl+G", "space", "/")] == [
        "x", "X", "question_mark", "5", "f10", "ctrl+g", "space", "slash",
    ]  # fmt: skip


def test_two_things_on_one_key_are_a_clash_only_where_both_work():
    assert not list(clashes({}))
    assert list(clashes({"app.live": "d"}))
    assert not list(clashes({"app.live": "v", "app.vantage": "l"}))
    assert list(clashes({"app.freeze": "j"})), "j moves in lists"
    assert not list(clashes({"palette.back": "d"})), "the palette takes no key of the pages"


def test_every_id_that_exists_can_be_given_a_key_of_its_own():
    for name in known_ids():
        assert not list(clashes({name: "f12"})), name


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "XDG_CONFIG_HOME", "gonogo"),
        ("win32", "APPDATA", "gonogo"),
        ("darwin", "HOME", "Library/Application Support/gonogo"),
    ],
)
def test_where_the_file_is_looked_for(monkeypatch, tmp_path, platform, variable, folder):
    monkeypatch.setattr("tui.config.sys.platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert config_path() == tmp_path / folder / "dashboard.yaml"


async def test_a_key_that_was_given_works_is_shown_and_the_old_one_does_nothing(project):
    app = Dashboard(
        project, load_plan(project), now=lambda: NOW, keymap={"app.help": "f1", "app.freeze": "f5"}
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert " f1 Keys" in text(app)
        await pilot.press("question_mark")
        await pilot.press("space")
        assert not isinstance(app.screen, HelpPage)
        assert not app.frozen
        await pilot.press("f5", "f1")
        await pilot.pause()
        assert app.frozen
        assert isinstance(app.screen, HelpPage)


async def test_the_theme_that_was_named_is_used(project):
    app = Dashboard(project, load_plan(project), now=lambda: NOW, theme="high-contrast")
    async with app.run_test(size=(80, 24)):
        assert app.current_theme.name == "high-contrast"


def test_a_broken_file_ends_before_the_screen_opens(project, tmp_path):
    (tmp_path / "gonogo").mkdir()
    written(tmp_path / "gonogo", "theme: drak\nkeymap: {app.quiet: x}\n")
    with Terminal(GONOGO, "dashboard", project, cwd=tmp_path, XDG_CONFIG_HOME=str(tmp_path)) as shown:
        assert shown.wait_end() == 2
        assert b"\x1b[?1049h" not in shown.raw
        assert b"dashboard.yaml:1:8: theme: There is no theme 'drak'" in shown.raw
        assert b"did you mean 'app.quit'?" in shown.raw


def test_without_a_terminal_it_says_what_says_the_same(project):
    done = subprocess.run(
        [GONOGO, "dashboard", project],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2
    assert "gonogo status FILE --plain" in done.stderr
