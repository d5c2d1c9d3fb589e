"""The mail of contoso.example on the day before it moves: real name servers, mail servers and web servers.

    laptop ---- gateway ---- internet: root, TLDs, ns1 (knotd) and ns2 (nsd) of the customer, resolvers
                office's                (unbound), old and new MX (postfix), MTA-STS and web (nginx),
                resolver                STUN (turnserver), and a stand-in for Microsoft's services

Office 10.50.0.0/24, the line 198.51.100.0/24, Internet 203.0.113.0/24 and 2001:db8:fe::/64 (addresses for
documentation), and two of Microsoft's, all of it inside namespaces. Microsoft's names exist here, in
the lab's own signed root, so that a shipped profile runs unchanged. Every step of a cutover is a method;
resolvers forget at once what a TTL would make them forget.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.lab import daemons, probes
from tests.lab import microsoft as stand_in
from tests.lab import microsoft_replies as replies
from tests.lab.certs import Authority, KeyPair
from tests.lab.mail_zones import NameServer, Unbound, Zone
from tests.lab.mailserver import Postfix, postfix
from tests.lab.namespaces import Lab, Namespace, link

TOOLS = (
    "ip",
    "nft",
    "knotd",
    "nsd",
    "unbound",
    "unbound-control",
    "postfix",
    "nginx",
    "turnserver",
    "faketime",
)
"""Programs that the world is made of: `need(*TOOLS)`."""

DOMAIN = "contoso.example"
OLD_MX, NEW_MX = "mx1.hoster.example", "contoso-example.k-v1.mx.microsoft"
OLD_TTL, TTL = 3600, 300
SELECTORS = {
    f"selector{n}": f"selector{n}-contoso-example._domainkey.contoso.k-v1.dkim.mail.microsoft" for n in (1, 2)
}
MAILBOX = f"probe@{DOMAIN}"

LAPTOP, OFFICE_DNS = "10.50.0.50", "10.50.0.1"
ROOT, TLD, NS1, NS2 = "203.0.113.1", "203.0.113.2", "203.0.113.61", "203.0.113.62"
NS1_6, NS2_6 = "2001:db8:fe::61", "2001:db8:fe::62"
RESOLVER, PANEL = "203.0.113.10", ("203.0.113.11", "203.0.113.12")
OLD, NEW, CONTROL, NEW_6 = "203.0.113.25", "203.0.113.26", "203.0.113.27", "2001:db8:fe::26"
WEB, STUN_CONTROL = "203.0.113.80", "203.0.113.79"
MICROSOFT, STUN = "52.96.10.70", "52.112.10.78"
"""Addresses of Microsoft's own networks, as checks look at them; here they end in the lab."""
_V4 = (ROOT, TLD, NS1, NS2, RESOLVER, *PANEL, OLD, NEW, CONTROL, MICROSOFT, WEB, STUN, STUN_CONTROL)
_V6 = (NS1_6, NS2_6, NEW_6)

OLD_SPF = f"v=spf1 ip4:{OLD} -all"
UNION_SPF = f"v=spf1 ip4:{OLD} include:spf.protection.outlook.com -all"
MICROSOFT_NAMES = (
    "login.microsoftonline.com", "graph.microsoft.com", "endpoints.office.com", "outlook.office365.com",
    "teams.microsoft.com", "autodiscover.outlook.com", "contoso.sharepoint.com", "contoso-my.sharepoint.com",
)  # fmt: skip


