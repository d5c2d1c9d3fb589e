"""network.ping: the judge by tables, the observer on a line of hosts with faults."""

from __future__ import annotations

import socket

import pytest

from checks.contract import CannotTell, Status, worst
from checks.network._echo import NO_FAMILY, first_of_each, is_own
from checks.network._sample import jitter, percentile, proves_loss, sample_for
from checks.network.ping import Fault, Ping, Pinged, PingSeen, summarise
from checks.wire.icmp_options import NO_ROUTE, NOT_PERMITTED, OVERRUN
from checks.wire.icmp_packet import Echo
from checks.wire.names import Resolved
from tests.checks.wire.icmp_lab import CLOSED, SERVER, observe

PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE
V4, V6 = "192.0.2.9", "2001:db8::9"


def seen(*targets, addresses=(V4,), **more):
    names = Resolved(host="host.example", addresses=addresses if targets else (), **more)
    return PingSeen(names=names, targets=targets)


def pinged(rtts, address=V4, planned=None, faults=(), **more):
    rtts = tuple(rtts)
    return Pinged(
        address=address,
        planned=planned or len(rtts),
        interval_s=0.25,
        rtts_ms=rtts,
        faults=tuple(faults),
        **more,
    )


def ours(error):
    return Fault(error=error, responder=None, local=True, count=60)


def judge(observed, **params):
    return list(Ping(target="host.example", **params).judge(observed))


def statuses(findings):
    return [finding.status for finding in findings]


def test_a_good_window_passes_and_shows_its_sample():
    findings = judge(seen(pinged([1.0] * 60)))
    assert statuses(findings) == [PASS, PASS, PASS]
    assert "0 of 60 packets lost in 15 s" in findings[0].message
    assert all(finding.measure and finding.measure.source and finding.measure.unit for finding in findings)


@pytest.mark.parametrize(
    ("rtts", "params", "expected"),
    [
        ([1.0] * 59, {}, [UNKNOWN, PASS, PASS]),
        ([1.0] * 60, {"thresholds": "teams"}, [UNKNOWN, PASS, PASS]),
        ([1.0] * 300, {"thresholds": "teams"}, [PASS, PASS, PASS]),
        ([1.0] * 300, {"thresholds": "voice-strict"}, [UNKNOWN, PASS, PASS]),
        ([1.0] * 3000, {"thresholds": "voice-strict"}, [PASS, PASS, PASS]),
        ([1.0] * 59 + [None], {}, [WARN, PASS, PASS]),
        ([1.0] * 57 + [None] * 3, {}, [WARN, PASS, PASS]),
        ([1.0] * 56 + [None] * 4, {}, [FAIL, PASS, PASS]),
        ([1.0] * 297 + [None] * 3, {"thresholds": "teams"}, [WARN, PASS, PASS]),
        ([1.0] * 296 + [None] * 4, {"thresholds": "teams"}, [FAIL, PASS, PASS]),
        ([1.0] * 59 + [None], {"thresholds": "teams"}, [UNKNOWN, PASS, PASS]),
        ([1.0] * 50 + [None] * 10, {"thresholds": "teams"}, [FAIL, PASS, PASS]),
        ([1.0] * 60, {"max_loss": 0}, [PASS, PASS, PASS]),
        ([1.0] * 59 + [None], {"max_loss": 0}, [FAIL, PASS, PASS]),
        ([300.0] * 60, {}, [PASS, WARN, PASS]),
        ([600.0] * 60, {}, [PASS, FAIL, PASS]),
        ([1.0] * 57 + [900.0] * 3, {}, [PASS, PASS, PASS]),
        ([1.0] * 56 + [900.0] * 4, {}, [PASS, FAIL, PASS]),
        ([1.0, 200.0] * 30, {}, [PASS, PASS, FAIL]),
        ([5.0] * 60, {"max_rtt": 0.004}, [PASS, FAIL, PASS]),
        ([5.0, 9.0] * 30, {"max_jitter": 0.003}, [PASS, PASS, FAIL]),
        ([1.0] * 10 + [None] * 50, {}, [FAIL, UNKNOWN, UNKNOWN]),
        ([1.0, None] * 30, {}, [FAIL, PASS, UNKNOWN]),
        ([None] * 60, {}, [FAIL]),
    ],
)
def test_limits(rtts, params, expected):
    assert statuses(judge(seen(pinged(rtts)), **params)) == expected


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (seen(), [FAIL]),
        (seen(error="silence", temporary=True), [UNKNOWN]),
        (seen(pinged([1.0] * 60, own=True)), [UNKNOWN]),
        (seen(pinged([], planned=60)), [UNKNOWN]),
        (seen(pinged([], planned=60, faults=[ours(NOT_PERMITTED)])),
         [UNKNOWN]),
        (seen(pinged([], planned=60, faults=[ours(NO_ROUTE)])),
         [FAIL]),
        (seen(pinged([1.0] * 60, planned=300)), [UNKNOWN, PASS, PASS, PASS]),
        (seen(pinged([1.0] * 60, planned=70, faults=[ours(OVERRUN)])),
         [UNKNOWN, PASS, PASS, PASS]),
    ],
)  # fmt: skip
def test_what_was_not_tested_is_no_pass(observed, expected):
    assert statuses(judge(observed)) == expected


