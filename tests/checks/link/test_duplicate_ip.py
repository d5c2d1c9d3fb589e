from __future__ import annotations

import pytest

from checks.contract import Status
from checks.link.duplicate_ip import Answered, DuplicateIp, DuplicateSeen

OWN, ONE, TWO, ROUTER = (f"02:00:00:00:00:0{n}" for n in (5, 1, 2, 9))
PLANNED = "10.20.0.10"


def seen(*macs: str, mine: bool = False, control: tuple[str, ...] = (ROUTER,)) -> DuplicateSeen:
    answer = Answered(address=PLANNED, mine=mine, macs=macs)
    return DuplicateSeen(
        interface="eth0", own_mac=OWN, addresses=(answer,), control="10.20.0.1", control_macs=control
    )


OURS, FREE, ONCE = DuplicateIp(), *(DuplicateIp(addresses=(PLANNED,), must_be=m) for m in ("free", "once"))

TABLE = [
    (OURS, seen(mine=True), "pass"),
    (OURS, seen(ONE, mine=True), "fail"),
    (OURS, seen(ROUTER, mine=True), "inconclusive"),
    (OURS, seen(ROUTER, ONE, mine=True), "fail"),
    (OURS, seen(mine=True, control=()), "inconclusive"),
    (OURS, seen(ONE, mine=True, control=()), "fail"),
    (FREE, seen(), "pass"),
    (FREE, seen(ONE), "fail"),
    (FREE, seen(mine=True), "fail"),
    (FREE, seen(control=()), "inconclusive"),
    (ONCE, seen(ONE), "pass"),
    (ONCE, seen(ONE, TWO), "fail"),
    (ONCE, seen(), "inconclusive"),
    (ONCE, seen(control=()), "inconclusive"),
    (ONCE, seen(ONE, control=()), "pass"),
    (ONCE, seen(mine=True), "pass"),
    (ONCE, seen(ONE, mine=True), "fail"),
]


@pytest.mark.parametrize(("check", "what", "expected"), TABLE)
def test_judging(check: DuplicateIp, what: DuplicateSeen, expected: str) -> None:
    (finding,) = check.judge(what)
    assert finding.status is Status(expected), finding


def test_a_duplicate_is_named_with_both_hardware_addresses() -> None:
    (finding,) = OURS.judge(seen(ONE, mine=True))
    assert OWN in finding.message
    assert ONE in finding.message


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="free"):
        DuplicateIp(must_be="free")
    with pytest.raises(ValueError, match="IPv4"):
        DuplicateIp(addresses=("2001:db8::1",))
