"""What follows from a zone's parent side: is it delegated, by all alike, to names that can be used. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from checks.dns._zone import NsName, ParentView, Zone, above, inside
from checks.judging import cannot_tell, failed, warned
from checks.safe import in_line, safe
from checks.words import Finding

_SYNC = (
    "Let the operator of the parent zone bring its servers to the same data; just after a change, wait until "
    "all have it and run again."
)
_EXISTS = ("delegates", "serves")
_WORDS = {
    "delegates": "refers to its name servers",
    "serves": "has the zone itself",
    "no such name": "NXDOMAIN",
    "no delegation": "no NS records",
    "alias": "an alias (CNAME)",
    "elsewhere": "refers elsewhere",
    "no authority": "no authority",
    "failed": "no usable answer",
}


def parent_of(zone: Zone) -> str:
    """Return how findings name the parent's side."""
    name = zone.parent or above(zone.domain)
    return f"{'the root' if name == '.' else name} (parent)"


def said(view: ParentView) -> str:
    """Return in a few words what a parent's server says."""
    answer, word = view.answer, _WORDS[view.says]
    if view.says == "failed":
        word = str(answer.error or answer.rcode)
    if view.target:
        word += f" to {view.target}"
    if view.ns:
        word += f": {', '.join(view.ns[:16])}"
    return f"{view.server.label}: {word}"


def is_delegated(zone: Zone) -> bool:
    """Return whether some server of the parent says so: what is behind it can be looked at."""
    return bool(zone.delegation())


def parent_findings(zone: Zone) -> Iterable[Finding]:
    """Return what is wrong on the parent's side; nothing where it was not asked or all is well."""
    if zone.how == "servers" or zone.domain == ".":
        return
    subject, usable = parent_of(zone), zone.usable()
    expected = f"a delegation of {zone.domain}"
    for name in zone.lost:
        yield cannot_tell(
            name,
            "This server is named in the check and has no address here, so it was not asked.",
            expected="an answer of every server that is named",
            observed="no address",
            fix="Name it with its address, as in ns1.example.com=192.0.2.53, or mend the name.",
        )
    observed = in_line(map(said, zone.parents)) or safe(zone.trouble, limit=400)
    if not usable:
        yield _unknown(zone, expected, observed)
        return
    if zone.absent():
        yield _absent(zone, expected, observed)
        return
    gone = [view for view in usable if view.says not in _EXISTS]
    if gone:
        yield failed(
            in_line(view.server.label for view in gone),
            f"The parent's servers disagree: here {zone.domain} has no delegation, elsewhere it has one.",
            expected=expected,
            observed=observed,
            fix=_SYNC,
            reference="RFC 1034 section 4.2.2",
        )
    yield from _differences(zone)
    for view in zone.parents:
        if view.says in ("failed", "elsewhere", "no authority") and view.answer.error != "not sent":
            yield warned(
                view.server.label,
                f"This server of the parent zone does not tell the delegation ({said_short(view)}).",
                expected=expected,
                observed=in_line([said(view)]),
                fix="Tell the operator of the parent zone; the others of its servers answer.",
            )
    for doubt in zone.doubts:
        yield warned(
            subject,
            "On the way from the root the servers disagree about the zones above this one.",
            expected="the same delegations on every server",
            observed=safe(doubt, limit=400),
            fix="Tell the operator of the zone above; resolvers may not find the domain always.",
        )
    if zone.trouble:
        yield cannot_tell(
            subject,
            "Not everything of the delegation was looked at.",
            expected=expected,
            observed=safe(zone.trouble, limit=400),
            fix="Take what is too much out of the delegation, or name the servers in 'servers'.",
        )


def said_short(view: ParentView) -> str:
    """Return the kind of a parent server's answer."""
    return str(view.answer.error or view.answer.rcode) if view.says == "failed" else _WORDS[view.says]


def _unknown(zone: Zone, expected: str, observed: str) -> Finding:
    return cannot_tell(
        parent_of(zone),
        f"No server of the parent zone said anything of {zone.domain} with authority, so nothing is known of "
        "the delegation.",
        expected=expected,
        observed=f"{observed} ({safe(zone.trouble, limit=300)})" if zone.trouble and observed else observed,
        fix="Name the parent's servers in 'parents', or a resolver that works in 'resolvers', and run again.",
    )


