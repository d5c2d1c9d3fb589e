"""What is wrong with a file that a person wrote: every problem with its place, all of them at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from checks.dataclass import dataclass
from checks.safe import safe

Path = tuple[str | int, ...]
"""Where in a document a value stands: keys and list indices from the top."""


MAX_SHOWN = 100


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A file with line and column, both counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: `message` is a full sentence, `hint` what was probably meant.

    `source` is the line of the file, with any secret in it hidden; None where there is no line to show.
    """

    place: Place
    path: Path
    message: str
    hint: str = ""
    source: str | None = None
    parameters: tuple[Path, ...] = ()
    """Where below `with` the wrong value came from, the likeliest first."""

    def __str__(self) -> str:
        where = f"{show_path(self.path)}: " if self.path else ""
        hint = f" - {self.hint}" if self.hint else ""
        message = self.message.removesuffix(".") if self.hint else self.message
        head = safe(f"{self.place}: {where}{message}{hint}", limit=1500)
        if self.source is None:
            return head
        number = f"{self.place.line:>6} | "
        before = safe(self.source[: self.place.column - 1], limit=1000)
        if len(before) > 90:
            return head
        return f"{head}\n{number}{safe(self.source, limit=140)}\n{' ' * 6} | {' ' * len(before)}^"

    def as_json(self) -> dict[str, Any]:
        """Return the problem as the object that `gonogo lint --json` prints."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "path": show_path(self.path),
            "message": safe(self.message),
            "hint": safe(self.hint),
        }


class Problems(Exception):  # noqa: N818 - named for what a person is shown
    """A file cannot be used; `problems` says everything that is wrong with it, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique: dict[tuple[Place, Path, str], Problem] = {}
        for problem in problems:
            message = "" if problem.path else problem.message
            unique.setdefault((problem.place, problem.path, message), problem)
        self.problems = tuple(sorted(unique.values(), key=lambda problem: problem.place))
        super().__init__()

    def __str__(self) -> str:
        shown = [str(problem) for problem in self.problems[:MAX_SHOWN]]
        more = len(self.problems) - len(shown)
        return "\n".join([*shown, f"... and {more} more problems."] if more else shown)


def scrub(problems: Iterable[Problem], secrets: Sequence[str]) -> list[Problem]:
    """Return the problems with every one of `secrets` taken out of what they say."""
    words = sorted((text for text in set(secrets) if len(text) > 2), key=len, reverse=True)

    def clean(text: str) -> str:
        for word in words:
            for form in (word, repr(word)[1:-1]):
                text = text.replace(form, "[not shown]")
        return text

    return [replace(item, message=clean(item.message), hint=clean(item.hint)) for item in problems]


def show_path(path: Path) -> str:
    """Return `checks.wan-ping.targets[0]` for the path of a value."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f"{'.' if text else ''}{safe(part, limit=80)}"
    return text


def show(value: Any) -> str:
    """Return a short, harmless form of a value for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"'{safe(value, limit=60)}'" if isinstance(value, str) else safe(str(value), limit=60)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the nearest of `known`, or nothing."""
    import difflib

    near = difflib.get_close_matches(str(word)[:100], list(itertools.islice(known, 2000)), n=1)
    return f"did you mean '{near[0]}'?" if near else ""
