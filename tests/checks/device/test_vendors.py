"""What vendors write into sysDescr: model and firmware are found in it; and patterns end on any text."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.device.inventory import read_inventory
from checks.device.values import oid
from checks.device.vendors import _TABLE, UNKNOWN, enterprise, places, vendor
from tests.checks.device.fixtures import made, rows


def told(number, descr, *more):
    group = {
        oid("1.3.6.1.2.1.1.1.0"): descr.encode(),
        oid("1.3.6.1.2.1.1.2.0"): oid(f"1.3.6.1.4.1.{number}.1.1"),
    }
    found = asyncio.run(made(group, *more).read(read_inventory))
    return found.model, found.firmware


@pytest.mark.parametrize(
    ("number", "descr", "model", "firmware"),
    [
        (9, "Cisco NX-OS(tm) n5000, Software (n5000-uk9), Version 7.0(8)N1(1), RELEASE", "", "7.0(8)N1(1)"),
        (
            11,
            "Aruba JL255A 2930F-24G-PoE+-4SFP+ Switch, revision WC.16.08.0001, ROM WC.16.01.0005",
            "JL255A 2930F-24G-PoE+-4SFP+",
            "WC.16.08.0001",
        ),
        (
            1916,
            "ExtremeXOS (X440G2-24p-10G4) version 30.7.1.1 by release-manager",
            "X440G2-24p-10G4",
            "30.7.1.1",
        ),
        (
            1991,
            "Ruckus Wireless, Inc. Stacking System ICX7150-48-POEF, IronWare Version 08.0.92T213 Compiled",
            "ICX7150-48-POEF",
            "08.0.92T213",
        ),
        (
            2011,
            (
                "S5720-28X-SI-AC Huawei Versatile Routing Platform Software VRP (R) software,Version 5.170 "
                "(S5720 V200R019C00SPC500)"
            ),
            "S5720-28X-SI-AC",
            "V200R019C00SPC500",
        ),
        (
            2356,
            "LANCOM L-310agn Wireless 8.60.0189 / 02.04.2012 111211800199",
            "LANCOM L-310agn Wireless",
            "8.60.0189 / 02.04.2012",
        ),
        (
            2636,
            "Juniper Networks, Inc. qfx5100-48s-6q Ethernet Switch, kernel JUNOS 18.4R2-S5.4, Build",
            "qfx5100-48s-6q",
            "18.4R2-S5.4",
        ),
        (
            4526,
            "GS724Tv4 ProSafe 24-port Gigabit Ethernet Smart Switch, 6.3.1.4, B1.0.0.4",
            "GS724Tv4",
            "6.3.1.4",
        ),
        (
            6027,
            (
                "Dell Networking OS Operating System Version: 2.0 Application Software Version: 9.9(0.0P9) "
                "Series: S4048-ON"
            ),
            "S4048-ON",
            "9.9(0.0P9)",
        ),
        (6486, "Alcatel-Lucent OS6860E-P48 8.5.196.R02 GA, June 27, 2018.", "OS6860E-P48", "8.5.196.R02"),
        (12356, "", "", ""),
        (14988, "RouterOS CRS326-24G-2S+", "CRS326-24G-2S+", ""),
        (25461, "Palo Alto Networks PA-220 series firewall", "PA-220", ""),
        (
            25506,
            (
                "H3C Comware Platform Software, Software Version 7.1.070 Release 2612P01\r\n"
                "H3C S5130S-28S-EI\r\nCopyright"
            ),
            "S5130S-28S-EI",
            "7.1.070",
        ),
        (
            30065,
            "Arista Networks EOS version 4.20.5F running on an Arista Networks DCS-7050SX-64",
            "DCS-7050SX-64",
            "4.20.5F",
        ),
        (99999, "A switch, Version 1.2.3, of nobody", "", "1.2.3"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_sys_descr_tells(number, descr, model, firmware):
    assert told(number, descr) == (model, firmware)


@pytest.mark.parametrize(
    ("number", "descr", "objects", "wanted"),
    [
        (253, "Xerox VersaLink C400; SS 1.2.3", {}, ("VersaLink C400", "", "")),
        (253, "Xerox (R) WorkCentre 3025;OS 1.4", {}, ("WorkCentre 3025", "", "")),
        (
            2435,
            "Brother NC-9000h, Firmware Ver.1.09",
            {"2435.2.3.9.4.2.1.5.5.1.0": b"E7", "2435.2.4.3.1240.6.5.0": b"Firmware Ver.ZC"},
            ("", "E7", "ZC"),
        ),
        (2435, "Brother NC-9000h, Firmware Ver.1.09", {}, ("", "", "1.09")),
        (
            683,
            "A print server",
            {"10642.1.1.0": b"ZT-9", "10642.1.2.0": b"V9.1Z", "10642.1.4.0": b"S4"},
            ("ZT-9", "S4", "V9.1Z"),
        ),
        (
            4555,
            "Net Vision v6.1",
            {
                f"4555.1.1.1.1.1.{place}.0": word
                for place, word in enumerate((b"M-33", b"2.0", b"6", b"S5"), 1)
            },
            ("M-33", "S5", "2.0"),
        ),
    ],
    ids=["xerox", "xerox-r", "brother", "brother-print-server", "zebra", "socomec"],
)
def test_what_printers_and_power_supplies_tell(number, descr, objects, wanted):
    group = {
        oid("1.3.6.1.2.1.1.1.0"): descr.encode(),
        oid("1.3.6.1.2.1.1.2.0"): oid(f"1.3.6.1.4.1.{number}.1.1"),
    }
    found = asyncio.run(made(group, rows("1.3.6.1.4.1", objects)).read(read_inventory))
    assert (found.model, "".join(found.serials), found.firmware) == wanted


def test_the_entity_mib_counts_where_sys_descr_is_silent():
    chassis = rows("1.3.6.1.2.1.47.1.1.1.1.5", {"1": 3}) | rows("1.3.6.1.2.1.47.1.1.1.1.13", {"1": b"X-1"})
    assert told(99999, "", chassis)[0] == "X-1"


@pytest.mark.parametrize(
    ("object_id", "number", "name"),
    [
        ("1.3.6.1.4.1.9.1.1208", 9, "Cisco"), ("1.3.6.1.4.1.25506.11", 25506, "H3C"),
        ("1.3.6.1.4.1", None, ""), ("", None, ""), ("1.3.6.1.4.1.99999", 99999, ""),
        ("1.3.6.1.4.1.x", None, ""),
    ],
)  # fmt: skip
def test_vendors(object_id, number, name):
    assert (enterprise(object_id), vendor(object_id)) == (number, name)
    assert places(object_id) is _TABLE.get(number, UNKNOWN)


PATTERNS = sorted(
    {
        place.partition("~")[2]
        for one in (*_TABLE.values(), UNKNOWN)
        for place in (*one.model, *one.serial, *one.firmware)
        if "~" in place
    }
)


def test_every_place_can_be_read():
    for one in (*_TABLE.values(), UNKNOWN):
        for place in (*one.model, *one.serial, *one.firmware):
            where, _, pattern = place.partition("~")
            assert where in ("descr", "entity") or oid(where.removesuffix(".*"))
            assert not pattern or re.compile(pattern).groups == 1
            assert not re.search(r"[*+]\)[*+]|(?<!\\)[*+](?![?)])", pattern), "unbounded"


@given(st.text(max_size=1024))
def test_patterns_end_on_any_text(written):
    for pattern in PATTERNS:
        re.search(pattern, written)


@pytest.mark.parametrize("piece", ["Version 1", "(V200R", "A1-", "\n", "[", " 1.1", "HP "])
def test_patterns_end_on_text_that_nearly_fits(piece):
    for pattern in PATTERNS:
        re.search(pattern, (piece * 1024)[:1024])
