"""A DNS server with a few zones of its own, on UDP and TCP, that answers like a resolver for them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping

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
    """The zones, and what is answered for them."""

    def __init__(self, zones: Mapping[str, str]) -> None:
        """Read `zones`: the text of each zone file by its origin."""
        self._zones = [
            dns.zone.from_text(text, origin=dns.name.from_text(origin), relativize=False)
            for origin, text in zones.items()
        ]

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
        zone = self._zone_of(asked.name)
        if zone is None:
            reply.set_rcode(dns.rcode.REFUSED)
        else:
            reply.flags |= dns.flags.AA | dns.flags.RA
            self._fill(reply, zone, asked.name, asked.rdtype)
        size = max(512, query.payload) if udp else 65535
        try:
            return reply.to_wire(max_size=size)
        except dns.exception.TooBig:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.AA | dns.flags.TC
            return short.to_wire()

    def _zone_of(self, name: dns.name.Name) -> dns.zone.Zone | None:
        return next((zone for zone in self._zones if zone.origin and name.is_subdomain(zone.origin)), None)

    def _fill(
        self, reply: dns.message.Message, zone: dns.zone.Zone, name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
    ) -> None:  # fmt: skip
        alias = zone.get_rrset(name, dns.rdatatype.CNAME)
        if alias is not None and rdtype != dns.rdatatype.CNAME:
            reply.answer.append(alias)
            name = alias[0].target
        found = zone.get_rrset(name, rdtype)
        if found is not None:
            reply.answer.append(found)
            return
        assert zone.origin is not None
        soa = zone.get_rrset(zone.origin, dns.rdatatype.SOA)
        if soa is not None:
            reply.authority.append(soa)
        if not any(known.is_subdomain(name) for known in zone.nodes):
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
