"""network.throughput: the line carries what was ordered, and stays quick while it does."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Gt, Le
from checks.contract import Check, Finding, Measure, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, within
from checks.params import Duration, Endpoint, Url, split_endpoint
from checks.safe import safe
from checks.wire.http import Request, place
from checks.wire.names import Family, resolve
from checks.wire.tcp_load import Direction, Flow, Sampling, by_iperf3, over_http, round_trips

SHORTEST = 1.0
"""Seconds that a flow must last to be a measurement."""
SMALLEST = 1 << 20
"""Bytes that one request must carry so that a low rate is the line's and not the file's."""
_IDLE_SAMPLES = 10
_ENOUGH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputSeen:
    """The flows, and the connect times in seconds before and during them."""

    flows: tuple[Flow, ...]
    idle: tuple[float, ...] = ()
    loaded: tuple[float, ...] = ()


class Throughput(Check[ThroughputSeen]):
    """The line carries at least the planned rate down and up, without latency rising too far under load.

    Loads the line over HTTP (`url`, `upload_url`) on several connections, or by iperf3 against a server of
    your own, and takes TCP connect times before and meanwhile. It runs alone: it spoils other measurements.
    `upload_url` is sent POST requests with random content: name only a page made for that.

    Proves: so much payload a second crossed the path in the window, and what that did to round trips.
    Cannot prove: the line's own limit, where the server, Wi-Fi or this laptop is slower (beyond 500 Mbit/s or
    so prefer iperf3); that it stays so at busy hours.
    If it fails: measure by cable and with the line idle; then call the provider with these figures.

    Source: RFC 6349 (TCP throughput testing), RFC 7567 section 1 (queues that are too long), iperf3(1).

    Example:
        type: network.throughput
        url: https://speed.example.com/100MB.bin
        min_down: 250
        max_added_latency: 60ms
    """

    deadline_s = 20.0
    kind = "exclusive"

    url: Url | None = None
    """File to download, again and again while the window lasts; 10 MB or more."""
    upload_url: Url | None = None
    """Page that takes POST requests, to upload to."""
    iperf3: Endpoint | None = None
    """iperf3 server in place of the URLs; port 5201 unless given."""
    min_down: Annotated[float, Gt(0)] | None = None
    """Mbit/s that must arrive at least."""
    min_up: Annotated[float, Gt(0)] | None = None
    """Mbit/s that must leave at least."""
    max_added_latency: Duration | None = None
    """Most that the median connect time may rise under load; a warning from two thirds of it on."""
    latency_to: Endpoint | None = None
    """Server with port for the connect times, in place of the URL's host; needed with iperf3."""
    window: Annotated[Duration, Ge(2), Le(120)] = 8.0
    """How long to load each direction."""
    streams: Annotated[int, Ge(1), Le(16)] = 4
    """Connections at the same time."""
    max_bytes: Annotated[int, Ge(1 << 20)] = 1 << 30
    """Bytes for each direction at most (HTTP); a metered line may need less."""
    family: Family = "any"
    """`any`, `ipv4` or `ipv6` (HTTP and connect times)."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""

    def __post_init__(self) -> None:
        http = self.url is not None or self.upload_url is not None
        if http == (self.iperf3 is not None):
            raise ValueError("Give either url and upload_url, or iperf3: one of them must load the line.")
        if self.min_down is None and self.min_up is None and self.max_added_latency is None:
            raise ValueError("Nothing is expected: give min_down, min_up or max_added_latency.")
        if http and (self.min_down is not None and self.url is None):
            raise ValueError("min_down needs a url to download from.")
        if http and (self.min_up is not None and self.upload_url is None):
            raise ValueError("min_up needs an upload_url.")
        if self.max_added_latency is not None and self.iperf3 is not None and self.latency_to is None:
            raise ValueError("max_added_latency with iperf3 needs latency_to, a server to connect to.")
        if self.latency_to is not None and split_endpoint(self.latency_to)[1] == 0:
            raise ValueError("latency_to needs a port, as in 192.0.2.1:443.")

    def subject(self) -> str:
        return self.url or self.upload_url or self.iperf3 or "throughput"

    def allowance(self) -> float:
        return self.deadline_s + self.window * len(self._directions())

    def needs_link(self) -> bool:
        return not is_loopback(self.subject())

    async def observe(self, vantage: Vantage) -> ThroughputSeen:
        peer = await self._latency_peer(vantage)
        idle = await round_trips(*peer, count=_IDLE_SAMPLES) if peer is not None else []
        sampling = Sampling(*peer) if peer is not None else None
        async with sampling or contextlib.nullcontext():
            flows = [await self._load(vantage, direction) for direction in self._directions()]
        return ThroughputSeen(
            flows=tuple(flows), idle=tuple(idle), loaded=tuple(sampling.seconds) if sampling else ()
        )

    def judge(self, seen: ThroughputSeen) -> Iterable[Finding]:
        for flow in seen.flows:
            least = self.min_down if flow.direction == "down" else self.min_up
            yield from self._judge_flow(flow, least)
        if self.max_added_latency is not None:
            yield self._judge_latency(seen, self.max_added_latency * 1000)

    def _too_small(self, flow: Flow) -> bool:
        """Return whether small files held the rate down; requests that the window cut off were no such files.

        An upload's requests are made by this check and grow until the line is what limits them.
        """
        whole = flow.requests > self.streams
        return flow.direction == "down" and whole and flow.largest < SMALLEST and not flow.bounded

    def _by_anybody(self, flow: Flow) -> bool:
        """Return whether nothing vouches for who answered: a portal next door is quick."""
        url = self.url or ""
        return flow.direction == "down" and url.startswith("http://") and not is_loopback(url)

    def _judge_flow(self, flow: Flow, least: float | None) -> Iterable[Finding]:
        where = f"{flow.direction} {self.subject()}"
        if flow.problem is not None:
            yield cannot_tell(
                where,
                "The line could not be loaded, so its rate is not known.",
                observed=safe(flow.problem, limit=200),
                fix="Check the server by network.http; an iperf3 server serves one test at a time.",
            )
        elif flow.seconds < SHORTEST:
            yield cannot_tell(
                where,
                "The sample is too short to be a measurement.",
                expected=f"at least {SHORTEST:g} s",
                observed=f"{flow.payload} bytes in {flow.seconds:.2f} s",
                fix="Raise max_bytes, take a larger file or a longer window.",
            )
        elif least is not None and self._too_small(flow) and (flow.mbits < least or self._by_anybody(flow)):
            yield cannot_tell(
                where,
                "The answers were too small to fill the line, so the rate may not be the line's; over plain "
                "http a portal's page looks like this.",
                expected=f"at least {least:g} Mbit/s",
                observed=f"{flow.mbits:.1f} Mbit/s, at most {flow.largest} bytes in a request",
                fix="Take a file of 10 MB or more.",
            )
        elif least is not None:
            name = "Download rate" if flow.direction == "down" else "Upload rate"
            measure = Measure(
                name=name,
                value=flow.mbits,
                unit="Mbit/s",
                fail=least,
                source="the ordered rate in this check",
            )
            yield within(
                where, measure, least=True,
                fix="Repeat by cable at the router to take Wi-Fi and LAN out; then show it to the provider.",
            )  # fmt: skip

    def _judge_latency(self, seen: ThroughputSeen, limit: float) -> Finding:
        where = f"latency {self.latency_to or self.subject()}"
        loaded = any(
            flow.problem is None and flow.seconds >= SHORTEST and not self._too_small(flow)
            for flow in seen.flows
        )
        if len(seen.idle) < _ENOUGH or len(seen.loaded) < _ENOUGH or not loaded:
            return cannot_tell(
                where,
                "There are too few round trips, or no load, to tell what load does to latency.",
                expected=f"at least {_ENOUGH} before and {_ENOUGH} under load",
                observed=f"{len(seen.idle)} before, {len(seen.loaded)} under load",
                fix="Name a server by latency_to whose port accepts connections, and mend the load first.",
            )
        added = max(0.0, statistics.median(seen.loaded) - statistics.median(seen.idle)) * 1000
        measure = Measure(
            name="Latency added by load", value=added, unit="ms", warn=limit * 2 / 3, fail=limit,
            source="max_added_latency of this check",
        )  # fmt: skip
        return within(
            where, measure, fix="Switch on smart queueing (fq_codel, CAKE) at the router, or shape."
        )

    def _directions(self) -> tuple[Direction, ...]:
        if self.iperf3 is None:
            wanted = (self.url is not None, self.upload_url is not None)
        else:
            wanted = (self.min_down is not None or self.min_up is None, self.min_up is not None)
        both: tuple[Direction, Direction] = ("down", "up")
        return tuple(direction for direction, asked in zip(both, wanted, strict=True) if asked)

    async def _load(self, vantage: Vantage, direction: Direction) -> Flow:
        if self.iperf3 is not None:
            host, port = split_endpoint(self.iperf3, 5201)
            return await by_iperf3(direction, host, port, streams=self.streams, window=self.window)
        url = self.url if direction == "down" else self.upload_url
        request = Request(url=url or "", family=self.family, ca_file=self.ca_file)
        return await over_http(
            vantage, direction, request, streams=self.streams, window=self.window, max_bytes=self.max_bytes
        )

    async def _latency_peer(self, vantage: Vantage) -> tuple[str, int] | None:
        if self.max_added_latency is None:
            return None
        if self.latency_to is not None:
            host, port = split_endpoint(self.latency_to)
        else:
            where = place(self.url or self.upload_url or "")
            host, port = where.host, where.port
        names = await resolve(vantage, host, self.family)
        return (names.addresses[0], port) if names.addresses else None