def test_a_dead_family_does_not_hide_behind_the_other():
    both = seen(pinged([1.0] * 60), pinged([None] * 60, address=V6), addresses=(V4, V6))
    findings = judge(both)
    assert worst(statuses(findings)) is FAIL
    assert [finding.subject for finding in findings if finding.status is FAIL] == [V6]


@pytest.mark.parametrize("error", [NO_ROUTE, NO_FAMILY])
def test_a_family_this_laptop_lacks_is_a_warning_unless_it_is_wanted(error):
    fault = Fault(error=error, responder=None, local=True, count=60)
    lacking = pinged([], address=V6, planned=60, faults=[fault])
    both = seen(pinged([1.0] * 60), lacking, addresses=(V4, V6))
    assert statuses(judge(both)) == [PASS, PASS, PASS, WARN]
    assert worst(statuses(judge(seen(lacking, addresses=(V6,)), family="ipv6"))) in (FAIL, UNKNOWN)
    neither = seen(pinged([None] * 60), lacking, addresses=(V4, V6))
    assert statuses(judge(neither))[0] is FAIL
    assert PASS not in statuses(judge(neither))


def test_silence_names_who_reported_it():
    fault = Fault(error="host unreachable", responder="192.0.2.1", local=False, count=60)
    (finding,) = judge(seen(pinged([None] * 60, faults=[fault])))
    assert "192.0.2.1 says: host unreachable" in finding.observed
    stray = Fault(error="answered by 192.0.2.77 instead", responder=None, local=False, count=60)
    (finding,) = judge(seen(pinged([None] * 60, faults=[stray])))
    assert finding.status is FAIL
    assert "192.0.2.77" in finding.observed


@pytest.mark.parametrize(
    ("params", "window", "interval"),
    [
        ({}, 15, 0.25),
        ({"thresholds": "teams"}, 15, 0.05),
        ({"thresholds": "voice-strict"}, 60, 0.02),
        ({"window": 3}, 3, 0.05),
        ({"window": 60}, 60, 0.25),
        ({"interval": 1}, 60, 1),
        ({"max_loss": 0}, 15, 0.25),
    ],
)
def test_the_loss_limit_sets_the_sample(params, window, interval):
    check = Ping(target="host.example", **params)
    assert check.timing() == pytest.approx((window, interval))
    assert check.allowance() > window
    assert round(window / interval) >= min(sample_for(check.limits()["loss"].fail), 3000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 1, "interval": 2},
        {"max_rtt": 0},
        {"max_jitter": 0},
        {"window": 3600, "interval": 0.01},
        {"max_loss": 0.001},
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError):
        Ping(target="host.example", **wrong)


