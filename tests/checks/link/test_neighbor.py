"""What must not make link.neighbor pass, and what it says of what switches announce."""

from __future__ import annotations

from typing import Any

import pytest

from checks.contract import Status, Vantage, worst
from checks.link import neighbor
from checks.link._devices import devices, newest
from checks.link.neighbor import Neighbor, NeighborSeen
from checks.local.facts import InterfaceFact
from checks.vantage import Shared
from checks.wire.frames.announced import Announced
from checks.wire.frames.capture import Frame, Heard
from checks.wire.frames.discovery import read_frame
from tests.checks.wire.frames import made

GIGABIT, HALF = made.mau(30), made.mau(15)


def heard(*frames: bytes) -> tuple[Announced, ...]:
    said: tuple[Announced, ...] = ()
    for frame in frames:
        told = read_frame(frame)
        assert told is not None
        assert told.neighbor is not None
        said = newest(said, told.neighbor)
    return said


def seen(*frames: bytes, **other: Any) -> NeighborSeen:
    given: dict[str, Any] = {
        "interface": "eth0", "duplex": "full", "speed_mbps": 1000, "neighbors": heard(*frames), "others": (),
        "frames": 40, "lost": 0, "listened_s": 65.0, "how": "packet socket",
    }  # fmt: skip
    return NeighborSeen(**given | other)


def judged(check: Neighbor, what: NeighborSeen) -> tuple[Status, str]:
    findings = list(check.judge(what))
    return worst(f.status for f in findings), " | ".join(
        f"{f.subject}: {f.message} {f.observed}" for f in findings
    )


PLAN: dict[str, Any] = {"switch": "sw-idf1", "port": "Gi1/0/7"}

