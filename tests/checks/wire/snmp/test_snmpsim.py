"""Recorded devices served by snmpsim: the same tables by v2c, by v3 contexts, and read from the file."""

from __future__ import annotations

import pytest

from checks.vantage import Shared
from checks.wire.snmp import community
from checks.wire.snmp.agent import Access
from checks.wire.snmp.client import Snmp
from tests.lab.snmpsim import AUTH_KEY, PRIVACY_KEY, USER, need_recordings, simulator
from tests.recordings import FOLDER, Recording

NAMES = ("ios_2960x", "netgear_3", "jetdirect_m252dw", "zynos_gs1900-fdb")
MIB = (1, 3, 6, 1, 2, 1)
SYSTEM = tuple((*MIB, 1, number, 0) for number in range(1, 8))
COLUMNS = [
    (*MIB, 2, 2, 1, 2), (*MIB, 2, 2, 1, 8), (*MIB, 31, 1, 1, 1, 18), (*MIB, 43, 11, 1, 1, 9),
    (*MIB, 17, 7, 1, 4, 3, 1, 1),
]  # fmt: skip
pytestmark = pytest.mark.xdist_group("snmpsim")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    need_recordings(*NAMES)
    with simulator(tmp_path_factory.mktemp("snmpsim"), NAMES) as running:
        yield running


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """snmpsim takes its time."""
    monkeypatch.setattr(community, "WAIT_S", 3.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", ["2c", "3"])
async def test_a_recorded_device_is_read_as_recorded(served, name, version):
    way = {"community": name} if version == "2c" else {
        "user": USER, "auth": "sha256", "auth_key": AUTH_KEY, "privacy": "aes", "privacy_key": PRIVACY_KEY,
        "context": name,
    }  # fmt: skip
    client = await Snmp.open(Shared())
    ours = client.agent(Access(host=served.host, port=served.port, version=version, **way))
    recorded = Recording.of(FOLDER / f"{name}.snmprec")
    try:
        assert await ours.get(*SYSTEM) == await recorded.get(*SYSTEM)
        assert await ours.table(*COLUMNS) == await recorded.table(*COLUMNS)
    finally:
        await client.close()
