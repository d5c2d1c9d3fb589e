"""The DHCP lease that an operating system's own client keeps, as far as it can be read without root.

Readers of dhclient (dhclient.leases(5)), systemd-networkd (/run/systemd/netif/leases), NetworkManager
(nmcli(1), `device show`), dhcpcd (it keeps the server's message as it came), macOS (`ipconfig getpacket`,
ipconfig(8)) and Windows (values of `Tcpip\\Parameters\\Interfaces`). udhcpc keeps none. A lease holds what
its client asked for; what is not in it may still be on the server. The readers of macOS and Windows were
never run there by us.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.local.facts import LeaseFact
from checks.wire.frames.dhcp import Malformed, decode
from checks.wire.frames.dhcp_options import Option, read, told

_MAX = 262_144
_MAX_OPTIONS, _MAX_VALUES, _MAX_VALUE = 128, 64, 512
_CODES = {
    "subnet-mask": 1, "routers": 3, "domain-name-servers": 6, "host-name": 12, "domain-name": 15,
    "interface-mtu": 26, "broadcast-address": 28, "ntp-servers": 42, "netbios-name-servers": 44,
    "dhcp-lease-time": 51, "dhcp-server-identifier": 54, "dhcp-renewal-time": 58, "dhcp-rebinding-time": 59,
    "tftp-server-name": 66, "bootfile-name": 67, "domain-search": 119, "wpad": 252,
}  # fmt: skip
_MACOS = {
    "subnet_mask": 1, "router": 3, "domain_name_server": 6, "host_name": 12, "domain_name": 15,
    "interface_mtu": 26, "broadcast_address": 28, "network_time_protocol_servers": 42,
    "nb_over_tcpip_name_server": 44, "lease_time": 51, "server_identifier": 54, "renewal_t1_time_value": 58,
    "rebinding_t2_time_value": 59, "tftp_server_name": 66, "bootfile_name": 67, "domain_search": 119,
    "captive_portal_url": 114, "proxy_auto_discovery_url": 252,
}  # fmt: skip
_NETWORKD = {
    "NETMASK": 1, "ROUTER": 3, "DNS": 6, "HOSTNAME": 12, "DOMAINNAME": 15, "MTU": 26, "BROADCAST": 28,
    "NTP": 42, "LIFETIME": 51, "SERVER_ADDRESS": 54, "T1": 58, "T2": 59, "DOMAIN_SEARCH_LIST": 119,
}  # fmt: skip
_ADDRESSES = frozenset({1, 3, 6, 28, 42, 44, 54, 150})
_NUMBERED = re.compile(r"(?:private|unknown|option)[-_](\d{1,3})\Z")


def read_linux(root: Path, indexes: Mapping[int, str]) -> tuple[LeaseFact, ...]:
    """Return the leases in the files below `root`; `indexes` names the interfaces by their numbers."""
    found: dict[str, LeaseFact] = {}
    for place in ("var/lib/dhcp", "var/lib/dhclient", "var/lib/NetworkManager"):
        for path in _files(root / place, "dhclient*.lease*"):
            found |= {item.interface: item for item in dhclient(_text(path))}
    for place in ("var/lib/dhcpcd", "var/lib/dhcpcd5", "var/db/dhcpcd"):
        for path in _files(root / place, "*.lease"):
            name = _owner(path.name.removeprefix("dhcpcd-"), indexes.values())
            lease = dhcpcd(_bytes(path), name) if name else None
            if lease is not None:
                found[lease.interface] = lease
    for path in _files(root / "run/systemd/netif/leases", "*"):
        name = indexes.get(int(path.name), "") if path.name.isascii() and path.name.isdecimal() else ""
        lease = networkd(_text(path), name) if name else None
        if lease is not None:
            found[name] = lease
    return tuple(found.values())


def dhclient(text: str, now: datetime | None = None) -> tuple[LeaseFact, ...]:
    """Read dhclient's leases; of each interface the last one counts, if it has not expired."""
    found: dict[str, LeaseFact] = {}
    for block in text.split("lease {")[1:]:
        body = block.partition("\n}")[0]
        name = re.search(r'^\s*interface "([^"\n]{1,64})";', body, re.MULTILINE)
        if name is None:
            continue
        if _expired(body, now or datetime.now(UTC)):
            found.pop(name[1], None)
            continue
        options = {}
        for key, value in re.findall(r"^\s*option ([a-z0-9-]{1,64}) ([^\n]{1,2000});$", body, re.MULTILINE):
            code = _code(key)
            if code:
                options[code] = [part.strip().strip('"') for part in value.split(",")]
        for key, code in (("filename", 67), ("server-name", 66)):
            field = re.search(rf'^\s*{key} "([^"\n]{{1,255}})";', body, re.MULTILINE)
            if field:
                options.setdefault(code, [field[1]])
        fixed = re.search(r"^\s*fixed-address ([0-9.]{7,15});", body, re.MULTILINE)
        found[name[1]] = _lease(name[1], options, fixed[1] if fixed else "", "dhclient")
    return tuple(found.values())


