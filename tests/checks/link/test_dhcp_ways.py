"""How `link.dhcp` asks: on which interface, by which frames, and what it does without the right to.

The systems that are not Linux are stood in for by their calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from checks.contract import Status, worst
from checks.link import _dhcp_ask, dhcp
from checks.link._dhcp_ask import Conversation
from checks.link._dhcp_seen import DhcpSeen
from checks.link.dhcp import Dhcp
from checks.local import leases
from checks.local.facts import AddressFact, InterfaceFact, LeaseFact, LocalHost
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire import arp
from checks.wire.frames.capture import Frame, Heard
from checks.wire.frames.dhcp import decode
from checks.wire.frames.udp_frame import read_udp, tagged, untagged
from tests.checks.wire.frames.dhcp_messages import frame, message, offer_options

MAC, XID, SERVER = "52:54:00:00:00:05", 0xABCD, "10.20.0.1"
FACE = InterfaceFact(name="Ethernet", up=True, mac=MAC)
Answer = Callable[[bytes], list[Frame]]


def wire(monkeypatch: pytest.MonkeyPatch, *came: bytes, shows_tags: bool = True, **heard: Any) -> list[bytes]:
    """Stand in for the capture: each frame of `came` comes in after the first DISCOVER."""
    sent: list[bytes] = []

    async def listen(interface: Any, seconds: float, wanted: Any, *, send: Any, **options: Any) -> Heard:
        async def put(data: bytes) -> None:
            sent.append(data)
            if len(sent) == 1:
                for each in came:
                    wanted(Frame(data=each, at=0.0))

        await send(put)
        return Heard(listened_s=seconds, shows_tags=shows_tags, **heard)

    monkeypatch.setattr(_dhcp_ask, "listen", listen)
    return sent


def talk(**changed: Any) -> DhcpSeen:
    given = {"xid": XID, "window": 0.02, "own": frozenset({MAC}), **changed}
    return asyncio.run(Conversation(FACE, **given).run())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dhcp_ask, "GRACE_S", 0.05)
    monkeypatch.setattr(_dhcp_ask, "_TICK_S", 0.005)


def offer(**changed: Any) -> bytes:
    return frame(message(*offer_options(), **{"xid": XID, "mac": MAC, **changed}))


def test_what_is_sent_is_discover_and_arp_only(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = wire(monkeypatch, offer())
    seen = talk(control=("10.20.0.1",))
    datagrams = [found for each in sent if (found := read_udp(each))]
    assert {decode(each.payload).kind for each in datagrams} == {"DISCOVER"}
    assert seen.sent == len(datagrams) == 2
    asked = [each for each in sent if each[12:14] == b"\x08\x06"]
    assert len(asked) + len(datagrams) == len(sent)
    assert sorted(asked) == sorted(arp.request(MAC, each) for each in ("10.20.0.1", "10.20.0.50") * 2)
    assert [(reply.mine, reply.vendor) for reply in seen.replies] == [(True, "Intel Corporate")]


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_systems_speak_the_same(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr("sys.platform", system)
    sent = wire(monkeypatch, offer())
    assert talk().replies[0].server == SERVER
    assert read_udp(sent[0]) is not None


def test_in_a_vlan_everything_is_tagged(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = arp.request("00:0c:29:00:00:07", "10.20.0.9", "10.20.0.7")
    sent = wire(monkeypatch, tagged(offer(), 30), stranger, tagged(stranger, 30))
    seen = talk(vlan=30, control=("10.20.0.1",))
    assert {bare.vlans for each in sent if (bare := untagged(each))} == {(30,)}
    assert {bare.kind for each in sent if (bare := untagged(each))} == {0x0800, 0x0806}
    assert [reply.vlan for reply in seen.replies] == [30]
    assert seen.others == 2, "the untagged frame is no control for VLAN 30"


def test_a_driver_that_hides_tags_can_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wire(monkeypatch, offer(), shows_tags=False)
    with pytest.raises(CannotTell, match="tags"):
        talk(vlan=30)


def test_what_we_sent_ourselves_is_no_control(monkeypatch: pytest.MonkeyPatch) -> None:
    mirrored = arp.request(MAC, "10.20.0.9", "10.20.0.7")
    foreign = arp.request("02:00:00:00:00:77", "10.20.0.9", "10.20.0.7")
    wire(monkeypatch, mirrored, foreign)
    assert talk().others == 1
    wire(monkeypatch, mirrored, foreign)
    assert talk(mac="02:00:00:00:00:77").others == 0


def test_only_our_transaction_and_address_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    wire(monkeypatch, offer(), offer(xid=1), offer(mac="52:54:00:00:00:99"), offer(op=1))
    seen = talk()
    assert [reply.mine for reply in seen.replies] == [True, False, False]


def test_the_same_answer_twice_is_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    again = bytearray(message(*offer_options(), xid=XID, mac=MAC))
    again[9] = 4
    wire(monkeypatch, offer(), frame(bytes(again)), offer())
    seen = talk()
    assert len(seen.replies) == 1
    assert seen.left_out == 0


def test_a_flood_is_bounded_for_each_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    flood = [
        frame(message(*offer_options("10.66.0.1"), xid=XID, mac=MAC, yours=f"10.66.{n >> 8}.{n & 255}"),
              mac="00:0c:29:00:00:66")
        for n in range(1, 500)
    ]  # fmt: skip
    others = [
        frame(
            message(*offer_options("10.66.0.2"), xid=n, mac=MAC),
            mac=f"00:0c:29:01:{n >> 8:02x}:{n & 255:02x}",
        )
        for n in range(1, 500)
    ]
    wire(monkeypatch, *flood, *others, offer())
    seen = talk()
    assert SERVER in {reply.server for reply in seen.replies}, "the flood has hidden the server"
    assert len(seen.replies) == 8 + 64 + 1
    assert seen.left_out == 491 + 435


def test_as_another_client_its_reservation_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    mac = "00:1b:21:00:00:99"
    sent = wire(monkeypatch)
    talk(mac=mac, vendor_class="Cisco AP", codes=(43, 225))
    datagram = read_udp(sent[0])
    assert datagram is not None
    asked = decode(datagram.payload)
    assert (datagram.source_mac, asked.hardware) == (mac, mac)
    assert asked.values(61) == ("0x01001b21000099",)
    assert asked.values(60) == ("Cisco AP",)
    assert "225" in asked.values(55)


# --- which interface, and without rights


@pytest.mark.parametrize("params", [{"vlan": 30}, {"mac": "00:1b:21:00:00:99"}], ids=["vlan", "mac"])
def test_a_radio_carries_neither_tags_nor_other_clients(
    monkeypatch: pytest.MonkeyPatch, params: dict[str, Any]
) -> None:
    with pytest.raises(CannotTell, match="radio"):
        observe(monkeypatch, machine(RADIO), None, **params)


LAPTOP = AddressFact(address="10.20.0.60", prefix=24, family="ipv4")


def observe(
    monkeypatch: pytest.MonkeyPatch, host: LocalHost, why: str | None = "no right", **params: Any
) -> DhcpSeen:
    async def local(shared: Any) -> LocalHost:
        return host

    monkeypatch.setattr(dhcp, "read_local", local)
    monkeypatch.setattr(dhcp, "raw_frames", lambda: why)
    check = Dhcp(**{"servers": (SERVER,), **params})
    return asyncio.run(check.observe(Vantage(Shared(), "dhcp", 20.0)))


def machine(*faces: InterfaceFact, **changed: Any) -> LocalHost:
    return LocalHost(hostname="laptop", user="ann", os="Windows 11", interfaces=faces, **changed)


PLUGGED = InterfaceFact(name="Ethernet", up=True, mac=MAC, addresses=(LAPTOP,))


def test_windows_without_npcap_reads_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    lease = leases.windows({"DhcpIPAddress": "10.20.0.60", "Lease": 28800}, "Ethernet", SERVER)
    seen = observe(monkeypatch, machine(PLUGGED, dhcp=(lease,)), "Npcap is not installed")
    assert seen.lease == lease
    findings = list(Dhcp(servers=(SERVER,)).judge(seen))
    assert worst(item.status for item in findings) is Status.INCONCLUSIVE
    assert "Npcap" in findings[-1].message
    assert "npcap.com" in findings[-1].fix
    findings = list(Dhcp(servers=("10.9.9.9",)).judge(seen))
    assert worst(item.status for item in findings) is Status.FAIL


def test_macos_without_rights_reads_the_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    lease = leases.macos("yiaddr = 10.20.0.60\nserver_identifier (ip): 10.20.0.1\n", "Ethernet")
    assert lease is not None
    seen = observe(monkeypatch, machine(PLUGGED, dhcp=(lease,)), "/dev/bpf0 is not open to this account")
    findings = list(Dhcp(servers=(SERVER,)).judge(seen))
    assert worst(item.status for item in findings) is Status.INCONCLUSIVE
    assert "ChmodBPF" in findings[-1].fix


@pytest.mark.parametrize(
    "lease",
    [
        LeaseFact(interface="Ethernet", server=SERVER, address="10.9.9.9"),
        LeaseFact(interface="Wi-Fi", server=SERVER, address="10.20.0.60"),
    ],
    ids=["address-gone", "other-interface"],
)
def test_a_lease_that_is_not_in_use_is_none(monkeypatch: pytest.MonkeyPatch, lease: LeaseFact) -> None:
    assert observe(monkeypatch, machine(PLUGGED, dhcp=(lease,))).lease is None


@pytest.mark.parametrize("params", [{"vlan": 30}, {"mac": "00:1b:21:00:00:99"}, {"vendor_class": "Cisco AP"}])
def test_a_lease_says_nothing_of_other_clients(
    monkeypatch: pytest.MonkeyPatch, params: dict[str, Any]
) -> None:
    with pytest.raises(CannotTell, match="says nothing"):
        observe(monkeypatch, machine(PLUGGED), **params)


BARE = InterfaceFact(name="eth0", up=True, mac="52:54:00:00:00:06")
RADIO = InterfaceFact(name="wlan0", up=True, mac="52:54:00:00:00:07", wireless=True)
TUNNEL = InterfaceFact(name="tun0", up=True, tunnel=True)
DOWN = InterfaceFact(name="eth9", up=False, mac="52:54:00:00:00:08")


@pytest.mark.parametrize(
    ("faces", "name", "chosen"),
    [((BARE, DOWN, TUNNEL), None, "eth0"), ((BARE, RADIO), None, "eth0"), ((BARE, RADIO), "wlan0", "wlan0")],
    ids=["the-only-one", "the-wired-one", "the-named-one"],
)
def test_without_an_address_the_interface_is_found(
    monkeypatch: pytest.MonkeyPatch, faces: tuple[InterfaceFact, ...], name: str | None, chosen: str
) -> None:
    assert observe(monkeypatch, machine(*faces), interface=name).interface == chosen


@pytest.mark.parametrize(
    ("faces", "name", "words"),
    [
        ((BARE, InterfaceFact(name="eth1", up=True, mac="52:54:00:00:00:09")), None, "More than one"),
        ((DOWN,), None, "not connected"),
        ((DOWN,), "eth9", "not connected"),
        ((BARE,), "eth7", "not connected"),
        ((TUNNEL,), "tun0", "no hardware address"),
    ],
    ids=["two", "down", "named-down", "named-absent", "tunnel"],
)
def test_which_interface_is_not_guessed(
    monkeypatch: pytest.MonkeyPatch, faces: tuple[InterfaceFact, ...], name: str | None, words: str
) -> None:
    with pytest.raises(CannotTell, match=words):
        observe(monkeypatch, machine(*faces), interface=name)
