"""Channel numbers and frequencies, hardware addresses and network names, as the sources write them.

Source: IEEE 802.11-2020 annex E (operating classes), section 9.4.2.2 (SSID element).
"""

from __future__ import annotations

import re

MAX_NAME = 32
_HARDWARE = re.compile(r"[0-9a-f]{2}([:-][0-9a-f]{2}){5}\Z", re.IGNORECASE)
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\(.)", re.DOTALL)


def channel_of(mhz: int | None) -> int | None:
    """Return the channel number of a 20 MHz channel's centre frequency, None where there is none."""
    if mhz is None:
        return None
    if mhz == 2484:
        return 14
    if 2412 <= mhz <= 2472 and (mhz - 2407) % 5 == 0:
        return (mhz - 2407) // 5
    if mhz == 5935:
        return 2
    if 5955 <= mhz <= 7115 and (mhz - 5950) % 5 == 0:
        return (mhz - 5950) // 5
    if 4910 <= mhz <= 4980 and mhz % 5 == 0:
        return (mhz - 4000) // 5
    if 5160 <= mhz <= 5905 and mhz % 5 == 0:
        return (mhz - 5000) // 5
    return None


def frequency_of(channel: int | None, band: str = "") -> int | None:
    """Return the frequency of a channel number; `band` is `2.4`, `5`, `6` or empty.

    Without a band 1 to 14 is 2.4 GHz and the rest 5 GHz: what does not tell the band knows no 6 GHz.
    """
    if channel is None:
        return None
    band = band or ("2.4" if 1 <= channel <= 14 else "5")
    if band == "2.4" and 1 <= channel <= 13:
        return 2407 + 5 * channel
    if band == "2.4" and channel == 14:
        return 2484
    if band == "5" and 32 <= channel <= 181:
        return 5000 + 5 * channel
    if band == "6" and channel == 2:
        return 5935
    if band == "6" and 1 <= channel <= 233:
        return 5950 + 5 * channel
    return None


def hardware(text: object) -> str:
    """Return a hardware address as `aa:bb:cc:dd:ee:ff`; empty for what is none, and for all zeros."""
    if not isinstance(text, str):
        return ""
    text = text.strip()
    if len(text) != 17 or not _HARDWARE.match(text):
        return ""
    address = text.lower().replace("-", ":")
    return "" if address == "00:00:00:00:00:00" else address


def name_of(raw: bytes) -> str:
    """Return a network's name as text; one of zero bytes, or of none, is not sent and is empty."""
    raw = raw[:MAX_NAME]
    return "" if not raw.strip(b"\0") else raw.decode("utf-8", "replace")


def unescaped(text: str) -> str:
    r"""Return a name that iw or wpa_supplicant printed: `\xc3\xa9` and `\\` are bytes again."""
    raw = bytearray()
    at = 0
    for match in _ESCAPE.finditer(text[:1024]):
        raw += text[at : match.start()].encode("utf-8", "surrogatepass")
        at = match.end()
        if match.group(1):
            raw.append(int(match.group(1), 16))
        else:
            plain = {"n": "\n", "r": "\r", "t": "\t", "e": "\x1b"}.get(match.group(2), match.group(2))
            raw += plain.encode("utf-8", "surrogatepass")
    raw += text[at:1024].encode("utf-8", "surrogatepass")
    return name_of(bytes(raw))
