"""server.spn against a real Samba directory, made for the test, and against answers that are not whole."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.server import spn as module
from checks.server._ldif import entries
from checks.server.spn import PlannedSpn, Spn
from checks.vantage import CannotTell, Shared, Vantage
from checks.words import worst
from tests.lab import need
from tests.local_remote import LocalRemote
from tests.scripted_remote import ScriptedRemote

LOGIN = {"host": "dc.example.com", "user": "root"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A domain with two service accounts; its SYSVOL is not made, since not every file system can hold it."""
    need("samba-tool", "ldbsearch")
    folder = tmp_path_factory.mktemp("domain")
    subprocess.run(
        ["samba-tool", "domain", "provision", f"--targetdir={folder}", "--realm=CORP.TEST", "--domain=CORP",
         "--server-role=dc", "--adminpass=Only4Tests!", "--host-name=dc1", "--host-ip=127.0.0.1",
         "--dns-backend=SAMBA_INTERNAL"],
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    found = folder / "private" / "sam.ldb"

    def tool(*words: str) -> None:
        subprocess.run(["samba-tool", *words, "-H", str(found)], check=True, capture_output=True, timeout=60)

    for account in ("svc-old", "svc-new"):
        tool("user", "create", account, "Only4Tests!")
    tool("spn", "add", "MSSQLSvc/sql.corp.test:1433", "svc-new")
    tool("spn", "add", "HTTP/app.corp.test", "svc-old")
    return found


def judged(host, *planned: tuple[str, str], database: str = "/nowhere") -> tuple[str, str]:
    check = Spn(
        **LOGIN,
        spns=tuple(PlannedSpn(name=name, account=account) for name, account in planned),
        database=database,
    )
    with pytest.MonkeyPatch.context() as patch:

        async def there(*_):
            return host

        patch.setattr(module, "remote", there)
        try:
            seen = asyncio.run(check.observe(Vantage(Shared(), allowance=60)))
        except CannotTell as trouble:
            return "inconclusive", trouble.reason
    findings = list(check.judge(seen))
    return str(worst(item.status for item in findings)), " ".join(
        f"{f.message} {f.observed}" for f in findings
    )


@pytest.mark.lab
@pytest.mark.xdist_group("samba-directory")
@pytest.mark.parametrize(
    ("name", "account", "status", "words"),
    [
        ("MSSQLSvc/sql.corp.test:1433", "svc-new", "pass", "svc-new"),
        ("mssqlsvc/SQL.corp.test:1433", "SVC-NEW", "pass", "svc-new"),
        ("MSSQLSvc/sql.corp.test", "svc-new", "fail", "No account"),
        ("HTTP/app.corp.test", "svc-new", "fail", "svc-old"),
        ("HOST/dc1.corp.test", "DC1$", "pass", "DC1$"),
    ],
    ids=["planned", "case", "without-port", "another", "computer"],
)
def test_names_of_a_real_directory(directory: Path, name: str, account: str, status: str, words: str) -> None:
    said, told = judged(LocalRemote(), (name, account), database=str(directory))
    assert said == status, told
    assert words in told


@pytest.mark.lab
def test_a_directory_that_is_not_there() -> None:
    need("ldbsearch")
    said, told = judged(LocalRemote(), ("HTTP/app", "x"), database="/nowhere/sam.ldb")
    assert said == "inconclusive", told


WHOLE = f"dn: CN=a\nsAMAccountName: a\nservicePrincipalName: HTTP/app\n\n{module.END}\n"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (WHOLE, "pass"),
        (WHOLE.replace("CN=a\nsAMAccountName: a", "CN=b\nsAMAccountName: b") + WHOLE, "fail"),
        (WHOLE.replace(module.END, ""), "inconclusive"),
        (f"# 0 entries\n\n{module.END}\n", "inconclusive"),
        ("", "inconclusive"),
        ((3, "no such file"), "inconclusive"),
        ((127, ""), "inconclusive"),
        (WHOLE.replace("HTTP/app", "HTTP/\n  app"), "fail"),
        (WHOLE.replace(": HTTP/app", f":: {base64.b64encode(b'HTTP/app').decode()}"), "pass"),
    ],
    ids=["whole", "twice", "cut", "none", "silent", "failed", "absent", "folded-otherwise", "base64"],
)
def test_answers(answer, status: str) -> None:
    said, told = judged(ScriptedRemote(lambda _: answer), ("HTTP/app", "a"))
    assert said == status, told


@pytest.mark.parametrize(
    ("accounts", "status"),
    [
        ([{"account": "a", "names": ["HTTP/app"]}], "pass"),
        ({"account": "a", "names": "HTTP/app"}, "pass"),
        ([{"account": "a", "names": ["HTTP/app"]}, {"account": "b", "names": ["http/APP"]}], "fail"),
        ([], "inconclusive"),
        (None, "inconclusive"),
    ],
    ids=["one", "unwrapped", "twice", "none", "null"],
)
def test_windows_as_it_is_documented(accounts, status: str) -> None:
    said = json.dumps({"accounts": accounts, "elevated": True, "end": "end"})
    got, told = judged(ScriptedRemote(lambda _: said, dialect="powershell"), ("HTTP/app", "a"))
    assert got == status, told


@pytest.mark.parametrize(
    "spns",
    [
        [], [{"name": "http", "account": "x"}],
        [{"name": "A/b", "account": "x"}, {"name": "a/B", "account": "y"}],
    ],
    ids=["none", "no-host", "twice"],
)  # fmt: skip
def test_what_asserts_nothing_is_refused(spns) -> None:
    from pydantic import TypeAdapter, ValidationError

    with pytest.raises(ValidationError):
        TypeAdapter(Spn).validate_json(json.dumps({**LOGIN, "spns": spns}))


@given(st.text(alphabet="dn: a\n#:=/ ", max_size=300))
def test_no_ldif_breaks_the_reader(text: str) -> None:
    assert all("dn" in entry for entry in entries(text))
