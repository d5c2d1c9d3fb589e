"""Getting the published list: from the web service, else what was kept of it, else the shipped extract."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from checks.dataclass import dataclass
from checks.m365 import _cache
from checks.m365._endpoints import EndpointSet, read_sets
from checks.vantage import CannotTell, Vantage
from checks.wire import graph_json
from checks.wire.graph_json import Drift
from checks.wire.graph_trouble import not_json, unanswered
from checks.wire.http import Request, exchange
from checks.words import from_rfc3339, rfc3339

Origin = Literal["published", "kept", "shipped"]
_WHAT = "the published endpoints"
_POLL_S = 3600.0
"""The web service is asked at most once an hour, as it asks."""
_AHEAD_S = 86400.0
"""A list that was kept so long after now is of a wrong clock, and its age says nothing."""
_SHARE = 0.4
_MAX = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The list that is used, where it comes from, and when it was last known to be the newest.

    `trouble` says why the newest could not be had.
    """

    origin: Origin
    version: str
    as_of: datetime
    sets: tuple[EndpointSet, ...]
    trouble: str = ""


async def listed(vantage: Vantage, base: str, instance: str, ca_file: str | None) -> Listed:
    """Return the newest list that can be had; raise CannotTell where there is none at all."""
    name = _cache.name_of("endpoints", base, instance)
    kept = _kept(name)
    now = vantage.now()
    if kept is not None and (kept.as_of - now).total_seconds() > _AHEAD_S:
        kept = None
    if kept is not None and abs((now - kept.as_of).total_seconds()) < _POLL_S:
        return kept
    try:
        fetched = await _fetch(vantage, base, instance, ca_file, kept)
    except CannotTell as reason:
        if kept is not None:
            return Listed(
                origin="kept", version=kept.version, as_of=kept.as_of, sets=kept.sets, trouble=reason.reason
            )
        if instance != "Worldwide":
            raise
        from checks.m365._endpoints_shipped import AS_OF, WORLDWIDE

        return Listed(origin="shipped", version="", as_of=AS_OF, sets=WORLDWIDE, trouble=reason.reason)
    return fetched


def _kept(name: str) -> Listed | None:
    found = _cache.read(name)
    try:
        entry = graph_json.record(found)
        return Listed(
            origin="kept", version=graph_json.text(entry, "version"), sets=read_sets(entry.get("sets")),
            as_of=from_rfc3339(graph_json.text(entry, "as_of")),
        )  # fmt: skip
    except ValueError:
        return None


async def _fetch(
    vantage: Vantage, base: str, instance: str, ca_file: str | None, kept: Listed | None
) -> Listed:
    import asyncio

    machine = await asyncio.to_thread(_cache.machine_id)
    query = f"ClientRequestId={machine}"
    version = await _get(vantage, f"{base}/version/{instance}?{query}", ca_file)
    try:
        latest = graph_json.text(graph_json.record(version), "latest")
    except Drift as drift:
        raise _drifted(drift) from None
    if not (latest.isascii() and latest.isdigit() and len(latest) == 10):
        raise _drifted(Drift("'latest' is no version of ten digits"))
    name, now = _cache.name_of("endpoints", base, instance), vantage.now()
    if kept is not None and kept.version == latest:
        entry = _cache.read(name)
        sets = kept.sets
        raw = entry.get("sets") if isinstance(entry, dict) else None
    else:
        raw = await _get(vantage, f"{base}/endpoints/{instance}?{query}", ca_file)
        try:
            sets = read_sets(raw)
        except Drift as drift:
            raise _drifted(drift) from None
    if raw is not None:
        value = {"version": latest, "as_of": rfc3339(now), "sets": raw}
        await asyncio.to_thread(_cache.write, name, value)
    return Listed(origin="published", version=latest, as_of=now, sets=sets)


async def _get(vantage: Vantage, url: str, ca_file: str | None) -> object:
    request = Request(url=url, ca_file=ca_file, max_body=_MAX)
    seen = await exchange(vantage, request, max(0.1, min(10.0, vantage.remaining() * _SHARE)))
    trouble = unanswered(seen, _WHAT)
    if trouble is not None:
        raise trouble
    if seen.status != 200:
        raise not_json(seen, _WHAT, "it is an error")
    try:
        answer: object = graph_json.parse(seen.body)
    except Drift as drift:
        raise not_json(seen, _WHAT, str(drift)) from None
    return answer


def _drifted(drift: Drift) -> CannotTell:
    from checks.wire.graph_trouble import drifted

    return drifted(_WHAT, str(drift))