LIES: dict[str, tuple[dict[str, Any], NeighborSeen, Status, str]] = {
    "silence": ({}, seen(), Status.INCONCLUSIVE, "No switch announced itself"),
    "silence and BPDUs": ({}, seen(others=("stp", "dtp")), Status.INCONCLUSIVE, "stp, dtp"),
    "good-bye": ({}, seen(made.lldp(GIGABIT), made.lldp(ttl=0)), Status.INCONCLUSIVE, "good-bye"),
    "no port": (
        {},
        seen(made.ethernet(made.tlv(1, b"\4" + made.SWITCH) + made.tlv(3, b"\0\x78"))),
        Status.INCONCLUSIVE,
        "names no device and port",
    ),
    "another port": (PLAN, seen(made.lldp(port="Gi1/0/8")), Status.FAIL, "another port than"),
    "a port that begins alike": (PLAN, seen(made.lldp(port="Gi1/0/71")), Status.FAIL, "another port than"),
    "another switch": (PLAN, seen(made.lldp(name="sw-idf2")), Status.FAIL, "another switch than"),
    "a switch that begins alike": (
        PLAN,
        seen(made.lldp(name="sw-idf12")),
        Status.FAIL,
        "another switch than",
    ),
    "another domain's switch": (
        {"switch": "sw-idf1.example.com"},
        seen(made.lldp(name="sw-idf1.example.net")),
        Status.FAIL,
        "another switch than",
    ),
    "a telephone": (
        {},
        seen(made.lldp(GIGABIT, name="SEP001", port="Port 2", enabled=0x24)),
        Status.INCONCLUSIVE,
        "telephone",
    ),
    "a telephone whose port is the planned one": (
        {"port": "Port 2"},
        seen(made.lldp(GIGABIT, name="SEP001", port="Port 2", enabled=0x24)),
        Status.INCONCLUSIVE,
        "telephone",
    ),
    "another laptop behind a hub": (
        {},
        seen(made.lldp(GIGABIT, name="pc", port="eth0", enabled=0x80)),
        Status.INCONCLUSIVE,
        "computer",
    ),
    "half against full": (PLAN, seen(made.lldp(HALF)), Status.FAIL, "different duplex modes"),
    "half by CDP": (PLAN, seen(made.cdp(made.duplex(False))), Status.FAIL, "different duplex modes"),
    "half at our end": (PLAN, seen(made.lldp(GIGABIT), duplex="half"), Status.FAIL, "different duplex modes"),
    "half at both ends": (PLAN, seen(made.lldp(HALF), duplex="half"), Status.WARN, "half duplex"),
    "half at the switch, ours not told": (
        PLAN,
        seen(made.lldp(HALF), duplex=None),
        Status.WARN,
        "half duplex",
    ),
    "LLDP full, CDP half": (
        PLAN,
        seen(made.lldp(GIGABIT), made.cdp(made.duplex(False))),
        Status.INCONCLUSIVE,
        "two duplex modes",
    ),
    "VLAN not told": (
        PLAN | {"vlan": 20},
        seen(made.lldp(GIGABIT)),
        Status.INCONCLUSIVE,
        "does not announce the VLAN",
    ),
    "PVID 0 is none": (
        PLAN | {"vlan": 20},
        seen(made.lldp(GIGABIT, made.pvid(0))),
        Status.INCONCLUSIVE,
        "does not announce",
    ),
    "another VLAN": (
        PLAN | {"vlan": 20},
        seen(made.lldp(GIGABIT, made.pvid(1))),
        Status.FAIL,
        "another VLAN",
    ),
    "LLDP right, CDP another VLAN": (
        PLAN | {"vlan": 20},
        seen(made.lldp(GIGABIT, made.pvid(20)), made.cdp(made.native(1))),
        Status.INCONCLUSIVE,
        "Different values",
    ),
    "another voice VLAN": (
        PLAN | {"voice_vlan": 30},
        seen(made.lldp(GIGABIT, made.voice(31))),
        Status.FAIL,
        "another voice VLAN",
    ),
    "a voice VLAN that phones do not tag": (
        PLAN | {"voice_vlan": 30},
        seen(made.lldp(GIGABIT, made.voice(30, tagged=False))),
        Status.WARN,
        "tells phones not to tag it",
    ),
    "another voice VLAN that phones do not tag": (
        PLAN | {"voice_vlan": 30},
        seen(made.lldp(GIGABIT, made.voice(31, tagged=False))),
        Status.FAIL,
        "another voice VLAN",
    ),
    "a voice policy that is not known": (
        PLAN | {"voice_vlan": 30},
        seen(made.lldp(GIGABIT, made.voice(30, unknown=True))),
        Status.INCONCLUSIVE,
        "does not announce the voice VLAN",
    ),
    "the VLAN of another application": (
        PLAN | {"voice_vlan": 30},
        seen(made.lldp(GIGABIT, made.voice(30, application=7))),
        Status.INCONCLUSIVE,
        "does not announce the voice VLAN",
    ),
    "power not told": (
        PLAN | {"poe_watts": 7},
        seen(made.lldp(GIGABIT)),
        Status.INCONCLUSIVE,
        "does not say whether",
    ),
    "two switches": (
        {},
        seen(made.lldp(GIGABIT), made.lldp(GIGABIT, name="sw-idf2", source=b"\0\1\2\3\4\5")),
        Status.WARN,
        "2 switches",
    ),
    "two switches that name two VLANs": (
        {"vlan": 20},
        seen(
            made.lldp(GIGABIT, made.pvid(20)),
            made.lldp(GIGABIT, made.pvid(21), name="sw-idf2", source=b"\0\1\2\3\4\5"),
        ),
        Status.INCONCLUSIVE,
        "Different values",
    ),
    "CDP missing after its time": (
        PLAN | {"protocols": ("lldp", "cdp")},
        seen(made.lldp(GIGABIT)),
        Status.FAIL,
        "CDP is not announced",
    ),
    "CDP missing before its time": (
        PLAN | {"protocols": ("lldp", "cdp")},
        seen(made.lldp(GIGABIT), listened_s=40.0),
        Status.INCONCLUSIVE,
        "every 60 s",
    ),
}


@pytest.mark.parametrize(("params", "what", "status", "words"), LIES.values(), ids=LIES)
def test_no_lie_passes(params: dict[str, Any], what: NeighborSeen, status: Status, words: str) -> None:
    found, said = judged(Neighbor(**params), what)
    assert found is status, said
    assert words in said


