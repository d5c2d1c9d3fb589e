"""The server: one page, its files, one websocket; everything else is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import WSMsgType, web

from tui.web.doors import Doors, our_host, our_origin
from tui.web.messages import LONGEST, asked_size, heard
from tui.web.page import HEADERS, page, policy, static
from tui.web.session import AppProcess

MOST_SESSIONS = 8
HEARTBEAT_S = 15.0
"""A browser that has gone without a word is noticed after one and a half of these."""

_NOT_OURS = (
    "This page is for this machine only: open it by 127.0.0.1 or localhost, through a tunnel if need be."
)
_NO_KEY = (
    "This address was used already, or is none that was printed: each works once. Press Enter in the "
    "terminal where gonogo dashboard --web runs and open the address that it prints, or start it anew."
)
_NOTHING_HERE = "There is nothing here but the dashboard."
_FULL = f"{MOST_SESSIONS} windows show this dashboard already: close one, then try again."
_BROKE = "The dashboard ended with an error. The terminal where gonogo dashboard --web runs says more."
_OVER = "The dashboard was closed."
_STOPPING = "gonogo dashboard --web was ended in its terminal."


class Refused(Exception):  # noqa: N818 - an answer
    """What is asked for is not given."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Server:
    """Serves one dashboard to whoever came in through `doors`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        title: str,
        trouble: Callable[[str], None],
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self.doors = Doors()
        self._command = command
        self._title = title
        self._trouble = trouble
        self._heartbeat_s = heartbeat_s
        self._sockets: set[web.WebSocketResponse] = set()
        self._sessions = 0
        self._stopping = False

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.on_response_prepare.append(_add_headers)
        app.on_shutdown.append(self._end_sessions)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._route(request)
        except Refused as refused:
            return _html(page("refused", why=str(refused)), status=refused.status)

    def _route(self, request: web.Request) -> Awaitable[web.StreamResponse]:
        if request.method != "GET":
            raise Refused(405, "Nothing can be sent here.")
        host, origin = _one(request, "Host"), _one(request, "Origin")
        if not our_host(host) or (origin and not our_origin(origin, host)) or request.raw_path[:1] != "/":
            raise Refused(403, _NOT_OURS)
        at_home = self.doors.knows(request.cookies.get(self.doors.cookie_name, ""))
        token = request.query.get("token", "") if request.path == "/" else ""
        if token:
            return self._enter(token, at_home=at_home)
        if not at_home:
            raise Refused(403, _NO_KEY)
        if request.path == "/" and not request.query_string:
            return self._index(host)
        if request.path == "/ws":
            if not origin:
                raise Refused(403, _NOT_OURS)
            return self._websocket(request)
        if request.path.startswith("/static/"):
            return self._static(request.path.removeprefix("/static/"))
        raise Refused(404, _NOTHING_HERE)

    async def _enter(self, token: str, *, at_home: bool) -> web.StreamResponse:
        """Change a token for a cookie and lead on to the page.

        By the page itself, not by a redirect: after a click in a mail or a chat, a redirect would still count
        as that other site's, and the browser would keep the cookie back.
        """
        cookie = None if at_home else self.doors.spend(token)
        if cookie is None and not at_home:
            raise Refused(403, _NO_KEY)
        answer = _html(page("enter"))
        if cookie is not None:
            answer.set_cookie(self.doors.cookie_name, cookie, path="/", httponly=True, samesite="Strict")
        return answer

    async def _index(self, host: str) -> web.StreamResponse:
        nonce = secrets.token_urlsafe(16)
        answer = _html(page("index", title=self._title, nonce=nonce))
        answer.headers["Content-Security-Policy"] = policy(host, nonce)
        return answer

    async def _static(self, name: str) -> web.StreamResponse:
        found = static(name)
        if found is None:
            raise Refused(404, _NOTHING_HERE)
        return web.Response(body=found[0], content_type=found[1])

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            heartbeat=self._heartbeat_s, max_msg_size=LONGEST, compress=False, timeout=1.0
        )
        if not socket.can_prepare(request).ok:
            raise Refused(400, _NOTHING_HERE)
        if self._sessions >= MOST_SESSIONS or self._stopping:
            await socket.prepare(request)
            await _end(socket, _STOPPING if self._stopping else _FULL)
            return socket
        self._sessions += 1
        self._sockets.add(socket)
        try:
            await socket.prepare(request)
            await self._session(socket, asked_size(dict(request.query)))
        finally:
            self._sockets.discard(socket)
            self._sessions -= 1
        return socket

    async def _session(self, socket: web.WebSocketResponse, size: tuple[int, int]) -> None:
        process = AppProcess(self._command)
        try:
            await process.start(*size)
        except OSError as error:
            self._trouble(f"The dashboard's process cannot be started: {error}.")
            await _end(socket, _BROKE)
            return
        drawing = asyncio.create_task(self._draw(process, socket))
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    packet, answer = heard(message.data)
                    if packet:
                        await process.hear(packet)
                    if answer:
                        await socket.send_str(answer)
        except ConnectionError:
            pass
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)
            await process.stop()

    async def _draw(self, process: AppProcess, socket: web.WebSocketResponse) -> None:
        """Show what the app draws until it ends, then end the websocket, which ends the session."""
        try:
            await process.show(socket.send_bytes, socket.send_str)
        finally:
            if not socket.closed:
                await process.stop()
                trouble = process.trouble()
                if trouble:
                    self._trouble(trouble)
                await _end(socket, _BROKE if trouble else _OVER)

    async def _end_sessions(self, app: web.Application) -> None:
        self._stopping = True
        await asyncio.gather(*(_end(socket, _STOPPING) for socket in self._sockets), return_exceptions=True)


def _one(request: web.Request, name: str) -> str:
    """Return a header's value; one that is given twice is given wrongly."""
    values = request.headers.getall(name, [])
    if len(values) > 1:
        raise Refused(400, _NOT_OURS)
    return values[0] if values else ""


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status)


async def _add_headers(_request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.setdefault("Content-Security-Policy", policy())
    answer.headers.update(HEADERS)


async def _end(socket: web.WebSocketResponse, why: str) -> None:
    """Say why and close."""
    with contextlib.suppress(ConnectionError, RuntimeError):
        if socket.prepared and not socket.closed:
            await socket.send_str(json.dumps(["ended", why]))
        await socket.close()
