"""The practice office as a whole: its services, and what is wrong with them before they are mended."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from agent.demo import ports
from agent.demo.authority import Authority
from agent.demo.datagrams import Datagrams
from agent.demo.dns_server import Answers, DnsOverTcp
from agent.demo.ntp_server import tell_time
from agent.demo.serving import Service, Serving
from agent.demo.streams import Greeter
from agent.demo.web import Page, Web
from checks.dataclass import dataclass

DOMAIN = "office.test"
OLD_SERVER, NEW_SERVER = "192.0.2.20", "198.51.100.20"
PREFERRED = {
    "dns": 21053, "intranet": 21443, "router": 21179, "printer": 21910, "recorder": 21800, "mail": 21025,
    "phones": 21506, "directory": 21389, "time": 21123, "policy": 21444, "switch": 21161, "ups": 21162,
    "printer-snmp": 21163, "files-old": 21022, "files-new": 21023,
}  # fmt: skip
"""Ports that are used where they are free, so that the project file stays the same from start to start."""

NEW_MX = "office-test.mail.protection.outlook.com"
SENDERS = {"old": "198.51.100.25", "new": "203.0.113.65"}
"""What sends mail of the office: the old server, and one address of the new side."""

_ZONE = """\
@ 300 IN SOA ns hostmaster 2026120501 3600 600 86400 300
@ 300 IN NS ns
ns 300 IN A 198.51.100.53
intranet 300 IN A 198.51.100.10
files 300 IN A {files}
printer 300 IN CNAME printer-1
printer-1 300 IN A 198.51.100.91
mail 300 IN A 198.51.100.25
@ 300 IN MX 0 office-test.mail.protection.outlook.com.
_dmarc 300 IN TXT "v=DMARC1; p=none; rua=mailto:dmarc@office.test"
_mta-sts 300 IN TXT "v=STSv1; id={policy}"
mta-sts 300 IN A 127.0.0.1
"""
_NEW_SIDE = """\
@ 300 IN SOA ns hostmaster 2026120501 3600 600 86400 300
@ 300 IN NS ns
ns 300 IN A 203.0.113.53
office-test.mail 300 IN A 203.0.113.64
office-test.mail 300 IN AAAA 2001:db8:65::64
spf 300 IN TXT "v=spf1 ip4:203.0.113.64/28 -all"
"""
"""Zone protection.outlook.com of the practice Internet; the real one is asked for nothing."""
_SPF = ("v=spf1 ip4:198.51.100.25 include:spf.protection.outlook.com -all",)
_SPF_TWICE = ("v=spf1 ip4:198.51.100.25 -all", "v=spf1 include:spf.protection.outlook.com -all")
_POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mail.office.test\r\n{more}max_age: 604800\r\n"
_PAGES: Mapping[str, Page] = {
    "/": Page(b"<title>Intranet</title><h1>Welcome to the new office</h1>\n"),
    "/health": Page(b'{"status": "ok", "office": "new"}\n', "application/json"),
}
_RECORDER = {"/": Page(b"<title>Camera recorder</title><h1>Log in</h1>\n")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is still wrong, as real moves have it."""

    old_record: bool = True
    """DNS names the file server of the old office."""
    expired_certificate: bool = True
    """The intranet's certificate ended three days ago."""
    printer_off: bool = True
    """The printer's port refuses connections."""
    recorder_open: bool = True
    """The camera recorder's web page can be reached from the desks."""
    second_spf: bool = True
    """The new side's SPF record was added beside the old one instead of merged with it."""
    old_policy: bool = True
    """The MTA-STS policy names the old mail server only, so that senders refuse the new one."""
    slow_port: bool = True
    """The access point's port runs at 100 Mbit/s: an old cable."""
    on_battery: bool = True
    """The UPS is not plugged into mains."""
    waste_full: bool = True
    """The printer's waste container is full."""
    changed_file: bool = True
    """Somebody worked on a file of the old server after it was copied to the new one."""
    old_backup: bool = True
    """The old server's newest backup is three days old."""
    nothing_agreed: bool = True
    """Nobody has stated that the way back is agreed."""


