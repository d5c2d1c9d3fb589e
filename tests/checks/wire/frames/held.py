"""What the decoders of announcements promise of any frame, and healthy frames to begin with."""

from __future__ import annotations

from checks import jsonable
from checks.link._devices import devices, newest
from checks.link._vlan_heard import Collector
from checks.wire.frames.announced import MOST, Announced
from checks.wire.frames.capture import Frame
from checks.wire.frames.discovery import read_frame
from tests.checks.wire.frames import made


def hold(frame: bytes) -> None:
    """Hold what is said of one frame to what the code promises."""
    Collector().take(Frame(data=frame, at=0.0))
    said = read_frame(frame)
    if said is None:
        return
    jsonable.to_json(said)
    told = said.neighbor
    if told is None:
        return
    assert told.source == said.source
    assert told.vlan is None or 1 <= told.vlan <= 4094
    assert told.voice_vlan is None or 1 <= told.voice_vlan <= 4094
    for many in (told.addresses, told.vlans, told.policies, told.faults, told.inventory):
        assert len(many) <= MOST
    for text in (told.name, told.port, told.port_description, told.description, told.platform, told.chassis):
        assert len(text) <= 1600
    assert jsonable.from_json(Announced, jsonable.to_json(told)) == told
    for device in devices(newest((), told)):
        assert device.port
        assert device.name


def seeds() -> list[bytes]:
    """Return one healthy frame of each kind."""
    edp = b"\1\0\0\x40" + bytes(6) + made.SWITCH + b"\x99\1\0\x0csummit\0\0" + b"\x99\2\0\x24" + bytes(32)
    return [
        made.lldp(
            made.pvid(20), made.mau(30), made.voice(30), made.org(0x00120F, 2, b"\7\1\5" + bytes(22)),
            made.org(0x0080C2, 3, b"\0\x14\5staff"), made.tlv(8, b"\5\1\xc6\x33\x64\1\2\0\0\0\1\0"),
        ),
        made.cdp(
            made.native(20), made.duplex(True), made.appliance(30),
            made.unit(2, b"\0\0\0\1\1\1\xcc\0\4\xc6\x33\x64\1"), made.unit(0x1A, bytes(12)),
        ),
        made.snap(0x00E02B, 0x00BB, edp),
        made.snap(0x000081, 0x01A2, b"\xc6\x33\x64\1\0\0\4\1\x0c\3\1"),
        made.dtp(), made.vtp(), made.stp(), made.tagged(made.pvst(30), 30),
    ]  # fmt: skip
