"""The practice office speaks the real protocols, asked by libraries that know nothing of it."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
import urllib.request

import dns.message
import dns.query
import dns.rcode
import pytest

from agent.demo.dns_server import Answers
from agent.demo.office import DOMAIN, MENDED, NEW_MX, NEW_SERVER, OLD_SERVER, Faults, opened
from agent.demo.serving import Serving


@pytest.fixture(scope="module")
def mended():
    with opened(MENDED) as office:
        yield office


@pytest.fixture(scope="module")
def faulty():
    with opened(Faults()) as office:
        yield office


def ask(office, name, rdtype, how=dns.query.udp):
    return how(dns.message.make_query(name, rdtype), "127.0.0.1", port=office.ports["dns"], timeout=5)


@pytest.mark.parametrize("how", [dns.query.udp, dns.query.tcp])
def test_dns(mended, how):
    reply = ask(mended, f"files.{DOMAIN}", "A", how)
    assert reply.answer[0][0].address == NEW_SERVER
    assert reply.flags & dns.flags.AA
    reply = ask(mended, f"printer.{DOMAIN}", "A", how)
    assert [rrset.rdtype.name for rrset in reply.answer] == ["CNAME", "A"]
    assert ask(mended, f"nothing.{DOMAIN}", "A", how).rcode() == dns.rcode.NXDOMAIN
    nodata = ask(mended, f"files.{DOMAIN}", "AAAA", how)
    assert (nodata.rcode(), nodata.answer, len(nodata.authority)) == (dns.rcode.NOERROR, [], 1)
    assert ask(mended, "example.org", "A", how).rcode() == dns.rcode.REFUSED


def test_dns_of_the_faulty_office_names_the_old_server(faulty):
    assert ask(faulty, f"files.{DOMAIN}", "A").answer[0][0].address == OLD_SERVER


def spf(office):
    return [rdata.to_text() for rdata in ask(office, DOMAIN, "TXT").answer[0]]


def test_the_mail_side_has_its_two_faults_and_they_can_be_mended(mended, faulty):
    assert spf(mended) == ['"v=spf1 ip4:198.51.100.25 include:spf.protection.outlook.com -all"']
    assert len(spf(faulty)) == 2
    (said,) = ask(mended, DOMAIN, "MX").answer[0]
    assert said.to_text() == f"0 {NEW_MX}."
    assert ask(mended, NEW_MX, "A").answer[0][0].address == "203.0.113.64"
    assert ask(mended, "spf.protection.outlook.com", "TXT").answer
    assert ask(mended, "outlook.com", "A").rcode() == dns.rcode.REFUSED
    for office, named in ((mended, True), (faulty, False)):
        status, body = fetch(office, "/.well-known/mta-sts.txt", "policy")
        assert status == 200
        assert body.endswith(b"max_age: 604800\r\n")
        assert (f"mx: {NEW_MX}\r\n".encode() in body) is named


async def said(office, name, *oids, community="practice"):
    """Return what an agent says, asked by pysnmp's own client."""
    from pysnmp.hlapi.v1arch import asyncio as client

    dispatcher = client.SnmpDispatcher()
    try:
        target = await client.UdpTransportTarget.create(
            ("127.0.0.1", office.ports[name]), timeout=2, retries=1
        )
        asked = [client.ObjectType(client.ObjectIdentity(oid)) for oid in oids]
        trouble, _, _, found = await client.get_cmd(
            dispatcher, client.CommunityData(community, mpModel=1), target, *asked, lookupMib=False
        )
        return str(trouble) if trouble else [value.prettyPrint() for _, value in found]
    finally:
        dispatcher.close()


@pytest.mark.parametrize(
    ("name", "oid", "broken", "mended_"),
    [
        ("switch", "1.3.6.1.2.1.31.1.1.1.15.2", "100", "1000"),
        ("ups", "1.3.6.1.2.1.33.1.4.1.0", "5", "3"),
        ("printer-snmp", "1.3.6.1.2.1.43.11.1.1.9.1.2", "97", "31"),
    ],
)
async def test_the_devices_answer_by_snmp_with_their_faults_and_without(
    mended, faulty, name, oid, broken, mended_
):
    assert await said(faulty, name, oid) == [broken]
    assert await said(mended, name, oid) == [mended_]


