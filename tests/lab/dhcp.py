"""DHCP in a lab: real servers (dnsmasq, udhcpd, ISC dhcpd), a real relay, and a stand-in that lies.

The stand-in runs inside its namespace as a process of its own: `python -m tests.lab.dhcp INTERFACE SCRIPT`;
SCRIPT is JSON: a list of replies that each DISCOVER is answered by.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.checks.wire.frames.dhcp_messages import frame, message, offer_options
from tests.lab.namespaces import Lab, Namespace, bridge, plug, wait_for

ROOT = Path(__file__).parents[2]
SERVER, ROGUE, ROUTER = "10.77.0.10", "10.77.0.66", "10.77.0.1"
OPTIONS = (
    "3,10.77.0.1", "6,10.77.0.53,10.77.0.54", "15,corp.example", "42,10.77.0.123", "66,tftp.corp.example",
    "67,boot.bin", "150,10.77.0.150", "119,corp.example,lab.example", "43,f1:04:0a:4d:00:07", "26,1400",
)  # fmt: skip
PLAN: dict[str, Any] = {
    "servers": [SERVER], "network": "10.77.0.0/24", "pool": {"first": "10.77.0.50", "last": "10.77.0.99"},
    "router": [ROUTER], "dns": ["10.77.0.53", "10.77.0.54"], "domain": "corp.example",
    "search": ["corp.example", "lab.example"], "ntp": ["10.77.0.123"], "tftp": "tftp.corp.example",
    "boot_file": "boot.bin", "tftp_servers": ["10.77.0.150"], "mtu": 1400, "min_lease": 3600.0,
    "options": {"43": "0xf1040a4d0007"},
}  # fmt: skip
"""What the healthy server gives, as parameters of `link.dhcp`."""


class Segment(NamedTuple):
    """One VLAN: a switch, the laptop, and the router, which answers ARP and nothing else."""

    lab: Lab
    switch: Namespace
    laptop: Namespace
    router: Namespace

    def host(self, role: str, address: str = "", mac: str = "") -> Namespace:
        """Plug another host in."""
        made = self.lab.namespace(role)
        plug(made, "eth0", self.switch, "br0")
        if mac:
            made.ip(f"link set eth0 address {mac}")
        if address:
            made.ip(f"addr add {address}/24 dev eth0")
        return made


def segment(lab: Lab) -> Segment:
    """Build the VLAN without a DHCP server."""
    switch, laptop, router = (lab.namespace(role) for role in ("switch", "laptop", "router"))
    bridge(switch, "br0")
    plug(laptop, "eth0", switch, "br0")
    plug(router, "eth0", switch, "br0")
    router.ip(f"addr add {ROUTER}/24 dev eth0")
    return Segment(lab, switch, laptop, router)


def dnsmasq(
    inside: Namespace,
    *,
    span: str = "10.77.0.50,10.77.0.99,255.255.255.0,1h",
    options: Sequence[str] = OPTIONS,
    more: Sequence[str] = (),
    interface: str = "eth0",
) -> subprocess.Popen[bytes]:
    """Serve DHCP by dnsmasq on `interface`; return the program."""
    return inside.daemon(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--port=0",
        "--no-ping", "--leasefile-ro", "--bind-interfaces", f"--interface={interface}",
        f"--dhcp-range={span}", *(f"--dhcp-option={option}" for option in options), *more,
        ready=lambda: _bound(67),
    )  # fmt: skip


def udhcpd(inside: Namespace, folder: Path) -> None:
    """Serve DHCP by BusyBox' udhcpd, with what it can of the plan."""
    home = folder / f"udhcpd-{inside.role}"
    home.mkdir()
    (home / "leases").touch()
    (home / "udhcpd.conf").write_text(
        f"start 10.77.0.50\nend 10.77.0.99\ninterface eth0\nmax_leases 40\nlease_file {home}/leases\n"
        f"pidfile {home}/pid\nremaining no\noption subnet 255.255.255.0\noption router {ROUTER}\n"
        "option dns 10.77.0.53 10.77.0.54\noption domain corp.example\noption lease 7200\n"
    )
    inside.daemon("udhcpd", "-f", home / "udhcpd.conf", ready=lambda: _bound(67))


