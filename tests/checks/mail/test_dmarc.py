"""mail.dmarc against real servers: knotd with authority, unbound before it, and servers that fail."""

from __future__ import annotations

import contextlib

import dns.flags
import dns.message
import dns.rcode
import pytest

from checks.mail.dmarc import Dmarc
from checks.words import Status, worst
from tests.checks.hostile import ESCAPES
from tests.checks.mail.root_zone import judged, run, unbound, world
from tests.checks.wire.dns_servers import answering, free_port, scripted

P, W, F, Q = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE
ZONE = r"""
_dmarc.plain.test.          TXT "v=DMARC1; p=reject"
mail.plain.test.            A 192.0.2.1
text.plain.test.            TXT "anything"
dangling.plain.test.        CNAME gone.test.
_dmarc.np.test.             TXT "v=DMARC1; p=reject; sp=quarantine; np=none"
mail.np.test.               A 192.0.2.1
mx.np.test.                 MX 10 mail.np.test.
text.np.test.               TXT "anything"
below.empty.np.test.        A 192.0.2.1
dangling.np.test.           CNAME gone.test.
_dmarc.own.np.test.         TXT "v=DMARC1; p=quarantine; sp=reject; np=reject"
_dmarc.cut.test.            TXT "v=DMARC1; p=re" "ject"
_dmarc.alias.test.          CNAME policy.elsewhere.test.
policy.elsewhere.test.      TXT "v=DMARC1; p=quarantine"
_dmarc.dead.test.           CNAME gone.test.
_dmarc.two.test.            TXT "v=DMARC1; p=reject"
_dmarc.two.test.            TXT "v=DMARC1; p=none"
_dmarc.two.two2.test.       TXT "v=DMARC1; p=reject"
_dmarc.two.two2.test.       TXT "v=DMARC1; p=none; psd=n"
_dmarc.two2.test.           TXT "v=DMARC1; p=quarantine"
a.two.two2.test.            A 192.0.2.1
_dmarc.mixed.test.          TXT "some other text"
_dmarc.mixed.test.          TXT "v=spf1 -all"
_dmarc.mixed.test.          TXT "v=DMARC1; p=none"
_dmarc.case.test.           TXT "v=dmarc1; p=reject"
_dmarc.blank.test.          TXT " v=DMARC1; p=reject"
_dmarc.late.test.           TXT "p=reject; v=DMARC1"
_dmarc.joined.test.         TXT "v=DMARC1 p=reject"
apex.test.                  TXT "v=DMARC1; p=reject"
apex.test.                  MX 10 mail.plain.test.
_dmarc.double.test.double.test. TXT "v=DMARC1; p=none"
_dmarc.nop.test.            TXT "v=DMARC1; rua=mailto:d@plain-mx.test"
_dmarc.bad.test.            TXT "v=DMARC1; p=block"
_dmarc.bad.bad2.test.       TXT "v=DMARC1; adkim=s"
_dmarc.bad2.test.           TXT "v=DMARC1; p=reject"
_dmarc.testing.test.        TXT "v=DMARC1; p=reject; t=y"
_dmarc.old.test.            TXT "v=DMARC1; p=none; pct=50; ri=3600; x=y"
_dmarc.wrong.test.          TXT "v=DMARC1; p=none; adkim=strict"
_dmarc.suffix.test.         TXT "v=DMARC1; p=reject; sp=quarantine; psd=y"
_dmarc.giant.suffix.test.   TXT "v=DMARC1; p=none"
www.mega.suffix.test.       A 192.0.2.1
_dmarc.b.bound.test.        TXT "v=DMARC1; p=quarantine; psd=n"
_dmarc.bound.test.          TXT "v=DMARC1; p=none"
a.b.bound.test.             A 192.0.2.1
_dmarc.c.d.e.f.deep.test.   TXT "v=DMARC1; p=none"
_dmarc.deep.test.           TXT "v=DMARC1; p=reject"
*.wild.test.                TXT "v=spf1 -all"
*.wild.test.                A 192.0.2.9
*.all.test.                 TXT "v=DMARC1; p=none"
plain-mx.test.              MX 10 mail.plain.test.
nullmx.test.                MX 0 .
address.test.               A 192.0.2.1
_dmarc.in.test.             TXT "v=DMARC1; p=none; rua=mailto:d@in.test, mailto:d@sub.in.test"
in.test.                    MX 10 mail.plain.test.
sub.in.test.                A 192.0.2.1
_dmarc.split.test.          TXT "v=DMARC1; p=none; rua=mailto:d@sub.split.test"
_dmarc.sub.split.test.      TXT "v=DMARC1; p=none; psd=n"
sub.split.test.             MX 10 mail.plain.test.
_dmarc.out.test.            TXT "v=DMARC1; p=none; rua=mailto:d@plain-mx.test"
_dmarc.ok.test.             TXT "v=DMARC1; p=none; rua=mailto:d@plain-mx.test"
ok.test._report._dmarc.plain-mx.test. TXT "v=DMARC1;"
_dmarc.any.test.            TXT "v=DMARC1; p=none; rua=mailto:d@reports.test!10m; ruf=mailto:f@reports.test"
reports.test.               MX 10 mail.plain.test.
*._report._dmarc.reports.test. TXT "v=DMARC1"
_dmarc.lies.test.           TXT "v=DMARC1; p=none; rua=mailto:d@spf.test"
*.spf.test.                 TXT "v=spf1 -all"
spf.test.                   MX 10 mail.plain.test.
_dmarc.on.test.             TXT "v=DMARC1; p=none; rua=mailto:d@onward.test"
onward.test.                MX 10 mail.plain.test.
*._report._dmarc.onward.test. TXT "v=DMARC1; rua=mailto:x@victim.test"
_dmarc.null.test.           TXT "v=DMARC1; p=none; rua=mailto:d@nullmx.test"
*._report._dmarc.nullmx.test. TXT "v=DMARC1"
_dmarc.addr.test.           TXT "v=DMARC1; p=none; rua=mailto:d@address.test"
*._report._dmarc.address.test. TXT "v=DMARC1"
_dmarc.nowhere.test.        TXT "v=DMARC1; p=none; rua=mailto:nobody"
""" + "\n".join(f'_dmarc.long.test. TXT "{n:03d} {"x" * 200}"' for n in range(30)) + """
_dmarc.long.test. TXT "v=DMARC1; p=quarantine"
"""  # fmt: skip