def test_numbers():
    assert [sample_for(limit) for limit in (0, 5, 1, 0.1, 50)] == [60, 60, 300, 3000, 60]
    assert jitter([1.0, 3.0, None, 9.0, 8.0]) == (1.5, 2)
    assert jitter([None, 1.0]) == (0.0, 0)
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0, 50, 75, 95, 100)] == [1, 2, 3, 4, 4]
    assert not proves_loss(60, 1, 1.0)
    assert proves_loss(60, 3, 1.0)


def test_own_errors_are_not_counted_as_lost():
    echoes = [
        Echo(sequence=0, sent_s=0, rtt_ms=1.23456, responder=V4, error=None),
        Echo(sequence=1, sent_s=1, rtt_ms=None, responder=None, error=OVERRUN, local=True),
        Echo(sequence=2, sent_s=2, rtt_ms=None, responder=None, error=None),
    ]
    found = summarise(V4, 3, 1.0, echoes)
    assert found.rtts_ms == (1.235, None)
    assert found.faults == (Fault(error=OVERRUN, responder=None, local=True, count=1),)


def test_addresses():
    assert first_of_each(["2001:db8::1", "192.0.2.1", "192.0.2.2"]) == ("2001:db8::1", "192.0.2.1")
    assert is_own("host.example", "127.0.0.1")
    assert is_own("host.example", "::1") or not socket.has_ipv6
    assert not is_own("127.0.0.1", "127.0.0.1")
    assert not is_own("host.example", "192.0.2.1")


def run(hosts, method="dgram", allowance=None, **params):
    """Return what the check finds on the laptop with a client of this method."""
    check = Ping(**{"target": SERVER[4], "window": 1.2, **params})

    observed = observe(hosts, method, check, allowance)
    return observed, list(check.judge(observed))


@pytest.mark.lab
@pytest.mark.parametrize("method", ["dgram", "raw"])
@pytest.mark.parametrize("version", [4, 6])
def test_a_healthy_line_passes(hosts, method, version):
    observed, findings = run(hosts, method, target=SERVER[version])
    assert statuses(findings) == [PASS] * 3
    assert len(observed.targets[0].rtts_ms) == 60


@pytest.mark.lab
@pytest.mark.parametrize("version", [4, 6])
def test_thirty_percent_loss_fails(hosts, version):
    family = "ip" if version == 4 else "ip6"
    hosts.filter(hosts.r1, "forward", "numgen random mod 100 < 30 drop", family)
    _, findings = run(hosts, target=SERVER[version])
    assert findings[0].status is FAIL
    assert findings[0].measure.value > 15


@pytest.mark.lab
def test_silence_fails_and_a_refusal_is_named(hosts):
    hosts.filter(hosts.r2, "forward", "drop")
    _, findings = run(hosts, window=0.2)
    assert statuses(findings) == [FAIL]
    hosts.reset()
    hosts.close_off()
    _, findings = run(hosts, target=CLOSED[4], window=0.2)
    assert statuses(findings) == [FAIL]
    assert "10.9.1.1 says" in findings[0].observed


@pytest.mark.lab
def test_our_own_firewall_our_own_address_and_a_cut_window_are_inconclusive(hosts):
    hosts.filter(hosts.laptop, "output", "drop")
    _, findings = run(hosts)
    assert statuses(findings) == [UNKNOWN]
    hosts.reset()
    _, findings = run(hosts, target="10.9.1.2")
    assert statuses(findings) == [UNKNOWN]
    _, findings = run(hosts, window=30, allowance=3.5)
    assert findings[0].status is UNKNOWN
    assert "cut short" in findings[0].message


@pytest.mark.lab
def test_a_broadcast_or_multicast_target_cannot_pass(hosts):
    _, findings = run(hosts, target="10.9.1.255", window=0.2)
    assert statuses(findings) == [UNKNOWN]
    for address in ("224.0.0.1", "0.0.0.0"):
        with pytest.raises(CannotTell):
            run(hosts, target=address, window=0.2)
