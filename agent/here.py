"""`gonogo here`: a plan made of what this laptop's network is, for when there is no project file yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from agent.plan import Gate, GateNeed, LeftOut, Milestone, Plan, PlannedCheck, Project, definition_digest
from agent.report.picture import Picture
from checks import jsonable, registry
from checks.contract import Check, Result, Status
from checks.dataclass import dataclass
from checks.local import rights
from checks.local.facts import InterfaceFact, LocalHost

PROBE_NAME = "dns.msftncsi.com"
TIME_SERVER = "time.cloudflare.com"
ECHO_HOST = "one.one.one.one"
FIT = "fit"
_MOST_MTU = 1492
"""What a line with PPPoE carries; less than that, or a black hole, is worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Where on the internet to look; public servers, unless others are named."""

    url: str | None = None
    """A plain-http page with a known answer; None: the pages that operating systems ask."""
    text: str | None = None
    """What that page says; None: nothing, with status 204."""
    name: str = PROBE_NAME
    """A name that every resolver must know."""
    time_server: str = TIME_SERVER
    host: str = ECHO_HOST
    """A host on the internet that answers echoes."""


@dataclass(slots=True)
class _Draft:
    """Checks as they are put together, before they are a plan."""

    checks: list[PlannedCheck] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def add(
        self,
        name: str,
        title: str,
        kind: str,
        *,
        required: bool,
        needs: tuple[str, ...] = (),
        within_s: float | None = None,
        **params: Any,
    ) -> None:
        check: Check[Any] = registry.load(kind)(**params)
        normal = jsonable.to_json(check)
        self.checks.append(
            PlannedCheck(
                id=name,
                type=kind,
                milestone=FIT,
                title=title,
                required=required,
                params=normal,
                digest=definition_digest(kind, normal),
                target=check.subject(),
                place="gonogo here",
                needs=tuple(need for need in needs if any(item.id == need for item in self.checks)),
                timeout_s=within_s,
            )
        )


def plan_here(host: LocalHost, probes: Probes) -> Plan:
    """Return the plan: is this network fit for work? One milestone; nothing beyond `probes` is asked."""
    draft = _Draft()
    draft.add("interface", "This laptop is connected", "link.interface", required=True, up=True)
    _add_neighbourhood(draft, host)
    draft.add(
        "resolver", "The DNS servers answer and invent nothing", "link.resolver",
        required=True, needs=("gateway",), probe=(probes.name,),
    )  # fmt: skip
    _add_internet(draft, host, probes)
    draft.add(
        "laptop", "This laptop has power and room", "host",
        required=False, min_battery=20.0, min_free_disk_gb=1.0, vpn="off",
    )  # fmt: skip
    gate = Gate(needs=tuple(GateNeed(check=item.id, required=item.required) for item in draft.checks))
    return Plan(
        project=Project(id="here", name="This network", timezone="UTC", time_servers=(probes.time_server,)),
        milestones=(Milestone(id=FIT, title="Fit for work", gate=gate),),
        checks=tuple(draft.checks),
        left_out=tuple(draft.left_out),
        source="gonogo here",
        sources_digest=definition_digest("here", {item.id: item.digest for item in draft.checks}),
    )


def _add_neighbourhood(draft: _Draft, host: LocalHost) -> None:
    face = host.main_interface()
    name = face.name if face is not None else None
    gateway = host.gateway("ipv4", name) or host.gateway("ipv6", name)
    family = gateway.family if gateway is not None else "ipv4"
    draft.add(
        "gateway", "The gateway answers", "link.gateway", required=True, needs=("interface",), family=family
    )
    if gateway is not None and not gateway.address.startswith("fe80"):
        draft.add(
            "gateway-quality", "Loss, delay and jitter to the gateway", "network.ping",
            required=False, needs=("gateway",), target=gateway.address, thresholds="office-wifi",
            max_loss=5.0, window=5.0,
        )  # fmt: skip
    if face is None or all(address.family != "ipv4" for address in face.addresses):
        return
    raw = rights.raw_frames()
    if raw is None:
        draft.add(
            "duplicate-ip", "Nobody else has our address", "link.duplicate_ip",
            required=True, needs=("gateway",),
        )  # fmt: skip
    else:
        draft.left_out.append(
            LeftOut(check="duplicate-ip", reason=f"Raw frames cannot be used ({raw}). {rights.raw_fix()}")
        )


def _add_internet(draft: _Draft, host: LocalHost, probes: Probes) -> None:
    from checks.network.captive import KNOWN, Probe

    pages: tuple[Probe, ...] = KNOWN
    if probes.url is not None:
        pages = (Probe(url=probes.url, status=200 if probes.text else 204, body=probes.text or ""),)
    face = host.main_interface()
    beyond = ("gateway", "resolver")
    draft.add(
        "internet", "The internet is reached, and no portal stands before it", "network.captive",
        required=True, needs=beyond, within_s=8.0, probes=pages,
    )  # fmt: skip
    draft.add(
        "internet-quality", "Loss, delay and jitter to the internet", "network.ping",
        required=False, needs=beyond, target=probes.host, thresholds="data-only", window=5.0,
    )  # fmt: skip
    draft.add(
        "mtu", "Large packets get through", "network.mtu", required=False, needs=beyond, within_s=9.0,
        target=probes.host, expect=max(576, min(_MOST_MTU, face.mtu if face is not None else _MOST_MTU)),
    )  # fmt: skip
    draft.add(
        "clock", "This laptop's clock is right", "network.ntp",
        required=False, needs=beyond, within_s=5.0, server=probes.time_server,
    )  # fmt: skip


def portrait(host: LocalHost, picture: Picture) -> Iterator[tuple[str, str]]:
    """Return what this network is, as label and text, for people; raw text inside."""
    face = host.main_interface()
    if face is None:
        names = [item.name for item in host.interfaces if not item.loopback]
        yield "interface", f"none connected (there are: {', '.join(names) or 'none'})"
    else:
        yield "interface", f"{face.name}, {_medium(face)}"
        addresses = [f"{a.address}/{a.prefix}" for a in face.addresses if not a.address.startswith("fe80")]
        yield "address", ", ".join(addresses) or "none"
        gateways = [g.address for g in host.gateways if g.interface == face.name]
        yield "gateway", ", ".join(dict.fromkeys(gateways)) or "none"
    yield "DNS", ", ".join(dict.fromkeys(item.address for item in host.resolvers)) or "none"
    for lease in host.dhcp:
        if face is not None and lease.interface == face.name and lease.server:
            yield "DHCP", f"{lease.server}"
    yield "VPN", (", ".join(host.vpn) + (", carries everything" if host.tunnelled else "")) or "off"
    yield "proxy", "; ".join(host.proxy) or "none"
    if face is not None:
        yield "MTU", f"{face.mtu} bytes; {_told(picture, 'mtu')}"
    yield "clock", _clock(picture)
    internet = picture.results.get("internet")
    reached = internet is not None and internet.status is Status.PASS
    yield "internet", "reached, no portal before it" if reached else _told(picture, "internet")


def _medium(face: InterfaceFact) -> str:
    if not face.up:
        return "not connected"
    words = ["tunnel" if face.tunnel else "Wi-Fi" if face.wireless else "cable"]
    if face.speed_mbps:
        words.append(f"{face.speed_mbps} Mbit/s")
    if face.duplex:
        words.append(f"{face.duplex} duplex")
    return ", ".join(words)


def _clock(picture: Picture) -> str:
    offset = picture.run.vantage.clock_offset_s if picture.run is not None else None
    if offset is None:
        return "not compared"
    if abs(offset) < 1:
        return f"right ({offset * 1000:+.0f} ms)"
    return f"{abs(offset):.1f} s {'ahead' if offset > 0 else 'behind'}"


def _told(picture: Picture, check: str) -> str:
    result = picture.results.get(check)
    if not isinstance(result, Result) or result.status is Status.BLOCKED or not result.findings:
        return "path not tested" if check == "mtu" else "not tested"
    worst = next(finding for finding in result.findings if finding.status is result.status)
    return worst.message.rstrip(".")
