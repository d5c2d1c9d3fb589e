"""From YAML events to plain values with their places; see `profiles.document`."""

from __future__ import annotations

import math
import re
from dataclasses import field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from checks.dataclass import dataclass
from checks.safe import safe
from profiles import secrets
from profiles.document import Document
from profiles.problems import Path, Problem, Problems, show

MAX_DEPTH = 24
MAX_VALUES = 200_000
MAX_PROBLEMS = 100
MAX_TEXT = 20_000
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_TEXT_TAG = "tag:yaml.org,2002:str"
_COLON = (
    "A colon stands where none can; is the line indented like its neighbours, or does a text with a colon "
    "need quotes?"
)
_WORDS = (
    (r"found character '\\t'", "A tab stands where YAML wants spaces; indent with spaces."),
    (r"mapping values are not allowed", _COLON),
    (r"could not find expected ':'", "A key without a colon; write 'key: value'."),
    (r"expected <block end>", "This line is not indented like its neighbours."),
    (r"expected ',' or '[\]}]'", "A list or mapping in brackets is not closed, or a comma is missing."),
    (r"found unexpected end of stream", "The file ends inside quotes."),
    (r"found undefined tag|could not determine a constructor", "Tags ('!...') are not used here."),
    (r"cannot start any token", "This character cannot begin a value; put the text in quotes."),
)  # fmt: skip


@dataclass
class _Open:
    """A list or mapping that is being read."""

    path: Path
    value: Any
    key: str | None = None
    seen: dict[str, int] = field(default_factory=dict)


class _Stop(Exception):  # noqa: N818
    """Reading further would only repeat what is wrong."""


def build(document: Document) -> None:
    """Fill in the document's values and places; raise Problems with everything that cannot be accepted."""
    builder = _Builder(document)
    offset = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(document.text):
            offset = event.start_mark.index
            builder.take(event, offset)
    except _Stop:
        pass
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "could not find expected ':'" in str(error.problem):
            mark = error.context_mark or mark
        builder.refuse(mark.index if mark else offset, (), _in_words(error))
    except Exception:  # noqa: BLE001 - the parser meets hostile text; whatever it trips over is the file's fault
        builder.refuse(offset, (), "The text after this place cannot be read as YAML.")
    if builder.problems:
        raise Problems(builder.problems)
    if builder.documents == 0:
        builder.refuse(0, (), "The file holds nothing but comments.")
        raise Problems(builder.problems)


def _in_words(error: MarkedYAMLError) -> str:
    said = f"{error.problem or ''} {error.context or ''}"
    for pattern, words in _WORDS:
        if re.search(pattern, said):
            return words
    return f"This is not YAML: {safe(error.problem or error.context or 'it cannot be read', limit=200)}."


class _Builder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.documents = 0
        self._values = 0
        self._stack: list[_Open] = []

    def refuse(self, offset: int, path: Path, message: str, hint: str = "") -> None:
        document = self.document
        offset = min(offset, len(document.text))
        self.problems.append(document.problem_at(document.at(offset), path, message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def take(self, event: Any, offset: int) -> None:
        if isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self._stack.pop()
        elif isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.refuse(offset, (), "A file holds one document; a second one begins here.")
                raise _Stop
        elif isinstance(event, (ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent)):
            self._values += 1
            if self._values > MAX_VALUES:
                self.refuse(offset, (), f"The file holds more than {MAX_VALUES:,} values.")
                raise _Stop
            self._node(event, offset)

    def _node(self, event: Any, offset: int) -> None:
        parent = self._stack[-1] if self._stack else None
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self.refuse(
                offset, parent.path if parent else (), "Anchors and aliases ('&', '*') are not used here."
            )
            if not isinstance(event, AliasEvent):
                event.anchor = None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self._key(parent, event, offset)
            return
        path: Path = ()
        if parent is not None:
            path = (*parent.path, parent.key if parent.key is not None else len(parent.value))
            if (
                parent.key is not None
                and isinstance(event, ScalarEvent)
                and event.value == ""
                and not event.style
            ):
                offset = self.document.keys[path]
        value = self._value(event, offset, path)
        if parent is None:
            self.document.value = value
        elif isinstance(parent.value, dict):
            parent.value[parent.key] = value
            parent.key = None
        else:
            parent.value.append(value)
        self.document.places[path] = offset
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            if len(self._stack) >= MAX_DEPTH:
                self.refuse(offset, path[:4], f"Lists and mappings are nested more than {MAX_DEPTH} deep.")
                raise _Stop
            self._stack.append(_Open(path, value))

    def _key(self, parent: _Open, event: Any, offset: int) -> None:
        if not isinstance(event, ScalarEvent):
            self.refuse(offset, parent.path, "A key must be text.")
            raise _Stop
        key = event.value
        if key == "<<" and event.implicit[0]:
            self.refuse(offset, parent.path, "Merge keys ('<<') are not used here.")
        elif not isinstance(self._scalar(event, offset, parent.path), str):
            self.refuse(
                offset, parent.path, f"A key must be text, not {show(key) if key else 'nothing'}.",
                "put it in quotes" if key else "",
            )  # fmt: skip
        elif key in parent.seen:
            first = self.document.at(parent.seen[key])
            self.refuse(offset, (*parent.path, key), f"The key is written twice; first at {first}.")
        parent.seen.setdefault(key, offset)
        parent.key = key
        self.document.keys[(*parent.path, key)] = offset

    def _value(self, event: Any, offset: int, path: Path) -> Any:
        if isinstance(event, AliasEvent):
            return None
        if isinstance(event, ScalarEvent):
            value = self._scalar(event, offset, path)
            self._secret(event, offset, path, value)
            return value
        if event.tag is not None:
            self.refuse(offset, path, "Tags ('!...') are not used here.")
        return {} if isinstance(event, MappingStartEvent) else []

    def _scalar(self, event: ScalarEvent, offset: int, path: Path) -> Any:
        text = str(event.value)
        if event.tag is not None and event.tag not in (_TEXT_TAG, "!"):
            self.refuse(offset, path, "Tags ('!...') are not used here.")
            return text
        if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
            self.refuse(
                offset, path, "The text holds a character that is none (U+0000 or half a surrogate pair)."
            )
            return ""
        if len(text) > MAX_TEXT:
            self.refuse(offset, path, f"A text has at most {MAX_TEXT:,} characters, not {len(text):,}.")
            return ""
        if event.tag is not None or not event.implicit[0]:
            return text
        return self._plain(text, offset, path)

    def _plain(self, text: str, offset: int, path: Path) -> Any:
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        number: int | float | None = None
        if len(text) <= 40:
            if _INT.match(text):
                number = int(text)
            elif _OCTAL.match(text) or _HEX.match(text):
                number = int(text, 0)
            elif _FLOAT.match(text):
                number = float(text)
        elif _FLOAT.match(text):
            number = math.inf
        if _ENDLESS.match(text) or (number is not None and not abs(number) < 2**63):
            self.refuse(offset, path, "A number must be finite and below 2^63.")
            return 0
        return text if number is None else number

    def _secret(self, event: ScalarEvent, offset: int, path: Path, value: Any) -> None:
        message = secrets.find(path, value)
        if message is None:
            return
        document = self.document
        first, last = document.at(offset).line, document.at(max(offset, event.end_mark.index - 1)).line
        document.hidden_lines.update(range(first, last + 1))
        document.hidden += [str(event.value), *str(event.value).split()]
        document.problems.append(document.problem_at(document.at(offset), path, message))
