"""Reading what PowerShell's ConvertTo-Json wrote of Exchange Online's objects.

It writes one object where there is one and a list where there are more, enumerations as numbers or names,
times as `/Date(1653603718610)/` (Windows PowerShell) or ISO 8601 (PowerShell 7), and a file in UTF-16 or
UTF-8, with or without a byte order mark.
"""

from __future__ import annotations

import errno
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from checks.dataclass import dataclass
from checks.vantage import CannotTell
from checks.wire.graph_json import MAX_TEXT, Drift, plain

MAX_BYTES = 16 << 20
MAX_OBJECTS = 20_000
_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/\Z")
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_TIMES = ("WhenChangedUTC", "WhenChanged", "LastChecked", "LastUpdatedTime", "LastSyncedDateTime")
_INITIAL = re.compile(r"[a-z0-9]{1,63}\.onmicrosoft\.(?:com|us|cn|de)(?!\.?[a-z0-9-])", re.IGNORECASE)
NUMBER = "number "


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One object of the export: which kind it is, its name, its state, and the newest time in it."""

    kind: str
    name: str
    state: str
    enabled: bool | None = None
    latest: datetime | None = None


def load(path: str) -> tuple[list[dict[str, Any]], datetime]:
    """Return the objects in a file and when it was last changed; raise CannotTell where it cannot be read."""
    try:
        if not Path(path).is_file():
            raise OSError(errno.ENOENT, "there is no such file")
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
            changed = datetime.fromtimestamp(Path(path).stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError) as error:
        raise CannotTell(
            f"The export {path} cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}.",
            "Let an administrator export it anew (gonogo explain m365.export has the commands).",
        ) from None
    if len(data) > MAX_BYTES:
        raise CannotTell(
            f"The export {path} is larger than {MAX_BYTES >> 20} MB.",
            "Export only what the check needs, with the commands of gonogo explain m365.export.",
        )
    try:
        return objects(parse(data)), changed
    except Drift as drift:
        raise CannotTell(
            f"The export {path} is not what ConvertTo-Json writes: {drift}.",
            "Export it anew with the commands of gonogo explain m365.export.",
        ) from None


def parse(data: bytes) -> Any:
    """Return the JSON of a file in the encodings that PowerShell writes; raise Drift."""
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "")
    if not encoding:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be" if data[:1] == b"\0" else "utf-8"
    try:
        return json.loads(data.decode(encoding))
    except (ValueError, RecursionError) as error:
        raise Drift(f"it is no JSON ({type(error).__name__})") from None


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of an export: one, a list, `{"value": [...]}`, or lists and objects under names."""
    found: list[dict[str, Any]] = []
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, list):
            waiting += [(part, depth + 1) for part in reversed(item)]
        elif isinstance(item, dict) and kind_of(item):
            found.append(item)
        elif isinstance(item, dict) and depth < 3:
            nested = [part for part in item.values() if isinstance(part, (dict, list))]
            waiting += [(part, depth + 1) for part in reversed(nested)]
        if len(found) > MAX_OBJECTS or len(waiting) > 10 * MAX_OBJECTS:
            raise Drift(f"it has more than {MAX_OBJECTS} objects")
    if not found:
        raise Drift("it holds no DKIM configuration, accepted domain, connector or migration batch")
    return found


def tenants_of(found: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the initial domains (`contoso.onmicrosoft.com`) that stand anywhere in the objects, sorted."""
    names: set[str] = set()
    waiting: list[Any] = list(found)
    left = 50 * MAX_OBJECTS
    while waiting and left > 0 and len(names) < 1000:
        left -= 1
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str):
            names |= {name.lower() for name in _INITIAL.findall(item[:MAX_TEXT])}
    return tuple(sorted(names))


def kind_of(item: dict[str, Any]) -> str:
    """Return which of the four kinds an object is, empty if none."""
    if "Domain" in item and "Selector1CNAME" in item:
        return "dkim"
    if "DomainName" in item and "DomainType" in item:
        return "domain"
    if "ConnectorType" in item and "Enabled" in item:
        return "connector"
    if "BatchGuid" in item or ("MigrationType" in item and "Status" in item):
        return "batch"
    return ""


def read(item: dict[str, Any]) -> Item:
    """Return one object; raise Drift for a field that is not what the cmdlet gives."""
    kind = kind_of(item)
    if kind == "dkim":
        name, state, enabled = _text(item, "Domain"), _word(item, "Status"), _flag(item, "Enabled")
    elif kind == "domain":
        name, state, enabled = _text(item, "DomainName"), _word(item, "DomainType"), None
    elif kind == "connector":
        name, state, enabled = _identity(item), _word(item, "ConnectorType"), _flag(item, "Enabled")
    else:
        name, state, enabled = _identity(item), _word(item, "Status"), None
    times = [moment for moment in (when(item.get(key)) for key in _TIMES) if moment is not None]
    return Item(kind=kind, name=name, state=state, enabled=enabled, latest=max(times, default=None))


def when(value: Any) -> datetime | None:
    """Return a time as PowerShell writes it, None for anything else and for one without its zone."""
    if isinstance(value, dict):
        value = value.get("value", value.get("DateTime"))
    if not isinstance(value, str) or len(value) > 60:
        return None
    match = _DATE.match(value)
    try:
        if match:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(match[1]))
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _identity(item: dict[str, Any]) -> str:
    """Return the name: `Name`, or `Identity`, which is a text or an object with a name."""
    for key in ("Name", "Identity", "Id"):
        value = item.get(key)
        if isinstance(value, dict):
            value = value.get("Name", value.get("Id"))
        if isinstance(value, str) and value.strip():
            return plain(value)
    raise Drift("an object has no name")


def _text(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    if isinstance(value, dict):
        value = value.get("Domain", value.get("Address"))
    if not isinstance(value, str) or not value.strip():
        raise Drift(f"'{key}' is no text")
    return plain(value)


def _word(item: dict[str, Any], key: str) -> str:
    """Return an enumeration's word; a number stays `number 2`, since what it means is not published."""
    value = item.get(key)
    if isinstance(value, dict):
        value = value.get("Value", value.get("value"))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{NUMBER}{max(-1, min(value, 1 << 31))}"
    if not isinstance(value, str) or not value.strip():
        raise Drift(f"'{key}' is no text")
    return plain(value).strip()


def _flag(item: dict[str, Any], key: str) -> bool:
    value = item.get(key)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise Drift(f"'{key}' is neither true nor false")
    return value
