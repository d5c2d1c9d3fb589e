"""link.neighbor and link.vlan on a cable: lldpd at the other end; tagged frames, DTP and BPDUs sent raw."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from checks.contract import Status
from tests.checks.link.inside import run
from tests.checks.wire.frames import made
from tests.lab import Lab, Namespace, need
from tests.lab.lldpd import VOICE, lldpd, pvid
from tests.lab.namespaces import link
from tests.lab.running import gonogo, run_json

pytestmark = pytest.mark.lab

REPEAT = """
import socket, sys, time
frames = [bytes.fromhex(word) for word in sys.argv[2:]]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
wire.bind((sys.argv[1], 0))
while True:
    for frame in frames:
        wire.send(frame)
    time.sleep(0.2)
"""


PROJECT = """
gonogo: 1
project: {name: Port, timezone: UTC}
milestones: {cabling: {title: The socket is patched as planned}}
checks:
  port:
    type: link.neighbor
    milestone: cabling
    interface: eth0
    switch: sw-idf1
    port: Gi1/0/7
    listen: 20s
"""


class Cable(NamedTuple):
    lab: Lab
    switch: Namespace
    laptop: Namespace

    def send(self, *frames: bytes) -> subprocess.Popen[bytes]:
        """Send the frames from the switch's end, again and again."""
        return self.switch.popen(sys.executable, "-c", REPEAT, "p7", *(frame.hex() for frame in frames))


@pytest.fixture
def cable() -> Iterator[Cable]:
    need("ip", "setpriv")
    with Lab() as lab:
        switch, laptop = lab.namespace("switch"), lab.namespace("laptop")
        link(switch, "p7", laptop, "eth0")
        switch.ip("addr add 198.51.100.1/24 dev p7")
        laptop.ip("addr add 198.51.100.20/24 dev eth0")
        yield Cable(lab, switch, laptop)


def test_the_port_is_told_by_lldp_and_cdp(cable: Cable) -> None:
    need("lldpd", "lldpcli")
    lldpd(cable.switch, cable.lab.folder, "p7", settings=[VOICE.format(vlan=30), pvid(20)])
    told = run(
        cable.laptop, "link.neighbor", switch="sw-idf1", port="GigabitEthernet1/0/7", vlan=20, voice_vlan=30,
        protocols=["lldp", "cdp"], listen=20,
    )  # fmt: skip
    assert told.status is Status.PASS, told
    assert told.seen.listened_s < 15
    by_protocol = {one.protocol: one for one in told.seen.neighbors}
    assert set(by_protocol) == {"lldp", "cdp"}
    assert by_protocol["lldp"].vlan == 20
    assert by_protocol["lldp"].voice_vlan == 30
    assert by_protocol["lldp"].addresses[0] == "198.51.100.1"
    assert by_protocol["cdp"].platform == "AcmeOS"
    assert not any(one.faults for one in told.seen.neighbors)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"switch": "sw-idf1", "port": "Gi1/0/8"}, "another port than"),
        ({"switch": "sw-idf2"}, "another switch than"),
        ({"vlan": 21}, "another VLAN"),
        ({"voice_vlan": 31}, "another voice VLAN"),
    ],
    ids=["port", "switch", "vlan", "voice"],
)
def test_one_thing_is_wrong(cable: Cable, params: dict[str, object], words: str) -> None:
    need("lldpd", "lldpcli")
    lldpd(cable.switch, cable.lab.folder, "p7", settings=[VOICE.format(vlan=30), pvid(20)])
    told = run(cable.laptop, "link.neighbor", listen=20, **params)
    assert told.status is Status.FAIL, told
    assert words in " ".join(finding.message for finding in told.findings)


def test_every_protocol_of_lldpd_names_the_same_device(cable: Cable) -> None:
    need("lldpd", "lldpcli")
    lldpd(cable.switch, cable.lab.folder, "p7", speaks=("-l", "-ccccc", "-ee", "-ff", "-ss"))
    told = run(
        cable.laptop, "link.neighbor", switch="sw-idf1", protocols=["lldp", "cdp", "edp", "fdp", "sonmp"],
        listen=20,
    )  # fmt: skip
    assert told.status is Status.PASS, told


def test_a_switch_that_leaves_is_gone(cable: Cable) -> None:
    need("lldpd", "lldpcli")
    running = lldpd(cable.switch, cable.lab.folder, "p7")
    running.stop()
    told = run(cable.laptop, "link.neighbor", interface="eth0", listen=2)
    assert told.status is Status.INCONCLUSIVE, told
    assert "No switch announced itself" in told.findings[0].message
    assert "Unplugging the cable" in told.findings[0].fix


