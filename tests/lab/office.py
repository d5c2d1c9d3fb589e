"""A small office with its Internet, healthy: what a technician finds on the morning of a good move.

    laptop --+                                     isp ---- internet: www, public DNS,
             | switch (br-office)    gateway ------+        captive probes, iperf3
    server --+   DHCP, DNS, NTP,     NAT, guests'
                 intranet, ERP       DHCP and DNS
    guest ----- switch (br-guest) ---- gateway

Office 10.20.0.0/24 and 2001:db8:20::/64, guests 10.30.0.0/24, the line 198.51.100.0/24 and 2001:db8:ff::/64,
Internet 203.0.113.0/24 and 2001:db8:fe::/64 (addresses for documentation, RFC 5737 and 3849).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab import daemons
from tests.lab.certs import Authority, KeyPair
from tests.lab.namespaces import Lab, Namespace, bridge, link, plug

TOOLS = ("ip", "nft", "dnsmasq", "knotd", "nginx", "chronyd", "iperf3", "udhcpc")
"""Programs that the office is made of: `need(*TOOLS)`."""

GATEWAY, SERVER, GUEST_GATEWAY = "10.20.0.1", "10.20.0.10", "10.30.0.1"
GATEWAY6, SERVER6, LAPTOP6 = "2001:db8:20::1", "2001:db8:20::10", "2001:db8:20::50"
OUTSIDE, OUTSIDE6 = "198.51.100.2", "2001:db8:ff::2"
"""The office's public addresses."""
ISP, ISP6 = "198.51.100.1", "2001:db8:ff::1"
AUTHORITY, AUTHORITY6 = "203.0.113.53", "2001:db8:fe::53"
WEB, WEB6 = "203.0.113.80", "2001:db8:fe::80"

RECORDS = {
    "intranet.office.example": (SERVER, SERVER6),
    "erp.office.example": (SERVER, SERVER6),
    "time.office.example": (SERVER, SERVER6),
    "gw.office.example": (GATEWAY, GATEWAY6),
}
PROBES = (
    "connectivitycheck.gstatic.com",
    "www.msftconnecttest.com",
    "captive.apple.com",
    "nmcheck.gnome.org",
    "detectportal.firefox.com",
    "dns.msftncsi.com",
)
"""Names that laptops probe for a captive portal; the lab's own web server stands for all of them."""

_SOA = "@ 300 IN SOA ns1.example.com. hostmaster.example.com. 2026120501 3600 600 1209600 300\n"
ZONES = {
    "example.com": _SOA + f"@ 300 IN NS ns1\nns1 300 IN A {AUTHORITY}\nns1 300 IN AAAA {AUTHORITY6}\n"
    f"@ 300 IN A {WEB}\nwww 300 IN A {WEB}\nwww 300 IN AAAA {WEB6}\n"
    '@ 300 IN MX 10 mail\nmail 300 IN A 203.0.113.25\n@ 300 IN TXT "v=spf1 mx -all"\n',
    ".": _SOA + f"@ 300 IN NS ns1.example.com.\nns1.example.com. 300 IN A {AUTHORITY}\n"
    + "".join(f"{name}. 300 IN A {WEB}\n" for name in PROBES),
}  # fmt: skip

FIREWALL = """
table inet office {
  chain forward {
    type filter hook forward priority 0;
    ct state established,related accept
    iifname guest oifname lan reject comment "separation"
  }
}
"""
_TRANSLATION = """
table ip translation {
  chain post { type nat hook postrouting priority 100; oifname wan masquerade; }
}
"""


