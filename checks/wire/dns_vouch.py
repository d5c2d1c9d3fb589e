"""Whether a resolver that knows nothing of a name knows anything at all.

A network that wants a login first, or a filter, answers every question with nothing, or with its own address:
to take that for the absence of a record would be a pass for what nobody looked up. A real negative answer
names the zone's SOA record (RFC 2308 section 3); some forwarders leave it out, and are asked for it.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

from checks.vantage import Vantage
from checks.wire.dns import Answer
from checks.wire.dns_lookup import Lookup, lookup, outcome_of

_MOST = 6
NOBODY = "the resolver answers with nothing, and knows no SOA record of the domain or above it either"


async def vouched(vantage: Vantage, found: Lookup, domain: str, *, ca_file: str | None = None) -> Lookup:
    """Return `found`, or that it failed if it is an absence that no zone stands behind.

    `domain` is where a zone is looked for, from there upwards.
    """
    if found.outcome not in ("no data", "no such name") or found.soa:
        return found
    labels = domain.split(".")
    for number in range(min(len(labels), _MOST)):
        zone = await lookup(vantage, ".".join(labels[number:]), "SOA", (found.server,), ca_file=ca_file)
        if zone.outcome == "found" or zone.soa:
            return found
    return dataclasses.replace(found, outcome="failed", detail=f"{found.server}: {NOBODY}")


async def unvouched(
    vantage: Vantage, answers: Sequence[Answer], *, ca_file: str | None = None
) -> tuple[str, ...]:
    """Return the servers of those answers that are an absence which no zone stands behind."""
    found = await asyncio.gather(
        *(vouched(vantage, outcome_of(answer), answer.name, ca_file=ca_file) for answer in answers)
    )
    return tuple(one.server for one in found if one.detail.endswith(NOBODY))
