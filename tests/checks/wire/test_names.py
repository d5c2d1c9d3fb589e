from __future__ import annotations

import asyncio

import pytest

from checks.vantage import Shared, Vantage
from checks.wire import names
from checks.wire.names import Resolved, resolve

FOUND = Resolved(host="erp.example", addresses=("192.0.2.1",))


def test_a_silent_resolver_is_said_within_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def main() -> tuple[Resolved, Resolved]:
        answer = asyncio.Event()

        async def silent(host: str, family: str) -> Resolved:
            asked.append(host)
            await answer.wait()
            return FOUND

        monkeypatch.setattr(names, "_ask", silent)
        shared = Shared()
        early = await resolve(Vantage(shared, "early", allowance=0.05), "erp.example")
        answer.set()
        late = await resolve(Vantage(shared, "late", allowance=60.0), "erp.example")
        await shared.close()
        return early, late

    early, late = asyncio.run(main())
    assert early.addresses == ()
    assert early.temporary
    assert early.error == "the resolver did not answer in time"
    assert late == FOUND
    assert asked == ["erp.example"]


def test_an_address_is_not_looked_up() -> None:
    async def main() -> Resolved:
        return await resolve(Vantage(Shared(), allowance=0.0), "2001:db8::1")

    assert asyncio.run(main()).addresses == ("2001:db8::1",)
