"""Judging what was heard: what would make `link.dhcp` pass although it is not so, first of all."""

from __future__ import annotations

import dataclasses
import struct
from typing import Any

import pytest

from checks.contract import Finding, Status, worst
from checks.link._dhcp_seen import Claim, DhcpSeen, Reply
from checks.link.dhcp import Dhcp, Pool, parse_options
from checks.local.facts import LeaseFact
from checks.wire.frames.dhcp import decode
from checks.wire.frames.dhcp_options import told
from tests.checks.wire.frames.dhcp_messages import SERVER_MAC, addresses, message, offer_options

SERVER, ROUTER, OTHER_MAC = "10.20.0.1", "10.20.0.1", "00:0c:29:00:00:09"
PLAN: dict[str, Any] = {
    "servers": (SERVER,), "network": "10.20.0.0/24", "pool": Pool(first="10.20.0.50", last="10.20.0.99"),
    "router": (ROUTER,), "dns": ("10.20.0.53", "10.20.0.54"), "domain": "corp.example", "min_lease": 28800.0,
}  # fmt: skip
CHECK = Dhcp(**PLAN)


def reply(
    server: str = SERVER, *, mac: str = SERVER_MAC, mine: bool = True, source: str = "",
    vlan: int | None = None, fields: dict[str, Any] | None = None, **options: bytes,
) -> Reply:  # fmt: skip
    payload = message(*offer_options(server, **options), **fields or {})
    return Reply(
        mac=mac, vendor="VMware, Inc." if mac == OTHER_MAC else None, source=source or server, after_ms=3.0,
        mine=mine, message=decode(payload), vlan=vlan,
    )  # fmt: skip


def seen(*replies: Reply, **changed: Any) -> DhcpSeen:
    healthy: dict[str, Any] = {
        "interface": "eth0", "mac": "52:54:00:00:00:05", "sent": 2, "listened_s": 11.0, "others": 12,
        "claims": (Claim(address=ROUTER, mac=SERVER_MAC),),
    }  # fmt: skip
    return DhcpSeen(replies=replies, **(healthy | changed))


def judged(check: Dhcp, what: DhcpSeen) -> tuple[Status, list[Finding]]:
    findings = list(check.judge(what))
    return worst(finding.status for finding in findings), findings


def bad(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.status is not Status.PASS]


def test_the_healthy_offer_passes_option_by_option() -> None:
    status, findings = judged(CHECK, seen(reply()))
    assert status is Status.PASS, bad(findings)
    subjects = [finding.subject for finding in findings]
    assert len(set(subjects)) == len(subjects) == 8
    assert "10.20.0.1 DNS server (option 6)" in subjects


