"""printer: what a printer says, judged from tables of observations; never a pass for what it does not say."""

from __future__ import annotations

import dataclasses
import json

import pytest

from checks import jsonable
from checks.contract import Status, worst
from checks.device.printer import Alert, Supply, errors_of, read_printer, text_of
from checks.device.values import oid
from checks.printer import Printer, PrinterSeen
from checks.vantage import CannotTell
from tests import recordings
from tests.beside import DATA


def supply(kind="toner", percent=50.0, level="measured", receptacle=False, description="Black"):
    return Supply(
        index="1.1", description=description, kind=kind, receptacle=receptacle, level=level,
        level_percent=percent,
    )  # fmt: skip


def waste(percent=20.0, level="measured"):
    return supply("waste toner", percent, level, receptacle=True, description="Waste box")


def alert(code, severity="critical", description="Look"):
    return Alert(severity=severity, code=code, description=description)


WELL = PrinterSeen(
    name="printer:161", model="Laser", serial="X1", status="running", printer_status="idle", errors=(),
    supplies=(supply(), supply("input", None, "some", description="Tray 1")), alerts=(), keeps_alerts=False,
)  # fmt: skip
CHECK = Printer(host="192.0.2.40", community="public")


def judged(**changes):
    return list(CHECK.judge(dataclasses.replace(WELL, **changes)))


def status(**changes):
    return worst(finding.status for finding in judged(**changes))


def test_a_healthy_printer_passes():
    assert status() is Status.PASS


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"errors": ("no toner",), "status": "down"}, Status.FAIL),
        ({"errors": ("jammed",), "status": "running"}, Status.FAIL),
        ({"errors": ("low paper",), "status": "warning"}, Status.WARN),
        ({"errors": ("overdue preventive maintenance",)}, Status.WARN),
        ({"status": "down", "printer_status": "other"}, Status.FAIL),
        ({"status": "down", "printer_status": "warmup"}, Status.WARN),
        ({"status": "warning"}, Status.WARN),
        ({"status": "unknown", "errors": None}, Status.INCONCLUSIVE),
        ({"status": "unknown", "printer_status": "unknown"}, Status.INCONCLUSIVE),
        ({"status": "unknown", "printer_status": "idle"}, Status.PASS),
        ({"supplies": ()}, Status.INCONCLUSIVE),
        ({"supplies": (supply("input", 100.0),)}, Status.INCONCLUSIVE),
        ({"supplies": (supply(percent=0.0),)}, Status.FAIL),
        ({"supplies": (supply(percent=9.0),)}, Status.FAIL),
        ({"supplies": (supply(percent=10.0),)}, Status.PASS),
        ({"supplies": (supply(), supply("drum", 5.0))}, Status.WARN),
        ({"supplies": (supply(), supply("drum", 0.0))}, Status.FAIL),
        ({"supplies": (supply("drum", 50.0),)}, Status.INCONCLUSIVE),
        ({"supplies": (supply("drum", None, level="unknown"),)}, Status.INCONCLUSIVE),
        ({"supplies": (supply("other", 50.0),)}, Status.PASS),
        ({"supplies": (supply(percent=None, level="unknown"),)}, Status.INCONCLUSIVE),
        ({"supplies": (supply(percent=None, level="some"),)}, Status.PASS),
        ({"supplies": (supply(percent=None, level="some"),), "errors": None}, Status.INCONCLUSIVE),
        ({"supplies": (supply(percent=None, level="some"),), "errors": ("low toner",)}, Status.INCONCLUSIVE),
        ({"alerts": (alert(8),)}, Status.FAIL),
        ({"alerts": (alert(8, "warning"),)}, Status.WARN),
        ({"alerts": (alert(507),)}, Status.PASS),
    ],
    ids=str,
)
def test_one_thing(changes, wanted):
    assert status(**changes) is wanted


