"""A YAML file that a person wrote, as plain values, with the place of every value and key.

YAML 1.2, read event by event and built here, so that nothing in it can construct anything: `NO` is text,
`22:30` is text, `010` is ten. Refused with a place: aliases, tags, merge keys, duplicate keys, several
documents, numbers that are not finite, and whatever is too large or too deep.
"""

from __future__ import annotations

import bisect
import functools
import re
from dataclasses import field
from typing import Any

from checks.dataclass import dataclass
from profiles import secrets
from profiles.files import whole_file
from profiles.problems import Path, Place, Problem, Problems

MAX_LINE = 20_000
_LINES = re.compile(r"\r\n|\r|\n")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Document:
    """The values of one file; `name` is how the file is called in messages."""

    name: str
    text: str
    value: Any = None
    places: dict[Path, int] = field(default_factory=dict, repr=False)
    """Offset of each value in the text."""
    keys: dict[Path, int] = field(default_factory=dict, repr=False)
    """Offset of the key of each value that has one."""
    hidden: list[str] = field(default_factory=list, repr=False)
    """Secrets found in clear, to be kept out of every message."""
    hidden_lines: set[int] = field(default_factory=set, repr=False)
    problems: list[Problem] = field(default_factory=list, repr=False)
    """What is wrong although it could be read: secrets in clear."""

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINES.finditer(self.text))]

    def at(self, offset: int) -> Place:
        """Return the place of a character of the text."""
        line = bisect.bisect_right(self._starts, offset)
        return Place(self.name, line, offset - self._starts[line - 1] + 1)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of the value at `path` (of its key, if asked), or of the nearest around it."""
        for length in range(len(path), -1, -1):
            part = path[:length]
            offset = self.keys.get(part) if key else None
            offset = self.places.get(part) if offset is None else offset
            if offset is not None:
                return self.at(offset)
        return Place(self.name, 1, 1)

    def line(self, number: int) -> str:
        """Return a line of the source, with any secret in it hidden."""
        starts = self._starts
        end = starts[number] if number < len(starts) else len(self.text)
        text = secrets.hide(self.text[starts[number - 1] : end].rstrip("\r\n"))
        if number in self.hidden_lines and "[not shown]" not in text:
            return text.partition(":")[0] + ": [not shown]" if ":" in text else "[not shown]"
        return text

    def problem(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> Problem:
        """Return the problem that `message` states about the value (or key) at `path`."""
        return self.problem_at(self.place(path, key=key), path, message, hint)

    def problem_at(self, place: Place, path: Path, message: str, hint: str = "") -> Problem:
        """Return the problem that `message` states about `path`, shown at `place` of this file."""
        return Problem(place=place, path=path, message=message, hint=hint, source=self.line(place.line))

    def get(self, path: Path) -> Any:
        """Return the value at `path` as it is written, or None."""
        value = self.value
        for part in path:
            known = part in value if isinstance(value, dict) else isinstance(value, list)
            if not known or (isinstance(value, list) and not (isinstance(part, int) and part < len(value))):
                return None
            value = value[part]
        return value


def read_document(data: bytes, name: str) -> Document:
    """Return the document that `data` holds, called `name` in messages; raise Problems if it holds none."""
    from profiles.building import build

    document = Document(name, _decode(data, name))
    bad = _UNPRINTABLE.search(document.text)
    if bad:
        raise Problems([
            document.problem_at(
                document.at(bad.start()), (),
                f"The character U+{ord(bad.group()):04X} must not stand in the file; remove it.",
            )
        ])  # fmt: skip
    if not document.text.strip():
        raise whole_file(name, "The file is empty.")
    for number, line in enumerate(_LINES.split(document.text), start=1):
        if len(line) > MAX_LINE:
            message = f"A line has more than {MAX_LINE:,} characters."
            raise Problems([Problem(place=Place(name, number, 1), path=(), message=message)])
    build(document)
    return document


def _decode(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise whole_file(name, "The file is UTF-16; save it as UTF-8.")
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        problem = Problem(
            place=Place(name, line, column),
            path=(),
            message=f"The byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8.",
        )
        raise Problems([problem]) from None
