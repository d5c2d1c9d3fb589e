"""link.gateway: the default gateway is the planned one and answers."""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import Iterable, Iterator
from statistics import median
from typing import Annotated, Literal

from checks.bounds import Len
from checks.contract import CannotTell, Check, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.local.facts import AddressFact, Family, GatewayFact, InterfaceFact, read_local
from checks.params import Address
from checks.safe import safe
from checks.wire.arp import who_has
from checks.wire.frames.solicitation import who_is
from checks.wire.neighbours import prove


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer2:
    """Whether the gateway said its hardware address after we asked.

    `answered` is None where that could not be told; `how` says by which means we asked, or why not.
    """

    answered: bool | None
    macs: tuple[str, ...] = ()
    how: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinged:
    """ICMP echoes sent and answered by the gateway itself; `hindrance` says why none could be sent."""

    sent: int
    received: int
    rtt_ms: float | None = None
    hindrance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySeen:
    """The default route, our end of it, and what the gateway answered."""

    interface: str | None
    addresses: tuple[AddressFact, ...]
    gateway: GatewayFact | None
    layer2: Layer2 | None = None
    ping: Pinged | None = None
    tunnel: bool = False


class Gateway(Check[GatewaySeen]):
    """The default gateway is the planned one, lies in our network, and answers.

    Proves: the first hop is alive now: it answered ARP or neighbour discovery after we asked, or an echo. An
    old entry in the neighbour table does not count.
    Cannot prove: that it forwards anything.
    If it fails: correct the DHCP scope or the fixed settings; where the planned gateway is silent, look
    at its port and VLAN.

    Source: RFC 1812 (routers), RFC 826 (ARP), RFC 4861 section 7.3 (neighbour unreachability detection).

    Example:
        type: link.gateway
        expect: 10.20.0.1
    """

    expect: Address | None = None
    """The planned gateway; left out, any that answers will do."""
    family: Literal["ipv4", "ipv6"] = "ipv4"
    """Which default route is looked at; `expect` decides where it is given."""
    interface: Annotated[str, Len(1, 256)] | None = None
    """Interface whose default route is meant; left out, the one in use."""
    icmp: Literal["optional", "required"] = "optional"
    """Whether it must also answer echoes; many firewalls do not, and are no worse gateways for that."""

    deadline_s = 14.0

    def subject(self) -> str:
        """Return the planned gateway, or that it is the default one."""
        return self.expect or "default gateway"

    async def observe(self, vantage: Vantage) -> GatewaySeen:
        """Find the default route, then ask the gateway on layer 2 and by echo at the same time."""
        family: Family = self.family
        if self.expect is not None:
            family = "ipv6" if ":" in self.expect else "ipv4"
        host = await read_local(vantage.shared)
        face = host.interface(self.interface) if self.interface else host.main_interface()
        if face is None:
            return GatewaySeen(interface=None, addresses=(), gateway=None)
        gateway = host.gateway(family, face.name)
        addresses = tuple(a for a in face.addresses if a.family == family)
        if gateway is None or not face.up:
            return GatewaySeen(interface=face.name, addresses=addresses, gateway=gateway)
        echoes: list[Pinged] = []
        layer2, ping = await asyncio.gather(
            _ask_layer2(face, gateway, echoes), _ping(vantage, gateway, echoes)
        )
        return GatewaySeen(
            interface=face.name, addresses=addresses, gateway=gateway, layer2=layer2, ping=ping,
            tunnel=face.tunnel,
        )  # fmt: skip

    def judge(self, seen: GatewaySeen) -> Iterable[Finding]:
        """Judge the route against the plan, then whether the gateway answers."""
        if seen.interface is None:
            yield cannot_tell(
                self.subject(), "This laptop is connected to no network, so there is no gateway to test.",
                fix="Plug the cable in or join the Wi-Fi, then run it again.",
            )  # fmt: skip
            return
        face = safe(seen.interface, limit=80)
        if seen.gateway is None:
            shown = ", ".join(f"{a.address}/{a.prefix}" for a in seen.addresses[:4])
            yield failed(
                self.subject(), f"There is no default gateway on {face}.",
                expected=self.expect or "a gateway",
                observed=f"none; our addresses: {shown or 'none'}",
                fix="Check that DHCP gives a router (option 3), or that IPv6 routers advertise themselves.",
            )  # fmt: skip
            return
        gateway = seen.gateway
        if self.expect is not None and gateway.address != self.expect:
            yield failed(
                gateway.address, "The default gateway is not the planned one.", expected=self.expect,
                observed=f"{gateway.address} on {face}",
                fix="The port is in another VLAN, or another DHCP server answered: check both.",
            )  # fmt: skip
        if gateway.source is None and not seen.tunnel and any(a.prefix < 31 for a in seen.addresses):
            yield failed(
                gateway.address, "The gateway does not lie in our network.",
                expected="an address in our network",
                observed=", ".join(f"{a.address}/{a.prefix}" for a in seen.addresses[:4]),
                fix="Correct the address, the netmask or the gateway, by hand or on the DHCP server.",
            )  # fmt: skip
        yield from self._judge_answers(gateway, seen.layer2, seen.ping)

    def _judge_answers(
        self, gateway: GatewayFact, layer2: Layer2 | None, ping: Pinged | None
    ) -> Iterator[Finding]:
        layer2 = layer2 or Layer2(answered=None, how="its interface is down")
        ping = ping or Pinged(sent=0, received=0, hindrance="its interface is down")
        echoes = ping.hindrance or f"{ping.received} of {ping.sent} echoes answered"
        words = {True: "answered", False: "no answer", None: "cannot be told"}[layer2.answered]
        macs = ", ".join(layer2.macs)
        observed = f"layer 2: {f'{macs} ' if macs else ''}{words} ({layer2.how}); ICMP: {echoes}"
        observed = safe(observed, limit=400)
        if len(layer2.macs) > 1:
            yield failed(
                gateway.address, f"{len(layer2.macs)} devices answer for the gateway's address: {macs}.",
                expected="one device", observed=observed, reference="RFC 5227",
                fix="Find the second device by its hardware address in the switch's table, and change its "
                "address.",
            )  # fmt: skip
            return
        alive = bool(layer2.answered) or ping.received > 0
        if self.icmp == "required" and ping.received == 0 and (alive or layer2.answered is None):
            silent = ping.hindrance is None
            make = failed if silent and alive else cannot_tell
            yield make(
                gateway.address,
                "The gateway answers no echo." if silent else "No echo could be sent to the gateway.",
                expected="answers ICMP echo", observed=observed,
                fix="Allow ICMP echo on the gateway's inside interface." if silent
                else "See 'gonogo doctor' for the right that is missing.",
            )  # fmt: skip
        elif alive:
            said = (
                " It ignores echoes, which is no fault." if not ping.received and not ping.hindrance else ""
            )
            rtt = (
                Measure(name="Round trip to the gateway", value=ping.rtt_ms, unit="ms")
                if ping.rtt_ms is not None
                else None
            )
            yield passed(
                gateway.address,
                f"The gateway answers.{said}",
                expected="answers",
                observed=observed,
                measure=rtt,
            )
        elif layer2.answered is False:
            yield failed(
                gateway.address, "The gateway does not answer, neither on layer 2 nor to echoes."
                if ping.hindrance is None else "The gateway does not answer on layer 2.",
                expected="answers", observed=observed,
                fix="Check that the gateway is on and its inside port is up, then the VLAN of this port and "
                "of the uplinks between.",
            )  # fmt: skip
        else:
            yield cannot_tell(
                gateway.address, "Whether the gateway is alive cannot be told from here.", expected="answers",
                observed=observed,
                fix="Run it again in a minute, or with the right to send raw frames (root).",
            )  # fmt: skip


