"""A check that logs in, run as the engine runs it: parameters read, secrets resolved, what it saw judged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from agent.secrets import resolve_secret
from checks import jsonable, registry
from checks.vantage import CannotTell, Shared, Vantage
from checks.words import Finding, Status, worst


def run(name: str, params: Mapping[str, Any]) -> tuple[Any, list[Finding]]:
    """Return what a check of that type saw, as it comes back from the ledger, and its findings.

    What could not be told is one finding, and nothing was seen.
    """
    kind = registry.load(name)
    check = TypeAdapter(kind).validate_json(json.dumps(dict(params)))

    async def attempt() -> Any:
        shared = Shared(resolve_secret=resolve_secret)
        try:
            return await check.observe(Vantage(shared, name, check.allowance()))
        finally:
            await shared.close()

    try:
        seen = asyncio.run(attempt())
    except CannotTell as told:
        return None, [Finding(status=Status.INCONCLUSIVE, subject=name, message=told.reason, fix=told.fix)]
    stored = jsonable.from_json(type(seen), jsonable.to_json(seen))
    return stored, list(check.judge(stored))


def status(findings: list[Finding]) -> Status:
    """Return the worst status."""
    return worst(item.status for item in findings)
