"""Autodiscover in the DNS: where the name leads in one view, outside or at an inside server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._autodiscover_web import is_cloud
from checks.safe import safe
from checks.vantage import Vantage
from checks.wire.dns_follow import MAX_ALIASES, follow
from checks.wire.dns_lookup import Outcome, lookup
from checks.words import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where autodiscover leads in one view; `place` names it. Texts are raw.

    `alias` is what looking up the CNAME record came to, `chain` the names it leads to, `address` what looking
    up the addresses came to. `expected` are the addresses of the planned name in the same view, looked up
    only where they must be compared.
    """

    place: str
    inside: bool
    alias: Outcome
    detail: str = ""
    chain: tuple[str, ...] = ()
    loop: bool = False
    address: Outcome = "failed"
    addresses: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()


async def view(
    vantage: Vantage, name: str, planned: str, resolvers: Sequence[str], place: str, *, inside: bool
) -> View:
    """Look `name` up by `resolvers`."""
    step = await lookup(vantage, name, "CNAME", resolvers)
    first = step.outcome
    chain: list[str] = []
    while step.outcome == "found" and len(chain) < MAX_ALIASES:
        target = step.texts[0]
        chain.append(target)
        if target in (name, *chain[:-1]):
            return View(place=place, inside=inside, alias=first, chain=tuple(chain), loop=True)
        if target == planned:
            break
        try:
            step = await lookup(vantage, target, "CNAME", resolvers)
        except ValueError:
            break
    if first == "failed" or planned in chain:
        return View(place=place, inside=inside, alias=first, detail=step.detail, chain=tuple(chain))
    own, detail, addresses = await _addresses(vantage, name, resolvers)
    expected: tuple[str, ...] = ()
    if addresses and planned != name:
        expected = (await _addresses(vantage, planned, resolvers))[2]
    return View(
        place=place, inside=inside, alias=first, detail=detail, chain=tuple(chain), address=own,
        addresses=addresses, expected=expected,
    )  # fmt: skip


async def _addresses(
    vantage: Vantage, name: str, resolvers: Sequence[str]
) -> tuple[Outcome, str, tuple[str, ...]]:
    both = await asyncio.gather(*(follow(vantage, name, rdtype, resolvers) for rdtype in ("A", "AAAA")))
    found = tuple(text for one in both for text in one.texts)
    outcomes = [one.outcome for one in both]
    outcome: Outcome = "found" if found else "failed" if "failed" in outcomes else outcomes[0]
    return outcome, "; ".join(one.detail for one in both if one.detail), found


def judge_view(seen: View, name: str, planned: str, *, hybrid: bool) -> Iterable[Finding]:
    """Say whether `name` leads to `planned` in one view."""
    subject = f"{name} at {seen.place}"
    side = "internal" if seen.inside else "public"
    expected = f"an address record of {name}" if name == planned else f"CNAME {planned}"
    way = safe("CNAME " + " -> ".join(seen.chain), limit=400) if seen.chain else ""
    observed = way or safe(", ".join(seen.addresses), limit=300) or seen.alias
    point = f"In the {side} DNS zone, point {name} to {planned}."
    if name == planned:
        point = f"In the {side} DNS zone, give {name} the address of the planned server."
    if seen.alias == "failed" or (seen.address == "failed" and planned not in seen.chain and not seen.loop):
        yield cannot_tell(
            subject, f"The lookup of {name} failed, so it is not known where clients are led.",
            expected=expected, observed=safe(seen.detail, limit=300) or "no answer",
            fix="Run it again; if it stays so, mend that DNS server, or name another.",
        )  # fmt: skip
    elif seen.loop:
        yield failed(
            subject, "The CNAME records lead in a circle.", expected=expected, observed=way, fix=point
        )
    elif seen.chain[:1] == (planned,):
        yield passed(subject, f"{name} leads to {planned}.", expected=expected, observed=way)
    elif planned in seen.chain:
        yield warned(
            subject, f"{name} leads to {planned} only by way of another name.", expected=expected,
            observed=way, fix=point,
        )  # fmt: skip
    elif seen.chain and name == planned and not any(map(is_cloud, seen.chain)):
        yield passed(subject, f"{name} does not lead to the cloud.", expected=expected, observed=way)
    elif seen.chain:
        what = f"{name} leads to another name than planned."
        if hybrid:
            what += " Until the last mailbox has moved, it must lead to the Exchange server on site."
        yield failed(subject, what, expected=expected, observed=way, fix=point)
    elif not seen.addresses:
        what = f"{name} has no record here, so clients of this view do not find their mailboxes."
        yield failed(subject, what, expected=expected, observed=observed, fix=f"{point[:-1]} (CNAME record).")
    elif name == planned:
        yield passed(subject, f"{name} has an address of its own.", expected=expected, observed=observed)
    elif seen.expected and set(seen.addresses) <= set(seen.expected):
        tell = f"{name} has the addresses of {planned}, and no CNAME record to it."
        if hybrid:
            yield passed(subject, tell, expected=expected, observed=observed)
        else:
            yield warned(subject, f"{tell} They change without notice.", expected=expected,
                         observed=observed, fix=point)  # fmt: skip
    else:
        yield failed(
            subject, f"{name} has addresses of its own and does not lead to {planned}.", expected=expected,
            observed=observed, fix=point,
        )  # fmt: skip
