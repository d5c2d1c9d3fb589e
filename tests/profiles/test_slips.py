"""What people write wrong under `with` is told once, there, in their own file, and how it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.files.load import Problems, load_plan
from profiles import kinds
from tests.profiles.test_m365_cutover import LEAST, RECORDS

RIGHT = LEAST + RECORDS


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "p.yaml"
    path.write_text(text)
    with pytest.raises(Problems) as caught:
        load_plan(path, cached=False)
    return [str(problem) for problem in caught.value.problems]


def changed(name: str, value: str) -> str:
    """Return the project with another value of a parameter."""
    line = f"  {name}: {value}\n"
    text, count = re.subn(rf"(?m)^  {name}:.*\n(?:    .*\n)*", lambda _: line, RIGHT)
    return text if count else text + line


@pytest.mark.parametrize(
    ("name", "value", "at", "says"),
    [
        ("domain", "https://contoso.com/", "with.domain", "the name alone"),
        ("domain", "info@contoso.com", "with.domain", "behind the @"),
        ("tenant_id", '"{72f988bf-86f1-41af-91ab-2d7cd011db47}"', "with.tenant_id", "GUID like"),
        ("tenant_id", "contoso.onmicrosoft.com", "with.tenant_id", "GUID like"),
        ("new_mx", '"0 contoso-com.mail.protection.outlook.com"', "with.new_mx", "a preference"),
        ("new_mx_preference", '"zero"', "with.new_mx_preference", "whole number"),
        ("old_mx", "mx1.hoster.example", "with.old_mx", "list of domains"),
        ("old_senders", "[{mail_from: info@contoso.com}]", "with.old_senders[0]", "'ip'"),
        ("old_senders", "[192.0.2.25]", "with.old_senders[0]", "mapping with ip"),
        ("dkim", "{selector1: a.example}", "with.dkim", "'selector2'"),
        ("ttl", '"300"', "with.ttl", "5m"),
        ("old_ttl", "1 hour", "with.old_ttl", "2h"),
        ("resolvers", '["192.0.2.53:domain"]', "with.resolvers[0]", "whole number from 1 to 65535"),
        ("smtp_control", "mx.example.net:smtp", "with.smtp_control", "whole number from 1 to 65535"),
        ("smtp_control", '"mx.example.net 25"', "with.smtp_control", "a port"),
        ("recipients", "[probe@contoso.com]", "with.recipients[0]", "mapping with address"),
        ("cloud", "gcc", "with.cloud", "'gcc-high'"),
        ("realm", "Managed", "with.realm", "did you mean 'managed'"),
        ("dmarc_at_most", "p=none", "with.dmarc_at_most", "did you mean 'none'"),
        ("graph_secret", "Passw0rd", "with.graph_secret", "env:NAME"),
        ("services", "[exchange]", "with.services", "'mail'"),
        ("low_ttl", "[{name: contoso.com, rdtype: mx}]", "with.low_ttl", "'MX'"),
        ("hybrid", "yes", "with.hybrid", "true or false"),
        ("mailboxes", "[probe]", "with.mailboxes", "pilot@example.com"),
        ("service_records", "[{type: SRV, name: _a.contoso.com, value: b.example}]", "with.service_records",
         "100 1 5061"),
        ("owner_dns", "Swisscom", "vendors.Swisscom", "no such vendor or contact"),
    ],
)  # fmt: skip
def test_a_slip_is_told_once_and_where_it_can_be_mended(
    tmp_path: Path, name: str, value: str, at: str, says: str
) -> None:
    (told,) = problems(tmp_path, changed(name, value))
    head = told.splitlines()[0]
    assert head.startswith(f"{tmp_path / 'p.yaml'}:"), head
    assert re.search(rf": {re.escape(at)}[^: ]*: ", head), head
    assert says in head


def test_what_is_missing_is_told_by_the_parameter_that_would_give_it(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, LEAST)
    assert ": with.service_records: " in told
    assert "p.yaml:" in told.splitlines()[0]


def test_a_bare_number_is_seconds_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(changed("ttl", "600"))
    plan = load_plan(path, cached=False)
    assert plan.project.cutover is not None
    due = next(item.due for item in plan.milestones if item.id == "propagated")
    assert due is not None
    assert (due - plan.project.cutover).total_seconds() == 600


def test_a_key_with_a_question_mark_may_be_left_out() -> None:
    kind: kinds.Kind = [{"name": "text", "port?": "port", "more?": ["any"]}]
    assert kinds.check_kind(kind) == []
    assert kinds.convert(kind, [{"name": "a"}]) == ([{"name": "a", "port": None, "more": None}], [])
    assert kinds.convert(kind, [{"name": "a", "more": [{"x": [1]}]}])[0][0]["more"] == [{"x": [1]}]
    _, wrong = kinds.convert(kind, [{"port": 0, "name?": "a"}])
    assert [path for path, _, _ in wrong] == [(0, "name?"), (0,), (0, "port")]
    assert kinds.check_kind({"name": "text", "name?": "text"})
