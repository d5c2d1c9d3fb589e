"""Texts of old switches that a plan may repeat, and those that it must not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from checks.device.records import Neighbour
from checks.safe import safe

MAX_NAME = 256
_SERIAL = re.compile(r"\s*\([^()]{1,80}\)\Z")
_VERSION = re.compile(r"\d\.\d|,")
_SHORTEST_SECRET = 4
_NO_SECRETS = frozenset({"public", "private"})
"""Communities that everybody knows, and that are words of a plan, too."""


class Texts:
    """Knows the secrets of this session."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = [
            one for one in secrets if len(one) >= _SHORTEST_SECRET and one.casefold() not in _NO_SECRETS
        ]

    def refused(self, text: str) -> str:
        """Return why the plan does not repeat `text`; empty where it may."""
        if len(text) > MAX_NAME:
            return f"it is longer than {MAX_NAME} characters"
        if text != safe(text):
            return "it holds characters that cannot be shown"
        if text.startswith("TODO"):
            return "it says TODO"
        if any(one.casefold() in text.casefold() for one in self._secrets):
            return "a secret is in it"
        return ""

    def shown(self, text: str, limit: int = 60) -> str:
        """Return a text as a comment or a terminal may show it."""
        for one in self._secrets:
            text = re.sub(re.escape(one), "[secret]", text, flags=re.IGNORECASE)
        return safe(text, limit=limit)

    def listed(self, texts: Iterable[str], most: int = 8) -> str:
        """Return texts in one line, and how many more there are."""
        found = list(texts)
        more = f" and {len(found) - most} more" if len(found) > most else ""
        return ", ".join(self.shown(one, 40) for one in found[:most]) + more


def name_of(neighbour: Neighbour) -> str:
    """Return a neighbour's name without the serial number that some append; empty for what is none.

    Where a neighbour sends no name the model has the first line of its description, with model and firmware:
    the next device of the same purpose will have another.
    """
    name = _SERIAL.sub("", neighbour.remote_name.strip())
    return "" if " " in name and _VERSION.search(name) else name


def literal(text: str) -> str:
    """Return `text` as a project file writes it where `${name}` would be filled in."""
    return text.replace("${", "$${")
