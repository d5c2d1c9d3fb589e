"""`gonogo dashboard --web`: bind, print one address, serve until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click
from aiohttp import web

from checks.safe import safe
from tui.web.server import Server
from tui.web.session import app_command

PORT = 8765
"""Always the same if it is free: who comes through ssh -L writes it down once."""
ADDRESS = "127.0.0.1"
_SHUTDOWN_S = 3.0


class PortTaken(Exception):  # noqa: N818 - said to the person who asked for it
    """The port asked for cannot be had."""


def serve(project_file: Path, title: str, port: int | None) -> None:
    """Serve the dashboard of a project file until a signal; raises PortTaken."""
    with bound(port) as listener, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(listener, project_file, title))


def bound(port: int | None) -> socket.socket:
    """Return a listening socket: on `port`, else on PORT, else on any that is free."""
    ports = (PORT, 0) if port is None else (port,)
    for one in ports:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, one))
            listener.listen(64)
        except OSError as error:
            listener.close()
            if one == ports[-1]:
                raise PortTaken(
                    f"Port {one} on {ADDRESS} cannot be had ({error.strerror}): another program has it, or "
                    "it is kept for the system. Name another one with --port, or leave --port out."
                ) from error
        else:
            return listener
    raise AssertionError


async def _serve(listener: socket.socket, project_file: Path, title: str) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(getattr(signal, name), stop.set)
    _log_safely()
    server = Server(app_command(project_file), title=title, trouble=_tell)
    runner = web.AppRunner(
        server.app(),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_S,
        keepalive_timeout=15,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        port = listener.getsockname()[1]

        def show_address() -> None:
            click.echo(f"http://{ADDRESS}:{port}/?token={server.doors.new_token()}")
            sys.stdout.flush()

        _tell(
            "The dashboard is served to this machine only, and only shows. This address opens it in a browser"
            f" once. From elsewhere: ssh -L {port}:{ADDRESS}:{port} THIS-LAPTOP, then open it there. "
            "Enter prints an address for one more browser, Ctrl-C ends."
        )
        show_address()
        _on_enter(lambda: loop.call_soon_threadsafe(show_address))
        await stop.wait()
    finally:
        await runner.cleanup()


def _tell(text: str) -> None:
    click.echo(safe(text, lines=True, limit=4000), err=True)


def _on_enter(do: Callable[[], object]) -> None:
    """Call `do` for each line on stdin; one that ends or cannot be read (in the background) is left alone."""
    if hasattr(signal, "SIGTTIN"):
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)

    def listen() -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while data := os.read(0, 1024):
                for _ in range(min(data.count(b"\n"), 1)):
                    do()

    threading.Thread(target=listen, daemon=True, name="enter").start()


class _Safely(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _tell(f"{record.name}: {record.getMessage()}")


def _log_safely() -> None:
    """Let no library write to the terminal what a stranger sent; traces are for GONOGO_DEBUG."""
    if os.environ.get("GONOGO_DEBUG"):
        return
    logger = logging.getLogger()
    logger.handlers[:] = [_Safely(logging.WARNING)]
