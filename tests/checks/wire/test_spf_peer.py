"""SPF against an independent implementation, pyspf, over zones and records made up by hypothesis.

Where pyspf 2.0.14 goes another way than RFC 7208, the zones keep off that spot, and no further:

- it expands the macros of all terms before it evaluates one, so that `%{p}` costs lookups for terms that are
  never come to (section 4.6.4 counts what is evaluated): no `%{p}` here;
- it looks up all hosts of an mx and all names of a ptr before it compares one (5.4, 5.5), and lets an error
  there end the check (5.5 says: skip): the hosts that MX and PTR records name have all addresses here;
- it counts a redirect as soon as it reads it (4.6.4, 6.1): the counts are not compared where one is there;
- it takes a direct include of itself for an error even behind a match (5.2): none here;
- it counts a void lookup behind an alias twice (4.6.4): aliases lead to names that have records of all types;
- it leaves `%{s}` without a local part where the sender has none (4.3: postmaster): none here;
- it refuses an unknown modifier that stands twice (6) and knows modifiers in small letters only (12).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import spf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.wire.spf_check import Evaluation, check_host
from checks.wire.spf_sender import sender_of
from tests.checks.wire.spf_zone import Fake, Zone, rows_of

IPS = ("192.0.2.10", "192.0.2.77", "2001:db8::10", "2001:db8:0:1::77", "::ffff:192.0.2.10")
HOSTS: dict[str, list[str | bytes]] = {
    "near.example": ["A 192.0.2.10", "AAAA 2001:db8::10"],
    "far.example": ["A 198.51.100.1", "AAAA 2001:db8:ffff::1"],
    "full.example": ["A 192.0.2.77", "AAAA 2001:db8:0:1::77", "MX 10 near.example", "TXT v=spf1 mx -all"],
    "four.example": ["A 192.0.2.10"],
    "six.example": ["AAAA 2001:db8::10"],
    "alias.example": ["CNAME full.example"],
    "slow.example": ["TIMEOUT"],
    "192.0.2.10.list.example": ["A 127.0.0.2"],
}
DOMAINS = ("a.example", "b.example", "c.example", "d.example")
ARPA = {ip: sender_of(ip, "", "").ip.reverse_pointer for ip in IPS}

targets = st.sampled_from([
    "near.example", "far.example", "full.example", "four.example", "six.example", "alias.example",
    "x..example", "none.example", "slow.example", "%{o}", "%{d}", "%{h}", "%{i}.list.example",
    "%{ir}.list.example", "%{d2}", "%{l}.example", "%{d1r}.example", "Near.Example.", "y" * 64 + ".example",
])  # fmt: skip
four = st.sampled_from(["", "", "/0", "/8", "/24", "/25", "/31", "/32"])
six = st.sampled_from(["", "", "//0", "//32", "//64", "//127", "//128"])
qualifiers = st.sampled_from(["", "", "+", "-", "~", "?"])
HOSTS_OF_A = targets.map(":{}".format) | st.just("")
INCLUDED = st.sampled_from(["full.example", "slow.example", "none.example", *DOMAINS])
NAMES_OF_PTR = st.sampled_from(["", ":example", ":near.example", ":b.example", ":%{d2}"])
FOURS = st.sampled_from(["192.0.2.10", "192.0.2.0", "10.0.0.1"])
SIXES = st.sampled_from(["2001:db8::10", "2001:db8::", "::", "::ffff:192.0.2.10"])
bodies = st.one_of(
    st.builds("{}{}{}{}".format, st.sampled_from(["a", "mx", "A"]), HOSTS_OF_A, four, six),
    st.builds("exists:{}".format, targets),
    st.builds("include:{}".format, INCLUDED),
    st.builds("ptr{}".format, NAMES_OF_PTR),
    st.builds("ip4:{}{}".format, FOURS, four),
    st.builds("ip6:{}{}".format, SIXES, st.sampled_from(["", "/0", "/32", "/64", "/128"])),
    st.sampled_from(["all", "all", "ALL"]),
)
mechanisms = st.builds("{}{}".format, qualifiers, bodies)
REDIRECTS = st.sampled_from([*DOMAINS, "none.example", "full.example"]).map("redirect={}".format)
OTHERS = ["exp=why.example", "exp=none.example", "exp=%{d}", "x=%{i}", "y="]
modifiers = st.lists(
    st.sampled_from(OTHERS) | REDIRECTS, max_size=2, unique_by=lambda text: text.partition("=")[0]
)
BROKEN = [
    "all.", "all/8", "moo", "a:", "a:x", "a:192.0.2.1", "include", "a/33", "mx/08", "a//129", "ip4:192.0.2",
    "ip4:1.2.3.04", "ip4:1.2.3.4/33", "ip6:1:2", "ip6:::/129", "z=%{r}", "z=%{q}", "a:%{c}.example",
    "exists:x/24", "ptr/0", "redirect:a.example", "-moo", "a:b.example,",
]  # fmt: skip
EXPLAINED = [["TXT No, %{l} of %{o} from %{i}."], ["TXT a", "TXT b"], ["TXT %{x}"], ["A 192.0.2.1"]]
FULL = ["near.example", "far.example"]


@st.composite
def zones(draw: Any) -> dict[str, list[str | bytes]]:
    """Return a zone in which `a.example` to `d.example` have made-up records."""
    zone = dict(HOSTS)
    zone["why.example"] = draw(st.sampled_from(EXPLAINED))
    for name in DOMAINS:
        terms = draw(st.lists(mechanisms, min_size=1, max_size=8)) + draw(modifiers)
        if draw(st.integers(0, 15)) == 15:
            terms.append(draw(st.sampled_from(BROKEN)))
        terms = [t for t in draw(st.permutations(terms)) if t.lstrip("+-~?") != f"include:{name}"]
        gap = draw(st.sampled_from([" ", "  "]))
        rows: list[str | bytes] = [f"TXT v=spf1 {gap.join(terms)}"]
        rows += draw(st.sampled_from([[], [], [], [], [], ["TXT other"], ["TXT v=spf1 -all"], [b"TXT \xff"]]))
        rows += draw(st.lists(st.sampled_from(["A 192.0.2.77", "AAAA 2001:db8:0:1::77"]), unique=True))
        hosts = draw(st.lists(st.sampled_from(FULL), max_size=2))
        rows += [f"MX {number} {host}" for number, host in enumerate(hosts)]
        zone[name] = rows
    for ip in IPS:
        names = draw(
            st.lists(
                st.sampled_from(["near.example", "far.example", "full.example"]), max_size=2, unique=True
            )
        )
        if names:
            zone[ARPA[ip]] = [f"PTR {name}" for name in names]
    return zone


def peer(zone: Zone, ip: str, mail_from: str, helo: str) -> tuple[str, str, int, int]:
    """Return what pyspf makes of it: result, explanation, lookups, void lookups."""

    def look_up(name: str, qtype: str, *_: object) -> Iterator[tuple[tuple[str, str], Any]]:
        rows = rows_of(zone, name) or []
        chosen = [row for row in rows if row[0] == qtype] or [row for row in rows if row[0] == "CNAME"]
        if not chosen and any(kind == "TIMEOUT" for kind, _ in rows):
            raise spf.TempError("timeout")
        for kind, value in chosen:
            text = value.decode("latin-1")
            preference, _, host = text.partition(" ")
            data: Any = {"TXT": (value,), "MX": (int(preference), host) if kind == "MX" else None}.get(
                kind, text
            )
            yield (name, kind), data

    query = spf.query(i=ip, s=mail_from, h=helo, strict=True)
    query.set_default_explanation("")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spf, "DNSLookup", look_up)
        result, _, explanation = query.check()
    return result, explanation if result == "fail" else "", query.lookups, query.void_lookups


def ours(zone: Zone, ip: str, mail_from: str, helo: str) -> Evaluation:
    return asyncio.run(check_host(sender_of(ip, mail_from, helo), Fake(zone)))


@given(
    zones(), st.sampled_from(IPS),
    st.sampled_from(["me@a.example", "near@a.example", "", "@b.example", "x-y@c.example", "me@none.example"]),
    st.sampled_from(["a.example", "near.example", "HELO", "d.example"]),
)  # fmt: skip
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_say_the_same(zone: Zone, ip: str, mail_from: str, helo: str) -> None:
    got = ours(zone, ip, mail_from, helo)
    result, explanation, lookups, voids = peer(zone, ip, mail_from, helo)
    texts = [row for name in DOMAINS for row in zone[name] if isinstance(row, str)]
    redirects = any("redirect=" in row for row in texts)
    if redirects and "permerror" in (result, got.result) and max(lookups, got.lookups) >= 10:
        return
    assert (got.result, got.explanation) == (result, explanation), (got.reason, lookups, voids)
    if result not in ("permerror", "temperror", "none") and not redirects:
        assert (got.lookups, got.void_lookups) == (lookups, voids)
