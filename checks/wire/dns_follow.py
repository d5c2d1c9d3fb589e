"""A lookup that goes after aliases itself where the server asked does not resolve.

An authoritative server gives an alias that leads out of its zone, and no more (RFC 1034 section 4.3.2).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from checks.vantage import Vantage
from checks.wire.dns_lookup import NO_RECURSION, Lookup, lookup

MAX_ALIASES = 8
CIRCLE = "the aliases lead in a circle"


async def follow(vantage: Vantage, name: str, rdtype: str, resolvers: Sequence[str] = ()) -> Lookup:
    """Look `name` up as `lookup` does, and ask on at each alias that the server leaves open.

    `name`, `aliases` and `end` of the result are those of the whole way. Raises CannotTell where there is no
    resolver to ask, and ValueError for a name that cannot be asked.
    """
    aliases: list[str] = []
    here = name
    while True:
        found = await lookup(vantage, here, rdtype, resolvers)
        aliases += found.aliases
        if found.outcome != "failed" or NO_RECURSION not in found.detail or rdtype == "CNAME":
            break
        alias = await lookup(vantage, here, "CNAME", resolvers)
        if alias.outcome != "found":
            break
        here = alias.texts[0]
        if here in aliases or here == name or len(aliases) >= MAX_ALIASES:
            found = dataclasses.replace(
                found, detail=CIRCLE if here in (*aliases, name) else "too many aliases"
            )
            break
        aliases.append(here)
    return dataclasses.replace(found, name=name, aliases=tuple(dict.fromkeys(aliases)))
