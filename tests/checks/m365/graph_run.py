"""Running a check against the stand-in for Microsoft's services."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from agent.engine.redact import without_secrets
from checks import jsonable
from checks.contract import Check
from checks.judging import cannot_tell
from checks.vantage import CannotTell, Shared, Vantage
from checks.words import Finding, Status, worst
from tests.checks import hostile
from tests.lab.microsoft import CLIENT, SECRET, TENANT, Cloud


def access(cloud: Cloud, **more: Any) -> dict[str, Any]:
    """Return the parameters by which a check reads the stand-in's tenant."""
    way = {"tenant_id": TENANT, "client_id": CLIENT, "graph_url": cloud.url, "login_url": cloud.url}
    if "certificate" not in more:
        way["secret"] = "env:GRAPH_SECRET"
    return way | more


def judged(check: Check[Any], seen: Any) -> tuple[Status, list[Finding]]:
    """Judge what was seen, after a way through JSON, and hold the findings to be harmless."""
    again = jsonable.from_json(type(seen), json.loads(json.dumps(jsonable.to_json(seen))))
    assert again == seen
    findings = list(check.judge(again))
    hostile.assert_harmless(findings)
    return worst(finding.status for finding in findings), findings


def run(
    check: Check[Any], *, secret: str = SECRET, allowance: float = 5.0, shared: Shared | None = None
) -> tuple[Status, list[Finding], Any]:
    """Run a check once as the engine would; nothing that comes back may hold a secret."""

    async def go() -> tuple[Status, list[Finding], Any]:
        mine = shared or Shared(resolve_secret=lambda _: secret)
        vantage = Vantage(mine, "check", allowance)
        try:
            seen = await check.observe(vantage)
            status, findings = judged(check, seen)
        except CannotTell as reason:
            seen, findings = None, [cannot_tell(check.subject(), reason.reason, fix=reason.fix)]
            status = Status.INCONCLUSIVE
            hostile.assert_harmless(findings)
        finally:
            if shared is None:
                await mine.close()
        told = json.dumps(
            [jsonable.to_json(seen), jsonable.to_json(findings), jsonable.to_json(vantage.notes())]
        )
        assert all(finding.fix for finding in findings if finding.status is not Status.PASS)
        for hidden in filter(str.strip, mine.secrets_seen):
            assert hidden not in told
            assert json.dumps(hidden)[1:-1] not in told
        assert without_secrets(json.loads(told), mine.secrets_seen) == json.loads(told)
        return status, findings, seen

    return asyncio.run(go())


def said(findings: list[Finding]) -> str:
    """Return all that the findings say."""
    return " ".join(f"{f.subject} {f.message} {f.expected} {f.observed} {f.fix}" for f in findings)
