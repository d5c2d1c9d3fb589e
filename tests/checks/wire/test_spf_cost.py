"""What a record costs a sender that no term names."""

from __future__ import annotations

import asyncio
import time

from checks.wire.spf_cost import MAX_LINES, survey
from checks.wire.spf_dns import Reply
from checks.wire.spf_record import parse
from tests.checks.wire.spf_zone import Fake

ZONE = {
    "both.example": ["A 192.0.2.1", "AAAA 2001:db8::1"],
    "four.example": ["A 192.0.2.1"],
    "three.example": ["TXT v=spf1 a:both.example mx:mail.example -all"],
    "mail.example": ["MX 10 four.example", "MX 20 none.example"],
    "many.example": [f"MX {n} both.example" for n in range(11)],
    "two.example": ["TXT v=spf1 -all", "TXT v=spf1 ~all"],
    "open.example": ["TXT v=spf1 a:both.example +all"],
    "wide.example": ["TXT v=spf1 ip6:::/0 -all"],
    "soft.example": ["TXT v=spf1 ~all"],
    "loop.example": ["TXT v=spf1 include:test.example"],
    "slow.example": ["TIMEOUT"],
}


def cost(terms, ask=None, seconds=5.0):
    record = parse(f"v=spf1 {terms}".encode())
    return asyncio.run(survey(record, "test.example", ask or Fake(ZONE), seconds=seconds))


def lines(found):
    return {(line.domain, line.term): line for line in found.lines}


def test_every_term_counts_up_to_the_first_all():
    found = cost("include:three.example a:both.example exists:both.example ptr ip4:192.0.2.1 -all mx mx")
    assert (found.lookups, found.ending, found.complete) == (6, "-", True)
    tree = lines(found)
    assert tree["test.example", "include:three.example"].lookups == 3
    assert tree["three.example", "mx:mail.example"].depth == 1
    assert tree["three.example", "mx:mail.example"].lookups == 1


def test_void_lookups_by_family():
    found = cost("a:four.example a:none.example include:three.example exists:none.example -all")
    assert (found.voids4, found.voids6) == (3, 5)


def test_redirects_are_followed_to_the_end_of_the_record():
    assert cost("redirect=soft.example").ending == "~"
    assert cost("redirect=soft.example").lookups == 1
    assert cost("a:both.example").ending == ""
    assert cost("redirect=soft.example ?all").ending == "?"
    assert cost("redirect=slow.example").ending == "unknown"
    assert cost("redirect=%{i}.example").ending == "unknown"


def test_what_is_wrong_below_is_named():
    for term, words in {
        "include:two.example": "2 SPF records",
        "include:four.example": "no SPF record",
        "include:none.example": "no SPF record",
        "include:loop.example": "",
        "mx:many.example": "11 MX records",
        "a:x..example": "no domain name",
    }.items():
        line = lines(cost(f"{term} -all"))["test.example", term]
        assert words in line.problem
    assert (
        "leads back"
        in lines(cost("include:loop.example -all"))["loop.example", "include:test.example"].problem
    )


def test_what_could_not_be_looked_up_is_not_taken_for_nothing():
    for term in ("include:slow.example", "a:slow.example", "mx:slow.example", "exists:slow.example"):
        found = cost(f"{term} -all")
        assert lines(found)["test.example", term].unknown
        assert (found.voids4, found.voids6) == (0, 0)


def test_what_lets_everybody_pass_is_found_wherever_it_stands():
    def open_doors(terms):
        return [line.term for line in cost(terms).lines if line.lets_all]

    assert open_doors("include:open.example -all") == ["+all"]
    assert open_doors("include:wide.example -all") == ["ip6:::/0"]
    assert open_doors("?include:open.example -all") == []
    assert open_doors("redirect=open.example") == ["+all"]
    assert open_doors("ip4:0.0.0.0/0 -all") == ["ip4:0.0.0.0/0"]
    assert open_doors("mx:mail.example//0 a:both.example/24 -all") == ["mx:mail.example//0"]
    assert open_doors("-ip4:0.0.0.0/0 ip4:192.0.2.0/24 -all") == []


def test_names_that_depend_on_the_sender_are_said_to():
    line = lines(cost("include:%{i}.example -all"))["test.example", "include:%{i}.example"]
    assert (line.by_sender, line.lookups) == (True, 1)
    assert lines(cost("include:%{d2}.x.example -all"))["test.example", "include:%{d2}.x.example"].problem


def test_a_tree_without_end_ends():
    asked = []

    async def grow(name, rdtype):
        asked.append(name)
        return Reply(outcome="found", data=(f'"v=spf1 include:a.{name} include:b.{name} redirect=c.{name}"',))

    found = cost("include:a.example include:b.example", grow)
    assert (found.complete, len(asked) < 100, len(found.lines) <= MAX_LINES) == (False, True, True)


def test_silence_ends():
    async def never(name, rdtype):
        await asyncio.sleep(3600)

    begun = time.monotonic()
    found = cost("a:both.example include:three.example -all", never, seconds=0.05)
    assert (found.complete, found.ending) == (False, "unknown")
    assert time.monotonic() - begun < 5
