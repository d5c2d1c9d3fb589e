"""Lies that gonogo was caught telling, or nearly: each says what was not so, and must stay untold.

A pass for what was not tested, a cause that is not the cause, an old statement that counts as new.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.engine.attempt import Subject, perform
from agent.engine.reaper import Reaper
from agent.plan import Gate, GateNeed, Milestone, Plan, PlannedCheck, Project
from agent.records import Decision, Waiver
from agent.report.nagios import nagios_line
from agent.report.picture import Fresh, paint_picture
from agent.report.style import Style
from agent.report.text import report
from agent.verdict import Verdict, judge_plan
from checks import host, plugin
from checks.contract import Check, Finding, Measure, Result, Status, Vantage, worst
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.link.interface import Interface
from checks.link.resolver import Resolver, ResolversSeen, ServerSeen
from checks.local.facts import InterfaceFact
from checks.manual import Manual, ManualSeen
from checks.network._tls_findings import date_findings
from checks.network.closed import Closed, ClosedSeen
from checks.network.http import Http, HttpSeen
from checks.network.ntp import Ntp, TimesSeen
from checks.network.tcp import Tcp, TcpSeen
from checks.network.throughput import Throughput, ThroughputSeen
from checks.vantage import Attestation, Shared
from checks.wire.dns import Answer
from checks.wire.http import Exchange, Phases, Request
from checks.wire.names import Resolved
from checks.wire.ntp import NtpSample, NtpSeen
from checks.wire.tcp import Attempt
from checks.wire.tcp_load import Flow, over_http
from checks.wire.tls_certs import Certificate
from tests.checks import hostile

NOW = datetime(2026, 12, 5, 20, 0, tzinfo=UTC)


def status(findings: Any) -> Status:
    return worst(finding.status for finding in findings)


# network.closed


def shut(seconds: float = 7.0, outcome: Any = "timeout", control_s: float = 0.01) -> ClosedSeen:
    names = Resolved(host="192.0.2.10", addresses=("192.0.2.10",))
    control = Attempt(address="192.0.2.10", port=443, outcome="open", seconds=control_s)
    port = Attempt(address="192.0.2.10", port=22, outcome=outcome, seconds=seconds)
    return ClosedSeen(names=names, attempts=(port,), control_names=names, control=(control, control))


@pytest.mark.parametrize(
    ("seconds", "control_s", "expected"),
    [
        (7.0, 0.01, "pass"),
        (0.1, 0.01, "inconclusive"),
        (0.9, 0.2, "inconclusive"),
        (1.6, 0.9, "inconclusive"),
    ],
)
def test_a_silence_that_was_hardly_waited_for_is_no_filter(seconds, control_s, expected):
    """An open port behind a slow or lossy path would have looked the same."""
    check = Closed(target="192.0.2.10", ports=(22,), control="192.0.2.10:443")
    assert status(check.judge(shut(seconds, control_s=control_s))) == expected


def test_a_short_timeout_does_not_close_an_open_port(monkeypatch):
    """With `timeout: 2s` the ports got a tenth of a second, whatever the way to them takes."""
    from checks.network import closed

    async def slow(address: str, port: int, within: float, hold: float = 0.0) -> Attempt:
        outcome: Any = "open" if within > 0.3 else "timeout"
        return Attempt(address=address, port=port, outcome=outcome, seconds=min(within, 0.3))

    monkeypatch.setattr(closed, "probe", slow)
    check = Closed(target="127.0.0.1", ports=(22,), control="127.0.0.1:443")
    found = asyncio.run(check.observe(Vantage(Shared(), allowance=2.0)))
    assert Status.PASS not in {finding.status for finding in check.judge(found)}


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "127.0.1.1"])
def test_a_name_that_leads_back_to_this_laptop_is_not_closed(monkeypatch, address):
    """A blocker's 0.0.0.0, or a line in /etc/hosts: refused by ourselves, while the control is fine."""
    from checks.network import closed

    async def resolve(vantage: Any, name: str, family: str = "any") -> Resolved:
        return Resolved(host=name, addresses=(address if name == "files.example.com" else "127.0.0.1",))

    async def go() -> list[Finding]:
        monkeypatch.setattr(closed, "resolve", resolve)
        async with hostile.serve(hostile.silence) as port:
            check = Closed(target="files.example.com", ports=(1,), control=f"gate.example.com:{port}")
            return list(check.judge(await check.observe(Vantage(Shared(), allowance=8))))

    found = asyncio.run(go())
    assert status(found) is Status.INCONCLUSIVE
    assert Status.PASS not in {finding.status for finding in found}
    assert any("this laptop itself" in finding.message for finding in found)


