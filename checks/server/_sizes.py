"""Sizes as a person writes and reads them: `500 GiB`, `2T`, `1.5 GB`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from checks.params import Form

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s{0,3}([kmgtp]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
MAX_SIZE = 2**63 - 1


def parse_size(value: Any) -> int:
    """Return the bytes of `500G`, `500 GiB` (both by 1024), `500GB` (by 1000) or a bare number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"A size is written like 500G, 1.5 TiB or 800MB, not {value!r}.")
    found = _SIZE.fullmatch(str(value).strip()) if len(str(value)) <= 40 else None
    if found is None:
        raise ValueError(f"A size is written like 500G, 1.5 TiB or 800MB, not {value!r:.80}.")
    decimal = str(value).strip().lower().endswith("b") and not found[3] and found[2]
    size = int(float(found[1]) * (1000 if decimal else 1024) ** _POWERS[found[2].lower()])
    if size > MAX_SIZE:
        raise ValueError(f"The size {value!r} is beyond what any disk holds.")
    return size


def shown_size(size: float) -> str:
    """Return bytes as `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1024:
            return f"{size:.3g} {unit}" if size < 100 else f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.4g} PiB"


Size = Annotated[
    int,
    Form(
        parse_size,
        (("type", ["string", "integer"]), ("examples", ["500G", "1.5 TiB", "800MB"])),
        words="size with its unit (bytes without)",
    ),
]
"""Bytes."""