class Office:
    """The office, running. A context manager; everything is gone when it is left."""

    lab: Lab
    laptop: Namespace
    guest: Namespace
    switch: Namespace
    server: Namespace
    gateway: Namespace
    isp: Namespace
    internet: Namespace
    dns: daemons.Dnsmasq
    web: daemons.Nginx

    def __enter__(self) -> Self:
        self.lab = Lab()
        try:
            self._wire()
            self._trust()
            self._serve()
            self.connect(self.laptop)
            self.connect(self.guest)
        except BaseException:
            self.lab.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lab.close()

    @property
    def folder(self) -> Path:
        """Where the lab's files are."""
        return self.lab.folder

    def connect(self, host: Namespace) -> None:
        """Let a laptop ask for an address by DHCP on its interface `eth0`."""
        daemons.dhcp_client(host, self.folder, "eth0")

    def address(self, host: Namespace) -> str:
        """Return the IPv4 address that `host` has on `eth0`."""
        shown = host.run("ip", "-4", "-o", "addr", "show", "dev", "eth0").stdout
        found = re.search(r"inet ([0-9.]+)/", shown)
        if found is None:
            raise OSError(f"{host.role} has no IPv4 address: {shown}")
        return found[1]

    def mac(self, host: Namespace) -> str:
        """Return the hardware address of `host`'s interface `eth0`."""
        return host.run("cat", "/sys/class/net/eth0/address").stdout.strip()

    def serve_certificate(self, pair: KeyPair) -> None:
        """Let the intranet show another certificate from now on."""
        self._place(pair)
        self.web.reload()

    def _place(self, pair: KeyPair) -> None:
        for kind, source in (("pem", pair.chain), ("key", pair.key)):
            (self.folder / f"intranet.{kind}").write_bytes(source.read_bytes())

    def _wire(self) -> None:
        make = self.lab.namespace
        self.switch, self.laptop, self.guest = make("switch"), make("laptop"), make("guest")
        self.server, self.gateway = make("server"), make("gateway")
        self.isp, self.internet = make("isp"), make("internet")
        for name in ("br-office", "br-guest"):
            bridge(self.switch, name)
        plug(self.laptop, "eth0", self.switch, "br-office")
        plug(self.server, "eth0", self.switch, "br-office")
        plug(self.guest, "eth0", self.switch, "br-guest")
        plug(self.gateway, "lan", self.switch, "br-office", port="p-gw-lan")
        plug(self.gateway, "guest", self.switch, "br-guest", port="p-gw-guest")
        link(self.gateway, "wan", self.isp, "office")
        link(self.isp, "core", self.internet, "eth0")
        self.server.ip(
            f"addr add {SERVER}/24 dev eth0", f"addr add {SERVER6}/64 dev eth0",
            f"route add default via {GATEWAY}", f"route add default via {GATEWAY6}",
        )  # fmt: skip
        self.laptop.ip(f"addr add {LAPTOP6}/64 dev eth0", f"route add default via {GATEWAY6}")
        self.gateway.ip(
            f"addr add {GATEWAY}/24 dev lan", f"addr add {GATEWAY6}/64 dev lan",
            f"addr add {GUEST_GATEWAY}/24 dev guest",
            f"addr add {OUTSIDE}/24 dev wan", f"addr add {OUTSIDE6}/64 dev wan",
            f"route add default via {ISP}", f"route add default via {ISP6}",
        )  # fmt: skip
        self.isp.ip(
            f"addr add {ISP}/24 dev office", f"addr add {ISP6}/64 dev office",
            "addr add 203.0.113.1/24 dev core", "addr add 2001:db8:fe::1/64 dev core",
            f"route add 2001:db8:20::/64 via {OUTSIDE6}",
        )  # fmt: skip
        self.internet.ip(
            *(f"addr add {one}/24 dev eth0" for one in (AUTHORITY, WEB)),
            *(f"addr add {one}/64 dev eth0" for one in (AUTHORITY6, WEB6)),
            "route add default via 203.0.113.1", "route add default via 2001:db8:fe::1",
        )  # fmt: skip
        for router in (self.gateway, self.isp):
            router.sysctl("net.ipv4.ip_forward", 1)
            router.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.gateway.nft(FIREWALL + _TRANSLATION)

    def _trust(self) -> None:
        """Make the authorities; the laptops trust the public one, the office's, and the inspecting one."""
        self.office_ca, self.public_ca = Authority("Lab Office CA"), Authority("Lab Public CA")
        self.inspection_ca = Authority("Lab Inspection CA")
        store = self.office_ca.pem + self.public_ca.pem + self.inspection_ca.pem
        for host in (self.laptop, self.guest):
            host.etc("ssl/certs/ca-certificates.crt", store)
            host.etc("resolv.conf", "")
            host.etc("hosts", "127.0.0.1 localhost\n::1 localhost\n")
        self.intranet_pair = self.office_ca.issue(self.folder, "intranet.office.example")

    def _serve(self) -> None:
        """Start all daemons at once."""
        starts: list[Callable[[], Any]] = [
            self._serve_dns, self._serve_guests, self._serve_intranet, self._serve_gateway, self._serve_web,
            lambda: daemons.knot(self.internet, self.folder, ZONES, (AUTHORITY, AUTHORITY6)),
            lambda: daemons.chrony(self.server, self.folder, SERVER),
            lambda: daemons.iperf3(self.internet, WEB),
        ]  # fmt: skip
        with ThreadPoolExecutor(len(starts)) as pool:
            for started in [pool.submit(start) for start in starts]:
                started.result()

    def _serve_dns(self) -> None:
        self.dns = daemons.dnsmasq(
            self.server, self.folder, "--dhcp-range=10.20.0.50,10.20.0.99,255.255.255.0,1h",
            f"--dhcp-option=3,{GATEWAY}", f"--dhcp-option=6,{SERVER}", f"--dhcp-option=42,{SERVER}",
            "--dhcp-option=15,office.example", "--dhcp-authoritative", "--local=/office.example/",
            address=SERVER, interface="eth0", records=RECORDS, upstream=AUTHORITY,
        )  # fmt: skip

    def _serve_guests(self) -> None:
        daemons.dnsmasq(
            self.gateway, self.folder, "--dhcp-range=10.30.0.50,10.30.0.99,255.255.255.0,1h",
            f"--dhcp-option=3,{GUEST_GATEWAY}", f"--dhcp-option=6,{GUEST_GATEWAY}", "--dhcp-authoritative",
            address=GUEST_GATEWAY, interface="guest", records={"portal.guest.example": (GUEST_GATEWAY,)},
            upstream=AUTHORITY,
        )  # fmt: skip

    def _serve_intranet(self) -> None:
        self._place(self.intranet_pair)
        tls = f"ssl_certificate {self.folder}/intranet.pem; ssl_certificate_key {self.folder}/intranet.key;"
        erp = self.office_ca.issue(self.folder, "erp.office.example")
        self.web = daemons.nginx(self.server, self.folder, f"""
  server {{
    listen {SERVER}:443 ssl; listen [{SERVER6}]:443 ssl; {tls}
    location = /health {{ default_type application/json; return 200 '{{"status": "ok", "version": 7}}\\n'; }}
    location / {{ return 200 "Intranet of the lab office\\n"; }}
  }}
  server {{
    listen {SERVER}:8443 ssl; listen [{SERVER6}]:8443 ssl;
    ssl_certificate {erp.chain}; ssl_certificate_key {erp.key};
    location / {{ return 200 "ERP of the lab office\\n"; }}
  }}""", ready=(SERVER, 443))  # fmt: skip

    def _serve_gateway(self) -> None:
        """A captive portal and a TLS inspection, both idle until a fault sends traffic there."""
        pair = self.inspection_ca.issue(self.folder, "www.example.com", "example.com")
        daemons.nginx(self.gateway, self.folder, f"""
  server {{
    listen 8080; listen [::]:8080;
    location / {{ return 302 http://portal.guest.example:8081/login; }}
  }}
  server {{
    listen 8081; listen [::]:8081; default_type text/html;
    location / {{ return 200 "<h1>Please log in</h1>\\n"; }}
  }}
  server {{
    listen 8443 ssl; listen [::]:8443 ssl;
    ssl_certificate {pair.chain}; ssl_certificate_key {pair.key};
    location / {{ return 200 "Example, inspected\\n"; }}
  }}""", ready=(GUEST_GATEWAY, 8443))  # fmt: skip

    def _serve_web(self) -> None:
        pair = self.public_ca.issue(self.folder, "www.example.com", "example.com")
        files = self.folder / "www"
        files.mkdir()
        with (files / "blob").open("wb") as blob:
            blob.truncate(200_000_000)
        daemons.nginx(self.internet, self.folder, f"""
  server {{
    listen 80; listen [::]:80; listen 443 ssl; listen [::]:443 ssl;
    ssl_certificate {pair.chain}; ssl_certificate_key {pair.key};
    location = /generate_204 {{ return 204; }}
    location = /connecttest.txt {{ return 200 "Microsoft Connect Test"; }}
    location = /hotspot-detect.html {{
      default_type text/html;
      return 200 "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>\\n";
    }}
    location = /check_network_status.txt {{ return 200 "NetworkManager is online\\n"; }}
    location = /success.txt {{ return 200 "success\\n"; }}
    location = /ip {{ return 200 "$remote_addr\\n"; }}
    location = /upload {{ return 200 "thank you\\n"; }}
    location = /blob {{ root {files}; }}
    location / {{ return 200 "Example\\n"; }}
  }}""", ready=(WEB, 443))  # fmt: skip
