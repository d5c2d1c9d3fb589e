"""Whether the servers of a zone agree with the parent and with each other: NS records, SOA record. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from checks.dns._serial import newer, newest, serial_of, soas
from checks.dns._servers import ServerSeen
from checks.dns._sets import content
from checks.dns._zone import Zone
from checks.judging import failed, passed, warned
from checks.safe import in_line, safe
from checks.wire.dns import Answer
from checks.words import Finding

_SOA_FIELDS = (
    ("MNAME (primary)", 0, 1), ("RNAME (contact)", 1, 2), ("timers (refresh, retry, expire, minimum)", 3, 7),
)  # fmt: skip


def ns_of(answer: Answer | None, domain: str) -> tuple[str, ...]:
    """Return the NS names that an answer with authority has for the zone, sorted."""
    if answer is None or content(answer) is None:
        return ()
    return tuple(sorted({r.text for r in answer.records if r.rdtype == "NS" and r.name == domain}))


def told(answer: Answer | None) -> str:
    if answer is None:
        return "not asked"
    if answer.error is not None:
        return f"{answer.error}: {safe(answer.detail, limit=160)}"
    text = f"{answer.rcode}{'' if answer.aa else ' without authority'}"
    if answer.records:
        text += f", {in_line(r.text for r in answer.records[:6])}"
    elif answer.referral():
        text += f", refers to {in_line(r.text for r in answer.authority[:3])}"
    return text


def same_ns(domain: str, zone: Zone, good: Sequence[ServerSeen]) -> Iterable[Finding]:
    """Hold the NS records of each server against the delegation (or against the servers named)."""
    parent, whose = set(zone.delegation()), "the parent's delegation"
    if zone.how == "servers":
        parent, whose = {s.name for s in zone.servers}, "the servers named in the check"
        if "" in parent:
            parent = set()
    sets: dict[tuple[str, ...], list[str]] = {}
    for one in good:
        said = content(one.ns) if one.ns is not None else None
        if one.ns is None or said is None or not ns_of(one.ns, domain):
            yield failed(
                one.server.label,
                f"It serves {domain} without telling its NS records.",
                expected=in_line(sorted(parent)) or "NS records",
                observed=told(one.ns),
                fix="Put the zone's NS records into it: they must be those of the delegation.",
                reference="RFC 1034 section 4.2.1",
            )
        else:
            sets.setdefault(ns_of(one.ns, domain), []).append(one.server.label)
    for names, labels in sets.items():
        extra, missing = set(names) - parent, parent - set(names)
        if not parent:
            continue
        if missing:
            yield failed(
                in_line(labels),
                f"{in_line(sorted(missing))} in {whose} is not in the zone's NS records.",
                expected=in_line(sorted(parent)),
                observed=in_line(names),
                fix="Bring the zone's NS records and the delegation at the registrar to the same names.",
                reference="RFC 1034 section 4.2.2",
            )
        elif extra:
            yield warned(
                in_line(labels),
                f"{in_line(sorted(extra))} in the zone's NS records is not in {whose}.",
                expected=in_line(sorted(parent)),
                observed=in_line(names),
                fix="Add the name to the delegation at the registrar, or remove it from the zone.",
                reference="RFC 1034 section 4.2.2",
            )
    if len(sets) > 1:
        yield failed(
            domain,
            "The servers have different NS records for the zone.",
            expected="the same NS records on every server",
            observed=in_line(f"{' and '.join(labels)}: {' '.join(names)}" for names, labels in sets.items()),
            fix="Let every server transfer the zone again; raise the serial on the primary first.",
        )
    elif sets and set(next(iter(sets))) == parent:
        yield passed(
            f"{domain} NS",
            f"The zone's NS records are those of {whose}, on every server that serves it.",
            expected=in_line(sorted(parent)),
            observed=in_line(next(iter(sets))),
        )


def same_soa(domain: str, good: Sequence[ServerSeen], *, same_serial: bool) -> Iterable[Finding]:
    soa = {one.server.label: soas(one.best(), domain)[0] for one in good}
    serials = {label: serial_of(record) for label, record in soa.items()}
    observed = in_line(f"{label}: {serial}" for label, serial in serials.items())
    different = set(serials.values())
    top = newest(different)
    if same_serial and len(different) > 1 and top is None:
        yield failed(
            in_line(serials),
            "The servers have serials that cannot be ordered: none of them is the newest (RFC 1982).",
            expected="one serial on every server",
            observed=observed,
            fix="Set the primary's serial anew (RFC 1912 section 3.1) and let every server load it.",
            reference="RFC 1982 section 3.2",
        )
    elif same_serial and top is not None:
        for label, serial in serials.items():
            if serial != top:
                yield _behind(label, serial, top, serials)
    if len(different) == 1:
        yield passed(
            f"{domain} SOA",
            "The same serial on every server that serves the zone.",
            expected="one serial",
            observed=f"{top} on {len(serials)} server{'s' * (len(serials) > 1)}",
        )
    for what, start, end in _SOA_FIELDS:
        values = {label: " ".join(r.text.split(" ")[start:end]) for label, r in soa.items()}
        if len(set(values.values())) > 1:
            yield warned(
                f"{domain} SOA",
                f"The servers have different {what} in the SOA record.",
                expected="the same SOA record on every server",
                observed=in_line(f"{label}: {value}" for label, value in values.items()),
                fix="Let every server transfer the zone from one primary.",
            )


def _behind(label: str, serial: int, top: int, serials: dict[str, int]) -> Finding:
    ahead = [other for other, number in serials.items() if number == top]
    how = (top - serial) % (1 << 32)
    most = Counter(serials.values()).most_common(1)[0]
    remark = " Most servers have this one: perhaps the newest is not meant." if most[0] == serial else ""
    wraps = "" if newer(top, serial) and top > serial else " by serial arithmetic (RFC 1982)"
    return failed(
        label,
        f"{safe(label, limit=200)} is behind: its serial {serial} is older than {top}{wraps}.{remark}",
        expected=f"serial {top}, as on {in_line(ahead)}",
        observed=f"serial {serial}, {how} behind",
        fix="Find out why it does not transfer the zone: NOTIFY, the primary's address and allow-transfer, "
        "TSIG, its log; reload it, or wait for its refresh time.",
        reference="RFC 1982 section 3.2, RFC 1996",
    )
