"""What the page on the vantage says: where results were seen from, and what the doctor found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from agent.records import RunRecord, VantageRecord
from agent.report.style import SIGNS
from agent.report.text import when
from agent.selfcheck import CLOCK_LIMIT_S
from agent.switch_port import SwitchPort
from checks.words import span
from tui.store import Examined
from tui.widgets.paper import BLANK, Para, para

INDENT = 13
_MOST = 12
"""Interfaces, addresses and limits that are shown; how many more there are is said."""


def seen_from(
    run: RunRecord | None, now: datetime, zone: str, here: Examined | None, port: SwitchPort | None = None
) -> Iterator[Para]:
    """Say where the newest run saw its results from."""
    if run is None:
        yield para(("No run yet: nothing was seen from anywhere.", "bold"))
        return
    vantage = run.vantage
    age = (now - run.started).total_seconds()
    old = f"{span(age)} ago" if age >= 0 else "in the future: a clock was moved"
    yield para(("SEEN FROM  ", "dim"), (vantage.name, "bold"), f"  by run {run.id}")
    yield _row("looked at", f"{when(run.started, zone)}, {old}")
    if here is not None and here.host.casefold() != vantage.host.casefold():
        said = f"These results were seen from another laptop, {vantage.host}; this dashboard runs on"
        yield para((f"{said} {here.host}.", "warn"))
    if port is not None:
        yield _row("switch port", port.shown(now))
    yield from _laptop(vantage)


def _laptop(vantage: VantageRecord) -> Iterator[Para]:
    yield _row("host", f"{vantage.host}, user {vantage.user}")
    yield _row("system", f"{vantage.os}, {vantage.tool}")
    yield _row("link", "up" if vantage.link_up else "none with an address", "" if vantage.link_up else "fail")
    yield _row("addresses", _listed(vantage.addresses) or "none", "" if vantage.addresses else "warn")
    for number, face in enumerate(vantage.interfaces[:_MOST]):
        yield _row("interfaces" if number == 0 else "", _interface(face))
    if len(vantage.interfaces) > _MOST:
        yield _row("", f"and {len(vantage.interfaces) - _MOST} more")
    yield _row("VPN", _listed(vantage.vpn) or "none", "warn" if vantage.vpn else "")
    yield _row("proxy", _listed(vantage.proxy) or "none", "warn" if vantage.proxy else "")
    yield _row("clock", *_clock(vantage.clock_offset_s))
    yield _row("may use", _listed(vantage.privileges) or "nothing that needs rights")


def cannot(run: RunRecord | None) -> Iterator[Para]:
    """Say what the newest run could not test from there."""
    if run is None:
        return
    limits = run.vantage.limits
    yield BLANK
    if not limits:
        yield para(("WHAT IT COULD NOT TEST  ", "dim"), "nothing that this laptop knows of")
        return
    yield para(("WHAT IT COULD NOT TEST FROM THERE", "dim"))
    for sentence in limits[:_MOST]:
        yield para(sentence, label="!", indent=2)
    if len(limits) > _MOST:
        yield para(f"and {len(limits) - _MOST} more", indent=2)


def doctor(here: Examined | None, error: str, zone: str, *, busy: bool, read_only: bool) -> Iterator[Para]:
    """Say what the doctor found on the laptop that this dashboard runs on."""
    whose = "THE LAPTOP THAT SERVES THIS PAGE" if read_only else "THIS LAPTOP"
    if here is None:
        said = "is being looked at ..." if busy else "was not looked at"
        yield para((f"{whose}  ", "dim"), (said if not error else "could not be looked at", "bold"))
    else:
        again = "is being looked at again ..." if busy else f"looked at {when(here.at, zone)}"
        yield para((f"{whose}  ", "dim"), (here.host, "bold"), (f"  {again}", "dim"))
    if error:
        yield para((error, "warn"))
    for item in here.items if here is not None else ():
        look = item.status if item.status in SIGNS else "not run"
        yield para(
            (f"{SIGNS.get(item.status, item.status)}  ", look), (f"{item.name}  ", "bold"), item.observed
        )
        if item.fix:
            yield para((item.fix, "dim"), indent=4)


def _row(label: str, said: str, look: str = "") -> Para:
    return para((said, look), label=label, indent=INDENT)


def _listed(items: tuple[str, ...]) -> str:
    more = f" and {len(items) - _MOST} more" if len(items) > _MOST else ""
    return ", ".join(item[:200] for item in items[:_MOST]) + more


def _interface(face: Mapping[str, Any]) -> str:
    """Return an interface in a line; what an earlier version did not keep is left out."""
    words = [str(face.get("name", "?")), "up" if face.get("up") else "down"]
    words.append("tunnel" if face.get("tunnel") else "Wi-Fi" if face.get("wireless") else "cable")
    if face.get("speed_mbps"):
        words.append(f"{face['speed_mbps']} Mbit/s")
    if face.get("mtu"):
        words.append(f"MTU {face['mtu']}")
    addresses = face.get("addresses")
    if isinstance(addresses, list | tuple) and addresses:
        words.append(_listed(tuple(map(str, addresses))))
    return ", ".join(words)


def _clock(offset: float | None) -> tuple[str, str]:
    limit = f"(limit {CLOCK_LIMIT_S:g} s either way)"
    if offset is None:
        return f"not compared {limit}", "warn"
    size = f"{offset * 1000:+.0f} ms" if abs(offset) < 1 else f"{offset:+.1f} s"
    side = "ahead" if offset > 0 else "behind" if offset < 0 else "exact"
    return f"{size}, {side} {limit}", "warn" if abs(offset) > CLOCK_LIMIT_S else ""
