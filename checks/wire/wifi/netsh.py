"""What Windows' `netsh wlan show` prints, read by shape: labels are translated, numbers are not.

The places are the same in every language: after `SSID n :` come type, authentication and cipher; after a
line whose value is a hardware address come signal (`%`), radio type (`802.11..`), band and channel. A text
that breaks the numbering of its own lists is told. The commands themselves were never run by us on Windows.
"""

from __future__ import annotations

import re

from checks.dataclass import dataclass
from checks.wire.wifi.air import Heard, Joined
from checks.wire.wifi.raster import frequency_of, hardware
from checks.wire.wifi.words import of_labels

MAX_LINES = 20_000
MAX_NETWORKS = 2000
LOCATION = "ms-settings:privacy-location"
SERVICE = "wlansvc"
_SSID = re.compile(r"SSID (\d{1,4})\s{0,20}:(.*)\Z")
_GUID = re.compile(r"\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?\Z", re.IGNORECASE)
_PERCENT = re.compile(r"%?\s?(\d{1,3})\s?%?\Z")
"""Turkish writes the sign first."""
_LOAD = re.compile(r"(\d{1,3})\s?\(\s?%?\s?\d{1,3}\s?%?\s?\)\Z")
_BAND = re.compile(r"(2[.,]4|5|6)\s?GHz", re.IGNORECASE)
_RADIO = re.compile(r"802\.11[a-z]{0,3}", re.IGNORECASE)
_COUNT = re.compile(r"(?<![\w.,])\d{1,4}(?![0-9A-Za-z_,])")
_NUMBER = re.compile(r"-?\d{1,6}([.,]\d{1,3})?\Z")
_CONNECTED = (
    "connected", "verbunden", "connecté", "conectado", "conectada", "connesso", "verbonden", "ligado",
    "połączono", "połączony", "ansluten", "tilsluttet", "tilkoblet", "yhdistetty", "připojeno",
    "csatlakoztatva", "подключено", "接続されました", "接続済み", "已连接", "已連線", "연결됨",
)  # fmt: skip
_NOT_YET = (
    "associating", "authenticating", "discovering", "disconnecting", "disconnected", "not ready", "wird",
    "nicht", "getrennt", "déconnect", "desconect", "disconness", "non ", "verbinding", "rozłącz", "frånkoppl",
    "authentif", "autent", "associa", "zuordn", "切断", "断开", "正在", "отключ",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One `label : value`; both are stripped of blanks, the no-break ones too."""

    label: str
    value: str
    indent: int


def lines_of(text: str) -> list[Line]:
    """Split a text into labelled lines; what has no colon is left out."""
    found = []
    for raw in text.replace("\r\r\n", "\n").splitlines()[:MAX_LINES]:
        whole = raw[:1000].replace("\xa0", " ").replace("\u202f", " ").rstrip()
        label, colon, value = whole.partition(" : ") if " : " in whole else whole.partition(":")
        if colon:
            value = value.strip().removeprefix(":").strip()
            indent = len(whole) - len(whole.lstrip())
            found.append(Line(label=label.strip(" :"), value=value, indent=indent))
    return found


def networks(text: str) -> tuple[tuple[str, tuple[Heard, ...]], ...]:
    """Read `netsh wlan show networks mode=bssid`: each interface's name with what it heard.

    Raises ValueError where the list's own numbers show that a part of it is missing.
    """
    sections: list[tuple[str, list[Heard]]] = []
    title, name, last = "", "", 0
    block: list[Line] = []

    def close() -> None:
        if last:
            sections[-1][1].extend(_network(name, block))

    for raw in text.replace("\r\r\n", "\n").splitlines()[:MAX_LINES]:
        match = _SSID.match(raw[:1000].strip("\r").lstrip())
        if match is None:
            block += lines_of(raw)
            continue
        close()
        number = int(match.group(1))
        if number == 1:
            title = next((line.value for line in reversed(block) if _is_title(line)), title)
            sections.append((title, []))
        elif number != last + 1:
            raise ValueError(f"the list of networks goes from {last} to {number}")
        last, name, block = number, match.group(2).removeprefix(" "), []
    close()
    return tuple((title, tuple(heard[:MAX_NETWORKS])) for title, heard in sections)


def promised(text: str) -> int | None:
    """Return how many networks the text itself says it lists: the one number of the line before them."""
    before = text.split("SSID 1 ", 1)[0][-2000:].rstrip().rpartition("\n")[2]
    sentence, colon, value = before.partition(":")
    numbers = _COUNT.findall(value.strip(" .") if colon else sentence)
    alone = not colon or value.strip(" .").isdigit()
    return int(numbers[0]) if len(numbers) == 1 and alone else None


def _is_title(line: Line) -> bool:
    """Tell `Interface name : Wi-Fi` from what stands before it: at the margin, and no number."""
    return not line.indent and bool(line.value) and _float(line.value.split()[0].rstrip(".")) is None


def _network(name: str, lines: list[Line]) -> list[Heard]:
    starts = [at for at, line in enumerate(lines) if hardware(line.value)]
    if not starts:
        return []
    head = [line.value for line in lines[: starts[0]]]
    security = of_labels(head[1], head[2]) if len(head) >= 3 else ""
    found = []
    for at, start in enumerate(starts):
        end = starts[at + 1] if at + 1 < len(starts) else len(lines)
        found.append(_station(name, security, lines[start], lines[start + 1 : end]))
    return found


def _station(name: str, security: str, first: Line, lines: list[Line]) -> Heard:
    quality = channel = stations = utilisation = None
    band = standard = ""
    rates: list[float] = []
    in_load = False
    for line in lines:
        value = line.value
        if quality is None and "%" in value and (match := _PERCENT.match(value)):
            quality = min(100, int(match.group(1)))
        elif not standard and (match := _RADIO.match(value)):
            standard = match.group()
        elif not band and (match := _BAND.match(value)):
            band = match.group(1).replace(",", ".")
        elif "(" in line.label or len(value.split()) > 1:
            if load := _LOAD.match(value):
                utilisation = min(255, int(load.group(1)))
                continue
            parts = [_float(part) for part in value.split()[:32]]
            if parts and all(part is not None for part in parts):
                rates += [part for part in parts if part is not None]
        elif channel is None and _bare(value):
            channel = int(value)
        elif not value and quality is not None:
            in_load = stations is None
        elif in_load and _bare(value):
            stations, in_load = int(value), False
    return Heard(
        bssid=hardware(first.value), ssid=name, frequency_mhz=frequency_of(channel, band), channel=channel,
        width_mhz=None, signal_dbm=None, quality_percent=quality, security=security, standard=standard,
        rates_mbps=tuple(sorted(set(rates))), stations=stations, utilisation=utilisation,
    )  # fmt: skip


def _float(text: str) -> float | None:
    return float(text.replace(",", ".")) if len(text) < 12 and _NUMBER.match(text) else None


def _bare(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 5


def interfaces(text: str) -> tuple[Joined, ...]:
    """Read `netsh wlan show interfaces`: a block begins two lines before the line whose value is a GUID."""
    lines = lines_of(text)
    guids = [at for at, line in enumerate(lines) if _GUID.match(line.value)]
    found = []
    for at, guid in enumerate(guids[:64]):
        end = guids[at + 1] - 2 if at + 1 < len(guids) else len(lines)
        found.append(_interface(lines[max(0, guid - 2)].value, lines[guid + 1 : end]))
    return tuple(found)


def _interface(name: str, lines: list[Line]) -> Joined:
    addresses = [at for at, line in enumerate(lines) if hardware(line.value)]
    if len(addresses) < 2:
        return Joined(interface=name, state="disconnected")
    access_point = addresses[1]
    after = lines[access_point + 1 :]
    channel = quality = signal = None
    band = standard = ""
    rates: list[float] = []
    labels: list[str] = []
    for line in after:
        value = line.value
        if not standard and (match := _RADIO.match(value)):
            standard = match.group()
            labels = []
        elif not band and (match := _BAND.match(value)):
            band = match.group(1).replace(",", ".")
        elif quality is None and "%" in value and (match := _PERCENT.match(value)):
            quality = min(100, int(match.group(1)))
        elif (number := _float(value)) is not None:
            if number < 0:
                signal = number if number >= -127 else None
            elif "(" in line.label:
                rates.append(number)
            elif channel is None and number == int(number) and number > 0:
                channel = int(number)
        elif standard and len(labels) < 2:
            labels.append(value)
    state = lines[access_point - 2].value if access_point >= 2 else ""
    return Joined(
        interface=name, state=_state(state, moving=bool(quality) and len(rates) > 1 and min(rates[:2]) > 0),
        ssid=lines[access_point - 1].value, bssid=hardware(lines[access_point].value),
        frequency_mhz=frequency_of(channel, band), channel=channel, signal_dbm=signal,
        quality_percent=quality,
        rx_mbps=rates[0] if rates else None, tx_mbps=rates[1] if len(rates) > 1 else None,
        security=of_labels(*labels) if len(labels) == 2 else "", standard=standard,
    )  # fmt: skip


def _state(word: str, *, moving: bool) -> str:
    lower = word.lower()
    if lower in _CONNECTED:
        return "connected"
    if any(lower.startswith(other) for other in _NOT_YET):
        return word[:40]
    return "connected" if moving else word[:40] or "unknown"
