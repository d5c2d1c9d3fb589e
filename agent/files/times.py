"""Times as people write them in a project file, made into instants with a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from checks.params import parse_duration
from profiles.problems import did_you_mean

_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]\s*(\d\d):(\d\d)(?::(\d\d))?\s*([Zz]|[+-]\d\d:?\d\d)?\Z", re.ASCII
)
_RELATIVE = re.compile(r"([+-])\s*(\d.*)\Z", re.ASCII)
_DAYS = re.compile(r"(\d+)\s*([dw])", re.ASCII)


def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone `name`; raise ValueError with a suggestion."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from zoneinfo import available_timezones

        hint = did_you_mean(name, available_timezones())
        raise ValueError(
            f"There is no time zone {name[:60]!r}; it is an IANA name like Europe/Zurich"
            + (f" - {hint}" if hint else ".")
        ) from None


def moment(text: str, local: ZoneInfo) -> datetime:
    """Return the instant that `text` means in zone `local`, in UTC; raise ValueError with a full sentence.

    A time that the clock skips is refused, and one that it shows twice needs an offset.
    """
    match = _MOMENT.match(text.strip())
    if match is None:
        raise ValueError(f"A time is written like 2026-12-05 22:30, not {text[:60]!r}.")
    try:
        naive = datetime(*(int(part or 0) for part in match.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError as error:
        raise ValueError(f"{text.strip()!r} is not a time: {error}.") from None
    if not 2000 <= naive.year < 2200:
        raise ValueError(f"The year {naive.year} is a slip.")
    offset = match.group(7)
    if offset:
        return naive.replace(tzinfo=_offset(offset)).astimezone(UTC)
    first, second = naive.replace(tzinfo=local), naive.replace(tzinfo=local, fold=1)
    if first.astimezone(UTC).astimezone(local).replace(tzinfo=None) != naive:
        raise ValueError(f"The clock in {local.key} skips {text.strip()}: it is put forward then.")
    if first.utcoffset() != second.utcoffset():
        raise ValueError(
            f"The clock in {local.key} shows {text.strip()} twice; add the offset: "
            f"'{first.isoformat(' ', 'minutes')}' or '{second.isoformat(' ', 'minutes')}'."
        )
    return first.astimezone(UTC)


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise ValueError(f"There is no offset {text}.")
    return timezone((1 if text[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))


def due(text: str, local: ZoneInfo, cutover: datetime | None) -> datetime:
    """Return when a milestone is due, in UTC: a moment, `cutover`, or `-14d`, `-1h`, `+72h` from it.

    Days and weeks are days of the calendar (the same time of day, whatever the clock did between); hours and
    less are elapsed time.
    """
    text = text.strip()[:100]
    match = _RELATIVE.match(text)
    if match is None and text != "cutover":
        if text[:1].isdigit():
            return moment(text, local)
        raise ValueError(
            f"It is due at a time (2026-12-04 18:00), at 'cutover', or before or after it (-14d, +72h), "
            f"not {text[:60]!r}."
        )
    if cutover is None:
        raise ValueError(f"'{text}' is relative to the cutover; give 'project: cutover:' a time.")
    if match is None:
        return cutover
    sign = 1 if match.group(1) == "+" else -1
    parse_duration(match.group(2))
    days = sum(int(number) * (7 if unit == "w" else 1) for number, unit in _days(match.group(2)))
    seconds = parse_duration(match.group(2)) - days * 86400
    wall = (cutover.astimezone(local) + sign * timedelta(days=days)) if days else cutover
    return wall.astimezone(UTC) + sign * timedelta(seconds=seconds)


def _days(text: str) -> list[tuple[str, str]]:
    return [(m.group(1), m.group(2)) for m in _DAYS.finditer(text) if text[m.start() - 1 : m.start()] != "."]
