"""Heat maps: well-formed, with the plan, blank where nobody measured, harmless whatever points are called."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from agent.survey import field as fields
from agent.survey.field import Sample
from agent.survey.floor import NoPlan, parse_scale, read_plan
from agent.survey.picture import HeatMap, png, svg

GREY = (200, 200, 200)


@pytest.fixture
def plan(tmp_path: Path):
    Image.new("RGB", (400, 200), GREY).save(tmp_path / "floor.png")
    return read_plan(tmp_path / "floor.png")


def heat(plan, *samples: Sample, metres: float | None = 0.1) -> HeatMap:
    return HeatMap(
        title="Contoso, ground", samples=samples, limit=-67.0, width=400, height=200,
        metres_per_pixel=metres, plan=plan,
    )  # fmt: skip


def shade(colour: str) -> tuple[int, ...]:
    """Return a class's colour over the grey plan, at half its strength."""
    number = int(colour[1:], 16)
    return tuple(
        round((c + g) / 2) for c, g in zip((number >> 16, number >> 8 & 255, number & 255), GREY, strict=True)
    )


def near(pixel: tuple[int, ...], colour: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 3 for a, b in zip(pixel, colour, strict=True))


def test_the_png_has_the_plan_the_levels_and_blank_ground(plan):
    picture = Image.open(
        io.BytesIO(png(heat(plan, Sample("desk", 100, 150, -50.0), Sample("x", 330, 150, -85.0))))
    )
    assert picture.width == 400
    assert picture.height > 200
    assert near(picture.getpixel((100, 180)), shade(fields.STRONG.colour))
    assert near(picture.getpixel((330, 180)), shade(fields.TOO_WEAK.colour))
    assert picture.getpixel((215, 20)) == GREY, "nobody measured there"


def test_the_svg_is_well_formed_and_complete(plan):
    hostile = '"/><script>alert(1)</script>\x1b[31m\x00&amp;'
    text = svg(heat(plan, Sample(hostile, 100, 150, -50.0), Sample("corner", 330, 150, None)))
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert not root.findall(f".//{space}script")
    assert "\x1b" not in text
    said = [one.text or "" for one in root.findall(f"{space}text")]
    assert any("corner not heard" in one for one in said)
    assert any("-50 dBm" in one for one in said)
    assert any(one.startswith("enough: -67 dBm") for one in said)
    [image] = root.findall(f"{space}image")
    assert image.get("href").startswith("data:image/png;base64,")
    colours = {one.get("fill") for one in root.findall(f"{space}g/{space}rect")}
    assert colours == {fields.STRONG.colour, fields.TOO_WEAK.colour}


def test_without_a_plan_the_floor_is_white():
    picture = Image.open(io.BytesIO(png(heat(None, Sample("desk", 100, 100, -50.0)))))
    assert picture.getpixel((picture.width - 2, 2)) == (255, 255, 255)
    assert "<image" not in svg(heat(None, Sample("desk", 100, 100, -50.0)))


def test_what_is_no_plan(tmp_path):
    for name, data in {
        "text.png": b"no picture",
        "empty.png": b"",
        "cut.png": b"\x89PNG\r\n\x1a\n\0\0",
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(NoPlan, match=name):
            read_plan(tmp_path / name)
    with pytest.raises(NoPlan, match="cannot be read"):
        read_plan(tmp_path / "none.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.gif")
    with pytest.raises(NoPlan, match="no PNG or JPEG"):
        read_plan(tmp_path / "a.gif")


def test_scales():
    assert parse_scale("100,80 600,80 = 12.5m") == pytest.approx(0.025)
    assert parse_scale("0,0 30,40=5 m") == pytest.approx(0.1)
    for wrong in ("", "12.5m", "1,1 1,1 = 5m", "0,0 3,4 = 0m", "a,b c,d = 5m"):
        with pytest.raises(ValueError, match="scale"):
            parse_scale(wrong)
