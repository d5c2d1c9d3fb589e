"""What the DNS holds for one selector: the way of its CNAME records, and the keys at the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from checks.dataclass import dataclass
from checks.vantage import Vantage
from checks.wire.dkim_key import KeyRecord, parse_key
from checks.wire.dns_follow import MAX_ALIASES, follow
from checks.wire.dns_lookup import Outcome, lookup
from checks.wire.dns_text import txt_value

_MAX_KEYS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorSeen:
    """One selector; texts are raw.

    `alias` is what looking up the CNAME record at `name` came to, and `chain` are the names it leads to, one
    after another; `loop` says that they come round. `key` is what looking up the TXT record came to, `keys`
    what it holds (at most five of `count`). `expected_keys` are those at the planned target, looked up only
    where there is a key and no CNAME record.
    """

    selector: str
    name: str
    alias: Outcome
    alias_detail: str = ""
    chain: tuple[str, ...] = ()
    loop: bool = False
    key: Outcome = "failed"
    key_detail: str = ""
    count: int = 0
    keys: tuple[KeyRecord, ...] = ()
    expected_keys: tuple[KeyRecord, ...] = ()


async def look(
    vantage: Vantage, selector: str, name: str, expected: str | None, resolvers: Sequence[str]
) -> SelectorSeen:
    """Look at the selector whose record is at `name`."""
    first = await lookup(vantage, name, "CNAME", resolvers)
    seen = SelectorSeen(selector=selector, name=name, alias=first.outcome, alias_detail=first.detail)
    if first.outcome == "failed":
        return seen
    chain: list[str] = []
    step = first
    while step.outcome == "found" and len(chain) < MAX_ALIASES:
        target = step.texts[0]
        loop = target in (name, *chain)
        chain.append(target)
        if loop:
            return dataclasses.replace(seen, chain=tuple(chain), loop=True)
        try:
            step = await lookup(vantage, target, "CNAME", resolvers)
        except ValueError:
            break
    count, keys, outcome, detail = await _keys(vantage, name, resolvers)
    planned: tuple[KeyRecord, ...] = ()
    if not chain and keys and expected is not None:
        planned = (await _keys(vantage, expected, resolvers))[1]
    return dataclasses.replace(
        seen,
        chain=tuple(chain),
        key=outcome,
        key_detail=detail,
        count=count,
        keys=keys,
        expected_keys=planned,
    )


async def _keys(
    vantage: Vantage, name: str, resolvers: Sequence[str]
) -> tuple[int, tuple[KeyRecord, ...], Outcome, str]:
    found = await follow(vantage, name, "TXT", resolvers)
    texts = [txt_value(record.text).decode("utf-8", "replace") for record in found.records[:_MAX_KEYS]]
    return len(found.records), tuple(map(parse_key, texts)), found.outcome, found.detail