@pytest.mark.parametrize(
    ("container", "changes", "wanted"),
    [
        (waste(95.0), {}, Status.FAIL),
        (waste(100.0), {"errors": None}, Status.FAIL),
        (waste(100.0), {"keeps_alerts": True}, Status.WARN),
        (waste(100.0), {"keeps_alerts": True, "errors": ("service requested",)}, Status.FAIL),
        (waste(50.0), {}, Status.PASS),
        (waste(3.0), {}, Status.PASS),
        (waste(3.0), {"errors": None}, Status.INCONCLUSIVE),
        (waste(3.0), {"errors": ("service requested",)}, Status.INCONCLUSIVE),
        (waste(3.0), {"keeps_alerts": True, "alerts": (alert(1109),)}, Status.FAIL),
        (waste(3.0), {"keeps_alerts": True, "alerts": (alert(1107, "warning"),)}, Status.WARN),
        (waste(None, "some"), {}, Status.PASS),
        (waste(None, "some"), {"alerts": (alert(1110),)}, Status.FAIL),
        (waste(None, "unknown"), {}, Status.INCONCLUSIVE),
        (waste(None, "unknown"), {"keeps_alerts": True}, Status.PASS),
    ],
    ids=str,
)
def test_a_waste_container_is_bad_when_it_is_full(container, changes, wanted):
    findings = judged(supplies=(supply(), container), **changes)
    assert worst(f.status for f in findings if f.subject.endswith("Waste box")) is wanted


def test_toner_out_and_waste_full_are_told_apart():
    [out] = [f for f in judged(supplies=(supply(percent=0.0), waste(10.0))) if f.status is Status.FAIL]
    [full] = [f for f in judged(supplies=(supply(), waste(97.0))) if f.status is Status.FAIL]
    assert (out.subject, full.subject) == ("printer:161: Black", "printer:161: Waste box")
    assert "used up" in out.message
    assert "full" in full.message


def test_a_waste_alert_without_a_waste_supply_is_told():
    [told] = [f for f in judged(alerts=(alert(1109),)) if f.status is Status.FAIL]
    assert "waste container" in told.subject


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"", None),
        (None, None),
        (b"\x00", ()),
        (b"\x00\x00", ()),
        (b"\x10", ("no toner",)),
        (b"\x50\x00", ("no paper", "no toner")),
        (b"\x00\x20", ("marker supply missing",)),
        (b"\x00\x01", ()),
        (b"\x80\x00\xff\xff", ("low paper",)),
        (0, ()),
        (16, ("no toner",)),
        (70000, None),
        ((1, 3), None),
    ],
    ids=str,
)
def test_detected_errors_in_one_or_two_octets(value, wanted):
    assert errors_of(value) == wanted


def agent(level=50, most=100, unit=19, klass=3, kind=3, maker="1.3.6.1.4.1.11.2.3.9.1", **more):
    cells = {"4": klass, "5": kind, "6": b"Black", "7": unit, "8": most, "9": level}
    objects = {oid(f"1.3.6.1.2.1.43.11.1.1.{arc}.1.1"): v for arc, v in cells.items() if v is not None}
    host = {
        "1.3.6.1.2.1.1.2.0": oid(maker), "1.3.6.1.2.1.25.3.2.1.2.1": oid("1.3.6.1.2.1.25.3.1.5"),
        "1.3.6.1.2.1.25.3.2.1.5.1": 2, "1.3.6.1.2.1.25.3.5.1.1.1": 3, "1.3.6.1.2.1.25.3.5.1.2.1": b"\0",
    } | more  # fmt: skip
    return recordings.device(recordings.Recording(objects | {oid(key): v for key, v in host.items()}))


@pytest.mark.parametrize(
    ("values", "level", "percent"),
    [
        ({}, "measured", 50.0),
        ({"level": 1060, "most": 5300, "unit": 7}, "measured", 20.0),
        ({"level": -3}, "some", None),
        ({"level": -2}, "unknown", None),
        ({"level": -1}, "unlimited", None),
        ({"level": 60, "most": -2}, "measured", 60.0),
        ({"level": 60, "most": -2, "unit": 13}, "unknown", None),
        ({"level": 60, "most": 0, "unit": None}, "measured", 60.0),
        ({"level": 600, "most": -2, "unit": None}, "unknown", None),
        ({"level": 300, "most": 100}, "unknown", None),
        ({"level": 105, "most": 100}, "measured", 105.0),
        ({"level": 0, "most": 100}, "measured", 0.0),
        ({"level": 0, "most": -2, "maker": "1.3.6.1.4.1.2435.2.3.9.1"}, "unknown", None),
        ({"level": -100, "maker": "1.3.6.1.4.1.367.1.1"}, "measured", 0.0),
        ({"level": -100}, "unknown", None),
        ({"level": b"x"}, "unknown", None),
    ],
    ids=str,
)
async def test_levels_that_agents_send(values, level, percent):
    [found] = (await read_printer(agent(**values))).supplies
    assert (found.level, found.level_percent) == (level, percent)