@pytest.fixture(scope="module")
def authority():
    with world(ZONE) as server:
        yield server


@pytest.fixture(scope="module")
def resolver(authority):
    with unbound(authority) as server:
        yield server


DEEP = "1.2.3.4.5.a.b.c.d.e.f.deep"
CASES = [
    # domain, record_domain, policy, names asked (without _dmarc. and .test)
    ("plain", "plain", "reject", ["plain"]),
    ("mail.plain", "plain", "reject", ["mail.plain", "plain", ""]),
    ("np", "np", "reject", ["np"]),
    ("mail.np", "np", "quarantine", ["mail.np", "np", ""]),
    ("mx.np", "np", "quarantine", ["mx.np", "np", ""]),
    # Any record makes a name exist, even one below it (appendix A.4).
    ("text.np", "np", "quarantine", ["text.np", "np", ""]),
    ("empty.np", "np", "quarantine", ["empty.np", "np", ""]),
    ("dangling.np", "np", "quarantine", ["dangling.np", "np", ""]),
    ("gone.np", "np", "none", ["gone.np", "np", ""]),
    ("a.gone.np", "np", "none", ["a.gone.np", "gone.np", "np", ""]),
    ("own.np", "own.np", "quarantine", ["own.np"]),
    ("gone.plain", "plain", "reject", ["gone.plain", "plain", ""]),
    ("cut", "cut", "reject", ["cut"]),
    ("alias", "alias", "quarantine", ["alias"]),
    ("dead", None, None, ["dead", ""]),
    ("two", None, None, ["two", ""]),
    ("two.two2", "two2", "quarantine", ["two.two2", "two2", ""]),
    ("a.two.two2", "two2", "quarantine", ["a.two.two2", "two.two2", "two2", ""]),
    ("mixed", "mixed", "none", ["mixed"]),
    ("case", None, None, ["case", ""]),
    ("blank", None, None, ["blank", ""]),
    ("late", None, None, ["late", ""]),
    ("joined", None, None, ["joined", ""]),
    ("apex", None, None, ["apex", ""]),
    ("double", None, None, ["double", ""]),
    ("nop", "nop", "none", ["nop"]),
    ("bad", "bad", None, ["bad"]),
    ("bad.bad2", "bad.bad2", None, ["bad.bad2"]),
    ("testing", "testing", "quarantine", ["testing"]),
    ("x.testing", "testing", "quarantine", ["x.testing", "testing", ""]),
    ("old", "old", "none", ["old"]),
    ("suffix", "suffix", "reject", ["suffix"]),
    ("giant.suffix", "giant.suffix", "none", ["giant.suffix"]),
    ("x.giant.suffix", "giant.suffix", "none", ["x.giant.suffix", "giant.suffix", "suffix"]),
    ("www.mega.suffix", "suffix", "quarantine", ["www.mega.suffix", "mega.suffix", "suffix"]),
    ("a.b.bound", "b.bound", "quarantine", ["a.b.bound", "b.bound"]),
    ("c.bound", "bound", "none", ["c.bound", "bound", ""]),
    ("wild", None, None, ["wild", ""]),
    ("x.wild", None, None, ["x.wild", "wild", ""]),
    ("x.all", "x.all", "none", ["x.all"]),
    ("long", "long", "quarantine", ["long"]),
    (DEEP, "deep", "reject",
     [DEEP, "b.c.d.e.f.deep", "c.d.e.f.deep", "d.e.f.deep", "e.f.deep", "f.deep", "deep", ""]),
    ("unknown", None, None, ["unknown", ""]),
]  # fmt: skip


