"""Every check of a device: it reads only, shares with its own credentials alone, and ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from checks import registry
from checks.contract import CannotTell, Check, Vantage
from checks.device.check import DeviceCheck
from checks.switch.find import PlannedDevice
from checks.switch.identity import Identity
from checks.switch.ports import PlannedPort, Ports
from checks.switch.vlans import PlannedTrunk
from checks.vantage import Shared
from checks.wire.snmp import line
from tests.checks.switch.test_cable_runs import healthy
from tests.lab.snmp_agent import Agent, Lies
from tests.recordings import oid

KINDS = tuple(kind for name in registry.names() if issubclass(kind := registry.load(name), DeviceCheck))
READS = {"get", "getnext", "getbulk"}


def made(kind: type[Check[Any]], agent: Agent, **more: Any) -> Check[Any]:
    given: dict[str, Any] = {"host": agent.endpoint, "community": agent.community}
    if kind.__name__ == "Find":
        given["devices"] = (
            PlannedDevice(name="phone", mac="00:1b:21:3c:4d:5e"),
            PlannedDevice(name="printer", address="10.20.40.9"),
        )
    if kind.__name__ == "Errors":
        given["window"] = 0.05
    if kind.__name__ == "Vlans":
        given["trunks"] = (PlannedTrunk(port="Gi1/0/49", peer=agent.endpoint, peer_port="Gi1/0/49"),)
    if kind is Ports:
        given["ports"] = (
            PlannedPort(port="Gi1/0/49", neighbor="core-1", vlan=1),
            PlannedPort(vlan=20),
            PlannedPort(description="x"),
        )
    return kind(**{**given, **more})


async def observed(check: Check[Any], shared: Shared) -> Any:
    try:
        return await check.observe(Vantage(shared))
    except CannotTell as told:
        return told


def test_all_types_are_here() -> None:
    assert len(KINDS) >= 13


async def test_nothing_is_ever_set() -> None:
    with Agent(healthy()) as agent:
        shared = Shared()
        seen = await asyncio.gather(*(observed(made(kind, agent), shared) for kind in KINDS))
        await shared.close()
    assert sum(not isinstance(one, CannotTell) for one in seen) >= 8
    assert {kind for kind, count in agent.asked.items() if count} <= READS


async def test_many_checks_of_a_dead_device_cost_one_wait() -> None:
    with Agent(healthy(), lies=Lies(silent=True)) as agent:
        shared = Shared()
        seen = await asyncio.gather(*(observed(made(kind, agent), shared) for kind in KINDS * 3))
        await shared.close()
    assert all(isinstance(one, CannotTell) and one.fix for one in seen)
    assert sum(agent.asked.values()) <= 2 * line.PROBES


LIES = {
    "silent": Lies(silent=True),
    "silent soon": Lies(silent_after=3),
    "slow": Lies(delay_s=0.2),
    "endless": Lies(endless=oid("1.3.6.1.2.1.2.2.1.8")),
    "in circles": Lies(circle_at=(oid("1.3.6.1.2.1.2.2.1.8.10103"), oid("1.3.6.1.2.1.2.2.1.8.10101"))),
    "another source": Lies(other_source="127.0.0.9"),
}


@pytest.mark.parametrize("lies", LIES.values(), ids=LIES)
async def test_a_check_that_is_cut_off_leaves_no_task_behind(lies: Lies) -> None:
    with Agent(healthy(), lies=lies) as agent:
        shared = Shared()
        checks = [asyncio.create_task(observed(made(kind, agent), shared)) for kind in KINDS]
        await asyncio.wait(checks, timeout=0.5)
        for check in checks:
            check.cancel()
        await asyncio.gather(*checks, return_exceptions=True)
        await shared.close()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []


async def test_two_credentials_of_one_device_never_share() -> None:
    name = oid("1.3.6.1.2.1.1.5.0")
    other = healthy() | {name: b"another"}
    with Agent(healthy(), more={"second": other}) as agent:
        shared = Shared()
        first, second = await asyncio.gather(
            observed(made(Identity, agent), shared),
            observed(made(Identity, agent, community="second"), shared),
        )
        await shared.close()
    assert (first.sys_name, second.sys_name) == ("sw1", "another")
