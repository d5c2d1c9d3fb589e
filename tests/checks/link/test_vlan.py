"""What must not make link.vlan pass, and what it says of what arrives."""

from __future__ import annotations

from typing import Any

import pytest

from checks.contract import Status, worst
from checks.link._vlan_heard import Collector, VlanSeen
from checks.link.vlan import Vlan
from checks.wire.frames.capture import Frame, Heard
from tests.checks.wire.frames import made

ROOT = "00:1f:27:b4:7d:80"
PLAIN = made.ethernet(b"x" * 46, 0x0806, to=made.BROADCAST)
STRANGE = "00:16:46:b5:8c:80"


def seen(*frames: bytes, **other: Any) -> VlanSeen:
    collector = Collector()
    for frame in frames:
        collector.take(Frame(data=frame, at=0.0))
    given: dict[str, Any] = {"count": len(frames), "listened_s": 35.0, "shows_tags": True} | other
    return collector.seen("eth0", Heard(**given))


def stripped(frame: bytes, tci: int) -> VlanSeen:
    """What is seen where the card took the tag out."""
    collector = Collector()
    collector.take(Frame(data=frame, at=0.0, tci=tci))
    return collector.seen("eth0", Heard(count=1, listened_s=35.0, shows_tags=True))


def judged(check: Vlan, what: VlanSeen) -> tuple[Status, str]:
    findings = list(check.judge(what))
    said = " | ".join(f"{f.status} {f.subject}: {f.message} {f.observed}" for f in findings)
    return worst(f.status for f in findings), said


LIES: dict[str, tuple[dict[str, Any], VlanSeen, Status, str]] = {
    "nothing at all": ({}, seen(), Status.INCONCLUSIVE, "Nothing at all arrived"),
    "no untagged frame": ({"tagged": (30,)}, seen(), Status.INCONCLUSIVE, "Nothing at all arrived"),
    "a system that shows no tags": (
        {},
        seen(PLAIN, shows_tags=False),
        Status.INCONCLUSIVE,
        "does not show tags",
    ),
    "frames were lost": ({}, seen(PLAIN, lost=3), Status.INCONCLUSIVE, "3 frames were lost"),
    "it went down": ({}, seen(PLAIN, interrupted=True), Status.INCONCLUSIVE, "went down"),
    "too short for DTP": ({}, seen(PLAIN, listened_s=20.0), Status.INCONCLUSIVE, "every 30 s"),
    "a tag in the frame": ({}, seen(PLAIN, made.tagged(PLAIN, 99)), Status.FAIL, "VLAN 99"),
    "a tag that the card took out": ({}, stripped(PLAIN, 0x6063), Status.FAIL, "VLAN 99"),
    "a service tag": ({}, seen(PLAIN, made.tagged(PLAIN, 99, 0x88A8)), Status.FAIL, "802.1ad"),
    "a VLAN beside the planned one": (
        {"tagged": (30,)},
        seen(PLAIN, made.tagged(PLAIN, 30), made.tagged(PLAIN, 31)),
        Status.FAIL,
        "VLAN 31",
    ),
    "the planned VLAN was not heard": (
        {"tagged": (30,)},
        seen(PLAIN),
        Status.INCONCLUSIVE,
        "No frame of VLAN 30",
    ),
    "a port that offers a trunk": ({}, seen(PLAIN, made.dtp(0x03)), Status.FAIL, "offers to become a trunk"),
    "a port that is a trunk": ({}, seen(PLAIN, made.dtp(0x81)), Status.FAIL, "The port is a trunk"),
    "VTP": ({}, seen(PLAIN, made.vtp()), Status.WARN, "VTP (domain office)"),
    "PVST+": ({}, seen(PLAIN, made.pvst(20)), Status.WARN, "PVST+ for VLAN 20"),
    "BPDUs where there must be none": (
        {"bpdu": "forbidden"},
        seen(PLAIN, made.stp()),
        Status.FAIL,
        "sends BPDUs",
    ),
    "no BPDU where there must be": ({"bpdu": "expected"}, seen(PLAIN), Status.FAIL, "sends no BPDU"),
    "no BPDU, and frames were lost": (
        {"bpdu": "forbidden"},
        seen(PLAIN, lost=1),
        Status.INCONCLUSIVE,
        "lost",
    ),
    "no BPDU in five seconds": (
        {"bpdu": "forbidden", "dtp": "allowed"},
        seen(PLAIN, listened_s=5.0),
        Status.INCONCLUSIVE,
        "every 6 s",
    ),
    "no root heard": ({"root": ROOT}, seen(PLAIN), Status.INCONCLUSIVE, "No BPDU told"),
    "another root": (
        {"root": ROOT},
        seen(PLAIN, made.stp(STRANGE.replace(":", ""))),
        Status.FAIL,
        "Another bridge",
    ),
    "another root in one VLAN": (
        {"root": ROOT, "tagged": (5,), "dtp": "allowed"},
        seen(PLAIN, made.pvst(1), made.tagged(made.pvst(5, STRANGE.replace(":", "")), 5)),
        Status.FAIL,
        "VLAN 5",
    ),
    "a BPDU that is none": (
        {"bpdu": "expected"},
        seen(PLAIN, made.llc(b"\x42\x42\x03\x30\x30", to=made.STP_GROUP)),
        Status.FAIL,
        "sends no BPDU",
    ),
}


