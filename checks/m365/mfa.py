"""m365.mfa: the users have registered for multifactor authentication."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from checks.contract import Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.m365._graph import GraphCheck, access, held_to_shape, no_such
from checks.params import Percent
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.graph import NoSuch, pages
from checks.wire.graph_access import Call
from checks.wire.graph_json import Drift, flag, text, text_or

_CALL = Call(
    path="/v1.0/reports/authenticationMethods/userRegistrationDetails",
    what="the users' registered authentication methods",
    permission="AuditLog.Read.All",
    refused="If it has that permission, the tenant lacks the Entra ID P1 licence that this report needs.",
)
_MOST = 200_000
_NAMED = 2000
_SHOWN = 10
_GUEST = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaSeen:
    """Members and administrators counted, less the excluded; those without registration by name.

    At most 2,000 of each are named; `capable` counts members who are registered with a method that the tenant
    allows. `latest` is the newest time that a row says it was updated: the report lags.
    """

    members: int
    registered: int
    capable: int
    admins: int
    admins_registered: int
    guests: int
    excluded: int
    unregistered: tuple[str, ...]
    admins_unregistered: tuple[str, ...]
    latest: str = ""


class Mfa(GraphCheck[MfaSeen]):
    """Enough of the tenant's members, and all of its administrators, have registered for MFA.

    Guests are counted apart and not judged; disabled accounts are not in the report.

    Proves: how many accounts have a second factor on file, as of the report's last update.
    Cannot prove: that a second factor is asked for: registered is not enforced (m365.conditional_access looks
    at that); nor what changed within the last hours, since the report lags.
    If it fails: have the accounts that are named register at https://aka.ms/mfasetup; list
    emergency accounts in `exclude`.

    Source: learn.microsoft.com/graph/api/authenticationmethodsroot-list-userregistrationdetails.

    Example:
        type: m365.mfa
        tenant_id: 5a1f0c6e-7a0e-4a53-9a2c-1f2b3c4d5e6f
        client_id: 0b7c2d1e-1111-4222-8333-444455556666
        secret: env:GRAPH_SECRET
        min_coverage: 95%
        exclude: ["breakglass@*", "Sync_*"]
    """

    deadline_s = 90.0

    min_coverage: Percent = 100.0
    """Least share of the members that must have registered."""
    admins_covered: bool = True
    """Whether every account with an administrator's role must have registered."""
    exclude: tuple[str, ...] = ()
    """User principal names that are left out, `*` stands for any text: emergency and service accounts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_coverage <= 0 and not self.admins_covered:
            raise ValueError("A coverage of 0 % asserts nothing: ask for more, or for the administrators.")
        if any(not name.strip("* ") for name in self.exclude):
            raise ValueError("'exclude' must not leave out everybody: name the accounts.")

    async def observe(self, vantage: Vantage) -> MfaSeen:
        tally = _Tally(self.exclude)
        try:
            async for page in pages(vantage, access(self, vantage), _CALL):
                held_to_shape(_CALL, lambda page=page: tally.add(page))  # type: ignore[misc]
                if tally.rows > _MOST:
                    raise CannotTell(
                        f"The tenant has more than {_MOST} users; not all of the report was read.",
                        "Look at the report in Entra: Authentication methods, User registration details.",
                    )
        except NoSuch as error:
            raise no_such(_CALL, error) from None
        return tally.seen()

    def judge(self, seen: MfaSeen) -> Iterable[Finding]:
        if seen.members <= 0:
            yield cannot_tell(
                self.tenant_id,
                "The report holds no member to judge.",
                expected="at least one member who is not excluded",
                observed=f"{seen.guests} guests, {seen.excluded} excluded",
                fix="Wait until the report is made (up to a day in a new tenant), and look at 'exclude'.",
            )
            return
        yield self._coverage(seen)
        if self.admins_covered:
            yield self._admins(seen)

    def _coverage(self, seen: MfaSeen) -> Finding:
        share = 100.0 * seen.registered / seen.members
        measure = Measure(
            name="Registered for MFA", value=share, unit="%", fail=self.min_coverage,
            source="min_coverage of this check",
        )  # fmt: skip
        subject = f"members of {self.tenant_id}"
        expected = f"at least {self.min_coverage:g} %"
        observed = (
            f"{seen.registered} of {seen.members} ({share:.4g} %), {seen.excluded} left out by 'exclude', "
            f"report as of {_day(seen.latest)}"
        )
        if share < self.min_coverage:
            return failed(
                subject,
                f"{seen.members - seen.registered} members have not registered a second factor: "
                f"{_names(seen.unregistered, seen.members - seen.registered)}.",
                expected=expected,
                observed=observed,
                fix="Let them register at https://aka.ms/mfasetup, or start a registration campaign in "
                "Entra; leave out service accounts by 'exclude'.",
            )
        if seen.excluded > seen.members:
            return warned(
                subject,
                "More accounts are left out than are judged, so that this says little of the tenant.",
                expected=expected,
                observed=observed,
                fix="Leave out single emergency and service accounts by 'exclude', and no whole domain.",
            )
        if seen.capable < seen.registered:
            return warned(
                subject,
                f"{seen.registered - seen.capable} members have registered a method that the tenant does not "
                "allow now.",
                expected=expected,
                observed=observed,
                fix="Allow the method under Authentication methods, Policies, or let them register another.",
            )
        return passed(
            subject,
            "Enough members have registered a second factor; that it is asked for is not shown by this.",
            expected=expected,
            observed=observed,
            measure=measure,
        )

    def _admins(self, seen: MfaSeen) -> Finding:
        subject = f"administrators of {self.tenant_id}"
        observed = f"{seen.admins_registered} of {seen.admins}"
        if seen.admins <= 0:
            return cannot_tell(
                subject,
                "The report names no administrator who is not excluded, and every tenant has one.",
                expected="all registered",
                observed=observed,
                fix="Look at 'exclude', and wait for the report's next update.",
            )
        missing = seen.admins - seen.admins_registered
        if missing > 0:
            return failed(
                subject,
                f"{missing} administrators have not registered a second factor: "
                f"{_names(seen.admins_unregistered, missing)}.",
                expected="all registered",
                observed=observed,
                fix="Let them register before the cutover, or take the role away.",
            )
        return passed(
            subject, "All administrators have registered a second factor.",
            expected="all registered", observed=observed,
        )  # fmt: skip


class _Tally:
    """The report's rows, counted page by page, so that a large tenant needs no memory."""

    def __init__(self, exclude: tuple[str, ...]) -> None:
        self._exclude = tuple(pattern.strip().lower() for pattern in exclude)
        self.rows = 0
        self._counts = dict.fromkeys(
            ("members", "registered", "capable", "admins", "admins_registered", "guests", "excluded"), 0
        )
        self._missing: list[str] = []
        self._admins_missing: list[str] = []
        self._latest = ""

    def add(self, page: list[dict[str, object]]) -> None:
        """Count one page."""
        for item in page:
            self.rows += 1
            self._add(item)

    def _add(self, item: dict[str, object]) -> None:
        name = text(item, "userPrincipalName")
        registered, capable = flag(item, "isMfaRegistered"), flag(item, "isMfaCapable")
        admin = flag(item, "isAdmin")
        kind = text(item, "userType").lower()
        if not name or kind not in ("member", _GUEST):
            raise Drift("'userType' is neither member nor guest" if name else "'userPrincipalName' is empty")
        self._latest = max(self._latest, text_or(item, "lastUpdatedDateTime")[:40])
        if any(fnmatchcase(name.lower(), pattern) for pattern in self._exclude):
            self._counts["excluded"] += 1
            return
        if admin:
            self._counts["admins"] += 1
            self._counts["admins_registered"] += registered
            if not registered and len(self._admins_missing) < _NAMED:
                self._admins_missing.append(name[:200])
        if kind == _GUEST:
            self._counts["guests"] += 1
            return
        self._counts["members"] += 1
        self._counts["registered"] += registered
        self._counts["capable"] += registered and capable
        if not registered and len(self._missing) < _NAMED:
            self._missing.append(name[:200])

    def seen(self) -> MfaSeen:
        """Return all that was counted."""
        return MfaSeen(
            **self._counts, unregistered=tuple(self._missing),
            admins_unregistered=tuple(self._admins_missing), latest=self._latest,
        )  # fmt: skip


def _names(names: tuple[str, ...], total: int) -> str:
    shown = ", ".join(safe(name, limit=80) for name in names[:_SHOWN])
    more = total - min(len(names), _SHOWN)
    return f"{shown} and {more} more" if more > 0 else shown


def _day(latest: str) -> str:
    return safe(latest, limit=40) or "an unknown time"
