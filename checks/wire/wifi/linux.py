"""Linux' other sources: NetworkManager, iw, wpa_supplicant; and who of them may scan for us."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time

from checks.wire.wifi import iw, nmcli, wpa_cli
from checks.wire.wifi.air import Air, Heard, Joined
from checks.wire.wifi.sources import Nothing, Said, said

SCAN_S = 25.0
NO_SCAN = (
    "A new scan needs root (CAP_NET_ADMIN), NetworkManager or wpa_supplicant: this is what the system "
    "remembers from its last one."
)
_NONE = "This laptop has no Wi-Fi interface that the system knows."


async def ask_others(interface: str) -> bool:
    """Ask NetworkManager, then wpa_supplicant, to scan; return whether one of them did, to the end."""
    with contextlib.suppress(Nothing):
        asked = await said(
            "nmcli", "device", "wifi", "list", "ifname", interface, "--rescan", "yes", timeout_s=SCAN_S
        )
        if asked.code == 0:
            return True
    with contextlib.suppress(Nothing):
        return await _supplicant_scans(interface)
    return False


async def by_nmcli(interface: str | None, fresh: bool) -> Air:  # noqa: FBT001
    """Ask NetworkManager; it tells strength in percent, and no information elements."""
    scope = ("ifname", interface) if interface else ()
    told: Said | None = None
    rows: tuple[Heard, ...] = ()
    for fields in (nmcli.FIELDS, nmcli.OLD_FIELDS):
        told = await said(
            "nmcli", "--terse", "--fields", ",".join(fields), "device", "wifi", "list", *scope, "--rescan",
            "yes" if fresh else "no", timeout_s=SCAN_S,
        )  # fmt: skip
        if told.code == 0:
            rows = nmcli.stations(told.text, fields)
            break
    if told is None or told.code != 0:
        raise Nothing(f"NetworkManager does not tell what it hears: {_first_line(told)}.")
    if not rows:
        raise Nothing("NetworkManager lists no network.")
    return Air(source="nmcli", interface=interface or "", heard=rows, fresh=fresh)


async def _interface(interface: str | None) -> str:
    if interface is not None:
        return interface
    told = await said("iw", "dev")
    found = iw.interfaces(told.text) if told.code == 0 else ()
    if not found:
        raise Nothing(_NONE)
    return found[0]


async def by_iw(interface: str | None, fresh: bool) -> Air:  # noqa: FBT001
    """Trigger a scan and ask for its results until they are newer than the trigger."""
    name = await _interface(interface)
    begun = time.monotonic()
    scanned = False
    if fresh:
        asked = await said("iw", "dev", name, "scan", "trigger")
        while "(-16)" in asked.text and time.monotonic() - begun < SCAN_S:
            await asyncio.sleep(1.0)
            begun_again = time.monotonic()
            asked = await said("iw", "dev", name, "scan", "trigger")
            begun = begun_again if asked.code == 0 else begun
        scanned = asked.code == 0
        if "(-100)" in asked.text:
            raise Nothing(
                f"The radio {name} is switched off.", "Switch Wi-Fi on, then run it again.", settled=True
            )
    told, newest = await _dump(name), 0.0
    while scanned:
        took = time.monotonic() - begun
        newer = [one for one in iw.scan(told.text) if one.age_s is not None and one.age_s <= took]
        if len(newer) == newest and newer:
            break
        if took > SCAN_S:
            scanned = False
            break
        newest = len(newer)
        await asyncio.sleep(3.0)
        told = await _dump(name)
    took = time.monotonic() - begun
    heard = iw.scan(told.text)
    now = tuple(one for one in heard if not scanned or (one.age_s is not None and one.age_s <= took + 0.5))
    if not heard:
        raise Nothing(f"iw lists no network on {name}.")
    return Air(
        source="iw", interface=name, heard=now, remembered=tuple(one for one in heard if one not in now),
        fresh=scanned, unread=() if scanned or not fresh else (NO_SCAN,),
    )  # fmt: skip


async def _dump(interface: str) -> Said:
    told = await said("iw", "dev", interface, "scan", "dump", timeout_s=10.0)
    if told.code != 0:
        raise Nothing(f"iw does not tell what {interface} hears: {_first_line(told)}.")
    return told


async def by_wpa_cli(interface: str | None, fresh: bool) -> Air:  # noqa: FBT001
    """Ask wpa_supplicant's control socket."""
    name = await _interface(interface)
    scanned = await _supplicant_scans(name) if fresh else False
    told = await said("wpa_cli", "-i", name, "scan_results")
    if told.code != 0 or "bssid" not in told.text[:40].lower():
        raise Nothing(f"wpa_supplicant does not tell what {name} hears: {_first_line(told)}.")
    heard = wpa_cli.results(told.text)
    if not heard and not scanned:
        raise Nothing(f"wpa_supplicant remembers no network on {name}.")
    return Air(
        source="wpa_cli", interface=name, heard=heard, fresh=scanned, unread=() if scanned else (NO_SCAN,)
    )


