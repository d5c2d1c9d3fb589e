"""Taking resolved secrets out of a result before it is stored or shown (law 8)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from checks.words import Result

_SHORTEST = 4
"""A shorter secret would black out ordinary words; it is no secret either."""


def redact(result: Result, secrets: Mapping[str, str]) -> Result:
    """Return `result` with every known secret replaced by the kind of its reference."""
    return Result.from_json(without_secrets(result.as_json(), secrets))


def without_secrets(data: Any, secrets: Mapping[str, str]) -> Any:
    """Return JSON data with every known secret replaced, plain or in base64; keys are left as they are."""
    words: list[tuple[str, str]] = []
    for secret, reference in sorted(secrets.items(), key=lambda item: -len(item[0])):
        if len(secret) >= _SHORTEST:
            label = f"[secret {reference.partition(':')[0]}]"
            words.append((secret, label))
            words.append((base64.b64encode(secret.encode()).decode().rstrip("="), label))
    return _clean(data, words) if words else data


def _clean(value: Any, words: list[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for secret, label in words:
            value = value.replace(secret, label)
        return value
    if isinstance(value, list):
        return [_clean(item, words) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item, words) for key, item in value.items()}
    return value
