"""Listening and sending: on a real cable, and by stand-ins for the back ends of macOS and Windows."""

from __future__ import annotations

import asyncio
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, PcapWriter

from checks.local.facts import InterfaceFact
from checks.vantage import CannotTell
from checks.wire.frames import capture, capture_pktmon, capture_scapy
from checks.wire.frames.capture import Frame, Heard, Sender, listen, send_frames
from checks.wire.frames.pcap import read_capture
from tests.checks.wire.frames import made
from tests.lab import Lab, Namespace, need
from tests.lab.namespaces import link

FACE = InterfaceFact(name="eth0", up=True, mac="02:00:00:00:00:01")
PLAIN = made.ethernet(b"x" * 46, 0x0806, to=made.BROADCAST)
UNICAST = made.ethernet(b"x" * 46, 0x0806, to=b"\2\0\0\0\0\1")
EDP = made.snap(0x00E02B, 0x00BB, bytes(20), to=b"\0\xe0\x2b\0\0\0")


@pytest.fixture
def pair() -> Iterator[tuple[Namespace, Namespace]]:
    need("ip")
    with Lab() as lab:
        ours, theirs = lab.namespace("ours"), lab.namespace("theirs")
        for host in (ours, theirs):
            host.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        link(ours, "eth0", theirs, "eth0")
        yield ours, theirs


def exchange(ours: Namespace, theirs: Namespace, *frames: bytes, **options: Any) -> Heard:
    """Listen at our end until `frames` and a last one came from theirs; that one is not among them."""
    last = made.ethernet(b"the last one", 0x88B5, to=made.BROADCAST)

    async def answer() -> Heard:
        async def ready(_: Sender) -> None:
            await asyncio.to_thread(theirs.call, lambda: asyncio.run(send_frames(FACE, [*frames, last])))

        return await listen(FACE, 20.0, lambda _: True, lambda f: f.whole == last, send=ready, **options)

    heard = ours.call(lambda: asyncio.run(answer()))
    assert heard.frames.pop().whole == last
    return heard


@pytest.mark.lab
def test_every_frame_comes_whole_with_its_tag(pair: tuple[Namespace, Namespace]) -> None:
    sent = [PLAIN, UNICAST, made.tagged(PLAIN, 30), made.tagged(made.tagged(PLAIN, 5), 7, 0x88A8)]
    heard = exchange(*pair, *sent)
    assert [frame.whole for frame in heard.frames] == sent
    assert (heard.count, heard.lost, heard.shows_tags) == (5, 0, True)


@pytest.mark.lab
def test_quietly_only_plain_unicast_is_left_out(pair: tuple[Namespace, Namespace]) -> None:
    sent = [
        UNICAST,
        PLAIN,
        made.tagged(UNICAST, 30),
        made.tagged(UNICAST, 30, 0x88A8),
        EDP,
        made.stp(),
        made.lldp(),
    ]
    heard = exchange(*pair, *sent, quiet=True, groups=("00:e0:2b:00:00:00", "01:80:c2:00:00:0e"))
    assert [frame.whole for frame in heard.frames] == sent[1:]


@pytest.mark.lab
def test_what_we_send_ourselves_is_not_heard(pair: tuple[Namespace, Namespace]) -> None:
    async def talk() -> Heard:
        async def put(sender: Sender) -> None:
            await sender(PLAIN)

        return await listen(FACE, 0.3, lambda _: True, send=put)

    assert pair[0].call(lambda: asyncio.run(talk())).count == 0


@pytest.mark.lab
def test_a_flood_is_bounded_and_counted_and_others_are_served(pair: tuple[Namespace, Namespace]) -> None:
    async def flooded() -> tuple[Heard, int]:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async def ready(_: Sender) -> None:
            await asyncio.to_thread(theirs.call, lambda: asyncio.run(send_frames(FACE, [PLAIN] * 30_000)))
            while True:
                await asyncio.to_thread(theirs.call, lambda: asyncio.run(send_frames(FACE, [EDP])))
                await asyncio.sleep(0.05)

        turning = asyncio.create_task(turn())
        heard = await listen(FACE, 60.0, lambda _: True, lambda f: f.data == EDP, send=ready)
        turning.cancel()
        return heard, turns

    ours, theirs = pair
    heard, turns = ours.call(lambda: asyncio.run(flooded()))
    assert len(heard.frames) == capture.MAX_FRAMES
    assert heard.count == heard.left_out + capture.MAX_FRAMES
    assert heard.count + heard.lost >= 30_000
    assert turns > 100


