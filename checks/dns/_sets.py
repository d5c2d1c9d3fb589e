"""The same record set on every server of a zone: content, time to live, and what was planned. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from checks.bounds import Len
from checks.dataclass import dataclass
from checks.dns._answers import shown
from checks.dns.record import Type
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import DomainName
from checks.safe import in_line, safe
from checks.wire.dns import Answer
from checks.wire.dns_text import canonical
from checks.words import Finding

Content = tuple[str, ...]
"""What an answer says of a name: its records in canonical form, sorted; `NXDOMAIN`, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetName:
    """Name and type of a record set."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: DomainName
    rdtype: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """Name and type of a record set, and the data planned for it; none: only alike on every server."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: DomainName
    rdtype: Type
    expect: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlanned:
    """Name and type of a record set, and the data planned for it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: DomainName
    rdtype: Type
    expect: Annotated[tuple[str, ...], Len(1)]


def refuse_slips(sets: Sequence[SetName | SetPlan | SetPlanned], key: str) -> None:
    """Raise ValueError for a set named twice, or for data that is none of its type."""
    names = [(one.name, one.rdtype) for one in sets]
    if len(set(names)) < len(names):
        raise ValueError(f"'{key}' names the same record set twice.")
    for one in sets:
        texts: tuple[str, ...] = getattr(one, "expect", ())
        for text in texts:
            try:
                canonical(one.rdtype, text)
            except ValueError as error:
                raise ValueError(
                    f"'{key}' holds {text!r} for {one.name}, which is no {one.rdtype} data: {error}"
                ) from None


def outside(sets: Sequence[SetName | SetPlan | SetPlanned], domain: str, key: str) -> None:
    """Raise ValueError for a set whose name does not lie in the zone."""
    for one in sets:
        if domain not in (".", one.name) and not one.name.endswith(f".{domain}"):
            raise ValueError(f"'{key}' names {one.name}, which does not lie in the zone {domain}.")


def plain(rdtype: str, text: str) -> str:
    """Return a record's text in the form in which equal records are equal; odd text stands for itself."""
    try:
        return canonical(rdtype, text)
    except ValueError:
        return text


def content(answer: Answer) -> Content | None:
    """Return what an answer says of the name with authority; None where it says nothing that counts.

    Records beside the word that the name does not exist are such a case.
    """
    if answer.error is not None or not answer.aa or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        return None
    chain = answer.chain()
    if answer.rcode == "NXDOMAIN" and chain.records:
        return None
    passing = {answer.name, *chain.aliases}
    texts = {
        f"{r.name} {r.rdtype} {plain(r.rdtype, r.text)}"
        for r in answer.records
        if r in chain.records or (r.rdtype == "CNAME" and r.name in passing)
    }
    return tuple(sorted(texts)) or (("NXDOMAIN",) if answer.rcode == "NXDOMAIN" else ())


def records_of(answer: Answer) -> frozenset[str]:
    """Return the data of the type asked in canonical form, aliases followed."""
    return frozenset(plain(answer.rdtype, r.text) for r in answer.chain().records)


def longest_ttl(answer: Answer) -> int | None:
    """Return the longest time to live of the records of the type asked, or of the alias in their place."""
    chain = answer.chain()
    ttls = [r.ttl for r in chain.records if r.name == answer.name]
    ttls += [r.ttl for r in answer.records if r.rdtype == "CNAME" and r.name == answer.name]
    return max(ttls, default=None)


def as_planned(label: str, answer: Answer, expect: Sequence[str]) -> Finding:
    """Hold one server's records against the planned ones; the answer must be one that `content` takes."""
    wanted = {plain(answer.rdtype, text) for text in expect}
    got, what = records_of(answer), f"{answer.rdtype} records of {answer.name}"
    missing, extra = sorted(wanted - got), sorted(got - wanted)
    expected, observed = in_line(sorted(wanted)), shown(answer, answer.chain())
    if not missing and not extra and answer.rcode == "NOERROR":
        return passed(label, f"It has the planned {what}.", expected=expected, observed=observed)
    wrong = [f"missing: {in_line(missing)}"] if missing else []
    wrong += [f"not planned: {in_line(extra)}"] if extra else []
    return failed(
        label,
        f"The {what} are not the planned ones ({'; '.join(wrong) or answer.rcode}).",
        expected=expected,
        observed=observed,
        fix="Correct the records in the zone; if they are right on the primary, let this server transfer the "
        "zone again and look at its log.",
    )


