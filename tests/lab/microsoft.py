"""A stand-in for Microsoft's login, Graph, list of endpoints and Autodiscover v2, on this machine.

The real services cannot be had in a test: a tenant is a contract with Microsoft. This replays the shapes that
its documentation shows (see `tests/lab/microsoft_replies.py`), asks for the token that its own login issued,
cuts lists into pages, and throttles, refuses, stalls and lies as it is told. What it proves about a check is
what the check does with such answers, not that Microsoft still gives them.

with microsoft() as cloud:
    cloud.records["contoso.example"] = [mx("contoso.example", "contoso-example.mail.protection.outlook.com")]
    cloud.throttle(2, retry_after=1)
    ... login_url: {cloud.url}, graph_url: {cloud.url}, endpoints_url: {cloud.url} ...
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.lab import microsoft_replies as replies

TENANT = "5a1f0c6e-7a0e-4a53-9a2c-1f2b3c4d5e6f"
OTHER_TENANT = "99999999-7a0e-4a53-9a2c-1f2b3c4d5e6f"
CLIENT = "0b7c2d1e-1111-4222-8333-444455556666"
SECRET = "Zy8~not.a.real-secret/+&=of a test"


@dataclass
class Fault:
    """What goes wrong for paths that contain `path`: `times` requests (None: all) get `answer`."""

    path: str
    answer: Callable[[web.Request], web.StreamResponse | None]
    times: int | None = None
    delay_s: float = 0.0


@dataclass
class Cloud:
    """The state of the stand-in; change it at any time, the next request sees it."""

    url: str = ""
    login_url: str = ""
    """Base of the login's own answers where it has another name than `url`."""
    tenant: str = TENANT
    client: str = CLIENT
    secret: str = SECRET
    certificate: bytes | None = None
    """PEM of the application's certificate; with it a signed client assertion is accepted, too."""
    secret_expired: bool = False
    tenants: dict[str, str] = field(default_factory=dict)
    """Tenant by domain, for openid-configuration; a domain that is not there has none."""
    realms: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What getuserrealm says of a domain; by default Managed if the domain has a tenant, else Unknown."""
    domains: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """serviceConfigurationRecords by domain."""
    skus: list[dict[str, Any]] = field(default_factory=list)
    registrations: list[dict[str, Any]] = field(default_factory=list)
    policies: list[dict[str, Any]] = field(default_factory=list)
    security_defaults: bool = False
    health: list[dict[str, Any]] = field(default_factory=lambda: [replies.health("Exchange")])
    traces: list[dict[str, Any]] = field(default_factory=list)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    endpoints_version: str = "2026110100"
    mailboxes: dict[str, str] = field(default_factory=dict)
    """Autodiscover v2: the URL by mailbox."""
    page_size: int = 100
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path with query of every request."""
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def add_domain(self, name: str, **more: Any) -> None:
        """Let the tenant hold a verified, managed domain."""
        self.tenants[name] = self.tenant
        self.domains = [item for item in self.domains if item["id"] != name]
        self.domains.append(replies.domain(name, **more))

    def fault(
        self, answer: Callable[[web.Request], web.StreamResponse | None], *, path: str = "",
        times: int | None = None, delay_s: float = 0.0,
    ) -> Fault:  # fmt: skip
        """Answer requests for paths that contain `path` by `answer` (None: as usual), `times` times."""
        made = Fault(path=path, answer=answer, times=times, delay_s=delay_s)
        self.faults.append(made)
        return made

    def throttle(
        self, times: int | None, retry_after: float | str | None = 1, path: str = "/v1.0/", status: int = 429
    ) -> Fault:
        """Say 429 (or 503, 504), with or without Retry-After."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        body = replies.error("TooManyRequests", "Too many requests")
        return self.fault(
            lambda _: web.json_response(body, status=status, headers=headers), path=path, times=times
        )

    def forbid(self, path: str, code: str = "Authorization_RequestDenied") -> Fault:
        """Refuse a call as Graph does for want of a permission."""
        body = replies.error(code, "Insufficient privileges to complete the operation.")
        return self.fault(lambda _: web.json_response(body, status=403), path=path)

    def fail(self, path: str, status: int, body: Any = None, times: int | None = None) -> Fault:
        """Answer with an error status."""
        body = body if body is not None else replies.error("generalException", "Something went wrong")
        return self.fault(lambda _: web.json_response(body, status=status), path=path, times=times)

    def slow(self, seconds: float, path: str = "") -> Fault:
        """Wait before each answer."""
        return self.fault(lambda _: None, path=path, delay_s=seconds)

    def portal(self, path: str = "") -> Fault:
        """Answer everything with a web page and 200, as a proxy or a captive portal does."""
        page = "<!DOCTYPE html><html><body>Please log in to the guest network</body></html>"
        return self.fault(lambda _: web.Response(text=page, content_type="text/html"), path=path)

    def drift(self, path: str, body: Any) -> Fault:
        """Answer with 200 and any JSON, or with raw bytes."""
        if isinstance(body, bytes):
            return self.fault(lambda _: web.Response(body=body, content_type="application/json"), path=path)
        return self.fault(lambda _: web.json_response(body), path=path)

    def clear(self) -> None:
        """Forget all faults and what was asked."""
        self.faults.clear()
        self.requests.clear()
        self.headers.clear()

    def asked(self, part: str) -> int:
        """Return how many requests had `part` in their path or query."""
        return sum(part in path for _, path in self.requests)


@contextlib.contextmanager
def microsoft(
    *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None, name: str | None = None
) -> Iterator[Cloud]:
    """Run the stand-in in a thread of its own; `tls` makes it https, `name` is then the host of its URL."""
    cloud = Cloud()
    ready: threading.Event = threading.Event()
    stop: list[Callable[[], None]] = []
    trouble: list[BaseException] = []

    async def main() -> None:
        runner = web.AppRunner(_app(cloud), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, host, port, ssl_context=tls, reuse_address=True)
        await site.start()
        assert site._server is not None
        bound = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        shown = name or (f"[{host}]" if ":" in host else host)
        cloud.url = f"{'https' if tls else 'http'}://{shown}:{bound}"
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(done.set))
        ready.set()
        await done.wait()
        await runner.cleanup()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            trouble.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="microsoft", daemon=True)
    thread.start()
    assert ready.wait(20), "The stand-in did not start within 20 s."
    if trouble:
        raise AssertionError(f"The stand-in did not start: {trouble[0]}") from trouble[0]
    try:
        yield cloud
    finally:
        stop[0]()
        thread.join(20)
        assert not thread.is_alive(), "The stand-in did not stop within 20 s."


def _app(cloud: Cloud) -> web.Application:
    @web.middleware
    async def faulty(request: web.Request, handler: Any) -> web.StreamResponse:
        cloud.requests.append((request.method, request.path_qs))
        cloud.headers.append({key.lower(): value for key, value in request.headers.items()})
        for fault in list(cloud.faults):
            if fault.path not in request.path_qs or fault.times == 0:
                continue
            if fault.times is not None:
                fault.times -= 1
            if fault.delay_s:
                await asyncio.sleep(fault.delay_s)
            answer = fault.answer(request)
            if answer is not None:
                return answer
        found: web.StreamResponse = await handler(request)
        return found

    @web.middleware
    async def authorised(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/v1.0/"):
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in cloud.tokens:
                body = replies.error("InvalidAuthenticationToken", "Access token is empty or invalid.")
                return web.json_response(body, status=401)
        found: web.StreamResponse = await handler(request)
        return found

    async def openid(request: web.Request) -> web.Response:
        asked = request.match_info["tenant"].lower()
        known = {cloud.tenant, *cloud.tenants.values()}
        tenant = asked if asked in known else cloud.tenants.get(asked)
        if tenant is None:
            return web.json_response(replies.no_tenant(asked), status=400)
        return web.json_response(
            replies.openid(cloud.login_url or cloud.url, tenant, v2="/v2.0/" in request.path)
        )

    async def token(request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        refused = _refused(cloud, request.match_info["tenant"], form)
        if refused is not None:
            return web.json_response(refused, status=refused.pop("status"))
        made = f"eyJ0eXAiOiJKV1QifQ.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        cloud.tokens.add(made)
        return web.json_response(
            {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": made}
        )

    async def realm(request: web.Request) -> web.Response:
        login = request.query.get("login") or request.match_info.get("upn", "")
        domain = login.rpartition("@")[2].lower()
        found = cloud.realms.get(domain) or replies.realm(domain, known=domain in cloud.tenants)
        if request.query.get("xml") == "1":
            return web.Response(text=replies.realm_xml(found), content_type="text/xml")
        return web.json_response(found)

    async def one_domain(request: web.Request) -> web.Response:
        name = request.match_info["domain"].lower()
        found = next((item for item in cloud.domains if item["id"].lower() == name), None)
        if found is None:
            return web.json_response(
                replies.error("Request_ResourceNotFound", f"Resource '{name}' does not exist."), status=404
            )
        return web.json_response(found)

    async def records(request: web.Request) -> web.Response:
        return _page(cloud, request, cloud.records.get(request.match_info["domain"].lower(), []))

    def listing(what: Callable[[], list[dict[str, Any]]]) -> Any:
        async def give(request: web.Request) -> web.Response:
            return _page(cloud, request, what())

        return give

    async def defaults(_: web.Request) -> web.Response:
        return web.json_response(replies.defaults(cloud.security_defaults))

    async def traces(request: web.Request) -> web.Response:
        start, end = replies.window(request.query.get("$filter", ""))
        recipient = replies.equals(request.query.get("$filter", ""), "recipientAddress")
        found = [
            item for item in cloud.traces
            if start <= item["receivedDateTime"] <= end
            and (recipient is None or item["recipientAddress"] == recipient)
        ]  # fmt: skip
        return _page(cloud, request, found)

    async def version(request: web.Request) -> web.Response:
        if "ClientRequestId" not in request.query:
            return web.json_response({"message": "ClientRequestId is required"}, status=400)
        instance = request.match_info["instance"]
        latest = cloud.endpoints_version
        return web.json_response({"instance": instance, "latest": latest, "versions": [latest]})

    async def endpoints(request: web.Request) -> web.Response:
        if "ClientRequestId" not in request.query:
            return web.json_response({"message": "ClientRequestId is required"}, status=400)
        areas = request.query.get("ServiceAreas")
        wanted = set(areas.split(",")) if areas else None
        found = [item for item in cloud.endpoints if wanted is None or item["serviceArea"] in wanted]
        return web.json_response(json.loads(json.dumps(found)))

    async def autodiscover(request: web.Request) -> web.Response:
        mailbox, protocol = request.query.get("Email", "").lower(), request.query.get("Protocol")
        if not protocol:
            body = {"ErrorCode": "MandatoryParameterMissing", "ErrorMessage": "Protocol is missing."}
            return web.json_response(body, status=400)
        if mailbox not in cloud.mailboxes:
            body = {"ErrorCode": "UserNotFound", "ErrorMessage": "The user is not known."}
            return web.json_response(body, status=404)
        return web.json_response({"Protocol": protocol, "Url": cloud.mailboxes[mailbox]})

    app = web.Application(middlewares=[faulty, authorised])
    get = app.router.add_get
    get("/{tenant}/.well-known/openid-configuration", openid)
    get("/{tenant}/v2.0/.well-known/openid-configuration", openid)
    app.router.add_post("/{tenant}/oauth2/v2.0/token", token)
    get("/getuserrealm.srf", realm)
    get("/common/userrealm/{upn}", realm)
    get("/v1.0/domains", listing(lambda: cloud.domains))
    get("/v1.0/domains/{domain}", one_domain)
    get("/v1.0/domains/{domain}/serviceConfigurationRecords", records)
    get("/v1.0/subscribedSkus", listing(lambda: cloud.skus))
    get("/v1.0/reports/authenticationMethods/userRegistrationDetails", listing(lambda: cloud.registrations))
    get("/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", defaults)
    get("/v1.0/identity/conditionalAccess/policies", listing(lambda: cloud.policies))
    get("/v1.0/admin/serviceAnnouncement/healthOverviews", listing(lambda: cloud.health))
    get("/v1.0/admin/exchange/tracing/messageTraces", traces)
    get("/version/{instance}", version)
    get("/endpoints/{instance}", endpoints)
    get("/autodiscover/autodiscover.json", autodiscover)
    return app


def _page(cloud: Cloud, request: web.Request, items: list[dict[str, Any]]) -> web.Response:
    start = int(request.query.get("$skiptoken", "0"))
    body: dict[str, Any] = {
        "@odata.context": f"{cloud.url}/v1.0/$metadata#x",
        "value": items[start : start + cloud.page_size],
    }
    following = start + cloud.page_size
    if following < len(items):
        query = request.rel_url.update_query({"$skiptoken": str(following)})
        body["@odata.nextLink"] = f"{cloud.url}{query}"
    return web.json_response(body)


def _refused(cloud: Cloud, tenant: str, form: dict[str, str]) -> dict[str, Any] | None:
    """Return the error that Microsoft's login gives for this request of a token, None if it is granted."""
    if tenant.lower() != cloud.tenant:
        return replies.login_error(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
    if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
        return replies.login_error(400, "invalid_request", 900144, "The request body must contain more.")
    if form.get("client_id") != cloud.client:
        return replies.login_error(
            400, "unauthorized_client", 700016, "Application was not found in the directory."
        )
    assertion = form.get("client_assertion")
    if assertion is not None:
        if cloud.certificate is not None and replies.signed_by(
            assertion, cloud.certificate, cloud.client, f"{cloud.url}/{cloud.tenant}/oauth2/v2.0/token"
        ):
            return None
        return replies.login_error(
            401, "invalid_client", 700027, "Client assertion failed signature validation."
        )
    if form.get("client_secret") != cloud.secret:
        return replies.login_error(401, "invalid_client", 7000215, "Invalid client secret provided.")
    if cloud.secret_expired:
        return replies.login_error(
            401, "invalid_client", 7000222, "The provided client secret keys are expired."
        )
    return None
