"""What is said of an SPF record itself: that it is one, how it ends, what it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from checks.contract import Finding, Measure, Status
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.safe import safe
from checks.wire.dns_text import txt_value
from checks.wire.spf_check import MAX_TERMS, MAX_VOIDS
from checks.wire.spf_cost import Line, Survey
from checks.wire.spf_dns import Reply
from checks.wire.spf_record import SpfRecord, SpfSyntax, is_spf, parse

_LIMITS = "RFC 7208 section 4.6.4"
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The TXT records of the domain that are SPF records, as in a zone file, and those that look like one.

    `planned` says that they are the plan's and not what is published; `cost` is there for a single record
    without errors.
    """

    outcome: Literal["found", "no data", "no such name", "failed"]
    records: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    detail: str = ""
    sure: bool = True
    planned: bool = False
    cost: Survey | None = None


def sort_out(reply: Reply, *, planned: bool) -> Published:
    """Return which records of a domain's TXT lookup are about SPF."""
    texts = [(text, txt_value(text)) for text in reply.data]
    near = [text for text, raw in texts if b"spf1" in raw.lower() and not is_spf(raw)]
    return Published(
        outcome=reply.outcome, records=tuple(text for text, raw in texts if is_spf(raw)),
        near=tuple(near[:_SHOWN]), detail=reply.detail, sure=reply.sure, planned=planned,
    )  # fmt: skip


def single(published: Published) -> SpfRecord | None:
    """Return the record if there is one and it has no error."""
    if len(published.records) != 1:
        return None
    try:
        return parse(txt_value(published.records[0]))
    except SpfSyntax:
        return None


def plain(texts: Iterable[str]) -> str:
    """Return TXT records as they read, safe to show."""
    return safe(" | ".join(txt_value(text).decode("latin-1") for text in texts), limit=900)


def judge_form(domain: str, published: Published, most: int) -> Iterator[Finding]:
    """Return the findings about the record of `domain`, which should need at most `most` lookups."""
    expected = "exactly one SPF record without errors"
    whose = f"The planned SPF record of {domain}" if published.planned else f"The SPF record of {domain}"
    observed = plain(published.records)
    if published.outcome == "failed" or not published.sure:
        yield cannot_tell(
            domain,
            f"The TXT records of {domain} could not be looked up.",
            expected=expected,
            observed=safe(published.detail, limit=300) or "a server that neither resolves nor has authority",
            fix="Mend the resolver or the zone's servers, or name another resolver in 'resolvers'.",
        )
        return
    if not published.records:
        yield _none(domain, published, expected)
        return
    if len(published.records) > 1:
        yield failed(
            domain,
            f"{domain} has {len(published.records)} SPF records, which makes every check a permerror.",
            expected=expected,
            observed=observed,
            fix="Merge them into one TXT record that begins with v=spf1 once, and delete the other.",
            reference="RFC 7208 section 4.5",
        )
        return
    try:
        record = parse(txt_value(published.records[0]))
    except SpfSyntax as error:
        yield failed(
            domain,
            f"{whose} has an error, which makes every check a permerror: {safe(str(error), limit=600)}.",
            expected=expected,
            observed=observed,
            fix="Correct that term; a receiver reads the whole record before it uses any of it.",
            reference="RFC 7208 section 4.6",
        )
        return
    say = {"expected": expected, "observed": observed}
    yield from _terms(domain, whose, record, say)
    if published.cost is None:
        yield cannot_tell(domain, f"What {whose[4:]} costs was not looked up.", fix="Run the check again.")
        return
    yield _ending(domain, whose, record, published.cost, say)
    yield from _tree(domain, published.cost)
    yield _price(domain, published.cost, most)
    yield from _voids(domain, published.cost)


def _none(domain: str, published: Published, expected: str) -> Finding:
    what = (
        f"{domain} does not exist." if published.outcome == "no such name" else f"{domain} has no SPF record."
    )
    if published.planned:
        what = f"The text planned for {domain} is no SPF record."
    if published.near:
        what += " A TXT record looks like one and is none: it must begin with 'v=spf1' and a space."
    return failed(
        domain,
        what,
        expected=expected,
        observed=plain(published.near) or published.outcome,
        fix=f"Publish a TXT record at {domain} that begins with 'v=spf1 ' (no blank before it) and ends in "
        "-all or ~all.",
        reference="RFC 7208 section 4.5",
    )


def _terms(domain: str, whose: str, record: SpfRecord, say: dict[str, str]) -> Iterator[Finding]:
    names = [mechanism.name for mechanism in record.mechanisms]
    last = names.index("all") if "all" in names else len(names)
    idle = [mechanism.text for mechanism in record.mechanisms[last + 1 :]]
    if record.redirect_text and "all" in names:
        idle.append(record.redirect_text)
    if idle:
        yield warned(
            domain,
            f"{whose} has terms that no receiver comes to, behind 'all' or a redirect beside it: "
            f"{safe(', '.join(idle), limit=300)}.",
            fix="Move them in front of 'all', or remove them.",
            reference="RFC 7208 sections 5.1 and 6.1",
            **say,
        )
    again = [term for term in record.others if term.lower().startswith("v=spf")]
    if again:
        yield warned(
            domain,
            f"{whose} has {safe(again[0])} in its midst: two records seem to have been pasted together.",
            fix="Leave one v=spf1 at the beginning, and one 'all' at the end.",
            reference="RFC 7208 section 6",
            **say,
        )
    if "ptr" in names:
        yield warned(
            domain,
            f"{whose} uses ptr, which is slow and which some receivers do not heed.",
            fix="Name the senders' addresses (ip4, ip6) or hosts (a) in place of ptr.",
            reference="RFC 7208 section 5.5",
            **say,
        )


