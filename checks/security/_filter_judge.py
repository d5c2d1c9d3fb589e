"""What the answers of resolvers prove about a filter: a block is seen, silence is weighed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checks.contract import Finding
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.security._filter_seen import LEAST_PATIENCE_S, FilterSeen, Lookup, verdict, words
from checks.security._places import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtering:
    """What the check was asked."""

    blocked: tuple[str, ...]
    control: str
    bypass: tuple[str, ...]
    pages: tuple[str, ...]


def judge(asked: Filtering, seen: FilterSeen) -> Iterable[Finding]:
    """Return the findings: each resolver of the filter, each bypass, then what stays unproven."""
    told = _by_place(seen)
    real = {one.name for one in seen.lookups if verdict(one, asked.pages) == "real"}
    exists = real | set(seen.existed)
    unproven: dict[str, None] = {}
    if not seen.resolvers:
        yield cannot_tell(
            "the resolvers", "No resolver was asked.", expected="at least one", observed="none",
            fix="Name the filter's resolvers.",
        )  # fmt: skip
    works = [server for server in seen.resolvers if _control(told, server, asked)]
    for server in seen.resolvers:
        if server not in works:
            yield _no_control(server, told.get((server, asked.control), []), asked)
            for name in asked.blocked:
                if "real" in _verdicts(told.get((server, name), []), asked):
                    yield _unfiltered(server, name, told[server, name])
            continue
        yield passed(
            server, f"{asked.control} resolves.", expected="an address",
            observed=safe(words(told[server, asked.control]), limit=300),
        )  # fmt: skip
        for name in asked.blocked:
            yield _blocked(server, name, told.get((server, name), []), asked, exists, unproven)
    for server in asked.bypass:
        yield from _bypass(server, told, asked, seen, exists, bool(works), unproven)
    if unproven:
        yield warned(
            listed(list(unproven)), "What is not there looks as if it was blocked: nothing shows that it is.",
            expected="a block page or 0.0.0.0, or an earlier run that saw the real answer",
            observed=in_line(unproven),
            fix="Run the check once where nothing is filtered, or before the filter is switched on: what "
            "answered then is remembered. Or name the filter's 'block_pages'.",
        )  # fmt: skip


def _by_place(seen: FilterSeen) -> dict[tuple[str, str], list[Lookup]]:
    found: dict[tuple[str, str], list[Lookup]] = {}
    for one in seen.lookups:
        found.setdefault((one.server, one.name), []).append(one)
    return found


def _verdicts(lookups: Sequence[Lookup], asked: Filtering) -> list[str]:
    return [verdict(one, asked.pages) for one in lookups]


def _control(told: dict[tuple[str, str], list[Lookup]], server: str, asked: Filtering) -> bool:
    return "real" in _verdicts(told.get((server, asked.control), []), asked)


def _no_control(server: str, lookups: Sequence[Lookup], asked: Filtering) -> Finding:
    return cannot_tell(
        server, f"{asked.control} does not resolve there, so that no answer for another name proves much.",
        expected="an address of its own", observed=safe(words(lookups), limit=400) or "not asked",
        fix="Mend the way to the resolver, or name a control that resolves.",
    )  # fmt: skip


def _unfiltered(server: str, name: str, lookups: Sequence[Lookup]) -> Finding:
    return failed(
        server, f"{name} is not blocked.", expected="blocked", observed=safe(words(lookups), limit=400),
        fix="Switch its category on in the filter, or point the resolver at the filter; if the address is "
        "the filter's own page, name it in 'block_pages'.",
    )  # fmt: skip


def _blocked(
    server: str, name: str, lookups: Sequence[Lookup], asked: Filtering, exists: set[str],
    unproven: dict[str, None],
) -> Finding:  # fmt: skip
    found = _verdicts(lookups, asked)
    observed = safe(words(lookups), limit=400) or "not asked"
    kinds = {one.rdtype for one in lookups}
    if "real" in found:
        return _unfiltered(server, name, lookups)
    if kinds == {"A", "AAAA"} and all(one in ("blocked", "negative", "refused") for one in found):
        if "blocked" not in found and name not in exists:
            unproven.setdefault(f"{name} (at {server})")
        return passed(server, f"{name} is blocked.", expected="blocked", observed=observed)
    return cannot_tell(
        server, f"Whether {name} is blocked could not be told.", expected="blocked, A and AAAA",
        observed=observed, fix="Run it again; a resolver that answers SERVFAIL has trouble of its own.",
    )  # fmt: skip


def _bypass(
    server: str, told: dict[tuple[str, str], list[Lookup]], asked: Filtering, seen: FilterSeen,
    exists: set[str], works: bool, unproven: dict[str, None],  # noqa: FBT001
) -> Iterable[Finding]:  # fmt: skip
    names = (asked.control, *asked.blocked)
    lookups = [one for name in names for one in told.get((server, name), [])]
    blocked = [one for one in lookups if one.name != asked.control]
    found, kinds = _verdicts(blocked, asked), set(_verdicts(lookups, asked))
    observed = safe(words(lookups), limit=500) or "not asked"
    expected = "no answer, or the filter's"
    if "real" in found:
        name = next(one.name for one in blocked if verdict(one, asked.pages) == "real")
        yield failed(
            server, f"The filter is bypassed: this resolver answers for {name}.", expected=expected,
            observed=observed,
            fix="Forbid DNS (UDP and TCP 53), DNS over TLS (853) and this resolver's DNS over HTTPS to "
            "everything but the filter, or redirect it there.",
        )  # fmt: skip
        return
    enough = {(one.name, one.rdtype) for one in lookups} >= {(n, t) for n in names for t in ("A", "AAAA")}
    if not works:
        yield cannot_tell(
            server, "No resolver of the filter works here, so that silence of another proves nothing.",
            expected=expected, observed=observed, fix="Mend the filter's resolver, then run it again.",
        )  # fmt: skip
    elif "unknown" in kinds:
        yield cannot_tell(
            server, "Its name is not resolved: that says nothing about its address.", expected=expected,
            observed=observed,
            fix="Write it with its address: https://192.0.2.1/dns-query#dns.example.net, "
            "tls://192.0.2.1#dns.example.net.",
        )  # fmt: skip
    elif not enough or kinds & {"odd", "unsent"}:
        yield cannot_tell(
            server, "Whether it can be used could not be told.", expected=expected, observed=observed,
            fix="Look what answers in its place (a certificate of another, a mangled reply); clients that do "
            "not look at certificates may get an answer.",
        )  # fmt: skip
    elif "silent" in kinds and seen.patience_s < LEAST_PATIENCE_S:
        yield cannot_tell(
            server, "It was given too little time to answer.", expected=f"{LEAST_PATIENCE_S:g} s each",
            observed=f"{seen.patience_s:.2g} s", fix="Give the check a longer 'timeout'.",
        )  # fmt: skip
    else:
        answered = kinds & {"real", "blocked", "negative"}
        sure = (
            all(name in exists for name in asked.blocked) or "blocked" in found
            if answered
            else server in seen.answered
        )
        if not sure:
            unproven.setdefault(server)
        said = "answers as the filter does" if answered else "cannot be used from here"
        yield passed(server, f"This resolver {said}.", expected=expected, observed=observed)
