"""What is open from outside, and what leaves from inside: silence counts only beside what was reached."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from checks import jsonable
from checks.contract import Status
from checks.security import _egress_inside
from checks.security._exposed import ExposureSeen, Pair, Tally
from checks.security._knocks import Knock
from checks.security.egress import Egress, EgressSeen
from checks.security.exposure import PORTS, Exposure
from checks.vantage import CannotTell, Earlier, Shared, Vantage
from checks.words import worst
from tests.checks.wire.test_tcp import free_port
from tests.lab import need
from tests.lab.sshd import Sshd, sshd
from tests.local_remote import LocalRemote
from tests.logged_in import run as logged_in
from tests.scripted_remote import says


@contextlib.contextmanager
def listening(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    with socket.create_server((host, port)) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def mute(host: str = "127.0.0.1") -> Iterator[int]:
    """A port whose queue is full: what is sent to it is never answered, as behind a firewall that drops."""
    with socket.create_server((host, 0), backlog=0) as server:
        port = server.getsockname()[1]
        kept = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((host, port))
            kept.append(one)
        yield port
        for one in kept:
            one.close()


def look(kind, params, earlier=(), allowance=20.0):
    check = TypeAdapter(kind).validate_json(json.dumps(params))
    shared = Shared(history=lambda *_: tuple(earlier))
    seen = asyncio.run(check.observe(Vantage(shared, allowance=allowance)))
    again = jsonable.from_json(type(seen), json.loads(json.dumps(jsonable.to_json(seen))))
    assert again == seen
    return again, list(check.judge(again))


def said(findings):
    return str(worst(item.status for item in findings)), " ".join(
        f"{f.subject}: {f.message} [{f.observed}] {f.fix}" for f in findings
    )


def exposure(ports, **more):
    return {"ranges": ["127.0.0.0/30"], "ports": ports, "authorised_by": "CHG0042"} | more


def test_only_what_is_planned_is_open() -> None:
    with listening() as port, listening("127.0.0.2", port) as _, listening() as control:
        params = exposure([port, free_port()], control=f"127.0.0.1:{control}")
        both = [{"host": "127.0.0.1", "port": port}, {"host": "127.0.0.2", "port": port}]
        seen, findings = look(Exposure, params | {"allowed": both})
        status, told = said(findings)
        assert status == "pass", told
        assert seen.addresses == 4
        assert "CHG0042" in told
        _, findings = look(Exposure, params | {"allowed": both[:1]})
        status, told = said(findings)
        assert status == "fail"
        assert f"127.0.0.2:{port}" in told
        assert f"allowed: [{{host: 127.0.0.2, port: {port}}}]" in told


def test_a_port_that_was_opened_since_is_told() -> None:
    with listening() as port, listening() as control:
        params = exposure([port], control=f"127.0.0.1:{control}")
        seen, _ = look(Exposure, params)
        at = datetime(2026, 11, 1, tzinfo=UTC)
        before = Earlier(at=at, status=Status.FAIL, observation=jsonable.to_json(seen))
        empty = jsonable.to_json(ExposureSeen(addresses=4, open=(), more_open=0, tallies=(), controls=()))
        broken = Earlier(at=at, status=Status.FAIL, observation={"x": 1})
        _, told = said(look(Exposure, params, [broken, before])[1])
        assert "it was open on 2026-11-01" in told
        none = Earlier(at=at, status=Status.PASS, observation=empty)
        assert "on 2026-11-01 00:00 UTC it was not" in said(look(Exposure, params, [none])[1])[1]


def test_without_a_control_that_is_open_nothing_is_closed() -> None:
    status, told = said(look(Exposure, exposure([free_port()], control=f"127.0.0.1:{free_port()}"))[1])
    assert status == "inconclusive"
    assert "silence proves nothing" in told


def test_what_is_allowed_and_gone_is_told() -> None:
    with listening() as control:
        gone = [{"host": "127.0.0.1", "port": free_port()}]
        status, told = said(
            look(Exposure, exposure([free_port()], control=f"127.0.0.1:{control}", allowed=gone))[1]
        )
    assert status == "warn", told


def judged(tallies, **more):
    check = Exposure(ranges=("192.0.2.0/31",), ports=(445, 3389), control="192.0.2.9:443", authorised_by="x")
    up = Knock(endpoint="192.0.2.9:443", outcome="open", address="192.0.2.9")
    seen = {"addresses": 2, "open": (), "more_open": 0, "tallies": tallies, "controls": ((up, up),)} | more
    return said(list(check.judge(ExposureSeen(**seen))))


SILENT, REFUSED = Tally(port=445, v6=False, silent=2), Tally(port=445, v6=False, refused=1, silent=1)
OTHER = Tally(port=3389, v6=False, silent=2)


@pytest.mark.parametrize(
    ("tallies", "more", "status", "words"),
    [
        ((REFUSED, OTHER), {}, "pass", "4 addresses and ports over IPv4 are closed"),
        ((SILENT, OTHER), {}, "inconclusive", "providers like to filter"),
        ((REFUSED,), {}, "inconclusive", "Not everything was tried"),
        ((REFUSED, Tally(port=3389, v6=False, hurried=2)), {}, "inconclusive", "too little time"),
        ((REFUSED, Tally(port=3389, v6=False, unsent=2)), {}, "inconclusive", "never left"),
        ((REFUSED, Tally(port=3389, v6=True, silent=2)), {}, "inconclusive", "over IPv6"),
        ((REFUSED, OTHER), {"own": ("192.0.2.1",)}, "inconclusive", "this laptop itself"),
        ((REFUSED, OTHER), {"open": (Pair(address="192.0.2.1", port=3389),)}, "fail", "192.0.2.1:3389"),
        ((), {}, "inconclusive", "Not everything"),
    ],
    ids=["closed", "filtered", "half", "hurried", "unsent", "family", "own", "open", "nothing"],
)  # fmt: skip
def test_counts(tallies, more, status, words) -> None:
    found, told = judged(tallies, **more)
    assert found == status, told
    assert words in told


def test_a_control_that_fell_silent_meanwhile_proves_nothing() -> None:
    up = Knock(endpoint="192.0.2.9:443", outcome="open", address="192.0.2.9")
    down = Knock(endpoint="192.0.2.9:443", outcome="timeout", address="192.0.2.9", seconds=3)
    for controls in (((up, down),), ((down, up),), ()):
        status, told = judged((REFUSED, OTHER), controls=controls)
        assert status == "inconclusive", told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ranges": ["10.0.0.0/16"]}, "are more than"),
        ({"control": None}, "Name a 'control'"),
        ({"control": "192.0.2.1"}, "needs a port"),
        ({"control": "127.0.0.1:443"}, "this laptop itself"),
        ({"allowed": [{"host": "198.51.100.1", "port": 443}]}, "none of the ranges"),
        ({"authorised_by": "  "}, "permitted"),
    ],
    ids=["wide", "none", "port", "own", "allowed", "nobody"],
)  # fmt: skip
def test_what_proves_nothing_is_refused(change, words) -> None:
    params = {"ranges": ["192.0.2.0/28"], "control": "192.0.2.1:443", "authorised_by": "x"} | change
    with pytest.raises(ValueError, match=words):
        TypeAdapter(Exposure).validate_json(json.dumps(params))
    assert len(set(PORTS)) == len(PORTS)


def egress(closed, control, **more):
    return {"closed": [f"127.0.0.1:{port}" for port in closed], "control": f"127.0.0.1:{control}"} | more


def test_what_is_open_outwards_fails_and_is_remembered() -> None:
    closed = free_port()
    with listening() as control:
        with listening(port=closed):
            seen, findings = look(Egress, egress([closed], control))
            status, told = said(findings)
            assert status == "fail"
            assert f"127.0.0.1:{closed}: It is reached" in told
        status, told = said(look(Egress, egress([closed], control))[1])
        assert status == "warn", told
        assert "Nothing shows that these listeners were up" in told
        past = Earlier(
            at=datetime(2026, 11, 1, tzinfo=UTC), status=Status.FAIL, observation=jsonable.to_json(seen)
        )
        status, told = said(look(Egress, egress([closed], control), [past])[1])
        assert status == "pass", told
        assert "open on 2026-11-01" in told


def test_silence_is_closed_only_while_the_control_is_reached() -> None:
    with mute() as port, listening() as control:
        status, told = said(look(Egress, egress([port], control))[1])
        assert status == "warn", told
        assert "timeout" in told
        status, told = said(look(Egress, egress([port], free_port()))[1])
        assert status == "inconclusive", told
        status, told = said(look(Egress, egress([port], control), allowance=2.0)[1])
        assert status == "inconclusive", told
        assert "little time" in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"control": "192.0.2.1:25"}, "closed and reached"),
        ({"control": "192.0.2.1"}, "needs a port"),
        ({"closed": ["192.0.2.1"]}, "needs a port"),
        ({"host": "192.0.2.7"}, "give 'user'"),
        ({"witness": {"host": "192.0.2.7"}}, "give 'user'"),
        ({"host_key": "SHA256:abcdefgh"}, "belongs to a 'host'"),
        ({"control": "127.0.0.1:443"}, "way out"),
        ({"closed": ["192.0.2.1:25", "192.0.2.1:25"]}, "twice"),
    ],
    ids=["same", "control", "closed", "user", "witness", "key", "own", "twice"],
)  # fmt: skip
def test_what_cannot_be_tested_is_refused(change, words) -> None:
    params = {"closed": ["192.0.2.1:25"], "control": "192.0.2.1:443"} | change
    with pytest.raises(ValueError, match=words):
        TypeAdapter(Egress).validate_json(json.dumps(params))


def knocked(one, **more):
    up = Knock(endpoint="192.0.2.1:443", outcome="open")
    seen = {"inside": "pc-1", "tries": (one,) if one else (), "before": up, "after": up} | more
    return said(list(Egress(closed=("192.0.2.1:25",), control="192.0.2.1:443").judge(EgressSeen(**seen))))


def at25(outcome, **more):
    return Knock(endpoint="192.0.2.1:25", outcome=outcome, **more)


@pytest.mark.parametrize(
    ("one", "more", "status"),
    [
        (at25("timeout"), {"witness": (at25("open"),)}, "pass"),
        (at25("refused"), {"witness": (at25("refused"),)}, "inconclusive"),
        (at25("open"), {"witness": (at25("open"),)}, "fail"),
        (at25("reset"), {"witness": (at25("open"),)}, "fail"),
        (at25("unresolved"), {"witness": (at25("open"),)}, "inconclusive"),
        (at25("no_route"), {"witness": (at25("open"),)}, "inconclusive"),
        (at25("barred"), {"witness": (at25("open"),)}, "inconclusive"),
        (at25("timeout"), {"witness_trouble": "no login"}, "inconclusive"),
        (None, {"witness": (at25("open"),)}, "inconclusive"),
        (at25("open"), {"after": at25("timeout")}, "fail"),
    ],
    ids=["up", "down", "open", "reset", "name", "route", "barred", "witness", "untold", "open-anyway"],
)  # fmt: skip
def test_what_each_end_means(one, more, status) -> None:
    found, told = knocked(one, **more)
    assert found == status, told


@pytest.mark.parametrize("tool", ["python3", "bash"])
def test_each_way_from_inside_tells_the_same(tool: str, tmp_path: Path) -> None:
    need("bash", "timeout", "getent", root=False)
    for name in ("sh", "timeout", "getent", "cat", "bash"):
        if name != "bash" or tool == "bash":
            (tmp_path / name).symlink_to(str(shutil.which(name, path="/usr/bin:/bin")))
    if tool == "python3":
        (tmp_path / tool).symlink_to(Path(sys.executable).resolve())
    host = LocalRemote(env={"PATH": str(tmp_path)})
    with listening() as up, mute() as quiet:
        wanted = [f"127.0.0.1:{up}", f"127.0.0.1:{free_port()}", f"127.0.0.1:{quiet}", "no.name.invalid:25"]
        found = asyncio.run(_egress_inside.knock_from(host, wanted, 2))
    assert [one.outcome for one in found] == ["open", "refused", "timeout", "unresolved"], found


def test_a_host_that_has_nothing_to_connect_with(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    with pytest.raises(CannotTell, match="neither python3 nor bash"):
        asyncio.run(_egress_inside.knock_from(LocalRemote(env={"PATH": str(tmp_path)}), ["127.0.0.1:1"], 1))


def test_what_powershell_answers() -> None:
    tries = [{"index": 1, "how": "timeout", "detail": ""}, {"index": 0, "how": "open", "detail": ""}]
    host = says({"tries": tries, "end": "end", "elevated": False})
    found = asyncio.run(_egress_inside.knock_from(host, ["192.0.2.1:25", "192.0.2.1:445"], 1))
    assert [one.outcome for one in found] == ["open", "timeout"]
    for answer in ({"tries": tries[:1]}, {"tries": None}, {"tries": [{"index": 0, "how": "well"}]}):
        with pytest.raises(CannotTell):
            asyncio.run(
                _egress_inside.knock_from(says(answer | {"end": "end"}), ["192.0.2.1:25", "192.0.2.1:445"], 1)
            )


@given(st.text(alphabet="0129|openrfsd\n-end ", max_size=80))
def test_no_answer_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(CannotTell):
        found = _egress_inside.read(text, ["192.0.2.1:25", "192.0.2.1:445"], "x")
        assert len(found) == 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need("sshd")
    with sshd(tmp_path_factory.mktemp("inside")) as running:
        yield running


@pytest.mark.lab
@pytest.mark.xdist_group("security-reach")
def test_from_inside_a_real_host_with_a_witness(server: Sshd) -> None:
    login = server.params()
    witness = {key: value for key, value in login.items() if key != "agent"}
    with listening() as control, listening() as up:
        params = egress([up], control, **login, witness=witness)
        seen, findings = logged_in("security.egress", params)
        assert seen.inside == server.endpoint
        assert said(findings)[0] == "fail"
        seen, findings = logged_in(
            "security.egress", egress([free_port()], control, **login, witness=witness)
        )
        assert said(findings)[0] == "inconclusive"
        assert "witness does not reach it either" in said(findings)[1]
        findings = logged_in("security.egress", egress([free_port()], control, **login))[1]
        assert said(findings)[0] == "warn"
    findings = logged_in("security.egress", egress([up], control, **login | {"user": "nobody"}))[1]
    assert said(findings)[0] == "inconclusive"
