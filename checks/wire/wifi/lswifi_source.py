"""The library lswifi as a source: netlink on Linux, wlanapi.dll on Windows, CoreWLAN on macOS.

It is alpha and promises no interface, so that each thing it may do wrong is an outcome here: an exception, a
record with odd types, silence, a table it kept to itself (its Windows half takes a refused list for an empty
one, hence our own calls there). The Windows and macOS halves were never run by us on those systems.
Source: lswifi 0.4.0, backends; Linux `include/uapi/linux/nl80211.h`; Microsoft, WlanScan.
"""

from __future__ import annotations

import logging
import math
import re
import sys
import time
from typing import Any

from checks.dataclass import dataclass
from checks.wire.wifi.air import Heard
from checks.wire.wifi.raster import channel_of, hardware, name_of
from checks.wire.wifi.sources import Nothing

MAX_STATIONS = 2000
MAX_ELEMENTS = 8192
DRIVER_SCAN_S = 4.0
"""Microsoft's certified drivers have scanned within this time (WlanScan)."""
_PRIVACY = 0x10
_EPOCH_S = 11_644_473_600
_DENIED = re.compile(r"\b5 is not a valid\b|:\s?5\Z|error 5\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the library gave for one interface, before anybody judged how fresh it is."""

    interface: str
    heard: tuple[Heard, ...]
    scanned: bool
    """A scan of the whole air ended well for this look."""
    took_s: float
    redacted: bool = False


def backend() -> Any:
    """Return the library's backend for this system; raise Nothing where there is none."""
    logger = logging.getLogger("lswifi")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    try:
        from lswifi.backends.factory import get_backend

        return get_backend()
    except Exception as error:  # noqa: BLE001 - alpha: whatever it raises, we go on without it
        raise Nothing(f"lswifi has no radio to offer: {_line(error)}.".replace("?.", "?")) from None


def radios(source: Any) -> list[Any]:
    """Return the client interfaces; raise Nothing where the library cannot list them."""
    try:
        return list(source.list_interfaces())[:64]
    except Exception as error:  # noqa: BLE001
        raise Nothing(f"lswifi cannot list the radios: {_line(error)}.") from None


def chosen(found: list[Any], interface: str | None) -> Any:
    """Return the radio called `interface`, else the first that is connected, else the first that is up."""
    if interface is not None:
        for radio in found:
            if interface.lower() in (name_of_radio(radio).lower(), str(getattr(radio, "mac", "")).lower()):
                return radio
        names = ", ".join(name_of_radio(radio) for radio in found[:8]) or "none"
        raise Nothing(
            f"This laptop has no Wi-Fi interface {interface} (it has: {names}).",
            "Correct 'interface', or leave it out.", settled=bool(found),
        )  # fmt: skip
    if not found:
        raise Nothing("This laptop has no Wi-Fi interface that the system knows.")
    order = {"connected": 0, "disconnected": 1}
    return min(found, key=lambda radio: order.get(str(getattr(radio, "state_string", "")), 2))


def name_of_radio(radio: Any) -> str:
    """Return what the system calls this interface."""
    return str(getattr(radio, "connection_name", ""))[:80]


def look(interface: str | None, *, fresh: bool) -> Look:
    """Scan (or dump what is remembered), in the calling thread; may take as long as the library does."""
    source = backend()
    radio = chosen(radios(source), interface)
    begun = time.monotonic()
    try:
        if sys.platform == "win32":
            records, scanned = windows_records(source, radio, fresh=fresh)
        elif sys.platform == "darwin":
            records, scanned = _macos(radio, fresh=fresh)
        else:
            records, scanned = _linux(source, radio, fresh=fresh)
    except Nothing:
        raise
    except Exception as error:  # noqa: BLE001
        raise trouble(error, radio) from None
    heard = tuple(record_of(record) for record in list(records)[:MAX_STATIONS])
    redacted = sys.platform == "darwin" and any(not one.bssid and not one.elements for one in heard)
    return Look(
        interface=name_of_radio(radio), scanned=scanned, took_s=time.monotonic() - begun, redacted=redacted,
        heard=tuple(_hidden(one) for one in heard) if redacted else heard,
    )  # fmt: skip


def _linux(source: Any, radio: Any, *, fresh: bool) -> tuple[list[Any], bool]:
    native = radio.native
    if source.sysfs.is_up(native.name) is False:
        raise Nothing(
            f"The radio {native.name} is switched off.",
            f"Switch Wi-Fi on (rfkill unblock wifi; ip link set {native.name} up), then run it again.",
            settled=True,
        )
    source.scan_timeout = 25.0
    scanned = bool(source.trigger_scan(native)) if fresh else False
    return source.dump_scan(native), scanned


def _macos(radio: Any, *, fresh: bool) -> tuple[list[Any], bool]:
    from lswifi.backends import macos

    if str(radio.state_string) == "powered off":
        raise Nothing(
            f"The radio {name_of_radio(radio)} is switched off.",
            "Switch Wi-Fi on, then run it again.",
            settled=True,
        )
    macos.note_location()
    found = radio.native.scanForNetworksWithSSID_error_(None, None)[0] if fresh else None
    remembered = radio.native.cachedScanResults() if found is None else None
    networks = found if found is not None else remembered
    if networks is None:
        raise Nothing(f"CoreWLAN gives nothing for {name_of_radio(radio)}.")
    return [macos.network_to_record(network) for network in networks], found is not None


def windows_records(source: Any, radio: Any, *, fresh: bool) -> tuple[list[Any], bool]:
    """Scan, if wanted, and read the list; a list that is refused is an exception, not an empty one."""
    from lswifi.backends.windows import bss_entry_to_record

    api = source.wlanapi.WLAN
    scanned = False
    if fresh:
        api.scan(radio.native.guid)
        time.sleep(DRIVER_SCAN_S)
        scanned = True
    handle = api.open_handle()
    listed = None
    try:
        listed = api.get_network_bss_list(handle, radio.native.guid)
        return [bss_entry_to_record(entry) for entry in entries(listed)], scanned
    finally:
        if listed is not None:
            api.free_memory(listed)
        api.close_handle(handle)


def entries(listed: Any) -> list[Any]:
    """Return the entries of a WLAN_BSS_LIST in place: they are read before the list is freed."""
    import ctypes

    contents = listed.contents
    kind, count = contents.wlanBssEntries._type_, min(int(contents.NumberOfItems), MAX_STATIONS)
    return list((kind * count).from_address(ctypes.addressof(contents.wlanBssEntries)))


def trouble(error: Exception, radio: Any) -> Nothing:
    """Return what an exception of the library means here."""
    said = _line(error)
    if sys.platform == "win32" and _DENIED.search(said):
        return Denied(name_of_radio(radio))
    if "80342002" in said.lower() or "2150899714" in said:
        return Nothing(
            f"The radio {name_of_radio(radio)} is switched off.",
            "Switch Wi-Fi on, then run it again.",
            settled=True,
        )
    return Nothing(f"lswifi failed on {name_of_radio(radio)}: {said}.")


class Denied(Nothing):
    """Windows refuses to tell what is heard: the location permission is missing."""

    def __init__(self, interface: str) -> None:
        super().__init__("Windows does not tell what the radio hears: the location permission is missing.")
        self.interface = interface


def _line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:300].rstrip(".")


