"""A heat map as SVG and PNG: the floor plan, the levels over it, the points with their values, a legend."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from agent.survey.field import BANDS, Field, Sample, band, field, radius_of, words
from agent.survey.floor import FloorPlan
from checks.dataclass import dataclass
from checks.safe import safe

LEGEND_SHARE = 0.16
_OPACITY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """What a picture shows: a floor, its points and the limit of the check."""

    title: str
    samples: Sequence[Sample]
    limit: float
    width: float
    height: float
    metres_per_pixel: float | None
    plan: FloorPlan | None

    def levels(self) -> Field:
        """Return the grid over the floor."""
        radius = radius_of(self.width, self.height, self.metres_per_pixel)
        return field(self.samples, self.width, self.height, radius)


def value(sample: Sample) -> str:
    """Return what stands beside a point."""
    return "not heard" if sample.level is None else f"{sample.level:.0f} dBm"


def svg(heat: HeatMap) -> str:
    """Return the heat map as one SVG document that needs nothing else."""
    grid, width, height = heat.levels(), heat.width, heat.height
    unit = max(width, height) / 60
    foot = height * LEGEND_SHARE + unit * 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height + foot:g}"',
        f' font-family="sans-serif" font-size="{unit:g}">',
        f"<title>{_text(heat.title)}</title>",
        f'<rect width="{width:g}" height="{height + foot:g}" fill="#ffffff"/>',
    ]
    if heat.plan is not None:
        data = base64.b64encode(heat.plan.data).decode("ascii")
        parts.append(
            f'<image width="{width:g}" height="{height:g}" href="data:{heat.plan.mime};base64,{data}"/>'
        )
    parts.append(f'<g fill-opacity="{_OPACITY}">')
    for r, row in enumerate(grid.values):
        for c, level in enumerate(row):
            if level is not None:
                parts.append(
                    f'<rect x="{c * grid.cell:g}" y="{r * grid.cell:g}" width="{grid.cell:g}" '
                    f'height="{grid.cell:g}" fill="{band(level, heat.limit).colour}"/>'
                )
    parts.append("</g>")
    parts += [
        f'<circle cx="{sample.x:g}" cy="{sample.y:g}" r="{unit / 3:g}" fill="#000000" stroke="#ffffff"/>'
        f'<text x="{sample.x + _aside(sample, heat, unit):g}" y="{sample.y - unit / 2:g}" stroke="#ffffff" '
        f'stroke-width="{unit / 5:g}" paint-order="stroke" '
        f'text-anchor="{_anchor(sample, heat)}">{_text(sample.name)} {value(sample)}</text>'
        for sample in heat.samples
    ]
    parts.append(f'<text x="{unit:g}" y="{height + unit * 1.6:g}">{_text(heat.title)}</text>')
    for number, (kind, said) in enumerate(words(heat.limit).items()):
        top = height + unit * (2.4 + 1.5 * number)
        parts.append(
            f'<rect x="{unit:g}" y="{top:g}" width="{unit:g}" height="{unit:g}" fill="{kind.colour}"/>'
            f'<text x="{unit * 2.5:g}" y="{top + unit * 0.9:g}">{kind.word}: {_text(said)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def png(heat: HeatMap) -> bytes:
    """Return the heat map as PNG."""
    from PIL import Image, ImageDraw

    zoom = 1.0 if heat.plan is not None else max(1.0, 960 / heat.width)
    size = round(heat.width * zoom), round(heat.height * zoom)
    text = max(12, round(max(size) / 60))
    ground = heat.plan.image() if heat.plan is not None else Image.new("RGB", size, "white")
    grid, veil = heat.levels(), Image.new("RGBA", size, (0, 0, 0, 0))
    paint = ImageDraw.Draw(veil)
    side = grid.cell * zoom
    for r, row in enumerate(grid.values):
        for c, level in enumerate(row):
            if level is not None:
                box = (c * side, r * side, (c + 1) * side - 1, (r + 1) * side - 1)
                paint.rectangle(box, fill=(*_rgb(band(level, heat.limit).colour), int(255 * _OPACITY)))
    shown = Image.alpha_composite(ground.convert("RGBA"), veil).convert("RGB")
    sheet = Image.new("RGB", (size[0], size[1] + text * (3 + 2 * len(BANDS))), "white")
    sheet.paste(shown, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for sample in heat.samples:
        x, y, r = sample.x * zoom, sample.y * zoom, max(2, text // 3)
        draw.ellipse((x - r, y - r, x + r, y + r), fill="black", outline="white")
        place = (x + _aside(sample, heat, text), y - text * 1.5)
        end = _anchor(sample, heat) == "end"
        _write(draw, place, f"{sample.name} {value(sample)}", text, halo=True, end=end)
    _write(draw, (text, size[1] + text / 2), heat.title, text)
    for number, (kind, said) in enumerate(words(heat.limit).items()):
        top = size[1] + text * (2.2 + 1.8 * number)
        draw.rectangle((text, top, text * 2, top + text), fill=kind.colour)
        _write(draw, (text * 2.5, top), f"{kind.word}: {said}", text)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _write(
    draw: object, place: tuple[float, float], said: str, size: int, *, halo: bool = False, end: bool = False
) -> None:
    from PIL import ImageDraw, ImageFont

    assert isinstance(draw, ImageDraw.ImageDraw)
    draw.text(
        place, safe(said, limit=200), fill="black", font=ImageFont.load_default(size),
        stroke_width=max(1, size // 8) if halo else 0, stroke_fill="white", anchor="ra" if end else "la",
    )  # fmt: skip


def _anchor(sample: Sample, heat: HeatMap) -> str:
    """Return at which end a point's words stand: near the right edge they go to the left."""
    return "end" if sample.x > 0.75 * heat.width else "start"


def _aside(sample: Sample, heat: HeatMap, unit: float) -> float:
    return -unit / 2 if _anchor(sample, heat) == "end" else unit / 2


def _rgb(colour: str) -> tuple[int, int, int]:
    number = int(colour.removeprefix("#"), 16)
    return number >> 16, number >> 8 & 255, number & 255


def _text(said: str) -> str:
    return escape(safe(said, limit=200))
