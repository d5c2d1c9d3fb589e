"""Endpoint protection of an inventory: what machines say of themselves, and those that say nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.remote.check import Login
from checks.security._protection import Product, Protected, ProtectionSeen
from checks.security._protection_ask import database_time, of_linux, of_windows
from checks.security.endpoint_protection import EndpointProtection
from checks.vantage import CannotTell
from checks.words import worst
from tests.checks.wire.test_tcp import free_port
from tests.lab import need
from tests.lab.sshd import Sshd, sshd
from tests.logged_in import run

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HEALTHY = {
    "healthy": True, "healthIssues": [], "licensed": True, "realTimeProtectionEnabled": {"value": True},
    "passiveModeEnabled": {"value": False}, "definitionsUpdatedMinutesAgo": 90,
    "tamperProtection": {"value": "block"},
}  # fmt: skip


def said(findings):
    found = list(findings)
    return str(worst(item.status for item in found)), " ".join(
        f"{f.subject}: {f.message} [{f.observed}]" for f in found
    )


def linux(processes="init\nsshd", mdatp="", mdatp_status="absent", clam="", clam_status="absent", end="end"):
    parts = (processes, "0", mdatp, mdatp_status, clam, clam_status, end)
    return of_linux("\0".join(parts).encode(), "pc-1", NOW)


def judged(*products, **more):
    seen = ProtectionSeen(machines=(Protected(name="pc-1", now=NOW, products=tuple(products)),))
    return said(EndpointProtection(user="tech", inventory=(Login(host="pc-1"),), **more).judge(seen))


def mdatp(**change):
    [product] = linux(mdatp=json.dumps(HEALTHY | change), mdatp_status="0")
    return product


def header(days=0.5, now=NOW):
    at = now - timedelta(days=days)
    return f"ClamAV-VDB:{at:%d %b %Y %H-%M} +0000:27500:1:90:x:y:raynman:{int(at.timestamp())}"


def clam(days=0.5, processes="init\nclamd\nclamonacc"):
    [product] = linux(processes=processes, clam=header(days), clam_status="0")
    return product


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, "pass", "in real time"),
        ({"realTimeProtectionEnabled": True}, "pass", "in real time"),
        ({"realTimeProtectionEnabled": {"value": False}}, "fail", "real-time protection is off"),
        ({"realTimeProtectionEnabled": None}, "inconclusive", "not told"),
        ({"healthy": False, "healthIssues": ["no\x1b[2J signatures"]}, "fail", "not healthy"),
        ({"healthy": None}, "fail", "not healthy"),
        ({"licensed": False}, "fail", "no licence"),
        ({"passiveModeEnabled": True}, "fail", "passive"),
        ({"definitionsUpdatedMinutesAgo": 4000}, "fail", "2.8 days old"),
        ({"definitionsUpdatedMinutesAgo": None}, "inconclusive", "not told"),
        ({"definitionsUpdatedMinutesAgo": -9}, "inconclusive", "not told"),
    ],
    ids=[
        "healthy", "older", "off", "untold", "ill", "unsaid", "licence", "passive", "stale", "ageless", "odd",
    ],
)  # fmt: skip
def test_defender_on_linux(change, status, words) -> None:
    found, told = judged(mdatp(**change))
    assert found == status, told
    assert words in told
    assert "\x1b" not in told


def test_tamper_protection_is_asked_only_where_it_is_wanted() -> None:
    off = mdatp(tamperProtection={"value": "audit"})
    assert judged(off)[0] == "pass"
    assert judged(off, tamper=True)[0] == "fail"
    assert judged(mdatp(), tamper=True)[0] == "pass"
    assert judged(clam(), tamper=True)[0] == "inconclusive"


@pytest.mark.parametrize("answer", ["", "{", "[]", "null", "Could not connect to the daemon"])
def test_a_defender_that_does_not_answer_protects_nothing(answer: str) -> None:
    [product] = linux(mdatp=answer, mdatp_status="1")
    assert judged(product)[0] == "fail"


@pytest.mark.parametrize(
    ("product", "status", "words"),
    [
        (clam(), "pass", "ClamAV"),
        (clam(3), "fail", "3.0 days old"),
        (clam(-3), "inconclusive", "future"),
        (clam(processes="init\nclamonacc"), "fail", "does not run"),
        (clam(processes="init\nclamd"), "fail", "real-time protection is off"),
    ],
    ids=["new", "stale", "future", "stopped", "on-demand"],
)
def test_clamav(product, status, words) -> None:
    found, told = judged(product)
    assert found == status, told
    assert words in told


def test_the_date_of_a_database() -> None:
    assert database_time(header(0)) == NOW
    assert database_time("ClamAV-VDB:07 Mar 2017 08-02 -0500:23182:1") == datetime(
        2017, 3, 7, 13, 2, tzinfo=UTC
    )
    for broken in ("", "ClamAV-VDB", "ClamAV-VDB::", "x:07 Mar 2017 08-02 -0500:1", "ClamAV-VDB:never:1:1"):
        assert database_time(broken) is None
    [product] = linux(processes="init\nclamd\nclamonacc", clam="", clam_status="empty")
    assert judged(product)[0] == "inconclusive"


def test_an_agent_that_is_only_seen_to_run_counts_where_it_is_named() -> None:
    [falcon] = linux(processes="init\nfalcon-sensor")
    assert judged(falcon)[0] == "inconclusive"
    assert judged(falcon, products=("crowdstrike*",))[0] == "pass"
    assert judged(falcon, products=("Sophos",))[0] == "fail"
    assert judged()[0] == "fail"
    assert judged(falcon, clam(3), products=("ClamAV",))[0] == "fail"


@pytest.mark.parametrize("parts", [b"", b"init\0000", b"init\nsshd\0001\0\0absent\0\0absent\0end"])
def test_half_an_answer_is_none(parts: bytes) -> None:
    with pytest.raises(CannotTell):
        of_linux(parts, "pc-1", NOW)


DEFENDER = {
    "mode": "Normal", "enabled": True, "service": True, "real_time": True, "tamper": True, "age": 1,
    "at": "2026-11-22T20:00:00.0000000Z",
}  # fmt: skip


def windows(change=None, **more):
    return of_windows({"defender": DEFENDER | (change or {})} | more)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, "pass", "Defender Antivirus"),
        ({"mode": "Passive Mode"}, "fail", "Passive"),
        ({"mode": "EDR Block Mode"}, "fail", "EDR"),
        ({"mode": "Not running"}, "fail", "does not run"),
        ({"enabled": False}, "fail", "does not run"),
        ({"real_time": False}, "fail", "real-time"),
        ({"real_time": None}, "inconclusive", "not told"),
        ({"at": "2026-11-10T20:00:00Z"}, "fail", "12.5 days"),
        ({"age": 65535, "at": "1601-01-01T00:00:00Z"}, "inconclusive", "not told"),
        ({"mode": ""}, "pass", "in real time"),
    ],
    ids=["normal", "passive", "edr", "stopped", "disabled", "off", "untold", "stale", "never", "older"],
)
def test_defender_on_windows(change, status, words) -> None:
    found, told = judged(*windows(change))
    assert found == status, told
    assert words in told


def test_others_on_windows() -> None:
    center = [
        {"name": "Windows Defender", "state": 393472}, {"name": "Sophos Endpoint", "state": 266240},
        {"name": "Old AV", "state": 262160},
    ]  # fmt: skip
    services = [{"name": "CSFalconService", "running": True}, {"name": "ekrn", "running": False}]
    found = of_windows({"defender": DEFENDER | {"mode": "Passive"}, "center": center, "services": services})
    assert [(one.name, one.running) for one in found] == [
        ("Microsoft Defender Antivirus", False), ("Sophos Endpoint", True), ("Old AV", False),
        ("CrowdStrike Falcon", True),
    ]  # fmt: skip
    assert judged(*found, products=("Sophos*",))[0] == "pass"
    assert judged(*found, products=("Old AV",))[0] == "fail"
    with pytest.raises(CannotTell, match="could not be asked"):
        of_windows({"defender_error": "0x800106ba", "center_error": "Invalid namespace"})


def coverage(states, **more):
    good, bad = clam(), clam(30)
    machines = tuple(
        Protected(
            name=f"pc-{n}", now=None if state == "?" else NOW, trouble="No route." if state == "?" else "",
            products=() if state == "?" else (good if state == "+" else bad,),
        )
        for n, state in enumerate(states)
    )  # fmt: skip
    logins = tuple(Login(host=f"pc-{n}") for n in range(len(states)))
    return said(
        EndpointProtection(user="t", inventory=logins, **more).judge(ProtectionSeen(machines=machines))
    )


@pytest.mark.parametrize(
    ("states", "least", "status"),
    [
        ("++++", 100, "pass"),
        ("+++-", 100, "fail"),
        ("+++?", 100, "inconclusive"),
        ("+++?", 75, "warn"),
        ("+++-", 75, "warn"),
        ("++?-", 75, "fail"),
        ("+???", 75, "inconclusive"),
        ("????", 1, "inconclusive"),
    ],
)
def test_who_could_not_be_asked_counts_against(states: str, least: float, status: str) -> None:
    found, told = coverage(states, min_coverage=float(least))
    assert found == status, told
    assert f"{states.count('+')} of 4" in told


def test_a_machine_that_was_not_asked_or_has_two_names_does_not_count() -> None:
    check = EndpointProtection(user="t", inventory=(Login(host="a"), Login(host="b")))
    one = Protected(name="a", now=NOW, products=(clam(),))
    assert said(check.judge(ProtectionSeen(machines=(one,))))[0] == "inconclusive"
    twin = Protected(name="b", now=NOW, products=(clam(),), same_as="a")
    found, told = said(check.judge(ProtectionSeen(machines=(one, twin))))
    assert found == "inconclusive"
    assert "same machine as a" in told


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"user": "t", "inventory": []}, "long"),
        ({"inventory": [{"host": "a"}]}, "give 'user'"),
        ({"user": "t", "inventory": [{"host": "a"}, {"host": "A"}]}, "twice"),
        ({"user": "t", "inventory": [{"host": "a", "sudo_password": "env:X"}]}, "sudo"),
        ({"user": "t", "inventory": [{"host": "a"}], "min_coverage": 0}, "more than 0"),
    ],
    ids=["none", "nobody", "twice", "sudo", "nothing"],
)
def test_what_asserts_nothing_is_refused(params, words) -> None:
    with pytest.raises(ValueError, match=words):
        run("security.endpoint_protection", params)


@given(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from([*DEFENDER, *HEALTHY]), st.none() | st.integers()),
)
def test_no_answer_breaks_a_reader(data: bytes, told: dict) -> None:
    with contextlib.suppress(CannotTell):
        of_linux(data, "x", NOW)
    linux(mdatp=json.dumps(told), mdatp_status="0", clam=data.decode(errors="replace").replace("\0", ""))
    of_windows({"defender": told, "center": [told, 1, {"name": "x", "state": 1}], "services": told})


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Sshd]]:
    need("sshd")
    with contextlib.ExitStack() as stack:
        one, two = (stack.enter_context(sshd(tmp_path_factory.mktemp(name))) for name in ("one", "two"))
        yield one, two


def defender(server: Sshd, folder: Path, days: float) -> None:
    """Put a stand-in on the server that answers as mdatp does, with signatures of that age."""
    tools = folder / "bin"
    tools.mkdir()
    stub = tools / "mdatp"
    told = json.dumps(HEALTHY | {"definitionsUpdatedMinutesAgo": int(days * 1440)})
    stub.write_text(f"#!/bin/sh\n[ \"$*\" = 'health --output json' ] || exit 2\necho '{told}'\n")
    stub.chmod(0o755)
    server.bind(tools, "/usr/local/bin")


@pytest.mark.lab
@pytest.mark.xdist_group("security-protection")
def test_an_inventory_of_real_ssh_servers(machines: tuple[Sshd, Sshd], tmp_path: Path) -> None:
    one, two = machines
    for server, days in ((one, 0.1), (two, 9.0)):
        folder = tmp_path / str(days)
        folder.mkdir()
        defender(server, folder, days)

    def login(server: Sshd) -> dict:
        return {key: value for key, value in server.params().items() if key != "agent"}

    common = {"agent": False}
    seen, findings = run("security.endpoint_protection", {**common, "inventory": [login(one), login(two)]})
    status, told = said(findings)
    assert status == "fail", told
    assert f"{one.endpoint}: It is protected." in told
    assert f"{two.endpoint}: It is not protected." in told
    assert "9.0 days old" in told
    gone = login(one) | {"host": f"127.0.0.1:{free_port()}"}
    _, findings = run("security.endpoint_protection", {**common, "inventory": [login(one), gone]})
    status, told = said(findings)
    assert status == "inconclusive", told
    assert "1 of 2 (50 %)" in told
    same = login(one) | {"host": one.endpoint.replace("127.0.0.1", "localhost")}
    same["host_key"] = one.fingerprint
    _, findings = run("security.endpoint_protection", {**common, "inventory": [login(one), same]})
    status, told = said(findings)
    assert status == "inconclusive", told
    assert "same machine" in told
    assert isinstance(seen.machines[0].products[0], Product)