async def test_an_agent_tells_nobody_who_does_not_know_the_community(mended):
    assert "No SNMP response" in await said(mended, "ups", "1.3.6.1.2.1.1.5.0", community="public")


def test_what_is_no_query_gets_no_answer_and_a_long_one_is_truncated():
    answers = Answers({"office.test": "@ 1 IN SOA a b 1 1 1 1 1\n@ 1 IN NS a\n" + "\n".join(
        f'@ 1 IN TXT "{"x" * 200} {n}"' for n in range(10))})  # fmt: skip
    for wire in (b"", b"\0" * 5, b"\xff" * 600):
        assert answers.answer(wire, udp=True) is None
    query = dns.message.make_query("office.test", "TXT", use_edns=False)
    short = dns.message.from_wire(answers.answer(query.to_wire(), udp=True))
    assert short.flags & dns.flags.TC
    assert len(dns.message.from_wire(answers.answer(query.to_wire(), udp=False)).answer[0]) == 10


def fetch(office, path, server="intranet"):
    context = ssl.create_default_context(cadata=office.ca_pem.decode())
    url = f"https://127.0.0.1:{office.ports[server]}{path}"
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(url, timeout=10) as answer:
        return answer.status, answer.read()


def test_web_with_a_certificate_that_is_trusted_only_by_its_own_authority(mended):
    assert fetch(mended, "/health") == (200, b'{"status": "ok", "office": "new"}\n')
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(mended, "/other")
    with socket.create_connection(("127.0.0.1", mended.ports["intranet"])) as plain:
        context = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname=f"intranet.{DOMAIN}")


def test_the_faulty_office_s_certificate_has_expired(faulty):
    with pytest.raises(urllib.error.URLError, match="expired"):
        fetch(faulty, "/health")


def test_time(mended):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"\x23" + bytes(39) + b"cookie!!", ("127.0.0.1", mended.ports["time"]))
        reply = client.recv(100)
    assert len(reply) == 48
    assert (reply[0] & 7, reply[1], reply[24:32]) == (4, 2, b"cookie!!")
    seconds = struct.unpack("!I", reply[40:44])[0] - 2_208_988_800
    assert abs(seconds - time.time()) < 60


def test_greetings(mended):
    with socket.create_connection(("127.0.0.1", mended.ports["mail"]), timeout=5) as mail:
        assert mail.recv(100).startswith(b"220 mail.office.test")


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_what_is_open_and_what_is_shut():
    for faults, printer, recorder in ((MENDED, True, False), (Faults(), False, True)):
        with opened(faults) as office:
            assert connects(office.ports["printer"]) is printer
            assert connects(office.ports["recorder"]) is recorder


def test_two_offices_at_once_and_nothing_left_when_they_close():
    before = threading.active_count()
    with opened(MENDED) as one, opened(MENDED) as other:
        assert not set(one.ports.values()) & set(other.ports.values())
    assert threading.active_count() == before
    assert not any(connects(port) for name, port in one.ports.items() if name not in ("dns", "time"))


def test_a_client_that_never_speaks_does_not_keep_the_office_open():
    with opened(MENDED) as office:
        idle = [socket.create_connection(("127.0.0.1", office.ports[n])) for n in ("intranet", "mail", "dns")]
    for client in idle:
        client.close()


def test_a_service_that_cannot_start_is_said_and_the_others_are_stopped():
    class Fine:
        stopped = False

        async def start(self):
            pass

        async def stop(self):
            self.stopped = True

    class Broken(Fine):
        async def start(self):
            raise OSError("no port")

    fine = Fine()
    with pytest.raises(OSError, match="no port"), Serving([fine, Broken()]):
        pass
    assert fine.stopped
