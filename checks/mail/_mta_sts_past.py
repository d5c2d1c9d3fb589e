"""What senders may still know of an MTA-STS policy: what is left over, and a change they do not notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from checks.dataclass import dataclass
from checks.judging import failed, warned
from checks.mail._names import shown
from checks.safe import safe
from checks.wire.http import Exchange
from checks.wire.mta_sts import StsPolicy, allows, read_policy
from checks.words import Finding, span


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What an earlier run saw: the record's id and the policy's body."""

    at: datetime
    id: str
    body: bytes


def allowed(policy: StsPolicy, host: str) -> bool:
    """Return whether a policy allows a host."""
    return any(allows(pattern, host) for pattern in policy.hosts)


def left_over(
    subject: str,
    planned: Sequence[str],
    exchange: Exchange | None,
    before: Before | None,
    now: datetime,
) -> Iterator[Finding]:
    """Return the warning that senders may know a policy which keeps the planned hosts out."""
    if exchange is not None and exchange.status == 200 and exchange.complete:
        policy = read_policy(exchange.body)
        if _keeps_out(policy, planned):
            yield warned(
                subject,
                "A policy with mode enforce is still served: senders that know it keep to it for its "
                "max_age, even without the record.",
                expected="mode none, or no policy",
                observed=f"mode enforce, max_age {policy.max_age} s, mx {shown(policy.hosts)}",
                fix="Serve mode none, or add the planned hosts, for one max_age after the record went.",
                reference="RFC 8461 section 8.3",
            )
            return
    if before is not None:
        policy = read_policy(before.body)
        age = (now - before.at).total_seconds()
        if _keeps_out(policy, planned) and age < policy.max_age:
            yield warned(
                subject,
                "An earlier run saw a policy with mode enforce, which senders may keep to for "
                f"{span(int(policy.max_age - age))} more.",
                expected="mode none until max_age had passed",
                observed=f"seen {before.at:%Y-%m-%d %H:%M} UTC: mx {shown(policy.hosts)}",
                fix="Publish the record under a new id with a policy of mode none, and wait that long.",
                reference="RFC 8461 section 8.3",
            )


def remarks(
    record: str, subject: str, policy: StsPolicy, ident: str, before: Before | None
) -> Iterator[Finding]:
    """Return what is doubtful about a policy that can be used."""
    if policy.flaws:
        yield warned(
            subject,
            "Senders may read the policy in different ways.",
            expected="each field once, no empty line",
            observed=safe("; ".join(policy.flaws), limit=400),
            fix="Correct these lines of the policy.",
            reference="RFC 8461 section 3.2",
        )
    if before is None or before.id != ident:
        return
    then = read_policy(before.body)
    if (then.mode, set(then.hosts), then.max_age) != (policy.mode, set(policy.hosts), policy.max_age):
        yield failed(
            record,
            "The policy has changed and its id has not: senders that have the old one do not fetch the new "
            f"one, for up to {span(then.max_age)}.",
            expected=f"another id than {safe(before.id, limit=40)}",
            observed=f"before ({before.at:%Y-%m-%d %H:%M} UTC): mode {then.mode}, mx {shown(then.hosts)}",
            fix=f"Write a new id into the TXT record {record}.",
            reference="RFC 8461 section 3.1",
        )


def _keeps_out(policy: StsPolicy, planned: Sequence[str]) -> bool:
    out = [host for host in planned if not allowed(policy, host)]
    return not policy.problem and policy.mode == "enforce" and (bool(out) or not planned)