@pytest.mark.parametrize("control", ["127.0.0.1:22", "[::1]:22", "localhost:22"])
def test_this_laptop_is_no_control_for_the_way_to_another_host(control):
    with pytest.raises(ValueError, match="control"):
        Closed(target="192.0.2.10", ports=(22,), control=control)
    Closed(target="127.0.0.1", ports=(23,), control="127.0.0.1:22")


# network.http


def answer(url: str, code: int = 200, *headers: tuple[str, str]) -> Exchange:
    tried = Attempt(address="192.0.2.80", port=80, outcome="open", seconds=0.01)
    return Exchange(
        url=url, method="GET", phases=Phases(), attempts=(tried,), status=code, headers=headers, complete=True
    )


PORTAL = HttpSeen(
    exchanges=(
        answer("http://intranet.example.com/", 302, ("location", "https://portal.hotel.example/login")),
        answer("https://portal.hotel.example/login"),
    )
)


def test_a_portal_with_a_good_certificate_is_not_the_site():
    """Its redirect came over plain http; that its own certificate is fine says nothing about the site."""
    check = Http(url="http://intranet.example.com/", max_redirects=3)
    assert status(check.judge(PORTAL)) is Status.WARN
    exact = Http(url="http://intranet.example.com/", max_redirects=3, final_url="^https://intranet\\.")
    assert status(exact.judge(PORTAL)) is Status.FAIL


def test_a_redirect_to_https_of_the_same_host_is_the_site():
    seen = HttpSeen(
        exchanges=(
            answer("http://intranet.example.com/", 301, ("location", "https://intranet.example.com/")),
            answer("https://intranet.example.com/"),
        )
    )
    assert status(Http(url="http://intranet.example.com/", max_redirects=1).judge(seen)) is Status.PASS


def test_a_redirect_that_was_authentic_may_lead_anywhere_with_https():
    seen = HttpSeen(
        exchanges=(
            answer("https://example.com/", 301, ("location", "https://www.example.net/")),
            answer("https://www.example.net/"),
        )
    )
    assert status(Http(url="https://example.com/", max_redirects=1).judge(seen)) is Status.PASS


def test_our_missing_ipv6_route_is_not_the_servers_fault():
    last = answer("https://intranet.example.com/")
    dead = Attempt(address="2001:db8::1", port=443, outcome="no_route", seconds=0.0, detail="unreachable")
    seen = HttpSeen(exchanges=(dataclasses.replace(last, attempts=(dead, *last.attempts)),))
    found = [f for f in Http(url="https://intranet.example.com/").judge(seen) if f.status is Status.WARN]
    assert len(found) == 1
    assert "this laptop has no route" in found[0].message
    assert "out of DNS" not in found[0].fix


def test_the_family_that_was_not_tested_is_named():
    names = Resolved(host="a.example.com", addresses=("192.0.2.1", "2001:db8::1"))
    dead = Attempt(address="192.0.2.1", port=22, outcome="no_route", seconds=0.0)
    good = Attempt(address="2001:db8::1", port=22, outcome="open", seconds=0.01)
    found = list(Tcp(target="a.example.com", port=22).judge(TcpSeen(names=names, attempts=(dead, good))))
    (warning,) = [finding for finding in found if finding.status is Status.WARN]
    assert "IPv4" in warning.fix
    assert "IPv6" not in warning.fix


# network.tls


@pytest.mark.parametrize(("days", "expected"), [(300, "pass"), (20, "warn"), (60, "pass"), (-3, "fail")])
def test_an_authority_that_ends_before_the_server_does_is_said(days, expected):
    """The server's own certificate has ninety days left; the chain it hangs on has not."""

    def certificate(name: str, left: int) -> Certificate:
        return Certificate(
            sha256=name, subject=f"CN={name}", issuer="CN=root", not_before=NOW - timedelta(days=300),
            not_after=NOW + timedelta(days=left),
        )  # fmt: skip

    chain = (certificate("leaf", 90), certificate("authority", days))
    assert status(date_findings("192.0.2.1:443", chain, None, NOW, warn=30, fail=7)) == expected


