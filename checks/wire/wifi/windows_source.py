"""Windows' `netsh` as a source, where wlanapi.dll cannot be had. Never run by us on Windows."""

from __future__ import annotations

from checks.wire.wifi import netsh
from checks.wire.wifi.air import Air
from checks.wire.wifi.lswifi_source import Denied
from checks.wire.wifi.sources import Nothing, Said, said

_SERVICE_FIX = "Start the service 'WLAN AutoConfig' (net start wlansvc), or plug a Wi-Fi adapter in."


async def networks(interface: str | None, fresh: bool) -> Air:  # noqa: ARG001, FBT001
    """Read `netsh wlan show networks`: what the system remembers, for netsh scans only now and then."""
    scope = (f"interface={interface}",) if interface else ()
    told = await said("netsh", "wlan", "show", "networks", "mode=bssid", *scope, timeout_s=15.0)
    return read_networks(told, interface)


def read_networks(told: Said, interface: str | None) -> Air:
    """Read what netsh said about the networks around (pure)."""
    _refusals(told, interface)
    sections = netsh.networks(told.text)
    wanted = [
        one for one in sections if interface is None or one[0].lower() == interface.lower()
    ] or sections[:1]
    heard = wanted[0][1] if wanted else ()
    if not heard:
        raise Nothing("netsh lists no network.")
    promised = netsh.promised(told.text)
    listed = told.text.count("\nSSID ") + told.text.startswith("SSID ")
    unread = ["netsh tells no signal in dBm and no information elements; it lists what Windows heard last."]
    if promised is not None and len(sections) == 1 and promised != listed:
        unread.append(f"netsh says that there are {promised} networks, and lists {listed}.")
    return Air(source="netsh", interface=wanted[0][0], heard=heard, fresh=False, unread=tuple(unread))


async def interfaces(interface: str | None) -> Air:
    """Read `netsh wlan show interfaces`."""
    return read_interfaces(await said("netsh", "wlan", "show", "interfaces", timeout_s=15.0), interface)


def read_interfaces(told: Said, interface: str | None) -> Air:
    """Read what netsh said about the laptop's radios (pure)."""
    _refusals(told, interface)
    found = netsh.interfaces(told.text)
    wanted = tuple(one for one in found if interface is None or one.interface.lower() == interface.lower())
    if not wanted:
        raise Nothing("netsh knows no Wi-Fi interface of this laptop.", _SERVICE_FIX)
    return Air(source="netsh", interface=wanted[0].interface, joined=wanted)


def _refusals(told: Said, interface: str | None) -> None:
    if netsh.LOCATION in told.text:
        raise Denied(interface or "")
    if netsh.SERVICE in told.text.lower():
        raise Nothing("Windows' Wi-Fi service (wlansvc) does not run.", _SERVICE_FIX, settled=True)
    if told.code != 0 and "SSID" not in told.text:
        raise Nothing(f"netsh ended with {told.code} and lists nothing.", _SERVICE_FIX)
