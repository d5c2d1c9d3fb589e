"""The test zones of Zonemaster served on loopback, from a copy of its data that lies beside the repository.

Its addresses are loopback already; those of IPv6 are left out. Which server has which zone, and what it does
instead of answering, is read from the configuration files (of CoreDNS) that come with the zones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import dns.flags
import dns.name
import dns.rcode
import dns.rrset

from tests import beside
from tests.checks.dns.zones import Host

DATA = beside.DATA / "m365" / "zonemaster-basic"
_V6 = "fda1:"


@dataclass
class Template:
    """What a server says for a name and all below it, whatever its zone files hold."""

    name: dns.name.Name
    rdtype: str
    rcode: str = "NOERROR"
    lines: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Special(Host):
    """A host with faults that hold for one zone each."""

    templates: list[Template] = field(default_factory=list)
    drops: list[dns.name.Name] = field(default_factory=list)
    clear_aa: list[dns.name.Name] = field(default_factory=list)
    set_aa: list[dns.name.Name] = field(default_factory=list)

    def reply(self, wire: bytes, transport: str) -> bytes | None:
        name = dns.message.from_wire(wire).question[0].name
        return None if any(name.is_subdomain(zone) for zone in self.drops) else super().reply(wire, transport)

    def fill(self, made, name, rdtype):
        zones = [*(apex for apex, _ in self._read), *(template.name for template in self.templates)]
        apex = max((zone for zone in zones if name.is_subdomain(zone)), key=len, default=None)
        template = next(
            (
                one for one in self.templates
                if name.is_subdomain(one.name) and apex.is_superdomain(one.name) is not False
                and len(one.name) >= len(apex) and one.rdtype in ("ANY", dns.rdatatype.to_text(rdtype))
            ),
            None,
        )  # fmt: skip
        if template is None:
            super().fill(made, name, rdtype)
        else:
            made.flags |= dns.flags.AA
            made.set_rcode(dns.rcode.from_text(template.rcode))
            for section, text in template.lines:
                self._add(getattr(made, section), text)
        if any(name.is_subdomain(zone) for zone in self.clear_aa):
            made.flags &= ~dns.flags.AA
        if any(name.is_subdomain(zone) for zone in self.set_aa):
            made.flags |= dns.flags.AA

    @staticmethod
    def _add(section, text: str) -> None:
        words = [word for word in text.split() if word != "IN"]
        ttl = words.pop(1) if words[1].isdigit() else "3600"
        owner, kind, data = words[0], words[1], " ".join(words[2:])
        if _V6 in data:
            return
        data = re.sub(r"\b(\d+)h\b", lambda m: str(int(m[1]) * 3600), data)
        data = re.sub(r"\b(\d+)d\b", lambda m: str(int(m[1]) * 86400), data)
        data = re.sub(r"\b(\d+)w\b", lambda m: str(int(m[1]) * 604800), data)
        if not owner.endswith("."):
            owner += "."
        found = dns.rrset.from_text(owner, int(ttl), "IN", kind, data)
        for one in section:
            if (one.name, one.rdtype) == (found.name, found.rdtype):
                one.union_update(found)
                return
        section.append(found)


def hosts(case: str) -> dict[str, Special]:
    """Return the servers of `basic01` or `basic02` by address."""
    folder = DATA / case
    made: dict[str, Special] = {}
    for head, body in _blocks((folder / f"{case}.cfg").read_text()):
        if "unbound" in body:
            continue
        zone = dns.name.from_text(head)
        for address in re.findall(r"^\s*bind ([0-9.]+)", body, re.MULTILINE):
            host = made.setdefault(address, Special({}))
            for path, apex in re.findall(r"^\s*file \S*?([^/\s]+) (\S+)", body, re.MULTILINE):
                host.zones = {**host.zones, apex.rstrip(".") + ".": _text(folder / path)}
            for rdtype, name, inner in re.findall(r"template IN (\S+) (\S+) \{(.*?)\}", body, re.DOTALL):
                rcode = re.search(r"rcode (\S+)", inner)
                lines = re.findall(r'(answer|authority|additional)\s+"([^"]*)"', inner)
                host.templates.append(
                    Template(dns.name.from_text(name), rdtype, rcode[1] if rcode else "NOERROR", lines)
                )
            host.drops += [dns.name.from_text(n) for n in re.findall(r"acl ([^.\s][^\s]*?) \{\s*drop", body)
                           if ".." not in n]  # fmt: skip
            host.clear_aa += [zone] if "response clear aa" in body else []
            host.set_aa += [zone] if "response set aa" in body else []
    return made


def _text(path: Path) -> str:
    return "\n".join(line for line in path.read_text().splitlines() if _V6 not in line) + "\n"


def _blocks(text: str):
    """Yield name and body of each block on the outer level."""
    text = re.sub(r"#.*", "", text)
    at = 0
    while found := re.compile(r"^(\S+?)(?::53)? \{", re.MULTILINE).search(text, at):
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield found[1], text[found.end() : end - 1]
        at = end