# network.throughput


def test_a_portals_small_page_is_not_the_line():
    """Ten thousand login pages a second from the portal next door are a high rate of the wrong thing."""
    flow = Flow(direction="down", payload=20_000_000, seconds=8.0, largest=2_000, requests=10_000)
    check = Throughput(url="http://speed.example.com/100MB.bin", min_down=10)
    assert status(check.judge(ThroughputSeen(flows=(flow,)))) is Status.INCONCLUSIVE
    whole = replace(flow, largest=10_000_000, requests=2)
    assert status(check.judge(ThroughputSeen(flows=(whole,)))) is Status.PASS


def test_small_pages_are_no_load_to_measure_latency_under():
    flow = Flow(direction="down", payload=200_000, seconds=8.0, largest=2_000, requests=100)
    check = Throughput(url="https://speed.example.com/100MB.bin", max_added_latency=0.06)
    seen = ThroughputSeen(flows=(flow,), idle=(0.01,) * 10, loaded=(0.01,) * 80)
    assert status(check.judge(seen)) is Status.INCONCLUSIVE


def test_what_the_server_did_not_take_was_not_uploaded():
    """A page that says 200 at once and reads nothing: the upload had only filled this laptop's own buffer."""

    async def go() -> Flow:
        loop = asyncio.get_running_loop()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            listener.setblocking(False)
            held = []

            async def answer_early() -> None:
                while True:
                    connection, _ = await loop.sock_accept(listener)
                    held.append(connection)
                    await loop.sock_recv(connection, 1)
                    await loop.sock_sendall(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

            server = asyncio.create_task(answer_early())
            request = Request(url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
            try:
                return await over_http(
                    Vantage(Shared()), "up", request, streams=1, window=3.0, max_bytes=1 << 30
                )
            finally:
                server.cancel()
                for connection in held:
                    connection.close()

    flow = asyncio.run(go())
    assert flow.requests
    assert flow.payload < 64 << 10


# network.ntp


def clock(distance: float = 0.01, *, offset: float = 0.0, delay: float = 0.01) -> TimesSeen:
    sample = NtpSample(offset_s=offset, delay_s=delay)
    server = NtpSeen(
        server="192.0.2.123", address="192.0.2.123", samples=(sample,), stratum=3, leap=0, version=4,
        root_dispersion_s=distance,
    )  # fmt: skip
    return TimesSeen(servers=(server,))


@pytest.mark.parametrize(("distance", "expected"), [(0.1, "pass"), (5.0, "warn"), (45.0, "inconclusive")])
def test_a_server_that_may_be_off_by_more_than_the_limit_proves_nothing(distance, expected):
    assert status(Ntp(server="192.0.2.123").judge(clock(distance))) == expected


# link.resolver


def test_a_question_that_got_no_answer_was_not_answered_honestly():
    def said(name: str, **rest: Any) -> Answer:
        return Answer(server="192.0.2.53", address="192.0.2.53", name=name, rdtype="A", **rest)

    made_up = (
        said("gonogo-x.invalid", rcode="NXDOMAIN"),
        said("gonogo-x.example.com", error="timeout", detail="no answer"),
    )
    server = ServerSeen(address="192.0.2.53", source="DHCP", made_up=made_up)
    found = list(Resolver().judge(ResolversSeen(servers=(server,))))
    assert status(found) is Status.WARN
    silent = replace(server, made_up=(replace(made_up[0], rcode=None), made_up[1]))
    assert Status.PASS not in {item.status for item in Resolver().judge(ResolversSeen(servers=(silent,)))}


# link.interface


def test_counters_that_were_set_back_count_nothing(monkeypatch):
    """An adapter that was pulled and plugged begins at zero again: that is not 'no new errors'."""
    from checks.link import interface

    face = InterfaceFact(name="eth0", up=True, errors_in=0, errors_out=0)
    readings = iter([replace(face, errors_in=900), replace(face, errors_in=3)])

    class Local:
        interfaces = (face,)

        def main_interface(self) -> InterfaceFact:
            return face

    async def read(shared: Shared) -> Any:
        return Local()

    async def again(found: InterfaceFact) -> InterfaceFact:
        return next(readings)

    monkeypatch.setattr(interface, "read_local", read)
    monkeypatch.setattr(interface, "_again", again)
    check = Interface(max_new_errors=0, window=0.01)
    found = asyncio.run(check.observe(Vantage(Shared())))
    assert status(check.judge(found)) is Status.INCONCLUSIVE


def test_an_interface_that_went_down_while_it_was_watched_is_not_up(monkeypatch):
    from checks.link import interface

    face = InterfaceFact(name="eth0", up=True, errors_in=0, errors_out=0)
    readings = iter([face, replace(face, up=False)])

    class Local:
        interfaces = (face,)

        def interface(self, name: str) -> InterfaceFact:
            return face

    async def read(shared: Shared) -> Any:
        return Local()

    async def again(found: InterfaceFact) -> InterfaceFact:
        return next(readings)

    monkeypatch.setattr(interface, "read_local", read)
    monkeypatch.setattr(interface, "_again", again)
    check = Interface(interface="eth0", max_new_errors=0, window=0.01)
    found = asyncio.run(check.observe(Vantage(Shared())))
    assert status(check.judge(found)) is Status.FAIL


# host


def test_a_battery_that_cannot_be_read_is_not_mains(tmp_path):
    def supply(name: str, kind: str, **more: str) -> None:
        (tmp_path / name).mkdir()
        for key, value in {"type": kind, **more}.items():
            (tmp_path / name / key).write_text(value + "\n")

    assert "says nothing" in host.battery_doubt(tmp_path / "none")
    assert host.battery_doubt(tmp_path) == ""
    supply("AC", "Mains")
    supply("hidpp_battery_0", "Battery", scope="Device")  # a mouse
    assert host.battery_doubt(tmp_path) == ""
    supply("sbs-9-000b", "Battery")
    assert "sbs-9-000b" in host.battery_doubt(tmp_path)
    seen = host.HostSeen(hostname="laptop", battery_doubt="There is one that cannot be read.")
    assert status(host.Host(min_battery=50.0).judge(seen)) is Status.INCONCLUSIVE


def test_a_clock_that_cannot_be_compared_that_exactly_is_not_right():
    check = host.Host(time_server="192.0.2.123", max_clock_offset=0.1)
    seen = host.HostSeen(hostname="laptop", clock_offset_s=0.02, clock_unsure_s=0.5)
    assert status(check.judge(seen)) is Status.INCONCLUSIVE
    assert status(check.judge(replace(seen, clock_unsure_s=0.01))) is Status.PASS
    assert status(check.judge(replace(seen, clock_offset_s=3.0))) is Status.FAIL


# plugin


def test_a_value_beyond_its_limit_is_seen_however_many_come_before_it():
    data = " ".join(f"v{number}=1;;5" for number in range(150)) + " last=9;;5"
    seen = plugin.PluginSeen(
        program="/p", code=0, signal=None, stdout=f"OK all fine|{data}", stderr="", encoding="utf-8",
        cut=False, duration_s=0.1,
    )  # fmt: skip
    found = list(plugin.Plugin(command=("/p",)).judge(seen))
    assert status(found) is Status.WARN
    assert len(found) < 120


@pytest.mark.parametrize("stdout", ["\0\0\0", "\x1b\x1b\x1b", " |;; \n", "\u200b\u202e"])
def test_control_characters_are_no_words(stdout):
    seen = plugin.PluginSeen(
        program="/p", code=0, signal=None, stdout=stdout, stderr="", encoding="utf-8", cut=False,
        duration_s=0.1,
    )  # fmt: skip
    assert status(plugin.Plugin(command=("/p",)).judge(seen)) is Status.INCONCLUSIVE


# manual


def stated(age: timedelta, **more: Any) -> ManualSeen:
    said = Attestation(check="lines", holds=True, by="Ann", at=NOW - age, statement="It holds.", **more)
    return ManualSeen(check="lines", at=NOW, attestation=said)


def test_an_old_statement_does_not_become_new_by_running_again():
    """Without `max_age` the gate's limit is what counts, and not since the last run: since it was said."""
    check = Manual(statement="It holds.")
    assert status(check.judge(stated(timedelta(days=400), fresh_s=86400.0))) is Status.INCONCLUSIVE
    assert status(check.judge(stated(timedelta(hours=2), fresh_s=86400.0))) is Status.PASS
    own = Manual(statement="It holds.", max_age=500 * 86400.0)
    assert status(own.judge(stated(timedelta(days=400), fresh_s=86400.0))) is Status.PASS


def test_a_number_without_a_limit_is_within_nothing():
    with pytest.raises(ValueError, match="no limit"):
        within("s", Measure(name="Latency", value=3.0, unit="ms"), fix="Mend it.")


# the engine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told:
    word: str = ""


class Moody(Check[Told]):
    """A check that says another thing each time."""

    target: str = "192.0.2.7"

    async def observe(self, vantage: Vantage) -> Told:
        return Told(word=MOODS.pop(0))

    def judge(self, seen: Told) -> list[Finding]:
        made = {"fail": failed, "cannot": cannot_tell, "warn": warned}.get(seen.word)
        return [made("s", seen.word, fix="Mend it.") if made else passed("s", seen.word)]


MOODS: list[str] = []


@pytest.mark.parametrize(
    ("moods", "expected", "says"),
    [
        (
            ["fail", "cannot"],
            "fail",
            "fail",
        ),  # it was proven wrong; that it could not be tested later is less
        (["cannot", "fail"], "fail", "fail"),
        (["cannot", "cannot"], "inconclusive", "cannot"),
        (["fail", "warn"], "warn", "attempt 2"),
        (["fail", "pass"], "warn", "attempt 2"),
    ],
)
def test_a_retry_hides_nothing(monkeypatch, moods, expected, says):
    from agent.engine import attempt

    monkeypatch.setattr(attempt, "RETRY_PAUSE_S", 0.0)
    MOODS[:] = moods
    planned = PlannedCheck(
        id="m", type="t.moody", milestone="ready", title="m", required=True, params={}, digest="d",
        target="192.0.2.7", place="p:1", retries=1,
    )  # fmt: skip

    async def go() -> Result:
        subject = Subject(run="r", vantage="v", shared=Shared(), reaper=Reaper(lambda task: None))
        return await perform(planned, Moody(), subject)

    result = asyncio.run(go())
    assert result.status == expected
    assert result.attempts == 2
    assert any(says in finding.message for finding in result.findings)


# the verdict


def plan(*names: str, after: str = "") -> Plan:
    def milestone(name: str, *before: str) -> Milestone:
        needs = tuple(GateNeed(check=check, required=True) for check in names)
        return Milestone(id=name, title=name, gate=Gate(needs=needs, max_age_s=3600), after=before)

    checks = tuple(
        PlannedCheck(
            id=name, type="network.tcp", milestone="ready", title=name, required=True, params={}, digest="d",
            target="192.0.2.1", place="p:1",
        )
        for name in names
    )  # fmt: skip
    first = milestone("ready")
    return Plan(
        project=Project(id="p", name="P", timezone="UTC"),
        milestones=(first, milestone("open", "ready")) if after else (first,),
        checks=checks,
    )


def fact(age_s: float = 60, kind: Status = Status.PASS) -> Fresh:
    return Fresh(kind, NOW - timedelta(seconds=age_s), "d", "laptop", ())


def decided(word: str, hours_ago: float) -> Decision:
    return Decision(milestone="ready", verdict=word, by="Ann", at=NOW - timedelta(hours=hours_ago))


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([decided("GO", 2)], Verdict.GO),
        ([decided("GO", 2), decided("NO-GO", 1)], Verdict.INCOMPLETE),  # it was taken back
        ([decided("NO-GO", 2), decided("GO", 1)], Verdict.GO),
        ([decided("GO", -2)], Verdict.INCOMPLETE),  # dated in the future
    ],
)
def test_the_last_word_on_a_milestone_counts(decisions, expected):
    split = plan("a", after="ready")
    ready, opened = split.milestones
    broken = replace(ready, gate=replace(ready.gate, needs=(GateNeed(check="gone", required=True),)))
    both = replace(split, milestones=(broken, opened))
    verdicts = judge_plan(both, {"a": fact()}, now=NOW, decisions=decisions)
    assert verdicts[1].verdict is expected