async def _supplicant_scans(interface: str) -> bool:
    """Return whether wpa_supplicant began a scan and, by its own state, ended it."""
    asked = await said("wpa_cli", "-i", interface, "scan")
    if "OK" not in asked.text and "BUSY" not in asked.text:
        return False
    begun = time.monotonic()
    before = await _scan_time(interface)
    while time.monotonic() - begun < SCAN_S:
        await asyncio.sleep(1.0)
        now = await _scan_time(interface)
        if now is not None and (before is None or now < before + (time.monotonic() - begun) / 2):
            return True
    return False


async def _scan_time(interface: str) -> float | None:
    """Return the age in seconds of the newest result, as wpa_supplicant tells it of the first network."""
    told = await said("wpa_cli", "-i", interface, "bss", "FIRST")
    age = wpa_cli.fields(told.text).get("age", "")
    return float(age) if age.isdigit() and len(age) < 9 else None


async def completed(one: Joined) -> Joined:
    """Add what netlink's library leaves out: noise, protection of frames, the supplicant's own words."""
    if one.state == "disconnected":
        return one
    name = one.interface
    with contextlib.suppress(Nothing):
        survey = await said("iw", "dev", name, "survey", "dump")
        one = dataclasses.replace(one, noise_dbm=one.noise_dbm or iw.noise(survey.text, one.frequency_mhz))
        station = await said("iw", "dev", name, "station", "dump")
        if iw.authorised(station.text) is False:
            one = dataclasses.replace(one, state="authenticating")
    with contextlib.suppress(Nothing):
        told = await said("wpa_cli", "-i", name, "status")
        link = wpa_cli.status(told.text, name)
        if link.state == "connected" and link.bssid == one.bssid:
            one = dataclasses.replace(one, security=link.security, standard=one.standard or link.standard)
    return one


async def iw_joined(interface: str | None) -> Air:
    """Ask iw for the link."""
    name = await _interface(interface)
    link = await said("iw", "dev", name, "link")
    if link.code != 0:
        raise Nothing(f"iw does not tell the link of {name}: {_first_line(link)}.")
    station = await said("iw", "dev", name, "station", "dump")
    return Air(
        source="iw", interface=name, joined=(await completed(iw.link(f"{link.text}\n{station.text}", name)),)
    )


async def nmcli_joined(interface: str | None) -> Air:
    """Ask NetworkManager which access point is in use."""
    for fields in (nmcli.FIELDS, nmcli.OLD_FIELDS):
        told = await said(
            "nmcli", "--terse", "--fields", ",".join(fields), "device", "wifi", "list", "--rescan", "no"
        )  # fmt: skip
        if told.code == 0:
            found = [one for one in nmcli.joined(told.text, fields) if interface in (None, one.interface)]
            if not found:
                raise Nothing("NetworkManager has no Wi-Fi connection.")
            return Air(source="nmcli", interface=found[0].interface, joined=tuple(found))
    raise Nothing("NetworkManager does not tell its connections.")


async def wpa_cli_joined(interface: str | None) -> Air:
    """Ask wpa_supplicant for its state."""
    name = await _interface(interface)
    told = await said("wpa_cli", "-i", name, "status")
    if told.code != 0 or "wpa_state=" not in told.text:
        raise Nothing(f"wpa_supplicant does not tell the state of {name}: {_first_line(told)}.")
    poll = await said("wpa_cli", "-i", name, "signal_poll")
    return Air(source="wpa_cli", interface=name, joined=(wpa_cli.status(told.text, name, poll.text),))


def _first_line(told: Said | None) -> str:
    lines = told.text.strip().splitlines() if told is not None else []
    return lines[0][:200].rstrip(".") if lines else "it says nothing"