def record_of(record: Any) -> Heard:
    """Read one BssRecord; what has a type that it should not have is as if it were not told."""
    frequency = whole(getattr(record, "frequency_mhz", None), 1000, 100_000)
    signal = real(getattr(record, "rssi_dbm", None))
    elements = getattr(record, "ies", b"")
    ssid = getattr(record, "ssid", b"")
    capability = whole(getattr(record, "capability", None), 1, 0xFFFF)
    age = _age(record)
    return Heard(
        bssid=hardware(getattr(record, "bssid", "")),
        ssid=name_of(bytes(ssid)) if isinstance(ssid, bytes | bytearray) else "",
        frequency_mhz=frequency, channel=channel_of(frequency),
        width_mhz=whole(getattr(record, "channel_width_mhz", None), 1, 1000),
        signal_dbm=signal if signal is not None and -150 < signal < 0 else None,
        quality_percent=whole(getattr(record, "link_quality", None), 0, 100),
        elements=bytes(elements)[:MAX_ELEMENTS] if isinstance(elements, bytes | bytearray) else b"",
        privacy=bool(capability & _PRIVACY) if capability is not None else None,
        age_s=age,
    )  # fmt: skip


def _age(record: Any) -> float | None:
    """Return how long ago it was heard; Windows tells the time in steps of 100 ns since 1601."""
    ago = real(getattr(record, "seen_ms_ago", None))
    if ago is not None:
        return ago / 1000 if ago >= 0 else None
    stamp = whole(getattr(record, "host_timestamp", None), 1, 1 << 63)
    age = time.time() - (stamp / 1e7 - _EPOCH_S) if stamp is not None else -1
    return age if 0 <= age < 86_400 else None


def _hidden(one: Heard) -> Heard:
    import dataclasses

    return dataclasses.replace(one, ssid=one.ssid or None)


def whole(value: object, least: int, most: int) -> int | None:
    """Return a whole number of that range, None for anything else."""
    return (
        value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else None
    )


def real(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
