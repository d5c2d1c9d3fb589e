"""`gonogo survey`: a floor is walked, its points are in the ledger, a run judges them, a map shows them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from PIL import Image

from agent.cli import main
from agent.files.load import load_plan
from agent.running import open_ledger
from agent.survey import looks
from checks.vantage import CannotTell
from checks.wire.wifi.air import Air, Heard

PROJECT = """\
gonogo: 1
project: {id: wifi, name: Wi-Fi, timezone: Europe/Zurich, cutover: 2030-12-05 22:30}
milestones: {wifi: {title: Heard everywhere, due: -3d, gate: {max_age: 5d}}}
checks:
  coverage: {type: wifi.coverage, milestone: wifi, ssid: Contoso, min_points: 2}
"""
SECOND = PROJECT + "  guests: {type: wifi.coverage, milestone: wifi, ssid: Guests}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("wifi.yaml").write_text(PROJECT)
    Image.new("RGB", (400, 200), "white").save("floor.png")
    return tmp_path


@pytest.fixture
def radio(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A radio that hears two access points at the levels it is told, one after the other."""
    levels: list[float] = []

    async def scan(_shared: object, _interface: str | None = None) -> Air:
        level = levels[0] if len(levels) == 1 else levels.pop(0)
        heard = tuple(
            Heard(
                bssid=f"00:1b:21:00:{n:02x}:10", ssid="Contoso", frequency_mhz=5180, channel=36, width_mhz=80,
                signal_dbm=level - 5 * n, quality_percent=None,
            )
            for n in range(2)
        )  # fmt: skip
        return Air(source="test", interface="wlan0", heard=heard)

    monkeypatch.setattr(looks, "scan", scan)
    return levels


def run(*words: str, code: int = 0, said: str | None = None) -> str:
    done = CliRunner().invoke(main, list(words), input=said)
    assert done.exit_code == code, done.output
    return done.output


def walk(*points: str, code: int = 0, plan: str = "floor.png") -> str:
    named = [word for point in points for word in ("--point", *point.split())]
    return run(
        "survey", "wifi.yaml", "--plan", plan, "--floor", "ground", "--by", "Ann Rey", *named, code=code
    )


def test_a_walk_a_run_and_a_heat_map(folder: Path, radio: list[float]) -> None:
    radio.append(-50.0)
    said = walk("desk 100 100", "door 300 100")
    assert "desk: strong, median -50 dBm of 5 looks (limit -67 dBm), a second access point -55 dBm." in said
    assert "ground: 2 points. The weakest:" in said
    assert "gonogo run wifi.yaml --only coverage" in said
    done = json.loads(run("run", "wifi.yaml", "--json"))
    assert done["verdict"] == "GO"
    [result] = done["results"]
    assert [point["name"] for point in result["observation"]["points"]] == ["desk", "door"]
    common = ("survey", "wifi.yaml", "--floor", "ground", "--plan", "floor.png")
    run(*common, "--export", "heat.svg", "--export", "heat.png")
    ElementTree.fromstring(Path("heat.svg").read_text("utf-8"))
    assert Image.open("heat.png").width == 400


def test_a_weak_corner_is_a_no_go_that_names_it(folder: Path, radio: list[float]) -> None:
    radio.append(-50.0)
    walk("desk 100 100", "door 300 100")
    radio[:] = [-74.0]
    assert "corner: weak, median -74 dBm" in walk("corner 390 190")
    done = json.loads(run("run", "wifi.yaml", "--json", code=4))
    [failed] = [f for f in done["results"][0]["findings"] if f["status"] == "fail"]
    assert (failed["subject"], failed["observed"]) == ("ground: corner", "-74 dBm")
    radio[:] = [-60.0]
    walk("corner 390 190")
    assert json.loads(run("run", "wifi.yaml", "--json"))["verdict"] == "GO"


def test_without_a_walk_it_is_incomplete_and_says_how(folder: Path) -> None:
    done = json.loads(run("run", "wifi.yaml", "--json", code=3))
    assert "gonogo survey FILE --check coverage" in done["results"][0]["findings"][0]["fix"]


def test_a_radio_that_only_remembers_stores_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def old(_shared: object, _interface: str | None = None) -> Air:
        return Air(source="nmcli", interface="wlan0", fresh=False, unread=("Scanning needs rights.",))

    monkeypatch.setattr(looks, "scan", old)
    assert "nmcli told only what the system remembers" in walk("desk 1 1", code=2)
    with open_ledger(Path("wifi.yaml"), load_plan(Path("wifi.yaml")), read_only=True) as ledger:
        assert ledger.survey("coverage") == []


def test_a_laptop_without_a_radio_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_shared: object, _interface: str | None = None) -> Air:
        raise CannotTell("This laptop has no radio.", "Use one that has.")

    monkeypatch.setattr(looks, "scan", none)
    assert "Nothing was stored for desk: This laptop has no radio. Use one that has." in walk(
        "desk 1 1", code=2
    )


WRONG = {
    "outside": (("desk 401 10",), "x is a number between 0 and 400"),
    "no plan": (("desk 1 1",), "none.png cannot be read"),
}


@pytest.mark.parametrize("slip", WRONG)
def test_slips(folder: Path, radio: list[float], slip: str) -> None:
    points, told = WRONG[slip]
    assert told in walk(*points, code=2, plan="none.png" if slip == "no plan" else "floor.png")


def test_more_slips(folder: Path, radio: list[float]) -> None:
    radio.append(-50.0)
    common = ("survey", "wifi.yaml", "--plan", "floor.png")
    assert "Say who walks" in run(*common, "--point", "desk", "1", "1", code=2)
    assert "The scale is written like" in run(*common, "--scale", "12m", code=2)
    assert "neither .svg nor .png" in run(*common, "--export", "heat.pdf", code=2)
    assert "There is no check 'covrage'" in run(*common, "--check", "covrage", code=2)
    assert "has no points" in run(*common, "--floor", "attic", "--export", "a.svg", code=2)
    walk("desk 1 1")
    Image.new("RGB", (400, 200), "grey").save("other.png")
    other = ("survey", "wifi.yaml", "--plan", "other.png", "--floor", "ground", "--export", "a.svg")
    assert "are not on other.png" in run(*other, code=2)
    Path("wifi.yaml").write_text(SECOND)
    assert "name one of coverage, guests with --check" in run("survey", "wifi.yaml", code=2)


def test_in_metres_without_a_plan(folder: Path, radio: list[float]) -> None:
    radio.append(-50.0)
    words = ("survey", "wifi.yaml", "--floor", "ground", "--by", "Ann Rey")
    run(*words, "--point", "desk", "2", "3", "--point", "door", "11", "4", "--export", "heat.png")
    assert Image.open("heat.png").height > 100
