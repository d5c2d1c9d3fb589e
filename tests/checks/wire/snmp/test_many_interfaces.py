"""snmpd in a namespace with many interfaces: the same columns as snmpbulkwalk prints."""

from __future__ import annotations

import asyncio

import pytest

from checks.vantage import Shared
from checks.wire.snmp.agent import Access
from checks.wire.snmp.client import Snmp
from tests.lab.namespaces import Lab
from tests.lab.needs import need, tool
from tests.lab.snmpd import AUTH_KEY, PRIVACY_KEY, snmpd

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("snmpd-interfaces")]
DESCR, NAME = (1, 3, 6, 1, 2, 1, 2, 2, 1, 2), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)
PAIRS = 60


@pytest.mark.parametrize("version", ["1", "2c", "3"])
def test_many_interfaces_are_read_like_snmpbulkwalk_does(tmp_path, version):
    need("snmpd", "snmpbulkwalk", "ip")
    way = {"community": "public"} if version != "3" else {
        "user": "private", "auth": "sha256", "auth_key": AUTH_KEY, "privacy": "aes",
        "privacy_key": PRIVACY_KEY,
    }  # fmt: skip

    async def read(port):
        client = await Snmp.open(Shared())
        try:
            ours = client.agent(Access(host="127.0.0.1", port=port, version=version, **way))
            return await ours.table(DESCR, NAME)
        finally:
            await client.close()

    with Lab() as lab:
        inside = lab.namespace("switch")
        inside.ip(*(f"link add left{number} type veth peer name right{number}" for number in range(PAIRS)))
        enter = (tool("ip"), "netns", "exec", inside.name)
        with snmpd(tmp_path, prefix=enter) as agent:
            found = inside.call(lambda: asyncio.run(read(agent.port)))
            words = ("-v2c", "-cpublic", "-On", "-Oq", "-m", "", f"127.0.0.1:{agent.port}")
            printed = inside.run("snmpbulkwalk", *words, ".".join(map(str, DESCR))).stdout
    expected = {}
    for line in printed.splitlines():
        name, _, value = line.partition(" ")
        expected[int(name.rpartition(".")[2]),] = value.strip('"').encode()
    assert len(expected) >= 2 * PAIRS + 1
    assert found == {DESCR: expected, NAME: expected}
