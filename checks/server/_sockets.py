"""Which ports a host listens on: the output of ss, /proc/net as a fall-back, PowerShell on Windows.

The Windows script was never run on a real system.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import Any, Literal

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.server._windows import number, rows, word
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote

MAX_SOCKETS = 5000
How = Literal["ss", "proc", "windows"]

LISTENING = Script(
    "listening ports",
    r"""
part() { printf '\0%s\0' "$1"; }
cat /proc/sys/net/ipv4/ip_local_port_range 2>/dev/null
if command -v ss >/dev/null 2>&1; then
  for what in tcp udp; do
    case $what in tcp) flag=-ltn ;; *) flag=-lun ;; esac
    part "$what"; ss $flag || exit 3
    part "$what-programs"; ss ${flag}p || exit 3
  done
elif [ -r /proc/net/tcp ]; then
  for what in tcp tcp6 udp udp6; do
    [ -e "/proc/net/$what" ] || continue
    part "proc-$what"; cat "/proc/net/$what" || exit 3
  done
else
  exit 4
fi
part end
""",
)

WINDOWS = PowerShell(
    "listening ports",
    """
$names = @{}; Get-Process | ForEach-Object { $names[[int]$_.Id] = $_.ProcessName }
function Row($protocol) { process { @{ protocol = $protocol; address = $_.LocalAddress
  port = $_.LocalPort; program = $names[[int]$_.OwningProcess] } } }
$tcp = Get-NetTCPConnection -State Listen | Row 'tcp'
$udp = Get-NetUDPEndpoint | Row 'udp'
ConvertTo-Json -Compress -Depth 3 -InputObject @(@($tcp) + @($udp))
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """One socket that waits. `address` is `*` where it takes IPv4 and IPv6, else an address."""

    protocol: str
    address: str
    port: int
    programs: tuple[str, ...] = ()
    """Names of the processes that hold it; none where they may not be seen."""

    @property
    def loopback(self) -> bool:
        """Whether only the host itself can reach it."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False

    @property
    def everywhere(self) -> bool:
        """Whether it takes what comes to any address of its family."""
        return self.address in ("*", "0.0.0.0", "::")  # noqa: S104


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """All that a host listens on. `how` tells what was read: `proc` never knows programs."""

    name: str
    how: How
    sockets: tuple[Socket, ...]
    ephemeral: tuple[int, int]
    """First and last of the ports that are handed out to whoever asks for any."""


async def read_listening(remote: Remote, root: str) -> Listening:
    """Return what the host listens on; raise CannotTell for an answer that cannot be all there is."""
    if (await remote.facts()).dialect == "powershell":
        result = await remote.run(WINDOWS())
        found = _windows(rows(require(result, remote), remote.name), remote.name)
    else:
        result = await remote.run(LISTENING(as_user=root))
        if result.whole and result.status == 4:
            raise CannotTell(
                f"{remote.name} has neither ss nor /proc/net, so its listening ports cannot be read.",
                "Install iproute2 there; hosts that are no Linux are asked by network.tcp from outside.",
            )
        found = parse(require(result, remote), remote.name)
    if not any(socket.protocol == "tcp" for socket in found.sockets):
        raise CannotTell(
            f"{remote.name} shows no listening TCP port at all, not even that of its SSH server, so what it "
            "shows is not everything.",
            "Run ss -ltn by hand as the same account; give the check 'sudo: true'.",
        )
    return found


def parse(stdout: bytes, name: str) -> Listening:
    """Return the sockets of the script's output; raise CannotTell where a part of it is missing."""
    first, *rest = stdout.decode(errors="replace").split("\0")
    parts = dict(zip(rest[::2], rest[1::2], strict=False))
    by_ss = {"tcp", "tcp-programs", "udp", "udp-programs"} <= parts.keys()
    if "end" not in parts or not (by_ss or "proc-tcp" in parts):
        raise CannotTell(f"{name} told only a part of its listening ports.", "Run the check again.")
    bounds = [int(word) for word in first.split() if word.isdecimal() and len(word) < 6]
    sockets: list[Socket] = []
    for protocol in ("tcp", "udp"):
        if by_ss:
            known = {
                (one.address, one.port): one.programs for one in _ss(parts[f"{protocol}-programs"], protocol)
            }
            sockets += [
                Socket(
                    protocol=protocol, address=one.address, port=one.port,
                    programs=known.get((one.address, one.port), ()),
                )
                for one in _ss(parts[protocol], protocol)
            ]  # fmt: skip
        else:
            sockets += _proc(parts.get(f"proc-{protocol}", ""), protocol)
            sockets += _proc(parts.get(f"proc-{protocol}6", ""), protocol)
    return Listening(
        name=name, how="ss" if by_ss else "proc",
        sockets=_bounded(sockets, name),
        ephemeral=(bounds[0], bounds[1]) if len(bounds) == 2 else (32768, 60999),
    )  # fmt: skip