WRONG = [
    ("router", {"o3": addresses("10.20.0.9")}, "fail", "router (option 3)"),
    ("router-missing", {"o3": b""}, "fail", "router (option 3)"),
    ("dns", {"o6": addresses("10.20.0.53", "8.8.8.8")}, "fail", "DNS server"),
    ("dns-one-missing", {"o6": addresses("10.20.0.53")}, "fail", "DNS server"),
    ("dns-one-more", {"o6": addresses("10.20.0.53", "10.20.0.54", "8.8.8.8")}, "fail", "DNS server"),
    ("dns-order", {"o6": addresses("10.20.0.54", "10.20.0.53")}, "warn", "DNS server"),
    ("dns-malformed", {"o6": b"12345"}, "fail", "DNS server"),
    ("domain", {"o15": b"old.example"}, "fail", "domain"),
    ("lease-short", {"o51": struct.pack("!I", 600)}, "fail", "lease time"),
    ("lease-missing", {"o51": b""}, "fail", "lease time"),
    ("mask", {"o1": addresses("255.255.0.0")}, "fail", "subnet mask"),
    ("mask-missing", {"o1": b""}, "fail", "subnet mask"),
    ("router-outside", {"o1": addresses("255.255.255.252")}, "fail", "in its network"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "status", "about"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_wrong_option_is_a_finding_of_its_own(options: dict[str, bytes], status: str, about: str) -> None:
    got, findings = judged(CHECK, seen(reply(**options)))
    assert got is Status(status), findings
    assert any(about in finding.subject for finding in bad(findings))
    assert all(finding.fix and finding.expected for finding in bad(findings))


@pytest.mark.parametrize("yours", ["10.20.9.60", "10.20.0.20", "0.0.0.0"], ids=["network", "pool", "none"])
def test_a_wrong_address_fails(yours: str) -> None:
    assert judged(CHECK, seen(reply(fields={"yours": yours})))[0] is Status.FAIL


def test_a_long_lease_and_one_for_ever_are_long_enough() -> None:
    assert judged(CHECK, seen(reply(o51=b"\xff\xff\xff\xff")))[0] is Status.PASS


MORE = [
    ("option-150", {"tftp_servers": ("10.20.0.150",)}, {"o150": addresses("10.20.0.150")}, {}, "150"),
    ("tftp-name", {"tftp": "tftp.corp.example"}, {"o66": b"TFTP.corp.example"}, {}, "66"),
    ("tftp-in-field", {"tftp": "tftp.corp.example"}, {}, {"name": b"tftp.corp.example"}, ""),
    ("boot-file", {"boot_file": "pxe.0"}, {"o67": b"pxe.0\0"}, {}, "67"),
    ("boot-in-field", {"boot_file": "pxe.0"}, {}, {"file": b"pxe.0"}, ""),
    ("ntp", {"ntp": ("10.20.0.123",)}, {"o42": addresses("10.20.0.123")}, {}, "42"),
    ("mtu", {"mtu": 1400}, {"o26": b"\x05\x78"}, {}, "26"),
    ("search", {"search": ("corp.example", "lab.example")},
     {"o119": b"\4corp\7example\0\3lab\xc0\5"}, {}, "119"),
    ("relay", {"relay": "10.20.0.1"}, {}, {"relay": "10.20.0.1"}, ""),
    ("other-hex", {"options": {"43": "0xf1040a140005"}}, {"o43": b"\xf1\4\x0a\x14\0\5"}, {}, "43"),
    ("other-text", {"options": {"252": "http://pac/"}}, {"o252": b"http://pac/"}, {}, "252"),
    ("other-list", {"options": {"44": "10.0.0.1, 10.0.0.2"}},
     {"o44": addresses("10.0.0.1", "10.0.0.2")}, {}, "44"),
    ("other-number", {"options": {"46": "8"}}, {"o46": b"\x08"}, {}, "46"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("planned", "options", "fields", "code"), [row[1:] for row in MORE], ids=[row[0] for row in MORE]
)
def test_other_options(
    planned: dict[str, Any], options: dict[str, bytes], fields: dict[str, Any], code: str
) -> None:
    check = Dhcp(**PLAN | planned)
    assert judged(check, seen(reply(fields=fields, **options)))[0] is Status.PASS
    status, findings = judged(check, seen(reply()))
    assert status is Status.FAIL
    (finding,) = bad(findings)
    if code:
        assert f"(option {code})" in finding.subject
        wrong = {key: b"\x7f" * len(value) for key, value in options.items()}
        assert judged(check, seen(reply(**wrong)))[0] is Status.FAIL


def test_a_missing_option_150_says_what_comes_of_it() -> None:
    _, findings = judged(Dhcp(**PLAN | {"tftp_servers": ("10.20.0.150",)}), seen(reply()))
    (finding,) = bad(findings)
    assert "phones" in finding.message
    assert "option 150" in finding.fix


# --- who else answers


def test_a_rogue_fails_and_is_named_with_its_maker() -> None:
    rogue = reply("10.20.0.66", mac=OTHER_MAC, o3=addresses("10.20.0.66"), o6=addresses("6.6.6.6"))
    status, findings = judged(CHECK, seen(reply(), rogue))
    assert status is Status.FAIL
    (finding,) = bad(findings)
    for word in ("10.20.0.66", OTHER_MAC, "VMware", "6.6.6.6"):
        assert word in finding.observed
    assert not any("nobody else" in finding.message for finding in findings)


def test_a_rogue_alone_fails_twice() -> None:
    status, findings = judged(CHECK, seen(reply("10.20.0.66", mac=OTHER_MAC)))
    assert status is Status.FAIL
    assert len(bad(findings)) == 2


def test_a_rogue_that_answers_another_client_is_overheard() -> None:
    for kind in (b"\2", b"\5"):
        rogue = reply("10.20.0.66", mac=OTHER_MAC, mine=False, o53=kind)
        status, findings = judged(CHECK, seen(reply(), rogue))
        assert status is Status.FAIL
        assert "overheard" in bad(findings)[0].message


def test_the_server_of_another_vlan_answers_its_clients_there() -> None:
    """A desk's port carries the phones' VLAN tagged: their server is overheard, and is no rogue here."""
    phones = reply("10.20.30.10", mac=OTHER_MAC, mine=False, vlan=30)
    assert judged(CHECK, seen(reply(), phones))[0] is Status.PASS
    tagged = dataclasses.replace(CHECK, vlan=30)
    here, staff = reply(vlan=30), reply("10.20.0.66", mac=OTHER_MAC, mine=False)
    assert judged(tagged, seen(here, staff, vlan=30))[0] is Status.PASS
    rogue = reply("10.20.0.66", mac=OTHER_MAC, mine=False, vlan=30)
    assert judged(tagged, seen(here, rogue, vlan=30))[0] is Status.FAIL
    assert judged(CHECK, seen(reply(), reply("10.20.0.66", mac=OTHER_MAC, vlan=30)))[0] is Status.FAIL


def test_the_planned_server_may_answer_other_clients() -> None:
    assert judged(CHECK, seen(reply(), reply(mine=False), reply(mine=False, o53=b"\5")))[0] is Status.PASS


def test_only_an_answer_to_us_is_an_offer() -> None:
    status, findings = judged(CHECK, seen(reply(mine=False)))
    assert status is Status.FAIL
    assert "offers an address here" in bad(findings)[0].message


def test_another_device_under_the_servers_name_fails() -> None:
    status, findings = judged(CHECK, seen(reply(), reply(mac=OTHER_MAC)))
    assert status is Status.FAIL
    assert "2 devices" in bad(findings)[0].message


def test_two_relays_of_one_server_are_a_warning() -> None:
    first = reply(fields={"relay": "10.20.0.2"}, source="10.20.0.2")
    second = reply(mac=OTHER_MAC, fields={"relay": "10.20.0.3"}, source="10.20.0.3")
    status, findings = judged(CHECK, seen(first, second))
    assert status is Status.WARN, findings
    same = reply(mac=OTHER_MAC, fields={"relay": "10.20.0.2"})
    assert judged(CHECK, seen(first, same))[0] is Status.FAIL


def test_another_source_address_is_a_warning() -> None:
    status, findings = judged(CHECK, seen(reply(source="10.20.0.77")))
    assert status is Status.WARN, findings


def test_the_wrong_relay_and_none_at_all_fail() -> None:
    check = Dhcp(**PLAN | {"relay": "10.20.0.1"})
    assert judged(check, seen(reply(fields={"relay": "10.20.0.2"})))[0] is Status.FAIL
    assert judged(check, seen(reply()))[0] is Status.FAIL


def test_an_offer_without_a_server_identifier_fails() -> None:
    status, findings = judged(CHECK, seen(reply(o54=b"")))
    assert status is Status.FAIL
    assert "without saying which" in bad(findings)[0].message
    assert judged(CHECK, seen(reply(o54=addresses(SERVER, "10.20.0.66"))))[0] is Status.FAIL


@pytest.mark.parametrize("kind", [b"\6", b"\5", b"\x63"], ids=["nak", "ack", "unknown"])
def test_an_answer_that_is_no_offer_fails(kind: bytes) -> None:
    status, findings = judged(CHECK, seen(reply(o53=kind)))
    assert status is Status.FAIL
    assert any("instead of an offer" in finding.message for finding in findings)


def test_one_of_a_failover_pair_is_enough() -> None:
    assert judged(Dhcp(**PLAN | {"servers": (SERVER, "10.20.0.2")}), seen(reply()))[0] is Status.PASS


def test_each_of_two_planned_servers_is_held_against_the_plan() -> None:
    check = Dhcp(**PLAN | {"servers": (SERVER, "10.20.0.2")})
    second = reply("10.20.0.2", mac=OTHER_MAC, o6=addresses("8.8.8.8"))
    status, findings = judged(check, seen(reply(), second))
    assert status is Status.FAIL
    assert [finding.subject for finding in bad(findings)] == ["10.20.0.2 DNS server (option 6)"]


def test_the_worse_of_two_offers_of_one_server_counts() -> None:
    for order in ((reply(), reply(o6=b"")), (reply(o6=b""), reply())):
        status, findings = judged(CHECK, seen(*order))
        assert status is Status.FAIL
        assert len(bad(findings)) == 1


def test_a_malformed_offer_fails() -> None:
    status, findings = judged(CHECK, seen(reply(o26=b"1")))
    assert status is Status.FAIL
    assert "malformed" in bad(findings)[0].message


def test_an_offer_from_another_vlan_fails() -> None:
    assert judged(CHECK, seen(reply(vlan=30)))[0] is Status.FAIL
    tagged = dataclasses.replace(CHECK, vlan=30)
    assert judged(tagged, seen(reply(vlan=30), vlan=30))[0] is Status.PASS
    assert judged(tagged, seen(reply(), vlan=30))[0] is Status.FAIL


def test_an_offered_address_in_use_fails() -> None:
    used = (Claim(address="10.20.0.50", mac=OTHER_MAC),)
    status, findings = judged(CHECK, seen(reply(), claims=used))
    assert status is Status.FAIL
    assert bad(findings)[0].observed == OTHER_MAC


def test_who_answers_for_everybody_holds_no_address_for_sure() -> None:
    proxy = tuple(Claim(address=address, mac=SERVER_MAC) for address in (ROUTER, "10.20.0.50"))
    assert judged(CHECK, seen(reply(), claims=proxy))[0] is Status.INCONCLUSIVE


# --- silence, and half of what came


SILENT: list[tuple[str, dict[str, Any], str]] = [
    ("with-control", {}, "fail"),
    ("nothing-heard", {"others": 0, "claims": ()}, "inconclusive"),
    ("window-too-short", {"listened_s": 3.0}, "inconclusive"),
    ("went-down", {"interrupted": True}, "inconclusive"),
    ("nothing-sent", {"sent": 0}, "inconclusive"),
    ("left-out", {"left_out": 5}, "inconclusive"),
    ("lost", {"lost": 5}, "inconclusive"),
]


@pytest.mark.parametrize(("changed", "status"), [row[1:] for row in SILENT], ids=[row[0] for row in SILENT])
def test_silence(changed: dict[str, Any], status: str) -> None:
    got, findings = judged(CHECK, seen(**changed))
    assert got is Status(status), findings
    assert len(findings) == 1


@pytest.mark.parametrize(
    "changed", [{"left_out": 1}, {"lost": 1}, {"interrupted": True}, {"listened_s": 2.0}],
    ids=["left-out", "lost", "went-down", "window-too-short"],
)  # fmt: skip
def test_a_healthy_offer_in_half_of_what_came_is_no_pass(changed: dict[str, Any]) -> None:
    assert judged(CHECK, seen(reply(), **changed))[0] is Status.INCONCLUSIVE


def test_garbage_is_told() -> None:
    status, findings = judged(CHECK, seen(reply(), garbage=(OTHER_MAC,)))
    assert status is Status.WARN
    assert OTHER_MAC in bad(findings)[0].observed


def test_a_flood_of_rogues_is_told_shortly() -> None:
    rogues = [reply(f"10.66.0.{n}", mac=f"00:0c:29:00:00:{n:02x}") for n in range(1, 65)]
    status, findings = judged(CHECK, seen(reply(), *rogues, left_out=9936))
    assert status is Status.FAIL
    assert len(findings) < 40
    assert any("more senders" in finding.message for finding in findings)


# --- the lease of the operating system


def lease(**changed: Any) -> DhcpSeen:
    options = (
        told(1, "255.255.255.0"), told(3, ROUTER), told(6, "10.20.0.53", "10.20.0.54"),
        told(15, "corp.example"),
    )  # fmt: skip
    given: dict[str, Any] = {
        "interface": "eth0", "server": SERVER, "lease_s": 28800.0, "source": "nmcli", "address": "10.20.0.60",
        "options": options,
    }  # fmt: skip
    return DhcpSeen(
        interface="eth0", mac="52:54:00:00:00:05", lease=LeaseFact(**(given | changed)),
        hindrance="This account may not send raw frames.", remedy="Run it as root.",
    )  # fmt: skip


def test_a_lease_never_passes_as_a_whole() -> None:
    status, findings = judged(CHECK, lease())
    assert status is Status.INCONCLUSIVE
    (finding,) = bad(findings)
    assert "would not be seen" in finding.message
    assert finding.fix == "Run it as root."


LEASES: list[tuple[str, dict[str, Any], str]] = [
    ("wrong-server", {"server": "10.20.0.66"}, "fail"),
    ("wrong-address", {"address": "10.9.0.60"}, "fail"),
    ("wrong-dns", {"options": (told(6, "8.8.8.8"),)}, "fail"),
    ("short", {"lease_s": 60.0}, "fail"),
    ("nothing-known", {"options": (), "address": "", "lease_s": None}, "inconclusive"),
    ("no-server", {"server": ""}, "inconclusive"),
]


@pytest.mark.parametrize(("changed", "status"), [row[1:] for row in LEASES], ids=[row[0] for row in LEASES])
def test_what_a_lease_proves_wrong(changed: dict[str, Any], status: str) -> None:
    assert judged(CHECK, lease(**changed))[0] is Status(status)


def test_an_option_that_the_system_did_not_ask_for_is_not_missing() -> None:
    check = Dhcp(**PLAN | {"tftp_servers": ("10.20.0.150",), "options": {"43": "0x0104"}})
    status, findings = judged(check, lease())
    assert status is Status.INCONCLUSIVE
    assert len(bad(findings)) == 3


def test_no_lease_at_all() -> None:
    status, findings = judged(CHECK, dataclasses.replace(lease(), lease=None))
    assert status is Status.INCONCLUSIVE
    assert len(findings) == 1


# --- what is refused


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"servers": ("2001:db8::1",)}, "IPv4"),
        ({"network": "2001:db8::/64"}, "IPv4"),
        ({"pool": Pool(first="10.20.0.99", last="10.20.0.50")}, "first"),
        ({"pool": Pool(first="10.21.0.1", last="10.21.0.50")}, "network"),
        ({"window": 0.5}, "window"),
        ({"mac": "01:00:5e:00:00:01"}, "group"),
    ],
    ids=["v6-server", "v6-network", "pool-order", "pool-outside", "window", "group"],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Dhcp(**PLAN | changed)


@pytest.mark.parametrize(
    "value",
    [
        "43",
        {"x": "1"},
        {"0": "1"},
        {"255": "1"},
        {"53": "1"},
        {"54": "1"},
        {"43": ""},
        {"43": True},
        {"43": "0xf"},
        {"43": None},
    ],
)
def test_options_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        parse_options(value)


def test_options_have_one_form() -> None:
    assert parse_options({43: "0XF1 04", "026": 1400}) == {"43": "0xf104", "26": "1400"}
    assert parse_options(parse_options({43: "0XF104"})) == {"43": "0xf104"}


def test_a_rogue_that_answers_alone_in_the_servers_name_is_given_away_by_arp() -> None:
    rogue = reply(mac=OTHER_MAC)
    status, findings = judged(CHECK, seen(rogue))
    assert status is Status.INCONCLUSIVE, findings
    (finding,) = bad(findings)
    assert (finding.subject, OTHER_MAC in (finding.observed or "")) == (f"{SERVER} card", True)
    assert judged(CHECK, seen(rogue, claims=()))[0] is Status.PASS
    relayed = reply(mac=OTHER_MAC, fields={"relay": "10.20.0.2"})
    assert judged(CHECK, seen(relayed))[0] is Status.PASS