@pytest.mark.parametrize(
    ("author", "approver"),
    [
        ("ann example", "Ann  Example"),
        ("Ann Example", "ann\u00a0example"),
        ("Jose\u0301", "Jos\u00e9"),
        ("", "bob"),
    ],
)
def test_nobody_approves_their_own_waiver(author, approver):
    waiver = Waiver(
        check="a", reason="r", risk="low", author=author, approver=approver, at=NOW - timedelta(hours=1),
        expires=NOW + timedelta(hours=1),
    )  # fmt: skip
    (found,) = judge_plan(plan("a"), {"a": fact(kind=Status.FAIL)}, now=NOW, waivers=[waiver])
    assert found.verdict is Verdict.NO_GO


# the report


def result(name: str, kind: Status = Status.PASS, *, required: bool = True, age_s: float = 60) -> Result:
    return Result(
        check=name, type="network.tcp", milestone="ready", target="192.0.2.1", required=required, status=kind,
        started=NOW - timedelta(seconds=age_s), duration_s=0.0, attempts=1,
        findings=(Finding(status=kind, subject="192.0.2.1", message="Said.", fix="Mend it."),),
        observation=None, digest="d", run="r", vantage="laptop",
    )  # fmt: skip


def paint(known: dict[str, Fresh], results: dict[str, Result], *names: str) -> Any:
    the_plan = plan(*names)
    return paint_picture(the_plan, known, results, now=NOW, run=None, milestones=the_plan.milestones)


