"""The lab office as a building: managed switches, phones' VLAN, Wi-Fi, UPS and printer, a second circuit.

    laptop --- sw-1, port Gi1/0/7 (lldpd) --- core-1        10.20.0.2, 10.20.0.3: by SNMP v2c (tests' agents)
    phones --- VLAN 30 tagged, 10.20.30.0/24, DHCP of its own by 10.20.30.10 with option 150
    router --- fw-1: its real snmpd, SNMP v3               UPS 10.20.0.5, printer 10.20.0.91
    router --- wan2 --- second provider, 192.0.2.1

The agents run in the test's own process, so that a fault changes what they say at once.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agent.decide import draft_attestation
from agent.files.load import load_plan
from agent.running import open_ledger
from tests.lab import building_air as air
from tests.lab import building_devices as devices
from tests.lab import daemons, dhcp
from tests.lab.lldpd import VOICE, Lldpd, lldpd, pvid
from tests.lab.namespaces import Namespace, link, plug
from tests.lab.needs import PATH
from tests.lab.office import AUTHORITY, GATEWAY, RECORDS, SERVER, Office
from tests.lab.office import TOOLS as OFFICE_TOOLS
from tests.lab.snmp_agent import Agent
from tests.lab.snmpd import AUTH_KEY, PRIVACY_KEY, snmpd
from tests.lab.vlan_port import vlan_port

TOOLS = (*OFFICE_TOOLS, "lldpd", "lldpcli", "snmpd")
COMMUNITY = "lab-reads"
SWITCH, CORE, UPS, PRINTER = "10.20.0.2", "10.20.0.3", "10.20.0.5", "10.20.0.91"
PHONES = "10.20.30.10"
SECOND = "192.0.2.1"
DESK = "GigabitEthernet1/0/7"
STAFF_OPTIONS = {3: GATEWAY, 6: SERVER, 42: SERVER, 15: "office.example"}
PHONE_OPTIONS = {3: "10.20.30.1", 6: SERVER, 150: PHONES}
MANUAL = (
    "line-confirmed", "way-back-agreed", "failover-tested", "cabling-measured", "labels", "alarm-line",
    "keys", "staff-work",
)  # fmt: skip

_REPEAT = """
import socket, sys, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
wire.bind((sys.argv[1], 0))
while True:
    wire.send(bytes.fromhex(sys.argv[2]))
    time.sleep(0.2)
