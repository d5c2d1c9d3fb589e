"""A floor plan: an image whose pixels are the coordinates of a survey."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from checks.dataclass import dataclass

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 30_000_000
MAX_PIXELS = 60_000_000
_KINDS = {"PNG": "image/png", "JPEG": "image/jpeg"}
_NUMBER = r"\s*(\d+(?:\.\d+)?)\s*"
_SCALE = re.compile(rf"{_NUMBER},{_NUMBER}(?:to|-)?\s+{_NUMBER},{_NUMBER}=\s*(\d+(?:\.\d+)?)\s*m\s*\Z")


class NoPlan(Exception):  # noqa: N818 - said to the person who named the file
    """The file is no floor plan that can be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPlan:
    """An image file with its hash, so that points of another plan are never mixed with its own."""

    name: str
    data: bytes
    mime: str
    sha256: str
    width: int
    height: int

    def image(self) -> Image.Image:
        """Return the picture, decoded, in RGB; transparent parts are white."""
        from PIL import Image

        picture = Image.open(io.BytesIO(self.data)).convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")


def read_plan(path: Path) -> FloorPlan:
    """Return the floor plan in a PNG or JPEG file; raise NoPlan."""
    from PIL import Image, UnidentifiedImageError

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NoPlan(f"The floor plan {path} cannot be read: {error.strerror or error}.") from None
    if len(data) > MAX_BYTES:
        raise NoPlan(f"The floor plan {path} has more than {MAX_BYTES // 10**6} MB: save it smaller.")
    try:
        picture = Image.open(io.BytesIO(data))
        if picture.format not in _KINDS or picture.width * picture.height > MAX_PIXELS:
            raise NoPlan(
                f"The floor plan {path} is no PNG or JPEG of at most {MAX_PIXELS // 10**6} million pixels: "
                "save it as one."
            )
        picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise NoPlan(f"The floor plan {path} is no picture that can be read: {error}") from None
    return FloorPlan(
        name=path.name, data=data, mime=_KINDS[picture.format], sha256=hashlib.sha256(data).hexdigest(),
        width=picture.width, height=picture.height,
    )  # fmt: skip


def parse_scale(text: str) -> float:
    """Return the metres of a pixel from `X1,Y1 X2,Y2 = 12.5m`: two points of the plan and their distance."""
    match = _SCALE.match(text)
    if match is None:
        raise ValueError("The scale is written like '120,80 620,80 = 12.5m': two points and their distance.")
    x1, y1, x2, y2, metres = (float(part) for part in match.groups())
    pixels = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    if pixels < 1 or not 0 < metres <= 10_000:
        raise ValueError("The scale needs two different points and a distance of up to 10,000 m.")
    return float(metres / pixels)
