"""m365.domain against real name servers (knot, unbound) and the stand-in for Graph."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.m365._records import ServiceRecord, compare, from_graph
from checks.m365.domain import Domain
from checks.wire.dns import Record
from checks.wire.dns_lookup import Lookup
from checks.wire.graph_json import Drift
from checks.words import Status, worst
from tests.beside import DATA
from tests.checks.m365.graph_run import access, run, said
from tests.checks.wire.dns_servers import free_port, knot, unbound
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import TENANT, microsoft

SPF = '"v=spf1 include:spf.protection.outlook.com -all"'
MX = "{d} MX 0 host-{d}.mail.protection.outlook.com.\n"
AUTO = "autodiscover.{d} CNAME autodiscover.outlook.com.\n"
SRV = "_sipfederationtls._tcp.{d} SRV 100 1 5061 sipfed.online.lync.com.\n"
WHOLE = MX + "{d} TXT " + SPF + "\n" + AUTO + SRV
HEAD = """
$ORIGIN office.example.
$TTL 300
@ SOA ns hostmaster 7 7200 900 1209600 60
@ NS ns
ns A 127.0.0.1
"""
# Domain to what its zone holds, in zone-file lines, and what the check must say of it.
CASES: dict[str, tuple[str, Status, str]] = {
    "good": (WHOLE, Status.PASS, ""),
    "nothing": ("{d} A 192.0.2.1\n", Status.FAIL, "The record is missing"),
    "absent": ("", Status.FAIL, "no such name"),
    "oldmx": (WHOLE.replace(MX, "{d} MX 10 mx.old.example.\n"), Status.FAIL, "not directed to"),
    "tied": (WHOLE + "{d} MX 0 mx.oldhost.example.\n", Status.FAIL, "another one is preferred"),
    "backup": (WHOLE + "{d} MX 20 mx.oldhost.example.\n", Status.PASS, ""),
    "token": (WHOLE + "{d} MX 0 ms12345678.msv1.invalid.\n", Status.PASS, ""),
    "nullmx": (WHOLE.replace(MX, "{d} MX 0 .\n"), Status.FAIL, "not directed to the planned"),
    "twospf": (WHOLE + '{d} TXT "v=spf1 mx -all"\n', Status.FAIL, "more than one SPF"),
    "nospf": (WHOLE.replace(SPF, '"MS=ms12345678"'), Status.FAIL, "no SPF record"),
    "notspf": (WHOLE.replace('"v=spf1 ', '"v=spf10 '), Status.FAIL, "no SPF record"),
    "spaced": (WHOLE.replace("include:spf", "include: spf"), Status.FAIL, "does not include"),
    "minus": (WHOLE.replace("include:", "-include:"), Status.FAIL, "does not include"),
    "afterall": (
        WHOLE.replace("include:spf.protection.outlook.com -all", "-all include:spf.protection.outlook.com"),
        Status.FAIL, "does not include",
    ),
    "split": (WHOLE.replace("spf.protection", 'spf.prot" "ection'), Status.PASS, ""),
    "joined": (WHOLE.replace("include:spf", "a include:SPF").replace("-all", "~all"), Status.PASS, ""),
    "noauto": (WHOLE.replace(AUTO, ""), Status.FAIL, "autodiscover.noauto.office.example CNAME"),
    "autohost": (WHOLE.replace("autodiscover.outlook.com.", "mail.old.example."), Status.FAIL, "elsewhere"),
    "flat": (WHOLE.replace("CNAME autodiscover.outlook.com.", "A 192.0.2.5"), Status.FAIL, "missing"),
    "nosrv": (WHOLE.replace(SRV, ""), Status.FAIL, "missing"),
    "srvport": (WHOLE.replace("5061", "5060"), Status.FAIL, "elsewhere"),
    "srvweight": (WHOLE.replace("100 1 5061", "10 2 5061"), Status.WARN, "priority or weight"),
    "msoid": (WHOLE + "msoid.{d} CNAME clientconfig.microsoftonline-p.net.\n", Status.FAIL, "not activate"),
    "wild": (WHOLE + "*.{d} CNAME somewhere.example.\n", Status.FAIL, "wildcard"),
    "legacy": (WHOLE + "sip.{d} CNAME sip.oldhost.example.\n", Status.WARN, "retired"),
    "cloudsip": (WHOLE + "sip.{d} CNAME sipdir.online.lync.com.\n", Status.PASS, ""),
    "enrol": (
        WHOLE + "enterpriseenrollment.{d} CNAME enterpriseenrollment.manage.microsoft.com.\n",
        Status.PASS, "",
    ),
    "enrolelse": (WHOLE + "enterpriseenrollment.{d} CNAME mdm.example.\n", Status.FAIL, "elsewhere"),
}  # fmt: skip


@pytest.fixture(scope="module")
def resolver():
    zone = HEAD + "".join(lines.replace("{d}", name) for name, (lines, _, _) in CASES.items())
    dead = free_port()
    with (
        knot(zone) as port,
        unbound(stubs={"office.example": port, "dead.example": dead}, probe="ns.office.example") as recursive,
    ):
        yield f"127.0.0.1:{recursive.port}"


@pytest.fixture
def cloud():
    with microsoft() as found:
        yield found


def listed(name: str) -> list[dict]:
    domain = f"{name}.office.example"
    return [
        *replies.records(domain, f"host-{name}.mail.protection.outlook.com"),
        replies.cname(f"sip.{domain}", "sipdir.online.lync.com", "OfficeCommunicationsOnline"),
        replies.cname(
            f"enterpriseenrollment.{domain}",
            "enterpriseenrollment-s.manage.microsoft.com",
            "Intune",
            optional=True,
        ),
    ]


def checked(where, resolver, name, **more):
    more = {"services": ("mail", "teams", "intune"), "resolvers": (resolver,)} | more
    return Domain(domain=f"{name}.office.example", **access(where), **more)


def held(cloud, name, **more):
    """Let the tenant hold the domain of a case, with all services."""
    domain = f"{name}.office.example"
    services = ["Email", "OfficeCommunicationsOnline", "Intune"]
    cloud.add_domain(domain, **({"supportedServices": services} | more))
    cloud.records[domain] = listed(name)


@pytest.mark.parametrize("name", CASES)
def test_records_of_graph_against_dns(cloud, resolver, name):
    held(cloud, name)
    status, findings, seen = run(checked(cloud, resolver, name))
    _, wanted, words = CASES[name]
    assert status is wanted, findings
    assert words in said(findings), said(findings)
    if wanted is Status.FAIL:
        assert name in said([finding for finding in findings if finding.status is Status.FAIL])
    assert seen.asked_tenant


def test_the_stray_space_of_microsoft_s_own_sample_is_read(cloud, resolver):
    held(cloud, "good")
    domain = "good.office.example"
    cloud.records[domain][1] = replies.txt(domain, "v=spf1 include: spf.protection.outlook.com ~all")
    assert run(checked(cloud, resolver, "good"))[0] is Status.PASS
    held(cloud, "minus")
    cloud.records["minus.office.example"][1]["text"] = "v=spf1 include: spf.protection.outlook.com ~all"
    assert run(checked(cloud, resolver, "minus"))[0] is Status.FAIL


def test_a_domain_that_the_tenant_does_not_hold_fails(cloud, resolver):
    status, findings, _ = run(checked(cloud, resolver, "good"))
    assert status is Status.FAIL
    assert "does not hold" in said(findings)


def test_an_unverified_domain_and_missing_services_fail(cloud, resolver):
    held(cloud, "good", isVerified=False)
    status, findings, _ = run(checked(cloud, resolver, "good"))
    assert (status, "not verified" in said(findings)) == (Status.FAIL, True)
    held(cloud, "good", supportedServices=["Intune"])
    status, findings, _ = run(checked(cloud, resolver, "good"))
    assert "does not offer mail" in said(findings)
    assert "does not offer teams" in said(findings)
    held(cloud, "good", authenticationType="Federated")
    assert run(checked(cloud, resolver, "good", authentication="Managed"))[0] is Status.FAIL
    assert run(checked(cloud, resolver, "good", authentication="Federated"))[0] is Status.PASS


def test_optional_records_that_are_not_there_prove_nothing(cloud, resolver):
    """Only that msoid is gone would be left, and that would be a pass for the domain."""
    optional = ServiceRecord(type="CNAME", name="x.nothing.office.example", value="y.example", optional=True)
    check = Domain(domain="nothing.office.example", records=(optional,), resolvers=(resolver,))
    assert run(check)[0] is Status.INCONCLUSIVE
    held(cloud, "good", supportedServices=["Yammer"])
    cloud.records["good.office.example"] = []
    assert run(checked(cloud, resolver, "good", services=("yammer",)))[0] is Status.INCONCLUSIVE


def test_no_list_of_records_is_no_pass(cloud, resolver):
    held(cloud, "good")
    cloud.records["good.office.example"] = []
    status, findings, _ = run(checked(cloud, resolver, "good"))
    assert (status, "no MX record" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_records_that_cannot_be_made_are_said(cloud, resolver):
    held(cloud, "good")
    cloud.records["good.office.example"].append(
        {
            "@odata.type": "#microsoft.graph.domainDnsUnavailableRecord", "label": "good.office.example",
            "recordType": "Unavailable", "supportedService": "Email", "isOptional": False, "ttl": 3600,
            "description": "Ask support \x1b[31m",
        }
    )  # fmt: skip
    status, findings, _ = run(checked(cloud, resolver, "good"))
    assert (status, "Ask support" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_a_lookup_that_failed_is_neither_absence_nor_presence(cloud, resolver):
    cloud.add_domain("x.dead.example")
    cloud.records["x.dead.example"] = replies.records("x.dead.example")
    check = Domain(domain="x.dead.example", resolvers=(resolver,), **access(cloud))
    status, findings, _ = run(check, allowance=15)
    assert status is Status.INCONCLUSIVE, findings
    assert {f.status for f in findings} == {Status.PASS, Status.INCONCLUSIVE}
    assert [f.subject for f in findings if f.status is Status.PASS] == ["x.dead.example"]


def test_what_the_switch_changes_is_left_out_when_asked(cloud, resolver):
    held(cloud, "oldmx")
    assert run(checked(cloud, resolver, "oldmx", skip=("MX",)))[0] is Status.PASS
    held(cloud, "autohost")
    assert run(checked(cloud, resolver, "autohost", hybrid=True))[0] is Status.PASS
    held(cloud, "nospf")
    assert run(checked(cloud, resolver, "nospf", skip=("SPF",)))[0] is Status.PASS
    held(cloud, "nosrv")
    assert run(checked(cloud, resolver, "nosrv", services=("mail",)))[0] is Status.PASS


def test_china_may_have_msoid(cloud, resolver):
    held(cloud, "msoid")
    assert run(checked(cloud, resolver, "msoid", cloud="china"))[0] is Status.PASS


PLANNED = (
    ServiceRecord(type="MX", name="good.office.example", value="0 host-good.mail.protection.outlook.com"),
    ServiceRecord(
        type="TXT", name="good.office.example", value="v=spf1 include:spf.protection.outlook.com -all"
    ),
)


def test_records_of_the_project_file_need_no_credentials(resolver):
    check = Domain(domain="good.office.example", records=PLANNED, resolvers=(resolver,))
    status, findings, _ = run(check)
    assert status is Status.PASS
    assert "verified" not in said(findings)
    other = ServiceRecord(type="MX", name="good.office.example", value="0 other.mail.protection.outlook.com")
    assert (
        run(Domain(domain="good.office.example", records=(other,), resolvers=(resolver,)))[0] is Status.FAIL
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"records": PLANNED, "skip": ("MX", "SPF")},
        {"records": PLANNED, "authentication": "Managed"},
        {"records": PLANNED, "secret": "env:A"},
        {"records": (ServiceRecord(type="MX", name="x.example", value="zero mx.x.example"),)},
        {"records": (ServiceRecord(type="SRV", name="x.example", value="sipfed.online.lync.com"),)},
        {"records": (ServiceRecord(type="TXT", name="x.example", value=" "),)},
        {"records": (ServiceRecord(type="CNAME", name="x.example", value="a b"),)},
    ],
)
def test_what_asserts_nothing_is_refused(more):
    with pytest.raises(ValueError):
        Domain(domain="good.office.example", **more)


@pytest.mark.parametrize("part", ["id", "isVerified", "authenticationType"])
@pytest.mark.parametrize("value", [None, 1, [], "no"])
def test_a_domain_of_another_shape_is_not_read(cloud, resolver, part, value):
    held(cloud, "good")
    if part == "id":
        cloud.drift("/v1.0/domains/good.office.example", cloud.domains[0] | {part: value})
    else:
        cloud.domains[0][part] = value
    status, _, _ = run(checked(cloud, resolver, "good"))
    anything_goes = (part, value) == ("authenticationType", "no")
    assert status is (Status.PASS if anything_goes else Status.INCONCLUSIVE)


@pytest.mark.parametrize(
    "broken",
    [
        {"recordType": None}, {"label": ""}, {"label": "a b"}, {"mailExchange": None}, {"preference": "0"},
        {"preference": 65536}, {"isOptional": "false"}, {"mailExchange": ""}, {"mailExchange": "a b"},
    ],
)  # fmt: skip
def test_a_record_of_another_shape_is_not_read(cloud, resolver, broken):
    held(cloud, "good")
    cloud.records["good.office.example"][0] |= broken
    assert run(checked(cloud, resolver, "good"))[0] is Status.INCONCLUSIVE


def test_missing_permissions_are_named(cloud, resolver):
    held(cloud, "good")
    cloud.forbid("serviceConfigurationRecords")
    status, findings, _ = run(checked(cloud, resolver, "good"))
    assert (status, "Domain.Read.All" in said(findings)) == (Status.INCONCLUSIVE, True)


SAMPLE = DATA / "m365" / "graph" / "domain_serviceConfigurationRecords.json"


@pytest.mark.skipif(not SAMPLE.exists(), reason="The sample data is not here.")
def test_the_documentation_s_sample_is_read():
    found = [from_graph(item) for item in json.loads(SAMPLE.read_text())["value"]]
    assert [record.type for _, record in found] == ["MX", "TXT"]
    assert found[0][1].value == "0 contoso-com.mail.protection.outlook.com"


LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=30)
GRAPH_RECORD = st.dictionaries(
    st.sampled_from(
        ["recordType", "label", "supportedService", "isOptional", "mailExchange", "preference", "text",
         "canonicalName", "nameTarget", "port", "priority", "weight", "@odata.type", "description"]
    ),
    LEAF | st.sampled_from(["Mx", "Txt", "CName", "Srv", "x.example"]) | st.lists(LEAF, max_size=2),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(GRAPH_RECORD)
def test_any_record_is_read_or_drift(item):
    try:
        from_graph(item)
    except Drift:
        pass


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(
        [*PLANNED, ServiceRecord(type="SRV", name="a.good.office.example", value="1 1 5061 x.example")]
    ),
    st.lists(
        st.text(max_size=60) | st.sampled_from(['"v=spf1 include:"', "0 .", "1 1 5061 x.example"]), max_size=4
    ),
)
def test_any_answer_is_judged_and_never_as_right(record, texts):
    """Random data never equals the plan: whatever comes, it must not pass."""
    records = tuple(
        Record(name=record.name, rdtype=record.type, ttl=5, text=text) for text in texts
    )  # fmt: skip
    found = Lookup(
        name=record.name, rdtype=record.type, server="127.0.0.1", outcome="found" if records else "no data",
        records=records, end=record.name,
    )  # fmt: skip
    findings = list(compare(record, found, "good.office.example"))
    if "x.example" not in "".join(texts):
        assert worst(finding.status for finding in findings) is not Status.PASS


def test_the_tenant_is_named_when_it_lacks_the_domain(cloud, resolver):
    assert TENANT in said(run(checked(cloud, resolver, "good"))[1])
