from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from pathlib import Path

import pytest

from checks import jsonable
from checks.network.throughput import Throughput, ThroughputSeen
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire import tcp_load
from checks.wire.tcp_load import Flow, read_iperf3
from checks.words import worst
from tests.checks import hostile
from tests.lab import need

URL = "https://speed.example.com/100MB.bin"
DOWN = Throughput(url=URL, min_down=100)


def flow(mbits: float = 200.0, seconds: float = 8.0, **more) -> Flow:
    payload = int(mbits * 1e6 / 8 * seconds)
    more = {"direction": "down", "largest": payload, "requests": 1, **more}
    return Flow(payload=payload, seconds=seconds, **more)


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (flow(), "pass"),
        (flow(100.0), "pass"),
        (flow(99.0), "fail"),
        (flow(99.0, bounded=True), "fail"),
        (flow(500.0, seconds=0.4), "inconclusive"),  # too short, however fast
        (flow(5.0, seconds=0.4), "inconclusive"),
        (flow(99.0, largest=1000, requests=5000), "inconclusive"),  # small files
        (flow(0.5, largest=125000, requests=4), "fail"),  # large files that the window cut off
        (flow(200.0, largest=1000), "pass"),
        (flow(problem="status 404"), "inconclusive"),
        (Flow(direction="down"), "inconclusive"),
    ],
)
def test_judge_a_rate(what, status):
    seen = ThroughputSeen(flows=(what,))
    assert jsonable.from_json(ThroughputSeen, jsonable.to_json(seen)) == seen
    assert worst(finding.status for finding in DOWN.judge(seen)) == status


@pytest.mark.parametrize(
    ("idle", "loaded", "what", "status"),
    [
        ((0.01,) * 10, (0.02,) * 40, flow(), "pass"),
        ((0.01,) * 10, (0.055,) * 40, flow(), "warn"),
        ((0.01,) * 10, (0.3,) * 40, flow(), "fail"),
        ((0.01,) * 10, (0.005,) * 40, flow(), "pass"),
        ((), (0.01,) * 40, flow(), "inconclusive"),
        ((0.01,) * 10, (0.01,) * 3, flow(), "inconclusive"),
        ((0.01,) * 10, (0.01,) * 40, flow(problem="status 404"), "inconclusive"),  # there was no load
        ((0.01,) * 10, (0.01,) * 40, flow(seconds=0.1), "inconclusive"),
    ],
)
def test_judge_latency(idle, loaded, what, status):
    check = Throughput(url=URL, max_added_latency=0.06)
    findings = list(check.judge(ThroughputSeen(flows=(what,), idle=idle, loaded=loaded)))
    assert worst(finding.status for finding in findings) == status


def test_nothing_seen_is_nothing_said():
    assert list(DOWN.judge(ThroughputSeen(flows=()))) == []


async def swallow(reader, writer):
    """Take an upload and say so."""
    head = await hostile.request_head(reader)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while length > 0:
        data = await reader.read(65536)
        if not data:
            return
        length -= len(data)
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


def test_down_up_and_latency_live():
    file = hostile.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n" + bytes(8 << 20))

    async def go():
        async with hostile.serve(file) as down, hostile.serve(swallow) as up:
            check = Throughput(
                url=f"http://127.0.0.1:{down}/", upload_url=f"http://127.0.0.1:{up}/", window=2.0,
                min_down=1, min_up=1, max_added_latency=5.0, streams=2, max_bytes=1 << 40,
            )  # fmt: skip
            seen = await check.observe(Vantage(Shared(), allowance=check.allowance()))
            return seen, list(check.judge(seen))

    seen, findings = asyncio.run(go())
    assert [item.direction for item in seen.flows] == ["down", "up"]
    assert [item.problem for item in seen.flows] == [None, None]
    assert all(item.payload > 1 << 20 for item in seen.flows)
    assert len(seen.idle) == 10
    assert {finding.status for finding in findings} == {"pass"}


