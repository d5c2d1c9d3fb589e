from __future__ import annotations

import asyncio
import json
import ssl
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import jsonable
from checks.m365._identity import Drift, realm_of, tenant_of
from checks.m365.tenant import Tenant, TenantSeen
from checks.vantage import Shared, Vantage
from checks.wire.http import Exchange, Phases
from checks.words import Status, worst
from tests.beside import DATA
from tests.checks import hostile, pki
from tests.checks.wire.dns_servers import free_port
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import TENANT, microsoft

DOMAIN = "office.example"
OTHER = "7a0c5e1c-0000-4000-8000-00000000000f"
SAMPLES = DATA / "m365" / "identity"


def look(url: str, ca: str | None = None, **more):
    more.setdefault("tenant_id", TENANT)
    check = Tenant(domain=DOMAIN, login_url=url, ca_file=ca, **more)
    seen = asyncio.run(check.observe(Vantage(Shared(), allowance=8)))
    assert jsonable.from_json(TenantSeen, jsonable.to_json(seen)) == seen
    findings = list(check.judge(seen))
    hostile.assert_harmless(findings)
    assert all(finding.fix for finding in findings if finding.status is not Status.PASS)
    return worst(finding.status for finding in findings), findings


def texts(findings, status=Status.FAIL) -> str:
    return " ".join(finding.message for finding in findings if finding.status is status)


@pytest.fixture
def cloud():
    with microsoft() as made:
        made.add_domain(DOMAIN)
        yield made


def test_the_planned_tenant(cloud):
    status, findings = look(cloud.url, realm="managed")
    assert status == "pass", findings
    assert look(cloud.url, tenant_id=TENANT.upper())[0] == "pass"
    assert cloud.asked("getuserrealm.srf?login=user%40office.example&json=1") == 2


def test_another_tenant_is_named_beside_ours(cloud):
    cloud.tenants[DOMAIN] = OTHER
    status, findings = look(cloud.url)
    assert status == "fail"
    (wrong,) = (finding for finding in findings if finding.status is Status.FAIL)
    assert OTHER in wrong.observed
    assert OTHER in wrong.fix
    assert TENANT in wrong.expected
    assert TENANT in wrong.fix


def test_no_tenant(cloud):
    cloud.tenants.clear()
    status, findings = look(cloud.url)
    assert status == "fail"
    assert "No tenant of this cloud" in texts(findings)
    assert "does not know the domain" in texts(findings)


def test_the_wrong_kind_of_sign_in(cloud):
    status, findings = look(cloud.url, realm="federated")
    assert status == "fail"
    assert "it is managed" in texts(findings)


def test_another_cloud_is_a_warning(cloud):
    cloud.realms[DOMAIN] = replies.realm(DOMAIN) | {"CloudInstanceName": "microsoftonline.us"}
    assert look(cloud.url)[0] == "warn"


@pytest.fixture
def sign_in(tmp_path):
    """A federation server by TLS; yields how to make one, and the authority's file."""
    root = pki.make("Lab Root", authority=True, end=3650)
    (tmp_path / "root.pem").write_bytes(pki.pem(root.certificate))

    def made(**how) -> ssl.SSLContext:
        how.setdefault("names", pki.HEALTHY)
        return pki.make("127.0.0.1", by=how.pop("by", root), **how).server(tmp_path)

    return made, str(tmp_path / "root.pem")


def test_a_federated_domain_whose_server_works(cloud, sign_in):
    made, ca = sign_in

    async def go(context):
        async with hostile.serve(hostile.silence, tls=context) as port:
            cloud.realms[DOMAIN] = replies.realm(DOMAIN, auth_url=f"https://127.0.0.1:{port}/adfs/ls/")
            return await asyncio.to_thread(look, cloud.url, ca, realm="federated")

    assert asyncio.run(go(made()))[0] == "pass"
    status, findings = asyncio.run(go(made(end=-3)))
    assert status == "fail"
    assert "expired" in texts(findings)
    assert asyncio.run(go(made(names=("elsewhere.example",))))[0] == "fail"
    assert asyncio.run(go(made(by=None)))[0] == "fail"


def test_a_federated_domain_whose_server_is_dead(cloud):
    cloud.realms[DOMAIN] = replies.realm(DOMAIN, auth_url=f"https://127.0.0.1:{free_port()}/adfs")
    assert look(cloud.url, realm="federated")[0] == "fail"


@pytest.mark.parametrize(
    "url", ["", "http://127.0.0.1/adfs", "javascript:x", "https://" + "a" * 3000, 7, None]
)
def test_a_federated_domain_without_a_usable_server(cloud, url):
    cloud.realms[DOMAIN] = replies.realm(DOMAIN, auth_url="https://x.example") | {"AuthURL": url}
    assert look(cloud.url, realm="federated")[0] == "inconclusive"