@pytest.mark.parametrize(
    ("klass", "kind", "wanted"),
    [(4, 4, True), (4, 3, True), (3, 4, False), (None, 4, True), (None, 3, False), (None, 8, True)],
)
async def test_what_fills_is_known_by_class_then_by_type(klass, kind, wanted):
    [found] = (await read_printer(agent(klass=klass, kind=kind))).supplies
    assert found.receptacle is wanted


async def test_the_printer_s_own_row_is_taken_of_a_device_with_scanner_and_fax():
    rows = {
        "1.3.6.1.2.1.25.3.2.1.2.1": oid("1.3.6.1.2.1.25.3.1.3"), "1.3.6.1.2.1.25.3.2.1.5.1": 5,
        "1.3.6.1.2.1.25.3.2.1.2.2": oid("1.3.6.1.2.1.25.3.1.5"), "1.3.6.1.2.1.25.3.2.1.5.2": 3,
        "1.3.6.1.2.1.25.3.5.1.1.2": 4,
    }  # fmt: skip
    printer = await read_printer(agent(**rows))
    assert printer.status in ("down", "warning")
    only = agent(**rows)
    for column in ("1", "2"):
        del only.agent.objects[oid(f"1.3.6.1.2.1.25.3.5.1.{column}.1")]
    printer = await read_printer(recordings.device(recordings.Recording(only.agent.objects)))
    assert (printer.status, printer.printer_status) == ("warning", "printing")


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"Black Toner, PN 006R01509;SN48178080E0000481", "Black Toner"),
        (b"Black Cartridge\n48 50 20 00", "Black CartridgeHP"),
        ("Tambour récupéré".encode("latin-1"), "Tambour récupéré"),
        (b"Toner\0\0", "Toner"),
        (7, ""),
    ],
    ids=str,
)
def test_names_that_agents_send(raw, wanted):
    assert text_of(raw) == wanted


async def test_a_device_that_is_no_printer_is_not_judged():
    only = recordings.Recording({oid("1.3.6.1.2.1.1.2.0"): oid("1.3.6.1.4.1.9.1.1208")})
    with pytest.raises(CannotTell, match="nothing that a printer says"):
        await read_printer(recordings.device(only))


def test_an_observation_survives_json():
    stored = json.loads(json.dumps(jsonable.to_json(WELL)))
    assert jsonable.from_json(PrinterSeen, stored) == WELL
    assert stored["supplies"][0]["level_percent"] == 50.0


SOME_LEFT = {
    ("jetdirect_m252dw", "Tray 2"): "Level -3 says only that there is some: no percentage; there 50."
}
"""Where a monitoring system's view differs, and why."""


@pytest.mark.skipif(not (DATA / "snmp").is_dir(), reason="No recordings lie beside the repository.")
@pytest.mark.parametrize("name", ["jetdirect_m252dw"])
async def test_recorded_printers_agree_with_what_a_monitoring_system_made_of_them(name):
    printer = await read_printer(
        recordings.device(recordings.Recording.of(DATA / "snmp" / f"{name}.snmprec"))
    )
    rows = json.loads((DATA / "snmp" / f"{name}.json").read_text("utf-8"))["printer-supplies"]["discovery"]
    theirs = {row["supply_descr"]: row["supply_current"] for row in rows["printer_supplies"]}
    ours = {one.description: one.level_percent for one in printer.supplies if one.level != "unknown"}
    assert theirs.keys() == ours.keys()
    different = {(name, key) for key in theirs if ours[key] != theirs[key]}
    assert different == {key for key in SOME_LEFT if key[0] == name}


async def test_a_supply_whose_level_is_hidden_is_there():
    whole = agent(level=50)
    row = oid("1.3.6.1.2.1.43.11.1.1.6.1.2")
    device = recordings.device(recordings.Recording({**whole.agent.objects, row: b"Cyan"}))
    supplies = (await read_printer(device)).supplies
    assert [(one.description, one.level) for one in supplies] == [("Black", "measured"), ("Cyan", "unknown")]
