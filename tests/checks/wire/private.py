"""An authority, servers that show its certificates, and questions to them over TLS and HTTPS."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from checks.vantage import Shared
from checks.wire.dns import Answer, Dns
from tests.checks import pki
from tests.checks.hostile import Handler, serve

NAME = "www.office.example"


class Authority:
    """A folder with an authority's certificate and a healthy pair for `dns.example` and 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pair = pki.make("Authority", authority=True)
        self.ca_file = str(folder / "ca.pem")
        Path(self.ca_file).write_bytes(pki.pem(self.pair.certificate))
        self.healthy = pki.make("dns.example", by=self.pair, names=("dns.example", "127.0.0.1"))

    def files(self) -> tuple[Path, Path]:
        """Return the healthy chain and key as files."""
        return self.healthy.write(self.folder, "healthy")

    def server(self, *protocols: str, pair: pki.Pair | None = None) -> ssl.SSLContext:
        """Return a server context that shows `pair` or the healthy one, with `protocols` by ALPN."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            context = (pair or self.healthy).server(Path(place))
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context


Work = Callable[[Dns, str], Awaitable[Answer | list[Answer]]]


def against(handler: Handler, work: Work, *, tls: ssl.SSLContext | None, url: str) -> Answer | list[Answer]:
    """Serve `handler` and return what `work` makes of a client and `url` with the server's port in it."""

    async def run() -> Answer | list[Answer]:
        async with serve(handler, tls=tls) as port:
            client = await Dns.open(Shared())
            try:
                return await work(client, url.format(port=port))
            finally:
                await client.close()

    return asyncio.run(run())