@pytest.mark.parametrize("part", ["openid-configuration", "getuserrealm"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda cloud, part: cloud.portal(part),
        lambda cloud, part: cloud.fail(part, 503),
        lambda cloud, part: cloud.fail(part, 429),
        lambda cloud, part: cloud.fail(part, 404),
        lambda cloud, part: cloud.fail(part, 400),
        lambda cloud, part: cloud.fail(part, 302),
        lambda cloud, part: cloud.drift(part, {}),
        lambda cloud, part: cloud.drift(part, []),
        lambda cloud, part: cloud.drift(part, None),
        lambda cloud, part: cloud.drift(part, b""),
        lambda cloud, part: cloud.drift(part, b"[" * 60000),
        lambda cloud, part: cloud.drift(part, b'{"issuer": "' + b"x" * 200_000),
        lambda cloud, part: cloud.drift(part, {"NameSpaceType": "Managed", "DomainName": "other.example"}),
        lambda cloud, part: cloud.drift(part, {"NameSpaceType": "Something"}),
        lambda cloud, part: cloud.drift(part, replies.openid("https://x", "common", v2=True)),
        lambda cloud, part: cloud.drift(
            part,
            replies.openid("https://x", TENANT, v2=True) | {"token_endpoint": f"https://x/{OTHER}/token"},
        ),
        lambda cloud, part: cloud.slow(30, part),
    ],
)
def test_an_answer_of_another_shape_proves_nothing(cloud, part, spoil):
    spoil(cloud, part)
    status, findings = look(cloud.url, realm="managed")
    assert status == "inconclusive", findings
    assert not texts(findings)


def test_nobody_answers():
    assert look(f"http://127.0.0.1:{free_port()}")[0] == "inconclusive"


def test_an_inspecting_proxy_is_no_answer(sign_in):
    made, ca = sign_in
    stranger = pki.make("FortiGate CA", authority=True, organisation="Fortinet", end=3650)
    with microsoft(tls=made(by=stranger)) as cloud:
        cloud.add_domain(DOMAIN)
        status, findings = look(cloud.url, ca)
    assert status == "inconclusive"
    assert "exempt" in " ".join(finding.fix for finding in findings)
    with microsoft(tls=made()) as cloud:
        cloud.add_domain(DOMAIN)
        assert look(cloud.url, ca)[0] == "pass"


def answer(body: bytes, status: int = 200) -> Exchange:
    return Exchange(
        url="https://x", method="GET", phases=Phases(), status=status, body=body, body_bytes=len(body),
        complete=True,
    )  # fmt: skip


def test_plain_http_to_somewhere_else_is_no_pass():
    good = json.dumps(replies.openid("https://login.microsoftonline.com", TENANT, v2=False)).encode()
    realm = json.dumps(replies.realm(DOMAIN)).encode()
    seen = TenantSeen(openid=answer(good), realm=answer(realm), now=datetime(2026, 11, 23, tzinfo=UTC))
    found = Tenant(domain=DOMAIN, tenant_id=TENANT, login_url="http://192.0.2.1").judge(seen)
    assert worst(finding.status for finding in found) == "warn"
    found = Tenant(domain=DOMAIN, tenant_id=TENANT).judge(seen)
    assert worst(finding.status for finding in found) == "pass"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="The sample data is not there.")
def test_the_samples():
    found = answer((SAMPLES / "openid_configuration_v1.json").read_bytes())
    assert tenant_of(found) == "d746115c-c020-4bdd-a0b4-e03487e1cbc6"
    none = (SAMPLES / "openid_configuration_unknown_tenant_400.CONSTRUCTED.json").read_bytes()
    assert tenant_of(answer(none, 400)) is None
    with pytest.raises(Drift):
        tenant_of(answer(none, 200))
    managed = answer((SAMPLES / "getuserrealm_managed.json").read_bytes())
    assert realm_of(managed, "example.com").realm == "managed"
    with pytest.raises(Drift):
        realm_of(managed, "office.example")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    ["issuer", "token_endpoint", "error_codes", "error_description", "NameSpaceType", "DomainName", "AuthURL",
     "CloudInstanceName"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.dictionaries(_KEYS, _JSON, max_size=6).map(lambda made: json.dumps(made).encode()),
    st.sampled_from([200, 400, 500]),
)
def test_any_answer_is_read_or_told_to_be_strange(body, status):
    for read in (tenant_of, lambda found: realm_of(found, DOMAIN)):
        try:
            read(answer(body, status))
        except Drift:
            pass


@pytest.mark.parametrize(
    "more", [{"tenant_id": ""}, {"tenant_id": "contoso.onmicrosoft.com"}, {"tenant_id": TENANT + "0"}]
)
def test_a_tenant_is_a_guid(more):
    with pytest.raises(ValueError, match="GUID"):
        Tenant(domain=DOMAIN, **more)
