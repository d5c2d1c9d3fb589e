"""Authoritative servers for tests: many loopback addresses, one port; real daemons, and stand-ins that lie.

A `Fleet` answers from zones like a plain server (referrals with glue, aliases, NODATA, NXDOMAIN) unless told
otherwise; each address has its own zones and its own faults.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

Change = Callable[[dns.message.Message, str], "dns.message.Message | bytes | None"]
"""Takes the answer and the transport (`udp` or `tcp`), and returns what is sent instead; None: nothing."""


@dataclass
class Host:
    """One server: its zones (text by apex), and what it does to an answer."""

    zones: Mapping[str, str] = field(default_factory=dict)
    change: Change | None = None
    edns: str = "yes"
    """`yes`, `no` (answers without), `formerr`, `drop`."""
    _read: list[tuple[dns.name.Name, dns.zone.Zone]] = field(default_factory=list)

    def read(self) -> None:
        self._read.clear()
        for apex, text in self.zones.items():
            name = dns.name.from_text(apex)
            zone = dns.zone.from_text(text, name, relativize=False, check_origin=False)
            self._read.append((name, zone))
        self._read.sort(key=lambda pair: -len(pair[0]))

    def reply(self, wire: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        if query.edns >= 0 and self.edns == "drop":
            return None
        made = dns.message.make_response(query)
        if query.edns >= 0 and self.edns == "formerr":
            made.use_edns(False)
            made.set_rcode(dns.rcode.FORMERR)
            return made.to_wire()
        if query.edns >= 0:
            made.use_edns(0 if self.edns == "yes" else False, payload=1232)
        self.fill(made, query.question[0].name, query.question[0].rdtype)
        changed = self.change(made, transport) if self.change else made
        if changed is None or isinstance(changed, bytes):
            return changed
        if transport == "tcp":
            return changed.to_wire(max_size=65535)
        size = 1232 if query.edns >= 0 else 512
        try:
            return changed.to_wire(max_size=size)
        except dns.exception.TooBig:
            for section in (changed.answer, changed.authority, changed.additional):
                section.clear()
            changed.flags |= dns.flags.TC
            return changed.to_wire(max_size=65535)

    def fill(self, made: dns.message.Message, name: dns.name.Name, rdtype: int) -> None:
        found = next(((apex, zone) for apex, zone in self._read if name.is_subdomain(apex)), None)
        if found is None:
            made.set_rcode(dns.rcode.REFUSED)
            return
        apex, zone = found
        cut = name
        cuts = []
        while cut != apex:
            cuts.append(cut)
            cut = cut.parent()
        for cut in reversed(cuts):
            ns = zone.get_rrset(cut, "NS")
            if ns is not None:
                made.authority.append(ns)
                self._glue(made, zone, ns)
                return
        made.flags |= dns.flags.AA
        wanted = zone.get_rrset(name, rdtype)
        alias = zone.get_rrset(name, "CNAME")
        if wanted is not None:
            made.answer.append(wanted)
            if rdtype == dns.rdatatype.NS:
                self._glue(made, zone, wanted)
            return
        if alias is not None:
            made.answer.append(alias)
            target = alias[0].target
            more = zone.get_rrset(target, rdtype) if target.is_subdomain(apex) else None
            if more is not None:
                made.answer.append(more)
            return
        soa = zone.get_rrset(apex, "SOA")
        if soa is not None:
            made.authority.append(soa)
        if not any(node.is_subdomain(name) for node in zone.nodes):
            made.set_rcode(dns.rcode.NXDOMAIN)

    @staticmethod
    def _glue(made: dns.message.Message, zone: dns.zone.Zone, ns: dns.rrset.RRset) -> None:
        for record in ns:
            for kind in ("A", "AAAA"):
                found = zone.get_rrset(record.target, kind)
                if found is not None:
                    made.additional.append(found)


def port_for(addresses: list[str]) -> int:
    """Return a port that is free for UDP and TCP on every one of `addresses`."""
    while True:
        with contextlib.ExitStack() as stack:
            port = 0
            try:
                for address in addresses:
                    family = socket.AF_INET6 if ":" in address else socket.AF_INET
                    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                        one = stack.enter_context(socket.socket(family, kind))
                        one.bind((address, port))
                        port = one.getsockname()[1]
            except OSError:
                continue
            return port


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, host: Host) -> None:
        self.host = host

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        reply = self.host.reply(data, "udp")
        if reply is not None:
            self.transport.sendto(reply, peer)


@contextlib.contextmanager
def fleet(hosts: Mapping[str, Host], *, udp: Mapping[str, bool] | None = None, tcp=None) -> Iterator[int]:
    """Serve each address of `hosts` on one port and yield it. `udp`, `tcp`: False where nothing listens."""
    for host in hosts.values():
        host.read()
    port = port_for(list(hosts))
    loop = asyncio.new_event_loop()
    stopped: list[asyncio.Event] = []
    ready = threading.Event()
    failed: list[BaseException] = []

    async def serve() -> None:
        stop = asyncio.Event()
        stopped.append(stop)
        servers, transports = [], []
        try:
            for address, host in hosts.items():
                if (udp or {}).get(address, True):
                    made, _ = await loop.create_datagram_endpoint(
                        lambda host=host: _Udp(host), local_addr=(address, port)
                    )
                    transports.append(made)
                if (tcp or {}).get(address, True):

                    async def handle(reader, writer, host=host):
                        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                            size = int.from_bytes(await reader.readexactly(2), "big")
                            reply = host.reply(await reader.readexactly(size), "tcp")
                            if reply is None:
                                await reader.read(1)
                            else:
                                writer.write(len(reply).to_bytes(2, "big") + reply)
                                await writer.drain()
                        writer.close()

                    servers.append(await asyncio.start_server(handle, address, port))
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            ready.set()
        await stop.wait()
        for made in transports:
            made.close()
        for server in servers:
            server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait(10)
    assert not failed, failed
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stopped[0].set)
        thread.join(10)
        loop.close()


def without_aa(made: dns.message.Message, transport: str) -> dns.message.Message:
    made.flags &= ~dns.flags.AA
    return made


def silent_on(*transports: str) -> Change:
    return lambda made, transport: None if transport in transports else made


def with_rcode(rcode: str) -> Change:
    def change(made: dns.message.Message, transport: str) -> dns.message.Message:
        for section in (made.answer, made.authority, made.additional):
            section.clear()
        made.flags &= ~dns.flags.AA
        made.set_rcode(dns.rcode.from_text(rcode))
        return made

    return change
