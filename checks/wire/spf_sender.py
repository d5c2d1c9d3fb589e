"""A sender as SPF sees it: its address, and whom it claims to be (RFC 7208 sections 2.4 and 4.1)."""

from __future__ import annotations

import ipaddress

from checks.dataclass import dataclass

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """`given` (the address), `mail_from` and `helo` are as they were written; the rest is what is checked."""

    given: str
    ip: Ip
    mail_from: str
    helo: str
    local: str
    domain: str

    def values(self) -> dict[str, str]:
        """Return what the macros stand for that depend on the sender only (section 7.2)."""
        ip = self.ip
        if isinstance(ip, ipaddress.IPv4Address):
            dotted, family = str(ip), "in-addr"
        else:
            dotted, family = ".".join(f"{int(ip):032X}"), "ip6"
        return {
            "s": f"{self.local}@{self.domain}", "l": self.local, "o": self.domain, "i": dotted, "v": family,
            "h": _without_root(self.helo), "c": str(ip),
        }  # fmt: skip


def sender_of(ip: str, mail_from: str, helo: str) -> Sender:
    """Return the sender; the null reverse-path stands for postmaster at the HELO name.

    An IPv6 address that maps an IPv4 one counts as that (section 5). A domain with other letters than ASCII
    is written in its A-labels; where that cannot be, it stays as it is, and is no domain.
    """
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    path = mail_from.strip()
    if path.startswith("<") and path.endswith(">"):
        path = path[1:-1]
    local, _, domain = path.rpartition("@")
    if not path:
        domain = helo
    return Sender(
        given=ip,
        ip=address,
        mail_from=mail_from,
        helo=helo,
        local=local or "postmaster",
        domain=_ascii(domain),
    )


def _without_root(domain: str) -> str:
    """Return a name without the dot that stands for the root; two dots are an empty label, and stay."""
    return domain if domain.endswith("..") else domain.removesuffix(".")


def _ascii(domain: str) -> str:
    name = _without_root(domain)
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return domain
