"""The guest itself: its kernel tags VLANs and filters them in a bridge, and nothing it writes stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.guest import need_guest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("guest"), pytest.mark.timeout(600)]

TRUNK = """set -e
ip netns add sw
ip link add c0 type veth peer name p1 netns sw
ip -n sw link add br0 type bridge vlan_filtering 1
ip -n sw link set p1 master br0; ip -n sw link set p1 up; ip -n sw link set br0 up; ip link set c0 up
ip netns exec sw bridge vlan add dev p1 vid 20; ip netns exec sw bridge vlan add dev br0 vid 20 self
ip -n sw link add link br0 name br0.20 type vlan id 20
ip -n sw addr add 10.20.0.1/24 dev br0.20; ip -n sw link set br0.20 up
ip link add link c0 name c0.20 type vlan id 20; ip addr add 10.20.0.2/24 dev c0.20; ip link set c0.20 up
"""


def test_a_bridge_of_the_guest_carries_the_vlans_of_its_trunk_only() -> None:
    guest = need_guest("ip", "bridge", "ping")
    try:
        made = guest.run(TRUNK)
        assert made.returncode == 0, made.stderr
        reached = "for i in $(seq 20); do ping -c1 -W1 10.20.0.1 >&2 && exit 0; done; exit 1"
        assert guest.run(reached).returncode == 0
        cut = guest.run("ip netns exec sw bridge vlan del dev p1 vid 20; ping -c2 -W1 10.20.0.1")
        assert cut.returncode == 1, cut.stdout
    finally:
        guest.run("ip link del c0; ip netns del sw")


def test_what_the_guest_writes_does_not_stay(tmp_path: Path) -> None:
    guest = need_guest()
    name = Path("/var/tmp") / f"gonogo-{tmp_path.name}-{guest.folder.name}"
    done = guest.run(f"echo x > {name} && cat {name}")
    assert (done.returncode, done.stdout) == (0, "x\n")
    assert not name.exists()


def test_a_script_that_does_not_end_is_told() -> None:
    with pytest.raises(TimeoutError, match="sleep 30"):
        need_guest().run("sleep 30", timeout_s=0.5)
