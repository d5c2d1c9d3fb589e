"""The ways a firewall and a routing table say no, as the kernel tells them, in a namespace of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.lab import need

RULES = """
table inet guard {
  chain in {
    type filter hook input priority 0;
    tcp dport 81 drop
    tcp dport 82 reject with tcp reset
    tcp dport 83 reject with icmpx type admin-prohibited
    tcp dport 84 reject with icmpx type host-unreachable
    tcp dport 85 reject
  }
}
"""
SCRIPT = """
import asyncio, json, socket
from checks.network.closed import Closed
from checks.network.tcp import Tcp
from checks.vantage import Shared, Vantage

async def look(target, port):
    check = Tcp(target=target, port=port)
    seen = await check.observe(Vantage(Shared(), allowance=4))
    (finding,) = check.judge(seen)
    return seen.attempts[0].outcome, finding.status

async def main():
    servers = [socket.create_server(("127.0.0.1", port)) for port in range(80, 86)]
    servers.append(socket.create_server(("::1", 80), family=socket.AF_INET6))
    found = {f"{port}": await look("127.0.0.1", port) for port in range(80, 87)}
    found["v6"] = await look("::1", 80)
    found["no route"] = await look("192.0.2.1", 80)
    found["no route v6"] = await look("2001:db8::1", 80)
    found["forbidden route"] = await look("198.51.100.1", 80)
    for name, control in (("control", "127.0.0.1:80"), ("no control", "127.0.0.1:86")):
        check = Closed(target="127.0.0.1", ports=(81, 82, 83), control=control)
        seen = await check.observe(Vantage(Shared(), allowance=6))
        found[name] = sorted({finding.status for finding in check.judge(seen)})
    print(json.dumps(found))

asyncio.run(main())
"""


@pytest.mark.lab
def test_what_the_kernel_says(tmp_path):
    need("ip", "nft", "unshare")
    rules, script = tmp_path / "rules", tmp_path / "script.py"
    rules.write_text(RULES)
    script.write_text(SCRIPT)
    steps = (
        f"ip link set lo up && ip route add prohibit 198.51.100.0/24 && nft -f {rules} && exec $0 {script}"
    )
    out = subprocess.run(
        ["unshare", "--net", "sh", "-c", steps, sys.executable],
        capture_output=True, text=True, timeout=60, check=False,
        env={"PYTHONPATH": ".", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert json.loads(out.stdout) == {
        "80": ["open", "pass"],
        "81": ["timeout", "fail"],
        "82": ["refused", "fail"],
        "83": ["unreachable", "fail"],
        "84": ["unreachable", "fail"],
        "85": ["refused", "fail"],
        "86": ["refused", "fail"],
        "v6": ["open", "pass"],
        "no route": ["no_route", "fail"],
        "no route v6": ["no_route", "fail"],
        "forbidden route": ["barred", "inconclusive"],
        "control": ["pass"],
        "no control": ["inconclusive"],
    }
