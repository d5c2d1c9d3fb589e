"""m365.conditional_access: sign-in asks everybody for a second factor and takes no legacy authentication."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.m365._graph import GraphCheck, access, everything, held_to_shape, no_such
from checks.safe import safe
from checks.wire.graph import NoSuch, get, pages
from checks.wire.graph_access import Call
from checks.wire.graph_json import Drift, child, flag, text, text_or, texts

Demand = Literal["mfa", "mfa_admins", "block_legacy"]
_POLICIES = Call(
    path="/v1.0/identity/conditionalAccess/policies",
    what="the conditional access policies",
    permission="Policy.Read.All",
    refused="Without Entra ID P1 a tenant has none: then security defaults are the way.",
)
_DEFAULTS = Call(
    path="/v1.0/policies/identitySecurityDefaultsEnforcementPolicy",
    what="the security defaults",
    permission="Policy.Read.All",
)
_MOST = 500
_CONDITIONS = ("users", "applications", "clientAppTypes")
"""Conditions that are judged; any other that is set narrows a policy, also one that is not known yet."""
_GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
"""The role's template ID, the same in every tenant."""
_STATES = ("enabled", "disabled", "enabledForReportingButNotEnforced")
_WORDS: dict[str, str] = {
    "mfa": "a second factor for all users and all applications",
    "mfa_admins": "a second factor for administrators and all applications",
    "block_legacy": "legacy authentication blocked for all users and all applications",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy, as far as it matters here.

    `narrowed` names conditions that let it apply in some cases only (places, platforms, risk, devices);
    `excluded` names users, groups and roles that it leaves out, `apps_excluded` applications.
    """

    name: str
    state: str
    users: tuple[str, ...]
    roles: tuple[str, ...]
    applications: tuple[str, ...]
    clients: tuple[str, ...]
    operator: str
    controls: tuple[str, ...]
    strength: bool
    excluded: tuple[str, ...] = ()
    apps_excluded: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()
    weak: bool = False
    """Whether the authentication strength takes a single factor, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalAccessSeen:
    """The tenant's policies, and whether its security defaults are on."""

    policies: tuple[Policy, ...]
    security_defaults: bool


class ConditionalAccess(GraphCheck[ConditionalAccessSeen]):
    """Policies that are on (not in report-only mode) ask for what is required, or security defaults are on.

    A policy counts that applies to all users (for mfa_admins: at least to the role Global Administrator) and
    all applications, under no further condition, and whose only ways in are a second factor or an
    authentication strength; for legacy authentication one that blocks it. Who is left out is a warning,
    unless the project expects it.

    Proves: what the policies say now.
    Cannot prove: that an exception in another place (trusted places of per-user MFA, a federation) does not
    let somebody in, nor that the excluded emergency account is kept safe. Try a sign-in.
    If it fails: in the Entra admin centre (Protection, Conditional Access) switch the policy from
    report-only to on, or widen it to all users and applications.

    Source: learn.microsoft.com/graph/api/resources/conditionalaccesspolicy and
    identitysecuritydefaultsenforcementpolicy; learn.microsoft.com/entra/fundamentals/security-defaults.

    Example:
        type: m365.conditional_access
        tenant_id: 5a1f0c6e-7a0e-4a53-9a2c-1f2b3c4d5e6f
        client_id: 0b7c2d1e-1111-4222-8333-444455556666
        secret: env:GRAPH_SECRET
        require: [mfa, block_legacy]
        expect_excluded: [6d1b2c3d-0000-4000-8000-00000000beef]
    """

    require: Annotated[tuple[Demand, ...], Len(1)] = ("mfa", "block_legacy")
    """`mfa`: for all users; `mfa_admins`: at least for administrators; `block_legacy`: none without MFA."""
    security_defaults: bool = True
    """Whether security defaults are as good as policies."""
    expect_excluded: tuple[str, ...] = ()
    """Object IDs that policies may leave out without a warning: emergency accounts, their group."""

    async def observe(self, vantage: Vantage) -> ConditionalAccessSeen:
        way = access(self, vantage)
        try:
            body = await get(vantage, way, _DEFAULTS)
            defaults = held_to_shape(_DEFAULTS, lambda: flag(body, "isEnabled"))
        except NoSuch as error:
            raise no_such(_DEFAULTS, error) from None
        if defaults and self.security_defaults:
            return ConditionalAccessSeen(policies=(), security_defaults=True)
        try:
            found = await everything(pages(vantage, way, _POLICIES), _POLICIES, _policy, _MOST)
        except NoSuch as error:
            raise no_such(_POLICIES, error) from None
        return ConditionalAccessSeen(policies=tuple(found), security_defaults=defaults)

    def judge(self, seen: ConditionalAccessSeen) -> Iterable[Finding]:
        for demand in dict.fromkeys(self.require):
            if seen.security_defaults and self.security_defaults:
                yield passed(
                    demand,
                    "Security defaults are on: they ask for a second factor and block legacy authentication.",
                    expected=_WORDS[demand],
                    observed="security defaults on",
                )
            else:
                yield self._judge_one(demand, seen)

    def _judge_one(self, demand: Demand, seen: ConditionalAccessSeen) -> Finding:
        expected = _WORDS[demand]
        serving = [policy for policy in seen.policies if _serves(policy, demand)]
        enabled = [policy for policy in serving if policy.state == "enabled"]
        whole = [policy for policy in enabled if not policy.narrowed and not policy.apps_excluded]
        if not whole:
            return self._missing(demand, serving, enabled, seen)
        best = min(whole, key=lambda policy: len(self._unplanned(policy)))
        unplanned = self._unplanned(best)
        observed = f"{_named(best)}, leaves out: {_listed(best.excluded)}"
        if unplanned:
            return warned(
                demand,
                "The policy is on and leaves out accounts that the project does not expect to be left out.",
                expected=f"{expected}, nobody left out but those of expect_excluded",
                observed=f"{_named(best)}, leaves out unplanned: {_listed(unplanned)}",
                fix="See who that is; keep only emergency accounts out, and name them in expect_excluded.",
            )
        return passed(demand, "A policy that is on demands it.", expected=expected, observed=observed)

    def _missing(
        self, demand: Demand, serving: list[Policy], enabled: list[Policy], seen: ConditionalAccessSeen
    ) -> Finding:
        expected = _WORDS[demand]
        if enabled:
            shown = "; ".join(
                f"{_named(policy)} only under conditions ({_listed(policy.narrowed)}) or not for "
                f"{_listed(policy.apps_excluded)}"
                for policy in enabled[:5]
            )
            return cannot_tell(
                demand,
                "Policies demand it under conditions only; whether together they cover every sign-in is not "
                "to be told from here.",
                expected=expected,
                observed=shown,
                fix="Try it with conditional access's What If tool, or make one policy without conditions.",
            )
        if serving:
            return failed(
                demand,
                "The policy that would demand it is not on.",
                expected=expected,
                observed="; ".join(
                    f"{_named(policy)}: {safe(policy.state, limit=50)}" for policy in serving[:5]
                ),
                fix="Turn it on: report-only records what it would do and stops nobody.",
            )
        total = len(seen.policies)
        also = ", security defaults on" if seen.security_defaults else ", security defaults off"
        return failed(
            demand,
            "No policy demands it.",
            expected=expected,
            observed=f"{total} policies, none of which does{also}",
            fix="Turn on security defaults, or make a policy for all users and all applications in Entra.",
        )

    def _unplanned(self, policy: Policy) -> list[str]:
        allowed = {name.lower() for name in self.expect_excluded}
        return [name for name in policy.excluded if name.rpartition(":")[2].lower() not in allowed]


def _serves(policy: Policy, demand: str) -> bool:
    """Return whether a policy would do what is demanded if it were on, apart from its conditions."""
    covered = "All" in policy.users or (demand == "mfa_admins" and _GLOBAL_ADMINISTRATOR in policy.roles)
    if "All" not in policy.applications or not covered:
        return False
    if demand == "mfa_admins" and f"role:{_GLOBAL_ADMINISTRATOR}" in map(str.lower, policy.excluded):
        return False
    if demand == "block_legacy":
        legacy = {"exchangeActiveSync", "other"} <= set(policy.clients) or "all" in policy.clients
        return legacy and (policy.controls == ("block",) or ("all" in policy.clients and _asks(policy)))
    return (
        "all" in policy.clients or {"browser", "mobileAppsAndDesktopClients"} <= set(policy.clients)
    ) and (_asks(policy))


def _asks(policy: Policy) -> bool:
    """Return whether there is no way in but by a second factor."""
    ways = [*policy.controls, *(["strength"] if policy.strength else [])]
    strong = [way for way in ways if way == "mfa" or (way == "strength" and not policy.weak)]
    return bool(strong) and (policy.operator == "AND" or len(strong) == len(ways))


def _policy(item: dict[str, object]) -> Policy:
    state = text(item, "state")
    if state not in _STATES:
        raise Drift("'state' of a policy is none that is documented")
    conditions = child(item, "conditions")
    users = child(conditions, "users")
    applications = child(conditions, "applications")
    grant = child(item, "grantControls") if item.get("grantControls") is not None else {}
    clients = texts(conditions, "clientAppTypes")
    narrowed = [
        safe(name, limit=60) for name, condition in list(conditions.items())[:100]
        if name not in _CONDITIONS and not name.startswith("@") and "@odata." not in name and _set(condition)
    ]  # fmt: skip
    strength = grant.get("authenticationStrength")
    if _set(strength) and _satisfied(strength) == "":
        narrowed.append("an authenticationStrength that does not say whether it is a second factor")
    if _set(applications.get("includeUserActions")) or _set(applications.get("applicationFilter")):
        narrowed.append("applications")
    excluded = [
        f"{kind}:{name}"
        for key, kind in (("excludeUsers", "user"), ("excludeGroups", "group"), ("excludeRoles", "role"))
        for name in texts(users, key)
    ]
    if _set(users.get("excludeGuestsOrExternalUsers")):
        excluded.append("guests:some")
    return Policy(
        name=text(item, "displayName")[:200], state=state, users=texts(users, "includeUsers")[:200],
        roles=texts(users, "includeRoles")[:200],
        applications=texts(applications, "includeApplications")[:200], clients=clients[:20],
        operator=text(grant, "operator") if grant else "", controls=texts(grant, "builtInControls")[:20],
        strength=_set(strength), weak=_satisfied(strength) == "none", excluded=tuple(excluded[:500]),
        apps_excluded=texts(applications, "excludeApplications")[:200], narrowed=tuple(narrowed),
    )  # fmt: skip


def _satisfied(strength: object) -> str:
    """Return what an authentication strength satisfies: `mfa`, `none`, or nothing if it does not say."""
    if not isinstance(strength, dict):
        return ""
    told = text_or(strength, "requirementsSatisfied").lower()
    return told if told in ("mfa", "none") else ""


def _set(value: object) -> bool:
    """Return whether a condition is there and says something."""
    if isinstance(value, dict):
        return any(_set(part) for key, part in value.items() if not key.startswith("@"))
    return value not in (None, [], "", "none", False)


def _named(policy: Policy) -> str:
    return f"'{safe(policy.name, limit=80)}'"


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    shown = ", ".join(safe(name, limit=60) for name in found[:5])
    return f"{shown} and {len(found) - 5} more" if len(found) > 5 else shown or "nobody"
