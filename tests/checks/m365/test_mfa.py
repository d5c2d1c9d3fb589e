"""m365.mfa: registrations counted; an empty or partial report is no coverage."""

from __future__ import annotations

import json

import pytest

from checks.m365.mfa import Mfa, _Tally
from checks.words import Status
from tests.beside import DATA
from tests.checks.m365.graph_run import access, judged, run, said
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import CLIENT, TENANT, microsoft


@pytest.fixture
def cloud():
    with microsoft() as found:
        found.registrations = [
            replies.registration("admin@contoso.example", registered=True, admin=True),
            *(replies.registration(f"user{n}@contoso.example", registered=True) for n in range(9)),
        ]
        yield found


def lacking(cloud, name="late@contoso.example", **more):
    cloud.registrations.append(replies.registration(name, registered=False, **more))


def test_everybody_is_registered(cloud):
    status, findings, seen = run(Mfa(**access(cloud)))
    assert (status, seen.members, seen.registered) == (Status.PASS, 10, 10)
    assert "that it is asked for is not shown" in said(findings)


def test_coverage_is_held_against_its_limit(cloud):
    lacking(cloud)
    status, findings, _ = run(Mfa(**access(cloud)))
    assert (status, "late@contoso.example" in said(findings)) == (Status.FAIL, True)
    assert run(Mfa(min_coverage=90.0, **access(cloud)))[0] is Status.PASS
    assert run(Mfa(min_coverage=91.0, **access(cloud)))[0] is Status.FAIL
    assert run(Mfa(exclude=("LATE@*",), **access(cloud)))[0] is Status.PASS


def test_rounding_is_no_coverage(cloud):
    cloud.page_size = 1000
    cloud.registrations += [
        replies.registration(f"more{n}@contoso.example", registered=True) for n in range(10_000)
    ]
    lacking(cloud)
    assert run(Mfa(**access(cloud)), allowance=20.0)[0] is Status.FAIL


def test_administrators_are_counted_apart(cloud):
    lacking(cloud, "boss@contoso.example", admin=True)
    status, findings, _ = run(Mfa(min_coverage=50.0, **access(cloud)))
    assert (status, "1 administrators" in said(findings)) == (Status.FAIL, True)
    assert run(Mfa(min_coverage=50.0, admins_covered=False, **access(cloud)))[0] is Status.PASS
    cloud.registrations = [one for one in cloud.registrations if not one["isAdmin"]]
    status, findings, _ = run(Mfa(**access(cloud)))
    assert (status, "names no administrator" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_guests_are_not_members(cloud):
    lacking(cloud, "guest@elsewhere.example", kind="guest")
    status, _, seen = run(Mfa(**access(cloud)))
    assert (status, seen.guests) == (Status.PASS, 1)
    lacking(cloud, "guestadmin@elsewhere.example", kind="guest", admin=True)
    assert run(Mfa(**access(cloud)))[0] is Status.FAIL


def test_a_method_that_is_not_allowed_any_more_is_a_warning(cloud):
    cloud.registrations[3]["isMfaCapable"] = False
    assert run(Mfa(**access(cloud)))[0] is Status.WARN


def test_an_empty_report_is_no_coverage(cloud):
    everyone = cloud.registrations
    cloud.registrations = []
    assert run(Mfa(**access(cloud)))[0] is Status.INCONCLUSIVE
    cloud.registrations = [replies.registration("g@elsewhere.example", registered=True, kind="guest")]
    assert run(Mfa(**access(cloud)))[0] is Status.INCONCLUSIVE
    cloud.registrations = everyone
    assert run(Mfa(exclude=("*@contoso.example",), **access(cloud)))[0] is Status.INCONCLUSIVE


def test_leaving_out_most_of_the_tenant_is_no_coverage_of_it(cloud):
    cloud.registrations += [
        replies.registration(f"user{number}@sales.example", registered=False) for number in range(50)
    ]
    status, findings, _ = run(Mfa(exclude=("*@sales.example",), **access(cloud)))
    assert (status, "50 left out" in said(findings)) == (Status.WARN, True)


def test_a_report_that_breaks_off_is_no_coverage(cloud):
    cloud.page_size = 5
    cloud.fail("skiptoken=5", 400)
    assert run(Mfa(**access(cloud)))[0] is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    "change",
    [
        {"isMfaRegistered": None}, {"isMfaRegistered": "true"}, {"isAdmin": None}, {"userType": None},
        {"userType": "service"}, {"userPrincipalName": ""}, {"isMfaCapable": 1},
    ],
)  # fmt: skip
def test_a_row_of_another_shape_is_not_counted_over(cloud, change):
    cloud.registrations[-1] |= change
    assert run(Mfa(**access(cloud)))[0] is Status.INCONCLUSIVE


def test_a_tenant_without_the_licence_is_told(cloud):
    cloud.forbid("userRegistrationDetails", code="Authentication_RequestFromNonPremiumTenantOrB2CTenant")
    status, findings, _ = run(Mfa(**access(cloud)))
    assert status is Status.INCONCLUSIVE
    assert "AuditLog.Read.All" in said(findings)
    assert "Entra ID P1" in said(findings)


@pytest.mark.parametrize(
    "more", [{"min_coverage": 0.0, "admins_covered": False}, {"exclude": ("*",)}, {"exclude": ("",)}]
)
def test_what_asserts_nothing_is_refused(cloud, more):
    with pytest.raises(ValueError):
        Mfa(**access(cloud), **more)


SAMPLE = DATA / "m365" / "graph" / "userRegistrationDetails.json"


@pytest.mark.skipif(not SAMPLE.exists(), reason="The sample data is not here.")
def test_the_documentation_s_sample():
    tally = _Tally(())
    tally.add(json.loads(SAMPLE.read_text())["value"])
    way = {"tenant_id": TENANT, "client_id": CLIENT, "secret": "env:X"}
    seen = tally.seen()
    assert (seen.members, seen.guests, seen.registered) == (1, 1, 1)
    assert judged(Mfa(admins_covered=False, **way), seen)[0] is Status.PASS
