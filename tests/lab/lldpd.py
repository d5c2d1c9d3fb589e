"""A switch port that announces itself: the real lldpd, sending LLDP and CDP into a cable."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.namespaces import Namespace, wait_for


@dataclass(frozen=True, slots=True)
class Lldpd:
    """A running lldpd; `tell` gives it lldpcli commands."""

    inside: Namespace
    program: subprocess.Popen[bytes]
    socket: Path

    def tell(self, *commands: str) -> None:
        """Give commands such as `configure system hostname sw-idf1`."""
        for command in commands:
            self.inside.run("lldpcli", "-u", self.socket, *command.split(" "))

    def stop(self) -> None:
        """Stop it as a switch is switched off: it says good-bye."""
        self.inside.stop(self.program)


def lldpd(
    inside: Namespace,
    folder: Path,
    interface: str,
    *,
    name: str = "sw-idf1",
    port: str = "Gi1/0/7",
    speaks: Sequence[str] = ("-l", "-ccccc"),
    med: bool = True,
    settings: Sequence[str] = (),
) -> Lldpd:
    """Announce `interface` of `inside` once a second as `port` of the switch `name`.

    The namespace forwards, so that lldpd calls itself a router. `speaks` are lldpd's options: LLDP and CDP
    are sent whether anybody speaks them or not; `-ee`, `-ff` and `-ss` add EDP, FDP and SONMP.
    """
    inside.sysctl("net.ipv4.ip_forward", 1)
    socket = folder / f"lldpd-{inside.role}.sock"
    words = ["lldpd", "-d", *speaks, "-I", interface, "-u", str(socket)]
    words += ["-S", "AcmeSwitch OS 1.2", "-P", "AcmeOS", "-m", "*", *(["-M", "4"] if med else [])]
    program = inside.daemon(*words, ready=socket.exists)
    running = Lldpd(inside, program, socket)

    def answers() -> bool:
        return not inside.run("lldpcli", "-u", socket, "show", "configuration", check=False).returncode

    wait_for(answers, f"lldpd in {inside.role} takes commands")
    running.tell(
        f"configure system hostname {name}",
        f"configure lldp portidsubtype local {port}",
        f"configure ports {interface} lldp portdescription {port}",
        *settings,
        "configure lldp tx-interval 1",
    )
    return running


VOICE = "configure med policy application voice tagged vlan {vlan} priority voice dscp 46"
"""A policy for phones."""
PVID = "configure lldp custom-tlv oui 00,80,c2 subtype 1 oui-info {0:02x},{1:02x}"
"""The port's untagged VLAN, as its two bytes."""


def pvid(vlan: int) -> str:
    """Return the command that announces the untagged VLAN of the port."""
    return PVID.format(*divmod(vlan, 256))
