"""mail.smtp through a firewall that forbids port 25, and against a server that lacks IPv6, in namespaces."""

from __future__ import annotations

import asyncio

import pytest

from checks.mail.smtp import Smtp
from checks.vantage import Shared, Vantage
from checks.words import worst
from tests.lab import need
from tests.lab.mailserver import postfix
from tests.lab.namespaces import Lab, link

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab():
    """A laptop beside a mail server and a second one (the control), each with IPv4 and IPv6."""
    need("postfix", "nft", "setsid")
    with Lab() as made:
        laptop, hosts = made.namespace("laptop"), []
        for number, role in enumerate(("server", "control"), 1):
            host = made.namespace(role)
            link(laptop, f"to-{role}", host, "eth0")
            laptop.ip(
                f"address add 10.9.{number}.1/24 dev to-{role}",
                f"address add fd09:{number}::1/64 dev to-{role}",
            )
            host.ip(f"address add 10.9.{number}.2/24 dev eth0", f"address add fd09:{number}::2/64 dev eth0")
            hosts.append(host)
        server, control = hosts
        with (
            postfix(addresses=("10.9.1.2", "fd09:1::2"), inside=server) as mail,
            postfix(addresses=("10.9.2.2", "fd09:2::2"), inside=control, hostname="control.example"),
        ):
            yield laptop, server, mail


def look(laptop, host="10.9.1.2", control="10.9.2.2"):
    check = Smtp(host=host, control=control, starttls="optional")

    def inside():
        return asyncio.run(check.observe(Vantage(Shared(), allowance=5)))

    findings = list(check.judge(laptop.call(inside)))
    return worst(finding.status for finding in findings), findings


OUT = "table inet block {{\nchain out {{\ntype filter hook output priority 0;\n{rule}\n}}\n}}\n"
IN_IPV6 = "table ip6 block {\nchain in {\ntype filter hook input priority 0;\ntcp dport 25 drop\n}\n}\n"


@pytest.mark.parametrize("rule", ["tcp dport 25 drop", "tcp dport 25 reject with tcp reset"])
def test_port_25_that_is_blocked_to_everybody_is_not_the_server_s_fault(lab, rule):
    laptop, _, _ = lab
    assert look(laptop)[0] == "pass"
    laptop.nft(OUT.format(rule=rule))
    try:
        assert look(laptop)[0] == "inconclusive"
        assert look(laptop, control=None)[0] == "inconclusive"
    finally:
        laptop.nft("delete table inet block")


def test_a_dead_server_beside_a_control_that_lives(lab):
    laptop, _, mail = lab
    mail.stop()
    try:
        status, findings = look(laptop)
        assert status == "fail", findings
        assert look(laptop, control=None)[0] == "inconclusive"
    finally:
        mail.start()
    assert look(laptop)[0] == "pass"


def test_only_ipv6_is_dead(lab):
    laptop, server, _ = lab
    assert look(laptop, host="fd09:1::2", control="fd09:2::2")[0] == "pass"
    server.nft(IN_IPV6)
    try:
        assert look(laptop, host="fd09:1::2", control="fd09:2::2")[0] == "fail"
        assert look(laptop, host="fd09:1::2", control="10.9.2.2")[0] == "inconclusive"
        assert look(laptop)[0] == "pass"
    finally:
        server.nft("delete table ip6 block")