def full(name):
    return f"{name}.test" if name else "test"


@pytest.mark.parametrize("through", ["authority", "resolver"])
@pytest.mark.parametrize(("domain", "record_domain", "policy", "queried"), CASES)
def test_the_record_that_applies(request, through, domain, record_domain, policy, queried):
    check = Dmarc(domain=full(domain), resolvers=(request.getfixturevalue(through),))
    seen = run(check)
    judged(check, seen)
    assert seen.record_domain == (full(record_domain) if record_domain else None)
    assert seen.policy == policy
    assert list(seen.queried) == [f"_dmarc.{full(name)}" for name in queried]
    assert len(queried) <= 8


@pytest.mark.parametrize(
    ("domain", "settings", "status", "words"),
    [
        ("plain", {"expect_policy": "reject"}, P, "own record"),
        ("plain", {"expect_policy": "none"}, F, "set p=none"),
        ("plain", {"at_most": "none"}, F, "would be refused"),
        ("plain", {"at_most": "quarantine"}, F, "p=quarantine"),
        ("plain", {"at_most": "reject"}, P, ""),
        ("plain", {}, P, ""),
        ("mail.plain", {"at_most": "none"}, F, "_dmarc.mail.plain.test"),
        ("mail.plain", {"expect_policy": "reject"}, P, "Organizational"),
        ("np", {"at_most": "none"}, F, ""),
        ("testing", {"expect_policy": "quarantine"}, W, "test mode"),
        ("testing", {"expect_policy": "reject"}, F, "remove t=y"),
        ("unknown", {}, W, "No DMARC"),
        ("unknown", {"at_most": "none"}, W, "No DMARC"),
        ("unknown", {"expect_policy": "none"}, F, "v=DMARC1; p=none"),
        ("unknown", {"require_reports": True}, F, "No DMARC"),
        ("two", {}, F, "2 DMARC policy records"),
        ("two", {"at_most": "none"}, F, "Keep one"),
        ("two.two2", {"expect_policy": "quarantine"}, F, "2 DMARC policy records"),
        ("a.two.two2", {"expect_policy": "quarantine"}, W, "2 DMARC policy records"),
        ("case", {}, F, "in capitals"),
        ("blank", {}, F, "begins with a blank"),
        ("late", {}, F, "not its first tag"),
        ("joined", {}, F, "no semicolon"),
        ("mixed", {"expect_policy": "none"}, W, "An SPF record stands"),
        ("wild", {}, W, "No DMARC"),
        ("x.wild", {}, W, "wildcard"),
        ("apex", {"expect_policy": "reject"}, F, "Move the TXT record from apex.test"),
        ("apex", {}, W, "where no receiver looks"),
        ("double", {}, W, "_dmarc.double.test.double.test"),
        ("nop", {"expect_policy": "none"}, W, "no tag p"),
        ("bad", {}, F, "not apply DMARC"),
        ("bad", {"at_most": "none"}, F, "not apply DMARC"),
        ("old", {"expect_policy": "none"}, P, "older receivers"),
        ("wrong", {}, W, "adkim=strict"),
        ("suffix", {}, W, "public suffix"),
        ("in", {"require_reports": True}, P, "can arrive"),
        ("plain", {"require_reports": True}, F, "no address"),
        ("split", {"require_reports": True}, F, "has not consented"),
        ("out", {"require_reports": True}, F, "out.test._report._dmarc.plain-mx.test"),
        ("out", {}, W, "has not consented"),
        ("ok", {"require_reports": True}, P, "can arrive"),
        ("any", {"require_reports": True}, P, "can arrive"),
        ("lies", {"require_reports": True}, F, "has not consented"),
        ("on", {"require_reports": True}, F, "victim.test"),
        ("null", {"require_reports": True}, F, "takes no mail"),
        ("addr", {"require_reports": True}, P, "can arrive"),
        ("nowhere", {"require_reports": True}, F, "leads nowhere"),
    ],
)
def test_what_is_judged(authority, domain, settings, status, words):
    check = Dmarc(domain=full(domain), resolvers=(authority,), **settings)
    findings = judged(check, run(check))
    assert worst(finding.status for finding in findings) is status, findings
    assert any(words in f"{f.message} {f.fix} {f.expected} {f.observed}" for f in findings), findings
    assert all(f.subject.startswith("_dmarc.") for f in findings)


