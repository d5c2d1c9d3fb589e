"""What this account may do on this machine: administrator, raw frames. Asks, changes nothing.

The macOS and Windows halves were never run on those systems by us.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

RAW_FIX = {
    "linux": "Run gonogo as root (sudo), or give its Python the right: setcap cap_net_raw+ep.",
    "darwin": "Run gonogo with sudo, or install Wireshark's ChmodBPF, which opens /dev/bpf* to its group.",
    "win32": "Install Npcap (npcap.com) and run gonogo as an administrator.",
}


def raw_fix() -> str:
    """Return what to do on this system so that raw frames can be sent and read."""
    return RAW_FIX.get(sys.platform, RAW_FIX["linux"])


def is_admin() -> bool:
    """Return whether this process runs as root or as an elevated administrator."""
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0


def raw_frames() -> str | None:
    """Return None if raw frames can be sent and read here, else why not."""
    if sys.platform == "win32":
        root = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"))
        found = (root / "System32" / "Npcap" / "wpcap.dll").exists()
        return None if found else "Npcap is not installed"
    if sys.platform == "darwin":
        readable = os.access("/dev/bpf0", os.R_OK | os.W_OK)
        return None if readable else "/dev/bpf0 is not open to this account"
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def echo_socket() -> bool:
    """Return whether a socket for ICMP echo is to be had, without the client; false proves nothing."""
    if sys.platform == "win32":
        return False
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
        except OSError:
            continue
        return True
    return False