def isc_dhcpd(inside: Namespace, folder: Path, subnet: str) -> None:
    """Serve DHCP by ISC's dhcpd with the declarations `subnet`."""
    home = folder / f"dhcpd-{inside.role}"
    home.mkdir()
    (home / "leases").touch()
    (home / "dhcpd.conf").write_text(f"authoritative;\nping-check false;\n{subnet}\n")
    inside.daemon(
        "dhcpd", "-4", "-f", "--no-pid", "-user", "root", "-group", "root", "-cf", home / "dhcpd.conf",
        "-lf", home / "leases", "eth0", ready=lambda: _bound(67),
    )  # fmt: skip


def isc_relay(inside: Namespace, server: str, down: str, up: str) -> None:
    """Relay what clients send on `down` to `server` behind `up`, with the agent's information (option 82)."""
    inside.daemon(
        "dhcrelay", "-4", "-d", "--no-pid", "-a", "-id", down, "-iu", up, server, ready=lambda: _bound(67)
    )


def liar(inside: Namespace, *replies: dict[str, Any], interface: str = "eth0") -> None:
    """Answer each DISCOVER by `replies`, see `_reply`; the stand-in is ready when it listens."""
    program = inside.popen(
        sys.executable, "-m", "tests.lab.dhcp", interface, json.dumps(replies),
        env={"PYTHONPATH": str(ROOT)}, cwd=ROOT,
    )  # fmt: skip
    assert program.stdout is not None
    line = program.stdout.readline()
    if line != b"ready\n":
        raise RuntimeError(
            f"The stand-in did not start: {line!r} {program.stderr and program.stderr.read()!r}"
        )


def _bound(port: int) -> bool:
    rows = Path("/proc/thread-self/net/udp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") for row in rows)


def _reply(xid: int, mac: str, spec: dict[str, Any], number: int) -> bytes:
    """Make one frame of `server`, `options` (`{"o6": hex}`), `kind`, `yours`, `relay`, `xid`, `mac` ..."""
    changed = {key: bytes.fromhex(value) for key, value in spec.get("options", {}).items()}
    if "kind" in spec:
        changed["o53"] = bytes((spec["kind"],))
    options = offer_options(spec.get("server", SERVER), **changed)
    if spec.get("garbage"):
        payload = os.urandom(300)
    else:
        payload = message(
            *options, xid=(xid + spec.get("xid", 0)) % 2**32, mac=spec.get("client", mac),
            yours=spec.get("yours", "10.77.0.60"), relay=spec.get("relay", "0.0.0.0"),
        )  # fmt: skip
    source = spec.get("mac", "00:1b:21:00:00:01")
    if source == "many":
        source = f"00:50:56:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    return frame(
        payload, source=spec.get("source", spec.get("server", SERVER)), mac=source, vlan=spec.get("vlan"),
        to=spec.get("to", "ff:ff:ff:ff:ff:ff"),
    )  # fmt: skip


def _lie(interface: str, specs: list[dict[str, Any]]) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:
        wire.bind((interface, 3))
        print("ready", flush=True)
        while True:
            data, origin = wire.recvfrom(4096)
            at = 18 if data[12:14] == b"\x81\x00" else 14
            if origin[2] == 4 or len(data) < at + 270 or data[at + 20 : at + 24] != b"\0D\0C":
                continue
            (xid,) = struct.unpack_from("!I", data, at + 32)
            mac = data[at + 56 : at + 62].hex(":")
            for spec in specs:
                for number in range(spec.get("count", 1)):
                    wire.send(_reply(xid, mac, spec, number))


class Tap:
    """Every frame that goes through an interface while it is open."""

    def __init__(self, inside: Namespace, interface: str) -> None:
        self._frames: list[bytes] = []
        self._wire = inside.call(lambda: self._open(interface))

    @staticmethod
    def _open(interface: str) -> socket.socket:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        wire.bind((interface, 3))
        wire.setblocking(False)
        return wire

    def frames(self) -> list[bytes]:
        """Return what went through until now."""
        while True:
            try:
                self._frames.append(self._wire.recv(4096))
            except BlockingIOError:
                return self._frames

    def close(self) -> None:
        """Close the tap."""
        self._wire.close()


__all__ = ["PLAN", "ROGUE", "ROUTER", "SERVER", "Segment", "Tap", "dnsmasq", "isc_dhcpd", "isc_relay", "liar",
           "segment", "udhcpd", "wait_for"]  # fmt: skip

if __name__ == "__main__":
    _lie(sys.argv[1], json.loads(sys.argv[2]))
