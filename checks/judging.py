"""Small words for judges: findings without ceremony, and a number held against its limits."""

from __future__ import annotations

import math

from checks.words import Finding, Measure, Status


def passed(
    subject: str, message: str, *, expected: str = "", observed: str = "", measure: Measure | None = None
) -> Finding:
    """Return a finding that the claim holds for `subject`."""
    return Finding(
        status=Status.PASS,
        subject=subject,
        message=message,
        expected=expected,
        observed=observed,
        measure=measure,
    )


def warned(
    subject: str, message: str, *, fix: str, expected: str = "", observed: str = "", reference: str = ""
) -> Finding:
    """Return a finding that is tolerable and should be mended."""
    return Finding(
        status=Status.WARN, subject=subject, message=message, expected=expected, observed=observed, fix=fix,
        reference=reference,
    )  # fmt: skip


def failed(
    subject: str, message: str, *, fix: str, expected: str = "", observed: str = "", reference: str = ""
) -> Finding:
    """Return a finding that the claim is proven wrong for `subject`."""
    return Finding(
        status=Status.FAIL, subject=subject, message=message, expected=expected, observed=observed, fix=fix,
        reference=reference,
    )  # fmt: skip


def cannot_tell(subject: str, message: str, *, fix: str, expected: str = "", observed: str = "") -> Finding:
    """Return a finding that the claim could not be tested for `subject`."""
    return Finding(
        status=Status.INCONCLUSIVE,
        subject=subject,
        message=message,
        expected=expected,
        observed=observed,
        fix=fix,
    )


def within(subject: str, measure: Measure, *, fix: str, least: bool = False) -> Finding:
    """Judge a measured number against its own limits.

    With `least` false more is worse (latency, loss); with `least` true less is worse (throughput, days left).
    A value equal to a limit is still within it; one that is no finite number was not measured. A measure
    without any limit raises ValueError: it could only pass.
    """
    value, unit = measure.value, measure.unit
    if measure.warn is None and measure.fail is None:
        raise ValueError(f"{measure.name} has no limit, so nothing can be judged by it.")
    if not math.isfinite(value):
        return cannot_tell(subject, f"{measure.name} could not be measured.", observed=str(value), fix=fix)
    status = Status.PASS
    for limit, beyond in ((measure.warn, Status.WARN), (measure.fail, Status.FAIL)):
        if limit is not None and (value < limit if least else value > limit):
            status = beyond
    limit = measure.warn if status is Status.WARN or measure.fail is None else measure.fail
    side = "at least" if least else "at most"
    expected = f"{side} {_number(limit)} {unit}" if limit is not None else ""
    if expected and measure.source:
        expected += f" ({measure.source})"
    verb = {
        Status.PASS: "is within its limit",
        Status.WARN: "is marginal",
        Status.FAIL: "is beyond its limit",
    }[status]
    return Finding(
        status=status,
        subject=subject,
        message=f"{measure.name} {verb}.",
        expected=expected,
        observed=f"{_number(value)} {unit}",
        fix="" if status is Status.PASS else fix,
        measure=measure,
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
