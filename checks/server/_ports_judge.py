"""What listening sockets mean for a port that is expected, forbidden, or there on another server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.server._parity import Difference, differences, parity_findings, shown
from checks.server._sockets import Listening, Socket

_ROOT = "Give the check 'sudo: true' with an account that may, since only root sees every program."


def expected(seen: Listening, protocol: str, port: int, *, program: str, address: str) -> Finding:
    """Judge one port that must be listened on."""
    subject = f"{seen.name} {protocol}/{port}"
    there = _at(seen, protocol, port)
    wanted = f"{program or 'something'} listens on {address or 'an address that others reach'}"
    observed = _shown(there) or "nothing listens"
    if not there:
        return failed(
            subject, f"Nothing listens on {protocol} port {port}.", expected=wanted, observed=observed,
            fix=f"Start {program or 'the service'} and look at its log; check the port it is set to.",
        )  # fmt: skip
    reached = [one for one in there if _reaches(one, address)]
    if not reached:
        if seen.how == "proc" and any(one.address == "::" for one in there) and ":" not in address:
            return cannot_tell(
                subject, f"{protocol} port {port} is open for IPv6; whether for IPv4, too, /proc/net does "
                "not tell.", expected=wanted, observed=observed, fix="Install iproute2 there, for ss.",
            )  # fmt: skip
        where = f"not on {address}" if address else "on the loopback address only"
        return failed(
            subject, f"{protocol} port {port} is listened on, but {where}.", expected=wanted,
            observed=observed, fix="Correct the address that the service binds to (listen, bind-address, "
            "interfaces), then restart it; if that is as planned, name the 'address'.",
        )  # fmt: skip
    if program:
        holders = [one for one in reached if one.programs]
        if any(program in one.programs for one in holders):
            return passed(subject, f"{program} listens on the port.", expected=wanted, observed=observed)
        if len(holders) < len(reached):
            return cannot_tell(
                subject, f"{protocol} port {port} is listened on, by whom this account may not see.",
                expected=wanted, observed=observed, fix=_ROOT,
            )  # fmt: skip
        return failed(
            subject, f"Another program than {program} listens on {protocol} port {port}.", expected=wanted,
            observed=observed, fix="Stop the program that took the port, then start the planned one.",
        )  # fmt: skip
    return passed(subject, "The port is listened on.", expected=wanted, observed=observed)


def forbidden(seen: Listening, protocol: str, port: int, *, program: str, address: str) -> Finding:
    """Judge one port that nothing (or one program) may listen on."""
    subject = f"{seen.name} {protocol}/{port}"
    there = [one for one in _at(seen, protocol, port) if not address or _reaches(one, address)]
    wanted = f"{program or 'nothing'} does not listen" if program else "nothing listens"
    observed = _shown(there) or "nothing listens"
    if program and there and not any(program in one.programs for one in there):
        if all(one.programs for one in there):
            return passed(subject, f"{program} does not hold the port.", expected=wanted, observed=observed)
        return cannot_tell(
            subject, f"{protocol} port {port} is listened on, by whom this account may not see.",
            expected=wanted, observed=observed, fix=_ROOT,
        )  # fmt: skip
    if not there:
        return passed(subject, "Nothing listens on the port.", expected=wanted, observed=observed)
    if not address and all(one.loopback for one in there):
        return warned(
            subject, f"{protocol} port {port} is still listened on, for the host itself only.",
            expected=wanted, observed=observed, fix="Stop the service and keep it from starting again.",
        )  # fmt: skip
    return failed(
        subject, f"{protocol} port {port} must not be listened on, and is.", expected=wanted,
        observed=observed, fix="Stop the service and keep it from starting again (systemctl disable --now).",
    )  # fmt: skip


def compared(source: Listening, target: Listening, allowed: Sequence[str]) -> Iterable[Finding]:
    """Judge whether the target listens where the source does."""
    programs = _knows(source) and _knows(target)
    old, new = _by_port(source, programs=programs), _by_port(target, programs=programs)
    for key in [key for key in old.keys() - new.keys() if _ephemeral(key, source)]:
        held = _holders(source, key)
        moved = next(
            (
                other for other in sorted(new.keys() - old.keys())
                if held and _ephemeral(other, target) and _holders(target, other) == held
            ), "",
        )  # fmt: skip
        if moved:
            new[key] = old[key]
            del new[moved]
    fix_missing = "Start the service that held it on the old server"

    def fix(one: Difference) -> str:
        todo = {
            "missing": fix_missing,
            "different": "Set the service up as on the old server",
            "extra": "Stop what nobody needs",
        }[one.kind]
        return f"{todo}, or allow the difference: allowed: ['{shown(one.key)}']."

    diff = differences(old, new, allowed)
    yield from parity_findings(
        diff, subject=target.name, things="listening ports", fix=fix, source=source.name
    )
    left_out = sorted({f"udp/{one.port}" for one in source.sockets if _client(one, source)})
    if left_out:
        yield passed(
            target.name, f"{len(left_out)} UDP ports of {source.name} lie in its ephemeral range and were "
            "not compared.", observed=in_line(left_out[:20]),
            expected=f"clients between {source.ephemeral[0]} and {source.ephemeral[1]}",
        )  # fmt: skip
    if not programs:
        yield passed(
            target.name, "Ports and addresses were compared, not the programs: not all of them may be seen.",
            expected="'sudo: true' shows the programs, too", observed="ports and addresses only",
        )  # fmt: skip


def _at(seen: Listening, protocol: str, port: int) -> list[Socket]:
    return [one for one in seen.sockets if one.protocol == protocol and one.port == port]


def _reaches(socket: Socket, address: str) -> bool:
    """Return whether what is sent to `address` arrives there; without one, what other hosts send."""
    if not address:
        return not socket.loopback
    if socket.address in (address, "*"):
        return True
    return socket.address == ("::" if ":" in address else "0.0.0.0")  # noqa: S104


def _by_port(seen: Listening, *, programs: bool) -> dict[str, str]:
    found: dict[str, list[Socket]] = {}
    for one in seen.sockets:
        if not _client(one, seen):
            found.setdefault(f"port:{one.protocol}/{one.port}", []).append(one)
    return {key: _value(sockets, programs=programs) for key, sockets in found.items()}


def _value(sockets: list[Socket], *, programs: bool) -> str:
    if any(one.everywhere for one in sockets):
        reach = "on all addresses"
    elif all(one.loopback for one in sockets):
        reach = "on loopback only"
    else:
        reach = "on some addresses"
    names = _parents({name for one in sockets for name in one.programs}) if programs else []
    return f"{reach}, {', '.join(names)}" if names else reach


def _parents(names: Collection[str]) -> list[str]:
    """Return the programs without their helpers (`smbd-notifyd` of smbd), which hold a socket by chance."""
    return sorted(name for name in names if not any(name.startswith(f"{other}-") for other in names))


def _client(one: Socket, seen: Listening) -> bool:
    return one.protocol == "udp" and seen.ephemeral[0] <= one.port <= seen.ephemeral[1]


def _ephemeral(key: str, seen: Listening) -> bool:
    protocol, _, port = key.removeprefix("port:").partition("/")
    return protocol == "tcp" and seen.ephemeral[0] <= int(port) <= seen.ephemeral[1]


def _holders(seen: Listening, key: str) -> frozenset[str]:
    protocol, _, port = key.removeprefix("port:").partition("/")
    return frozenset(name for one in _at(seen, protocol, int(port)) for name in one.programs)


def _knows(seen: Listening) -> bool:
    """Return whether the programs of (nearly) all sockets are seen: the kernel's own have none."""
    held = sum(bool(one.programs) for one in seen.sockets)
    return held * 2 > len(seen.sockets)


def _shown(sockets: Iterable[Socket]) -> str:
    return safe(
        ", ".join(
            f"{one.address}:{one.port}{f' ({chr(44).join(one.programs)})' if one.programs else ''}"
            for one in sockets
        ),
        limit=400,
    )