def failing(rcode, *names):
    """Answer from nothing: `names` with `rcode`, all else as not existing."""

    def answer(query):
        asked = dns.message.from_wire(query)
        made = dns.message.make_response(asked)
        made.flags |= dns.flags.RA
        name = asked.question[0].name.to_text().rstrip(".").lower()
        if name in names and rcode is None:
            return None
        made.set_rcode(dns.rcode.from_text(rcode if name in names else "NXDOMAIN"))
        return made.to_wire()

    return answer


@pytest.mark.parametrize("settings", [{}, {"at_most": "none"}, {"expect_policy": "none"}])
@pytest.mark.parametrize(
    ("rcode", "names", "queried"),
    [
        ("SERVFAIL", ("_dmarc.a.x.test",), 1),
        ("SERVFAIL", ("_dmarc.x.test",), 2),
        ("SERVFAIL", ("_dmarc.test",), 3),
        ("REFUSED", ("_dmarc.a.x.test",), 1),
        ("FORMERR", ("_dmarc.x.test",), 2),
    ],
)
def test_a_lookup_that_failed_is_never_absence(rcode, names, queried, settings):
    with scripted(udp=failing(rcode, *names)) as port:
        check = Dmarc(domain="a.x.test", resolvers=(f"127.0.0.1:{port}",), **settings)
        seen = run(check)
    (finding,) = judged(check, seen)
    assert (finding.status, finding.subject) == (Q, names[0])
    assert (seen.policy, seen.record_domain, len(seen.queried)) == (None, None, queried)


EMPTY = ("_dmarc.a.x.test.", "a.x.test.")


@pytest.mark.parametrize(
    ("flags", "unsure"),
    [((), ("_dmarc.a.x.test", "_dmarc.test", "a.x.test")), (("RA",), ()), (("AA",), ())],
)
def test_emptiness_that_nobody_vouches_for_proves_nothing(flags, unsure):
    """The server gives the parent's record, and nothing for the domain, perhaps with no right to say so."""

    def answer(query):
        name = dns.message.from_wire(query).question[0].name.to_text()
        if name == "_dmarc.x.test.":
            return answering(("@", 60, "TXT", '"v=DMARC1; p=reject; sp=none; np=reject"'), flags=flags)(query)
        return answering(rcode="NOERROR" if name in EMPTY else "NXDOMAIN", flags=flags)(query)

    with scripted(udp=answer) as port:
        check = Dmarc(domain="a.x.test", resolvers=(f"127.0.0.1:{port}",), expect_policy="none")
        seen = run(check)
    assert (seen.record_domain, seen.policy, seen.unsure) == ("x.test", "none", unsure)
    assert seen.queried == ("_dmarc.a.x.test", "_dmarc.x.test", "_dmarc.test")
    findings = judged(check, seen)
    if unsure:
        assert [(finding.status, finding.subject) for finding in findings] == [(Q, "_dmarc.a.x.test")]
        assert "policy would be none" in findings[0].message
    else:
        assert findings[0].status is P


