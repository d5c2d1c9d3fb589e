"""link.interface: the cable or radio that this laptop is connected by is as planned."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from checks.bounds import Ge, Gt, Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.local.facts import InterfaceFact, read_interfaces, read_local
from checks.params import Duration, Network
from checks.safe import safe


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceSeen:
    """The interface, who else there is, and how its error counters rose while we watched."""

    interface: InterfaceFact | None
    present: tuple[str, ...]
    """Names of the interfaces that are no loopback."""
    watched_s: float | None = None
    new_errors: int | None = None
    """None if not watched, or if the system counts none or began to count anew meanwhile."""


class Interface(Check[InterfaceSeen]):
    """The network interface of this laptop is up and has the planned speed, medium, MTU and network.

    Proves: what the system reports about its own end of the link, and that our address lies in the planned
    network, which a port in the wrong VLAN does not give.
    Cannot prove: that the other end agrees (a duplex mismatch shows as rising errors), or that packets get
    any further. That no interface is connected is this laptop's own state and inconclusive; with `interface`
    given, it is a failure of that one.
    If it fails: look at the cable and the switch port (speed, duplex, VLAN), then at the DHCP scope.

    Source: IEEE 802.3 (speed, duplex), RFC 4632 (networks); psutil.net_if_stats.

    Example:
        type: link.interface
        medium: wired
        min_speed_mbps: 1000
        duplex: full
        network: 10.20.0.0/16
        max_new_errors: 0
    """

    interface: Annotated[str, Len(1, 256)] | None = None
    """Name such as `eth0`, `en0` or `Ethernet`; left out, the one that has the default route."""
    up: Literal[True] | None = None
    """Write `up: true` to assert only that it is connected; every other assertion includes it."""
    min_speed_mbps: Annotated[int, Gt(0)] | None = None
    """The least link speed in Mbit/s."""
    duplex: Literal["full", "half"] | None = None
    """The planned duplex mode."""
    mtu: Annotated[int, Ge(68)] | None = None
    """The planned MTU in bytes, exactly."""
    network: Network | None = None
    """The network that one of our addresses must lie in; another one means another VLAN or DHCP server."""
    ipv6: Literal["present", "absent"] | None = None
    """Whether there must be an IPv6 address beyond the link-local one, or must not."""
    medium: Literal["wired", "wireless"] | None = None
    """Whether it must be a cable or a radio."""
    max_new_errors: Annotated[int, Ge(0)] | None = None
    """How many receive and send errors may be added during `window`."""
    window: Duration = 5.0
    """How long the error counters are watched, if `max_new_errors` is given."""

    def __post_init__(self) -> None:
        asserted = (
            self.up, self.min_speed_mbps, self.duplex, self.mtu, self.network, self.ipv6, self.medium,
            self.max_new_errors,
        )  # fmt: skip
        if all(item is None for item in asserted):
            raise ValueError(
                "link.interface asserts nothing: give 'up: true' or one of min_speed_mbps, duplex, mtu, "
                "network, ipv6, medium, max_new_errors."
            )
        if not self.window:
            raise ValueError("link.interface watches errors over a 'window' longer than 0 s.")

    def subject(self) -> str:
        """Return the interface's name, or that it is the one in use."""
        return self.interface or "interface in use"

    def needs_link(self) -> bool:
        """Return False: that there is no link is what this check is here to say."""
        return False

    def allowance(self) -> float:
        """Return the deadline with the watching time."""
        return self.deadline_s + (self.window if self.max_new_errors is not None else 0.0)

    async def observe(self, vantage: Vantage) -> InterfaceSeen:
        """Read the interface from the system, twice if its errors are watched."""
        host = await read_local(vantage.shared)
        found = host.interface(self.interface) if self.interface else host.main_interface()
        present = tuple(item.name for item in host.interfaces if not item.loopback)
        if found is None or self.max_new_errors is None:
            return InterfaceSeen(interface=found, present=present)
        before = _errors(found)
        start = _errors(await _again(found)) if before is not None else None
        await asyncio.sleep(self.window)
        after = await _again(found) if before is not None else None
        end = _errors(after)
        rise = end - start if start is not None and end is not None and end >= start else None
        if after is not None:
            found = dataclasses.replace(found, up=found.up and after.up)
        return InterfaceSeen(interface=found, present=present, watched_s=self.window, new_errors=rise)

    def judge(self, seen: InterfaceSeen) -> Iterable[Finding]:
        """Judge each assertion by itself; what the system does not tell is inconclusive.

        Only an interface that was named can fail for having no carrier: without a name that is our own link
        being down, which proves nothing about the network.
        """
        there = ", ".join(safe(name, limit=40) for name in seen.present[:12]) or "none"
        if seen.interface is None:
            if self.interface is None:
                yield cannot_tell(
                    "interface in use", "No interface of this laptop is connected to a network.",
                    fix="Plug the cable in or join the Wi-Fi, then run it again.",
                    observed=f"there are: {there}",
                )  # fmt: skip
            else:
                yield failed(
                    self.interface, f"There is no interface {self.interface}.",
                    expected=self.interface, observed=f"there are: {there}",
                    fix="Plug the adapter in, or correct 'interface' in the project file.",
                )  # fmt: skip
            return
        face = seen.interface
        name = safe(face.name, limit=80)
        if not face.up:
            make = cannot_tell if self.interface is None else failed
            yield make(
                name, f"{name} is down or has no carrier.", expected="up", observed="down",
                fix="Plug the cable in or join the Wi-Fi; if it is plugged in, check the wall socket, the "
                "patch and that the switch port is enabled.",
            )  # fmt: skip
            return
        if self.up:
            yield passed(name, f"{name} is up.", expected="up", observed="up")
        yield from self._judge_link(name, face)
        yield from self._judge_addresses(name, face)
        if self.max_new_errors is not None:
            yield self._judge_errors(name, seen, self.max_new_errors)

    def _judge_link(self, name: str, face: InterfaceFact) -> Iterator[Finding]:
        if self.medium is not None:
            observed = "tunnel" if face.tunnel else "wireless" if face.wireless else "wired"
            yield _hold(
                name, "The medium", self.medium, observed, ok=observed == self.medium,
                fix="Plug the cable in and switch Wi-Fi off." if self.medium == "wired"
                else "Unplug the cable and join the planned Wi-Fi.",
            )  # fmt: skip
        if self.min_speed_mbps is not None:
            expected, speed = f"at least {self.min_speed_mbps} Mbit/s", face.speed_mbps
            yield _untold(name, "speed", expected) if speed is None else _hold(
                name, "The speed", expected, f"{speed} Mbit/s", ok=speed >= self.min_speed_mbps,
                fix="Change the patch cable (all four pairs), then the switch port; check that both ends "
                "negotiate automatically.",
            )  # fmt: skip
        if self.duplex is not None:
            yield _untold(name, "duplex mode", self.duplex) if face.duplex is None else _hold(
                name, "The duplex mode", self.duplex, face.duplex, ok=face.duplex == self.duplex,
                fix="Set both ends, laptop and switch port, to automatic negotiation (IEEE 802.3 clause 28).",
            )  # fmt: skip
        if self.mtu is not None:
            yield _hold(
                name, "The MTU", f"{self.mtu} bytes", f"{face.mtu} bytes", ok=face.mtu == self.mtu,
                fix="Correct the adapter's MTU setting, or the MTU that DHCP option 26 or the router "
                "advertisement gives.",
            )  # fmt: skip

    def _judge_addresses(self, name: str, face: InterfaceFact) -> Iterator[Finding]:
        shown = ", ".join(f"{a.address}/{a.prefix}" for a in face.addresses[:6]) or "no address"
        parsed = [ipaddress.ip_address(a.address) for a in face.addresses]
        if self.network is not None:
            wanted = ipaddress.ip_network(self.network)
            other = any(a.version == wanted.version and not a.is_link_local for a in parsed)
            yield _hold(
                name, "The network", f"an address in {self.network}", shown,
                ok=any(a in wanted for a in parsed),
                fix="The switch port is in another VLAN, or another DHCP server answered: check the port's "
                "VLAN, then renew the lease." if other
                else "No lease arrived: check the port's VLAN and that the DHCP server or relay answers.",
            )  # fmt: skip
        if self.ipv6 is not None:
            there = any(a.version == 6 and not a.is_link_local for a in parsed)
            state = "present" if there else "absent"
            yield _hold(
                name, "The state of IPv6", f"IPv6 {self.ipv6}", f"IPv6 {state}: {shown}",
                ok=there == (self.ipv6 == "present"),
                fix="Check the router advertisements of this VLAN." if self.ipv6 == "present"
                else "Find who sends router advertisements here (RFC 6104) and stop it.",
            )  # fmt: skip

    def _judge_errors(self, name: str, seen: InterfaceSeen, most: int) -> Finding:
        expected = f"at most {most} new errors in {self.window:g} s"
        if seen.new_errors is None:
            return _untold(name, "number of errors", expected)
        observed = f"{seen.new_errors} new errors in {seen.watched_s or 0:g} s"
        return _hold(
            name, "The number of errors", expected, observed,
            ok=seen.new_errors <= most,
            fix="Change the patch cable, then the switch port; check for a duplex mismatch.",
        )  # fmt: skip


def _hold(name: str, what: str, expected: str, observed: str, *, ok: bool, fix: str) -> Finding:
    if ok:
        return passed(name, f"{what} of {name} is as planned.", expected=expected, observed=observed)
    return failed(name, f"{what} of {name} is not as planned.", expected=expected, observed=observed, fix=fix)


def _untold(name: str, what: str, expected: str) -> Finding:
    return cannot_tell(
        name, f"The system does not tell the {what} of {name}.", expected=expected, observed="not known",
        fix="Virtual and some USB adapters keep it back: test from a physical port, or ask the switch.",
    )  # fmt: skip


def _errors(face: InterfaceFact | None) -> int | None:
    if face is None or face.errors_in is None or face.errors_out is None:
        return None
    return face.errors_in + face.errors_out


async def _again(face: InterfaceFact) -> InterfaceFact | None:
    found = await asyncio.to_thread(read_interfaces, frozenset(), frozenset())
    return next((item for item in found if item.name == face.name), None)
