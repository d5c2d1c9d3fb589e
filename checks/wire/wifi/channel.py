"""Bands, what a network occupies on the air, and what lies over it.

Sources: IEEE 802.11-2020 annex E (channels); ETSI EN 301 893 and FCC part 15 subpart E (DFS: 5250 to 5350 and
5470 to 5730 MHz).
"""

from __future__ import annotations

from typing import Annotated, Any

from checks.dataclass import dataclass
from checks.params import Form
from checks.wire.wifi.air import Heard, Joined
from checks.wire.wifi.elements import Elements, read_elements
from checks.wire.wifi.raster import channel_of, frequency_of

BANDS = ("2.4", "5", "6")
"""In GHz, as text."""
_CENTRE_OF_ZERO = {"2.4": 2407, "5": 5000, "6": 5950}
NON_OVERLAPPING = (1, 6, 11)


def parse_band(value: Any) -> str:
    """Return `2.4`, `5` or `6` for that, for `5 GHz`, `5ghz`, `2,4 GHz` or a number."""
    text = "" if isinstance(value, bool) else str(value).lower().replace(",", ".")[:20]
    number = text.replace("ghz", "").strip()
    for band in BANDS:
        if number in (band, f"{band}.0"):
            return band
    raise ValueError(f"A band is 2.4 GHz, 5 GHz or 6 GHz, not {value!r:.80}.")


Band = Annotated[
    str,
    Form(parse_band, (("type", ["string", "number"]), ("examples", ["2.4", "5", "6", "5 GHz"]))),
]


def band_of(mhz: int | None) -> str:
    """Return the band of a frequency, or an empty text."""
    if mhz is None:
        return ""
    for band, low, high in (("2.4", 2400, 2500), ("5", 4900, 5925), ("6", 5925, 7125)):
        if low <= mhz <= high:
            return band
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on the air a network is; None or empty where neither its elements nor its source tell."""

    band: str = ""
    channel: int | None = None
    """The primary channel."""
    frequency_mhz: int | None = None
    width_mhz: int | None = None
    spans: tuple[tuple[float, float], ...] = ()
    """What it occupies, in MHz; two where it is 80+80 MHz wide."""


def place_of(heard: Heard | Joined, elements: Elements | None = None) -> Place:
    """Return where a network is: by its own elements, which know the width; else as its source says."""
    if elements is None and heard.elements:
        elements = read_elements(heard.elements)
    operation = elements.operation if elements is not None else None
    channel = (operation.primary if operation else None) or (elements.ds_channel if elements else None)
    mhz = heard.frequency_mhz
    band = band_of(mhz)
    if not band and operation is not None and operation.six_ghz:
        band = "6"
    if channel is not None and (not band or frequency_of(channel, band) is None):
        channel = channel if not band else None
    channel = channel or heard.channel or channel_of(mhz)
    if not band and channel is not None:
        band = band_of(frequency_of(channel))
    mhz = frequency_of(channel, band) or mhz
    width = (operation.width_mhz if operation else None) or heard.width_mhz
    return Place(
        band=band, channel=channel, frequency_mhz=mhz, width_mhz=width,
        spans=_spans(mhz, band, width, operation.centre if operation else None,
                     operation.second if operation else None),
    )  # fmt: skip


def _spans(
    mhz: int | None, band: str, width: int | None, centre: int | None, second: int | None
) -> tuple[tuple[float, float], ...]:
    """Return what is occupied; a centre that does not lie over the primary channel is not believed."""
    if mhz is None:
        return ()
    whole = width or 20
    zero = _CENTRE_OF_ZERO.get(band)
    if zero is not None and centre and mhz != 2484:
        half = (80 if second else whole) / 2
        middle = zero + 5 * centre
        other = zero + 5 * second if second else None
        parts = [(m - half, m + half) for m in (middle, other) if m is not None]
        if any(low <= mhz - 10 and mhz + 10 <= high for low, high in parts):
            return tuple(parts)
    return ((mhz - 10.0, mhz + 10.0),) if whole <= 20 or zero is None else _block(mhz, band, whole)


def _block(mhz: int, band: str, width: int) -> tuple[tuple[float, float], ...]:
    """Return the block that bonding gives the primary channel: fixed above 2.4 GHz, either side in it."""
    if band == "2.4":
        return ((mhz - 30.0, mhz + 30.0),)
    base = 5170 if mhz < 5730 else 5735
    base = 5490 if 5490 <= mhz < 5730 else base
    base = 5945 if band == "6" else base
    low = base + (mhz - 10 - base) // width * width
    return ((float(low), float(low + width)),)


def overlap(one: Place, other: Place) -> bool:
    """Return whether two networks occupy a part of the same frequencies."""
    return any(a < d and c < b for a, b in one.spans for c, d in other.spans)


def is_dfs(place: Place) -> bool:
    """Return whether radar may take a part of this network's channel away."""
    return place.band == "5" and any(
        low < top and bottom < high
        for low, high in place.spans
        for bottom, top in ((5250, 5350), (5470, 5730))
    )
