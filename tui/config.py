"""A person's own settings: `dashboard.yaml` in the user's config folder, with a theme and other keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from checks.dataclass import dataclass
from profiles.document import Document, read_document
from profiles.files import read_bytes
from profiles.problems import Problem, Problems, did_you_mean, show
from tui.keymap import clashes, key_of, known_ids
from tui.themes import DEFAULT, THEMES

FILE = "dashboard.yaml"
_KEYS = ("theme", "keymap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the file says; without a file, or where it says nothing, the dashboard as it comes."""

    theme: str = DEFAULT
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Ids of bindings with the keys, comma-separated, that take the place of their own."""


def config_path() -> Path | None:
    """Return where the file is looked for; None for a user without a home."""
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Application Support"
        else:
            base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    except RuntimeError:
        return None
    return base / "gonogo" / FILE if base.is_absolute() else None


def load_config(path: Path | None) -> Config:
    """Return the settings of the file `path`; raise Problems with everything that is wrong with it."""
    if path is None or not path.exists():
        return Config()
    document = read_document(read_bytes(path, str(path)), str(path))
    value, problems = document.value, list(document.problems)
    if value is None:
        return Config()
    if not isinstance(value, dict):
        message = f"The file holds {show(value)}; it is a mapping with theme: and keymap:."
        raise Problems([document.problem((), message)])
    problems += [
        document.problem(
            (key,), f"There is no setting {show(key)}.",
            did_you_mean(key, _KEYS) or f"there are: {', '.join(_KEYS)}", key=True,
        )
        for key in value if key not in _KEYS
    ]  # fmt: skip
    theme = _theme(document, value.get("theme"), problems)
    keymap = _keymap(document, value.get("keymap"), problems)
    if problems:
        raise Problems(problems)
    return Config(theme=theme, keymap=keymap)


def _theme(document: Document, value: Any, problems: list[Problem]) -> str:
    names = [theme.name for theme in THEMES]
    if value is None:
        return DEFAULT
    if value in names:
        return str(value)
    problems.append(
        document.problem(
            ("theme",), f"There is no theme {show(value)}.",
            did_you_mean(value, names) or f"there are: {', '.join(names)}",
        )
    )  # fmt: skip
    return DEFAULT


def _keymap(document: Document, value: Any, problems: list[Problem]) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        message = f"This is {show(value)}; it is a mapping from what a key does to the key."
        problems.append(document.problem(("keymap",), message, "for example app.quit: f10"))
        return {}
    known = known_ids()
    found: dict[str, str] = {}
    for name, keys in value.items():
        path = ("keymap", name)
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(sorted(known))}"
            problems.append(document.problem(path, f"Nothing is called {show(name)}.", hint, key=True))
            continue
        made = []
        listed = keys if isinstance(keys, list) else [keys]
        for number, key in enumerate(listed):
            try:
                made.append(key_of(key))
            except ValueError as error:
                at = (*path, number) if isinstance(keys, list) else path
                problems.append(document.problem(at, str(error)))
        if not listed:
            problems.append(document.problem(path, "No key is given; leave the line out to keep its own."))
        elif len(made) == len(listed):
            found[name] = ",".join(made)
    problems += [document.problem(("keymap", name), message) for name, message in clashes(found)]
    return found
