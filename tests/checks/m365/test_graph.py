"""The way to Graph: what fails on it is never read as data, and no secret comes back."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.m365.licences import Licences
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire import graph_json
from checks.wire.graph import pages
from checks.wire.graph_access import Access, Call, hidden, origin
from checks.wire.graph_json import Drift
from checks.wire.graph_trouble import wait_s
from checks.words import Status
from tests.checks import hostile, pki
from tests.checks.m365.graph_run import access, run, said
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import CLIENT, SECRET, TENANT, microsoft

TOKEN = "/oauth2/v2.0/token"
SKUS = "/v1.0/subscribedSkus"


@pytest.fixture
def cloud():
    with microsoft() as found:
        found.skus = [replies.sku("SPE_E3", 30, 3), replies.sku("SPE_E5", 5, 5)]
        yield found


def licences(cloud, **more) -> Licences:
    return Licences(need={"SPE_E3": 25}, **access(cloud, **more))


def test_a_healthy_tenant_passes(cloud):
    status, findings, seen = run(licences(cloud))
    assert status is Status.PASS, findings
    assert len(seen.skus) == 2


def inconclusive(check, *words, **more):
    status, findings, _ = run(check, **more)
    assert status is Status.INCONCLUSIVE, findings
    for word in words:
        assert word in said(findings), said(findings)
    return findings


@pytest.mark.parametrize("path", ["", SKUS, TOKEN, "openid-configuration"])
@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 500])
def test_a_web_page_is_no_answer(cloud, path, status):
    """A proxy's page must be neither an empty list nor a missing permission nor a missing tenant."""
    cloud.fault(
        lambda _: web.Response(text="<html>log in</html>", status=status, content_type="text/html"),
        path=path,
        times=20,
    )
    inconclusive(licences(cloud), allowance=3.0)


