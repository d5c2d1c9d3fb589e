"""Information elements of a beacon or probe response, decoded in bounds.

Whatever the bytes are, `read_elements` returns; what does not fit is left out and said (`cut`, `malformed`).
The first element of a kind counts, as it does for stations; a second one that differs is named in `repeated`.

Sources: IEEE 802.11-2020 section 9.4.2 (elements, fragments), 802.11ax-2021 section 9.4.2.249 (HE Operation),
802.11be-2024 section 9.4.2.321 (EHT Operation); Wi-Fi Alliance, WPA3 Specification 3.4 (RSN overriding) and
Opportunistic Wireless Encryption Specification 1.1 (transition mode element).
"""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.wire.wifi.operation import Operation, read_operation
from checks.wire.wifi.suites import Malformed, Suites, read_rsn, read_wpa

LONGEST = 8192
"""A beacon holds at most 2,304 bytes; what a system joins of several frames is still below this."""
MAX_ELEMENTS = 512
MAX_NAME = 32

SSID, DS, COUNTRY, LOAD, RSN, MOBILITY, HT_OPERATION, RM, MULTIPLE_BSSID = 0, 3, 7, 11, 48, 54, 61, 70, 71
HT, EXTENDED, VHT, VHT_OPERATION, VENDOR, FRAGMENT, RSNX, EXTENSION = 45, 127, 191, 192, 221, 242, 244, 255
HE, HE_OPERATION, EHT_OPERATION, EHT = 35, 36, 106, 108
_MICROSOFT, _ALLIANCE = b"\x00\x50\xf2", b"\x50\x6f\x9a"
_WPA, _WPS = _MICROSOFT + b"\x01", _MICROSOFT + b"\x04"
_OWE_TRANSITION = _ALLIANCE + b"\x1c"
_OVERRIDES = (_ALLIANCE + b"\x29", _ALLIANCE + b"\x2a")
_RSNX_OVERRIDE = _ALLIANCE + b"\x2b"
_KINDS: tuple[tuple[int | bytes, str], ...] = (
    (SSID, "SSID"), (DS, "DS"), (RSN, "RSN"), (HT_OPERATION, "HT Operation"), (_WPA, "WPA"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What an access point tells of its load (QBSS Load): `utilisation` of 255."""

    stations: int
    utilisation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwePartner:
    """The other half of a pair of networks, one open and one with OWE; a name that is not sent is empty."""

    bssid: str
    ssid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """What a beacon or probe response says; what it does not say is None, empty or false."""

    ssid: str | None = None
    """The name; empty for one that is not sent, None where the element is missing or malformed."""
    ds_channel: int | None = None
    country: str = ""
    rsn: Suites | None = None
    wpa: Suites | None = None
    overrides: tuple[Suites, ...] = ()
    """What newer stations read in place of the RSN element."""
    owe: OwePartner | None = None
    wps: bool = False
    load: Load | None = None
    fast_transition: bool = False
    """802.11r."""
    radio_measurement: bool = False
    """802.11k."""
    bss_transition: bool = False
    """802.11v."""
    sae_h2e: bool = False
    """SAE hash-to-element (RSNX)."""
    multiple_bssid: int = 0
    """How many networks its one beacon may stand for; 0 where it stands for itself only."""
    nontransmitted: tuple[str, ...] = ()
    """The names of the networks that this beacon carries beside its own."""
    operation: Operation = Operation()
    standard: str = ""
    """`802.11n`, `802.11ac`, `802.11ax` or `802.11be`: the newest that it speaks."""
    malformed: tuple[str, ...] = ()
    """Names of elements that contradict their own lengths."""
    repeated: tuple[str, ...] = ()
    """Names of elements that are there twice and differ."""
    cut: bool = False
    """The bytes end within an element, or are more than any frame holds."""


def split_elements(data: bytes) -> tuple[tuple[tuple[int, bytes], ...], bool]:
    """Return the elements as `(id, body)`, fragments joined, and whether something was cut off."""
    found: list[tuple[int, bytes]] = []
    cut = len(data) > LONGEST
    data, at, open_end = data[:LONGEST], 0, False
    for _ in range(MAX_ELEMENTS):
        if at == len(data):
            break
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            cut, at = True, len(data)
            break
        kind, size = data[at], data[at + 1]
        body = data[at + 2 : at + 2 + size]
        if kind == FRAGMENT and open_end:
            found[-1] = (found[-1][0], found[-1][1] + body)
        elif kind != FRAGMENT:
            found.append((kind, body))
        open_end = size == 255 and (kind != FRAGMENT or open_end)
        at += 2 + size
    return tuple(found), cut or at < len(data)


def read_elements(data: bytes) -> Elements:
    """Return what the information elements in `data` say."""
    parts, cut = split_elements(data)
    first, repeated = _first(parts)
    malformed: list[str] = []
    extensions = {body[0]: body[1:] for kind, body in reversed(parts) if kind == EXTENSION and body}
    name = first.get(SSID)
    if name is not None and len(name) > MAX_NAME:
        malformed.append("SSID")
    multiple, nontransmitted = _multiple(parts)
    extended, rm = first.get(EXTENDED, b""), first.get(RM, b"")
    operation, odd = read_operation(
        first.get(HT_OPERATION), first.get(VHT_OPERATION), extensions.get(HE_OPERATION),
        extensions.get(EHT_OPERATION),
    )  # fmt: skip
    return Elements(
        ssid=None if name is None or len(name) > MAX_NAME else _name(name),
        ds_channel=first[DS][0] if first.get(DS) else None,
        country=_country(first.get(COUNTRY, b"")),
        rsn=_suites(first.get(RSN), "RSN", malformed),
        wpa=_suites(first.get(_WPA), "WPA", malformed),
        overrides=tuple(
            suites
            for kind in _OVERRIDES
            if (suites := _suites(first.get(kind), "RSN Override", malformed)) is not None
        ),
        owe=_owe(first.get(_OWE_TRANSITION)),
        wps=_WPS in first,
        load=_load(first.get(LOAD)),
        fast_transition=len(first.get(MOBILITY, b"")) >= 3,
        radio_measurement=any(rm[:5]),
        bss_transition=len(extended) > 2 and bool(extended[2] & 0x08),
        sae_h2e=any(_h2e(first.get(kind)) for kind in (RSNX, _RSNX_OVERRIDE)),
        multiple_bssid=multiple,
        nontransmitted=nontransmitted,
        operation=operation,
        standard=_standard(first, extensions),
        malformed=(*malformed, *odd),
        repeated=repeated,
        cut=cut,
    )


def _first(parts: tuple[tuple[int, bytes], ...]) -> tuple[dict[int | bytes, bytes], tuple[str, ...]]:
    """Return the first of each kind, vendors' by their first four bytes, and what comes twice and differ."""
    first: dict[int | bytes, bytes] = {}
    differ: dict[int | bytes, None] = {}
    for number, body in parts:
        kind: int | bytes = number
        if number == VENDOR:
            if len(body) < 4:
                continue
            kind, body = body[:4], body[4:]  # noqa: PLW2901
        if first.setdefault(kind, body) != body:
            differ[kind] = None
    return first, tuple(name for kind, name in _KINDS if kind in differ)


def _suites(body: bytes | None, name: str, malformed: list[str]) -> Suites | None:
    if body is None:
        return None
    try:
        return read_wpa(body) if name == "WPA" else read_rsn(body)
    except Malformed:
        malformed.append(name)
        return None


def _h2e(rsnx: bytes | None) -> bool:
    return bool(rsnx and rsnx[0] & 0x20)


def _name(raw: bytes) -> str:
    return "" if not raw.strip(b"\0") else raw.decode("utf-8", "backslashreplace")


def _country(body: bytes) -> str:
    code = body[:2]
    return code.decode("ascii") if len(code) == 2 and code.isalpha() and code.isascii() else ""


def _load(body: bytes | None) -> Load | None:
    if body is None or len(body) < 3:
        return None
    return Load(stations=int.from_bytes(body[:2], "little"), utilisation=body[2])


def _owe(body: bytes | None) -> OwePartner | None:
    if body is None or len(body) < 7 or len(body) < 7 + body[6] or body[6] > MAX_NAME:
        return None
    return OwePartner(bssid=body[:6].hex(":"), ssid=_name(body[7 : 7 + body[6]]))


def _multiple(parts: tuple[tuple[int, bytes], ...]) -> tuple[int, tuple[str, ...]]:
    most, names = 0, []
    for kind, body in parts:
        if kind != MULTIPLE_BSSID or not body:
            continue
        most = max(most, 1 << min(body[0], 8))
        for inner, profile in split_elements(body[1:])[0]:
            if inner == 0:
                name = next((text for one, text in split_elements(profile)[0] if one == SSID), None)
                if name is not None and len(name) <= MAX_NAME:
                    names.append(_name(name))
    return most, tuple(names[:MAX_ELEMENTS])


def _standard(first: dict[int | bytes, bytes], extensions: dict[int, bytes]) -> str:
    for spoken, name in (
        (EHT in extensions or EHT_OPERATION in extensions, "802.11be"),
        (HE in extensions or HE_OPERATION in extensions, "802.11ax"),
        (VHT in first or VHT_OPERATION in first, "802.11ac"),
        (HT in first or HT_OPERATION in first, "802.11n"),
    ):
        if spoken:
            return name
    return ""
