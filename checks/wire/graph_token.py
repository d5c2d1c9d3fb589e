"""Tokens for an application (client credentials), made by msal over this tool's own HTTP client.

msal makes the request and the signed assertion; what goes over the wire is bounded, verified and sent to the
login's own host only. One token a run and application; what the login refused once is not asked again.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from checks.dataclass import dataclass
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire import graph_json
from checks.wire.graph_access import Access, hidden, origin, without
from checks.wire.graph_trouble import not_json, refused_login, throttled, unanswered, wait_s
from checks.wire.http import Exchange, Request, exchange

MAX_BODY = 1 << 20
_WHAT = "a token"
_SPARE_S = 120.0
_TOKEN = re.compile(r"[!-~]{1,16384}\Z")
_FINAL = frozenset({"invalid_client", "unauthorized_client", "invalid_tenant"})


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    until: float


class Tokens:
    """The run's tokens; make it by `vantage.client(Tokens)`."""

    def __init__(self) -> None:
        self._held: dict[Access, _Token] = {}
        self._refused: dict[Access, CannotTell] = {}
        self._locks: dict[Access, asyncio.Lock] = {}

    @classmethod
    async def open(cls, shared: Shared) -> Self:  # noqa: ARG003 - the form of a client
        """Make the client; nothing is asked yet."""
        return cls()

    async def close(self) -> None:
        """Forget all tokens."""
        self._held.clear()
        self._refused.clear()

    async def get(self, vantage: Vantage, access: Access, end: float) -> str:
        """Return a token that is good for a while yet; raise CannotTell, at the latest at `end`."""
        lock = self._locks.setdefault(access, asyncio.Lock())
        try:
            async with asyncio.timeout(max(0.05, end - time.monotonic())), lock:
                return await self._get(vantage, access, end)
        except TimeoutError:
            raise CannotTell(
                "Microsoft's login gave no token in time.",
                "Mend the way from this laptop to the login, or give the check a longer timeout.",
            ) from None

    async def _get(self, vantage: Vantage, access: Access, end: float) -> str:
        held = self._held.get(access)
        if held is not None and held.until > time.monotonic():
            return held.value
        if access in self._refused:
            refusal = self._refused[access]
            raise CannotTell(refusal.reason, refusal.fix)
        token = await self._ask(vantage, access, end)
        self._held[access] = token
        vantage.shared.secrets_seen[token.value] = "token:graph"
        return token.value

    def drop(self, access: Access, value: str) -> None:
        """Forget a token that Graph does not take."""
        held = self._held.get(access)
        if held is not None and held.value == value:
            del self._held[access]

    async def _ask(self, vantage: Vantage, access: Access, end: float) -> _Token:
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            bridge = _Bridge(loop, vantage, access, end)
            try:
                answer = await asyncio.to_thread(_acquire, access, bridge)
            except _Throttled as error:
                tries += 1
                wait = error.wait or min(8.0, 0.5 * 2**tries)
                left = end - time.monotonic()
                if wait >= left:
                    raise throttled(_WHAT, error.status, error.wait, left) from None
                await asyncio.sleep(wait)
                continue
            return self._read(access, answer)

    def _read(self, access: Access, answer: dict[str, Any]) -> _Token:
        value, lasts = answer.get("access_token"), answer.get("expires_in")
        if isinstance(value, str) and _TOKEN.match(value):
            seconds = float(lasts) if isinstance(lasts, int) and not isinstance(lasts, bool) else 600.0
            return _Token(value, time.monotonic() + max(5.0, min(seconds, 86400.0) - _SPARE_S))
        name, words = str(answer.get("error", ""))[:100], _said(access, answer)
        refusal = refused_login(access, name, words)
        if name in _FINAL:
            self._refused[access] = refusal
        raise refusal


class _Throttled(Exception):  # noqa: N818 - it is an outcome
    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.wait = wait


def _acquire(access: Access, bridge: _Bridge) -> dict[str, Any]:
    """Ask for a token (in a thread: msal is synchronous); raise what the bridge raises, or CannotTell."""
    import msal

    credential: Any = access.secret
    if access.key:
        credential = {"private_key": access.key, "public_certificate": access.certificate}
    netloc = urlsplit(access.login).netloc
    try:
        application = msal.ConfidentialClientApplication(
            access.client, authority=f"https://{netloc}/{access.tenant}", client_credential=credential,
            http_client=bridge, instance_discovery=False, azure_region=False, validate_authority=False,
        )  # fmt: skip
        answer = application.acquire_token_for_client(scopes=[access.scope])
    except (_Throttled, CannotTell):
        raise
    except Exception as error:  # noqa: BLE001 - whatever msal makes of JSON that it does not expect
        raise not_what_msal_expects(error) from None
    return answer if isinstance(answer, dict) else {}


