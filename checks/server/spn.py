"""server.spn: each service principal name belongs to one account, the planned one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Len
from checks.contract import CannotTell, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import failed, passed
from checks.remote.check import RemoteCheck, remote, require_login
from checks.remote.outcome import require
from checks.remote.windows import ask, many, script, texts, word
from checks.safe import in_line, safe
from checks.server._ldif import entries
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

END = "# end of the names"
SAMBA = Script(
    "ldbsearch",
    f"""
command -v ldbsearch >/dev/null || exit 127
ldbsearch -H "$1" '(servicePrincipalName=*)' sAMAccountName servicePrincipalName || exit 3
printf '\\n%s\\n' '{END}'
""",
)
WINDOWS = script(
    "spn",
    """
$search = [DirectoryServices.DirectorySearcher]::new('(servicePrincipalName=*)')
$search.PageSize = 500
[void]$search.PropertiesToLoad.AddRange(@('sAMAccountName', 'servicePrincipalName'))
$answer.accounts = @($search.FindAll() | ForEach-Object { @{
  account = "$($_.Properties['samaccountname'][0])"; names = @($_.Properties['serviceprincipalname'])
} })
""",
)
REFERENCE = "MS-ADTS section 5.1.1.1.10 (uniqueness), setspn"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSpn:
    """One service principal name and the account that must have it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: Annotated[str, Len(3, 300)]
    """Service class and host: `MSSQLSvc/sql.example.com:1433`."""
    account: Annotated[str, Len(1, 100)]
    """Name of the account (sAMAccountName); that of a computer ends with `$`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A planned name, and every account that has it."""

    name: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpnSeen:
    """Who has the planned names; `known` accounts of the domain have any name at all."""

    server: str
    known: int
    holders: tuple[Holder, ...]


class Spn(RemoteCheck[SpnSeen]):
    """Each planned service principal name is registered once in the domain, at the planned account.

    A name that still belongs to the old server's account makes Kerberos encrypt for the old server, and one
    that two accounts have makes it fail for both.

    Proves: which accounts of this domain have the names, as its directory says now.
    Cannot prove: that no account of another domain of the forest has one, too; nor that the service can read
    its key. Samba's database is read by root only. Windows is asked by PowerShell, written from the
    documentation and never run on a real one.
    If it fails: take the name from the old account and give it to the new one (setspn -D and -S, or
    samba-tool spn delete and add), then log on anew or purge the tickets (klist purge).

    Source: RFC 4120 section 6.2; MS-ADTS section 5.1.1.1.10; Microsoft Learn, setspn.

    Example:
        type: server.spn
        host: dc.example.com
        user: tech
        sudo: true
        spns: [{name: "MSSQLSvc/sql.example.com:1433", account: svc-sql}]
    """

    deadline_s = 60.0

    spns: Annotated[tuple[PlannedSpn, ...], Len(1, 200)]
    """The names with their accounts."""
    database: Annotated[str, Len(1, 4096)] = "/var/lib/samba/private/sam.ldb"
    """Where a Samba domain controller keeps its directory; not used on Windows."""

    def __post_init__(self) -> None:
        require_login(self)
        for spn in self.spns:
            service, mark, host = spn.name.partition("/")
            if not (service and mark and host):
                raise ValueError(f"A service principal name is written like HTTP/host, not {spn.name!r}.")
        names = [spn.name.lower() for spn in self.spns]
        if len(set(names)) < len(names):
            raise ValueError("A service principal name belongs to one account: one of 'spns' is there twice.")

    async def observe(self, vantage: Vantage) -> SpnSeen:
        """Read every account that has such names."""
        host = await remote(self, vantage)
        accounts = await _accounts(host, self.database, self.root)
        if not accounts:
            raise CannotTell(
                f"The directory on {host.name} shows no service principal name; every domain has some.",
                "Log in to a domain controller as somebody who may read its directory (Samba: 'sudo: true').",
            )
        holders = [
            Holder(
                name=spn.name,
                accounts=tuple(sorted(name for name, names in accounts.items() if spn.name.lower() in names)),
            )
            for spn in self.spns
        ]
        return SpnSeen(server=host.name, known=len(accounts), holders=tuple(holders))

    def judge(self, seen: SpnSeen) -> Iterable[Finding]:
        """Judge each name by itself."""
        held = {holder.name: holder.accounts for holder in seen.holders}
        for spn in self.spns:
            yield _judge_one(spn, held.get(spn.name, ()))


def _judge_one(spn: PlannedSpn, accounts: tuple[str, ...]) -> Finding:
    name, wanted = safe(spn.name), spn.account
    others = [account for account in accounts if account.lower() != wanted.lower()]
    say = in_line(accounts) or "no account"
    if len(accounts) > 1:
        return failed(
            name, "Several accounts have the name: Kerberos takes neither.", expected=wanted, observed=say,
            fix=f"Take it from {safe(others[0], limit=100)} (setspn -D, samba-tool spn delete).",
            reference=REFERENCE,
        )  # fmt: skip
    if others:
        return failed(
            name, "Another account has the name.", expected=wanted, observed=say, reference=REFERENCE,
            fix=f"Take it from {safe(others[0], limit=100)} and give it to {wanted}: setspn -D and -S, or "
            "samba-tool spn delete and add.",
        )  # fmt: skip
    if not accounts:
        return failed(
            name, "No account of the domain has the name.", expected=wanted, observed=say,
            fix=f"Give it to {wanted}: setspn -S, or samba-tool spn add.", reference=REFERENCE,
        )  # fmt: skip
    return passed(name, "The planned account has the name, and no other.", expected=wanted, observed=say)


async def _accounts(host: Remote, database: str, as_user: str) -> dict[str, frozenset[str]]:
    """Return the accounts with their names in lower case."""
    if (await host.facts()).dialect == "powershell":
        answer = await ask(host, WINDOWS(timeout_s=50.0), "Active Directory")
        rows = [(word(row.get("account")), texts(row.get("names"))) for row in many(answer.get("accounts"))]
        return {account: frozenset(map(str.lower, names)) for account, names in rows if account}
    output = require(await host.run(SAMBA(database, timeout_s=50.0, as_user=as_user)), host)
    text = output.decode(errors="replace")
    if text.rstrip().rpartition("\n")[2] != END:
        raise CannotTell(
            f"What ldbsearch said on {host.name} is not whole.", "Run it by hand there, as root."
        )
    found: dict[str, frozenset[str]] = {}
    for entry in entries(text):
        for account in entry.get("samaccountname", ())[:1]:
            found[account] = frozenset(map(str.lower, entry.get("serviceprincipalname", ())))
    return found