@pytest.mark.parametrize(
    "body",
    [
        [], {}, {"value": None}, {"value": {}}, {"value": [1]}, {"value": "x"}, 7, "x", None,
        {"value": [{"skuPartNumber": "SPE_E3"}]},
        {"value": [replies.sku("SPE_E3", 30, 3) | {"consumedUnits": True}]},
        {"value": [replies.sku("SPE_E3", 30, 3) | {"consumedUnits": -1}]},
        {"value": [replies.sku("SPE_E3", 30, 3) | {"prepaidUnits": [1]}]},
        {"value": [], "error": {"code": "x", "message": "y"}},
        b"", b"{", b"[" * 100_000, b'{"value": [NaN]}', b"\xff\xfe{}", b'{"value": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_another_shape_is_never_read(cloud, body):
    cloud.drift(SKUS, body)
    inconclusive(licences(cloud))


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[]", b"null", b'"x"', b'{"access_token": 5}', b'{"access_token": ""}',
        b'{"access_token": "a b"}', b'{"access_token": "a\\r\\nX-Evil: 1"}', b'{"error": {"a": 1}}',
        b'{"access_token": {"a": 1}, "expires_in": "x"}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_login_of_another_shape_gives_no_token(cloud, body):
    cloud.drift(TOKEN, body)
    inconclusive(licences(cloud))
    assert cloud.asked(SKUS) == 0


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"token_endpoint": 5}', b'{"authorization_endpoint": ""}'])
def test_a_directory_of_another_shape_gives_no_token(cloud, body):
    cloud.drift("openid-configuration", body)
    inconclusive(licences(cloud))
    assert cloud.asked(TOKEN) == 0


def test_the_secret_goes_to_no_other_host(cloud):
    with microsoft() as thief:
        for url in (thief.url, thief.url.replace("http:", "https:")):
            cloud.drift("openid-configuration", replies.openid(url, TENANT, v2=True))
            inconclusive(licences(cloud))
            cloud.clear()
        cloud.drift("openid-configuration", replies.openid("https://evil.example", TENANT, v2=True))
        inconclusive(licences(cloud), "another host")
        assert thief.requests == []


def test_a_wrong_secret_says_what_to_do_and_is_not_tried_again(cloud):
    shared = Shared(resolve_secret=lambda _: "wrong secret that nobody has")

    async def twice():
        for _ in range(2):
            vantage = Vantage(shared, "check", 5.0)
            with pytest.raises(CannotTell) as told:
                await licences(cloud).observe(vantage)
            assert "secret is wrong" in told.value.reason
            assert "not its ID" in told.value.fix
            assert "wrong secret that" not in told.value.reason
        await shared.close()

    asyncio.run(twice())
    assert cloud.asked(TOKEN) == 1


def test_an_expired_secret_says_so(cloud):
    cloud.secret_expired = True
    inconclusive(licences(cloud), "expired", "new client secret")


def test_an_application_of_another_tenant_says_so(cloud):
    inconclusive(licences(cloud, client_id=CLIENT.replace("0b", "0c")), "not registered")


def test_a_tenant_that_is_not_there_says_so(cloud):
    inconclusive(licences(cloud, tenant_id=TENANT.replace("5a", "5b")), "no tenant", "tenant_id")


def test_an_empty_secret_asks_nobody(cloud):
    inconclusive(licences(cloud), "empty", secret=" ")
    assert cloud.requests == []


@pytest.mark.parametrize("where", [TOKEN, SKUS, "openid-configuration"])
def test_a_service_that_repeats_the_secret_does_not_get_it_into_the_evidence(cloud, where):
    def echo(request):
        token = request.headers.get("Authorization", "")
        words = f"AADSTS7000215: you sent {SECRET} and {token} " + "x" * 100
        body = {"error": "invalid_client", "error_description": words}
        if where == SKUS:
            body = replies.error(f"code {SECRET}", words)
        return web.json_response(body, status=401)

    cloud.fault(echo, path=where)
    inconclusive(licences(cloud))


def test_a_secret_repeated_in_data_or_in_an_address_is_taken_out(cloud):
    def echo(request):
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return web.json_response({"value": [replies.sku(f"SPE_E3 {SECRET} {token}", 30, 3)]})

    fault = cloud.fault(echo, path=SKUS)
    status, findings, _ = run(licences(cloud))
    assert status is Status.FAIL
    assert "[secret]" in said(findings)
    cloud.faults.remove(fault)
    cloud.fault(
        lambda request: web.Response(
            status=302, headers={"Location": "https://x.example/" + request.headers["Authorization"]}
        ),
        path=SKUS,
    )
    inconclusive(licences(cloud), "redirects", "[secret]")


def test_hidden_knows_the_forms_of_a_secret():
    secret = 'a"b/c d+e&ü'
    for form in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
        assert b"/c" not in hidden(form.encode(), secret)
    assert hidden(b"abc", "b") == b"abc"


@pytest.mark.parametrize("tenth", [1, 7, 100])
def test_pages_are_followed_to_the_last(cloud, tenth):
    cloud.page_size = tenth
    cloud.skus = [replies.sku(f"OTHER_{number}", 1, 1) for number in range(25)] + cloud.skus
    status, _, seen = run(licences(cloud))
    assert status is Status.PASS
    assert len(seen.skus) == 27


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:9/v1.0/subscribedSkus", "https://evil.example/v1.0/x", "//evil.example/",
        "{url}@evil.example/v1.0/x", "{url}.evil.example/v1.0/x", "/v1.0/subscribedSkus", "", 5, [], {},
        "{url}/beta/subscribedSkus", "{url}/other", "https://{host}/v1.0/subscribedSkus", "file:///etc/passwd",
        "{url}/v1.0/x" + "y" * 9000, "http://u:p@{host}/v1.0/subscribedSkus", "http://[", "x\r\nHost: evil",
    ],
)  # fmt: skip
def test_a_next_page_elsewhere_is_refused(cloud, link):
    if isinstance(link, str):
        link = link.replace("{url}", cloud.url).replace("{host}", cloud.url.partition("//")[2])
    cloud.drift(SKUS, {"value": [replies.sku("SPE_E3", 30, 3)], "@odata.nextLink": link})
    inconclusive(licences(cloud))
    assert [path for method, path in cloud.requests if method == "GET" and "openid" not in path] == [SKUS]


