"""Expectations on the body of an HTTP answer: found, not found, or not to be told from what was read."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from checks.judging import cannot_tell, failed, passed
from checks.safe import safe
from checks.wire.http import Exchange
from checks.words import Finding

Scalar = str | int | float | bool | None
_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_TEXT_CODECS = frozenset({"utf-8", "utf8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"})
_MISSING = object()
_SHOWN = 160


def body_findings(
    subject: str,
    seen: Exchange,
    *,
    contains: str | None = None,
    matches: str | None = None,
    json: Mapping[str, Scalar] | None = None,
) -> Iterable[Finding]:
    """Judge the body; a part that our own bound cut off can prove an expectation, never disprove it."""
    if contains is None and matches is None and json is None:
        return
    coding = seen.header("content-encoding")
    if coding is not None and coding.strip().lower() not in ("", "identity"):
        yield cannot_tell(
            subject,
            "The body is compressed although that was not asked for, and is not unpacked.",
            expected="identity encoding",
            observed=safe(coding, limit=80),
            fix="Let the server heed Accept-Encoding: identity for this URL, or expect only its status.",
        )
        return
    text = _text(seen)
    if contains is not None:
        yield _found(subject, seen, f"contains {contains}", text, held=contains in text)
    if matches is not None:
        yield _found(subject, seen, f"matches {matches}", text, held=re.search(matches, text) is not None)
    if json is not None:
        yield from _json_findings(subject, seen, text, json)


def _found(subject: str, seen: Exchange, expected: str, text: str, *, held: bool) -> Finding:
    if held:
        return passed(subject, "The body holds what was expected.", expected=expected, observed=expected)
    if seen.cut:
        return _cut(subject, seen, expected)
    return failed(
        subject,
        "The body does not hold what was expected.",
        expected=expected,
        observed=safe(text, limit=_SHOWN) or "an empty body",
        fix="Look at what answers: another site, an error page, a login page or a portal.",
    )


def _cut(subject: str, seen: Exchange, expected: str) -> Finding:
    return cannot_tell(
        subject,
        f"The body is longer than max_body; the first {seen.body_bytes} bytes do not decide it.",
        expected=expected,
        observed=f"{seen.body_bytes} bytes read",
        fix="Raise max_body, or ask for a smaller page that says the same.",
    )


def _json_findings(
    subject: str, seen: Exchange, text: str, wanted: Mapping[str, Scalar]
) -> Iterable[Finding]:
    if seen.cut:
        yield _cut(subject, seen, "a JSON body")
        return
    try:
        data = jsonlib.loads(text)
    except (ValueError, RecursionError):
        yield failed(
            subject,
            "The body is not JSON.",
            expected="a JSON body",
            observed=safe(text, limit=_SHOWN) or "an empty body",
            fix="Look at what answers: another site, an error page, a login page or a portal.",
        )
        return
    for path, value in wanted.items():
        found = _at(data, path)
        say: dict[str, Any] = {
            "expected": f"{path} = {jsonlib.dumps(value)}",
            "observed": "not there" if found is _MISSING else safe(jsonlib.dumps(found), limit=_SHOWN),
        }
        if _equal(found, value):
            yield passed(subject, f"The value at {path} is as expected.", **say)
        else:
            yield failed(
                subject,
                f"The value at {path} is not as expected.",
                fix="Look at the service that reports it, or correct the path if the JSON has another shape.",
                **say,
            )


def _at(data: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(data, dict) and key in data:
            data = data[key]
        elif isinstance(data, list) and key.isdecimal() and len(key) < 7 and int(key) < len(data):
            data = data[int(key)]
        else:
            return _MISSING
    return data


def _equal(found: Any, wanted: Scalar) -> bool:
    """Compare as JSON does: `true` is not 1, `1` is 1.0."""
    return isinstance(found, bool) == isinstance(wanted, bool) and found == wanted


def _text(seen: Exchange) -> str:
    match = _CHARSET.search(seen.header("content-type") or "")
    charset = match[1].lower() if match else "utf-8"
    return seen.body.decode(charset if charset in _TEXT_CODECS else "utf-8", errors="replace")
