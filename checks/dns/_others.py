"""The NS names that a zone itself has and its delegation has not: looked up, so that they can be judged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from checks.dns._agree import ns_of
from checks.dns._parents import MAX_NAMES
from checks.dns._servers import ServerSeen, healthy
from checks.dns._walk import Walk
from checks.dns._zone import NsName, Zone, inside


async def other_names(walk: Walk, zone: Zone, seen: Sequence[ServerSeen]) -> tuple[NsName, ...]:
    """Return what is known of the NS names in the zone that the delegation does not have.

    Names in the zone are looked up at its servers. Where those are named in the check, names elsewhere are
    looked up only by resolvers that are named, too: nobody else is asked then.
    """
    known = set(zone.delegation())
    names = sorted({name for one in seen for name in ns_of(one.ns, zone.domain)} - known)[:MAX_NAMES]
    at = [one.server for one in seen if healthy(one, zone.domain)]
    asked = [walk.name_at(name, zone.domain, at) for name in names if inside(name, zone.domain)]
    if zone.how != "servers" or walk.resolvers:
        asked += [walk.name(name) for name in names if not inside(name, zone.domain)]
    return tuple(await asyncio.gather(*asked))