def test_a_next_page_on_another_port_gets_no_token(cloud):
    with microsoft() as thief:
        cloud.drift(SKUS, {"value": [replies.sku("SPE_E3", 30, 3)], "@odata.nextLink": f"{thief.url}{SKUS}"})
        inconclusive(licences(cloud), "not followed")
        assert thief.requests == []


@pytest.mark.parametrize("status", [201, 206, 400, 404, 409])
def test_data_with_an_error_status_is_no_data(cloud, status):
    cloud.fail(SKUS, status, {"value": [replies.sku("SPE_E3", 30, 3)]})
    inconclusive(licences(cloud))


def test_pages_in_a_circle_and_pages_without_end_are_refused(cloud):
    cloud.drift(SKUS, {"value": [], "@odata.nextLink": f"{cloud.url}{SKUS}"})
    inconclusive(licences(cloud), "circle")
    cloud.clear()
    number = iter(range(10**9))
    cloud.fault(
        lambda _: web.json_response(
            {"value": [], "@odata.nextLink": f"{cloud.url}{SKUS}?$skiptoken={next(number)}"}
        ),
        path=SKUS,
    )
    began = time.monotonic()
    inconclusive(licences(cloud), allowance=2.0)
    assert time.monotonic() - began < 4


def test_a_last_page_that_fails_is_not_the_end(cloud):
    cloud.page_size = 1
    cloud.fail("skiptoken=1", 500)
    inconclusive(licences(cloud), allowance=3.0)


@pytest.mark.parametrize("status", [429, 503, 504])
@pytest.mark.parametrize("path", [SKUS, TOKEN])
def test_throttling_is_waited_for(cloud, status, path):
    cloud.throttle(2, retry_after="0.2", path=path, status=status)
    found, findings, _ = run(licences(cloud))
    assert found is Status.PASS, findings
    assert cloud.asked(path) == 3


@pytest.mark.parametrize("path", [SKUS, TOKEN])
def test_throttling_without_retry_after_is_asked_again_more_slowly(cloud, path):
    cloud.throttle(1, retry_after=None, path=path)
    assert run(licences(cloud))[0] is Status.PASS


@pytest.mark.parametrize("path", [SKUS, TOKEN])
@pytest.mark.parametrize("after", [3600, "Wed, 21 Oct 2099 07:28:00 GMT", "0", None, "soon", "-1", "9" * 500])
def test_throttling_that_outlasts_the_check_is_said(cloud, path, after):
    cloud.throttle(None, retry_after=after, path=path)
    began = time.monotonic()
    inconclusive(licences(cloud), "throttles", "429", allowance=2.0)
    assert time.monotonic() - began < 3
    assert cloud.asked(path) < 12


def test_an_outage_is_said_and_not_asked_about_for_ever(cloud):
    cloud.fail(SKUS, 500)
    inconclusive(licences(cloud), "not available", "500", allowance=20.0)
    assert cloud.asked(SKUS) == 4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0), ("0", 0.0), (" 7 ", 7.0), ("1.5", 1.5), ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0), (None, None), ("", None), ("-5", None), ("soon", None),
        ("inf", None), ("nan", None), ("1e9", None), ("Sun, 99 Nov 2026 10:00:30 GMT", None),
        ("Sun, 22 Nov 2026 10:00:30", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert wait_s(header, datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)) == seconds


def test_a_missing_permission_is_named_and_is_no_failure(cloud):
    cloud.forbid(SKUS)
    inconclusive(licences(cloud), "Not tested", "LicenseAssignment.Read.All", "admin consent")


def test_a_token_that_graph_does_not_take_is_renewed_once(cloud):
    cloud.fail(SKUS, 401, times=1)
    assert run(licences(cloud))[0] is Status.PASS
    assert cloud.asked(TOKEN) == 2
    cloud.clear()
    cloud.fail(SKUS, 401)
    inconclusive(licences(cloud), "does not take the token")
    assert cloud.asked(TOKEN) == 2


@pytest.mark.parametrize("status", [400, 404, 405, 410, 418, 451])
def test_other_errors_are_no_data(cloud, status):
    cloud.fail(SKUS, status)
    inconclusive(licences(cloud))