def _expired(body: str, now: datetime) -> bool:
    """Return whether a lease of dhclient's is over: `expire 2 2026/11/24 06:00:00;` in UTC, or `epoch N`."""
    day = re.search(r"^\s*expire \d (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d);", body, re.MULTILINE)
    since = re.search(r"^\s*expire epoch (\d{1,12});", body, re.MULTILINE)
    try:
        if day:
            return datetime.strptime(f"{day[1]} +0000", "%Y/%m/%d %H:%M:%S %z") < now
        return since is not None and int(since[1]) < now.timestamp()
    except ValueError:
        return True


def networkd(text: str, name: str) -> LeaseFact | None:
    """Read a lease of systemd-networkd: `KEY=value`."""
    lines = dict(re.findall(r"^([A-Z0-9_]{1,64})=([^\n]{0,2000})$", text, re.MULTILINE))
    options = {code: lines[key].split() for key, code in _NETWORKD.items() if lines.get(key)}
    for key, value in lines.items():
        private = re.fullmatch(r"OPTION_(\d{1,3})", key)
        if private and int(private[1]) < 255:
            options[int(private[1])] = [f"0x{value.lower()}"]
    lease = _lease(name, options, lines.get("ADDRESS", ""), "systemd-networkd")
    return lease if lease.server or lease.address else None


def nmcli(text: str) -> tuple[LeaseFact, ...]:
    """Read `nmcli -t -f GENERAL.DEVICE,DHCP4 device show`: a device, then its options one a line."""
    found: dict[str, LeaseFact] = {}
    name, options, address = "", dict[int, list[str]](), ""
    for line in [*text.splitlines()[:5000], "GENERAL.DEVICE:"]:
        key, _, value = line.partition(":")
        if key == "GENERAL.DEVICE":
            if name and options:
                found[name] = _lease(name, options, address, "NetworkManager")
            name, options, address = value.strip(), {}, ""
        elif key.startswith("DHCP4.OPTION"):
            word, _, said = value.partition("=")
            word = word.strip().replace("_", "-")
            if word == "ip-address":
                address = said.strip()
            elif code := _code(word):
                options[code] = [said.strip()] if code in (66, 67, 252) else said.split()
    return tuple(found.values())


def dhcpcd(raw: bytes, name: str) -> LeaseFact | None:
    """Read the server's last message, which dhcpcd keeps as it came."""
    try:
        message = decode(raw)
    except Malformed:
        return None
    if message.kind != "ACK":
        return None
    seconds = message.values(51)
    return LeaseFact(
        interface=name, server=next(iter(message.values(54)), ""), address=message.yours, source="dhcpcd",
        lease_s=float(seconds[0]) if seconds and seconds[0].isdecimal() else None,
        options=message.options[:_MAX_OPTIONS],
    )  # fmt: skip


