"""The values that `${name}` stands for, and texts with them filled in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from checks.dataclass import dataclass
from profiles.problems import did_you_mean, show

MAX_TEXT = 20_000
_USE = re.compile(r"\$(?:\$\{|\{([^{}]*)\}|\{)")
NAME = re.compile(r"([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\Z")
_WHOLE = re.compile(r"\$\{([^{}]*)\}\Z")


class LeftOut:
    """What `${name?}` stands for where nothing was given."""


LEFT_OUT = LeftOut()


class Unbound(Exception):  # noqa: N818 - becomes a problem of the file
    """A `${}` has no value here; carries message and hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Scope:
    """The values that `${}` may name. None stands for a parameter that is known and was not given."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def get(self, use: str) -> Any:
        """Return the value that the inside of a `${}` names; raise Unbound."""
        match = NAME.match(use)
        if match is None:
            raise Unbound(
                f"'${{{use}}}' is not the name of a parameter, like ${{gateway}} or ${{server.name}}."
            )
        name, part = match.groups()
        if name not in self.values:
            known = did_you_mean(name, self.values)
            raise Unbound(f"There is no parameter '{name}'.", known)
        value = self.values[name]
        if part is None:
            return value
        if not isinstance(value, dict):
            raise Unbound(f"'{name}' has no fields; write ${{{name}}}.")
        if part not in value:
            raise Unbound(f"'{name}' has no field '{part}'.", did_you_mean(part, value))
        return value[part]

    def given(self, use: str) -> Any:
        """Return the value as `get` does; one that was not given raises Unbound."""
        value = self.get(use)
        if value is None:
            raise Unbound(
                f"The parameter '{use}' has no value; give it under 'with', or guard the check by "
                f"'when: ${{{use}}}'."
            )
        return value

    def fill(self, value: Any) -> Any:
        """Return `value` with every `${}` in its texts replaced; raise Unbound at the first that cannot.

        A key or an item that is `${name?}` is left out where nothing was given for `name`.
        """
        if isinstance(value, str):
            filled = self.scalar(value)
            if isinstance(filled, LeftOut):
                raise Unbound(f"Nothing was given for '{value}', and it cannot be left out here.")
            return filled
        if isinstance(value, list):
            return [self.fill(item) for item in value if not self.left_out(item)]
        if isinstance(value, dict):
            kept = {key: item for key, item in value.items() if not self.left_out(item)}
            return {self.key(key, value): self.fill(item) for key, item in kept.items()}
        return value

    def scalar(self, text: str) -> Any:
        """Return a text filled in, or what says that it is left out."""
        whole = _WHOLE.match(text)
        if whole is None:
            return self.text(text)
        use = whole.group(1)
        if not use.endswith("?"):
            return self.given(use)
        value = self.get(use[:-1])
        return LEFT_OUT if value is None else value

    def left_out(self, value: Any) -> bool:
        """Return whether `value` is a `${name?}` for which nothing was given; raise Unbound as `fill`."""
        return isinstance(value, str) and value.endswith("?}") and isinstance(self.scalar(value), LeftOut)

    def key(self, key: Any, mapping: Mapping[Any, Any]) -> Any:
        """Return a mapping's key with every `${}` replaced; raise Unbound where that makes it another's."""
        if not isinstance(key, str) or "$" not in key:
            return key
        made = self.text(key)
        if sum(made == (self.text(other) if isinstance(other, str) else other) for other in mapping) > 1:
            raise Unbound(f"Filled in, two keys of the mapping are {show(made)}.")
        return made

    def text(self, text: str, *, slugs: bool = False) -> str:
        """Return `text` with every `${}` replaced by the value's text (as part of an id, if `slugs`)."""

        def insert(match: re.Match[str]) -> str:
            if match.group() == "$${":
                return "${"
            if match.group(1) is None:
                raise Unbound("'${' is not closed; write ${name}, or $${ for the characters themselves.")
            if match.group(1).endswith("?"):
                raise Unbound(f"'{match.group()}' leaves out what it stands for, so it can only stand alone.")
            value = self.given(match.group(1))
            if isinstance(value, (list, dict)):
                raise Unbound(f"'${{{match.group(1)}}}' is {show(value)}; it can only stand alone.")
            written = show(value) if isinstance(value, bool) else str(value)
            return slug(written) if slugs else written

        made = _USE.sub(insert, text) if "$" in text else text
        if len(made) > MAX_TEXT:
            raise Unbound(f"Filled in, the text has more than {MAX_TEXT:,} characters.")
        return made


def uses(value: Any) -> list[str]:
    """Return the insides of every `${}` in `value`."""
    if isinstance(value, str):
        return [match[1].removesuffix("?") for match in _USE.finditer(value) if match[1] is not None]
    if isinstance(value, dict):
        return [use for pair in value.items() for part in pair for use in uses(part)]
    return [use for item in value for use in uses(item)] if isinstance(value, list) else []


def size(value: Any, limit: int) -> int:
    """Return how many values stand in `value`, counted up to a little over `limit`."""
    count, rest = 0, [value]
    while rest and count <= limit:
        item = rest.pop()
        count += 1
        if isinstance(item, (dict, list)):
            if len(item) > limit:
                return len(item)
            rest.extend(item.values() if isinstance(item, dict) else item)
    return count


def slug(text: str) -> str:
    """Return `text` as part of an id: lower case, what may not stand in an id as a hyphen."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]", "-", plain).strip("-") or "x"