TRUE: dict[str, tuple[dict[str, Any], NeighborSeen]] = {
    "nothing planned": ({}, seen(made.lldp(GIGABIT))),
    "LLDP": (PLAN, seen(made.lldp(GIGABIT))),
    "CDP with a domain and a long port name": (PLAN, seen(made.cdp(made.duplex(True)))),
    "the whole name planned": (PLAN | {"switch": "SW-IDF1.example.com"}, seen(made.lldp(GIGABIT))),
    "a serial number in brackets": (PLAN, seen(made.cdp(name="sw-idf1(FOC1031Z7JG)"))),
    "by chassis": ({"switch": "00:1f:27:b4:7d:82"}, seen(made.lldp(GIGABIT))),
    "everything": (
        PLAN | {"vlan": 20, "voice_vlan": 30, "protocols": ("lldp", "cdp")},
        seen(
            made.lldp(GIGABIT, made.pvid(20), made.voice(30)),
            made.cdp(made.native(20), made.duplex(True), made.appliance(30)),
        ),
    ),
    "a telephone besides": (
        PLAN,
        seen(made.lldp(GIGABIT), made.lldp(name="SEP1", port="1", enabled=0x24, source=b"phone1")),
    ),
    "duplex not told": (PLAN, seen(made.lldp(), duplex=None)),
    "it said good-bye and came back": (PLAN, seen(made.lldp(GIGABIT), made.lldp(ttl=0), made.lldp(GIGABIT))),
}


@pytest.mark.parametrize(("params", "what"), TRUE.values(), ids=TRUE)
def test_what_is_as_planned_passes(params: dict[str, Any], what: NeighborSeen) -> None:
    found, said = judged(Neighbor(**params), what)
    assert found is Status.PASS, said


def mdi(
    support: int = 7,
    *,
    power_class: int = 5,
    kind: int | None = None,
    granted: float = 0,
    most: float | None = None,
) -> bytes:
    body = bytes((support, 1, power_class))
    if kind is not None or most is not None:
        body += bytes(((kind == 1) << 7,)) + bytes(2) + int(granted * 10).to_bytes(2, "big")
    if most is not None:
        body += bytes(8) + bytes(2) + b"\1" + int(most * 10).to_bytes(2, "big") + bytes(4)
    return made.org(0x00120F, 2, body)


def supply(granted_mw: int, most_mw: int = 0xFFFFFFFF) -> bytes:
    return made.unit(0x1A, bytes(4) + granted_mw.to_bytes(4, "big") + most_mw.to_bytes(4, "big"))


POWER: dict[str, tuple[bytes, float, Status]] = {
    "disabled": (made.lldp(mdi(3)), 7, Status.FAIL),
    "not supported": (made.lldp(mdi(1)), 7, Status.FAIL),
    "a device that wants power": (made.lldp(mdi(0)), 7, Status.INCONCLUSIVE),
    "af gives a phone's": (made.lldp(mdi()), 7, Status.PASS),
    "af says nothing of 30 W": (made.lldp(mdi()), 30, Status.INCONCLUSIVE),
    "type 1 gives no 30 W": (made.lldp(mdi(kind=1)), 30, Status.FAIL),
    "type 2 gives 30 W": (made.lldp(mdi(kind=2)), 30, Status.PASS),
    "type 2 says nothing of 60 W": (made.lldp(mdi(kind=2)), 60, Status.INCONCLUSIVE),
    "granted": (made.lldp(mdi(kind=2, granted=25.5)), 25.5, Status.PASS),
    "bt gives 51 W at most": (made.lldp(mdi(most=51)), 60, Status.FAIL),
    "bt gives 51 W": (made.lldp(mdi(most=51)), 51, Status.PASS),
    "CDP grants nothing to who wants nothing": (made.cdp(supply(0)), 7, Status.INCONCLUSIVE),
    "CDP grants": (made.cdp(supply(15400)), 15.4, Status.PASS),
    "CDP limits": (made.cdp(supply(0, 4000)), 7, Status.FAIL),
}


@pytest.mark.parametrize(("frame", "watts", "status"), POWER.values(), ids=POWER)
def test_power(frame: bytes, watts: float, status: Status) -> None:
    findings = list(Neighbor(poe_watts=watts).judge(seen(frame)))
    (found,) = [f for f in findings if "W" in f.expected]
    assert found.status is status, found


def test_one_switch_by_two_protocols_is_one_device() -> None:
    found = devices(heard(made.lldp(), made.cdp(), made.lldp(GIGABIT)))
    assert len(found) == 1
    assert found[0].protocols == ("cdp", "lldp")