def test_a_duplex_mismatch_fails(cable: Cable) -> None:
    cable.send(made.lldp(made.mau(15)))
    told = run(cable.laptop, "link.neighbor", interface="eth0", switch="sw-idf1", listen=20)
    assert told.status is Status.FAIL, told
    assert "different duplex modes" in " ".join(finding.message for finding in told.findings)


def test_a_second_switch_on_the_cable_is_told(cable: Cable) -> None:
    cable.send(made.lldp(made.mau(30)), made.lldp(name="sw-under-the-desk", port="8", source=b"\0\1\2\3\4\5"))
    told = run(
        cable.laptop,
        "link.neighbor",
        interface="eth0",
        protocols=["lldp"],
        switch="sw-idf1",
        vlan=1,
        listen=3,
    )
    assert "2 switches" in " ".join(finding.message for finding in told.findings), told


@pytest.mark.parametrize("name", ["link.neighbor", "link.vlan"])
def test_without_rights_it_cannot_be_told(cable: Cable, name: str) -> None:
    told = run(cable.laptop, name, rights=False, interface="eth0", listen=2)
    assert told.status is Status.INCONCLUSIVE
    assert "raw frames" in told.reason


def test_an_interface_that_is_not_there(cable: Cable) -> None:
    told = run(cable.laptop, "link.neighbor", interface="eth9", listen=2)
    assert "no interface eth9" in told.reason


def test_a_trunk_shows(cable: Cable) -> None:
    plain = made.ethernet(b"x" * 46, 0x0806, to=made.BROADCAST)
    cable.send(
        plain, made.tagged(plain, 30), made.tagged(plain, 99), made.tagged(made.tagged(plain, 5), 7, 0x88A8),
        made.dtp(0x81), made.vtp(), made.pvst(1), made.tagged(made.pvst(30), 30), made.stp(),
    )  # fmt: skip
    told = run(cable.laptop, "link.vlan", interface="eth0", tagged=[30], listen=3)
    assert told.status is Status.FAIL, told
    by_subject = {finding.subject: finding.status for finding in told.findings}
    assert by_subject == {
        "VLAN 7": Status.FAIL, "VLAN 30": Status.PASS, "VLAN 99": Status.FAIL, "DTP": Status.FAIL,
    }  # fmt: skip
    assert {(entry.vlan, entry.kind) for entry in told.seen.tagged} == {
        (7, "802.1ad"), (30, "802.1Q"), (99, "802.1Q"),
    }  # fmt: skip
    assert told.seen.native == (1,)
    assert told.seen.vtp[0].domain == "office"


def test_an_access_port_passes(cable: Cable) -> None:
    cable.send(made.ethernet(b"x" * 46, 0x0806, to=made.BROADCAST), made.stp())
    told = run(
        cable.laptop,
        "link.vlan",
        interface="eth0",
        dtp="allowed",
        bpdu="expected",
        root="00:1f:27:b4:7d:80",
        listen=3,
    )
    assert told.status is Status.PASS, told


def test_a_silent_cable_is_no_access_port(cable: Cable) -> None:
    for host in (cable.switch, cable.laptop):
        host.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    told = run(cable.laptop, "link.vlan", interface="eth0", dtp="allowed", listen=2)
    assert told.status is Status.INCONCLUSIVE, told
    assert "Nothing at all arrived" in told.findings[0].message


def test_a_flood_is_read_beside_everything_else(cable: Cable) -> None:
    frame = made.ethernet(b"x" * 46, 0x0806, to=made.BROADCAST)

    def flood() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
            wire.bind(("p7", 0))
            for _ in range(60_000):
                wire.send(frame)

    sending = cable.send(made.lldp(made.mau(30)))
    thread = threading.Thread(target=cable.switch.call, args=(flood,))
    thread.start()
    told = run(cable.laptop, "link.neighbor", interface="eth0", switch="sw-idf1", listen=30)
    thread.join()
    cable.switch.stop(sending)
    assert told.status is Status.PASS, told


def test_a_run_tells_the_port(cable: Cable, tmp_path: Path) -> None:
    need("lldpd", "lldpcli")
    lldpd(cable.switch, cable.lab.folder, "p7")
    project = tmp_path / "port.yaml"
    project.write_text(PROJECT)
    ran = run_json(cable.laptop, project)
    assert ran.results["port"]["status"] == "pass", ran.summary()
    (lldp,) = [one for one in ran.results["port"]["observation"]["neighbors"] if one["protocol"] == "lldp"]
    assert (lldp["name"], lldp["port"]) == ("sw-idf1", "Gi1/0/7")
    assert any(
        "heard" in note["text"] or "Listening" in note["text"] for note in ran.results["port"]["notes"]
    )
    told = gonogo(cable.laptop, "status", project)
    assert "this laptop: The cable ends in port Gi1/0/7 of sw-idf1 (port, " in told.stdout + told.stderr
