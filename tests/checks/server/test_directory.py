"""server.directory by the form that Samba's source prints and Microsoft documents: every state."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.contract import Status, worst
from checks.server._dc import read_controller, samba_controller, windows_controller
from checks.server.directory import Directory, DirectorySeen
from checks.vantage import CannotTell
from tests.scripted_remote import ScriptedRemote, says

NOW = datetime.now(UTC)
PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
LOGIN = {"host": "dc.example.com", "user": "root"}
SAMBA_ROLES = ("SchemaMasterRole", "InfrastructureMasterRole", "RidAllocationMasterRole",
               "PdcEmulationMasterRole", "DomainNamingMasterRole", "DomainDnsZonesMasterRole")  # fmt: skip


def judged(host, **params):
    found = asyncio.run(read_controller(host, ""))
    seen = DirectorySeen(controller=found)
    assert jsonable.from_json(DirectorySeen, json.loads(json.dumps(jsonable.to_json(seen)))) == seen
    findings = list(Directory(**LOGIN, **params).judge(seen))
    text = "\n".join(f"{f.status} {f.subject}: {f.message} [{f.observed}]" for f in findings)
    return worst(finding.status for finding in findings), text


def link(*, minutes=5, failures=0, success=None, deleted=False, name="DC2"):
    at = (NOW - timedelta(minutes=minutes)).strftime("%a %b %e %H:%M:%S %Y UTC")
    return {
        "NC dn": "DC=example,DC=com", "DSA objectGUID": "x", "last attempt time": at,
        "last attempt message": "was successful", "consecutive failures": failures,
        "last success": at if success is None else success, "NTDS DN": f"CN=NTDS Settings,CN={name}",
        "is deleted": deleted, "DSA": f"Default-First-Site-Name\\{name}",
    }  # fmt: skip


def samba(*links, owner="DC1", roles=SAMBA_ROLES, end="\0end"):
    owners = "".join(f"{role} owner: CN=NTDS Settings,CN={owner},CN=Servers,CN=Site\n" for role in roles)
    data = {"dsa": {}, "repsFrom": list(links), "repsTo": [], "NTDSConnections": []}
    return ScriptedRemote(lambda _: json.dumps(data, indent=2) + "\0" + owners + end)


SAMBA = {
    "good": (samba(link()), {"partners": ("dc2",), "roles": {"pdc": "DC1"}}, PASS),
    "no partner": (samba(), {}, FAIL),
    "another partner": (samba(link()), {"partners": ("DC3",)}, FAIL),
    "too few": (samba(link(), link()), {"min_partners": 2}, FAIL),
    "only a deleted one": (samba(link(deleted=True)), {}, FAIL),
    "failing": (samba(link(failures=3)), {}, FAIL),
    "never succeeded": (samba(link(success="NTTIME(0)")), {}, FAIL),
    "old": (samba(link(minutes=600)), {}, FAIL),
    "in the future": (samba(link(minutes=-600)), {}, FAIL),
    "failures not told": (samba(link() | {"consecutive failures": None}), {}, UNKNOWN),
    "a role elsewhere": (samba(link(), owner="DC9"), {"roles": {"pdc": "DC1"}}, FAIL),
    "a role of nobody": (samba(link(), roles=SAMBA_ROLES[1:]), {}, UNKNOWN),
}


@pytest.mark.parametrize("name", SAMBA)
def test_samba(name):
    host, params, wanted = SAMBA[name]
    status, text = judged(host, **params)
    assert status is wanted, text


@pytest.mark.parametrize(
    "host", [samba(link(), end=""), ScriptedRemote(lambda _: "ERROR\0\0end")], ids=["cut", "text"]
)
def test_half_an_answer_is_none(host):
    with pytest.raises(CannotTell):
        asyncio.run(read_controller(host, ""))


def windows(partners=None, **more):
    one = {
        "partner": "CN=NTDS Settings,CN=DC2,CN=Servers,CN=Site", "partition": "DC=example,DC=com",
        "success": (NOW - timedelta(minutes=5)).isoformat(), "result": 0, "failures": 0,
    }  # fmt: skip
    roles = dict.fromkeys(("schema", "naming", "pdc", "rid", "infrastructure"), "DC1.example.com")
    return says(
        {"partners": one if partners is None else [one | row for row in partners], "roles": roles,
         "shares": ["NETLOGON", "SYSVOL"], "sysvol": {"state": 4}, "elevated": True, "end": "end"} | more
    )  # fmt: skip


WINDOWS = {
    "good": (windows(), {"partners": ("DC2",), "roles": {"rid": "dc1"}}, PASS),
    "no partner": (windows([]), {}, FAIL),
    "result": (windows([{"result": 8453}]), {}, FAIL),
    "failures": (windows([{"failures": 2}]), {}, FAIL),
    "result not told": (windows([{"result": None}]), {}, UNKNOWN),
    "never": (windows([{"success": "1601-01-01T00:00:00Z"}]), {}, FAIL),
    "one of two": (windows([{}, {"failures": 9}]), {}, FAIL),
    "no netlogon": (windows(shares=["SYSVOL"]), {}, FAIL),
    "no share": (windows(shares=None), {}, FAIL),
    "initial sync": (windows(sysvol={"state": 2}), {}, UNKNOWN),
    "sysvol in error": (windows(sysvol=[{"state": 5}]), {}, FAIL),
    "sysvol not told": (windows(sysvol=None), {}, UNKNOWN),
    "no roles": (windows(roles=None), {}, UNKNOWN),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name):
    host, params, wanted = WINDOWS[name]
    status, text = judged(host, **params)
    assert status is wanted, text


@pytest.mark.parametrize("roles", [{}, {"king": "DC1"}], ids=["none", "unknown"])
def test_what_asserts_nothing_is_refused(roles):
    with pytest.raises(ValueError, match="roles"):
        Directory(**LOGIN, roles=roles)


VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
ROW = st.dictionaries(st.sampled_from(["NC dn", "last success", "consecutive failures", "DSA", "partner",
                                       "success", "result", "failures", "state"]), VALUE)  # fmt: skip


@given(st.binary(max_size=200), st.lists(ROW | VALUE, max_size=4))
def test_no_answer_breaks_it(data, rows):
    with suppress(CannotTell):
        samba_controller(data, "x", NOW)
    samba_controller(
        json.dumps({"repsFrom": rows}).encode() + b"\0" + data.replace(b"\0", b"") + b"\0end", "x", NOW
    )
    windows_controller({"partners": rows, "sysvol": rows, "roles": rows, "shares": rows}, "x", NOW)