def _absent(zone: Zone, expected: str, observed: str) -> Finding:
    usable = zone.usable()
    alias = next((view.target for view in usable if view.says == "alias"), "")
    if alias:
        what = f"In the parent zone {zone.domain} is an alias (CNAME), not a delegation."
        fix = "Remove the CNAME record in the parent zone and have the domain delegated to its name servers."
    elif all(view.says == "no such name" for view in usable):
        what = f"The parent zone has no delegation: {zone.domain} does not exist there (NXDOMAIN)."
        fix = "Have the registrar delegate the domain: check spelling, registration, expiry and holds."
    else:
        what = f"The parent zone has no delegation: there are no NS records for {zone.domain}."
        fix = "Have the parent's operator add the NS records, or test the zone that the name lies in."
    return failed(parent_of(zone), what, expected=expected, observed=observed, fix=fix)


def _differences(zone: Zone) -> Iterable[Finding]:
    """Return findings about parent's servers that delegate to other names, or with other glue."""
    referring = [view for view in zone.parents if view.says == "delegates"]
    sets = {view.ns for view in referring}
    if len(sets) > 1:
        common = max(sets, key=lambda one: (sum(view.ns == one for view in referring), one))
        for view in referring:
            if view.ns != common:
                yield failed(
                    view.server.label,
                    "This server of the parent zone delegates to other names than the others do.",
                    expected=in_line(common),
                    observed=in_line(view.ns),
                    fix=_SYNC,
                )
    for name in zone.delegation():
        glue = {
            view.server.label: frozenset(r.text for r in view.glue if r.name == name) for view in referring
        }
        told = {label: texts for label, texts in glue.items() if texts}
        if len(set(told.values())) > 1:
            yield failed(
                name,
                "The servers of the parent zone give different glue for this name server.",
                expected="the same addresses from every server of the parent",
                observed=in_line(f"{label}: {' '.join(sorted(texts))}" for label, texts in told.items()),
                fix=_SYNC,
            )


def name_findings(zone: Zone, names: Iterable[NsName] | None = None) -> Iterable[Finding]:
    """Return what is wrong with the names of the name servers: aliases, no address, glue missing or stale."""
    hidden = all(view.says != "delegates" for view in zone.parents)
    for one in zone.names if names is None else names:
        if one.alias:
            yield failed(
                one.name,
                f"The name server's name {one.name} is an alias (CNAME), which it must not be.",
                expected="A or AAAA records",
                observed=in_line([f"CNAME {one.alias}"]),
                fix="Put the name at the end of the alias into NS records and delegation, or give the name "
                "A and AAAA records of its own.",
                reference="RFC 2181 section 10.3",
            )
        elif inside(one.name, zone.domain) and not one.glue and not hidden and names is None:
            yield failed(
                one.name,
                f"The parent gives no glue for {one.name}, which lies in the zone itself: from there on "
                "nobody finds it.",
                expected="an address of it in the referral (glue)",
                observed=in_line(one.addresses) or "no address in the referral",
                fix="Have the registrar add the address of the name server (host object, glue record).",
                reference="RFC 1034 section 4.2.1, RFC 9471",
            )
        elif one.found in ("no address", "no such name"):
            what = "does not exist" if one.found == "no such name" else "has no address"
            yield failed(
                one.name,
                f"The name server {one.name} {what}{' but for the glue' if one.glue else ''}.",
                expected="A or AAAA records of the name",
                observed=("NXDOMAIN" if one.found == "no such name" else "no A and no AAAA record")
                + (f"; glue: {in_line(one.glue)}" if one.glue else ""),
                fix="Add its A (and AAAA) record to the zone the name lies in, or take the name out of the "
                "NS records and the delegation.",
                reference="RFC 1034 section 3.5",
            )
        elif one.found == "found":
            yield from _glue(one)
        elif not one.glue and not one.addresses:
            yield cannot_tell(
                one.name,
                f"The address of the name server {one.name} could not be found out.",
                expected="A or AAAA records of the name",
                observed=safe(one.detail, limit=300) or "not looked up",
                fix="Name a resolver that works in 'resolvers', or the server with its address in 'servers'.",
            )


def _glue(one: NsName) -> Iterable[Finding]:
    stale = [text for text in one.glue if text not in one.addresses]
    more = [text for text in one.addresses if text not in one.glue]
    if stale:
        yield failed(
            one.name,
            f"The parent's glue for {one.name} is not what the zone of that name says.",
            expected=in_line(one.addresses),
            observed=f"glue: {in_line(one.glue)}",
            fix="Have the registrar correct the address of the name server (glue), or correct its A and AAAA "
            "records, whichever is the old one.",
            reference="RFC 1034 section 4.2.2",
        )
    elif one.glue and more:
        yield warned(
            one.name,
            f"{one.name} has addresses that the parent's glue does not have.",
            expected=in_line(one.addresses),
            observed=f"glue: {in_line(one.glue)}",
            fix="Have the registrar add the address to the glue of the name server.",
        )