@pytest.mark.lab
def test_what_fails_in_a_callback_is_raised(pair: tuple[Namespace, Namespace]) -> None:
    def broken(_: Frame) -> bool:
        raise KeyError("broken")

    async def talk() -> None:
        async def ready(_: Sender) -> None:
            await asyncio.to_thread(pair[1].call, lambda: asyncio.run(send_frames(FACE, [PLAIN])))

        await listen(FACE, 20.0, broken, send=ready)

    with pytest.raises(KeyError, match="broken"):
        pair[0].call(lambda: asyncio.run(talk()))


@pytest.mark.lab
def test_a_link_that_goes_down_and_up_is_listened_to_again(pair: tuple[Namespace, Namespace]) -> None:
    ours, theirs = pair

    async def talk() -> Heard:
        async def replug(_: Sender) -> None:
            await asyncio.to_thread(ours.ip, "link set eth0 down", "link set eth0 up")
            await asyncio.to_thread(theirs.call, lambda: asyncio.run(send_frames(FACE, [PLAIN])))

        return await listen(FACE, 20.0, lambda f: f.data == PLAIN, lambda _: True, send=replug)

    heard = ours.call(lambda: asyncio.run(talk()))
    assert heard.interrupted
    assert [frame.data for frame in heard.frames] == [PLAIN]


@pytest.mark.lab
def test_an_interface_that_is_not_there_cannot_be_told(pair: tuple[Namespace, Namespace]) -> None:
    gone = InterfaceFact(name="eth9", up=True, mac="02:00:00:00:00:01")
    with pytest.raises(CannotTell, match="eth9 cannot be used"):
        pair[0].call(lambda: asyncio.run(listen(gone, 1.0, lambda _: True)))


class Wire:
    """A stand-in for scapy's socket: gives frames, then nothing; keeps what is sent."""

    def __init__(self, frames: list[bytes], *, burst: bool = False) -> None:
        self.frames, self.sent, self.closed, self.burst = frames, [], False, burst

    def select(self, _: list[Wire], wait: float) -> list[Wire]:
        if self.frames and (wait or self.burst):
            return [self]
        time.sleep(min(wait, 0.01))
        return []

    def recv_raw(self, _: int) -> tuple[None, bytes | None, float]:
        return None, self.frames.pop(0) if self.frames else None, 0.0

    def send(self, packet: Any) -> None:
        self.sent.append(bytes(packet))

    def close(self) -> None:
        self.closed = True