@pytest.mark.parametrize(("params", "what", "status", "words"), LIES.values(), ids=LIES)
def test_no_lie_passes(params: dict[str, Any], what: VlanSeen, status: Status, words: str) -> None:
    found, said = judged(Vlan(**params), what)
    assert found is status, said
    assert words in said


TRUE: dict[str, tuple[dict[str, Any], VlanSeen]] = {
    "an access port": ({}, seen(PLAIN, made.stp())),
    "a priority tag is no VLAN": ({}, seen(PLAIN, made.tagged(made.stp(), 0xE000))),
    "the voice VLAN": ({"tagged": (30,)}, seen(PLAIN, made.tagged(PLAIN, 30))),
    "BPDUs and root": ({"bpdu": "expected", "root": ROOT}, seen(PLAIN, made.stp())),
    "no BPDU": ({"bpdu": "forbidden"}, seen(PLAIN)),
    "DTP allowed": ({"dtp": "allowed"}, seen(PLAIN, made.dtp(), listened_s=5.0)),
}


@pytest.mark.parametrize(("params", "what"), TRUE.values(), ids=TRUE)
def test_what_is_as_planned_passes(params: dict[str, Any], what: VlanSeen) -> None:
    found, said = judged(Vlan(**params), what)
    assert found is Status.PASS, said


def test_a_trunk_of_all_vlans_is_said_briefly() -> None:
    what = seen(PLAIN, *(made.tagged(PLAIN, vlan) for vlan in range(1, 4095)))
    findings = list(Vlan().judge(what))
    assert len(findings) == 12
    assert sum(len(f.observed) for f in findings) < 1500


def test_the_native_vlan_is_told() -> None:
    what = seen(PLAIN, made.pvst(5), made.tagged(made.pvst(1), 1), made.cdp(made.native(5)))
    assert what.native == (5,)
    assert {(unit.vlan, unit.tagged) for unit in what.bpdus} == {(5, None), (1, 1)}


def test_what_is_collected_is_bounded() -> None:
    frames = [made.dtp(domain=f"d{i}") for i in range(100)]
    frames += [made.stp(f"{i:012x}") for i in range(1000)]
    what = seen(*frames)
    assert len(what.dtp) == 32
    assert len(what.bpdus) == 256


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"listen": 0.5}, "between 1 s and 10 min"),
        ({"root": ROOT, "bpdu": "forbidden"}, "exclude each other"),
    ],
    ids=["too short", "root without BPDUs"],
)
def test_what_does_not_fit_is_refused(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Vlan(**params)
