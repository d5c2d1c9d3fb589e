"""What one server's answers mean for names, aliases, and what must be gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed
from checks.safe import in_line, safe
from checks.server._naming import Told
from checks.wire.dns_text import canonical
from checks.words import span

Find = Callable[[str, str], Told | None]


def judge_name(
    server: str, name: str, planned: Sequence[str], at: Find, max_ttl: float | None
) -> Iterable[Finding]:
    """Judge the addresses of a name, of both families."""
    subject = f"{name} at {server}"
    answers = [(kind, at(name, kind)) for kind in ("A", "AAAA")]
    for kind, told in answers:
        wanted = {canonical(kind, one) for one in planned if (":" in one) == (kind == "AAAA")}
        expected = f"{kind} {in_line(sorted(wanted))}" if wanted else f"no {kind} record"
        unknown = _unknown(subject, told, expected)
        if unknown is not None or told is None:
            yield unknown or _untold(subject, expected)
            continue
        got = {canonical(kind, text) for text in told.found.texts}
        observed = f"{kind} {in_line(sorted(got))}" if got else f"no {kind} record"
        if told.found.aliases:
            observed += f", by way of {in_line(told.found.aliases)}"
        if got == wanted:
            if wanted:
                yield passed(
                    subject, "The name has the planned addresses.", expected=expected, observed=observed
                )
                yield from _ttl(subject, told, max_ttl)
        elif got - wanted:
            other = in_line(sorted(got - wanted))
            yield failed(
                subject, f"The name leads to {other}{', too' if got & wanted else ''}.",
                expected=expected, observed=observed,
                fix=f"Correct the {kind} record at {server}, or wait until its cache has forgotten it: "
                "clients go to whichever address they are given.",
            )  # fmt: skip
        else:
            yield failed(
                subject, "The name lacks a planned address.", expected=expected, observed=observed,
                fix=f"Add the {kind} record at the server with authority; a cache forgets the old answer "
                "after its TTL.",
            )  # fmt: skip


def judge_reverse(
    server: str, address: str, name: str, owners: Collection[str], told: Told | None
) -> Finding:
    """Judge whether an address has the name; other planned names of the address are no fault."""
    subject = f"{address} at {server}"
    expected = f"PTR {name}"
    unknown = _unknown(subject, told, expected)
    if unknown is not None or told is None:
        return unknown or _untold(subject, expected)
    got = {canonical("PTR", text) for text in told.found.texts}
    observed = f"PTR {in_line(sorted(got))}" if got else "no PTR record"
    if name in got and got <= set(owners):
        return passed(subject, "The address has the planned name.", expected=expected, observed=observed)
    if name in got:
        return failed(
            subject, "The address has another name beside the planned one.", expected=expected,
            observed=observed, fix=f"Delete the PTR record {in_line(sorted(got - set(owners)))}.",
        )  # fmt: skip
    return failed(
        subject, "The address does not have the planned name.", expected=expected, observed=observed,
        fix=f"Set the PTR record of {address} to {name} in the reverse zone.",
    )  # fmt: skip


def judge_alias(
    server: str, alias: str, target: str, told: Told | None, max_ttl: float | None
) -> Iterable[Finding]:
    """Judge an alias."""
    subject = f"{alias} at {server}"
    expected = f"CNAME {target}"
    unknown = _unknown(subject, told, expected)
    if unknown is not None or told is None:
        yield unknown or _untold(subject, expected)
        return
    got = {canonical("CNAME", text) for text in (*told.found.texts, *told.found.aliases)} - {alias}
    observed = f"CNAME {in_line(sorted(got))}" if got else "no CNAME record"
    if got == {target}:
        yield passed(subject, "The alias is set.", expected=expected, observed=observed)
        yield from _ttl(subject, told, max_ttl)
    else:
        yield failed(
            subject, "The alias leads elsewhere." if got else "The alias is not set.", expected=expected,
            observed=observed, fix=f"Set the CNAME record of {alias} to {target}.",
        )  # fmt: skip


def judge_absent(server: str, name: str, first: Told | None, second: Told | None) -> Finding:
    """Judge a name that must be gone: a server that says no to everything proves nothing."""
    subject = f"{name} at {server}"
    expected = "no such name, or no address"
    for told in (first, second):
        unknown = _unknown(subject, told, expected)
        if unknown is not None or told is None:
            return unknown or _untold(subject, expected)
        if told.found.outcome == "found" or told.found.aliases:
            shown = in_line((*told.found.aliases, *told.found.texts))
            return failed(
                subject, "The name is still there.", expected=expected, observed=shown,
                fix="Delete its records at the server with authority; a cache forgets them after their TTL.",
            )  # fmt: skip
        if not told.found.soa:
            return cannot_tell(
                subject, "The server denies the name, without the SOA record that a real denial has.",
                expected=expected, observed=told.found.outcome,
                fix="Ask a server with authority: name it in 'servers'.",
            )  # fmt: skip
    outcome = first.found.outcome if first is not None else ""
    return passed(subject, "The name is gone.", expected=expected, observed=outcome)


def judge_old(server: str, address: str, known: Collection[str], told: Told | None) -> Finding:
    """Judge an address of the old server: it must not be called as the new one is."""
    subject = f"{address} at {server}"
    expected = "no PTR record with a planned name"
    unknown = _unknown(subject, told, expected)
    if unknown is not None or told is None:
        return unknown or _untold(subject, expected)
    got = {canonical("PTR", text) for text in told.found.texts}
    observed = f"PTR {in_line(sorted(got))}" if got else told.found.outcome
    if got & set(known):
        return failed(
            subject, "The old server's address still has the name of the new one.", expected=expected,
            observed=observed, fix=f"Delete that PTR record of {address}, or give it the old server's name.",
        )  # fmt: skip
    return passed(
        subject, "The old server's address has no planned name.", expected=expected, observed=observed
    )


def _ttl(subject: str, told: Told, max_ttl: float | None) -> Iterable[Finding]:
    if max_ttl is None or told.ttl is None:
        return
    expected, observed = f"at most {span(max_ttl)}", span(told.ttl)
    if told.ttl > max_ttl:
        yield failed(
            subject, f"Its TTL is {observed}.", expected=expected, observed=observed,
            fix="Lower it at the server with authority, and wait as long as the old one was before the "
            "switch.",
        )  # fmt: skip
    elif told.aa:
        yield passed(subject, f"Its TTL is {observed}.", expected=expected, observed=observed)
    elif not told.authority:
        yield cannot_tell(
            subject, f"The cache has {observed} left of it, which does not tell the TTL it had.",
            expected=expected, observed=observed, fix="Name servers with authority in 'servers'.",
        )  # fmt: skip


def _unknown(subject: str, told: Told | None, expected: str) -> Finding | None:
    if told is None or told.found.outcome == "failed":
        detail = told.found.detail if told is not None else "not asked"
        return cannot_tell(
            subject, "The server did not tell.", expected=expected, observed=safe(detail, limit=300),
            fix="See that it answers this laptop (UDP and TCP 53), or leave it out.",
        )  # fmt: skip
    if told.authority and not told.aa:
        return cannot_tell(
            subject, "The server was named as one with authority and has none for this name.",
            expected=expected, observed=told.found.outcome,
            fix="Name the servers of that zone in 'servers'; a resolver belongs into 'resolvers'. A reverse "
            "zone may be served by others.",
        )  # fmt: skip
    return None


def _untold(subject: str, expected: str) -> Finding:
    return cannot_tell(subject, "It was not asked.", expected=expected, fix="Run the check again.")
