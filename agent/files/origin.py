"""Where a value of a profile's check was written: the parameter under `with` that it came from."""

from __future__ import annotations

import json
import re
from typing import Any

from profiles.expand import Draft
from profiles.problems import Path
from profiles.scope import uses

_ALONE = re.compile(r"\$\{[^{}]*\}\Z")
_QUOTED = re.compile(r"(?<!\w)'([^'\n]{1,300})'(?!\w)")


def parameters_of(draft: Draft, path: Path, message: str) -> list[Path]:
    """Return where under `with` the value at `path` of a draft came from, the likeliest first.

    What a check says of itself as a whole has no path: then it is the key, or else the value, that the
    message quotes; where it quotes none that was given, the item of the loop, or the mapping under 'with'.
    """
    if path and path[0] in draft.borrowed:
        return _places(draft, draft.document.get(draft.borrowed[str(path[0])]), path)
    for length in range(len(path), 0, -1):
        written = draft.document.get((*draft.path, *path[:length]))
        if written is not None:
            whole = isinstance(written, str) or length == len(path)
            return _places(draft, written, path[length:]) if whole else []
    quoted = _QUOTED.findall(message)
    keys = [key for key in quoted if key in draft.body]
    keys += [
        key for text in quoted for key, value in draft.body.items()
        if json.dumps(text)[1:-1] in json.dumps(value, default=str)
    ]  # fmt: skip
    found = [
        place for key in keys
        for place in (
            parameters_of(draft, (key,), "") if key in draft.borrowed
            else _places(draft, draft.document.get((*draft.path, key)))
        )
    ]  # fmt: skip
    return list(dict.fromkeys(found)) or ([] if path else item_of(draft) or _lent(draft))


def _lent(draft: Draft) -> list[Path]:
    """Return the mappings that a draft takes its keys of, the one that was named last first."""
    written = [draft.document.get(at) for at in dict.fromkeys(draft.borrowed.values())]
    return [place for one in reversed(written) for place in _places(draft, one)]


def item_of(draft: Draft) -> list[Path]:
    """Return the item under `with` that this round of a draft's loop is about."""
    each = draft.document.get((*draft.path, "each"))
    over = next(iter(each.values()), None) if isinstance(each, dict) else None
    if not isinstance(over, str) or not _ALONE.match(over):
        return []
    return [(*source.split("."), draft.turn) for source in uses(over)]


def _places(draft: Draft, written: Any, below: Path = ()) -> list[Path]:
    """Return the places of the parameters in what is written, and `below` one that stands alone.

    The item of a loop is the one of its round in the list that the loop goes over.
    """
    each = draft.document.get((*draft.path, "each"))
    lists = each if isinstance(each, dict) else {}
    alone = below if isinstance(written, str) and _ALONE.match(written) else ()
    found: list[Path] = []
    for use in uses(written):
        name, _, part = use.partition(".")
        inside: Path = (part, *alone) if part else alone
        if name not in lists:
            found.append((name, *inside))
            continue
        whole = isinstance(lists[name], str) and _ALONE.match(lists[name])
        item: Path = (draft.turn, *inside) if whole else ()
        found += [(*source.split("."), *item) for source in uses(lists[name])]
    return list(dict.fromkeys(found))
