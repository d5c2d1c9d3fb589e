"""m365.export: what PowerShell writes is read in all its forms, and nothing else is."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.m365 import _export
from checks.m365.export import Connector, Export, ExportSeen
from checks.wire.graph_json import Drift
from checks.words import Status
from tests.beside import DATA
from tests.checks.m365.graph_run import judged, run, said

DKIM = {
    "Domain": "example.com", "Enabled": True, "Status": "Valid", "Selector1KeySize": 2048,
    "Selector1CNAME": "selector1-example-com._domainkey.example.onmicrosoft.com", "Name": "example.com",
    "LastChecked": "/Date(1653603718610)/", "WhenChanged": "2026-01-02T03:04:05.1234567Z",
}  # fmt: skip
ACCEPTED = {"DomainName": "example.com", "DomainType": "InternalRelay", "Name": "example.com"}
CONNECTOR = {"Name": "From old system", "ConnectorType": "OnPremises", "Enabled": True}
BATCH = {
    "Identity": {"Name": "wave 1"},
    "Status": "Synced",
    "BatchGuid": "x",
    "MigrationType": "ExchangeRemoteMove",
}
ALL = [DKIM, ACCEPTED, CONNECTOR, BATCH]


def written(folder, value, encoding="utf-8", age_s=60.0):
    path = folder / "export.json"
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value, indent=1).encode(encoding))
    at = time.time() - age_s
    os.utime(path, (at, at))
    return str(path)


EXPECTED = {
    "dkim": {"example.com": "enabled"},
    "accepted_domains": {"example.com": "InternalRelay"},
    "connectors": (Connector(name="from old system"),),
    "batches": {"wave 1": "Synced"},
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_an_export_in_every_encoding(tmp_path, encoding):
    status, findings, seen = run(Export(file=written(tmp_path, ALL, encoding), **EXPECTED))
    assert status is Status.PASS, findings
    assert len(seen.items) == 4


@pytest.mark.parametrize(
    "value", [DKIM, [DKIM], {"value": [DKIM]}, {"dkim_config": [DKIM], "x": None}, [[DKIM], None]]
)
def test_one_object_and_a_list_are_both_read(tmp_path, value):
    check = Export(file=written(tmp_path, value), dkim={"EXAMPLE.com": "enabled"})
    assert run(check)[0] is Status.PASS


@pytest.mark.parametrize(
    ("change", "expected", "status"),
    [
        ({}, {}, Status.PASS),
        ({"Enabled": False}, {}, Status.FAIL),
        ({"Enabled": False}, {"dkim": {"example.com": "disabled"}}, Status.PASS),
        ({}, {"dkim": {"example.com": "disabled"}}, Status.FAIL),
        ({"Status": "CnameMissing"}, {}, Status.FAIL),
        ({"Status": 1}, {}, Status.INCONCLUSIVE),
        ({"Status": {"Value": "Valid"}}, {}, Status.PASS),
        ({"Enabled": "True"}, {}, Status.PASS),
        ({"Enabled": 1}, {}, Status.INCONCLUSIVE),
        ({"Enabled": None}, {}, Status.INCONCLUSIVE),
        ({"Status": None}, {}, Status.INCONCLUSIVE),
        ({"Domain": "other.example"}, {}, Status.FAIL),
        ({"Domain": {"Domain": "example.com"}}, {}, Status.PASS),
        ({"Domain": 5}, {}, Status.INCONCLUSIVE),
    ],
)  # fmt: skip
def test_dkim(tmp_path, change, expected, status):
    expected = expected or {"dkim": {"example.com": "enabled"}}
    found, findings, _ = run(Export(file=written(tmp_path, [DKIM | change]), **expected))
    assert found is status, findings


@pytest.mark.parametrize(
    ("value", "expected", "status"),
    [
        (ACCEPTED, {"accepted_domains": {"example.com": "Authoritative"}}, Status.FAIL),
        (
            ACCEPTED | {"DomainType": "Authoritative"},
            {"accepted_domains": {"example.com": "Authoritative"}},
            Status.PASS,
        ),
        (
            ACCEPTED | {"DomainType": 0},
            {"accepted_domains": {"example.com": "Authoritative"}},
            Status.INCONCLUSIVE,
        ),
        (ACCEPTED, {"accepted_domains": {"other.example": "Authoritative"}}, Status.FAIL),
        (ACCEPTED, {"dkim": {"example.com": "enabled"}}, Status.INCONCLUSIVE),
        (CONNECTOR | {"Enabled": False}, {"connectors": (Connector(name="From old system"),)}, Status.FAIL),
        (CONNECTOR, {"connectors": (Connector(name="From old system", enabled=False),)}, Status.FAIL),
        (CONNECTOR, {"connectors": (Connector(name="Another"),)}, Status.FAIL),
        (
            [CONNECTOR, CONNECTOR | {"Enabled": False}],
            {"connectors": (Connector(name="From old system"),)},
            Status.FAIL,
        ),
        (BATCH, {"batches": {"wave 1": "completed"}}, Status.FAIL),
        (BATCH, {"batches": {"wave 2": "Synced"}}, Status.FAIL),
        (BATCH | {"Status": 7}, {"batches": {"wave 1": "Synced"}}, Status.INCONCLUSIVE),
        (BATCH | {"Status": "SyncedWithErrors"}, {"batches": {"wave 1": "Synced"}}, Status.FAIL),
    ],
)
def test_the_others(tmp_path, value, expected, status):
    found, findings, _ = run(Export(file=written(tmp_path, value), **expected))
    assert found is status, findings


@pytest.mark.parametrize("age_s", [2 * 86400.0, -3600.0])
def test_a_file_that_is_too_old_or_of_the_future_proves_nothing(tmp_path, age_s):
    status, findings, _ = run(Export(file=written(tmp_path, ALL, age_s=age_s), **EXPECTED))
    assert (status, len(findings)) == (Status.INCONCLUSIVE, 1)
    assert "Get-DkimSigningConfig" in said(findings)


def test_a_file_older_than_what_is_in_it_proves_nothing(tmp_path):
    later = DKIM | {"WhenChanged": (datetime.now(UTC) + timedelta(days=3)).isoformat()}
    check = Export(file=written(tmp_path, [later]), dkim={"example.com": "enabled"})
    status, findings, _ = run(check)
    assert (status, "does not fit" in said(findings)) == (Status.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf",
        b"Domain,Enabled\nx,True",
        b'{"Domain": "example.com"}',
        b'<Objs Version="1.1"/>',
        b"\x00" * 100,
        b'[{"a": {"b": {"c": {"d": {}}}}}]',
    ],
)
def test_what_is_no_export_is_not_read(tmp_path, data):
    assert run(Export(file=written(tmp_path, data), **EXPECTED))[0] is Status.INCONCLUSIVE


def test_missing_unreadable_and_huge_files(tmp_path, monkeypatch):
    assert run(Export(file=str(tmp_path / "none.json"), **EXPECTED))[0] is Status.INCONCLUSIVE
    assert run(Export(file=str(tmp_path), **EXPECTED))[0] is Status.INCONCLUSIVE
    os.mkfifo(tmp_path / "pipe")
    assert run(Export(file=str(tmp_path / "pipe"), **EXPECTED))[0] is Status.INCONCLUSIVE
    monkeypatch.setattr(_export, "MAX_BYTES", 100)
    status, findings, _ = run(Export(file=written(tmp_path, ALL), **EXPECTED))
    assert (status, "larger" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_too_many_objects_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(_export, "MAX_OBJECTS", 10)
    assert run(Export(file=written(tmp_path, [DKIM] * 11), **EXPECTED))[0] is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"dkim": {}},
        {"connectors": (Connector(name=" "),)},
        {"batches": {"wave": ""}},
        {"connectors": (Connector(name="a"), Connector(name="A"))},
        {"file": " ", "dkim": {"a.example": "enabled"}},
    ],
)
def test_what_asserts_nothing_is_refused(more):
    with pytest.raises(ValueError):
        Export(**({"file": "x.json"} | more))


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("/Date(1653603718610)/", "2022-05-26"), ("/Date(1653603718610+0200)/", "2022-05-26"),
        ("2026-11-22T10:00:00Z", "2026-11-22"), ("2026-11-22T10:00:00", None),
        ({"value": "/Date(0)/", "DateTime": "x"}, "1970-01-01"), ("/Date(99999999999999999)/", None),
        ("/Date(999999999999999)/", None), ("soon", None), (5, None), (None, None), ("2026-99-99", None),
    ],
)  # fmt: skip
def test_times(value, day):
    found = _export.when(value)
    assert (found.date().isoformat() if found else None) == day


SAMPLE = DATA / "m365" / "scubagear" / "provider_export_subset.json"


@pytest.mark.skipif(not SAMPLE.exists(), reason="The sample data is not here.")
def test_a_recorded_export_is_read(tmp_path):
    """Its connectors include a null, and it is one object of many lists."""
    check = Export(
        file=written(tmp_path, SAMPLE.read_bytes()),
        dkim={"tqhjy.onmicrosoft.com": "enabled"},
        accepted_domains={"tqhjy.onmicrosoft.com": "Authoritative"},
        connectors=(Connector(name="inbound connector test 1"),),
    )
    status, findings, _ = run(check)
    assert status is Status.PASS, findings
    moved = Export(file=check.file, dkim={"example.com": "enabled"})
    assert run(moved)[0] is Status.FAIL


LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
KEY = st.sampled_from(
    [
        "Domain",
        "Enabled",
        "Status",
        "Selector1CNAME",
        "DomainName",
        "DomainType",
        "ConnectorType",
        "BatchGuid",
        "Name",
        "Identity",
        "WhenChanged",
        "LastChecked",
        "value",
        "MigrationType",
    ]
)
EXPORT = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=8)
)


@settings(max_examples=400, deadline=None)
@given(EXPORT)
def test_any_json_is_read_or_drift(value):
    try:
        items = tuple(_export.read(item) for item in _export.objects(value))
    except Drift:
        return
    now = datetime.now(UTC)
    seen = ExportSeen(items=items, changed=now, now=now)
    status, _ = judged(Export(file="x.json", **EXPECTED), seen)
    assert status is not Status.PASS


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_drift(data):
    try:
        _export.objects(_export.parse(data))
    except Drift:
        pass


def test_the_export_of_the_old_tenant_proves_nothing(tmp_path):
    """It may hold the same domain, signed and authoritative there."""
    path = written(tmp_path, ALL)
    assert run(Export(file=path, tenant="example.onmicrosoft.com", **EXPECTED))[0] is Status.PASS
    status, findings, _ = run(Export(file=path, tenant="planned.onmicrosoft.com", **EXPECTED))
    assert (status, len(findings)) == (Status.INCONCLUSIVE, 1)
    assert "example.onmicrosoft.com" in findings[0].observed
    with pytest.raises(ValueError, match="initial domain"):
        Export(file=path, tenant="example.com", **EXPECTED)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("selector1-x._domainkey.Contoso.onmicrosoft.com.", ("contoso.onmicrosoft.com",)),
        ("contoso.onmicrosoft.com/Configuration/x", ("contoso.onmicrosoft.com",)),
        ("contoso.onmicrosoft.com.evil.example", ()),
        ("contoso.onmicrosoft.community", ()),
        ("-.onmicrosoft.com", ()),
    ],
)
def test_which_tenants_an_export_names(text, found):
    assert _export.tenants_of([{"a": [{"b": text}]}]) == found