def test_a_silent_service_ends_within_the_allowance(cloud):
    for path in (SKUS, TOKEN):
        cloud.clear()
        cloud.slow(30, path)
        began = time.monotonic()
        inconclusive(licences(cloud), allowance=1.5)
        assert time.monotonic() - began < 3


def test_nobody_there(cloud):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        inconclusive(licences(cloud, graph_url=f"http://127.0.0.1:{taken.getsockname()[1]}"), "unreachable")


@pytest.mark.parametrize(
    "handler",
    [
        hostile.banner, hostile.endless_headers, hostile.endless_chunks, hostile.huge_length,
        hostile.absurd_length, hostile.one_byte_a_second, hostile.nul_bytes, hostile.ansi,
        hostile.yes_to_everything, hostile.endless_interim,
    ],
)  # fmt: skip
@pytest.mark.parametrize("part", ["graph_url", "login_url"])
def test_hostile_services_end_inconclusive(cloud, handler, part):
    async def go():
        async with hostile.serve(handler) as port:
            check = licences(cloud, **{part: f"http://127.0.0.1:{port}"})
            return await asyncio.to_thread(inconclusive, check, allowance=2.0)

    began = time.monotonic()
    asyncio.run(go())
    assert time.monotonic() - began < 8


def test_one_token_serves_all_checks_of_a_run(cloud):
    shared = Shared(resolve_secret=lambda _: SECRET)

    async def many():
        checks = [licences(cloud) for _ in range(8)]
        await asyncio.gather(*(check.observe(Vantage(shared, "check", 5.0)) for check in checks))
        await shared.close()

    asyncio.run(many())
    assert cloud.asked(TOKEN) == 1
    assert cloud.asked(SKUS) == 8


def test_https_is_verified_with_the_given_authority(tmp_path):
    authority = pki.make("Test root", authority=True)
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(authority.chain)
    server = pki.make("srv", by=authority, names=("127.0.0.1",)).server(tmp_path)
    with microsoft(tls=server) as cloud:
        cloud.skus = [replies.sku("SPE_E3", 30, 3)]
        assert run(licences(cloud, ca_file=str(trusted)))[0] is Status.PASS
        inconclusive(licences(cloud), "not trusted")
        assert cloud.asked(TOKEN) == 1


def registered(cloud, folder, **more):
    """Return key and certificate files of an application whose certificate the cloud knows."""
    pair = pki.make("app", **more)
    chain, key = pair.write(folder, "app")
    cloud.certificate = chain.read_bytes()
    return pair, chain, key


def rsa_pair(folder, days=90):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(5).not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days)).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pfx = pkcs12.serialize_key_and_certificates(
        b"app", key, certificate, None, serialization.BestAvailableEncryption(b"pass word")
    )
    (folder / "app.pem").write_bytes(pem)
    (folder / "app.key").write_bytes(plain)
    (folder / "both.pem").write_bytes(plain + pem)
    (folder / "app.pfx").write_bytes(pfx)
    return pem


def test_a_certificate_in_every_form(cloud, tmp_path):
    cloud.certificate = rsa_pair(tmp_path)
    pem = (tmp_path / "both.pem").read_text()
    for given_, secret in (
        ({"key": str(tmp_path / "both.pem")}, ""),
        ({"key": str(tmp_path / "app.key"), "file": str(tmp_path / "app.pem")}, ""),
        ({"key": "env:KEY"}, pem),
        ({"key": str(tmp_path / "app.pfx"), "passphrase": "env:WORD"}, "pass word"),
    ):
        status, findings, _ = run(licences(cloud, certificate=certificate(**given_)), secret=secret)
        assert status is Status.PASS, findings
    assert all("client_secret" not in path for _, path in cloud.requests)


def certificate(**given_):
    from checks.m365._graph import Certificate

    return Certificate(**given_)


