"""One check of a served agent, in this process: observed, stored as JSON, read again and judged."""

from __future__ import annotations

import asyncio
import json
import typing
from typing import Any

from checks import jsonable
from checks.contract import CannotTell, Check, Finding, Status, Vantage, worst
from checks.device.values import oid
from checks.vantage import Shared
from tests.lab.snmp_agent import Agent, Lies


def hidden(agent: Agent, *roots: str) -> Lies:
    """Return the view in which all objects of the agent but those below `roots` are shown."""
    away = tuple(oid(root) for root in roots)
    return Lies(
        only=tuple(
            one for one in agent.views[agent.community].oids if not any(one[: len(r)] == r for r in away)
        )
    )


def judged(kind: type[Check[Any]], agent: Agent, **parameters: Any) -> list[Finding]:
    """Return the findings of a check of this agent; raise CannotTell where it observes nothing."""
    check = kind(host=agent.endpoint, community=agent.community, **parameters)

    async def once() -> list[Finding]:
        shared = Shared()
        try:
            seen = await check.observe(Vantage(shared))
        finally:
            await shared.close()
        stored = json.loads(json.dumps(jsonable.to_json(seen)))
        again = jsonable.from_json(typing.get_type_hints(type(check).observe)["return"], stored)
        assert again == seen
        findings = list(check.judge(seen))
        assert findings == list(check.judge(again))
        return findings

    return asyncio.run(once())


def status(kind: type[Check[Any]], agent: Agent, **parameters: Any) -> Status:
    """Return what a check of this agent comes to."""
    try:
        return worst(finding.status for finding in judged(kind, agent, **parameters))
    except CannotTell:
        return Status.INCONCLUSIVE
