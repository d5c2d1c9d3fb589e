"""Where a value of a profile's check was written: the parameter under `with` that it came from."""

from __future__ import annotations

import json
import re
from typing import Any

from profiles.expand import Draft, uses
from profiles.problems import Path

_QUOTED = re.compile(r"(?<!\w)'([^'\n]{1,300})'(?!\w)")


def parameters_of(draft: Draft, path: Path, message: str) -> list[str]:
    """Return the parameters that the value at `path` of a draft came from, the likeliest first.

    What a check says of itself as a whole has no path: then it is the key, or else the value, that the
    message quotes.
    """
    for length in range(len(path), 0, -1):
        written = draft.document.get((*draft.path, *path[:length]))
        if written is not None:
            return _roots(draft, written) if isinstance(written, str) or length == len(path) else []
    quoted = _QUOTED.findall(message)
    keys = [key for key in quoted if key in draft.body]
    keys += [
        key for text in quoted for key, value in draft.body.items()
        if json.dumps(text)[1:-1] in json.dumps(value, default=str)
    ]  # fmt: skip
    found = [name for key in keys for name in _roots(draft, draft.document.get((*draft.path, key)))]
    return list(dict.fromkeys(found))


def _roots(draft: Draft, written: Any) -> list[str]:
    """Return the names of parameters in what is written, the item of an `each` by its list's."""
    each = draft.document.get((*draft.path, "each"))
    lists = each if isinstance(each, dict) else {}
    found: list[str] = []
    for use in uses(written):
        name = use.partition(".")[0]
        found += [part.partition(".")[0] for part in uses(lists[name])] if name in lists else [name]
    return list(dict.fromkeys(found))
