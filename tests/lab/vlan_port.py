"""A VLAN's interface for kernels without them: what is tagged on a trunk is untagged on a port, and back.

It runs inside a namespace as a process of its own: `python -m tests.lab.vlan_port TRUNK PORT VLAN`.
"""

from __future__ import annotations

import selectors
import socket
import struct
import sys
from pathlib import Path

from tests.lab.namespaces import Namespace

ROOT = Path(__file__).parents[2]
_SOL_PACKET, _AUXDATA, _OUTGOING, _ALL = 263, 8, 4, 3
_AUX = struct.Struct("=IIIHHHH")
_VALID = 1 << 4
_TAG = b"\x81\x00"


def vlan_port(inside: Namespace, trunk: str, name: str, vlan: int) -> None:
    """Make the interface `name` of `inside`, which is in the VLAN `vlan` of the interface `trunk`."""
    inside.ip(f"link add {name} type veth peer name {name}-x", f"link set {name} up", f"link set {name}-x up")
    program = inside.popen(
        sys.executable, "-m", "tests.lab.vlan_port", trunk, f"{name}-x", str(vlan),
        env={"PYTHONPATH": str(ROOT)}, cwd=ROOT,
    )  # fmt: skip
    assert program.stdout is not None
    if (line := program.stdout.readline()) != b"ready\n":
        raise RuntimeError(f"The VLAN's port did not start: {line!r}")


def _wire(interface: str) -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    wire.setsockopt(_SOL_PACKET, _AUXDATA, 1)
    wire.bind((interface, _ALL))
    return wire


def _taken(wire: socket.socket) -> tuple[bytes, int | None]:
    """Return a frame without its tag, and the VLAN of it; the kernel may have taken the tag off itself."""
    data, about, _, origin = wire.recvmsg(65535, 256)
    if origin[2] == _OUTGOING:
        return b"", None
    for level, kind, value in about:
        if (level, kind) == (_SOL_PACKET, _AUXDATA) and len(value) >= _AUX.size:
            status, *_, tag, _ = _AUX.unpack(value[: _AUX.size])
            if status & _VALID:
                return data, tag & 0xFFF
    if data[12:14] == _TAG:
        return data[:12] + data[16:], int.from_bytes(data[14:16], "big") & 0xFFF
    return data, None


def _carry(trunk: socket.socket, port: socket.socket, vlan: int) -> None:
    chooser = selectors.DefaultSelector()
    for wire in (trunk, port):
        chooser.register(wire, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in chooser.select():
            if key.fileobj is trunk:
                data, told = _taken(trunk)
                if data and told == vlan:
                    port.send(data)
            else:
                data, told = _taken(port)
                if data and told is None:
                    trunk.send(data[:12] + _TAG + vlan.to_bytes(2, "big") + data[12:])


if __name__ == "__main__":
    _carry(_wire(sys.argv[1]), _wire(sys.argv[2]), int(sys.argv[3]))
