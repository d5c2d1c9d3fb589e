"""m365.conditional_access: only a policy that is on, for all, without a way around, counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.m365.conditional_access import ConditionalAccess, ConditionalAccessSeen, _policy
from checks.wire.graph_json import Drift
from checks.words import Status
from tests.beside import DATA
from tests.checks.m365.graph_run import access, judged, run, said
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import CLIENT, TENANT, microsoft

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
BREAK_GLASS = "6d1b2c3d-0000-4000-8000-00000000beef"
MFA = replies.policy("MFA for all")
BLOCK = replies.policy("No legacy", controls=("block",), clients=("exchangeActiveSync", "other"))


@pytest.fixture
def cloud():
    with microsoft() as found:
        found.policies = [MFA, BLOCK]
        yield found


def conditional(cloud, **more):
    return ConditionalAccess(**access(cloud), **more)


def changed(policy, where, **more):
    """Return a policy with a part of its conditions changed."""
    found = json.loads(json.dumps(policy))
    place = found["conditions"] if where == "conditions" else found["conditions"][where]
    place |= more
    return found


def strong(strength):
    """Return a policy that asks for an authentication strength."""
    grant = {"operator": "OR", "builtInControls": [], "authenticationStrength": strength}
    return replies.policy("x", grantControls=grant)


def test_policies_or_security_defaults(cloud):
    assert run(conditional(cloud))[0] is Status.PASS
    cloud.policies = []
    assert run(conditional(cloud))[0] is Status.FAIL
    cloud.security_defaults = True
    status, findings, _ = run(conditional(cloud))
    assert (status, "Security defaults are on" in said(findings)) == (Status.PASS, True)
    assert run(conditional(cloud, security_defaults=False))[0] is Status.FAIL


@pytest.mark.parametrize(
    ("policy", "status", "words"),
    [
        (replies.policy("x", state="enabledForReportingButNotEnforced"), Status.FAIL, "report-only"),
        (replies.policy("x", state="disabled"), Status.FAIL, "not on"),
        (replies.policy("x", users=("None",)), Status.FAIL, "No policy"),
        (replies.policy("x", users=("GuestsOrExternalUsers",)), Status.FAIL, "No policy"),
        (replies.policy("x", users=("11111111-0000-4000-8000-000000000000",)), Status.FAIL, "No policy"),
        (replies.policy("x", applications=("Office365",)), Status.FAIL, "No policy"),
        (replies.policy("x", controls=("compliantDevice",)), Status.FAIL, "No policy"),
        (replies.policy("x", controls=("mfa", "compliantDevice")), Status.FAIL, "No policy"),
        (replies.policy("x", controls=()), Status.FAIL, "No policy"),
        (replies.policy("x", grantControls=None), Status.FAIL, "No policy"),
        (replies.policy("x", clients=("browser",)), Status.FAIL, "No policy"),
        (replies.policy("x", clients=("browser", "mobileAppsAndDesktopClients")), Status.PASS, ""),
        (
            replies.policy(
                "x", grantControls={"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]}
            ),
            Status.PASS,
            "",
        ),
        (strong({"id": "1", "requirementsSatisfied": "mfa"}), Status.PASS, ""),
        (strong({"id": "1", "requirementsSatisfied": "none"}), Status.FAIL, "No policy"),
        (strong({"id": "1"}), Status.INCONCLUSIVE, "authenticationStrength"),
        (strong({"id": "1", "requirementsSatisfied": "unknownFutureValue"}), Status.INCONCLUSIVE, ""),
        (changed(MFA, "conditions", agentRisk=["high"]), Status.INCONCLUSIVE, "agentRisk"),
        (changed(MFA, "conditions", times={"all": False, "days": ["monday"]}), Status.INCONCLUSIVE, "times"),
        (replies.policy("x", excluded=(BREAK_GLASS,)), Status.WARN, BREAK_GLASS),
        (changed(MFA, "users", excludeGroups=["some-group"]), Status.WARN, "group:some-group"),
        (changed(MFA, "users", excludeRoles=["some-role"]), Status.WARN, "role:some-role"),
        (
            changed(
                MFA,
                "users",
                excludeGuestsOrExternalUsers={"guestOrExternalUserTypes": "b2bCollaborationGuest"},
            ),
            Status.WARN,
            "guests",
        ),
        (changed(MFA, "applications", excludeApplications=["app"]), Status.INCONCLUSIVE, "conditions only"),
        (changed(MFA, "conditions", signInRiskLevels=["high"]), Status.INCONCLUSIVE, "signInRiskLevels"),
        (
            changed(
                MFA, "conditions", locations={"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}
            ),
            Status.INCONCLUSIVE,
            "locations",
        ),
        (
            changed(MFA, "conditions", platforms={"includePlatforms": ["iOS"]}),
            Status.INCONCLUSIVE,
            "platforms",
        ),
        (changed(MFA, "conditions", signInRiskLevels=[], locations=None, devices=None), Status.PASS, ""),
    ],
)
def test_a_second_factor_for_all(cloud, policy, status, words):
    cloud.policies = [policy]
    found, findings, _ = run(conditional(cloud, require=("mfa",)))
    assert (found, words in said(findings)) == (status, True), findings


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (BLOCK, Status.PASS),
        (replies.policy("x", controls=("block",), clients=("other",)), Status.FAIL),
        (replies.policy("x", controls=("block",), clients=("exchangeActiveSync",)), Status.FAIL),
        (replies.policy("x", controls=("block",), clients=("browser",)), Status.FAIL),
        (BLOCK | {"state": "enabledForReportingButNotEnforced"}, Status.FAIL),
        (MFA, Status.PASS),
        (replies.policy("x", clients=("browser", "mobileAppsAndDesktopClients")), Status.FAIL),
    ],
)
def test_legacy_authentication(cloud, policy, status):
    """A second factor for all clients blocks legacy authentication, too: that cannot give one."""
    cloud.policies = [policy]
    assert run(conditional(cloud, require=("block_legacy",)))[0] is status


def test_administrators(cloud):
    roles = changed(MFA, "users", includeUsers=[], includeRoles=[GLOBAL_ADMINISTRATOR, "another"])
    cloud.policies = [roles]
    assert run(conditional(cloud, require=("mfa_admins",)))[0] is Status.PASS
    assert run(conditional(cloud, require=("mfa",)))[0] is Status.FAIL
    cloud.policies = [changed(roles, "users", includeRoles=["another"])]
    assert run(conditional(cloud, require=("mfa_admins",)))[0] is Status.FAIL


def test_a_policy_that_leaves_the_administrators_out_is_none_for_them(cloud):
    """It applies to all users, and a planned exception would otherwise make it a pass."""
    cloud.policies = [changed(MFA, "users", excludeRoles=[GLOBAL_ADMINISTRATOR])]
    planned = {"expect_excluded": (GLOBAL_ADMINISTRATOR,)}
    assert run(conditional(cloud, require=("mfa_admins",), **planned))[0] is Status.FAIL
    assert run(conditional(cloud, require=("mfa",), **planned))[0] is Status.PASS


def test_planned_exceptions_are_no_warning(cloud):
    cloud.policies = [replies.policy("x", excluded=(BREAK_GLASS.upper(),))]
    status, findings, _ = run(conditional(cloud, require=("mfa",), expect_excluded=(BREAK_GLASS,)))
    assert (status, BREAK_GLASS.upper() in said(findings)) == (Status.PASS, True)
    cloud.policies = [replies.policy("x", excluded=(BREAK_GLASS, "somebody-else"))]
    assert run(conditional(cloud, require=("mfa",), expect_excluded=(BREAK_GLASS,)))[0] is Status.WARN


def test_of_two_policies_the_better_counts(cloud):
    cloud.policies = [replies.policy("lax", excluded=("a", "b")), MFA]
    assert run(conditional(cloud, require=("mfa",)))[0] is Status.PASS


@pytest.mark.parametrize(
    "change",
    [
        {"state": "on"},
        {"state": None},
        {"conditions": None},
        {"displayName": None},
        {"grantControls": []},
        {"conditions": {"users": None, "applications": {}}},
        {"conditions": {"users": {"includeUsers": "All"}}},
    ],
)
def test_a_policy_of_another_shape_is_not_read_over(cloud, change):
    cloud.policies = [MFA, BLOCK | change]
    assert run(conditional(cloud))[0] is Status.INCONCLUSIVE


@pytest.mark.parametrize("path", ["conditionalAccess", "identitySecurityDefaultsEnforcementPolicy"])
def test_the_permission_is_named(cloud, path):
    cloud.forbid(path)
    status, findings, _ = run(conditional(cloud))
    assert (status, "Policy.Read.All" in said(findings)) == (Status.INCONCLUSIVE, True)


@pytest.mark.parametrize("value", [None, "true", 1, []])
def test_security_defaults_of_another_shape_are_not_on(cloud, value):
    cloud.drift("identitySecurityDefaultsEnforcementPolicy", {"isEnabled": value})
    assert run(conditional(cloud))[0] is Status.INCONCLUSIVE


SAMPLE = DATA / "m365" / "graph" / "conditional_access_policies.tf.json"


@pytest.mark.skipif(not SAMPLE.exists(), reason="The sample data is not here.")
def test_recorded_policies():
    policies = tuple(map(_policy, json.loads(SAMPLE.read_text())["value"]))
    seen = ConditionalAccessSeen(policies=policies, security_defaults=False)
    way = {"tenant_id": TENANT, "client_id": CLIENT, "secret": "env:X"}
    assert judged(ConditionalAccess(require=("block_legacy",), **way), seen)[0] is Status.PASS
    assert judged(ConditionalAccess(require=("mfa_admins",), **way), seen)[0] is Status.PASS
    assert judged(ConditionalAccess(require=("mfa",), **way), seen)[0] is Status.FAIL


LEAF = (
    st.none()
    | st.booleans()
    | st.text(max_size=8)
    | st.sampled_from(["All", "all", "mfa", "enabled", "block"])
)
JSON = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "users",
                    "applications",
                    "includeUsers",
                    "includeApplications",
                    "clientAppTypes",
                    "builtInControls",
                    "operator",
                    "conditions",
                    "grantControls",
                    "state",
                    "displayName",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*MFA, "state"]), JSON, max_size=6))
def test_any_policy_is_read_or_drift(change):
    try:
        found = _policy(MFA | change)
    except Drift:
        return
    assert found.state in ("enabled", "disabled", "enabledForReportingButNotEnforced")