def test_what_nobody_vouches_for_is_told_as_it_was_said():
    """A server without the flags says that the domain does not exist: np would apply, were that true."""

    def answer(query):
        if dns.message.from_wire(query).question[0].name.to_text() == "_dmarc.x.test.":
            return answering(("@", 60, "TXT", '"v=DMARC1; p=none; sp=none; np=reject"'))(query)
        return answering(rcode="NXDOMAIN")(query)

    with scripted(udp=answer) as port:
        check = Dmarc(domain="a.x.test", resolvers=(f"127.0.0.1:{port}", f"127.0.0.1:{port}"))
        seen = run(check)
    assert (seen.record_domain, seen.policy, seen.exists) == ("x.test", "reject", False)
    assert [finding.status for finding in judged(check, seen)] == [Q]


def test_silence_is_never_absence():
    with scripted(udp=failing(None, "_dmarc.x.test")) as port:
        check = Dmarc(domain="a.x.test", resolvers=(f"127.0.0.1:{port}",), at_most="none")
        seen = run(check)
    assert [finding.status for finding in judged(check, seen)] == [Q]
    assert seen.queried == ("_dmarc.a.x.test", "_dmarc.x.test")


def test_another_resolver_is_asked_where_the_first_fails(authority):
    with scripted(udp=failing("SERVFAIL", "_dmarc.plain.test")) as port:
        check = Dmarc(domain="plain.test", resolvers=(f"127.0.0.1:{port}", authority))
        assert run(check).policy == "reject"


def test_no_server_at_all_is_inconclusive():
    check = Dmarc(domain="plain.test", resolvers=(f"127.0.0.1:{free_port()}",), at_most="none")
    assert [finding.status for finding in judged(check, run(check))] == [Q]


def test_whether_the_domain_exists_must_be_known_where_it_matters():
    """A server that gives the parent's record, and SERVFAIL to the question whether the domain exists."""
    with contextlib.ExitStack() as stack:

        def answer(query):
            asked = dns.message.from_wire(query)
            name = asked.question[0].name.to_text()
            if name == "_dmarc.x.test.":
                text = '"v=DMARC1; p=reject; sp=none; np=reject"'
                return answering(("@", 60, "TXT", text), flags=("RA",))(query)
            rcode = "SERVFAIL" if name == "a.x.test." else "NXDOMAIN"
            return answering(rcode=rcode, flags=("RA",))(query)

        port = stack.enter_context(scripted(udp=answer))
        check = Dmarc(domain="a.x.test", resolvers=(f"127.0.0.1:{port}",), at_most="none")
        seen = run(check)
        assert (seen.policy, seen.record_domain) == (None, "x.test")
        (finding,) = judged(check, seen)
        assert finding.status is Q


@pytest.mark.parametrize("required", [True, False])
def test_a_destination_that_could_not_be_looked_up_is_not_called_unwilling(required):
    def answer(query):
        name = dns.message.from_wire(query).question[0].name.to_text()
        if name == "_dmarc.x.test.":
            text = '"v=DMARC1; p=none; rua=mailto:d@r.example"'
            return answering(("@", 60, "TXT", text), flags=("RA",))(query)
        return answering(rcode="SERVFAIL" if "example." in name else "NXDOMAIN", flags=("RA",))(query)

    with scripted(udp=answer) as port:
        check = Dmarc(domain="x.test", resolvers=(f"127.0.0.1:{port}",), require_reports=required)
        findings = judged(check, run(check))
    assert worst(finding.status for finding in findings) is (Q if required else W)
    assert not any("has not consented" in finding.message for finding in findings)


def test_hostile_records_do_no_harm():
    raw = ESCAPES.encode("utf-8")
    text = "".join(f"\\{byte:03d}" for byte in raw)
    for record in (
        f'"v=DMARC1; p=none; {text}=1; rua=mailto:{text}@x, mailto:a@{text}"',
        f'"v=DMARC1; p={text}"',
        f'"{text} dmarc1"',
        '"v=DMARC1; ' + ";" * 240 + '" "' + ";" * 250 + '"',
    ):
        with scripted(udp=answering(("@", 60, "TXT", record), flags=("RA",))) as port:
            check = Dmarc(domain="x.test", resolvers=(f"127.0.0.1:{port}",))
            assert worst(finding.status for finding in judged(check, run(check))) in (F, W)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"domain": "."}, "mail addresses"),
        ({"domain": "*.x.test"}, "mail addresses"),
        ({"domain": "x.test", "expect_policy": "reject", "at_most": "none"}, "stricter"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Dmarc(**settings)
