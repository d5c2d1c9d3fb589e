"""Whether a resolver that knows nothing of a name knows anything at all.

A network that wants a login first, or a filter, answers every question with nothing, or with its own address:
to take that for the absence of a record would be a pass for what nobody looked up. A real negative answer
names the zone's SOA record (RFC 2308 section 3); some forwarders leave it out, and are asked for it.
"""

from __future__ import annotations

import dataclasses

from checks.vantage import Vantage
from checks.wire.dns_lookup import Lookup, lookup

_MOST = 6
NOBODY = "the resolver answers with nothing, and knows no SOA record of the domain or above it either"


async def vouched(vantage: Vantage, found: Lookup, domain: str) -> Lookup:
    """Return `found`, or that it failed if it is an absence that no zone stands behind.

    `domain` is where a zone is looked for, from there upwards.
    """
    if found.outcome not in ("no data", "no such name") or found.soa:
        return found
    labels = domain.split(".")
    for number in range(min(len(labels), _MOST)):
        zone = await lookup(vantage, ".".join(labels[number:]), "SOA", (found.server,))
        if zone.outcome == "found" or zone.soa:
            return found
    return dataclasses.replace(found, outcome="failed", detail=f"{found.server}: {NOBODY}")