"""


class Building(Office):
    """The office with its building, running. A context manager; everything is gone when it is left."""

    managed: Namespace
    phones: Namespace
    isp2: Namespace
    lldp: Lldpd
    radio: air.Radio

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self._references: dict[str, str] = {}
        self.agents: dict[str, Agent] = {}
        self._staff = dict(STAFF_OPTIONS)
        self._lease = "1h"
        self.phone_options = dict(PHONE_OPTIONS)
        super().__enter__()
        try:
            self.radio = air.Radio(self.folder)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._open.close()
        finally:
            super().__exit__(kind, error, trace)

    @property
    def environment(self) -> dict[str, str]:
        """What the laptop's user has set: the references' values, and a radio."""
        return {
            "SNMP_COMMUNITY": COMMUNITY, "SNMP_AUTH": AUTH_KEY, "SNMP_PRIVACY": PRIVACY_KEY,
            "PATH": f"{self.radio.path}:{PATH}", "GONOGO_NO_CACHE": "1", **self._references,
        }  # fmt: skip

    @contextmanager
    def referring(self, **references: str) -> Iterator[None]:
        """Let the laptop's user have other keys for a while."""
        self._references = references
        try:
            yield
        finally:
            self._references = {}

    @contextmanager
    def tagged(self, vlan: int) -> Iterator[None]:
        """Send broadcasts tagged with `vlan` into the desk's port for a while."""
        frame = f"ffffffffffff0200000000778100{vlan:04x}0806" + "00" * 46
        program = self.switch.popen(sys.executable, "-c", _REPEAT, "p-laptop", frame)
        try:
            yield
        finally:
            self.switch.stop(program)

    def _wire(self) -> None:
        super()._wire()
        make = self.lab.namespace
        self.managed, self.phones, self.isp2 = make("managed"), make("phones"), make("isp2")
        plug(self.managed, "eth0", self.switch, "br-office")
        self.managed.ip(*(f"addr add {one}/24 dev eth0" for one in (SWITCH, CORE, UPS, PRINTER)))
        plug(self.phones, "eth0", self.switch, "br-office")
        vlan_port(self.phones, "eth0", "voice", 30)
        self.phones.ip(f"addr add {PHONES}/24 dev voice")
        link(self.gateway, "wan2", self.isp2, "office")
        self.gateway.ip("addr add 192.0.2.2/24 dev wan2")
        self.isp2.ip(f"addr add {SECOND}/24 dev office", "route add default via 192.0.2.2")
        self.gateway.nft(
            "table ip second {\nchain post { type nat hook postrouting priority 100; "
            "oifname wan2 masquerade; }\n}\n"
        )

    def _serve(self) -> None:
        super()._serve()
        self._serve_phones()
        self.announce()
        for role, address, objects in (
            ("switch", SWITCH, devices.switch(devices.access_stack())),
            ("core", CORE, devices.switch(devices.core())),
            ("ups", UPS, devices.ups()),
            ("printer", PRINTER, devices.printer()),
        ):
            agent = Agent(objects, community=COMMUNITY, address=address, port=161)
            self.managed.call(lambda agent=agent: self._open.enter_context(agent))
            self.agents[role] = agent
        home = self.folder / "snmpd"
        home.mkdir()
        prefix = ("ip", "netns", "exec", self.gateway.name)
        self._open.enter_context(snmpd(home, host=GATEWAY, port=161, prefix=prefix, more="sysName fw-1\n"))

    def _serve_dns(self) -> None:
        options = [f"--dhcp-option={code},{value}" for code, value in self._staff.items()]
        self.dns = daemons.dnsmasq(
            self.server, self.folder, f"--dhcp-range=10.20.0.50,10.20.0.89,255.255.255.0,{self._lease}",
            *options, "--dhcp-authoritative", "--local=/office.example/",
            address=SERVER, interface="eth0", records=RECORDS, upstream=AUTHORITY,
        )  # fmt: skip

    def _serve_phones(self) -> None:
        self._phone_server = dhcp.dnsmasq(
            self.phones, span="10.20.30.50,10.20.30.99,255.255.255.0,8h", interface="voice",
            options=[f"{code},{value}" for code, value in self.phone_options.items()],
        )  # fmt: skip

    def announce(self, port: str = DESK, voice: int = 30, vlan: int = 10) -> None:
        """Announce the desk's switch port from now on."""
        self.lldp = lldpd(
            self.switch, self.folder, "p-laptop", name="sw-1", port=port,
            settings=[VOICE.format(vlan=voice), pvid(vlan)],
        )  # fmt: skip

    @contextmanager
    def announced(self, **said: Any) -> Iterator[None]:
        """Let the desk's switch port say something else for a while."""
        self.lldp.stop()
        self.announce(**said)
        try:
            yield
        finally:
            self.lldp.stop()
            self.announce()

    @contextmanager
    def staff_dhcp(self, lease: str = "1h", **options: str) -> Iterator[None]:
        """Hand out other options (`o6="192.0.2.53"`) or another lease to the staff for a while."""
        with self._other(self._restart_dns):
            self._lease = lease
            self._staff = STAFF_OPTIONS | {int(code[1:]): value for code, value in options.items()}
            self._restart_dns()
            self._lease, self._staff = "1h", dict(STAFF_OPTIONS)
            yield

    @contextmanager
    def phone_dhcp(self, options: dict[int, str]) -> Iterator[None]:
        """Hand out other options to the phones for a while."""
        with self._other(self._restart_phones):
            self.phone_options = options
            self._restart_phones()
            self.phone_options = dict(PHONE_OPTIONS)
            yield

    @contextmanager
    def _other(self, back: Callable[[], None]) -> Iterator[None]:
        try:
            yield
        finally:
            back()

    def _restart_dns(self) -> None:
        self.server.stop(self.dns.program)
        self._serve_dns()

    def _restart_phones(self) -> None:
        self.phones.stop(self._phone_server)
        self._serve_phones()


def write_project(folder: Path) -> Path:
    """Write the building's project, state what persons state, and walk its floor; return the project file."""
    path = Path(shutil.copy(Path(__file__).with_name("building.yaml"), folder))
    plan = load_plan(path)
    now = datetime.now(UTC)
    with open_ledger(path, plan) as ledger:
        for check in MANUAL:
            ledger.add(draft_attestation(plan, check, holds=True, by="Ada Admin", now=now))
    air.walk(path, air.CORNERS)
    return path
