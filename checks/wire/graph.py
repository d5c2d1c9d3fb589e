"""Microsoft Graph, read only: documented GETs with an application's token, pages followed, throttling obeyed.

Whatever is no answer of the documented shape raises CannotTell: nothing that a proxy, a portal, a missing
permission or a changed schema gives can be taken for data. `NoSuch` is Graph's own 404.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from checks.params import parse_url
from checks.safe import safe
from checks.vantage import CannotTell, Vantage
from checks.wire import graph_json
from checks.wire.graph_access import Access, Call, hidden, origin, without
from checks.wire.graph_json import Drift
from checks.wire.graph_token import Tokens
from checks.wire.graph_trouble import (
    RETRIED,
    drifted,
    forbidden,
    not_json,
    throttled,
    unanswered,
    wait_s,
)
from checks.wire.http import Exchange, Request, exchange
from checks.wire.tcp import budget

MAX_BODY = 8 << 20
MAX_PAGES = 1000
MAX_LINK = 8192
_OUTAGES = 4
"""How often an error status other than throttling is asked again."""


class NoSuch(Exception):  # noqa: N818 - it is an outcome
    """Graph itself says that what was asked for does not exist."""


async def get(vantage: Vantage, access: Access, call: Call) -> dict[str, Any]:
    """Return the object that `call` gives; raise NoSuch or CannotTell."""
    end = time.monotonic() + budget(vantage)
    return await _get(vantage, access, call, f"{access.graph}{call.path}", end)


async def pages(vantage: Vantage, access: Access, call: Call) -> AsyncIterator[list[dict[str, Any]]]:
    """Give the entries of a list page by page until Graph names no further one; raise NoSuch, CannotTell."""
    end = time.monotonic() + budget(vantage)
    url, read = f"{access.graph}{call.path}", set[str]()
    while True:
        read.add(url)
        body = await _get(vantage, access, call, url, end)
        try:
            yield graph_json.records(body, "value")
        except Drift as drift:
            raise drifted(call.what, str(drift)) from None
        if body.get("@odata.nextLink") is None:
            return
        url = _following(access, call, body["@odata.nextLink"])
        if url in read:
            raise drifted(call.what, "its pages lead in a circle")
        if len(read) >= MAX_PAGES:
            raise CannotTell(
                f"There are more than {MAX_PAGES} pages of {call.what}; not all of it was read.",
                "Narrow the check (a shorter window), or look at it in the Microsoft 365 admin centre.",
            )


def _following(access: Access, call: Call, link: Any) -> str:
    """Return the next page's URL, verbatim but for spaces; refuse one that would take the token elsewhere."""
    text = link.replace(" ", "%20") if isinstance(link, str) and len(link) <= MAX_LINK else ""
    try:
        url: str = parse_url(text)
    except ValueError:
        raise drifted(call.what, "'@odata.nextLink' is no URL") from None
    if origin(url) != origin(access.graph) or not urlsplit(url).path.startswith("/v1.0/"):
        raise CannotTell(
            f"The next page of {call.what} is said to be at {safe(url, limit=200)}, which is not Graph's own "
            "address; it was not followed, so that the token stays with Graph.",
            "Find out what answers in Graph's place: a proxy that rewrites addresses, or a wrong graph_url.",
        )
    return url


async def _get(vantage: Vantage, access: Access, call: Call, url: str, end: float) -> dict[str, Any]:
    tokens = await vantage.client(Tokens)
    tries, renewed = 0, False
    while True:
        token = await tokens.get(vantage, access, end)
        seen = await _send(vantage, access, url, token, end)
        trouble = unanswered(seen, call.what, token, access.secret)
        if trouble is not None:
            raise trouble
        status = seen.status or 0
        if status == 401 and not renewed:
            tokens.drop(access, token)
            renewed = True
        elif status in RETRIED:
            tries += 1
            await _pause(vantage, call, seen, tries, end)
        else:
            return _read(access, call, seen, (token, access.secret, access.key))


async def _send(vantage: Vantage, access: Access, url: str, token: str, end: float) -> Exchange:
    request = Request(
        url=url, headers=(("Authorization", f"Bearer {token}"),), ca_file=access.ca_file, max_body=MAX_BODY
    )
    return await exchange(vantage, request, max(0.05, end - time.monotonic()))


async def _pause(vantage: Vantage, call: Call, seen: Exchange, tries: int, end: float) -> None:
    """Wait as Graph asks, or longer each time if it does not say; raise CannotTell if that is too long."""
    status = seen.status or 0
    asked = wait_s(seen.header("retry-after"), vantage.now())
    wait = asked or min(16.0, 0.25 * 2**tries)
    left = end - time.monotonic()
    if wait >= left or (status in (500, 502) and tries >= _OUTAGES):
        raise throttled(call.what, status, asked, left)
    vantage.note(f"Graph says {status} for {call.what}; asked again after {wait:.3g} s.")
    await asyncio.sleep(wait)


def _read(access: Access, call: Call, seen: Exchange, secrets: tuple[str, ...]) -> dict[str, Any]:
    status = seen.status or 0
    try:
        answer = graph_json.record(graph_json.parse(hidden(seen.body, *secrets)))
        if status == 200 and "error" not in answer:
            return answer
        error = graph_json.child(answer, "error")
        code = without(graph_json.text_or(error, "code"), *secrets)
        words = without(graph_json.text_or(error, "message"), *secrets)
    except Drift as drift:
        raise not_json(seen, call.what, str(drift)) from None
    if status == 403:
        raise forbidden(call, access, code, words)
    if status == 404:
        raise NoSuch(code)
    said = safe(f"{code}: {words}", limit=300)
    if status == 401:
        raise CannotTell(
            f"Graph does not take the token of application {access.client} ({said}).",
            "Check that graph_url and login_url belong to the same cloud, and this laptop's clock.",
        )
    raise CannotTell(
        f"Graph refuses to tell {call.what} (status {status}, {said}).",
        "Look the code up in Graph's list of errors; run again if it looks like an outage.",
    )
