"""The sensors of recorded devices against what a monitoring system made of them, differences explained."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from checks.device.sensors import read_sensors
from checks.device.stack import read_stack
from checks.vantage import CannotTell
from tests import recordings

GENERIC = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}
BESIDE = "Its value stands beside the state of the same part, in the same row."
OPTICS = "A transceiver's values of one vendor, without limits."
ELSEWHERE = {
    "apc": "A UPS: read by `ups`.", "apcUPS": "A UPS: read by `ups`.", "rfc1628": "A UPS: read by `ups`.",
    "eaton-mgeups": "A UPS: read by `ups`.", "upsBasicOutputStatus": "A UPS: read by `ups`.",
    "upsAdvBatteryReplaceIndicator": "A UPS: read by `ups`.", "upsBatteryStatusState": "A UPS: by `ups`.",
    "upsOutputSourceState": "A UPS: read by `ups`.", "hrDeviceStatus": "A printer: read by `printer`.",
    "hrPrinterDetectedErrorState": "A printer: read by `printer`.",
    "Door": "A contact of a UPS's card.", "Fan": "A contact of a UPS's card, named so by a person.",
    "entPhySensorTable": "The column that says whether a sensor works: part of the sensor's own state.",
    "awplus": BESIDE, "cisco": f"{BESIDE} (and a modem's)", "netgear": BESIDE,
    "arubaos-cx": f"{BESIDE} {OPTICS}", "swos": OPTICS, "routeros": "Values without state or limits.",
    "junos": "Values without limits, PoE loads, probes.", "avaya-ers": "A value without a limit.",
    "wlc": "An access point's value without a limit.", "ios": "PoE: read by switch.poe.",
    "iosxe": "PoE: read by switch.poe.", "POWER-ETHERNET-MIB::pethMainPseTable": "PoE: by switch.poe.",
    "cswRingRedundant": "Stack: read by switch.stack.", "cswSwitchRole": "Stack: by switch.stack.",
    "cswSwitchState": "Stack: by switch.stack.", "cswStackPortOperStatus": "Stack: by switch.stack.",
    "ARUBAWIRED-VSFv2-MIB::arubaWiredVsfv2MemberTable": "Stack: by switch.stack.",
    "ARUBAWIRED-VSFv2-MIB::arubaWiredVsfv2OperStatus": "Stack: by switch.stack.",
    "cRFStatusUnitState": "Redundancy of supervisors.", "cRFStatusPeerUnitState": "Redundancy.",
    "cRFCfgRedundancyOperMode": "Redundancy of supervisors.",
    "fortigate": "Tunnels and modems.", "sessions": "Sessions.", "fdLteSessConnStat": "A modem.",
    "fgVpnSslState": "A service.", "sophos-xg": "Tunnels.",
    "comware": "A temperature that every part of the box repeats, without the limit beside it.",
}  # fmt: skip
"""What is not among our sensors, by the other side's type, and why."""
PREFIXES = {
    "c3g": "A modem.",
    "cwce": "A modem.",
    "sfos": "Licences and clusters.",
    "upsmg": "A UPS: by `ups`.",
}
UNREADABLE = {"boss_ers3510": "It has 0 for all: the other side did not read this recording's states."}
"""Recordings whose states differ, and why."""


def sides(name: str) -> tuple[dict[str, Any], dict[str, Any], dict[tuple[str, int], int]]:
    recording = recordings.Recording.of(recordings.FOLDER / f"{name}.snmprec")
    ours = {one.oid: one for one in asyncio.run(read_sensors(recordings.device(recording)))}
    text = (recordings.FOLDER / f"{name}.json").read_text("utf-8")
    found = json.loads(text).get("sensors", {}).get("discovery", {})
    theirs = {one["sensor_oid"].strip("."): one for one in found.get("sensors", [])}
    words = {
        (row["state_name"], row["state_value"]): row["state_generic_value"]
        for row in found.get("state_indexes", [])
    }
    return ours, theirs, words


@pytest.mark.parametrize("name", recordings.names())
def test_sensors_agree(name):
    ours, theirs, words = sides(name)
    different = []
    for place in ours.keys() & theirs.keys():
        mine, other = ours[place], theirs[place]
        if other["sensor_class"] == "state":
            generic = GENERIC.get(words.get((other["sensor_type"], other["sensor_current"])), "none")
            agrees = generic == mine.state or (generic == "unknown" and mine.state == "absent")
        else:
            agrees = mine.value is not None and abs(mine.value - other["sensor_current"]) < 1e-3
        if not agrees:
            different.append((place, mine.said, other["sensor_current"]))
    assert bool(different) == (name in UNREADABLE), different


@pytest.mark.parametrize("name", recordings.names())
def test_what_is_not_among_ours_is_explained(name):
    ours, theirs, _ = sides(name)
    unexplained = [
        (other["sensor_type"], other["sensor_descr"])
        for place, other in theirs.items()
        if place not in ours
        and other["sensor_type"] not in ELSEWHERE
        and not other["sensor_type"].startswith(tuple(PREFIXES))
    ]
    assert not unexplained


@pytest.mark.skipif("ios_2960x" not in recordings.names(), reason="No recordings lie beside the repository.")
async def test_a_recorded_stack():
    stack = await read_stack(
        recordings.device(recordings.Recording.of(recordings.FOLDER / "ios_2960x.snmprec"))
    )
    assert [(one.number, one.role, one.ready) for one in stack.members] == [
        (1, "master", True), (2, "member", True), (3, "member", True),
    ]  # fmt: skip
    assert stack.ring is True
    assert len(stack.ports) == 6


@pytest.mark.parametrize("name", recordings.names())
async def test_no_recording_breaks_the_readers(name):
    device = recordings.device(recordings.Recording.of(recordings.FOLDER / f"{name}.snmprec"))
    with contextlib.suppress(CannotTell):
        assert (await read_stack(device)).members