def alike(
    name: str, rdtype: str, answers: Mapping[str, Answer], serials: Mapping[str, int], leader: int | None
) -> Iterable[Finding]:
    """Compare what servers (by label) say of one set; `serials` are theirs, `leader` the newest of them."""
    subject = f"{name} {rdtype}"
    groups: dict[Content, list[str]] = {}
    for label, answer in answers.items():
        said = content(answer)
        if said is not None:
            groups.setdefault(said, []).append(label)
    if not groups:
        yield cannot_tell(
            subject,
            f"No server said anything of {subject} with authority.",
            expected="the same records on every server",
            fix="Mend the servers named above, then run again.",
        )
        return
    weight = {g: (any(serials.get(s) == leader for s in groups[g]), len(groups[g])) for g in groups}
    best = max(groups, key=lambda g: (weight[g], g))
    for said, labels in groups.items():
        if said != best:
            even = weight[said] == weight[best]
            yield _differs(subject, labels, said, groups[best], best, serials, even=even)
    if len(groups) > 1:
        return
    if not best or best == ("NXDOMAIN",):
        yield failed(
            subject,
            f"No server has {subject}: there is nothing to be alike.",
            expected="a record on every server",
            observed=in_line(best) or f"no {rdtype} record",
            fix="Add the record to the zone, or correct name and type in the project.",
        )
        return
    yield passed(
        subject,
        f"{len(answers)} server{'s' * (len(answers) > 1)} asked gave the same records.",
        expected="the same records on every server",
        observed=in_line(best),
    )
    yield from _ttls(subject, answers)


def _differs(
    subject: str,
    labels: list[str],
    said: Content,
    others: list[str],
    best: Content,
    serials: Mapping[str, int],
    *,
    even: bool,
) -> Finding:
    """Return that `labels` differ from `others`; `even`: nothing tells which of the two is right."""
    ours = {serials[label] for label in labels if label in serials}
    same = ours & {serials[label] for label in others if label in serials}
    cause = (
        f" although both have the serial {min(same)}: the zone was changed without a new serial, or one of "
        "them gets it another way"
        if same
        else ""
    )
    ours_told = in_line(said) or f"no record of that type{'' if said else ' (NOERROR)'}"
    theirs = safe(", ".join(others), limit=300)
    what = f"{subject} differs from what {theirs} says{cause}."
    if even:
        what = f"{subject} is not the same on {safe(', '.join(labels), limit=300)} and on {theirs}{cause}."
        ours_told = f"{', '.join(labels)}: {ours_told}; {', '.join(others)}: {in_line(best) or 'no record'}"
    return failed(
        ", ".join([*labels, *others] if even else labels),
        what,
        expected="the same records on every server" if even else in_line(best) or "no record",
        observed=ours_told,
        fix="Raise the zone's serial on the primary and let every secondary transfer it; if the zone is "
        "kept in two places, bring both to the planned records.",
        reference="RFC 1034 section 4.3.5",
    )


def _ttls(subject: str, answers: Mapping[str, Answer]) -> Iterable[Finding]:
    ttls = {label: ttl for label, answer in answers.items() if (ttl := longest_ttl(answer)) is not None}
    if len(set(ttls.values())) > 1:
        yield warned(
            subject,
            "The servers give different times to live, though the same records.",
            expected="one time to live on every server",
            observed=safe(", ".join(f"{label}: {ttl} s" for label, ttl in ttls.items()), limit=500),
            fix="Set one time to live for the set and let every server transfer the zone again.",
            reference="RFC 2181 section 5.2",
        )
