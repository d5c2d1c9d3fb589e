"""What a DHCP server gives, held against the plan: one finding an option. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.contract import Finding
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import safe
from checks.wire.frames.dhcp_options import Option, name_of, plain

if TYPE_CHECKING:
    from checks.link.dhcp import Dhcp

_INFINITE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one server gives. A lease that the system keeps need not hold every option: `whole` is false."""

    server: str
    address: str
    options: tuple[Option, ...]
    relay: str = ""
    server_name: str = ""
    boot_file: str = ""
    whole: bool = True

    def option(self, code: int) -> Option | None:
        """Return the option `code`."""
        return next((item for item in self.options if item.code == code), None)

    def values(self, code: int) -> tuple[str, ...]:
        """Return the values of the option `code`; empty without it."""
        found = self.option(code)
        return found.values if found is not None else ()


def compare(plan: Dhcp, given: Given) -> Iterator[Finding]:
    """Hold the address and every option that is planned against what was given."""
    yield from _place(plan, given)
    for code, wanted in (
        (3, plan.router), (6, plan.dns), (42, plan.ntp), (150, plan.tftp_servers), (119, plan.search),
    ):  # fmt: skip
        if wanted:
            yield _listed(given, code, wanted)
    if plan.domain is not None:
        yield _text(given, 15, plan.domain, name=True)
    if plan.tftp is not None:
        yield _text(given, 66, plan.tftp, name=True, field=given.server_name)
    if plan.boot_file is not None:
        yield _text(given, 67, plan.boot_file, field=given.boot_file)
    if plan.mtu is not None:
        yield _text(given, 26, str(plan.mtu))
    if plan.min_lease is not None:
        yield _lease(given, plan.min_lease)
    if plan.relay is not None and given.whole:
        yield _relay(given, plan.relay)
    for number, text in plan.options.items():
        yield _other(given, int(number), text)


def _place(plan: Dhcp, given: Given) -> Iterator[Finding]:
    where = f"{given.server} address"
    if plan.network is not None:
        network = ipaddress.ip_network(plan.network)
        inside = _inside(given.address, plan.network)
        if inside is None:
            yield _untold(given, where, "address", plan.network)
        elif inside:
            yield passed(where, "The address lies in the planned network.", expected=plan.network,
                         observed=given.address)  # fmt: skip
        else:
            yield failed(
                where, f"The address that {given.server} gives does not lie in the planned network.",
                expected=f"an address in {plan.network}", observed=safe(given.address, limit=60),
                fix="The port is in another VLAN, or the scope for this relay is the wrong one: check the "
                "port's VLAN, the relay's address, then the scope.",
            )  # fmt: skip
        yield _text(given, 1, str(network.netmask))
    if plan.pool is not None:
        first, last = plan.pool.first, plan.pool.last
        address = _address(given.address)
        span = f"{first} to {last}"
        if address is None:
            yield _untold(given, f"{given.server} pool", "address", span)
        elif int(ipaddress.IPv4Address(first)) <= int(address) <= int(ipaddress.IPv4Address(last)):
            yield passed(f"{given.server} pool", "The address is from the planned pool.", expected=span,
                         observed=given.address)  # fmt: skip
        else:
            yield failed(
                f"{given.server} pool", f"The address from {given.server} is not from the planned pool.",
                expected=span, observed=given.address,
                fix="Correct the range of the scope; a reservation for this laptop would explain it, too.",
            )  # fmt: skip
    yield from _router_inside(given)


def _router_inside(given: Given) -> Iterator[Finding]:
    routers, mask, address = given.values(3), given.values(1), _address(given.address)
    subject = f"{given.server} router in its network"
    if not mask and given.whole:
        yield warned(
            f"{given.server} {name_of(1)}", f"{given.server} gives no subnet mask: each client guesses.",
            expected="a subnet mask", observed="none", fix="Add option 1 to the scope.",
        )  # fmt: skip
    if not routers or len(mask) != 1 or address is None:
        return
    try:
        network = ipaddress.ip_interface(f"{address}/{mask[0]}").network
        outside = [text for text in routers if ipaddress.ip_address(text) not in network]
    except ValueError:
        return
    if outside:
        yield failed(
            subject, "The router does not lie in the network of the address, so nobody gets out.",
            expected=f"a router in {network}", observed=", ".join(outside[:4]),
            fix=f"Correct option 3 or option 1 in the scope of {given.server}.", reference="RFC 2132",
        )  # fmt: skip


def _listed(given: Given, code: int, wanted: tuple[str, ...]) -> Finding:
    subject, name = f"{given.server} {name_of(code)}", name_of(code)
    found = given.option(code)
    expected = ", ".join(wanted)
    if found is None:
        return _missing(given, code, expected)
    values = tuple(_name(value) for value in found.values) if code == 119 else found.values
    observed = safe(", ".join(found.values), limit=300)
    if values == tuple(_name(item) for item in wanted) if code == 119 else values == wanted:
        return passed(subject, f"The {name} is as planned.", expected=expected, observed=observed)
    if sorted(values) == sorted(wanted):
        return warned(
            subject, f"The {name} is as planned, in another order.", expected=expected, observed=observed,
            fix=f"Clients take the first one first: put them into the planned order on {given.server}.",
        )  # fmt: skip
    return _wrong(given, code, expected, observed)