def test_the_parts_of_edp_are_one_device() -> None:
    head = b"\1\0\0\x40" + bytes(6) + made.SWITCH
    port = (
        head + b"\x99\1\0\x0csummit\0\0" + b"\x99\2\0\x24" + b"\0\0\0\3" + bytes(8) + b"\7\6\4\1" + bytes(16)
    )
    vlan = head + b"\x99\5\0\x16\0\0\0\x14" + bytes(8) + b"staff\0"
    frames = [made.snap(0x00E02B, 0x00BB, body, to=b"\0\xe0\x2b\0\0\0") for body in (port, vlan, port, vlan)]
    (device,) = devices(heard(*frames))
    assert (device.name, device.port) == ("summit", "1:4")
    assert [one.id for said in device.said for one in said.vlans] == [20]


def test_which_port_it_is_instead_is_said_first() -> None:
    (finding,) = Neighbor(**PLAN).judge(seen(made.lldp(port="Gi1/0/8")))
    assert finding.message == "The cable ends in port Gi1/0/8 of sw-idf1: another port than the planned one."


DECIDED: dict[str, tuple[dict[str, Any], tuple[bytes, ...], bool]] = {
    "nothing yet": ({}, (), False),
    "nothing planned, duplex told": ({}, (made.lldp(GIGABIT),), True),
    "nothing planned, duplex not told": ({}, (made.lldp(),), False),
    "both protocols": (PLAN | {"vlan": 20}, (made.lldp(), made.cdp()), True),
    "all that is asked": (PLAN | {"vlan": 20}, (made.lldp(GIGABIT, made.pvid(20)),), True),
    "the VLAN is not told yet": (PLAN | {"vlan": 20}, (made.lldp(GIGABIT),), False),
    "another switch may follow": (PLAN, (made.lldp(GIGABIT, name="sw-idf2"),), False),
    "a telephone is not it": ({}, (made.lldp(GIGABIT, enabled=0x24),), False),
    "a protocol that is asked for": ({"protocols": ("cdp",)}, (made.lldp(GIGABIT),), False),
}


@pytest.mark.parametrize(("params", "frames", "decided"), DECIDED.values(), ids=DECIDED)
def test_it_stops_when_no_more_can_come_of_it(
    params: dict[str, Any], frames: tuple[bytes, ...], decided: bool
) -> None:
    assert Neighbor(**params).is_decided(heard(*frames)) is decided


def test_a_flood_of_neighbours_is_bounded() -> None:
    frames = [made.lldp(name=f"sw-{i}", source=i.to_bytes(6, "big")) for i in range(1, 300)]
    what = seen(*frames)
    assert len(what.neighbors) == 64
    status, said = judged(Neighbor(**PLAN), what)
    assert status is Status.FAIL
    assert len(said) < 3000


@pytest.mark.parametrize("listen", [0.0, 601.0])
def test_it_listens_for_a_sensible_time(listen: float) -> None:
    with pytest.raises(ValueError, match="between 1 s and 10 min"):
        Neighbor(listen=listen)


async def test_what_was_announced_before_the_cable_was_replugged_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugged = ["1"]
    face = InterfaceFact(name="eth0", mac="52:54:00:00:00:05", up=True, duplex="full")

    async def cable(vantage: Vantage, name: str | None, what: str) -> InterfaceFact:
        return face

    def hears(before: list[bytes], after: list[bytes]) -> None:
        async def listen(face: InterfaceFact, seconds: float, wanted: Any, enough: Any, **more: Any) -> Heard:
            plugged[0] = "1"
            for frames, carrier in ((before, "1"), (after, "3")):
                plugged[0] = carrier
                for frame in (Frame(data=data, at=1.0) for data in frames):
                    if wanted(frame) and enough(frame):
                        return Heard(count=1, listened_s=1.0, how="packet socket")
            return Heard(count=2, listened_s=20.0, how="packet socket")

        monkeypatch.setattr(neighbor, "listen", listen)

    monkeypatch.setattr(neighbor, "wired_interface", cable)
    monkeypatch.setattr(neighbor, "carrier_changes", lambda name: plugged[0])
    check = Neighbor(**PLAN)
    old, new = made.lldp(port="Gi1/0/7"), made.lldp(port="Gi1/0/8")

    async def outcome() -> tuple[Status, str]:
        return judged(check, await check.observe(Vantage(Shared())))

    hears([old], [])
    assert (await outcome())[0] is Status.INCONCLUSIVE
    hears([old], [new])
    assert (await outcome())[0] is Status.FAIL
    hears([new], [old])
    assert (await outcome())[0] is Status.PASS