def macos(text: str, name: str) -> LeaseFact | None:
    """Read `ipconfig getpacket IF`: `router (ip_mult): {10.0.0.1}`, `lease_time (uint32): 0x15180`."""
    address = re.search(r"^yiaddr = ([0-9.]{7,15})$", text, re.MULTILINE)
    options: dict[int, list[str]] = {}
    lines = re.findall(r"^([a-z0-9_]{1,64}) \(([a-z0-9_]{1,32})\): ?([^\n]{0,2000})$", text, re.MULTILINE)
    for key, form, value in lines:
        code = _MACOS.get(key)
        if code is None:
            continue
        if form.startswith("uint"):
            options[code] = (
                [str(int(value, 0))] if re.fullmatch(r"0x[0-9a-fA-F]{1,8}|\d{1,10}", value) else []
            )
        else:
            options[code] = [part.strip() for part in value.strip().strip("{}").split(",")]
    lease = _lease(name, options, address[1] if address else "", "ipconfig getpacket")
    return lease if lease.server else None


def windows(values: Mapping[str, Any], name: str, server: str) -> LeaseFact:
    """Read the values of an interface's key in the registry; `server` is what GetAdaptersAddresses says."""
    options = {item.code: item for item in windows_options(values.get("DhcpInterfaceOptions"))}
    mask, seconds = values.get("DhcpSubnetMask"), values.get("Lease")
    if isinstance(mask, str) and 1 not in options and _is_address(mask):
        options[1] = told(1, mask)
    address = values.get("DhcpIPAddress")
    return LeaseFact(
        interface=name, server=server, options=tuple(options.values()),
        address=address if isinstance(address, str) and _is_address(address) else "",
        lease_s=float(seconds) if isinstance(seconds, int) and seconds > 0 else None,
        source="Windows' registry" if values else "GetAdaptersAddresses",
    )  # fmt: skip


def windows_options(blob: object) -> tuple[Option, ...]:
    """Read DhcpInterfaceOptions: five words (code, class, length, vendor flag, expiry), the value, padded.

    An entry without a value was asked for and not given, which says nothing here.
    """
    if not isinstance(blob, bytes):
        return ()
    found: dict[int, Option] = {}
    at = 0
    while at + 20 <= len(blob) and len(found) < _MAX_OPTIONS:
        code, _, length, vendor, _ = struct.unpack_from("<IIIII", blob, at)
        at += 20
        if length > len(blob) - at:
            break
        if length and not vendor and 1 <= code <= 254:
            found[code] = read(code, blob[at : at + length])
        at += (length + 3) // 4 * 4
    return tuple(found.values())


def _code(name: str) -> int:
    numbered = _NUMBERED.match(name)
    if numbered:
        return int(numbered[1]) if 1 <= int(numbered[1]) <= 254 else 0
    return _CODES.get(name, 0)


def _lease(name: str, options: Mapping[int, Iterable[str]], address: str, source: str) -> LeaseFact:
    kept: list[Option] = []
    for code, texts in options.items():
        values = [text[:_MAX_VALUE] for text in texts if text][:_MAX_VALUES]
        if code in _ADDRESSES:
            values = [value for value in values if _is_address(value)]
        if values and len(kept) < _MAX_OPTIONS:
            kept.append(told(code, *values))
    by = {item.code: item.values for item in kept}
    seconds = by.get(51, ("",))[0]
    return LeaseFact(
        interface=name, server=by.get(54, ("",))[0], source=source, options=tuple(kept),
        lease_s=float(seconds) if seconds.isascii() and seconds.isdecimal() and len(seconds) < 11 else None,
        address=address if _is_address(address) else "",
    )  # fmt: skip


def _is_address(text: str) -> bool:
    """Return whether `text` is an address that somebody can have."""
    try:
        return int(ipaddress.IPv4Address(text)) != 0
    except ValueError:
        return False


def _owner(file: str, names: Iterable[str]) -> str:
    """Return the interface whose file this is: `eth0.lease`, with a Wi-Fi's name `wlan0-office.lease`."""
    fits = [name for name in names if file == f"{name}.lease" or file.startswith(f"{name}-")]
    return max(fits, key=len, default="")


def _files(folder: Path, pattern: str) -> list[Path]:
    """Return the files, the newest last; none where the folder may not be read."""
    try:
        return sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)[-32:]
    except OSError:
        return []


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX)
    except OSError:
        return b""


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace")