def _ending(domain: str, whose: str, record: SpfRecord, cost: Survey, say: dict[str, Any]) -> Finding:
    if cost.ending == "+":
        return failed(
            domain,
            f"{whose} ends in +all: it lets everybody send for the domain.",
            fix="End it in -all, or in ~all while senders are still being found.",
            reference="RFC 7208 section 5.1",
            **say,
        )
    if cost.ending in ("-", "~"):
        way = f" by way of {safe(record.redirect_text)}" if not _has_all(record) else ""
        return passed(
            domain, f"{whose} is the only one, has no error and ends in {cost.ending}all{way}.", **say
        )
    if cost.ending == "unknown":
        return cannot_tell(
            domain,
            f"How {whose[4:]} ends was not found out: {safe(record.redirect_text) or 'too long a way'}.",
            fix="Mend what the redirect leads to, or end the record in -all or ~all itself.",
            **say,
        )
    return warned(
        domain,
        f"{whose} ends in {'?all' if cost.ending else 'no all'}: senders it does not name are neutral.",
        fix="End it in -all, or in ~all while senders are still being found.",
        reference="RFC 7208 sections 4.7 and 5.1",
        **say,
    )


def _has_all(record: SpfRecord) -> bool:
    return any(mechanism.name == "all" for mechanism in record.mechanisms)


def _tree(domain: str, cost: Survey) -> Iterator[Finding]:
    for line in [line for line in cost.lines if line.problem][:_SHOWN]:
        yield failed(
            domain,
            f"{_place(line)} is wrong: {safe(line.problem, limit=400)}.",
            expected="every term leads to what it names",
            observed=safe(line.problem, limit=400),
            fix=f"Remove {safe(line.term, limit=120)} from the record of {safe(line.domain)}, or have it "
            "mended by the one who runs what it names.",
            reference="RFC 7208 sections 5.2 and 6.1",
        )
    for line in [line for line in cost.lines if line.unknown][:_SHOWN]:
        yield cannot_tell(
            domain,
            f"{_place(line)} could not be looked up.",
            expected="an answer",
            observed=safe(line.unknown, limit=300),
            fix="Run again; if it stays so, its zone's servers fail, and receivers will give temperror.",
        )
    for line in [
        line for line in cost.lines if line.lets_all and (line.depth or line.term[-3:].lower() != "all")
    ][:_SHOWN]:
        yield failed(
            domain,
            f"{_place(line)} lets every address send for the domain.",
            expected="named senders only",
            observed=safe(line.term, limit=120),
            fix=f"Remove what leads to {safe(line.term, limit=120)} of {safe(line.domain)}.",
            reference="RFC 7208 section 11.1",
        )
    if not cost.complete:
        yield cannot_tell(
            domain,
            "The record and what it includes were not read to the end.",
            observed=f"{cost.lookups} terms that look up DNS",
            fix="Include fewer records, or run again where a lookup was slow.",
        )


def _place(line: Line) -> str:
    return f"{safe(line.term, limit=120)} of {safe(line.domain)}"


def _price(domain: str, cost: Survey, most: int) -> Finding:
    branches = sorted(
        (line for line in cost.lines if line.depth == 0 and line.lookups > 1),
        key=lambda line: -line.lookups,
    )
    costs = ", ".join(f"{safe(line.term, limit=80)} costs {line.lookups}" for line in branches[:3])
    measure = Measure(
        name="SPF lookups", value=cost.lookups, unit="terms", warn=min(most, MAX_TERMS), fail=MAX_TERMS,
        source=_LIMITS,
    )  # fmt: skip
    fix = "Remove includes that are not needed"
    if branches:
        most_dear = f"{safe(branches[0].term, limit=80)} ({branches[0].lookups})"
        fix += f", or replace {most_dear} by the addresses it names"
    found = within(domain, measure, fix=f"{fix}.")
    over = cost.lookups > MAX_TERMS
    message = (
        f"A sender that no term names costs {cost.lookups} of {MAX_TERMS} lookups"
        f"{', too many: it is a permerror' if over else ''}{f' ({costs})' if costs else ''}"
        f", {cost.voids4} of them void for IPv4 and {cost.voids6} for IPv6."
    )
    if any(line.by_sender for line in cost.lines):
        message += " What depends on the sender (macros) is not counted further."
    if found.status is Status.PASS and not cost.complete:
        return cannot_tell(domain, message, expected=found.expected, observed=found.observed, fix=f"{fix}.")
    return dataclasses.replace(found, message=message, reference=_LIMITS)


def _voids(domain: str, cost: Survey) -> Iterator[Finding]:
    for family, count in (("IPv4", cost.voids4), ("IPv6", cost.voids6)):
        if count <= MAX_VOIDS:
            continue
        void = [line for line in cost.lines if (line.voids4 if family == "IPv4" else line.voids6)]
        say = {
            "expected": f"at most {MAX_VOIDS} void lookups ({_LIMITS})",
            "observed": f"{count}: {safe(', '.join(_place(line) for line in void), limit=400)}",
            "fix": "Remove the terms whose names have no records, or add the missing records.",
            "reference": _LIMITS,
        }
        if family == "IPv4":
            what = "A sender that no term names meets too many void lookups: it is a permerror."
            yield failed(domain, what, **say)
        elif cost.voids4 <= MAX_VOIDS:
            what = "An IPv6 sender that no term names meets too many void lookups: it is a permerror."
            yield warned(domain, what, **say)
