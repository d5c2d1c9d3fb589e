"""What a port announces of Power over Ethernet, held against what a device needs."""

from __future__ import annotations

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed
from checks.link._devices import Device
from checks.wire.frames.announced import Poe

_OF_TYPE = {1: 15.4, 2: 30.0, 3: 60.0, 4: 90.0}
"""Watts at the switch by IEEE type (802.3 clauses 33 and 145)."""
_LEAST = 15.4
_BUDGET = "Whether the switch has enough left for it is for switch.poe to say."


def judge_power(subject: str, device: Device, watts: float) -> Finding:
    """Judge whether the port says that it can supply `watts`."""
    expected = f"at least {watts:g} W"
    said = device.supplies
    observed = "; ".join(map(_words, said)) or "nothing"
    if not said:
        return cannot_tell(
            subject, "The switch does not say whether this port supplies power.", expected=expected,
            observed=observed,
            fix="Ask the switch itself (switch.poe), or plug the device in: some switches announce power "
            "only to a device that asks for it.",
        )  # fmt: skip
    if any(poe.supported is False or poe.enabled is False for poe in said):
        return failed(
            subject, "The switch says that this port supplies no power.", expected=expected,
            observed=observed, fix="Enable PoE on the port, or patch the socket to a port that has it.",
            reference="IEEE 802.3 clause 79.3.2",
        )  # fmt: skip
    most = max((poe.available_w for poe in said if poe.available_w), default=None)
    granted = max((poe.allocated_w for poe in said if poe.allocated_w), default=0.0)
    if granted >= watts or (most is not None and most >= watts):
        return passed(
            subject, f"The port can supply enough power. {_BUDGET}", expected=expected, observed=observed
        )
    kinds = {poe.kind for poe in said if poe.kind is not None}
    kind = max(kinds, default=None)
    if most is not None or kind == 1 < watts / _LEAST:
        return failed(
            subject, "The port supplies less power than the device needs.", expected=expected,
            observed=observed, reference="IEEE 802.3 clauses 33 and 145",
            fix="Raise the port's power limit, patch the socket to a port with more, or use an injector.",
        )  # fmt: skip
    enabled = any(poe.enabled for poe in said)
    if enabled and watts <= (_OF_TYPE[kind] if kind else _LEAST):
        return passed(
            subject, f"The port is of a type that supplies enough power. {_BUDGET}", expected=expected,
            observed=observed,
        )  # fmt: skip
    return cannot_tell(
        subject, "The switch does not say how much power this port can supply.", expected=expected,
        observed=observed, fix="Ask the switch itself (switch.poe), or look at the port's data sheet.",
    )  # fmt: skip


def _words(poe: Poe) -> str:
    parts = []
    if poe.supported is not None:
        parts.append("supported" if poe.supported else "not supported")
    if poe.enabled is not None:
        parts.append("enabled" if poe.enabled else "disabled")
    if poe.kind is not None:
        parts.append(f"IEEE type {poe.kind}")
    if poe.power_class is not None:
        parts.append(f"class {poe.power_class}")
    if poe.allocated_w is not None:
        parts.append(f"{poe.allocated_w:g} W granted")
    if poe.available_w is not None:
        parts.append(f"{poe.available_w:g} W at most")
    return "PoE " + (", ".join(parts) or "without details")