def test_a_stale_pass_is_not_shown_or_counted_as_a_pass():
    old = paint({"a": fact(7200)}, {"a": result("a", age_s=7200)}, "a")
    told = report(old, Style(), everything=True)
    assert "OK PASS" not in told
    assert "1 pass" not in told
    assert "1 stale" in told
    line, code = nagios_line(old)
    assert "pass=0" in line
    assert code == 3


def test_whether_it_is_required_is_the_plans_to_say():
    """The result is from when it was advisory; the gate requires it now."""
    seen = paint({"a": fact(kind=Status.FAIL)}, {"a": result("a", Status.FAIL, required=False)}, "a")
    assert seen.verdict is Verdict.NO_GO
    assert "(advisory)" not in report(seen, Style())


# the files


TWO = """\
gonogo: 1
project: {name: Zurich, timezone: UTC, id: office}
milestones:
  first: {title: First}
  open: {title: Open, gate: {also: [extra, "adv*"]}}
checks:
  one: {type: plugin, milestone: first, command: [/bin/echo, fine]}
  two: {type: plugin, milestone: open, command: [/bin/echo, fine]}
  extra: {type: plugin, milestone: first, required: false, command: [/bin/false]}
  advice: {type: plugin, milestone: first, required: false, command: [/bin/false]}
"""