MENDED = Faults(
    old_record=False, expired_certificate=False, printer_off=False, recorder_open=False, second_spf=False,
    old_policy=False, slow_port=False, on_battery=False, waste_full=False, changed_file=False,
    old_backup=False, nothing_agreed=False,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The office while it is open: where each service is, and the authority that its clients trust."""

    ports: Mapping[str, int]
    ca_pem: bytes
    ssh_key: str
    """The technician's private key, which the two file servers know."""
    known_hosts: str
    """The file servers' host keys, as a known_hosts file has them."""


@contextmanager
def opened(faults: Faults) -> Iterator[Office]:
    """Open the practice office on loopback; everything is closed again at the end.

    Raises OSError where no port can be had on 127.0.0.1.
    """
    bound: dict[str, int] = {}
    sockets: list[socket.socket] = []

    def bind(name: str, make: Callable[[int], socket.socket] = ports.listening) -> socket.socket:
        found = make(PREFERRED[name])
        sockets.append(found)
        bound[name] = ports.port_of(found)
        return found

    authority = Authority("Practice office CA")
    try:
        over_udp, over_tcp = ports.both(PREFERRED["dns"])
        sockets += over_udp, over_tcp
        bound["dns"] = ports.port_of(over_udp)
        answers = Answers({DOMAIN: _zone(faults), "protection.outlook.com": _NEW_SIDE})
        context = authority.server_context(
            f"intranet.{DOMAIN}", ports.ADDRESS, days_left=-3 if faults.expired_certificate else 90
        )
        services: list[Service] = [
            Datagrams(over_udp, lambda query: answers.answer(query, udp=True)),
            DnsOverTcp(over_tcp, answers),
            Datagrams(bind("time", ports.datagrams), tell_time),
            Web(bind("intranet"), _PAGES, context),
            Web(
                bind("policy"),
                {"/.well-known/mta-sts.txt": _policy(faults)},
                authority.server_context(f"mta-sts.{DOMAIN}", ports.ADDRESS, days_left=90),
            ),
            Greeter(bind("router")),
            Greeter(bind("mail"), f"220 mail.{DOMAIN} ESMTP ready\r\n".encode("ascii")),
            Greeter(bind("phones")),
            Greeter(bind("directory")),
            *_agents(faults, lambda name: bind(name, ports.datagrams)),
        ]
        file_servers, ssh_key, known_hosts = _file_servers(faults, bind)
        services += file_servers
        if faults.printer_off:
            bind("printer", ports.silent)
        else:
            services.append(Greeter(bind("printer")))
        if faults.recorder_open:
            services.append(Web(bind("recorder"), _RECORDER))
        else:
            bind("recorder", ports.silent)
        with Serving(services):
            yield Office(
                ports=bound, ca_pem=authority.pem(), ssh_key=ssh_key, known_hosts=known_hosts,
            )  # fmt: skip
    finally:
        ports.close_all(sockets)


def _agents(faults: Faults, bind: Callable[[str], socket.socket]) -> Iterator[Service]:
    from agent.demo import snmp_devices as devices
    from agent.demo.snmp_server import SnmpAgent

    for name, objects in (
        ("switch", devices.switch(slow_port=faults.slow_port)),
        ("ups", devices.ups(on_battery=faults.on_battery)),
        ("printer-snmp", devices.printer(waste_full=faults.waste_full)),
    ):
        yield SnmpAgent(bind(name), devices.COMMUNITY, objects)


def _file_servers(
    faults: Faults, bind: Callable[[str], socket.socket]
) -> tuple[list[Service], str, str]:  # fmt: skip
    """Return the two servers, the technician's key, and what known_hosts must hold."""
    from agent.demo import ssh_hosts as hosts
    from agent.demo.ssh_server import SshServer, new_key

    key, now = new_key(), int(time.time())
    answers = {
        "files-old": hosts.old_server(now, changed=faults.changed_file, overdue=faults.old_backup),
        "files-new": hosts.new_server(now),
    }
    servers: list[Service] = []
    known = ""
    for name, answer in answers.items():
        listening, host_key = bind(name), new_key()
        servers.append(
            SshServer(listening, host_key=host_key, user=hosts.USER, authorised=key, answers=answer)
        )
        known += f"[{ports.ADDRESS}]:{ports.port_of(listening)} {host_key.public}\n"
    return servers, key.private, known


def _zone(faults: Faults) -> str:
    spf = "".join(f'@ 300 IN TXT "{text}"\n' for text in (_SPF_TWICE if faults.second_spf else _SPF))
    files = OLD_SERVER if faults.old_record else NEW_SERVER
    policy = "20250301T090000" if faults.old_policy else "20261205T220000"
    return _ZONE.format(files=files, policy=policy) + spf


def _policy(faults: Faults) -> Page:
    more = "" if faults.old_policy else f"mx: {NEW_MX}\r\n"
    return Page(_POLICY.format(more=more).encode("ascii"), "text/plain")
