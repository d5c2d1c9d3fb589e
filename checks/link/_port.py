"""What the switch announces of the port, held against the plan and against our own end of the cable."""

from __future__ import annotations

from collections.abc import Iterator

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed, warned
from checks.link._devices import Device
from checks.safe import safe
from checks.wire.frames.announced import Duplex


def judge_vlan(place: str, what: str, planned: int, values: set[int]) -> Finding:
    """Judge the announced values of the VLAN or voice VLAN."""
    expected, observed = f"{what} {planned}", ", ".join(map(str, sorted(values))) or "not announced"
    if values == {planned}:
        return passed(place, f"The {what} of the port is as planned.", expected=expected, observed=observed)
    if not values:
        return cannot_tell(
            place, f"The switch does not announce the {what} of this port.", expected=expected,
            observed=observed,
            fix="Ask the switch itself (switch.vlans), or a phone: many switches tell the voice VLAN only "
            "to a device that says it is one." if what == "voice VLAN"
            else "Ask the switch itself (switch.vlans), or look at the address that DHCP gives here.",
        )  # fmt: skip
    if planned in values:
        return cannot_tell(
            place, f"Different values of the {what} are announced on this cable.", expected=expected,
            observed=observed, fix="Plug the laptop into the socket directly, and look at the switch itself.",
        )  # fmt: skip
    return failed(
        place, f"The port has another {what} than planned.", expected=expected, observed=observed,
        fix=f"Set the {what} of this port to {planned} on the switch, or patch the socket to the right port.",
    )  # fmt: skip


def judge_duplex(place: str, own: Duplex | None, ours: list[Device]) -> Iterator[Finding]:
    """Judge the two ends of the cable; where one does not tell its mode, nothing is said of it."""
    theirs = sorted({mode for device in ours for mode in device.duplexes})
    observed = f"switch {' and '.join(theirs) or 'not told'}, laptop {own or 'not told'}"
    expected = "both ends run full duplex"
    if len(theirs) > 1:
        yield cannot_tell(
            place, "The switch announces two duplex modes for this port.", expected=expected,
            observed=observed, fix="Look at the port on the switch itself (switch.ports).",
        )  # fmt: skip
    elif theirs and own is not None and theirs[0] != own:
        yield failed(
            place, "The two ends of the cable run different duplex modes.", expected=expected,
            observed=observed, reference="IEEE 802.3 clause 28",
            fix="Set both ends to automatic negotiation; if one must be fixed, fix speed and duplex on both.",
        )  # fmt: skip
    elif "half" in (own, *theirs):
        yield warned(
            place, "The link runs half duplex.", expected=expected, observed=observed,
            fix="Set both ends to automatic negotiation, and change the patch cable.",
        )  # fmt: skip
    elif theirs and own is not None:
        yield passed(place, "Both ends run full duplex.", expected=expected, observed=observed)


def place_of(device: Device) -> str:
    """Return switch and port for people."""
    return f"{safe(device.name, limit=80)} {safe(device.port, limit=80)}"