def gonogo(*words: object) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("gonogo")
    return subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )


def test_what_a_gate_names_it_requires(tmp_path):
    """`also: [extra]` and GO although extra failed: the gate was told that it needs it."""
    path = tmp_path / "office.yaml"
    path.write_text(TWO)
    told = json.loads(gonogo("run", path, "--json").stdout)
    first, opened = told["milestones"]
    assert first["verdict"] == "GO"
    assert opened["verdict"] == "INCOMPLETE"
    needed = {item["check"]: item["required"] for item in opened["checks"]}
    assert needed == {"two": True, "extra": True, "advice": False}


def test_two_projects_with_one_id_do_not_share_their_results(tmp_path):
    """A project copied for the next office, with the id of the first: its status was GO before any run."""
    zurich, bern = tmp_path / "zurich.yaml", tmp_path / "bern.yaml"
    text = TWO.replace("[extra, ", "[")
    zurich.write_text(text)
    bern.write_text(text.replace("name: Zurich", "name: Bern"))
    assert gonogo("run", zurich).returncode == 0
    for words in (("status", bern), ("run", bern), ("attest", bern, "one", "--holds", "--by", "x")):
        done = gonogo(*words)
        assert done.returncode == 2, done.stdout
        if words[0] != "attest":
            assert "same project id 'office'" in done.stderr
    assert gonogo("status", zurich).returncode == 0
    zurich.rename(tmp_path / "zuerich.yaml")
    assert gonogo("status", tmp_path / "zuerich.yaml").returncode == 0
