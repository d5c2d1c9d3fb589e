"""What lswifi tells of the connections: see `checks.wire.wifi.lswifi_source`.

The Windows and macOS halves were never run by us on those systems.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from checks.wire.wifi import lswifi_source as library
from checks.wire.wifi.air import Joined
from checks.wire.wifi.lswifi_source import name_of_radio, real, record_of, whole
from checks.wire.wifi.macos import mode
from checks.wire.wifi.raster import channel_of, frequency_of, hardware, name_of
from checks.wire.wifi.sources import Nothing
from checks.wire.wifi.words import of_labels

NETWORK = Path("/sys/class/net")
_KINDS = {"EHT": "802.11be", "HE": "802.11ax", "VHT": "802.11ac", "HT": "802.11n"}


def joined(interface: str | None) -> tuple[Joined, ...]:
    """Return what the radios are connected to, in the calling thread."""
    source = library.backend()
    found = library.radios(source)
    wanted = [library.chosen(found, interface)] if interface is not None or not found else found
    told = []
    for radio in wanted:
        try:
            if sys.platform == "win32":
                told.append(_windows_joined(source, radio))
            elif sys.platform == "darwin":
                told.append(_macos_joined(source, radio))
            else:
                told.append(_linux_joined(source, radio))
        except Nothing:
            raise
        except Exception as error:  # noqa: BLE001
            raise library.trouble(error, radio) from None
    return tuple(told)


def _linux_joined(source: Any, radio: Any) -> Joined:
    """Read the link. Whether there is one says the kernel's list of what is heard (the BSS we are
    associated with): not every kernel tells the name with the interface, as the library expects."""
    from lswifi.backends.linux import merge_station_dump

    name = name_of_radio(radio)
    if source.sysfs.is_up(radio.native.name) is False:
        return Joined(interface=name, state="switched off")
    records = source.dump_scan(radio.native)[: library.MAX_STATIONS]
    mine = next((record for record in records if record.connected), None)
    if mine is None:
        return Joined(interface=name, state="disconnected")
    heard = record_of(mine)
    native = source.refresh(radio.native)
    address, station = merge_station_dump(source._station_dump(native))[:2]
    station = station or {}
    rx, tx = station.get("rx_rate") or {}, station.get("tx_rate") or {}
    frequency = whole(native.frequency_mhz, 1000, 100_000) or heard.frequency_mhz
    signal = real(station.get("signal"))
    return Joined(
        interface=name, state=_settled(name), ssid=heard.ssid, bssid=heard.bssid or hardware(address or ""),
        frequency_mhz=frequency, channel=channel_of(frequency), width_mhz=whole(native.width_mhz, 1, 1000),
        signal_dbm=signal if signal is not None and -150 < signal < 0 else heard.signal_dbm,
        rx_mbps=real(rx.get("mbps")), tx_mbps=real(tx.get("mbps")),
        standard=_KINDS.get(str(tx.get("phy")), ""), elements=heard.elements,
    )  # fmt: skip


def _settled(interface: str) -> str:
    """Return whether the link may carry data: it is dormant until the handshake is over (operstates.rst)."""
    try:
        state = (NETWORK / interface / "operstate").read_text("ascii").strip()
    except (OSError, ValueError):
        return "connected"
    return "authenticating" if state in ("dormant", "down", "lowerlayerdown") else "connected"


def _windows_joined(source: Any, radio: Any) -> Joined:
    if str(radio.state_string) not in ("connected", "wlan_interface_state_connected"):
        return Joined(interface=name_of_radio(radio), state=str(radio.state_string)[:40])
    told = source.wlanapi.WLAN.query_interface(radio.native, "current_connection")
    if isinstance(told, str):
        raise library.trouble(RuntimeError(told), radio)
    link, secured = told[1]["wlanAssociationAttributes"], told[1]["wlanSecurityAttributes"]
    bssid = hardware(link["dot11Bssid"])
    kept = [record_of(record) for record in library.windows_records(source, radio, fresh=False)[0]]
    mine = next((one for one in kept if one.bssid == bssid), None)
    standard = re.search(r"802\.11\w+", str(link["dot11PhyType"]))
    return Joined(
        interface=name_of_radio(radio), state="connected", ssid=name_of(bytes(link["dot11Ssid"])),
        bssid=bssid, frequency_mhz=mine.frequency_mhz if mine else None,
        channel=mine.channel if mine else None,
        signal_dbm=mine.signal_dbm if mine else None, elements=mine.elements if mine else b"",
        quality_percent=whole(link["wlanSignalQuality"], 0, 100),
        rx_mbps=_rate(link["ulRxRate"]), tx_mbps=_rate(link["ulTxRate"]),
        security=of_labels(str(secured["dot11AuthAlgorithm"]), str(secured["dot11CipherAlgorithm"])),
        standard=standard.group() if standard else "",
    )  # fmt: skip


def _rate(kilobits: object) -> float | None:
    value = whole(kilobits, 1, 10**9)
    return value / 1000 if value is not None else None


def _macos_joined(source: Any, radio: Any) -> Joined:
    asked = SimpleNamespace(
        get_current_ap=False,
        get_current_channel=False,
        supported=False,
        json=True,
        json_indent=None,
        raw=False,
    )
    told = json.loads(source.interface_info(asked, radio))
    if isinstance(told, list):
        told = told[0] if told else {}
    if told.get("state") != "connected":
        return Joined(interface=name_of_radio(radio), state=str(told.get("state", "unknown"))[:40])
    band = {"2.4 GHz": "2.4", "5 GHz": "5", "6 GHz": "6"}.get(str(told.get("band")), "")
    channel, ssid = whole(told.get("channel"), 1, 300), told.get("ssid")
    signal, noise = real(told.get("rssi")), real(told.get("noise"))
    return Joined(
        interface=name_of_radio(radio), state="connected", ssid=str(ssid)[:32] if ssid else None,
        bssid=hardware(told.get("bssid")), frequency_mhz=frequency_of(channel, band), channel=channel,
        width_mhz=whole(told.get("width_mhz"), 1, 1000),
        signal_dbm=signal if signal and signal < 0 else None,
        noise_dbm=noise if noise and noise < 0 else None, tx_mbps=real(told.get("tx_rate_mbps")) or None,
        security=mode(told.get("security")), standard=str(told.get("phy_mode") or "")[:20],
    )  # fmt: skip
