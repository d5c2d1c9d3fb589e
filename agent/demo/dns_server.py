"""An authoritative DNS server for one zone, on UDP and TCP."""

from __future__ import annotations

import asyncio
import socket
import struct

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.zone

from agent.demo.streams import Streams


class Answers:
    """The zone, and what is answered for it."""

    def __init__(self, origin: str, zone: str) -> None:
        """Read `zone`, a zone file's text, relative to `origin`."""
        self._origin = dns.name.from_text(origin)
        self._zone = dns.zone.from_text(zone, origin=self._origin, relativize=False)

    def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
        """Return the answer to a query in wire format, or None for what is no query."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        if query.flags & dns.flags.QR or query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return None
        reply = dns.message.make_response(query)
        asked = query.question[0]
        if not asked.name.is_subdomain(self._origin):
            reply.set_rcode(dns.rcode.REFUSED)
        else:
            reply.flags |= dns.flags.AA
            self._fill(reply, asked.name, asked.rdtype)
        size = max(512, query.payload) if udp else 65535
        try:
            return reply.to_wire(max_size=size)
        except dns.exception.TooBig:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.AA | dns.flags.TC
            return short.to_wire()

    def _fill(self, reply: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> None:
        alias = self._zone.get_rrset(name, dns.rdatatype.CNAME)
        if alias is not None and rdtype != dns.rdatatype.CNAME:
            reply.answer.append(alias)
            name = alias[0].target
        found = self._zone.get_rrset(name, rdtype)
        if found is not None:
            reply.answer.append(found)
            return
        soa = self._zone.get_rrset(self._origin, dns.rdatatype.SOA)
        if soa is not None:
            reply.authority.append(soa)
        if not any(known.is_subdomain(name) for known in self._zone.nodes):
            reply.set_rcode(dns.rcode.NXDOMAIN)


class DnsOverTcp(Streams):
    """Answers queries on a listening TCP socket (RFC 7766)."""

    def __init__(self, listening: socket.socket, answers: Answers) -> None:
        super().__init__(listening)
        self._answers = answers

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer queries until the client has gone."""
        while True:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            reply = self._answers.answer(await reader.readexactly(length), udp=False)
            if reply is None:
                return
            writer.write(struct.pack("!H", len(reply)) + reply)
            await writer.drain()