def _text(given: Given, code: int, wanted: str, *, name: bool = False, field: str = "") -> Finding:
    subject = f"{given.server} {name_of(code)}"
    values = given.values(code) or ((field,) if field else ())
    if not values:
        return _missing(given, code, wanted)
    value = values[0]
    same = _name(value) == _name(wanted) if name else value == wanted
    observed = safe(", ".join(values), limit=300)
    if same and len(values) == 1:
        return passed(subject, f"The {name_of(code)} is as planned.", expected=wanted, observed=observed)
    return _wrong(given, code, wanted, observed)


def _lease(given: Given, least: float) -> Finding:
    subject = f"{given.server} {name_of(51)}"
    values = given.values(51)
    expected = f"at least {least:g} s"
    if not values:
        return _missing(given, 51, expected)
    if not (values[0].isascii() and values[0].isdecimal() and len(values[0]) <= 10):
        return _wrong(given, 51, expected, safe(values[0], limit=60))
    seconds = int(values[0])
    observed = "for ever" if seconds == _INFINITE else f"{seconds} s"
    if seconds >= least:
        return passed(subject, "The lease is long enough.", expected=expected, observed=observed)
    return failed(
        subject, "The lease is shorter than planned.", expected=expected, observed=observed,
        fix=f"Raise the lease time of the scope on {given.server}; after a move it is often still the short "
        "one of the change-over.",
    )  # fmt: skip


def _relay(given: Given, wanted: str) -> Finding:
    subject = f"{given.server} relay"
    if given.relay == wanted:
        return passed(subject, "The answer came by the planned relay.", expected=wanted, observed=wanted)
    return failed(
        subject, f"The answer of {given.server} did not come by the planned relay.", expected=wanted,
        observed=given.relay or "without a relay",
        fix="Check the relay (ip helper-address) on the router of this VLAN, and the port's VLAN.",
    )  # fmt: skip


def _other(given: Given, code: int, wanted: str) -> Finding:
    subject, found = f"{given.server} {name_of(code)}", given.option(code)
    if found is None:
        return _missing(given, code, wanted)
    observed = safe(", ".join(found.values), limit=300)
    if wanted.lower().startswith("0x"):
        if not found.raw and not given.whole:
            return _untold(given, subject, name_of(code), wanted)
        same = found.raw.hex() == wanted[2:].lower()
        observed = f"0x{found.raw[:100].hex()}"
    else:
        forms = {", ".join(found.values), ",".join(found.values), " ".join(found.values)}
        same = wanted in forms or (bool(found.raw) and wanted == plain(found.raw))
    if same:
        return passed(subject, f"The {name_of(code)} is as planned.", expected=wanted, observed=observed)
    return _wrong(given, code, wanted, observed)


def _wrong(given: Given, code: int, expected: str, observed: str) -> Finding:
    return failed(
        f"{given.server} {name_of(code)}", f"The {name_of(code)} is not as planned.", expected=expected,
        observed=observed, fix=f"Correct option {code} in the scope of this network on {given.server}.",
    )  # fmt: skip


_WITHOUT = {
    3: "clients get no further than this network",
    6: "clients find no name",
    66: "phones and access points find no configuration",
    67: "what starts from the network finds no file",
    150: "Cisco phones find no call manager and do not register",
    43: "access points find no controller",
}


def _missing(given: Given, code: int, expected: str) -> Finding:
    subject = f"{given.server} {name_of(code)}"
    if not given.whole:
        return _untold(given, subject, name_of(code), expected)
    so = _WITHOUT.get(code, "clients do without it")
    return failed(
        subject, f"{given.server} does not give the {name_of(code)}: {so}.", expected=expected,
        observed="not in the offer", fix=f"Add option {code} to the scope of this network on {given.server}.",
    )  # fmt: skip


def _untold(given: Given, subject: str, what: str, expected: str) -> Finding:
    if given.whole:
        return failed(
            subject, f"{given.server} offers no {what}.", expected=expected, observed="none",
            fix=f"Look at the scope and its free addresses on {given.server}.",
        )  # fmt: skip
    return cannot_tell(
        subject, f"The lease that this system keeps does not tell the {what}: its own client may not have "
        "asked for it.", expected=expected, observed="not in the lease",
        fix="Run gonogo with the right to send raw frames (gonogo doctor tells how): it asks for every "
        "option.",
    )  # fmt: skip


def _name(text: str) -> str:
    return text.rstrip(".").lower()


def _address(text: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _inside(address: str, network: str) -> bool | None:
    parsed = _address(address)
    return parsed in ipaddress.ip_network(network) if parsed is not None else None
