"""Is what was there kept: the lies first, then servers, then a way back that a real daemon takes."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import dns.zone
import pytest

from checks import jsonable
from checks.dns._kept import line
from checks.dns._sets import SetName, SetPlanned
from checks.dns.snapshot import Snapshot
from checks.vantage import Earlier
from checks.wire.dns import Record
from checks.words import Status
from tests.checks.dns.zones import Host, silent_on, with_rcode, without_aa
from tests.checks.dns.zones_office import (
    NS1,
    NS2,
    ROOT,
    ROOT_ZONE,
    TLD,
    TLD_ZONE,
    ZONE,
    bad,
    has,
    look,
    office,
)
from tests.checks.dns.zones_real import running

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NEW = "0 office-test.mail.protection.outlook.com"
AFTER = ZONE.replace("@ MX 10 mail", f"@ MX {NEW}.").replace(" 7 7200", " 8 7200")
SETS = (("office.test", "MX"), ("office.test", "TXT"), ("autodiscover.office.test", "CNAME"))


def snapshot(port, *sets, planned=(("office.test", "MX", NEW),), **params):
    return Snapshot(
        domain="office.test", port=port, records=tuple(SetName(name=n, rdtype=t) for n, t in sets or SETS),
        planned=tuple(SetPlanned(name=n, rdtype=t, expect=(text,)) for n, t, text in planned),
        **{"roots": (ROOT,), **params},
    )  # fmt: skip


def past(seen, status=Status.PASS):
    return Earlier(at=seen.at, status=status, observation=jsonable.to_json(seen))


def test_before_the_change_it_is_saved_and_ready_to_put_back():
    notes: list[str] = []
    with office() as port:
        seen, findings = look(snapshot(port), notes=notes)
    assert bad(findings) == []
    assert seen.restore == seen.taken.text
    assert "\n".join(notes) + "\n" == seen.restore
    assert "office.test. 300 IN MX 10 mail.office.test." in seen.restore
    assert "autodiscover.office.test. 300 IN CNAME autodiscover.elsewhere.example." in seen.restore
    assert "serial 7" in seen.restore
    assert has(findings, "pass", "office.test MX", "10 mail.office.test.")


def test_an_earlier_run_does_not_make_the_change_begin():
    with office() as port:
        before, _ = look(snapshot(port))
        seen, findings = look(snapshot(port), history=(past(before),))
    assert bad(findings) == []
    assert not any("has begun" in finding.message for finding in findings)
    assert seen.restore == seen.taken.text


def test_too_late_unless_an_earlier_run_has_it():
    with office() as port:
        before, _ = look(snapshot(port))
    with office(ns1=AFTER, ns2=AFTER) as port:
        seen, findings = look(snapshot(port))
        assert {f.status.value for f in findings} == {"fail"}
        assert seen.restore == ""
        late, findings = look(snapshot(port), history=(past(seen, Status.FAIL), past(before)))
        assert {f.status.value for f in findings} == {"pass"}
        assert late.restore == before.restore
        again, findings = look(snapshot(port), history=(past(late),))
        assert {f.status.value for f in findings} == {"pass"}
        assert again.restore == before.restore


def test_a_change_that_has_half_begun_is_not_taken_for_before_it():
    both = ZONE.replace("@ MX 10 mail", f"@ MX 10 mail\n@ MX {NEW}.").replace(" 7 7200", " 8 7200")
    with office() as port:
        clean, _ = look(snapshot(port))
    with office(ns1=both, ns2=both) as port:
        half, findings = look(snapshot(port))
    assert has(findings, "warn", "office.test MX", "may have begun")
    with office(ns1=AFTER, ns2=AFTER) as port:
        seen, _ = look(snapshot(port), history=(past(half, Status.WARN), past(clean)))
        assert (seen.before, seen.restore) == (clean.taken, clean.taken.text)
        seen, _ = look(snapshot(port), history=(past(half, Status.WARN),))
    assert seen.before == half.taken


def test_one_server_that_has_the_new_data_is_enough_to_be_late():
    with office(ns2=AFTER) as port:
        _, findings = look(snapshot(port))
        two = f"ns2.office.test ({NS2}:{port})"
    assert has(findings, "fail", two, "too late")
    assert not any(f.status == "pass" for f in findings)


@pytest.mark.parametrize(
    "spoil", ["other zone", "a set less", "of the new data", "servers disagreed", "old version"]
)
def test_an_earlier_run_that_is_no_help(spoil):
    with office() as port:
        before, _ = look(snapshot(port))
    earlier = past(before)
    if spoil == "other zone":
        earlier = past(dataclasses.replace(before, domain="other.test"))
    elif spoil == "a set less":
        taken = dataclasses.replace(before.taken, sets=before.taken.sets[1:])
        earlier = past(dataclasses.replace(before, taken=taken))
    elif spoil == "of the new data":
        new = Record(name="office.test", ttl=300, rdtype="MX", text=NEW)
        first = dataclasses.replace(before.taken.sets[0], records=(new,))
        taken = dataclasses.replace(before.taken, sets=(first, *before.taken.sets[1:]))
        earlier = past(dataclasses.replace(before, taken=taken))
    elif spoil == "servers disagreed":
        earlier = past(before, Status.FAIL)
    else:
        earlier = Earlier(at=NOW, status=Status.PASS, observation={"domain": "office.test", "records": 7})
    with office(ns1=AFTER, ns2=AFTER) as port:
        _, findings = look(snapshot(port), history=(earlier,))
    assert {f.status.value for f in findings} == {"fail"}


LIES = {
    "one server is silent": (Host({"office.test": ZONE}, change=silent_on("udp", "tcp")), "inconclusive"),
    "one server has failed": (Host({"office.test": ZONE}, change=with_rcode("SERVFAIL")), "inconclusive"),
    "one server has a copy only": (Host({"office.test": ZONE}, change=without_aa), "inconclusive"),
    "one server holds other data": (ZONE.replace("10 mail", "20 mail"), "fail"),
    "one server lacks a record": (ZONE.replace("@ MX 10 mail\n", ""), "fail"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_one_server_hides_is_no_pass(lie):
    ns2, status = LIES[lie]
    with office(ns2=ns2) as port:
        seen, findings = look(snapshot(port))
        assert has(findings, status, f"ns2.office.test ({NS2}:{port})", ""), findings
    assert seen.taken is not None


def test_no_server_at_all():
    dead = Host({"office.test": ZONE}, change=with_rcode("SERVFAIL"))
    with office(ns1=dead, ns2=dead) as port:
        seen, findings = look(snapshot(port))
    assert {f.status.value for f in findings} == {"inconclusive"}
    assert seen.restore == ""
    with office(without=(TLD,)) as port:
        _, findings = look(snapshot(port))
    assert {f.status.value for f in findings} == {"inconclusive"}


def test_the_newest_serial_is_what_is_saved():
    with office(ns1=ZONE.replace(" 7 7200", " 4294967290 7200").replace("10 mail", "20 mail")) as port:
        seen, findings = look(snapshot(port))
    assert (seen.taken.serial, seen.taken.server) == (7, f"ns2.office.test ({NS2}:{port})")
    assert has(findings, "fail", NS1, "other data")


def test_what_was_not_there_is_said():
    with office() as port:
        seen, findings = look(snapshot(port, *SETS, ("lyncdiscover.office.test", "CNAME")))
    assert bad(findings) == [("warn", "lyncdiscover.office.test CNAME")]
    assert "; there was no lyncdiscover.office.test CNAME" in seen.restore


def test_an_alias_in_place_of_the_set():
    with office() as port:
        seen, _ = look(snapshot(port, ("autodiscover.office.test", "A"), planned=()))
    assert "autodiscover.office.test. 300 IN CNAME autodiscover.elsewhere.example." in seen.restore


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"planned": (("www.office.test", "A", "192.0.2.1"),)}, "does not save"),
        ({"planned": (("office.test", "MX", "x"),)}, "is no MX data"),
        ({"parents": ("127.0.0.1", "127.0.0.1")}, "same server twice"),
    ],
)
def test_what_does_not_fit_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        snapshot(53, **params)
    with pytest.raises(ValueError, match="does not lie in the zone"):
        snapshot(53, ("other.test", "MX"), planned=())


def test_lines_of_every_type_are_read_back_as_they_were():
    rows = {
        "MX": "10 mail.x", "SRV": "100 1 5061 sip.x", "TXT": '"a;b \\"c\\"" "\\200 d"',
        "CAA": '0 issue "ca.x"',
        "A": "192.0.2.1", "AAAA": "2001:db8::1", "NS": "ns.x", "PTR": "host.x", "TLSA": f"3 1 1 {'ab' * 32}",
        "DS": f"1 13 2 {'ab' * 32}", "TYPE65280": "\\# 2 abcd", "CNAME": "a.x",
    }  # fmt: skip
    for kind, text in rows.items():
        made = line(Record(name="n.office.test", ttl=60, rdtype=kind, text=text))
        zone = dns.zone.from_text(made + "\n", "office.test.", relativize=False, check_origin=False)
        (data,) = zone.find_rdataset("n.office.test.", kind if kind != "TYPE65280" else 65280)
        if kind in ("MX", "SRV", "NS", "PTR", "CNAME"):
            assert str(data).rstrip(".") == text
            assert str(data).endswith(".")


@pytest.mark.parametrize(("one", "two"), [("nsd", "knot"), ("knot", "nsd")])
def test_back_to_the_old_records_on_real_daemons(one, two):
    def served(zone):
        return {
            ROOT: ("nsd", {".": ROOT_ZONE}), TLD: ("nsd", {"test": TLD_ZONE}),
            NS1: (one, {"office.test": zone}), NS2: (two, {"office.test": zone}),
        }  # fmt: skip

    with running(served(ZONE)) as port:
        before, findings = look(snapshot(port))
        assert bad(findings) == []
    with running(served(AFTER)) as port:
        after, findings = look(snapshot(port), history=(past(before),))
        assert {f.status.value for f in findings} == {"pass"}
    rest = "\n".join(
        row for row in AFTER.splitlines() if " MX " not in row and " TXT " not in row and "CNAME" not in row
    )
    back = rest.replace(" 8 7200", " 9 7200") + "\n" + after.restore
    with running(served(back)) as port:
        restored, findings = look(snapshot(port))
    assert bad(findings) == []
    assert restored.taken.sets == before.taken.sets
    assert restored.taken.serial == 9
    assert timedelta(0) <= restored.at - before.at
