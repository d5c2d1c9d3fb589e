"""A Wi-Fi check run on an air that the test made: observed, stored as JSON, read again and judged."""

from __future__ import annotations

import json
import typing
from typing import Any

from checks import jsonable
from checks.contract import Check, Finding, Status, Vantage
from checks.vantage import Shared
from checks.wire.wifi import adapter
from checks.wire.wifi.air import Air


async def judged(
    check: Check[Any], air: Air, monkeypatch: Any, joined: Air | Exception | None = None
) -> list[Finding]:
    """Return the findings on `air`; `joined` is what the system says of the connection."""

    async def given(shared: Shared, interface: str | None = None, fresh: bool = True) -> Air:
        return air

    async def connection(shared: Shared, interface: str | None = None) -> Air:
        if isinstance(joined, Exception):
            raise joined
        return joined or air

    monkeypatch.setattr(adapter, "scan", given)
    monkeypatch.setattr(adapter, "joined", connection)
    seen = await check.observe(Vantage(Shared()))
    stored = json.loads(json.dumps(jsonable.to_json(seen)))
    again = jsonable.from_json(typing.get_type_hints(type(check).observe)["return"], stored)
    assert again == seen
    return list(check.judge(again))


def statuses(findings: list[Finding]) -> dict[str, str]:
    """Return the worst status of each subject."""
    order = [Status.PASS, Status.WARN, Status.INCONCLUSIVE, Status.FAIL]
    found: dict[str, Status] = {}
    for finding in findings:
        found[finding.subject] = max(finding.status, found.get(finding.subject, Status.PASS), key=order.index)
    return {subject: status.value for subject, status in found.items()}


def worst(findings: list[Finding]) -> str:
    """Return the worst status of all; nothing said is inconclusive."""
    order = ["pass", "warn", "inconclusive", "fail"]
    return max(statuses(findings).values(), key=order.index, default="inconclusive")
