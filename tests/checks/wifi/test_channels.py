"""wifi.channels: who is on our channel, how wide and how busy it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checks.wifi.channels import Channels
from tests.checks.wifi.looks import judged, statuses, worst
from tests.checks.wire.wifi.beacons import OTHERS, WPA2, air, heard, ht, load, vht

OURS = "f0:9f:c2:00:00:01"


def plan(**fields: Any) -> Channels:
    return Channels(**{"ssid": "Office", **fields})


def on(
    channel: int,
    *more: bytes,
    ssid: str = "Office",
    bssid: str = OURS,
    signal: float | None = -55.0,
    **fields,
):
    """Return an access point on a channel of 2.4 or 5 GHz; `more` are elements behind HT Operation."""
    mhz = 2407 + 5 * channel if channel < 15 else 5000 + 5 * channel
    first = () if any(one[:1] == b"\x3d" for one in more) else (ht(channel),)
    return heard(
        ssid, WPA2, bssid, signal=signal, more=b"".join((*first, *more)), frequency_mhz=mhz, channel=channel,
        **fields,
    )  # fmt: skip


def in_words(**fields):
    return heard(elements=b"", security="WPA2-Personal", **fields)


def others(channel: int, count: int, signal: float | None = -70.0, *more: bytes):
    return [
        on(channel, *more, ssid=f"N{n}", bssid=f"02:00:00:00:{n:02x}:00", signal=signal) for n in range(count)
    ]


GOOD = {
    "alone": ([on(36)], {}), "as many as allowed": ([on(36), *others(36, 3)], {}),
    "on other channels": ([on(36), *others(44, 9)], {}), "whispers": ([on(36), *others(36, 9, -86.0)], {}),
    "one radio's many networks": (
        [on(36), *(on(36, ssid=f"N{n}", bssid=f"{n:02x}:9f:c2:00:00:0{n}") for n in range(9))],
        {"max_co_channel": 0},
    ),
    "as one foreign radio's many networks": (
        [on(36), *(on(36, ssid=f"N{n}", bssid=f"02:11:22:33:44:5{n}") for n in range(9))],
        {"max_co_channel": 1},
    ),
    "1, 6 and 11": ([on(1), on(6, bssid=OURS[:-1] + "2"), on(11, bssid=OURS[:-1] + "3")], {}),
    "as wide as planned": ([on(36, ht(36, 40), vht(1, 42))], {"max_width": {"5": 80}}),
    "not busy": ([on(36, load(3, 127))], {}),
    "a part of the width": ([on(36, ht(36, 40), vht(1, 42)), *others(44, 5)], {}),
    "the width of another band is not planned": ([on(36, ht(36, 40))], {"max_width": {"2.4": 20}}),
}  # fmt: skip


@pytest.mark.parametrize("way", GOOD)
async def test_good(way, monkeypatch):
    networks, asked = GOOD[way]
    findings = await judged(plan(**asked), air(*networks), monkeypatch)
    assert worst(findings) == "pass", findings


BAD = {
    "one too many": ([on(36), *others(36, 4)], {}, "4 other radios"),
    "exactly as loud as counts": ([on(36), *others(36, 4, -85.0)], {}, "4 other radios"),
    "our own, too": (
        [on(36), *(on(36, bssid=f"f0:9f:c2:00:0{n}:00") for n in range(1, 3))], {"max_co_channel": 1},
        "2 other radios",
    ),
    "too wide": ([on(36, ht(36, 40), vht(1, 42))], {"max_width": {"5": 40}}, "80 MHz wide"),
    "too busy": ([on(36, load(30, 128))], {}, "busy 50.2 %"),
}  # fmt: skip


@pytest.mark.parametrize("way", BAD)
async def test_bad(way, monkeypatch):
    networks, asked, words = BAD[way]
    findings = await judged(plan(**asked), air(*networks), monkeypatch)
    assert statuses(findings)[f"Office at {OURS}"] == "fail", findings
    assert any(words in one.message for one in findings if one.status.value == "fail")


WARNED = {
    "channel 3": ([on(3)], {}, "1, 6 and 11"),
    "40 MHz of 2.4": ([on(1, ht(1, 40))], {}, "40 MHz of 2.4"),
    "a neighbour on channel 3": ([on(1), *others(3, 1)], {}, "overlap it from other channels"),
}


@pytest.mark.parametrize("way", WARNED)
async def test_warned(way, monkeypatch):
    networks, asked, words = WARNED[way]
    findings = await judged(plan(**asked), air(*networks), monkeypatch)
    assert worst(findings) == "warn"
    assert any(words in one.message for one in findings if one.status.value == "warn")


UNCERTAIN = {
    "nothing heard": (air(), {}),
    "ours is not heard": (air(*OTHERS), {}),
    "redacted": (air(redacted=True), {}),
    "only remembered": (air(on(36), *others(44, 2), fresh=False), {}),
    "no channel told": (air(in_words(frequency_mhz=None, channel=None)), {}),
    "neighbours without a signal": (air(on(36), *others(36, 4, None)), {}),
    "no width told": (
        air(in_words(frequency_mhz=5180, channel=36)), {"max_width": {"5": 40}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", UNCERTAIN)
async def test_uncertain(way, monkeypatch):
    look, asked = UNCERTAIN[way]
    assert worst(await judged(plan(**asked), look, monkeypatch)) == "inconclusive"


async def test_dfs_is_told(monkeypatch):
    findings = await judged(plan(), air(on(100)), monkeypatch)
    assert "DFS" in findings[0].message
    assert "DFS" not in (await judged(plan(), air(on(36)), monkeypatch))[0].message


def test_bands_of_the_widths_are_written_as_people_do():
    from pydantic import TypeAdapter

    made = TypeAdapter(Channels).validate_json('{"ssid": "x", "max_width": {"2.4 GHz": 20, "5": 40}}')
    assert made.max_width == {"2.4": 20, "5": 40}


async def test_an_air_that_was_read_in_part_may_be_crowded(monkeypatch):
    part = air(on(36), unread=("Some elements could not be read.",))
    assert worst(await judged(plan(), part, monkeypatch)) == "inconclusive"


async def test_others_of_which_no_channel_is_told_may_be_on_ours(monkeypatch):
    unknown = [
        dataclasses.replace(one, channel=None, frequency_mhz=None, elements=b"") for one in others(36, 4)
    ]
    assert worst(await judged(plan(), air(on(36), *unknown), monkeypatch)) == "inconclusive"
    assert worst(await judged(plan(), air(on(36), *unknown[:3]), monkeypatch)) == "pass"
