"""What goes wrong in an office: each fault is a context manager that puts it in and takes it out again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.lab import probes
from tests.lab.namespaces import Namespace, plug, wait_for
from tests.lab.office import FIREWALL, RECORDS, SERVER, WEB, Office

_tables = itertools.count()


@contextmanager
def rules(inside: Namespace, chains: str, family: str = "inet") -> Iterator[None]:
    """Load nftables chains as a table of their own, removed afterwards."""
    table = f"fault{next(_tables)}"
    inside.nft(f"table {family} {table} {{\n{chains}\n}}\n")
    try:
        yield
    finally:
        inside.nft(f"delete table {family} {table}\n")


def _arriving(rule: str) -> str:
    return f"chain arriving {{ type filter hook input priority 0; {rule}; }}"


def _passing(rule: str) -> str:
    return f"chain passing {{ type filter hook forward priority -10; {rule}; }}"


def _diverting(rule: str) -> str:
    return f"chain diverting {{ type nat hook prerouting priority -100; {rule}; }}"


@contextmanager
def gateway_down(office: Office) -> Iterator[None]:
    """The switch port of the router's office side is dead."""
    office.switch.ip("link set p-gw-lan down")
    try:
        yield
    finally:
        office.switch.ip("link set p-gw-lan up")
        _reachable(office)


@contextmanager
def unplugged(office: Office) -> Iterator[None]:
    """The laptop's cable is out: its interface has no carrier."""
    office.switch.ip("link set p-laptop down")
    try:
        yield
    finally:
        office.switch.ip("link set p-laptop up")
        _reachable(office)


@contextmanager
def dns_wrong(office: Office, name: str = "intranet.office.example") -> Iterator[None]:
    """The office's DNS still gives `name` the address it had before the move."""
    office.dns.reload({**RECORDS, name: ("10.20.0.99",)}, name)
    try:
        yield
    finally:
        office.dns.reload(RECORDS, name)


def dns_silent(office: Office) -> AbstractContextManager[None]:
    """The office's DNS server drops every question."""
    return rules(office.server, _arriving("meta l4proto { tcp, udp } th dport 53 drop"))


@contextmanager
def certificate_expired(office: Office) -> Iterator[None]:
    """The intranet's certificate ended yesterday."""
    office.serve_certificate(office.office_ca.issue(office.folder, "intranet.office.example", days=-1))
    try:
        yield
    finally:
        office.serve_certificate(office.intranet_pair)


@contextmanager
def certificate_other_name(office: Office) -> Iterator[None]:
    """The intranet shows the certificate of the old server."""
    office.serve_certificate(office.office_ca.issue(office.folder, "old-intranet.office.example"))
    try:
        yield
    finally:
        office.serve_certificate(office.intranet_pair)


def tls_inspected(office: Office) -> AbstractContextManager[None]:
    """The router breaks TLS to the Internet open, with a certificate authority that the laptops trust."""
    return rules(office.gateway, _diverting("iifname lan tcp dport 443 redirect to :8443"))


def captive_portal(office: Office) -> AbstractContextManager[None]:
    """The router sends every web page to its log-in page, and lets nothing else of the web pass."""
    return rules(
        office.gateway,
        _diverting("iifname lan tcp dport 80 redirect to :8080")
        + "\n"
        + _passing("iifname lan tcp dport 443 reject with tcp reset"),
    )


def loss(office: Office, percent: int = 30) -> AbstractContextManager[None]:
    """The line to the Internet loses packets that come in, evenly spread."""
    return rules(office.gateway, _passing(f"iifname wan numgen inc mod 10 < {round(percent / 10)} drop"))


@contextmanager
def mtu_black_hole(office: Office, mtu: int = 1400) -> Iterator[None]:
    """The line carries packets of `mtu` bytes only, and the routers at its ends keep quiet (RFC 2923)."""
    quiet = """chain quiet {
      type filter hook output priority 0;
      icmp type destination-unreachable icmp code frag-needed drop
      icmpv6 type packet-too-big drop
    }"""
    ends = ((office.gateway, "wan"), (office.isp, "office"))
    with rules(office.gateway, quiet), rules(office.isp, quiet):
        for router, interface in ends:
            router.ip(f"link set {interface} mtu {mtu}")
        try:
            yield
        finally:
            for router, interface in ends:
                router.ip(f"link set {interface} mtu 1500")


def port_filtered(office: Office, port: int = 8443) -> AbstractContextManager[None]:
    """A firewall swallows what goes to the server's `port`."""
    return rules(office.server, _arriving(f"tcp dport {port} drop"))


def port_refused(office: Office, port: int = 8443) -> AbstractContextManager[None]:
    """Nothing listens on the server's `port`: every connection is reset."""
    return rules(office.server, _arriving(f"tcp dport {port} reject with tcp reset"))


@contextmanager
def wrong_vlan(office: Office) -> Iterator[None]:
    """The laptop's switch port is in the guests' network, where it got its address."""
    office.switch.ip("link set p-laptop master br-guest")
    try:
        office.connect(office.laptop)
        yield
    finally:
        office.switch.ip("link set p-laptop master br-office")
        office.connect(office.laptop)
        _reachable(office)


@contextmanager
def duplicate_address(office: Office) -> Iterator[None]:
    """Somebody brought a device that has the laptop's address.

    Server and router still have the laptop's hardware address in their caches, so that the rest of the
    network does not come and go by chance.
    """
    address, mac = office.address(office.laptop), office.mac(office.laptop)
    holders = ((office.server, "eth0"), (office.gateway, "lan"))
    rogue = office.lab.namespace("rogue")
    try:
        for host, interface in holders:
            host.ip(f"neigh replace {address} lladdr {mac} dev {interface} nud permanent")
        plug(rogue, "eth0", office.switch, "br-office")
        rogue.ip(f"addr add {address}/24 dev eth0")
        yield
    finally:
        office.lab.remove(rogue)
        for host, interface in holders:
            host.ip(f"neigh del {address} dev {interface}")
        _reachable(office)


@contextmanager
def guests_let_in(office: Office) -> Iterator[None]:
    """The rule that keeps guests out of the office is missing."""
    office.gateway.nft("flush chain inet office forward\n")
    try:
        yield
    finally:
        office.gateway.nft(f"flush chain inet office forward\n{FIREWALL}")


@contextmanager
def line_rate(office: Office, down: str = "5mbit", up: str = "5mbit") -> Iterator[None]:
    """The line brings `down` to the office and takes `up` from it, with the short queue of a good router."""
    ends = ((office.isp, "office", down), (office.gateway, "wan", up))
    shape = ("root", "tbf", "burst", "32kb", "latency", "20ms", "rate")
    try:
        for router, interface, rate in ends:
            router.run("tc", "qdisc", "add", "dev", interface, *shape, rate)
        yield
    finally:
        for router, interface, _ in ends:
            router.run("tc", "qdisc", "del", "dev", interface, "root", check=False)


def _reachable(office: Office) -> None:
    """Wait until the laptop reaches server and Internet again."""
    wait_for(
        lambda: office.laptop.call(lambda: probes.tcp(SERVER, 443) and probes.tcp(WEB, 80)),
        "the laptop reaches the server and the Internet again",
    )