class MailWorld:
    """The world, running; a context manager. It begins two weeks before the cutover, with nothing done."""

    lab: Lab
    laptop: Namespace
    gateway: Namespace
    internet: Namespace
    zone: Zone
    """The customer's zone as both its servers have it."""
    cloud: stand_in.Cloud
    old: Postfix
    new: Postfix
    control: Postfix
    web: daemons.Nginx

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.lab = self._stack.enter_context(Lab())
        try:
            self._wire()
            self._trust()
            self._zones()
            self._serve()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def folder(self) -> Path:
        """Where the lab's files are."""
        return self.lab.folder

    @property
    def resolvers(self) -> tuple[Unbound, ...]:
        """Every resolver of the world."""
        return (self.resolver, *self.panel, self.inside)

    # What a person does, step by step.

    def prepare(self) -> None:
        """Add domain, users and licences to the tenant, publish what proves it and the DKIM selectors."""
        self.cloud.add_domain(
            DOMAIN, supportedServices=["Email", "OfficeCommunicationsOnline", "Intune"]
        )  # fmt: skip
        self.cloud.records[DOMAIN] = replies.records(DOMAIN, NEW_MX)
        self.cloud.skus = [replies.sku("SPE_E3", 50, 20)]
        self.cloud.registrations = [
            replies.registration(f"admin@{DOMAIN}", registered=True, admin=True),
            replies.registration(f"ann@{DOMAIN}", registered=True),
        ]
        self.cloud.policies = [
            replies.policy("Require MFA"),
            replies.policy("Block legacy", controls=("block",), clients=("exchangeActiveSync", "other")),
        ]
        self.cloud.mailboxes = {MAILBOX: "https://outlook.office365.com/autodiscover/autodiscover.xml"}
        self.zone.set("@", "TXT", *self._spf(OLD_SPF))
        for selector, target in SELECTORS.items():
            self.zone.set(f"{selector}._domainkey", "CNAME", f"{target}.")
        self.zone.set("_sipfederationtls._tcp", "SRV", "100 1 5061 sipfed.online.lync.com.")
        self.zone.set("enterpriseregistration", "CNAME", "enterpriseregistration.windows.net.")
        self.publish()

    def ready_senders(self) -> None:
        """One SPF record for old and new senders; DKIM switched on; DMARC relaxed; reports asked for."""
        self.zone.set("@", "TXT", *self._spf(UNION_SPF), ttl=OLD_TTL)
        self.zone.set("_dmarc", "TXT", f'"v=DMARC1; p=none; rua=mailto:dmarc@{DOMAIN}"', ttl=OLD_TTL)
        self.zone.set("_smtp._tls", "TXT", f'"v=TLSRPTv1; rua=mailto:tls@{DOMAIN}"')
        self.enable_dkim()
        self.publish()

    def enable_dkim(self) -> None:
        """Publish the key of selector1 on Microsoft's side."""
        self.microsoft.set(self._below(SELECTORS["selector1"]), "TXT", dkim_record(self.dkim_key))
        self.tlds.publish(*self._tld_zones)

    def lower_ttl(self) -> None:
        """Give every record of the zone the planned TTL; the resolvers still have the old ones."""
        self.zone.low(TTL)
        self.zone.ttl = TTL
        self.publish(flush=False)

    def publish_mta_sts(self, *hosts: str, mode: str = "enforce", id_: str = "20261204") -> None:
        """Serve a policy that names `hosts`, and change its id."""
        self.policy(*hosts, mode=mode)
        self.zone.set("_mta-sts", "TXT", f'"v=STSv1; id={id_}"')
        self.publish()

    def open_new_side(self) -> None:
        """Let Exchange Online take the domain's mail."""
        self.new.change(domains=(DOMAIN,), recipients=(MAILBOX,))

    def switch(self) -> None:
        """Change MX and autodiscover; resolvers keep what they have until `pass_time`."""
        self.zone.set("@", "MX", f"0 {NEW_MX}.")
        self.zone.set("autodiscover", "CNAME", "autodiscover.outlook.com.")
        self.publish(flush=False)

    def pass_time(self) -> None:
        """Let all TTLs end."""
        for resolver in self.resolvers:
            resolver.flush()

    def deliver(self, *minutes_ago: float, status: str = "delivered") -> None:
        """Let the message trace show mail that arrived then; below zero, in a future that a test plays."""
        self.cloud.traces = [replies.trace(MAILBOX, status, minutes_ago=ago) for ago in minutes_ago]

    def export(self, folder: Path, at: float = 0.0, **changed: Any) -> Path:
        """Write an administrator's export to `folder`, `at` seconds from now, with `changed` values."""
        path = folder / "exchange-export.json"
        path.write_text(json.dumps(exported(**changed), indent=1))
        moment = time.time() + at
        os.utime(path, (moment, moment))
        return path

    def until_switched(self) -> None:
        """Do everything in the right order up to the last hour before the switch."""
        self.prepare()
        self.ready_senders()
        self.lower_ttl()
        self.publish_mta_sts(OLD_MX, NEW_MX)
        self.open_new_side()
        self.pass_time()

    # What the world is changed by.

    def publish(self, *, flush: bool = True) -> None:
        """Raise the serial and serve the zone on both servers; the resolvers forget what they had."""
        self.zone.serial += 1
        for server in (self.ns1, self.ns2):
            server.publish(self.zone)
        if flush:
            self.pass_time()

    @contextmanager
    def changed(self, change: Callable[[Zone], None], *, only: Sequence[str] = ()) -> Iterator[None]:
        """Serve a changed copy of the zone, on all servers or on `only` (`ns1`, `ns2`); then as before."""
        zone = self.zone.copied()
        zone.serial += 1
        change(zone)
        names = only or ("ns1", "ns2")
        for name in names:
            getattr(self, name).publish(zone)
        self.pass_time()
        try:
            yield
        finally:
            for name in names:
                getattr(self, name).publish(self.zone)
            self.pass_time()

    @contextmanager
    def changed_above(self, zone: Zone, change: Callable[[Zone], None]) -> Iterator[None]:
        """Serve a changed copy of one of the zones above or beside the customer's; then as before."""
        copied = zone.copied()
        copied.serial += 1
        change(copied)
        self.tlds.publish(copied)
        self.pass_time()
        try:
            yield
        finally:
            self.tlds.publish(zone)
            self.pass_time()

    def policy(self, *hosts: str, mode: str = "enforce") -> None:
        """Let the MTA-STS policy name `hosts`."""
        lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), "max_age: 604800"]
        folder = self.folder / "mta-sts" / ".well-known"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mta-sts.txt").write_bytes("".join(f"{line}\r\n" for line in lines).encode())

    def certificate(self, name: str, pair: KeyPair) -> None:
        """Let the web server `name` (`mta-sts` or `web`) show another certificate from now on."""
        self._place(name, pair)
        self.web.reload()

    def hijack(self, body: str) -> None:
        """Let the web server of the bare domain answer for autodiscover by these nginx directives."""
        (self.folder / "hijack.conf").write_text(body)
        self.web.reload()

    # How it is built.

    def _wire(self) -> None:
        make = self.lab.namespace
        self.laptop, self.gateway, self.internet = make("laptop"), make("gateway"), make("internet")
        link(self.laptop, "eth0", self.gateway, "lan")
        link(self.gateway, "wan", self.internet, "eth0")
        self.laptop.ip(
            f"addr add {LAPTOP}/24 dev eth0", "addr add 2001:db8:50::50/64 dev eth0",
            "route add default via 10.50.0.1", "route add default via 2001:db8:50::1",
        )  # fmt: skip
        self.gateway.ip(
            f"addr add {OFFICE_DNS}/24 dev lan", "addr add 2001:db8:50::1/64 dev lan",
            "addr add 198.51.100.2/24 dev wan", "addr add 2001:db8:ff::2/64 dev wan",
            "route add default via 198.51.100.1", "route add default via 2001:db8:ff::1",
        )  # fmt: skip
        self.internet.ip(
            "addr add 198.51.100.1/24 dev eth0", "addr add 2001:db8:ff::1/64 dev eth0",
            *(f"addr add {one}/32 dev lo" for one in _V4), *(f"addr add {one}/128 dev lo" for one in _V6),
            "route add 10.50.0.0/24 via 198.51.100.2", "route add 2001:db8:50::/64 via 2001:db8:ff::2",
        )  # fmt: skip
        self.gateway.sysctl("net.ipv4.ip_forward", 1)
        self.gateway.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.internet.nft(f"""
table ip relays {{
  chain arriving {{
    type nat hook prerouting priority -100;
    ip daddr {STUN} udp dport 3479-3481 dnat to {STUN}:3478
  }}
}}
""")

    def _trust(self) -> None:
        self.public_ca = Authority("Lab Public CA", organisation="DigiCert Inc")
        self.inspection_ca = Authority("Lab Inspection CA", organisation="Contoso IT")
        self.laptop.etc("ssl/certs/ca-certificates.crt", self.public_ca.pem + self.inspection_ca.pem)
        self.laptop.etc("resolv.conf", f"nameserver {RESOLVER}\n")
        self.laptop.etc("hosts", "127.0.0.1 localhost\n::1 localhost\n")
        (self.folder / "ca.pem").write_text(self.public_ca.pem + self.inspection_ca.pem)

    def _zones(self) -> None:
        self.dkim_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        old_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.zone = Zone(DOMAIN, f"ns1.{DOMAIN}", ttl=OLD_TTL)
        put = self.zone.set
        put("@", "NS", f"ns1.{DOMAIN}.", f"ns2.{DOMAIN}.")
        for name, four, six in (("ns1", NS1, NS1_6), ("ns2", NS2, NS2_6)):
            put(name, "A", four)
            put(name, "AAAA", six)
        for name in ("@", "www", "mta-sts"):
            put(name, "A", WEB)
        put("@", "MX", f"10 {OLD_MX}.")
        put("@", "TXT", *self._spf(OLD_SPF)[:1])
        put("_dmarc", "TXT", f'"v=DMARC1; p=reject; rua=mailto:dmarc@{DOMAIN}"')
        put("_mta-sts", "TXT", '"v=STSv1; id=20250101"')
        put("autodiscover", "CNAME", "autodiscover.hoster.example.")
        put("hoster._domainkey", "TXT", dkim_record(old_key))

        self.example = Zone("example", "ns.example")
        put = self.example.set
        put("@", "NS", "ns.example.")
        put("ns", "A", TLD)
        put("contoso", "NS", f"ns1.{DOMAIN}.", f"ns2.{DOMAIN}.")
        put("contoso", "DS", self.zone.ds())
        for name, four, six in (("ns1", NS1, NS1_6), ("ns2", NS2, NS2_6)):
            put(f"{name}.contoso", "A", four)
            put(f"{name}.contoso", "AAAA", six)
        put("mx1.hoster", "A", OLD)
        put("autodiscover.hoster", "A", WEB)
        put("mx.control", "A", CONTROL)
        put("stun.control", "A", STUN_CONTROL)

        self.com = Zone("com", "ns.example", signed=False)
        put = self.com.set
        put("@", "NS", "ns.example.")
        for name in MICROSOFT_NAMES:
            put(name.removesuffix(".com"), "A", MICROSOFT)
        put("world.tr.teams.microsoft", "A", STUN)
        put("spf.protection.outlook", "TXT", '"v=spf1 ip4:40.107.0.0/16 -all"')
        put("sipfed.online.lync", "A", MICROSOFT)

        self.net = Zone("net", "ns.example", signed=False)
        self.net.set("@", "NS", "ns.example.")
        self.net.set("enterpriseregistration.windows", "A", MICROSOFT)

        self.microsoft = Zone("microsoft", "ns.example")
        self.microsoft.set("@", "NS", "ns.example.")
        self.microsoft.set(self._below(NEW_MX), "A", NEW)
        self.microsoft.set(self._below(NEW_MX), "AAAA", NEW_6)

        self.root = Zone(".", "a.root-servers.example")
        put = self.root.set
        put("@", "NS", "a.root-servers.example.")
        put("a.root-servers.example.", "A", ROOT)
        for zone in self._tld_zones:
            put(f"{zone.origin}.", "NS", "ns.example.")
            if zone.signed:
                put(f"{zone.origin}.", "DS", zone.ds())
        put("ns.example.", "A", TLD)
        self.example.set("a.root-servers", "A", ROOT)

    @property
    def _tld_zones(self) -> tuple[Zone, ...]:
        return (self.example, self.com, self.net, self.microsoft)

    @staticmethod
    def _below(name: str) -> str:
        return name.removesuffix(".microsoft")

    @staticmethod
    def _spf(record: str) -> tuple[str, ...]:
        return (f'"{record}"', '"MS=ms12345678"')

    def _serve(self) -> None:
        """Start all servers, the resolvers once there is a root to start from."""
        at = (self.internet, self.folder)
        self._together(
            lambda: setattr(self, "root_server", NameServer(*at, "root", [self.root], [ROOT])),
            lambda: setattr(self, "tlds", NameServer(*at, "tld", self._tld_zones, [TLD])),
            lambda: setattr(self, "ns1", NameServer(*at, "ns1", [self.zone], [NS1, NS1_6])),
            lambda: setattr(self, "ns2", NameServer(*at, "ns2", [self.zone], [NS2, NS2_6], nsd=True)),
            self._serve_web,
            self._serve_inspection,
            self._serve_microsoft,
            self._serve_stun,
            lambda: self._mail("old", OLD, hostname=OLD_MX, domains=(DOMAIN,), recipients=(MAILBOX,)),
            lambda: self._mail("new", NEW, NEW_6, hostname=NEW_MX, domains=()),
            lambda: self._mail("control", CONTROL, hostname="mx.control.example", domains=()),
        )
        first, *rest = (RESOLVER, *PANEL)

        def resolver(address: str) -> Unbound:
            return Unbound(self.internet, self.folder, address, self.root, ROOT)

        self._together(
            lambda: setattr(self, "resolver", resolver(first)),
            lambda: setattr(self, "panel", tuple(resolver(one) for one in rest)),
            lambda: setattr(
                self, "inside",
                Unbound(self.gateway, self.folder, OFFICE_DNS, self.root, ROOT, forward=RESOLVER),
            ),
        )  # fmt: skip

    root_server: NameServer
    tlds: NameServer
    ns1: NameServer
    ns2: NameServer
    resolver: Unbound
    panel: tuple[Unbound, ...]
    inside: Unbound

    @staticmethod
    def _together(*starts: Callable[[], Any]) -> None:
        with ThreadPoolExecutor(len(starts)) as pool:
            for started in [pool.submit(start) for start in starts]:
                started.result()

    def _mail(self, role: str, *addresses: str, hostname: str, domains: Sequence[str], **more: Any) -> None:
        pair = self.public_ca.issue(self.folder, hostname)
        server = postfix(
            addresses=addresses,
            inside=self.internet,
            hostname=hostname,
            domains=domains,
            certificate=pair,
            **more,
        )  # fmt: skip
        self._stack.callback(server.close)
        setattr(self, role, server)

    def _serve_web(self) -> None:
        self.policy(OLD_MX)
        (self.folder / "hijack.conf").write_text("return 404;")
        for name, *more in (("mta-sts", f"mta-sts.{DOMAIN}"), ("web", DOMAIN, f"www.{DOMAIN}")):
            self._place(name, self.public_ca.issue(self.folder, *more))
        self.web = daemons.nginx(self.internet, self.folder, f"""
  server {{
    listen {WEB}:443 ssl; server_name mta-sts.{DOMAIN}; root {self.folder}/mta-sts;
    ssl_certificate {self.folder}/mta-sts.pem; ssl_certificate_key {self.folder}/mta-sts.key;
  }}
  server {{
    listen {WEB}:443 ssl default_server; listen {WEB}:80 default_server; server_name {DOMAIN};
    ssl_certificate {self.folder}/web.pem; ssl_certificate_key {self.folder}/web.key;
    location ~* ^/autodiscover {{ include {self.folder}/hijack.conf; }}
    location / {{ return 200 "Contoso\\n"; }}
  }}""", ready=(WEB, 443))  # fmt: skip

    def _place(self, name: str, pair: KeyPair) -> None:
        for kind, source in (("pem", pair.chain), ("key", pair.key)):
            (self.folder / f"{name}.{kind}").write_bytes(source.read_bytes())

    def _serve_inspection(self) -> None:
        """A TLS inspection and a captive portal on the gateway, idle until a fault sends traffic there."""
        pair = self.inspection_ca.issue(self.folder, *MICROSOFT_NAMES)
        daemons.nginx(self.gateway, self.folder, f"""
  server {{
    listen 8443 ssl; ssl_certificate {pair.chain}; ssl_certificate_key {pair.key};
    default_type text/html;
    location / {{ return 200 "<html><body><h1>Please log in</h1></body></html>\\n"; }}
  }}
  server {{ listen 8080; location / {{ return 302 http://portal.example:8081/; }} }}
  """, ready=(OFFICE_DNS, 8443))  # fmt: skip

    def _serve_microsoft(self) -> None:
        pair = self.public_ca.issue(self.folder, *MICROSOFT_NAMES)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.chain, pair.key)

        def enter() -> stand_in.Cloud:
            return self._stack.enter_context(
                stand_in.microsoft(host=MICROSOFT, port=443, tls=context, name="graph.microsoft.com")
            )

        self.cloud = self.internet.call(enter)
        self.cloud.url = "https://graph.microsoft.com"
        self.cloud.login_url = "https://login.microsoftonline.com"
        self.cloud.endpoints = [
            replies.endpoint_set(
                1, "Exchange", urls=["outlook.office365.com"], ips=["52.96.0.0/14"], tcpPorts="443"
            ),
            replies.endpoint_set(31, "SharePoint", urls=["*.sharepoint.com"], tcpPorts="443"),
            replies.endpoint_set(12, "Skype", urls=["teams.microsoft.com"], tcpPorts="443"),
            replies.endpoint_set(
                56, "Common", urls=["login.microsoftonline.com", "graph.microsoft.com"], tcpPorts="443"
            ),
        ]
        self.cloud.tenants["contoso.onmicrosoft.com"] = self.cloud.tenant

    def _serve_stun(self) -> None:
        for address in (STUN, STUN_CONTROL):
            self.internet.daemon(
                "turnserver", "-n", "-L", address, "-p", "3478", "-S", "--no-tls", "--no-dtls", "--no-cli",
                "--no-tcp", "--pidfile", self.folder / f"turn-{address}.pid", "--log-file", "stdout",
                ready=lambda address=address: _stun(address),
            )  # fmt: skip


def dkim_record(key: rsa.RSAPrivateKey) -> str:
    """Return the data of a DKIM key's TXT record, in strings of at most 255 characters."""
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return strings(f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}")


def strings(text: str) -> str:
    """Return the data of a TXT record that says `text`, in strings of at most 255 characters."""
    return " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200))


def exported(**changed: Any) -> dict[str, Any]:
    """Return what an administrator exports from Exchange Online, healthy during a cutover."""
    signing = {"Domain": DOMAIN, "Enabled": True, "Status": "Valid"}
    return {
        "AcceptedDomain": [{"Name": DOMAIN, "DomainName": DOMAIN, "DomainType": "InternalRelay"}],
        "DkimSigningConfig": [
            signing | {f"Selector{n}CNAME": SELECTORS[f"selector{n}"] for n in (1, 2)},
        ],
    } | changed  # fmt: skip


def _stun(address: str) -> bool:
    """Return whether a STUN server answers a binding request (RFC 8489); silence raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(probes.PATIENCE_S)
        client.connect((address, 3478))
        asked = b"\0\1\0\0\x21\x12\xa4\x42" + os.urandom(12)
        client.send(asked)
        return client.recv(512)[4:20] == asked[4:]