async def _ask_layer2(face: InterfaceFact, gateway: GatewayFact, echoes: list[Pinged]) -> Layer2:
    if face.tunnel or not face.mac.strip("0:"):
        return Layer2(answered=None, how=f"{face.name} has no layer-2 addresses")
    if gateway.family == "ipv4" and sys.platform != "win32":
        try:
            answers = await who_has(face, [gateway.address], rounds=2, wait_s=0.5)
            if not answers and gateway.source is not None:
                answers = await who_has(face, [gateway.address], source=gateway.source, rounds=3, wait_s=0.7)
        except CannotTell:
            pass
        else:
            macs = tuple(sorted({answer.mac for answer in answers}))
            return Layer2(answered=bool(macs), macs=macs, how="ARP request")
    macs = await _solicit(face, gateway) if gateway.family == "ipv6" else ()
    if macs:
        return Layer2(answered=True, macs=macs, how="neighbour solicitation")
    proof = await prove(gateway.address, face.name, needless=lambda: any(ping.received for ping in echoes))
    entry = proof.entry
    state = "no entry" if entry is None else f"entry {entry.state}"
    age = f", confirmed {entry.age_s:.1f} s ago" if entry and entry.mac and entry.age_s is not None else ""
    macs = (entry.mac,) if entry is not None and entry.mac and proof.answered else ()
    return Layer2(answered=proof.answered, macs=macs, how=f"neighbour table: {state}{age}")


async def _solicit(face: InterfaceFact, gateway: GatewayFact) -> tuple[str, ...]:
    """Return who answers for an IPv6 gateway; silence, or no right to ask, is left to the system's table."""
    target = gateway.address.partition("%")[0]
    local = ipaddress.ip_address(target).is_link_local
    own = [a.address for a in face.addresses if a.family == "ipv6"]
    source = next((a for a in own if ipaddress.ip_address(a).is_link_local == local), None)
    source = source or (own[0] if own else None)
    if source is None:
        return ()
    try:
        return await who_is(face, target, source)
    except CannotTell:
        return ()


async def _ping(vantage: Vantage, gateway: GatewayFact, echoes: list[Pinged]) -> Pinged:
    """Send echoes; the outcome is also put into `echoes`, for who need not wait any longer then."""
    from checks.wire.icmp import Icmp

    address = gateway.address
    if address.lower().startswith("fe80"):
        address = f"{address}%{gateway.interface}"
    try:
        answers = await (await vantage.client(Icmp)).series(address, count=3, interval=0.2, timeout=1.0)
    except CannotTell as error:
        return Pinged(sent=0, received=0, hindrance=error.reason)
    times = [echo.rtt_ms for echo in answers if echo.rtt_ms is not None]
    rtt = median(times) if times else None
    echoes.append(Pinged(sent=len(answers), received=len(times), rtt_ms=rtt))
    return echoes[-1]
