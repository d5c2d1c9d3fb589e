"""Who is connected to a server right now: sockets, Samba's sessions, NFS clients, logins; one look of many.

The Windows script was never run on a real system.
"""

from __future__ import annotations

import ipaddress
import json
import struct
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.server._windows import number, rows, word
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote

MOST = 500
"""Clients that one look keeps."""
NFS = 2049

OWN = Script("own connection", r"""printf '%s\n' "$SSH_CONNECTION" """)

LOOK = Script(
    "connected clients",
    r"""
part() { printf '\0%s\0' "$1"; }
part sockets
if command -v ss >/dev/null 2>&1; then ss -tan || exit 3
elif [ -r /proc/net/tcp ]; then cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
else exit 4; fi
part samba
if command -v smbstatus >/dev/null 2>&1; then
  if [ -n "$1" ]; then smbstatus -s "$1" -j 2>&1; else smbstatus -j 2>&1; fi
fi
part nfs
for client in /proc/fs/nfsd/clients/*/info; do [ -r "$client" ] && cat "$client"; done 2>/dev/null
part logins
who --ips 2>/dev/null || who 2>/dev/null
part end
""",
)
"""Its argument is Samba's configuration, or empty for the usual one."""

WINDOWS = PowerShell(
    "connected clients",
    """
$all = Get-NetTCPConnection
$out = @()
foreach ($c in $all) { $out += @{ kind = 'tcp'; state = [string]$c.State; address = $c.LocalAddress
  port = $c.LocalPort; peer = $c.RemoteAddress } }
try { foreach ($s in Get-SmbSession) { $out += @{ kind = 'smb'; peer = [string]$s.ClientComputerName
  user = [string]$s.ClientUserName; opens = [int]$s.NumOpens } } }
catch { $out += @{ kind = 'unknown'; text = 'Get-SmbSession: ' + $_.Exception.Message } }
$out += @{ kind = 'own'; text = [string]$env:SSH_CONNECTION }
ConvertTo-Json -Compress -Depth 3 -InputObject @($out)
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One peer at one port of the server. A login at the console has neither."""

    peer: str
    port: int
    detail: str = ""
    """User, shares, open files, or the state of the connection; safe to show."""
    local: bool = False
    """The server itself: a program on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Who was connected at one moment."""

    at: datetime
    host: str
    host_key: str
    listening: tuple[int, ...]
    clients: tuple[Client, ...]
    left_out: int = 0
    """Clients beyond those that are kept."""
    unknown: tuple[str, ...] = ()
    """What could not be asked; it would have told more of clients, not more clients."""


async def look(
    remote: Remote, at: datetime, root: str, samba: str = "", ports: Collection[int] = ()
) -> Look:  # fmt: skip
    """Return who is connected; our own SSH connections are left out.

    A connection counts where something listens on its port, or it is one of `ports`: sessions outlive the
    service that took them.
    """
    facts = await remote.facts()
    if facts.dialect == "powershell":
        found = rows(require(await remote.run(WINDOWS()), remote), remote.name)
        listening, clients, unknown, own = _windows(found, ports)
    else:
        result = await remote.run(LOOK(samba, as_user=root))
        if result.whole and result.status == 4:
            raise CannotTell(
                f"{remote.name} has neither ss nor /proc/net, so its connections cannot be read.",
                "Install iproute2 there.",
            )
        parts = _parts(require(result, remote), remote.name)
        own = require(await remote.run(OWN()), remote).decode(errors="replace")
        listening, clients = sockets(parts["sockets"], ports)
        who, unknown = _samba(parts["samba"])
        clients = [_with(client, who) for client in clients]
        clients += [*_nfs(parts["nfs"]), *_logins(parts["logins"])]
    if not listening:
        raise CannotTell(
            f"{remote.name} shows no listening port at all, not even that of its SSH server, so what it "
            "shows is not everything.", "Run ss -tan there by hand as the same account.",
        )  # fmt: skip
    peer, ssh = _own(own)
    merged: dict[tuple[str, int], Client] = {}
    for client in clients:
        if peer and client.peer == peer and client.port in (ssh, 0):
            continue
        known = merged.get((client.peer, client.port))
        if known is None or len(client.detail) > len(known.detail):
            merged[client.peer, client.port] = client
    kept = sorted(merged.values(), key=lambda one: (one.local, one.peer, one.port))
    return Look(
        at=at, host=remote.name, host_key=facts.host_key, listening=tuple(sorted(listening)),
        clients=tuple(kept[:MOST]), left_out=max(0, len(kept) - MOST), unknown=unknown,
    )  # fmt: skip


def _parts(stdout: bytes, name: str) -> dict[str, str]:
    _, *rest = stdout.decode(errors="replace").split("\0")
    parts = dict(zip(rest[::2], rest[1::2], strict=False))
    if list(parts) != ["sockets", "samba", "nfs", "logins", "end"]:
        raise CannotTell(f"{name} told only a part of who is connected.", "Run the check again.")
    return parts


_OPEN = {
    "ESTAB": "connected", "01": "connected", "CLOSE-WAIT": "closing", "08": "closing",
    "FIN-WAIT-1": "closing", "04": "closing", "FIN-WAIT-2": "closing", "05": "closing",
    "LAST-ACK": "closing", "09": "closing", "CLOSING": "closing", "0B": "closing",
    "TIME-WAIT": "just left", "06": "just left",
    "Established": "connected", "CloseWait": "closing", "FinWait1": "closing", "FinWait2": "closing",
    "LastAck": "closing", "Closing": "closing", "TimeWait": "just left",
}  # fmt: skip
_LISTEN = ("LISTEN", "0A", "Listen")


def sockets(text: str, ports: Collection[int] = ()) -> tuple[set[int], list[Client]]:
    """Return the ports that are listened on, and who is connected to one (or to one of `ports`).

    From ss or /proc/net/tcp.
    """
    found = list(_lines(text))
    listening = {port for state, _, port, _ in found if state in _LISTEN}
    return listening, [
        Client(peer=peer, port=port, detail=_OPEN[state], local=_is_local(peer, own))
        for state, own, port, peer in found
        if state in _OPEN and (port in listening or port in ports) and peer
    ]


def _lines(text: str) -> Iterator[tuple[str, str, int, str]]:
    """Yield state, own address, own port and peer of each socket."""
    for line in text.splitlines():
        words = line.split(None, 5)
        if len(words) < 4:
            continue
        if words[0].endswith(":") and words[0][:-1].isdecimal():
            state, (own, port), (peer, _) = words[3], _hex(words[1]), _hex(words[2])
        elif len(words) > 4:
            state, (own, port), (peer, _) = words[0], _place(words[3]), _place(words[4])
        else:
            continue
        if port:
            yield state, own, port, peer


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    number_ = int(port) if port.isdecimal() and len(port) < 6 else 0
    return address(host), number_


def _hex(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    try:
        raw = bytes.fromhex(host)
        packed = b"".join(struct.pack("<I", value) for (value,) in struct.iter_unpack(">I", raw))
        return address(str(ipaddress.ip_address(packed))), int(port, 16)
    except (ValueError, struct.error):
        return "", 0


def address(text: str) -> str:
    """Return an address in its canonical form, IPv4 inside IPv6 as IPv4; empty for anything else."""
    bare = text.partition("%")[0].removeprefix("[").removesuffix("]")
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)


def _is_local(peer: str, own: str) -> bool:
    return peer == own or ipaddress.ip_address(peer).is_loopback


def _own(text: str) -> tuple[str, int]:
    words = text.split()
    return (address(words[0]), _place(f":{words[3]}")[1]) if len(words) == 4 else ("", 0)


def _samba(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what smbstatus says of each peer's users, shares and open files."""
    if not text.strip():
        return {}, ()
    try:
        told = json.loads(text[text.index("{") :].strip().splitlines()[0])
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("sessions"), dict):
        said = safe(" ".join(text.split()), limit=200)
        return {}, (f"smbstatus does not tell who its clients are (it needs root): {said}",)
    shares: dict[str, list[str]] = {}
    for one in _values(told.get("tcons")):
        shares.setdefault(word(one, "session_id"), []).append(word(one, "service"))
    opens = _opens(told.get("open_files"))
    found: dict[str, list[str]] = {}
    for session in _values(told["sessions"]):
        peer = _smb_peer(word(session, "hostname")) or address(word(session, "remote_machine"))
        used = ", ".join(sorted(set(shares.get(word(session, "session_id"), ()))))
        files = opens.get(word(_dict(session.get("server_id")), "pid"), 0)
        detail = f"{word(session, 'username') or 'nobody'} at {used or 'no share'}, {files} open files"
        if peer:
            found.setdefault(peer, []).append(safe(detail, limit=200))
    return {peer: "; ".join(dict.fromkeys(details)) for peer, details in found.items()}, ()


def _opens(value: Any) -> dict[str, int]:
    """Return how many files each process of Samba holds open."""
    found: dict[str, int] = {}
    for file in _values(value):
        for one in _values(file.get("opens")):
            pid = word(_dict(one.get("server_id")), "pid")
            found[pid] = found.get(pid, 0) + 1
    return found


def _smb_peer(text: str) -> str:
    """Return the address of `ipv4:192.0.2.1:50000` or `ipv6:2001:db8::1:50000`."""
    kind, _, rest = text.partition(":")
    return address(rest.rpartition(":")[0]) if kind in ("ipv4", "ipv6") else ""


def _values(value: Any) -> list[dict[str, Any]]:
    return [one for one in value.values() if isinstance(one, dict)] if isinstance(value, dict) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _with(client: Client, who: dict[str, str]) -> Client:
    if client.port not in (139, 445) and not client.local and client.peer not in who:
        return client
    detail = who.get(client.peer, "")
    if not detail:
        return client
    return Client(peer=client.peer, port=client.port, local=client.local, detail=f"{client.detail}: {detail}")


def _nfs(text: str) -> Iterator[Client]:
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "address":
            peer = address(value.strip().strip('"').rpartition(":")[0])
            if peer:
                yield Client(peer=peer, port=NFS, detail="an NFS client")


def _logins(text: str) -> Iterator[Client]:
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        place = words[-1].strip("()") if len(words) > 4 else ""
        peer = address(place)
        detail = safe(f"{words[0]} is logged in at {words[1]}", limit=200)
        local = bool(peer) and ipaddress.ip_address(peer).is_loopback
        yield Client(peer=peer or safe(place, limit=100) or "its console", port=0, detail=detail, local=local)


Read = tuple[set[int], list[Client], tuple[str, ...], str]


def _windows(found: list[dict[str, Any]], ports: Collection[int] = ()) -> Read:
    tcp = [row for row in found if word(row, "kind") == "tcp"]
    listening = {number(row, "port") or 0 for row in tcp if word(row, "state") in _LISTEN} - {0}
    who: dict[str, list[str]] = {}
    for row in found:
        if word(row, "kind") == "smb":
            peer = address(word(row, "peer").strip("\\"))
            detail = f"{word(row, 'user') or 'nobody'}, {number(row, 'opens') or 0} open files"
            who.setdefault(peer, []).append(safe(detail, limit=200))
    clients = []
    for row in tcp:
        state, port, peer = word(row, "state"), number(row, "port") or 0, address(word(row, "peer"))
        if state in _OPEN and (port in listening or port in ports) and peer:
            client = Client(
                peer=peer, port=port, detail=_OPEN[state],
                local=_is_local(peer, address(word(row, "address"))),
            )  # fmt: skip
            clients.append(_with(client, {peer: "; ".join(told) for peer, told in who.items()}))
    unknown = tuple(safe(word(row, "text"), limit=200) for row in found if word(row, "kind") == "unknown")
    own = next((word(row, "text") for row in found if word(row, "kind") == "own"), "")
    return listening, clients, unknown, own
