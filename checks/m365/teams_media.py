"""m365.teams_media: Teams' media relays can be reached by UDP, well enough for calls."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Le, Len
from checks.clouds import CLOUDS, CloudName
from checks.contract import Check, Finding, Measure, Status, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.network._echo import first_of_each, version_of
from checks.network._peers import unresolved
from checks.network._sample import percentile, proves_loss, sample_for
from checks.params import Duration, Endpoint, Host, Port, join_endpoint, split_endpoint
from checks.safe import safe
from checks.thresholds import Limit, SetName, limits
from checks.wire.names import Family, Resolved, resolve
from checks.wire.stun import PORT, Mapped, Paced, Reached, jitter_ms, mappings, pace, reach

REACH_S = 2.5
GRACE_S = 1.0
"""A reply that takes longer counts as lost, as it does for a call."""
RATE = 60.0
"""Packets a second: five seconds make the 300 that show a loss below 1 % with 95 % confidence."""
LEAST_REPLIES = 20
_SOURCE = "Microsoft 365 endpoints, id 11: UDP 3478-3481"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """One address of the relay: which ports answer, and the window over those that do."""

    address: str
    ports: tuple[Reached, ...]
    window: Paced | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsMediaSeen:
    """The relay's first address of each family, the control's, and as whom servers saw one socket."""

    names: Resolved
    relays: tuple[Relay, ...]
    control_names: Resolved | None = None
    control: tuple[Reached, ...] = ()
    mapped: tuple[Mapped, ...] = ()


class TeamsMedia(Check[TeamsMediaSeen]):
    """UDP reaches Teams' media relays on each port, with loss, delay and jitter good enough for calls.

    Each port is asked by STUN Binding and by Microsoft's Allocate without credentials. Any reply framed as
    STUN to our own transaction counts, a refusal included. Silence proves nothing: a relay may answer only
    calls. With a `control`, a STUN server that is known to answer: if it answers, UDP leaves this network and
    the relay is silent or filtered (inconclusive); if it is silent too, UDP to its port number is blocked,
    which fails for that port. Over the window 60 packets a second go to the ports that answer.
    Jitter is RFC 3550's estimator on round trips, at its highest in the window.

    Proves: the ports that answer can be reached by UDP from here and back, as well as stated.
    Cannot prove: that a call gets a relay (that needs a signed-in user); that loss is the network's and not a
    relay's limit for requests without credentials; that the way to another relay is as good.
    If it fails: allow UDP 3478 to 3481 outwards to Microsoft's networks; for loss and jitter look at
    Wi-Fi and line (network.ping, network.throughput).

    Source: RFC 8489 (STUN), [MS-TURN] section 2.2 (Allocate), RFC 3550 section 6.4.1 (jitter),
    learn.microsoft.com urls-and-ip-address-ranges (id 11) and prepare-network (limits).

    Example:
        type: m365.teams_media
        control: stun.example.net:3478
        window: 15s
    """

    deadline_s = 12.0

    host: Host | None = None
    """The relays' name or an address; left out, the cloud's."""
    cloud: CloudName = "worldwide"
    """Microsoft's cloud that the tenant is in; GCC is in `worldwide`."""
    ports: Annotated[tuple[Port, ...], Len(1, 16)] = (3478, 3479, 3480, 3481)
    """UDP ports that must answer."""
    control: Endpoint | None = None
    """A STUN server that is known to answer, on one of the ports; port 3478 unless given."""
    window: Annotated[Duration, Ge(1), Le(300)] = 5.0
    """How long to measure what answers."""
    thresholds: SetName = "teams"
    """Named set of limits for loss, round-trip time and jitter."""
    family: Family = "any"
    """Which addresses of the name to test: `any` (the first of each family), `ipv4` or `ipv6`."""

    def __post_init__(self) -> None:
        if self.host is None and CLOUDS[self.cloud].media is None:
            raise ValueError(
                f"No name of media relays is published for the cloud {self.cloud}: give one as 'host'."
            )
        if len(set(self.ports)) < len(self.ports):
            raise ValueError("'ports' names the same port twice.")
        if self.control is not None and split_endpoint(self.control, PORT)[0] == self.relay():
            raise ValueError("'control' is the relay itself: name another STUN server.")

    def relay(self) -> str:
        """Return the relays' name."""
        return self.host or CLOUDS[self.cloud].media or ""

    def subject(self) -> str:
        return self.relay()

    def needs_link(self) -> bool:
        return not (is_loopback(self.relay()) and (self.control is None or is_loopback(self.control)))

    def allowance(self) -> float:
        return self.deadline_s + self.window

    async def observe(self, vantage: Vantage) -> TeamsMediaSeen:
        names = await resolve(vantage, self.relay(), self.family)
        addresses = first_of_each(names.addresses)
        looks = asyncio.gather(*(self._reach(address) for address in addresses))
        control_names, control = await self._control(vantage)
        reached = await looks
        relays = await asyncio.gather(
            *(self._measure(address, ports) for address, ports in zip(addresses, reached, strict=True))
        )
        mapped: list[Mapped] = []
        for version in ("IPv4", "IPv6"):
            told = [
                (one.address, one.port)
                for one in (*control, *(port for relay in relays for port in relay.ports))
                if one.outcome == "answered" and one.kind == "binding" and version_of(one.address) == version
            ]
            mapped += await mappings(list(dict.fromkeys(told)), GRACE_S)
        return TeamsMediaSeen(
            names=names, relays=tuple(relays), control_names=control_names, control=control,
            mapped=tuple(mapped),
        )  # fmt: skip

    async def _reach(self, address: str) -> tuple[Reached, ...]:
        return tuple(await asyncio.gather(*(reach(address, port, REACH_S) for port in self.ports)))

    async def _control(self, vantage: Vantage) -> tuple[Resolved | None, tuple[Reached, ...]]:
        if self.control is None:
            return None, ()
        host, port = split_endpoint(self.control, PORT)
        names = await resolve(vantage, host, self.family)
        asked = (reach(address, port, REACH_S) for address in first_of_each(names.addresses))
        return names, tuple(await asyncio.gather(*asked))

    async def _measure(self, address: str, ports: tuple[Reached, ...]) -> Relay:
        asks = [(one.port, one.kind) for one in ports if one.kind is not None]
        if not asks:
            return Relay(address=address, ports=ports)
        count = max(1, math.floor(self.window * RATE + 1e-6))
        window = await pace(address, asks, count=count, interval=1 / RATE, grace=GRACE_S)
        return Relay(address=address, ports=ports, window=window)

    def judge(self, seen: TeamsMediaSeen) -> Iterable[Finding]:
        if not seen.names.addresses:
            yield unresolved(self.relay(), seen.names)
        works = any(one.outcome == "answered" for relay in seen.relays for one in relay.ports)
        for relay in seen.relays:
            for one in relay.ports:
                yield self._judge_port(one, seen, works=works)
            if relay.window is not None:
                yield from self._judge_window(relay.address, relay.window)
        yield from _nat(seen.mapped)

    def _judge_port(self, one: Reached, seen: TeamsMediaSeen, *, works: bool) -> Finding:
        where = f"{join_endpoint(one.address, one.port)}/udp"
        expected = f"a STUN reply ({_SOURCE})"
        words = f"{one.outcome}: {safe(one.detail, limit=200)}" + (
            f"; {one.ignored} foreign datagrams were ignored" if one.ignored else ""
        )
        if one.outcome == "answered":
            how = "" if one.error is None else f", refusing by {one.error} as it may"
            return passed(
                where, f"The relay answers by UDP{how}.", expected=expected,
                observed=f"{one.kind} answered" + (f" in {one.rtt_ms:.3g} ms" if one.rtt_ms else ""),
            )  # fmt: skip
        if one.outcome == "not sent":
            if works and self.family == "any":
                version = version_of(one.address)
                return warned(
                    where, f"{version} was not tested: no packet left this laptop. The other family answers.",
                    expected=expected, observed=words,
                    fix=f"If {version} is planned here, find out why there is none; if not, set family.",
                )  # fmt: skip
            return cannot_tell(
                where, "No packet left this laptop.", expected=expected, observed=words,
                fix="Check the laptop's address, route and firewall for that address family, then run again.",
            )  # fmt: skip
        if one.outcome in ("refused", "unreachable"):
            return failed(
                where, f"The network says that this UDP port is {one.outcome}.",
                expected=expected, observed=words,
                fix=f"Allow UDP {one.port} to 52.112.0.0/14 and 52.122.0.0/15 where it is rejected.",
            )  # fmt: skip
        return self._silent(where, one, seen, {"expected": expected, "observed": words})

    def _silent(self, where: str, one: Reached, seen: TeamsMediaSeen, say: dict[str, str]) -> Finding:
        allow = (
            f"Allow UDP {one.port} to 52.112.0.0/14 and 52.122.0.0/15, outwards and the replies, without "
            "proxy or inspection"
        )
        if self.control is None:
            return cannot_tell(
                where, "Nothing answers by UDP; a relay may be silent to us, or UDP is blocked.",
                fix=f"Name a STUN server that answers as 'control', which tells the two apart. {allow}.",
                expected=say["expected"], observed=say["observed"],
            )  # fmt: skip
        family = version_of(one.address)
        controls = [other for other in seen.control if version_of(other.address) == family]
        here = [other for other in controls if other.port == one.port]
        shown = (
            ", ".join(f"{join_endpoint(c.address, c.port)} {c.outcome}" for c in controls) or "not reached"
        )
        observed = f"{say['observed']}; the control: {shown}"
        if any(other.outcome == "answered" for other in controls):
            same = "" if any(other.outcome == "answered" for other in here) else ", though on another port"
            return cannot_tell(
                where,
                f"The relay is silent or filtered: the control answers by UDP{same}.",
                fix="Test by a call (the client shows whether media goes by UDP), and look in the firewall's "
                f"log: {allow[0].lower()}{allow[1:]}.",
                expected=say["expected"], observed=observed,
            )  # fmt: skip
        if here and all(other.outcome == "silent" for other in here):
            return failed(
                where, f"UDP {one.port} is blocked here: neither the relay nor the control answers.",
                fix=f"{allow}. Until then calls fall back to TCP 443, with worse sound.",
                expected=say["expected"], observed=observed,
            )  # fmt: skip
        return cannot_tell(
            where, f"Nothing answers by UDP, and the control tells nothing about port {one.port}.",
            fix=f"Name a control that answers on port {one.port}, or mend the way to it. {allow}.",
            expected=say["expected"], observed=observed,
        )  # fmt: skip

    def _judge_window(self, address: str, window: Paced) -> Iterable[Finding]:
        sent = len(window.rtts_ms)
        if sent < 0.9 * window.planned:
            yield cannot_tell(
                address,
                f"The window was cut short: {sent} of {window.planned} packets left this laptop.",
                expected=f"{window.planned} packets", observed=safe(window.detail, limit=200) or f"{sent}",
                fix="Look at this laptop's load, route and firewall, then run it again.",
            )  # fmt: skip
        if not sent:
            return
        found = limits(self.thresholds)
        replies = sorted(rtt for rtt in window.rtts_ms if rtt is not None)
        yield self._loss(address, found["loss"], sent, sent - len(replies))
        value, pairs = jitter_ms(window.rtts_ms)
        if pairs < LEAST_REPLIES - 1:
            yield cannot_tell(
                address, f"Too few replies to judge round-trip time and jitter: {len(replies)}.",
                expected=f"at least {LEAST_REPLIES}", observed=f"{len(replies)} of {sent}",
                fix="Mend the loss first, or set a longer window.",
            )  # fmt: skip
            return
        rtt, limit = percentile(replies, 50), found["rtt"]
        spread = ", ".join(f"p{share} {percentile(replies, share):.3g}" for share in (50, 95, 99))
        finding = within(
            address,
            Measure(
                name="Round-trip time (median)", value=rtt, unit="ms", warn=limit.warn, fail=limit.fail,
                source=limit.source,
            ),
            fix="Find what delays: a full uplink, Wi-Fi, a VPN or proxy, or an egress far from here.",
        )  # fmt: skip
        yield dataclasses.replace(finding, message=f"{finding.message[:-1]}: {spread} ms.")
        limit = found["jitter"]
        yield within(
            address,
            Measure(
                name="Jitter", value=value, unit="ms", warn=limit.warn, fail=limit.fail, source=limit.source
            ),
            fix="Give media its priority (QoS); look for a full uplink, Wi-Fi interference or a busy router.",
        )

    def _loss(self, where: str, limit: Limit, sent: int, lost: int) -> Finding:
        finding = within(
            where,
            Measure(
                name="Packet loss", value=100.0 * lost / sent, unit="%", warn=limit.warn, fail=limit.fail,
                source=limit.source,
            ),
            fix="Look for Wi-Fi, a full uplink, a bad cable, or a firewall that limits UDP; if only this "
            "relay loses, it may limit requests like ours.",
        )  # fmt: skip
        sample = f"{lost} of {sent} packets lost"
        need = sample_for(limit.fail)
        if sent < need and not (finding.status is Status.FAIL and proves_loss(sent, lost, limit.fail)):
            return cannot_tell(
                where, f"Too few packets to test a loss of {limit.fail:g} %: {sample}, {need} are needed.",
                expected=f"at most {limit.fail:g} % of at least {need} packets ({limit.source})",
                observed=sample, fix="Set a longer window.",
            )  # fmt: skip
        return dataclasses.replace(finding, message=f"{finding.message[:-1]}: {sample}.")


def _nat(mapped: tuple[Mapped, ...]) -> Iterable[Finding]:
    """Tell how address translation maps one socket: no verdict, but calls depend on it."""
    for version in ("IPv4", "IPv6"):
        told = [one for one in mapped if version_of(one.mapped.rpartition(":")[0]) == version]
        if len(told) < 2:
            continue
        shown = safe(", ".join(f"{one.mapped} to {one.server}" for one in told[:6]), limit=400)
        if len({one.mapped for one in told}) == 1:
            yield passed(
                "address translation",
                f"Every server sees the same {version} address and port.",
                observed=shown,
            )
        elif len({one.mapped.rpartition(":")[0] for one in told}) > 1:
            yield passed(
                "address translation",
                f"Servers see different {version} addresses of one socket: several ways out.", observed=shown,
            )  # fmt: skip
        else:
            yield passed(
                "address translation",
                "Each server sees another port of one socket (symmetric NAT): calls go by relays.",
                observed=shown,
            )  # fmt: skip