def not_what_msal_expects(error: Exception) -> CannotTell:
    """Return what to say where msal cannot read the login's answer; its own words are not repeated."""
    return CannotTell(
        f"What answers as Microsoft's login does not have the documented shape ({type(error).__name__}).",
        "Check login_url and tenant_id, and whether a proxy answers in its place.",
    )


class _Reply:
    """What msal reads of an answer."""

    def __init__(self, status_code: int, text: str, headers: dict[str, str]) -> None:
        self.status_code = status_code
        self.text = text
        self.headers = headers

    def raise_for_status(self) -> None:
        """Raise for an error status, as msal expects of its HTTP client."""
        if self.status_code >= 400:
            raise OSError(f"status {self.status_code}")


class _Bridge:
    """msal's HTTP client: runs each request in the event loop, by this tool's own client."""

    def __init__(self, loop: asyncio.AbstractEventLoop, vantage: Vantage, access: Access, end: float) -> None:
        self._loop = loop
        self._vantage = vantage
        self._access = access
        self._end = end

    def get(self, url: str, **options: Any) -> _Reply:
        """Send a GET."""
        return self._send("GET", url, **options)

    def post(self, url: str, **options: Any) -> _Reply:
        """Send a POST of a form."""
        return self._send("POST", url, **options)

    def close(self) -> None:
        """Nothing is kept open."""

    def _send(
        self, method: str, url: str, *, params: Any = None, data: Any = None, headers: Any = None, **_: Any
    ) -> _Reply:
        body = urlencode(data).encode() if isinstance(data, dict) else b""
        more = [(str(key), str(value)) for key, value in (headers or {}).items() if _sendable(key, value)]
        if body:
            more.append(("Content-Type", "application/x-www-form-urlencoded"))
        request = Request(
            url=self._own(url, params), method=method, headers=tuple(more), body=body,
            ca_file=self._access.ca_file, max_body=MAX_BODY,
        )  # fmt: skip
        left = max(0.05, self._end - time.monotonic())
        make: Callable[[], Any] = functools.partial(exchange, self._vantage, request, left)
        future: Future[Exchange] = asyncio.run_coroutine_threadsafe(make(), self._loop)
        return self._reply(future.result(left + 5))

    def _own(self, url: str, params: Any) -> str:
        """Return the URL on the login's base; the credentials go to no other host."""
        parts = urlsplit(url)
        base = urlsplit(self._access.login)
        asked, wanted = origin(f"{base.scheme}://{parts.netloc}/"), origin(self._access.login)
        if parts.scheme != "https" or asked is None or asked != wanted:
            raise CannotTell(
                "Microsoft's login names another host for tokens; the credentials were not sent there.",
                "Check login_url, and what answers in the login's place.",
            )
        query = urlencode(params) if params else parts.query
        return f"{self._access.login}{parts.path}{'?' if query else ''}{query}"

    def _reply(self, seen: Exchange) -> _Reply:
        trouble = unanswered(seen, _WHAT, self._access.secret)
        if trouble is not None:
            raise trouble
        status = seen.status or 0
        if status in (429, 503, 504):
            raise _Throttled(status, wait_s(seen.header("retry-after"), self._vantage.now()))
        body = hidden(seen.body, self._access.secret, self._access.key)
        try:
            answer = graph_json.record(graph_json.parse(body))
        except graph_json.Drift as drift:
            raise not_json(seen, _WHAT, str(drift)) from None
        if status >= 500:
            raise CannotTell(
                f"Microsoft's login failed (status {status}), so there is no token.",
                "Run again later, and see Microsoft's service health.",
            )
        if seen.method == "GET" and status != 200:
            words = _said(self._access, answer)
            raise refused_login(self._access, str(answer.get("error", ""))[:100], words)
        text = body.decode("utf-8-sig", "replace")
        base = urlsplit(self._access.login)
        if base.scheme == "http" and seen.method == "GET":
            text = text.replace(f"http://{base.netloc}/", f"https://{base.netloc}/")
        return _Reply(status, text, dict(seen.headers))


def _said(access: Access, answer: dict[str, Any]) -> str:
    words = graph_json.plain(str(answer.get("error_description", "")))
    return without(words, access.secret, access.key)


def _sendable(key: Any, value: Any) -> bool:
    return isinstance(key, str) and isinstance(value, str) and key.lower() != "content-type"
