"""Every built-in check keeps the form; a failure names the type and the rule it breaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest

from checks import registry
from checks.contract import RESERVED, Check, Finding, Vantage, is_loopback
from checks.judging import failed, passed
from checks.params import Duration, Host
from tests.checks import form


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("rule", form.RULES)
def test_form(name, rule):
    form.RULES[rule](registry.load(name))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    value: int


class Good(Check[Seen]):
    """It is good.

    Proves: something.
    Cannot prove: everything.
    If it fails: mend it.

    Source: RFC 1.

    Example:
        type: test.good
        target: 192.0.2.1
        patience: 250ms
    """

    target: Host
    """Whom."""
    patience: Duration = 1.0
    """How long."""

    async def observe(self, vantage: Vantage) -> Seen:
        return Seen(value=1)

    def judge(self, seen: Seen) -> Iterable[Finding]:
        if seen.value:
            yield passed(self.target, "Fine.")
        else:
            yield failed(self.target, "Not fine.", fix="Mend it.")


Good.type = "test.good"


@pytest.mark.parametrize("rule", form.RULES)
def test_the_rules_accept_a_good_check(rule):
    form.RULES[rule](Good)


def bad(name, **namespace):
    """Return a check like `Good` with something spoilt."""
    kind = type(name, (Good,), {"__doc__": Good.__doc__, "__module__": __name__, **namespace})
    kind.type = "test.good"
    return kind


class Undocumented(Good):
    __doc__ = Good.__doc__
    other: int = 1


class Stealing(Good):
    __doc__ = Good.__doc__
    timeout: int = 1
    """Ours."""


class Guessing(Good):
    __doc__ = Good.__doc__
    count = [0]  # noqa: RUF012

    def judge(self, seen: Seen) -> Iterable[Finding]:
        self.count[0] += 1
        yield passed(self.target, f"Fine for the {self.count[0]}th time.")


class Calling(Good):
    __doc__ = Good.__doc__

    def judge(self, seen: Seen) -> Iterable[Finding]:
        import socket

        socket.getaddrinfo("127.0.0.1", 9)
        yield passed(self.target, "Fine.")


class Silent(Good):
    """It is good.

    Example:
        type: test.good
        target: 192.0.2.1
        words: [a]
    """

    words: tuple[str, ...]
    """What must be said."""


class Vague(Good):
    __doc__ = Good.__doc__

    async def observe(self, vantage: Vantage) -> object:
        return 1


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("docstring", bad("A", __doc__="It is good.\n\nProves: x\nSource: y\nExample:\n    type: a\n")),
        ("docstring", bad("B", __doc__=None)),
        ("example_loads", bad("C", __doc__=Good.__doc__.replace("192.0.2.1", "999.1.1.1"))),
        ("example_loads", bad("D", __doc__=Good.__doc__.replace("patience", "patiense"))),
        ("example_loads", bad("E", __doc__=Good.__doc__.replace("test.good", "test.bad"))),
        ("parameters", Undocumented),
        ("parameters", Stealing),
        ("nothing_is_refused", Silent),
        ("engine_facts", bad("F", deadline_s=0.0)),
        ("engine_facts", bad("G", kind="heavy")),
        ("judge_is_pure", Guessing),
        ("judge_is_pure", Calling),
        ("observation", Vague),
    ],
)
def test_the_rules_refuse_what_breaks_them(rule, kind):
    with pytest.raises((AssertionError, ValueError, TypeError)):
        form.RULES[rule](kind)


def test_a_check_is_frozen_and_keyword_only():
    check = Good(target="192.0.2.1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        check.target = "192.0.2.2"
    with pytest.raises(TypeError):
        Good("192.0.2.1")


def test_the_engine_s_keys_are_the_documented_ones():
    page = form.Path(registry.__file__).parents[1] / "CONTRIBUTING.md"
    text = page.read_text()
    assert all(key in text for key in RESERVED)


class Asking(Good):
    """It asks DNS servers."""

    resolvers: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


def test_a_check_needs_the_link_unless_all_the_servers_it_names_are_here():
    here, there = ("127.0.0.1:5353", "[::1]:53"), ("127.0.0.1", "192.0.2.1")
    assert Asking(target="192.0.2.1").needs_link()
    assert not Asking(target="127.0.0.1").needs_link()
    assert not Asking(target="example.com", resolvers=here).needs_link()
    assert not Asking(target="example.com", resolvers=here, servers=here[:1]).needs_link()
    assert Asking(target="example.com", resolvers=there).needs_link()
    assert Asking(target="example.com", resolvers=here, servers=there).needs_link()


@pytest.mark.parametrize(
    ("subject", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9:80", True),
        ("::1", True),
        ("[::1]:80", True),
        ("[::1]", True),
        ("localhost", True),
        ("localhost:8080", True),
        ("files.localhost", True),
        ("http://127.0.0.1:8080/x", True),
        ("https://[::1]/", True),
        ("tls://127.0.0.1:853#dns.example.net", True),
        ("https://[::1]:8443/dns-query#dns.example.net", True),
        ("ns1.example.com=127.0.0.2:5301", True),
        ("ns1.example.com=192.0.2.1", False),
        ("tls://dns.example.net#localhost", False),
        ("192.0.2.1", False),
        ("notlocalhost", False),
        ("http://127.0.0.1.example.com/", False),
        ("2001:db8::1", False),
        ("", False),
        ("this laptop", False),
    ],
)
def test_loopback_is_told_from_the_rest(subject, local):
    assert is_loopback(subject) is local
