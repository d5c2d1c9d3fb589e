"""The filter language by tables: what a text selects, and the sentence for a text that is no filter."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.board import Row
from agent.ledger import Known
from agent.plan import Party, PlannedCheck
from agent.records import Waiver
from agent.verdict import CheckStanding, Standing
from checks.words import Finding, Result, Status
from tests.tui.office import NOW
from tui.filter import FilterError, parse

ISP = Party(id="isp", name="Swisscom NOC", role="vendor")
WAIVER = Waiver(
    check="x", reason="r", risk="low", author="a", approver="b", at=NOW, expires=NOW
)  # fmt: skip


def row(
    name, kind, target, standing, *, gate="ready", required=True, owner=None, waived=False, said="", at=""
):
    planned = PlannedCheck(
        id=name, type=kind, milestone=gate, title=f"Title of {name}", required=required, params={},
        digest="d", target=target, place="p:1", owner="isp" if owner else None,
    )  # fmt: skip
    told = None
    if said:
        told = Known.of(1, Result(
            check=name, type=kind, milestone=gate, target=target, required=required, status=Status.FAIL,
            started=NOW, duration_s=0, attempts=1, observation=None, digest="d", run="r",
            vantage=at or "hq-1",
            findings=(Finding(status=Status.FAIL, subject="s", message="m", observed=said, fix="f"),),
        ))  # fmt: skip
    item = CheckStanding(
        check=name, required=required, standing=standing, reason="not run", waiver=WAIVER if waived else None
    )
    meets = waived or not required or standing is Standing.PASS
    return Row(planned, item, told, owner=owner, meets=meets, waived=waived, gate=gate)


ROWS = [
    row("mail", "dns.record", "mail.example", Standing.FAIL, owner=ISP, said="10 mx1, refused"),
    row("files", "network.tcp", "192.0.2.40:445", Standing.FAIL, waived=True, said="Refused after 12 ms"),
    row("web", "network.http", "https://www.example/", Standing.PASS, gate="live", said="200", at="branch-2"),
    row("cert", "network.tls", "[2001:db8::1]:443", Standing.STALE, gate="live"),
    row("backup", "acme.restore", "nas", Standing.NOT_RUN, required=False),
    row("mailing", "dnssec.chain", "list:a,b", Standing.INCONCLUSIVE, gate="not-ready"),
    row("wifi", "wifi.link", "guest", Standing.WARN, said="-70 dBm"),
    row("share", "server.files", "nas", Standing.BLOCKED),
]
STATUSES = "pass, warn, fail, inconclusive, blocked, stale, not run, waived"
MILESTONES = ("ready", "live", "not-ready", "ready-2")


def found(text):
    chosen = parse(text, site="Zurich, Hauptstrasse 1", milestones=MILESTONES)
    return [item.id for item in ROWS if chosen.gate(item.gate) and chosen.wants(item)]


EVERYTHING = [item.id for item in ROWS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EVERYTHING),
        ("   ", EVERYTHING),
        ("-", EVERYTHING),
        ("status:fail", ["mail", "files"]),
        ("STATUS:Fail", ["mail", "files"]),
        ("status:fail,stale", ["mail", "files", "cert"]),
        ("status:fail,", ["mail", "files"]),
        ("status:inc", ["mailing"]),
        ('status:"not run"', ["backup"]),
        ("status:notrun", ["backup"]),
        ("status:not-run", ["backup"]),
        ("status:unrun", ["backup"]),
        ("status:n", ["backup"]),
        ("status:waived", ["files"]),
        ("-status:pass,warn", ["mail", "files", "cert", "backup", "mailing", "share"]),
        ("is:waived", ["files"]),
        ("is:advisory", ["backup"]),
        ("is:required -status:fail,stale,warn,blocked,inc", ["web"]),
        ("is:blocking", ["mail", "cert", "mailing", "wifi", "share"]),
        ("type:dns", ["mail", "mailing"]),
        ("type:dns.", ["mail"]),
        ("type:network.t", ["files", "cert"]),
        ("type:*.record,acme", ["mail", "backup"]),
        ("type:?ns.*", ["mail"]),
        ("-type:network type:n*", []),
        ("site:zurich", EVERYTHING),
        ("site:branch", ["web"]),
        ("site:geneva", []),
        ("owner:isp", ["mail"]),
        ("owner:swisscom", ["mail"]),
        ("-owner:isp mail", ["mailing"]),
        ("milestone:live", ["web", "cert"]),
        ("milestone:ready", ["mail", "files", "backup", "wifi", "share"]),
        ("milestone:not", ["mailing"]),
        ("milestone:*ready", ["mail", "files", "backup", "mailing", "wifi", "share"]),
        ("-milestone:ready,live", ["mailing"]),
        ("id:mail", ["mail", "mailing"]),
        ("id:mail*g", ["mailing"]),
        ("target:192.0.2.40:445", ["files"]),
        ("target:192.0.2.*", ["files"]),
        ("target:[2001:*", ["cert"]),
        ("192.0.2.40:445", ["files"]),
        ("https://www", ["web"]),
        ("db8::1", ["cert"]),
        ("refused", ["mail", "files"]),
        ("refused -mail", ["files"]),
        ("mx1 refused", ["mail"]),
        ("title", EVERYTHING),
        ('"title of w"', ["web", "wifi"]),
        ("web,wifi", ["web", "wifi"]),
        ('"list:a,b"', ["mailing"]),
        ('"mx1, ref', ["mail"]),
        ("status:fail -is:waived type:dns owner:isp site:hq", ["mail"]),
        ("nothing-like-it", []),
    ],
)
def test_what_a_filter_selects(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status:fial", "There is no status 'fial' - did you mean 'fail'?"),
        ("status:w", "There is no status 'w' - did you mean 'warn' or 'waived'?"),
        ("status:zzz", f"There is no status 'zzz': there are {STATUSES}."),
        ("status:", f"Say which status: {STATUSES}."),
        ("status:,", f"Say which status: {STATUSES}."),
        ("is:requird", "There is no property 'requird' - did you mean 'required'?"),
        ("stats:fail", "There is no field 'stats' - did you mean 'status'? Quote it to look for the text."),
        ("milestone:raedy", "There is no milestone 'raedy' - did you mean 'ready'?"),
        (
            "status:fail milestone:zz",
            "There is no milestone 'zz': there are ready, live, not-ready, ready-2.",
        ),
        ("owner:", "Say which owner."),
    ],
)
def test_what_is_no_filter_is_a_sentence(text, said):
    with pytest.raises(FilterError) as refused:
        found(text)
    assert str(refused.value) == said


def test_an_unknown_field_without_a_near_one_lists_them():
    with pytest.raises(FilterError, match="There is no field 'zzzz': there are status, type, site, owner"):
        found("zzzz:1")


@given(st.text(max_size=60))
def test_no_text_breaks_it(text):
    with contextlib.suppress(FilterError):
        found(text)


def test_an_old_result_is_not_searched_where_it_does_not_count():
    stale = row("x", "a.b", "t", Standing.STALE, said="all is well")
    assert not parse("well").wants(stale)
    assert parse("run").wants(stale)
