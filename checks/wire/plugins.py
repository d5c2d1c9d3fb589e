"""The output of a Monitoring Plugin: text, long text and performance data.

Source: Monitoring Plugins Development Guidelines, "Plugin Output", "Threshold and Ranges" and "Performance
Data" (https://www.monitoring-plugins.org/doc/guidelines.html); draft-kaestle-monitoring-plugins-interface-03.
"""

from __future__ import annotations

import math
import re

from checks.dataclass import dataclass

_NUMBER = r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?"
_VALUE = re.compile(rf"({_NUMBER})([^\d\s;.,+-][^\s;]*)?\Z")
_LABEL = re.compile(r"(?:'((?:[^'\n]|''){0,255})'|([^'=\s][^=\s]{0,254}))=")
_REST = re.compile(r"\S*")
_RANGE = re.compile(rf"(@)?(?:(~|{_NUMBER})?(:))?({_NUMBER})?\Z")


@dataclass(frozen=True, slots=True)
class Range:
    """A threshold: alert outside `low` to `high`, or, with `inside`, within them; both ends belong to it."""

    low: float
    high: float
    inside: bool = False

    def alerts(self, value: float) -> bool:
        """Return whether `value` is to be alerted about."""
        return (self.low <= value <= self.high) is self.inside

    def __str__(self) -> str:
        """Write the range as the guidelines do: `10`, `10:`, `~:10`, `10:20`, `@10:20`."""
        low = "" if self.low == 0 else "~:" if self.low == -math.inf else f"{self.low:g}:"
        high = "" if self.high == math.inf else f"{self.high:g}"
        return ("@" if self.inside else "") + ((low or "0:") if not high else low + high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Datum:
    """One value of the performance data; `value` is None where the plugin wrote `U` (not known)."""

    label: str
    value: float | None
    unit: str
    warn: Range | None = None
    fail: Range | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a plugin wrote: the first line's text, further lines, the values, and what could not be read."""

    text: str
    long_text: str
    data: tuple[Datum, ...]
    unread: tuple[str, ...]


def parse_range(text: str) -> Range | None:
    """Return the range that `text` writes, or None where it is empty; raise ValueError where it is none.

    `10` is 0 to 10, `10:` is 10 and more, `~:10` is 10 and less, `10:20` is 10 to 20, `@10:20` alerts inside.
    """
    if not text:
        return None
    found = _RANGE.match(text)
    if not found or text == "@":
        raise ValueError(f"{text!r} is not a range.")
    inside, start, colon, end = found.groups()
    low = -math.inf if start == "~" else _number(start) if start else 0.0
    high = _number(end) if end else math.inf
    if low > high or (not colon and not end):
        raise ValueError(f"{text!r} is not a range.")
    return Range(low, high, bool(inside))


def parse_output(output: str) -> Output:
    """Return the parts of a plugin's stdout: `text|perfdata`, then long text up to a `|`, then perfdata."""
    first, _, rest = output.replace("\r\n", "\n").partition("\n")
    text, _, perfdata = first.partition("|")
    long_text, _, more = rest.partition("|")
    data, unread = parse_perfdata(f"{perfdata}\n{more}")
    return Output(text=text.strip(), long_text=long_text.strip(), data=data, unread=unread)


def parse_perfdata(text: str) -> tuple[tuple[Datum, ...], tuple[str, ...]]:
    """Return the values in `text` and the pieces of it that are no performance data."""
    data: list[Datum] = []
    unread: list[str] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _LABEL.match(text, at)
        piece = _REST.match(text, found.end() if found else at)
        assert piece is not None
        datum = None
        if found:
            quoted, bare = found.groups()
            datum = _datum(bare if quoted is None else quoted.replace("''", "'"), piece.group())
        if datum is None:
            unread.append(text[at : piece.end()])
        else:
            data.append(datum)
        at = max(piece.end(), at + 1)
    return tuple(data), tuple(unread)


def _datum(label: str, written: str) -> Datum | None:
    """Return the datum `value[UOM];[warn];[crit];[min];[max]`; limits that cannot be read are left out."""
    value, *limits = written.split(";")
    found = _VALUE.match(value)
    if found is None and value != "U":
        return None
    number = _number(found.group(1)) if found else None
    if number is not None and not math.isfinite(number):
        return None
    warn, fail = (_range_or_none(limit) for limit in [*limits, "", ""][:2])
    return Datum(
        label=label, value=number, unit=(found.group(2) or "") if found else "", warn=warn, fail=fail
    )


def _range_or_none(text: str) -> Range | None:
    try:
        return parse_range(text)
    except ValueError:
        return None


def _number(text: str) -> float:
    return float(text.replace(",", "."))