def test_the_bytes_are_bounded():
    async def go():
        async with hostile.serve(hostile.huge_length) as port:
            check = Throughput(url=f"http://127.0.0.1:{port}/", min_down=1, max_bytes=4 << 20, window=30.0)
            return await check.observe(Vantage(Shared(), allowance=60))

    (what,) = asyncio.run(go()).flows
    assert what.bounded
    assert what.payload <= 4 << 20


@pytest.mark.parametrize(
    "handler",
    [hostile.reset, hostile.banner, hostile.endless_redirect, hostile.silence, hostile.endless_headers],
)
def test_servers_that_are_no_help_prove_nothing(handler):
    async def go():
        async with hostile.serve(handler) as port:
            check = Throughput(url=f"http://127.0.0.1:{port}/", min_down=1, window=2.0)
            findings = list(check.judge(await check.observe(Vantage(Shared(), allowance=30))))
            hostile.assert_harmless(findings)
            return [finding.status for finding in findings]

    assert asyncio.run(go()) == ["inconclusive"]


def test_iperf3_live():
    need("iperf3", root=False)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    server = subprocess.Popen(
        ["iperf3", "-s", "-B", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        listening(port)
        check = Throughput(iperf3=f"127.0.0.1:{port}", min_down=1, min_up=1, window=2.0, streams=1)
        seen = asyncio.run(check.observe(Vantage(Shared(), allowance=60)))
        assert [item.problem for item in seen.flows] == [None, None]
        assert {finding.status for finding in check.judge(seen)} == {"pass"}
    finally:
        server.terminate()
        server.wait(10)


def listening(port: int) -> None:
    """Wait until the port is listened on, without connecting: a stray connection would upset iperf3."""
    needle = f":{port:04X} 00000000:0000 0A"
    ends = time.monotonic() + 20
    while True:
        if needle in Path("/proc/net/tcp").read_text():
            return
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_iperf3_without_a_server():
    need("iperf3", root=False)
    check = Throughput(iperf3="127.0.0.1:1", min_down=1, window=2.0)
    findings = list(check.judge(asyncio.run(check.observe(Vantage(Shared(), allowance=60)))))
    assert [finding.status for finding in findings] == ["inconclusive"]
    assert "iperf3" in findings[0].observed


def test_iperf3_not_installed(monkeypatch):
    monkeypatch.setattr(tcp_load.shutil, "which", lambda name: None)
    check = Throughput(iperf3="192.0.2.1", min_down=1)
    with pytest.raises(CannotTell, match="not installed"):
        asyncio.run(check.observe(Vantage(Shared())))


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"error": "the server is busy"}',
        b'{"end": {"sum_received": {"bytes": 1}}}',
    ],
)
def test_what_iperf3_may_say_instead(output):
    assert read_iperf3("down", output).problem


def test_what_iperf3_says():
    said = {"end": {"sum_received": {"bytes": 25_000_000, "seconds": 2.0, "bits_per_second": 1e8}}}
    assert read_iperf3("up", json.dumps(said).encode()).mbits == 100.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"min_down": 1}, "either url"),
        ({"url": URL, "iperf3": "192.0.2.1", "min_down": 1}, "either url"),
        ({"url": URL}, "Nothing is expected"),
        ({"upload_url": URL, "min_down": 1}, "needs a url"),
        ({"url": URL, "min_up": 1}, "needs an upload_url"),
        ({"iperf3": "192.0.2.1", "max_added_latency": 0.1}, "needs latency_to"),
        ({"url": URL, "max_added_latency": 0.1, "latency_to": "192.0.2.1"}, "needs a port"),
    ],
)
def test_refused_parameters(settings, words):
    with pytest.raises(ValueError, match=words):
        Throughput(**settings)


def test_it_runs_alone_and_long_enough():
    check = Throughput(url=URL, upload_url=URL, min_down=1)
    assert check.kind == "exclusive"
    assert check.allowance() == 36.0
    assert check.subject() == URL