_PROGRAM = re.compile(r'\("([^"]{1,64})",pid=')


def _ss(text: str, protocol: str) -> list[Socket]:
    found = []
    for line in text.splitlines():
        words = line.split(None, 5)
        if len(words) < 5 or words[0] not in ("LISTEN", "UNCONN"):
            continue
        host, _, port = words[3].rpartition(":")
        address = _address(host)
        if address and port.isdecimal() and len(port) < 6:
            programs = tuple(sorted(set(_PROGRAM.findall(words[5])))) if len(words) > 5 else ()
            found.append(Socket(protocol=protocol, address=address, port=int(port), programs=programs))
    return found


def _address(text: str) -> str:
    """Return an address as ss writes it (`*`, `[::]`, `127.0.0.53%lo`) in its canonical form, or nothing."""
    bare = text.partition("%")[0].removeprefix("[").removesuffix("]")
    if bare in ("*", ""):
        return "*" if bare else "::" if text else ""
    try:
        return _canonical(ipaddress.ip_address(bare))
    except ValueError:
        return ""


def _canonical(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return an address as text; one of IPv4 that an IPv6 socket holds (`::ffff:...`) as that of IPv4."""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _proc(text: str, protocol: str) -> list[Socket]:
    """Return the sockets of /proc/net/{tcp,udp}{,6}: state 0A listens, 07 is a UDP socket without a peer.

    Addresses are words in the host's byte order; that of x86 and ARM is taken.
    """
    wanted = "0A" if protocol == "tcp" else "07"
    found = []
    for line in text.splitlines():
        words = line.split(None, 4)
        if len(words) < 4 or words[3] != wanted:
            continue
        host, _, port = words[1].partition(":")
        try:
            raw = bytes.fromhex(host)
            number = int(port, 16)
            packed = b"".join(struct.pack("<I", value) for (value,) in struct.iter_unpack(">I", raw))
            address = _canonical(ipaddress.ip_address(packed))
        except (ValueError, struct.error):
            continue
        if 0 < number < 65536:
            found.append(Socket(protocol=protocol, address=address, port=number))
    return found


def _windows(found: list[dict[str, Any]], name: str) -> Listening:
    sockets = []
    for row in found:
        port, protocol = number(row, "port"), word(row, "protocol")
        address = _address(word(row, "address"))
        if port and 0 < port < 65536 and protocol in ("tcp", "udp") and address:
            program = word(row, "program")
            sockets.append(
                Socket(protocol=protocol, address=address, port=port, programs=(program,) if program else ())
            )
    return Listening(name=name, how="windows", sockets=_bounded(sockets, name), ephemeral=(49152, 65535))


def _bounded(sockets: list[Socket], name: str) -> tuple[Socket, ...]:
    if len(sockets) > MAX_SOCKETS:
        raise CannotTell(
            f"{name} listens on {len(sockets)} ports, more than are looked at.",
            "Look which program opens so many.",
        )
    return tuple(sorted(set(sockets), key=_order))


def _order(socket: Socket) -> tuple[str, int, str]:
    return socket.protocol, socket.port, socket.address