def on(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    for module in (capture, capture_scapy):
        monkeypatch.setattr(module, "sys", types.SimpleNamespace(platform=platform))


def with_scapy(monkeypatch: pytest.MonkeyPatch, wire: Wire, platform: str = "darwin") -> None:
    on(monkeypatch, platform)
    monkeypatch.setattr(capture, "raw_frames", lambda: None)
    monkeypatch.setattr(capture_scapy, "_opened", lambda _: wire)


@pytest.mark.parametrize("burst", [False, True], ids=["one by one", "buffered"])
@pytest.mark.parametrize(
    ("platform", "how"), [("darwin", "bpf"), ("win32", "Npcap")], ids=["macos", "windows"]
)
async def test_scapy_is_listened_to(
    monkeypatch: pytest.MonkeyPatch, platform: str, how: str, burst: bool
) -> None:
    mine = made.ethernet(b"mine", 0x88B5, to=made.BROADCAST, source=bytes.fromhex("020000000001"))
    wire = Wire([mine, PLAIN, made.lldp(), PLAIN], burst=burst)
    with_scapy(monkeypatch, wire, platform)

    async def ask(sender: Sender) -> None:
        await sender(b"question" * 8)

    heard = await listen(FACE, 20.0, lambda _: True, lambda f: f.data == made.lldp(), send=ask)
    assert [frame.data for frame in heard.frames] == [PLAIN, made.lldp()]
    assert (heard.how, heard.shows_tags) == (how, False)
    assert wire.closed


async def test_scapy_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire([])
    with_scapy(monkeypatch, wire)
    await send_frames(FACE, [PLAIN, EDP])
    assert wire.sent == [PLAIN, EDP]
    assert wire.closed


async def test_without_a_back_end_scapy_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(**_: Any) -> None:
        raise OSError("no /dev/bpf")

    fake = types.ModuleType("scapy.config")
    fake.conf = types.SimpleNamespace(L2socket=no_socket)  # type: ignore[attr-defined]
    on(monkeypatch, "darwin")
    monkeypatch.setitem(sys.modules, "scapy.config", fake)
    monkeypatch.setitem(sys.modules, "scapy.layers.l2", types.ModuleType("scapy.layers.l2"))
    with pytest.raises(CannotTell, match="Raw frames cannot be used on eth0: no /dev/bpf"):
        await listen(FACE, 1.0, lambda _: True)


LIST = """
Netzwerkadapter:
  Id MAC-Adresse       Name
  -- -----------       ----
   9 00-15-5D-10-20-30 Intel(R) Wi-Fi 6 AX201
  63 02-00-00-00-00-01 Realtek USB GbE Family Controller
"""


class Pktmon:
    """A stand-in for the program: keeps its calls, and writes `frames` where it is told to."""

    def __init__(self, frames: list[bytes] | None, *, starts: bool = True, listed: str = LIST) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.frames, self.starts, self.listed = frames, starts, listed

    async def __call__(self, *argv: str, **_: Any) -> str | None:
        self.calls.append(argv)
        if argv[1] == "list":
            return self.listed
        if argv[1] == "start":
            return "ok" if self.starts else None
        if argv[1] == "etl2pcap" and self.frames is not None:
            with PcapNgWriter(argv[4]) as writer:
                for frame in self.frames:
                    writer.write(Ether(frame))
        return "ok"


def with_pktmon(monkeypatch: pytest.MonkeyPatch, program: Pktmon) -> None:
    on(monkeypatch, "win32")
    monkeypatch.setattr(capture, "raw_frames", lambda: "Npcap is not installed")
    monkeypatch.setattr(capture_pktmon, "output", program)


async def test_pktmon_records_our_adapter_only(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Pktmon([PLAIN, made.lldp()])
    with_pktmon(monkeypatch, program)
    heard = await listen(FACE, 0.01, lambda f: f.data[12:14] == b"\x88\xcc")
    assert [frame.data for frame in heard.frames] == [made.lldp()]
    assert (heard.count, heard.how, heard.shows_tags) == (2, "pktmon", False)
    assert [call[1] for call in program.calls] == ["list", "start", "stop", "etl2pcap"]
    assert program.calls[1][2:5] == ("--capture", "--comp", "63")


PKTMON_TROUBLE = {
    "it does not start": Pktmon([], starts=False),
    "our adapter is not listed": Pktmon([], listed=LIST.replace("02-00-00", "02-00-01")),
    "it is not there": Pktmon([], listed=""),
    "nothing was converted": Pktmon(None),
}


@pytest.mark.parametrize("program", PKTMON_TROUBLE.values(), ids=PKTMON_TROUBLE)
async def test_what_pktmon_cannot_do_cannot_be_told(monkeypatch: pytest.MonkeyPatch, program: Pktmon) -> None:
    with_pktmon(monkeypatch, program)
    with pytest.raises(CannotTell) as told:
        await listen(FACE, 0.01, lambda _: True)
    assert "Npcap" in told.value.fix


async def test_pktmon_is_stopped_when_the_check_is(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Pktmon([])
    with_pktmon(monkeypatch, program)
    listening = asyncio.ensure_future(listen(FACE, 60.0, lambda _: True))
    while len(program.calls) < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert program.calls[-1][1] == "stop"


async def test_pktmon_cannot_send(monkeypatch: pytest.MonkeyPatch) -> None:
    with_pktmon(monkeypatch, Pktmon([]))
    with pytest.raises(CannotTell, match="cannot be sent on eth0: Npcap is not installed"):
        await send_frames(FACE, [PLAIN])


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_files_cut_anywhere_give_what_is_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    with PcapWriter(str(path)) if kind == "pcap" else PcapNgWriter(str(path)) as writer:
        for frame in (PLAIN, made.lldp()):
            writer.write(Ether(frame))
    data = path.read_bytes()
    assert [one.data for one in read_capture(data)] == [PLAIN, made.lldp()]
    for end in range(len(data)):
        try:
            found = [one.data for one in read_capture(data[:end])]
        except ValueError:
            assert end < 24
            continue
        assert len(found) <= 2
