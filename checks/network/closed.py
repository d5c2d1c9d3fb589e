"""network.closed: ports that must not be reachable from here are not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.network._echo import OWN_ADDRESS, OWN_ADDRESS_FIX, is_own
from checks.network._peers import EXPLAINED, unresolved
from checks.params import Endpoint, Host, Port, join_endpoint, split_endpoint
from checks.safe import safe
from checks.wire.names import Family, Resolved, resolve
from checks.wire.tcp import Attempt, budget, probe

MAX_ADDRESSES = 4
_AT_ONCE = 256
_CONTROL_PATIENCE = 2.0
LEAST_SILENCE = 1.5
"""Seconds without an answer that mean something: a lost SYN is sent again after one (RFC 6298 section 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedSeen:
    """What was tried; the control before and after the ports, over each family that the target has.

    `own` are the addresses among them that are this laptop's own, without being meant.
    """

    names: Resolved
    attempts: tuple[Attempt, ...]
    control_names: Resolved
    control: tuple[Attempt, ...]
    own: tuple[str, ...] = ()


class Closed(Check[ClosedSeen]):
    """None of the ports can be reached from here, while a control can.

    A port that refuses and one that is filtered are both closed; the finding says which. The control must be
    reachable before and after the ports were tried, over IPv4 and over IPv6 if the target has both: otherwise
    our own link may be what is closed, and nothing is proven. Choose one that takes the same path, best an
    allowed port of the same host.

    Proves: from this laptop and network, now, no TCP handshake with those ports completes.
    Cannot prove: that other networks are kept out too; that the target is on at all, unless the control is on
    the same host; anything about UDP.
    If it fails: stop the service, or forbid this network in the firewall, for IPv4 and IPv6.

    Source: RFC 9293 section 3.5 (connection), NIST SP 800-41r1 section 5.2.2 (testing firewall rules).

    Example:
        type: network.closed
        target: 10.20.0.10
        ports: [22, 445, 3389]
        control: 10.20.0.10:443
    """

    deadline_s = 12.0

    target: Host
    """Name or address of the server that must not be reachable."""
    ports: Annotated[tuple[Port, ...], Len(1, 256)]
    """TCP ports that must be closed, 256 at most."""
    control: Endpoint
    """Server with port that must be reachable from here by the same path."""
    family: Family = "any"
    """Which addresses of the target to test: `any` (all of them), `ipv4` or `ipv6`."""

    def __post_init__(self) -> None:
        host, port = split_endpoint(self.control)
        if port == 0:
            raise ValueError(f"control needs a port, as in {join_endpoint(host, 443)}.")
        if is_loopback(host) and not is_loopback(self.target):
            raise ValueError("control is this laptop itself: it proves nothing about the way to the target.")
        if host == self.target and port in self.ports:
            raise ValueError("control is one of the ports that must be closed: it cannot prove both.")

    async def observe(self, vantage: Vantage) -> ClosedSeen:
        control_host, control_port = split_endpoint(self.control)
        names = await resolve(vantage, self.target, self.family)
        control_names = await resolve(vantage, control_host)
        families = {":" in address for address in names.addresses}
        control = await _controls(control_names, control_port, families)
        patience = max(0.1, budget(vantage) - 2 * _CONTROL_PATIENCE)
        pairs = [(address, port) for address in names.addresses[:MAX_ADDRESSES] for port in self.ports]
        rounds = -(-len(pairs) // _AT_ONCE)
        attempts: list[Attempt] = []
        for begin in range(0, len(pairs), _AT_ONCE):
            batch = pairs[begin : begin + _AT_ONCE]
            attempts += await asyncio.gather(
                *(probe(address, port, patience / rounds) for address, port in batch)
            )
        control += await _controls(control_names, control_port, families)
        return ClosedSeen(
            names=names,
            attempts=tuple(attempts),
            control_names=control_names,
            control=tuple(control),
            own=_own(names, control_names),
        )

    def judge(self, seen: ClosedSeen) -> Iterable[Finding]:
        tried = [attempt for attempt in seen.attempts if attempt.address not in seen.own]
        for attempt in tried:
            if attempt.outcome in ("open", "reset"):
                yield failed(
                    join_endpoint(attempt.address, attempt.port),
                    "The port can be reached from here and must not be.",
                    expected="closed",
                    observed=f"{attempt.outcome} after {attempt.seconds * 1000:.3g} ms",
                    fix="Close it: stop the service, or forbid this network in the firewall, IPv4 and IPv6.",
                )
        if not seen.names.addresses:
            yield (
                unresolved(self.target, seen.names)
                if seen.names.temporary
                else cannot_tell(
                    self.target,
                    "The name has no address, so nothing was tested: that is not closed.",
                    expected="an address to test",
                    observed=safe(seen.names.error or "no address", limit=200),
                    fix="Give the address that must be closed, or correct the name.",
                )
            )
            return
        untested = len(seen.names.addresses) * len(self.ports) - len(seen.attempts)
        if untested > 0:
            yield cannot_tell(
                self.target,
                f"The name has more addresses than are tested at once: {untested} ports were left out.",
                fix="Test the addresses by checks of their own.",
            )
        for address in dict.fromkeys(attempt.address for attempt in seen.attempts):
            if address in seen.own:
                yield cannot_tell(address, OWN_ADDRESS, fix=OWN_ADDRESS_FIX, expected="a host elsewhere")
        for v6 in sorted({":" in attempt.address for attempt in tried}):
            control = [attempt for attempt in seen.control if (":" in attempt.address) == v6]
            opened = all(attempt.outcome == "open" for attempt in control)
            if len(control) >= 2 and opened and not any(item.address in seen.own for item in control):
                patience = max(LEAST_SILENCE, *(3 * attempt.seconds for attempt in control))
                for attempt in tried:
                    if (":" in attempt.address) == v6:
                        yield from self._judge_closed(attempt, patience)
            else:
                yield self._unproven(seen, control, "IPv6" if v6 else "IPv4")

    def _unproven(self, seen: ClosedSeen, control: list[Attempt], family: str) -> Finding:
        if any(attempt.address in seen.own for attempt in control):
            return cannot_tell(
                self.control, OWN_ADDRESS, fix="Name a control elsewhere.", expected="a host elsewhere"
            )
        words = ", ".join(
            f"{attempt.outcome} {safe(attempt.detail, limit=80)}".strip() for attempt in control
        )
        return cannot_tell(
            self.control,
            f"The control cannot be reached over {family}: our own link may be what is closed.",
            expected="open before and after",
            observed=words or safe(seen.control_names.error or f"no {family} address", limit=200),
            fix="Mend this laptop's link, name a control that is reachable by the same path, or set family.",
        )

    def _judge_closed(self, attempt: Attempt, patience: float) -> Iterable[Finding]:
        where = join_endpoint(attempt.address, attempt.port)
        observed = f"{attempt.outcome}: {safe(attempt.detail, limit=200)}"
        if attempt.outcome == "refused":
            yield passed(
                where, "The port is closed: the connection is refused.", expected="closed", observed=observed
            )
        elif attempt.outcome == "timeout" and attempt.seconds < patience:
            yield cannot_tell(
                where,
                "Nothing answered in the little time there was: an open port may look the same.",
                expected=f"silence for at least {patience:.2g} s",
                observed=observed,
                fix="Give the check a longer timeout, or fewer ports at once.",
            )
        elif attempt.outcome in ("timeout", "unreachable"):
            yield passed(
                where, "The port is closed: what is sent is filtered.", expected="closed", observed=observed
            )
        elif attempt.outcome in ("no_route", "barred", "local"):
            message, fix = EXPLAINED[attempt.outcome]
            yield cannot_tell(
                where,
                f"{message} Nothing left it, so this port was not tested.",
                expected="closed",
                observed=observed,
                fix=f"{fix} If the target has an address of a family that is not used here, set family.",
            )


def _own(target: Resolved, control: Resolved) -> tuple[str, ...]:
    """Return which addresses are this laptop's own where a host elsewhere was meant."""
    if is_loopback(target.host):
        return ()
    return tuple(item for item in (*target.addresses, *control.addresses) if is_own(target.host, item))


async def _controls(names: Resolved, port: int, families: set[bool]) -> list[Attempt]:
    """Return for each family the first attempt that opens, else the last; True stands for IPv6."""
    found = []
    for v6 in sorted(families):
        mine = [address for address in names.addresses if (":" in address) == v6][:MAX_ADDRESSES]
        for number, address in enumerate(mine, 1):
            attempt = await probe(address, port, _CONTROL_PATIENCE / len(families) / len(mine))
            if attempt.outcome == "open" or number == len(mine):
                found.append(attempt)
                break
    return found
