"""Whole interface tables by SNMP: the shared client, net-snmp's snmpbulkwalk and pysnmp, from one agent.

`.venv/bin/python -m tests.bench.snmp`. The agent is Python too, in a process of its own: its time is in
everybody's figures. A walk by snmpbulkwalk is two processes, one a table, as a script would do it.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.vantage import Shared
from checks.wire.snmp.agent import Access
from checks.wire.snmp.client import Snmp
from tests.lab.needs import tool
from tests.lab.snmpd import AUTH_KEY, PRIVACY_KEY, Snmpd, free_port, snmpd

ROUNDS = 3
PORTS, MANY, PORTS_OF_MANY = 330, 50, 100
IF, IFX = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
COLUMNS = [*((*IF, number) for number in range(1, 23)), *((*IFX, number) for number in range(1, 20))]
RUNNING = (1, 3, 6, 1, 2, 1, 25, 4, 2, 1)
TABLES = ("1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1")


def measure() -> dict[str, float]:
    """Return seconds, objects a second and ratios: medians of interleaved rounds."""
    found: dict[str, list[float]] = {}
    bulkwalk = tool("snmpbulkwalk")

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _agents(folder, ["127.0.0.1"], PORTS) as port:
            for turn in range(ROUNDS):
                note("gonogo s", asyncio.run(_ours(["127.0.0.1"], port, PORTS)))
                if bulkwalk:
                    note("snmpbulkwalk s", _bulkwalks(["127.0.0.1"], port))
                if not turn:
                    note("pysnmp bulk walk s", asyncio.run(_pysnmp(port)))
        addresses = [f"127.0.1.{number}" for number in range(1, MANY + 1)]
        with _agents(folder, addresses, PORTS_OF_MANY) as port:
            for _ in range(ROUNDS):
                note("gonogo, 50 agents s", asyncio.run(_ours(addresses, port, PORTS_OF_MANY)))
                if bulkwalk:
                    note("snmpbulkwalk, 50 agents s", _bulkwalks(addresses, port))
        if tool("snmpd"):
            with snmpd(folder) as agent:
                for _ in range(ROUNDS):
                    objects, seconds = asyncio.run(_ours_v3(agent))
                    note("gonogo v3 objects/s", objects / seconds)
                    if bulkwalk:
                        note("snmpbulkwalk v3 objects/s", _bulkwalk_v3(agent))
    figures = {name: statistics.median(each) for name, each in found.items()}
    figures["gonogo objects/s"] = PORTS * len(COLUMNS) / figures["gonogo s"]
    figures["pysnmp_over_gonogo"] = figures["pysnmp bulk walk s"] / figures["gonogo s"]
    for ratio, ours, theirs in (
        ("ratio_to_snmpbulkwalk", "gonogo s", "snmpbulkwalk s"),
        ("ratio_to_100_snmpbulkwalks", "gonogo, 50 agents s", "snmpbulkwalk, 50 agents s"),
    ):
        if theirs in found:
            pairs = zip(found[ours], found[theirs], strict=True)
            figures[ratio] = statistics.median(own / their for own, their in pairs)
    return figures


def _recording(ports: int) -> str:
    """Return the interfaces of a switch in the format of a recording."""
    lines = ["1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.1", "1.3.6.1.2.1.1.3.0|67|123456"]
    for oid in COLUMNS:
        for port in range(1, ports + 1):
            name = ".".join(map(str, oid)) + f".{10100 + port}"
            if oid in {(*IF, 2), (*IFX, 1)}:
                lines.append(f"{name}|4|GigabitEthernet1/0/{port}")
            elif oid == (*IFX, 18):
                lines.append(f"{name}|4|desk {port} in room {port // 10}")
            elif oid == (*IF, 6):
                lines.append(f"{name}|4x|0011223344{port % 256:02x}")
            elif oid[:-1] == IFX and 6 <= oid[-1] <= 13:
                lines.append(f"{name}|70|{2**40 + port}")
            elif oid == (*IF, 22):
                lines.append(f"{name}|6|0.0")
            else:
                lines.append(f"{name}|65|{port * 1000 + oid[-1]}")
    return "\n".join(lines)


@contextmanager
def _agents(folder: Path, addresses: list[str], ports: int) -> Iterator[int]:
    file, port = folder / "switch.snmprec", free_port(addresses[0])
    file.write_text(_recording(ports))
    words = [f"{address}={file}" for address in addresses]
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.lab.snmp_agent", str(port), *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == b"Serving\n"
        yield port
    finally:
        program.communicate()


async def _ours(addresses: list[str], port: int, ports: int) -> float:
    client = await Snmp.open(Shared())
    try:
        begun = time.perf_counter()
        agents = [client.agent(Access(host=one, port=port, community="public")) for one in addresses]
        tables = await asyncio.gather(*(agent.table(*COLUMNS) for agent in agents))
        seconds = time.perf_counter() - begun
    finally:
        await client.close()
    assert all(len(column) == ports for table in tables for column in table.values())
    return seconds


def _bulkwalks(addresses: list[str], port: int) -> float:
    begun = time.perf_counter()
    programs = []
    for address in addresses:
        for table in TABLES:
            program = subprocess.Popen(
                [str(tool("snmpbulkwalk")), "-v2c", "-cpublic", "-Cr50", "-On", "-m", "", f"{address}:{port}",
                 table],
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
            programs.append(program)
            if len(addresses) == 1:
                program.wait()
    codes = [program.wait() for program in programs]
    seconds = time.perf_counter() - begun
    assert not any(codes), codes
    return seconds


async def _pysnmp(port: int) -> float:
    from pysnmp.hlapi.v3arch import asyncio as api

    engine = api.SnmpEngine()
    target = await api.UdpTransportTarget.create(("127.0.0.1", port))
    common = (engine, api.CommunityData("public"), target, api.ContextData())
    await api.get_cmd(*common, api.ObjectType(api.ObjectIdentity("1.3.6.1.2.1.1.3.0")), lookupMib=False)
    begun, count = time.perf_counter(), 0
    for table in TABLES:
        walk = api.bulk_walk_cmd(
            *common,
            0,
            50,
            api.ObjectType(api.ObjectIdentity(table)),
            lookupMib=False,
            lexicographicMode=False,
        )
        async for trouble, status, _, bindings in walk:
            assert not trouble, trouble
            assert not status, status
            count += len(bindings)
    seconds = time.perf_counter() - begun
    engine.close_dispatcher()
    assert count >= PORTS * len(COLUMNS), count
    return seconds


async def _ours_v3(agent: Snmpd) -> tuple[int, float]:
    client = await Snmp.open(Shared())
    try:
        ours = client.agent(
            Access(host=agent.host, port=agent.port, version="3", user="private", auth="sha256",
                   auth_key=AUTH_KEY, privacy="aes", privacy_key=PRIVACY_KEY)
        )  # fmt: skip
        await ours.get((1, 3, 6, 1, 2, 1, 1, 3, 0))
        begun = time.perf_counter()
        table = await ours.table(*((*RUNNING, number) for number in range(1, 8)))
        return sum(map(len, table.values())), time.perf_counter() - begun
    finally:
        await client.close()


def _bulkwalk_v3(agent: Snmpd) -> float:
    begun = time.perf_counter()
    done = subprocess.run(
        [str(tool("snmpbulkwalk")), "-v3", "-lauthPriv", "-uprivate", "-aSHA-256", f"-A{AUTH_KEY}", "-xAES",
         f"-X{PRIVACY_KEY}", "-Cr50", "-On", "-m", "", f"{agent.host}:{agent.port}",
         ".".join(map(str, RUNNING))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return len(done.stdout.splitlines()) / (time.perf_counter() - begun)


if __name__ == "__main__":
    for label, value in measure().items():
        print(f"{label:32} {value:12,.3f}")
