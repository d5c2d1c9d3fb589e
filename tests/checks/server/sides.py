"""An old and a new server of a test, and checks run against them as the engine would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from checks import jsonable
from checks.contract import CannotTell, Check, Finding
from checks.judging import cannot_tell
from checks.vantage import Shared, Vantage
from checks.words import Status, worst
from tests.checks.form import seen_type
from tests.checks.hostile import assert_harmless
from tests.lab.sshd import Sshd, User, sshd


@contextmanager
def pair(folder: Path, old: Sequence[User], new: Sequence[User]) -> Iterator[tuple[Sshd, Sshd]]:
    """Two servers with users of their own."""
    for name in ("old", "new"):
        (folder / name).mkdir(mode=0o755)
    with sshd(folder / "old", old) as one, sshd(folder / "new", new) as two:
        yield one, two


def source(server: Sshd, user: str = "") -> dict[str, Any]:
    """Return a server as a parameter `source` has it."""
    given = server.params(user)
    return {key: given[key] for key in ("host", "user", "key") if key in given} | {
        "host_key": server.fingerprint
    }


def resolve(reference: str) -> str:
    kind, _, rest = reference.partition(":")
    assert kind == "file"
    return Path(rest).read_text()


def made(kind: type[Check[Any]], params: Mapping[str, Any]) -> Check[Any]:
    """Return a check of these parameters as a project file would give them."""
    return TypeAdapter(kind).validate_json(json.dumps(dict(params)))


def told(kind: type[Check[Any]], **params: Any) -> list[Finding]:
    """Run a check for real: what it found, judged from its evidence after a way through JSON."""
    check = made(kind, params)

    async def run() -> list[Finding]:
        shared = Shared(resolve_secret=resolve)
        try:
            seen = await check.observe(Vantage(shared, "x", check.allowance()))
        except CannotTell as error:
            return [cannot_tell(check.subject(), error.reason, fix=error.fix)]
        finally:
            await shared.close()
        again = jsonable.from_json(seen_type(kind), json.loads(json.dumps(jsonable.to_json(seen))))
        findings = list(check.judge(again))
        assert findings == list(check.judge(seen))
        return findings

    findings = asyncio.run(run())
    assert_harmless(findings)
    return findings


def status(findings: Sequence[Finding]) -> Status:
    """Return the worst of the findings."""
    return worst(finding.status for finding in findings)


def words(findings: Sequence[Finding]) -> str:
    """Return all that the findings say."""
    return "\n".join(
        f"{f.status}: {f.subject}: {f.message} | {f.expected} | {f.observed} | {f.fix}" for f in findings
    )
