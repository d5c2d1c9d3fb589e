"""link.duplicate_ip: an IPv4 address of this network is used by one device only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Len
from checks.contract import CannotTell, Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.local.facts import LocalHost, read_local
from checks.params import Address
from checks.safe import safe
from checks.wire.arp import ArpAnswer, who_has


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The hardware addresses that claimed one address; `mine` says that this laptop has it."""

    address: str
    mine: bool
    macs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateSeen:
    """Who claimed the addresses, and whether the control (the gateway) could be heard at all."""

    interface: str
    own_mac: str
    addresses: tuple[Answered, ...]
    control: str | None
    """The gateway that was asked as a positive control."""
    control_macs: tuple[str, ...] = ()


class DuplicateIp(Check[DuplicateSeen]):
    """No other device answers for our IPv4 address, or for the addresses that must be free or used once.

    Proves: within two seconds nobody but the rightful device claimed the address by ARP, while the gateway
    was heard on the same interface.
    Cannot prove: that no silent device (switched off, in another VLAN, behind client isolation) has it too.
    If it fails: find the device by the MAC address that is named (the switch's address table), give it
    another address, or take the address out of the DHCP range.

    Source: RFC 5227 section 2.1.1 (probes), RFC 826.

    Example:
        type: link.duplicate_ip
        addresses: [10.20.0.10, 10.20.0.11]
        must_be: free
    """

    addresses: Annotated[tuple[Address, ...], Len(1, 64)] | None = None
    """IPv4 addresses of this network to ask for; left out, the laptop's own."""
    must_be: Literal["free", "once"] = "once"
    """`once`: at most one device answers. `free`: none does, as before a server gets the address."""
    interface: Annotated[str, Len(1, 256)] | None = None
    """Interface to ask on; left out, the one in use."""

    def __post_init__(self) -> None:
        if self.addresses is None and self.must_be == "free":
            raise ValueError("Our own address cannot be free: name the 'addresses' that must be.")
        if any(":" in address for address in self.addresses or ()):
            raise ValueError(
                "link.duplicate_ip asks by ARP and takes IPv4 addresses only; IPv6 hosts detect duplicates "
                "themselves (RFC 4862 section 5.4)."
            )

    def subject(self) -> str:
        """Return the addresses, or that they are our own."""
        return ", ".join(self.addresses) if self.addresses else "our own address"

    async def observe(self, vantage: Vantage) -> DuplicateSeen:
        """Ask by ARP probes for every address and for the gateway, which must be heard."""
        host = await read_local(vantage.shared)
        face = host.interface(self.interface) if self.interface else host.main_interface()
        if face is None or not face.up:
            raise CannotTell(
                "No interface of this laptop is connected, so nobody can be asked.",
                "Plug the cable in or join the Wi-Fi, then run it again.",
            )
        own = tuple(a.address for a in face.addresses if a.family == "ipv4")
        targets = self.addresses or own
        if not targets:
            raise CannotTell(
                f"{face.name} has no IPv4 address that could be a duplicate.",
                "Get an address first: check the port's VLAN and the DHCP server.",
            )
        for target in targets:
            where = host.on_link(target)
            if where is None or where.name != face.name:
                raise CannotTell(
                    f"{target} is not in a network of {face.name}, and ARP does not cross a router.",
                    "Run it from a port in the VLAN of that address, or correct 'addresses'.",
                )
        gateway = host.gateway("ipv4", face.name)
        control = gateway.address if gateway is not None and gateway.address not in own else None
        answers = await who_has(face, (*targets, *((control,) if control else ())))
        if control and control not in {a.address for a in answers} and own:
            answers += await who_has(face, (control,), source=own[0], wait_s=1.0)
        mine = _own_macs(host)
        return DuplicateSeen(
            interface=face.name,
            own_mac=face.mac,
            addresses=tuple(
                Answered(address=t, mine=host.owner(t) is not None, macs=_macs(answers, t, mine))
                for t in dict.fromkeys(targets)
            ),
            control=control,
            control_macs=_macs(answers, control, mine) if control else (),
        )

    def judge(self, seen: DuplicateSeen) -> Iterable[Finding]:
        """Judge each address; silence counts only if anybody at all was heard."""
        heard = bool(seen.control_macs) or any(answer.macs for answer in seen.addresses)
        for answer in seen.addresses:
            yield self._judge_one(answer, seen, heard=heard)

    def _judge_one(self, answer: Answered, seen: DuplicateSeen, *, heard: bool) -> Finding:
        address, macs = answer.address, answer.macs
        allowed = 0 if answer.mine or self.must_be == "free" else 1
        holders = (seen.own_mac, *macs) if answer.mine else macs
        named = safe(", ".join(holders[:8]), limit=200)
        expected = "nobody answers" if self.must_be == "free" else "one device has it"
        if self.must_be == "free" and answer.mine:
            return failed(
                address, f"{address} must be free, and this laptop itself has it.", expected=expected,
                observed=seen.own_mac, fix="Give this laptop another address, then run it again.",
            )  # fmt: skip
        if len(macs) > allowed:
            if answer.mine and set(macs) <= set(seen.control_macs):
                return cannot_tell(
                    address, f"Only the gateway answers for our address {address}: it has the same address, "
                    "or answers for everybody (proxy ARP).", expected=expected, observed=named,
                    fix="Look at the gateway for proxy ARP (on Wi-Fi: client isolation) in this network; "
                    "without it, it has our address.",
                )  # fmt: skip
            if allowed == 0 and not answer.mine:
                return failed(
                    address, f"{address} must be free, and {named} answers for it.", expected=expected,
                    observed=named, reference="RFC 5227",
                    fix="Find that device by its hardware address in the switch's table, or plan another "
                    "address.",
                )  # fmt: skip
            return failed(
                address, f"More than one device has the address {address}: {named}.", expected=expected,
                observed=named, reference="RFC 5227",
                fix="Find the devices by their hardware addresses in the switch's table; take one off, or "
                "exclude the address from the DHCP pool.",
            )  # fmt: skip
        if not heard:
            control = (
                f"not even the gateway {seen.control}" if seen.control else "there is no gateway to compare"
            )
            return cannot_tell(
                address, f"Nobody answered anything on {safe(seen.interface, limit=80)} ({control}), so "
                f"that silence about {address} proves nothing.", expected=expected, observed="silence",
                fix="Check the link and the VLAN first (link.gateway), or ask on a network with a gateway.",
            )  # fmt: skip
        if self.must_be == "once" and not holders:
            return cannot_tell(
                address, f"Nobody has {address} at the moment.", expected=expected, observed="silence",
                fix="Switch the device on, or write 'must_be: free' if nobody should have it.",
            )  # fmt: skip
        said = f"Nobody answers for {address}." if not holders else f"Only {named} has {address}."
        return passed(address, said, expected=expected, observed=named or "silence")


def _own_macs(host: LocalHost) -> frozenset[str]:
    return frozenset(face.mac for face in host.interfaces if face.mac)


def _macs(answers: tuple[ArpAnswer, ...], address: str, mine: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted({a.mac for a in answers if a.address == address and a.mac not in mine}))