def test_a_certificate_that_is_not_the_registered_one_is_said(cloud, tmp_path):
    rsa_pair(tmp_path)
    inconclusive(
        licences(cloud, certificate=certificate(key=str(tmp_path / "both.pem"))),
        "certificate is not registered",
    )


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"key": "{folder}/missing.pem"}, "cannot be read"),
        ({"key": "{folder}/app.key"}, "cannot be read"),
        ({"key": "{folder}/app.pfx", "passphrase": "env:WRONG"}, "cannot be read"),
        ({"key": "{folder}/app.key", "file": "{folder}/other.pem"}, "does not belong"),
    ],
)
def test_an_unusable_certificate_asks_nobody(cloud, tmp_path, given_, words):
    rsa_pair(tmp_path)
    (tmp_path / "other.pem").write_bytes(pki.make("other").chain)
    given_ = {name: text.replace("{folder}", str(tmp_path)) for name, text in given_.items()}
    inconclusive(licences(cloud, certificate=certificate(**given_)), words, secret="wrong word")
    assert cloud.requests == []


def test_an_expired_certificate_asks_nobody(cloud, tmp_path):
    rsa_pair(tmp_path, days=-2)
    inconclusive(licences(cloud, certificate=certificate(key=str(tmp_path / "both.pem"))), "expired on")
    assert cloud.requests == []


@pytest.mark.parametrize(
    "more",
    [
        {"tenant_id": "contoso.com"}, {"client_id": ""}, {"secret": None}, {"graph_url": "http://192.0.2.1"},
        {"login_url": "http://login.example"}, {"graph_url": "https://graph.microsoft.com/v1.0"},
    ],
)  # fmt: skip
def test_what_gives_no_way_to_a_tenant_is_refused(cloud, more):
    with pytest.raises(ValueError):
        Licences(need={"SPE_E3": 1}, **(access(cloud) | more))


def test_secret_and_certificate_together_are_refused(cloud):
    with pytest.raises(ValueError, match="one of the two"):
        Licences(need={"A": 1}, **access(cloud, secret="env:A", certificate=certificate(key="k")))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_parse_gives_json_or_drift(data):
    try:
        value = graph_json.parse(data)
    except Drift:
        return
    for read in (graph_json.text, graph_json.flag, graph_json.count, graph_json.records, graph_json.texts):
        try:
            read(graph_json.record(value), "value")
        except Drift:
            continue


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.sampled_from(["https://a.example", "http://[::1]:9/x", "https://u@h/"]))
def test_origin_never_raises(url):
    found = origin(url)
    assert found is None or (found[0] in ("http", "https") and found[1])


def test_pages_are_bounded_in_number(cloud, monkeypatch):
    monkeypatch.setattr("checks.wire.graph.MAX_PAGES", 3)
    cloud.page_size = 1
    cloud.skus = [replies.sku(f"S{number}", 1, 0) for number in range(5)]
    inconclusive(licences(cloud), "more than 3 pages")


def test_the_application_s_name_is_not_what_a_secret_is_compared_by():
    one = Access(tenant=TENANT, client=CLIENT, login="l", graph="g", scope="s", secret="first secret")
    assert "first secret" not in repr(one)
    assert one != Access(tenant=TENANT, client=CLIENT, login="l", graph="g", scope="s", secret="second")


def test_an_answer_beyond_the_bound_is_not_read(cloud, monkeypatch):
    monkeypatch.setattr("checks.wire.graph.MAX_BODY", 1000)
    cloud.skus = [replies.sku(f"S{number}", 1, 0) for number in range(50)]
    inconclusive(licences(cloud), "larger than is read")


def test_a_compressed_answer_is_not_read(cloud):
    cloud.fault(
        lambda _: web.Response(
            body=b"\x1f\x8b", headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        ),
        path=SKUS,
    )
    inconclusive(licences(cloud), "compressed")


async def test_pages_says_no_such_for_graph_s_own_404(cloud):
    from checks.wire.graph import NoSuch

    cloud.fail(SKUS, 404, replies.error("Request_ResourceNotFound", "no"))
    shared = Shared()
    way = Access(
        tenant=TENANT, client=CLIENT, login=cloud.url, graph=cloud.url, scope="x/.default", secret=SECRET
    )
    with pytest.raises(NoSuch):
        async for _ in pages(Vantage(shared, "x", 5), way, Call(path=SKUS, what="x", permission="y")):
            pass
    await shared.close()


def test_the_stand_in_refuses_what_microsoft_refuses(cloud):
    """The stand-in itself: a token is asked for and a wrong one is not taken."""
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{cloud.url}{SKUS}")
    assert refused.value.code == 401
