"""net-snmp's snmpd: communities, every SNMPv3 protocol, wrong keys, restricted views, many interfaces."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import asynccontextmanager

import pytest

from checks.vantage import CannotTell, Shared
from checks.wire.snmp import community, engines
from checks.wire.snmp.agent import Access
from checks.wire.snmp.client import Snmp
from tests.lab.needs import need
from tests.lab.snmpd import AUTH_KEY, PRIVACY_KEY, USERS, free_port, snmpd

NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)
ABSENT = (1, 3, 6, 1, 2, 1, 1, 99, 0)
IF = (1, 3, 6, 1, 2, 1, 2, 2, 1)
FULL = {
    "version": "3", "user": "private", "auth": "sha256", "auth_key": AUTH_KEY, "privacy": "aes",
    "privacy_key": PRIVACY_KEY,
}  # fmt: skip
pytestmark = pytest.mark.xdist_group("snmpd")


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    need("snmpd", root=False)
    with snmpd(tmp_path_factory.mktemp("snmpd")) as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(community, "WAIT_S", 0.3)
    monkeypatch.setattr(engines, "WAIT_S", 0.5)


@asynccontextmanager
async def asked(agent, **access):
    client = await Snmp.open(Shared())
    try:
        yield client.agent(Access(host=agent.host, port=agent.port, **access))
    finally:
        await client.close()


async def works(agent, **access):
    async with asked(agent, **access) as ours:
        assert await ours.get(NAME, ABSENT) == {NAME: b"lab-agent"}
        found = await ours.table((*IF, 1), (*IF, 2), (*IF, 99))
    names = {(number,): name.encode() for number, name in socket.if_nameindex()}
    assert found == {(*IF, 1): {index: index[0] for index in names}, (*IF, 2): names, (*IF, 99): {}}


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_a_community_reads(agent, version):
    await works(agent, community="public", version=version)


@pytest.mark.parametrize("user", USERS)
async def test_every_protocol_reads(agent, user):
    auth, privacy = USERS[user]
    key = PRIVACY_KEY if privacy != "none" else ""
    await works(agent, version="3", user=user, auth=auth, auth_key=AUTH_KEY, privacy=privacy, privacy_key=key)


@pytest.mark.parametrize("how", [FULL, {"community": "public"}], ids=["v3", "v2c"])
async def test_ipv6_reads(tmp_path, how):
    need("snmpd", root=False)
    with snmpd(tmp_path, host="::1") as running:
        await works(running, **how)


async def test_a_user_without_keys_reads(agent):
    await works(agent, version="3", user="open")


async def test_several_users_at_once_read(agent):
    client = await Snmp.open(Shared())
    ways = [Access(host=agent.host, port=agent.port, version="3", user=user, auth=auth, auth_key=AUTH_KEY,
                   privacy=privacy, privacy_key=PRIVACY_KEY if privacy != "none" else "")
            for user, (auth, privacy) in list(USERS.items())[:3]]  # fmt: skip
    found = await asyncio.gather(*(client.agent(way).table((*IF, 2)) for way in ways for _ in range(5)))
    await client.close()
    assert all(one == found[0] and one[*IF, 2] for one in found)


WRONG = {
    "user": ({"user": "nobody"}, "does not know the user nobody"),
    "authentication key": ({"auth_key": "wrongwrong"}, "refuses its authentication"),
    "authentication protocol": ({"auth": "sha"}, "refuses its authentication"),
    "privacy key": ({"privacy_key": "wrongwrong"}, "does not answer encrypted messages"),
    "privacy protocol": ({"privacy": "des"}, "does not answer encrypted messages"),
    "way of AES-192": (
        {"user": "shaaes192c", "auth": "sha", "privacy": "aes192-blumenthal"}, "does not answer encrypted"
    ),
    "authNoPriv asked of authPriv": (
        {"privacy": "none", "privacy_key": ""}, "does not let it read at the level authNoPriv"
    ),
    "noAuthNoPriv asked of authPriv": (
        {"privacy": "none", "privacy_key": "", "auth": "none", "auth_key": ""}, "at the level noAuthNoPriv"
    ),
    "authPriv asked of authNoPriv": (
        {"user": "shanone", "auth": "sha"}, "does not take messages of the user shanone at the level authPriv"
    ),
    "context": ({"context": "vlan-10"}, "does not know the SNMPv3 context vlan-10"),
    "no authentication key": ({"auth_key": ""}, "the authentication passphrase is empty"),
}  # fmt: skip


@pytest.mark.parametrize(("how", "words"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_wrong_is_told_apart(agent, how, words):
    async with asked(agent, **{**FULL, **how}) as ours:
        with pytest.raises(CannotTell) as told:
            await ours.get(NAME)
        assert words in told.value.reason
        assert told.value.fix
        with pytest.raises(CannotTell, match=words):
            await ours.table((*IF, 2))


async def test_the_other_way_of_aes_is_named(agent):
    async with asked(agent, **{**FULL, **WRONG["way of AES-192"][0]}) as ours:
        with pytest.raises(CannotTell) as told:
            await ours.get(NAME)
    assert "try aes192." in told.value.fix


async def test_a_wrong_community_is_silence(agent):
    async with asked(agent, community="wrong") as ours:
        with pytest.raises(CannotTell, match="gave no answer to SNMP v2c or v1"):
            await ours.get(NAME)


@pytest.mark.parametrize(
    "how",
    [{"community": "system"}, {"version": "3", "user": "narrow", "auth": "sha", "auth_key": AUTH_KEY}],
    ids=["v2c", "v3"],
)
async def test_a_restricted_view_shows_the_system_group_only(agent, how):
    async with asked(agent, **how) as ours:
        assert await ours.get(NAME) == {NAME: b"lab-agent"}
        assert await ours.table((*IF, 2)) == {(*IF, 2): {}}


@pytest.mark.parametrize("how", [FULL, {"community": "public"}], ids=["v3", "v2c"])
async def test_a_closed_port_is_told(agent, how):
    need("snmpd", root=False)
    client = await Snmp.open(Shared())
    dead = client.agent(Access(host=agent.host, port=free_port(agent.host), **how))
    with pytest.raises(CannotTell, match="its UDP port is closed"):
        await dead.get(NAME)
    await client.close()


async def test_an_address_that_is_mute_is_told_for_v3():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        client = await Snmp.open(Shared())
        ours = client.agent(Access(host="127.0.0.1", port=mute.getsockname()[1], **FULL))
        with pytest.raises(CannotTell, match="gave no answer to SNMPv3"):
            await ours.get(NAME)
        await client.close()


async def test_an_agent_that_ends_in_the_middle_is_told_for_v3(tmp_path):
    need("snmpd", root=False)
    client = await Snmp.open(Shared())
    with snmpd(tmp_path) as running:
        ours = client.agent(Access(host=running.host, port=running.port, **FULL))
        assert await ours.get(NAME)
    with pytest.raises(CannotTell, match="fell silent"):
        await ours.table((*IF, 2))
    await client.close()


async def test_nothing_is_left_behind(agent):
    threads = set(threading.enumerate())
    await works(agent, **FULL)
    left = {one.name for one in set(threading.enumerate()) - threads}
    assert {name for name in left if not name.startswith("asyncio_")} == set(), "but the loop's own executor"
    assert len(asyncio.all_tasks()) == 1
