from __future__ import annotations

import asyncio

import pytest

from checks import jsonable
from checks.network.egress import Egress, EgressSeen, address_in
from checks.vantage import Shared, Vantage
from checks.wire.http import Exchange, Phases, Trouble
from checks.words import worst
from tests.checks import hostile

URL = "https://ip.example.com/"


def answer(body: str | bytes = "203.0.113.2\n", status: int | None = 200, **more) -> Exchange:
    raw = body.encode() if isinstance(body, str) else body
    more.setdefault("local_address", "10.0.0.5")
    return Exchange(
        url=URL, method="GET", phases=Phases(), status=status, body=raw, complete=status is not None, **more
    )


SILENT = answer("", None, trouble=Trouble(phase="connect", kind="timeout", detail="x"))
INSIDE = {"expect": ("203.0.113.0/29",)}


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ("203.0.113.2\n", "203.0.113.2"),
        ('{"ip": "203.0.113.2"}', "203.0.113.2"),
        ('{"origin": "2001:db8::1"}', "2001:db8::1"),
        ("::ffff:203.0.113.2", "203.0.113.2"),
        ("<html>Please log in. 203.0.113.2</html>", None),
        ('{"ip": 5}', None),
        ('{"ip": "203.0.113.2"', None),
        ('{"a":' * 50_000, None),
        ("", None),
        ("3405803778", None),
        (hostile.ESCAPES, None),
    ],
)
def test_addresses(body, address):
    assert address_in(answer(body)) == address


def test_only_a_whole_200_counts():
    assert address_in(answer(status=403)) is None
    assert address_in(answer(cut=True)) is None
    assert address_in(answer(trouble=SILENT.trouble)) is None


@pytest.mark.parametrize(
    ("answers", "settings", "status"),
    [
        ((answer(),), INSIDE, "pass"),
        ((answer("198.51.100.1"),), INSIDE, "fail"),
        ((answer("2001:db8::1"),), INSIDE, "fail"),
        ((answer(), answer("198.51.100.1")), INSIDE, "fail"),  # two lines
        ((answer(), SILENT), INSIDE, "pass"),
        ((answer(), answer("<html>")), INSIDE, "pass"),
        ((SILENT,), INSIDE, "inconclusive"),
        ((answer("<html>Log in</html>"),), INSIDE, "inconclusive"),  # a portal is no answer
        ((answer(hostile.ESCAPES),), INSIDE, "inconclusive"),
        ((), INSIDE, "inconclusive"),
        ((answer(),), {"nat": "present"}, "pass"),
        ((answer(),), {"nat": "absent"}, "fail"),
        ((answer(local_address="203.0.113.2"),), {"nat": "absent"}, "pass"),
        ((answer(local_address="203.0.113.2"),), {"nat": "present"}, "fail"),
        ((answer(local_address=None),), {"nat": "present"}, "inconclusive"),
    ],
)
def test_judge(answers, settings, status):
    seen = EgressSeen(answers=answers)
    assert jsonable.from_json(EgressSeen, jsonable.to_json(seen)) == seen
    findings = list(Egress(via=(URL,), **settings).judge(seen))
    hostile.assert_harmless(findings)
    assert worst(finding.status for finding in findings) == status


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_live(host):
    async def mirror(reader, writer):
        await hostile.request_head(reader)
        body = writer.get_extra_info("peername")[0].encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async def go():
        async with hostile.serve(mirror, host=host) as port:
            url = f"http://[::1]:{port}/" if ":" in host else f"http://{host}:{port}/"
            check = Egress(via=(url,), expect=("127.0.0.0/8", "::1/128"), nat="absent")
            assert not check.needs_link()
            return [f.status for f in check.judge(await check.observe(Vantage(Shared())))]

    assert asyncio.run(go()) == ["pass", "pass"]


def test_nothing_expected_is_refused():
    with pytest.raises(ValueError, match="Nothing is expected"):
        Egress(via=(URL,))
